"""Allows one payment of a user at a time, so that parallel payments cannot bypass limits on sums over all of their
accounts and apps.
"""

from uuid import UUID

from oauth.infrastructure.rows import rows


def lock_payer(user_id: UUID) -> None:
    """Waits for the user's other payments; held until this transaction ends.

    Locks on accounts do not suffice: two payments from two accounts would not see each other. Take this lock before
    any account is locked.
    """
    rows("SELECT lock_payer(%s::uuid)", [user_id])
