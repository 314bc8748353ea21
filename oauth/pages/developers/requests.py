"""Recent requests of an app: the newest events of the audit log about this client, and a sample of requests that the
APIs of this site refused. The sample is some seconds late.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from oauth.clients.self_service.ownership import own_app
from oauth.errors import TemporarilyUnavailable
from oauth.models import AuditEvent, RefusedRequest
from oauth.pages.developers.developer_page import DeveloperPage

MOST = 100
# Matches strings that may be a code, a token, a secret or an ID.
_RANDOM = re.compile(r"[A-Za-z0-9_~+=-]{20,}")
_ABOUT = {
    AuditEvent.Action.ISSUED: gettext_noop("Tokens were issued"),
    AuditEvent.Action.REFUSED: gettext_noop("A request was refused"),
    AuditEvent.Action.ALLOWED: gettext_noop("A user allowed the app"),
    AuditEvent.Action.DENIED: gettext_noop("A user declined"),
    AuditEvent.Action.REVOKED: gettext_noop("An authorization ended"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """Has no user, address or authorization, because developers must not see users."""

    at: datetime
    what: str
    endpoint: str
    error: str
    error_id: str
    reason: str


class Requests(DeveloperPage):
    """The query uses the index `audit_client`, so it is equally fast for every app."""

    def get(self, request: HttpRequest, client_pk: int) -> HttpResponse:
        client = own_app(request.user, client_pk)
        events = AuditEvent.objects.filter(client=client.client_id).order_by("-id")[:MOST]
        lines = [_line(event, client.client_id) for event in events if event.action in _ABOUT]
        # The API takes the client from a verified token, so nobody else can add rows. Exclude rate limits and outages
        # (429, 5xx), which are not errors of the app.
        refused = RefusedRequest.objects.filter(endpoint="api", client=client.client_id, status__lt=429)
        lines += [_of_api(one) for one in refused.order_by("-id")[:MOST]]
        lines = sorted(lines, key=attrgetter("at"), reverse=True)[:MOST]
        if error_id := request.GET.get("error_id", "").strip():
            lines = [line for line in lines if line.error_id == error_id]
        return self.show("requests", client=client, lines=lines, error_id=error_id, most=MOST)


def _of_api(refused: RefusedRequest) -> Line:
    about, call = _(_ABOUT[AuditEvent.Action.REFUSED]), f"{refused.method} {_RANDOM.sub('…', refused.path)}"
    return Line(refused.at, about, call, refused.error, refused.error_id, "")


def _line(event: AuditEvent, client_id: str) -> Line:
    # Show only reasons of refusals: that of an outage is for the operator, and others may reveal what the user was
    # asked.
    is_told = event.action == AuditEvent.Action.REFUSED and event.error != TemporarilyUnavailable.code
    return Line(
        event.at, _(_ABOUT[AuditEvent.Action(event.action)]), event.endpoint, event.error, event.error_id,
        masked(event.reason, client_id) if is_told else "",
    )  # fmt: skip


def masked(text: str, client_id: str) -> str:
    """ASVS 5.0 16.2.5: masks strings that may be secrets, because the log has values that strangers sent, such as a
    redirect URI with a token.
    """
    return _RANDOM.sub(lambda found: found[0] if found[0] == client_id else f"{found[0][:4]}…", text)
