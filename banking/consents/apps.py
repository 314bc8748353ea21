"""The apps behind payments and payment orders.

The setting BANK_APPS names a function of the site, `(user_id, client_ids) -> {client_id: App}`. Payments that a user
ordered in the web bank have no app.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

#: Stored as the client of payments that were ordered in the web bank. It contains a space, and no client ID does.
WEB_BANK = "web bank"


@dataclass(frozen=True, slots=True)
class Access:
    """The permissions of the app in one authorization."""

    scopes: Sequence[str]
    authorization_details: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class App:
    """`ended` says why the app may no longer act for the user: `app_disabled` or `app_removed`. It is empty while the
    app may act, and also if its authorizations have only expired. `live` are the authorizations that have not ended.
    `allowed_scopes` are those that staff allow the app for all users; None means every scope.
    """

    name: str
    ended: str = ""
    live: Sequence[Access] = ()
    allowed_scopes: Sequence[str] | None = None


def find_apps(user_id: UUID, client_ids: Iterable[str]) -> Mapping[str, App]:
    asked = frozenset(client_ids) - {WEB_BANK}
    found: Mapping[str, App] = import_string(settings.BANK_APPS)(user_id, asked) if asked else {}
    return found
