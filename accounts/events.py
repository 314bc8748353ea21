"""What happened lately, in plain words, from the audit log."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from accounts import notices
from accounts.models import User
from oauth.models import AuditEvent, Client

_Action = AuditEvent.Action
# What a person recognises as something that they, an app or a stranger did. Tokens are issued all the time.
_SHOWN = (
    _Action.LOGGED_IN,
    _Action.LOGGED_OUT,
    _Action.LOG_IN_CHANGED,
    _Action.ALLOWED,
    _Action.DENIED,
    _Action.REVOKED,
)


@dataclass(frozen=True, slots=True)
class Happening:
    at: datetime
    sentence: str
    address: str


def recent(user: User, most: int = 12) -> list[Happening]:
    theirs = AuditEvent.objects.filter(user=str(user.pk), action__in=_SHOWN)
    # The log-in itself stands beside it.
    events = list(theirs.exclude(reason="new_device").order_by("-id")[:most])
    clients = {event.client for event in events if event.client}
    names = dict(Client.objects.filter(client_id__in=clients).values_list("client_id", "name"))
    return [Happening(event.at, _sentence(event, names), event.address or "") for event in events]


def _sentence(event: AuditEvent, names: dict[str, str]) -> str:
    app = names.get(event.client) or _("an app that is gone")
    match event.action:
        case _Action.LOGGED_IN:
            return _("You logged in.")
        case _Action.LOGGED_OUT:
            return _("A browser was logged out.")
        case _Action.ALLOWED:
            return _("You let %(app)s in.") % {"app": app}
        case _Action.DENIED:
            return _("You did not let %(app)s in.") % {"app": app}
        case _Action.REVOKED:
            return _("%(app)s lost its access.") % {"app": app}
    return notices.sentence(event.reason)
