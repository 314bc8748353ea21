"""The database functions that change an account or the access to it (migration 0033). Nothing else can change them: the
site's role has no right to write these columns.
"""

from typing import Any
from uuid import UUID

from django.db import connection

from banking.models import AccountAct


def call(function: str, *values: Any) -> bool:
    """Calls the function and returns whether it made the change. `function` is a name from this code, never from a
    request.
    """
    marks = ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}({marks})", values)
        is_done: bool = cursor.fetchone()[0]
        return is_done


def last_act(account_id: UUID, *, user_id: UUID | None = None) -> AccountAct:
    """The act that was just recorded for the account, or for a user's access to it."""
    return AccountAct.objects.filter(account_id=account_id, user_id=user_id).latest("id")
