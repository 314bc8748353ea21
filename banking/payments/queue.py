"""One payment of a user at a time: sums over all of their accounts and apps cannot be raced."""

from uuid import UUID

from django.db import connection


def enter(user_id: UUID) -> None:
    """Waits for the user's other payments until this transaction ends. With a lock on an account alone, two payments
    from two accounts would not see each other. Enter the queue before any account is locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"new payees of {user_id}"])
