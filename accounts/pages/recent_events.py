"""A user's recent events in the audit log, as sentences for the security page."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from accounts import notices
from accounts.models import User
from oauth.models import AuditEvent, Client

_Action = AuditEvent.Action
# Events that a user can recognize. Tokens are issued too often to be listed.
_SHOWN = (
    _Action.LOGGED_IN,
    _Action.LOGGED_OUT,
    _Action.LOG_IN_CHANGED,
    _Action.ALLOWED,
    _Action.DENIED,
    _Action.REVOKED,
)


@dataclass(frozen=True, slots=True)
class RecentEvent:
    at: datetime
    sentence: str
    address: str


def recent(user: User, most: int = 12) -> list[RecentEvent]:
    theirs = AuditEvent.objects.filter(user=str(user.pk), action__in=_SHOWN)
    # A login from a new browser is already listed as a login.
    events = list(theirs.exclude(reason="new_device").order_by("-id")[:most])
    clients = {event.client for event in events if event.client}
    names = dict(Client.objects.filter(client_id__in=clients).values_list("client_id", "name"))
    return [RecentEvent(event.at, _sentence(event, names), event.address or "") for event in events]


def _sentence(event: AuditEvent, names: dict[str, str]) -> str:
    app = names.get(event.client) or _("a deleted app")
    match event.action:
        case _Action.LOGGED_IN:
            return _("You logged in.")
        case _Action.LOGGED_OUT:
            return _("A browser was logged out.")
        case _Action.ALLOWED:
            return _("You allowed %(app)s.") % {"app": app}
        case _Action.DENIED:
            return _("You denied %(app)s.") % {"app": app}
        case _Action.REVOKED:
            return _("%(app)s lost its access.") % {"app": app}
    return notices.sentence(event.reason)
