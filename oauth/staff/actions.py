"""The actions of the admin's lists.

Django offers an action without a permission to every user who may view the list. Here, such actions are off, and so are
those that require only the view permission. So each action, even of a third-party app, requires another permission.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase

from oauth.staff import audit

Action = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponseBase | None]
# Django's action, which asks for confirmation and calls `log_deletions` with the deleted rows.
_TELLS_BY_ITSELF = "delete_selected"


def offered(get_actions: Callable[..., dict[str, Any]], request: HttpRequest, location: Any) -> dict[str, Any]:
    """What Django's `get_actions` returns. Since Django 6.1, it takes the page for which it lists actions."""
    return get_actions(request) if location is None else get_actions(request, action_location=location)


def function(entry: Any) -> Action:
    """The function of an entry: a tuple of function, name and description, or an `Action` since Django 6.1."""
    found: Action = entry[0] if isinstance(entry, tuple) else entry.func
    return found


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


def audited_entry(entry: Any, name: str) -> Any:
    """The entry with the audited function."""
    action = audited(function(entry), name)
    return (action, *entry[1:]) if isinstance(entry, tuple) else replace(entry, func=action)
