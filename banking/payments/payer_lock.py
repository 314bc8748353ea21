"""Allows one payment of a user at a time, so that parallel payments cannot bypass limits on sums over all of their
accounts and apps.
"""

from uuid import UUID

from oauth.infrastructure.rows import rows


def lock_payer(user_id: UUID) -> None:
    """Waits for the user's other payments, and holds the lock until this transaction ends. Locks on accounts are not
    enough, because two payments from different accounts would not see each other. Take this lock before locking any
    account.
    """
    rows("SELECT lock_payer(%s::uuid)", [user_id])
