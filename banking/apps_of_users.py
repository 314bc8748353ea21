"""The apps behind orders: BANK_APPS names a function (user_id, client_ids) -> {client_id: App} of the site. What was
ordered in the web bank has no app."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

#: What the web bank is called where the API names a client; no client ID holds a space.
WEB_BANK = "web bank"


@dataclass(frozen=True, slots=True)
class App:
    """`ended` says why it may no longer act for the user: `app_disabled`, `app_removed`; empty while it may."""

    name: str
    ended: str = ""


def find(user_id: UUID, client_ids: Iterable[str]) -> Mapping[str, App]:
    asked = frozenset(client_ids) - {WEB_BANK}
    found: Mapping[str, App] = import_string(settings.BANK_APPS)(user_id, asked) if asked else {}
    return found
