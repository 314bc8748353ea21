"""One payment of a user at a time, so that sums over all of their accounts and apps are not raced."""

from uuid import UUID

from django.db import connection


def lock_payer(user_id: UUID) -> None:
    """Waits for the user's other payments; held until this transaction ends.

    Locks on accounts do not suffice: two payments from two accounts would not see each other. Take this lock before
    any account is locked.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"new payees of {user_id}"])
