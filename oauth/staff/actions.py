"""The actions that a list of the admin offers for several rows at once.

Django offers an action to everybody who may see the list, unless the action names a permission. Here an action without
one is off, and the permission to look is none: what a third party's action changes, a role of ours has to allow.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase

from oauth.staff import audit

Action = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponseBase | None]
# Django's own asks before it deletes, and tells `log_deletions` what it deletes.
_TELLS_BY_ITSELF = "delete_selected"


def is_permitted(action: Action) -> bool:
    """Whether the action names a permission beyond looking; Django then asks the ModelAdmin whether the user has it."""
    return bool(set(getattr(action, "allowed_permissions", ())) - {"view"})


def audited(action: Action, name: str) -> Action:
    """The action and its entry in the audit log in one transaction: both are written, or neither."""
    if name == _TELLS_BY_ITSELF:
        return action

    @wraps(action)
    def act(model_admin: Any, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponseBase | None:
        with transaction.atomic():
            # Read before the action, which may take the rows out of the list.
            selected = list(rows.order_by("pk")[: audit.MOST_NAMED])
            response = action(model_admin, request, rows)
            audit.record(request, name, selected)
        return response

    return act
