"""One payment of a user at a time, so that sums over all of their accounts and apps are not raced."""

from uuid import UUID

from oauth.infrastructure.rows import rows


def lock_payer(user_id: UUID) -> None:
    """Waits for the user's other payments; held until this transaction ends.

    Locks on accounts do not suffice: two payments from two accounts would not see each other. Take this lock before
    any account is locked.
    """
    rows("SELECT lock_payer(%s::uuid)", [user_id])
