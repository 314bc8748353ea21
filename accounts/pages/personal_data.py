"""All data about a user as one JSON file (GDPR articles 15 and 20).

settings.PERSONAL_DATA names functions that return (section, rows) pairs for a user, so that each package adds its own
tables. The response is streamed, so memory does not grow with the history.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.module_loading import import_string

from accounts.login import recent_proof
from accounts.models import TrustedBrowser, User
from oauth.models import AuditEvent, Authorization, Session

Section = tuple[str, Iterable[Mapping[str, object]]]


@recent_proof.required
def download(request: HttpRequest) -> HttpResponseBase:
    response = StreamingHttpResponse(_json(request.user), content_type="application/json")
    response["Content-Disposition"] = 'attachment; filename="my-data.json"'
    response["Cache-Control"] = "private, no-store"
    return response


def of_user(user: User) -> Iterator[Section]:
    yield (
        "profile",
        User.objects.filter(pk=user.pk).values(
            "id", "email", "name", "language", "time_zone", "date_joined", "last_login"
        ),
    )
    addresses: Any = user.emailaddress_set
    yield "email_addresses", addresses.values("email", "verified", "primary")
    # Leave out the secrets of second factors.
    yield "second_factors", Authenticator.objects.filter(user=user).values("type", "created_at", "last_used_at")
    yield "other_sites", SocialAccount.objects.filter(user=user).values("provider", "date_joined", "extra_data")
    UserSession.objects.purge_and_list(user)  # deletes rows of ended sessions
    browsers = UserSession.objects.filter(user=user)
    yield "trusted_browsers", TrustedBrowser.objects.filter(user=user).values("created_at", "address", "user_agent")
    yield "browser_sessions", browsers.values("created_at", "last_seen_at", "ip", "user_agent")


def of_apps(user: User) -> Iterator[Section]:
    yield (
        "log_ins",
        Session.objects.filter(user=user).values(
            "id", "auth_time", "acr", "amr", "created_at", "ended_at", "end_reason"
        ),
    )
    yield "authorizations", Authorization.objects.filter(user=user).values(
        "id", "client__client_id", "client__name", "scopes", "authorization_details", "created_at", "last_used_at",
        "expires_at", "revoked_at", "revocation_reason",
    )  # fmt: skip
    events = AuditEvent.objects.filter(user=str(user.pk))
    yield "events", events.values("at", "action", "endpoint", "client", "address", "error", "reason").iterator()


def _json(user: Any) -> Iterator[str]:
    sections = (section for path in settings.PERSONAL_DATA for section in import_string(path)(user))
    encoder = DjangoJSONEncoder()
    for number, (name, rows) in enumerate(sections):
        yield f"{',' if number else '{'}\n{json.dumps(name)}: ["
        for row_number, row in enumerate(rows):
            yield f"{',' if row_number else ''}\n{encoder.encode(row)}"
        yield "]"
    yield "\n}\n"
