"""The actions that a list of the admin offers for selected rows.

Django offers an action to every user who may view the list, unless the action names a permission. Here, an action
without a permission is off, and so is one that needs only the permission to view. So a role must give staff the
permission for each action, also of a third-party app.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase

from oauth.staff import audit

Action = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponseBase | None]
# Django's action asks for confirmation, and calls `log_deletions` with what it deletes.
_TELLS_BY_ITSELF = "delete_selected"


def is_permitted(action: Action) -> bool:
    """Whether the action needs more than the permission to view. Django then checks whether the user has it."""
    return bool(set(getattr(action, "allowed_permissions", ())) - {"view"})


def audited(action: Action, name: str) -> Action:
    """Runs the action and records it in the audit log, in one transaction."""
    if name == _TELLS_BY_ITSELF:
        return action

    @wraps(action)
    def act(model_admin: Any, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponseBase | None:
        with transaction.atomic():
            # Before the action, because afterwards the rows may no longer match the list.
            selected = list(rows.order_by("pk")[: audit.MOST_NAMED])
            response = action(model_admin, request, rows)
            audit.record(request, name, selected)
        return response

    return act
