"""The actions of the admin's lists.

Django offers an action without a permission to every user who may view the list. Here, such actions are off, and so are
those that require only the view permission. So each action, even of a third-party app, requires another permission.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase

from oauth.staff import audit

Action = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponseBase | None]
# Django's action, which asks for confirmation and calls `log_deletions` with the deleted rows.
_TELLS_BY_ITSELF = "delete_selected"


def is_permitted(action: Action) -> bool:
    """Whether the action requires more than the view permission. Django then checks whether the user has it."""
    return bool(set(getattr(action, "allowed_permissions", ())) - {"view"})


def audited(action: Action, name: str) -> Action:
    """A function that runs the action and records it in the audit log, in one transaction."""
    if name == _TELLS_BY_ITSELF:
        return action

    @wraps(action)
    def act(model_admin: Any, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponseBase | None:
        with transaction.atomic():
            # Read the rows before the action, because afterwards they may no longer match the query.
            selected = list(rows.order_by("pk")[: audit.MOST_NAMED])
            response = action(model_admin, request, rows)
            audit.record(request, name, selected)
        return response

    return act
