"""An authorization request while the user logs in and decides: a row, bound to one browser by its own cookie.

The browser carries only the id of the row, so a tampered form or URL changes nothing (CVE-2026-7571 in Keycloak), and
the cookie, so that nobody else can continue with it (RFC 6749 §10.12). See docs/decisions/008-interactions.md.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from oauth.authorize.request import AuthorizationRequest
from oauth.conf import conf
from oauth.errors import InvalidRequest
from oauth.infrastructure import browser_binding
from oauth.infrastructure.form_action import form_action
from oauth.infrastructure.hosts import host_of
from oauth.infrastructure.rows import insert
from oauth.models import Client, StoredInteraction
from oauth.models.secret import digest, new_secret
from oauth.parameters import Parameters
from oauth.sessions.authentication_context import AuthenticationContext

_PAGE = "oauth:authorize"
_PARAMETER = "interaction"
_UNKNOWN = _("This login took too long, or it began in another browser. Start again from the app.")
# The `next` of a login page may lead to another login page, whose `next` leads to the interaction.
_MOST_DETOURS = 3


@dataclass(frozen=True, slots=True)
class Interaction:
    """The data that the steps use: a valid request, its client, and the user at the browser.

    `http_request` gives the user and their session. `login` tells how and when the user logged in; None if nobody is
    logged in. `row` is None until `start` has stored the request; a request that is answered without a page is never
    stored. `path` leads back to it. `secret` is the value of the browser's cookie. `form` is the page as the user
    sent it; None if they have not been asked yet. `dropped` are the ids of older interactions of this browser that made
    room for a new one.
    """

    http_request: HttpRequest
    request: AuthorizationRequest
    client: Client
    login: AuthenticationContext | None
    id: str = ""
    path: str = ""
    form: Parameters | None = None
    row: StoredInteraction | None = None
    secret: str = field(default="", repr=False)
    is_new: bool = False
    dropped: tuple[str, ...] = ()

    @property
    def user(self) -> Any:
        return self.http_request.user

    @property
    def is_answered(self) -> bool:
        return self.row is not None and self.row.answered_at is not None


class InteractionOver(InvalidRequest):
    """The interaction is over: nobody can continue with it. `expired` is the interaction if it was never answered: its
    user can still go back.
    """

    def __init__(self, description: str, *, expired: StoredInteraction | None = None) -> None:
        super().__init__(description)
        self.expired = expired


@dataclass(frozen=True, slots=True)
class AskingClient:
    """An app that waits for its user in this browser. `path` leads on to its consent page. `form_action` must be in
    the Content-Security-Policy of a page whose form leads there."""

    name: str
    host: str
    form_action: tuple[str, ...]
    login_hint: str
    interaction: str
    path: str
    client: Client


def start(interaction: Interaction, *, shown_to: Any = None) -> Interaction:
    """Stores the request, unless it is stored already; the result has a row. The page must bind the browser to it."""
    if interaction.row is not None:
        return interaction
    now, secret = timezone.now(), new_secret()
    row = StoredInteraction(
        id=secrets.token_urlsafe(16),
        browser_digest=digest(secret),
        client=interaction.client,
        user=shown_to,
        request=interaction.request.to_json(),
        created_at=now,
        expires_at=now + conf.INTERACTION_LIFETIME,
    )
    dropped = _make_room(interaction.http_request)
    insert(row)
    return replace(interaction, id=row.pk, path=path_of(row.pk), row=row, secret=secret, is_new=True, dropped=dropped)


def show(interaction: Interaction) -> Interaction:
    """Stores the request, and to whom its consent page is shown: nobody else can answer it."""
    row = interaction.row
    if row is None:
        return start(interaction, shown_to=interaction.user)
    if row.user_id != interaction.user.pk:
        StoredInteraction.objects.filter(pk=row.pk, answered_at=None).update(user=interaction.user.pk)
    return interaction


def load(
    http_request: HttpRequest, interaction_id: str, login: AuthenticationContext | None, form: Parameters | None = None
) -> Interaction:
    """Raises InvalidRequest if this browser has no such request, if it is too old, or if its client was disabled.

    The parameters are those that were validated at the start. A user can go back to the client even when it is too
    late to continue.
    """
    secret = browser_binding.secrets_of(http_request).get(interaction_id, "")
    row = StoredInteraction.objects.select_related("client").filter(pk=interaction_id).first() if secret else None
    if row is None or not _is_of_browser(row, secret):
        raise InteractionOver(_UNKNOWN)
    if not row.client.is_active:
        raise InvalidRequest(_("The app was disabled in the meantime."))
    goes_back = form is not None and form.get("decision") == "deny"
    if row.has_expired and row.answered_at is None and not goes_back:
        raise InteractionOver(_("This login took too long. Go back to the app and start again."), expired=row)
    request = AuthorizationRequest.from_json(row.request)
    return Interaction(http_request, request, row.client, login, row.pk, path_of(row.pk), form, row, secret)


def lock(interaction: Interaction) -> Interaction:
    """The same interaction with its current row, locked so that nobody else can answer it until the transaction
    ends.
    """
    if interaction.row is None:
        return interaction
    row = StoredInteraction.objects.select_for_update().filter(pk=interaction.row.pk).first()
    if row is None:
        raise InteractionOver(_UNKNOWN)
    return replace(interaction, row=row)


def waiting(http_request: HttpRequest) -> list[AskingClient]:
    """The apps that wait for their user in this browser: each once, with its newest request; the newest first."""
    newest: dict[int, AskingClient] = {}
    for row in _waiting_rows(http_request, browser_binding.secrets_of(http_request)):
        newest.setdefault(row.client_id, _asking(row))
    return list(newest.values())


def asking_client(http_request: HttpRequest, way_on: str | None = None) -> AskingClient | None:
    """The app to which `way_on` leads, by default the `next` of a login page. None if it leads elsewhere."""
    if way_on is None:
        way_on = http_request.POST.get(REDIRECT_FIELD_NAME) or http_request.GET.get(REDIRECT_FIELD_NAME) or ""
    interaction_id = id_in(way_on)
    secret = browser_binding.secrets_of(http_request).get(interaction_id, "")
    held = {interaction_id: secret} if secret else {}
    return next((_asking(row) for row in _waiting_rows(http_request, held)), None)


def is_of_browser(http_request: HttpRequest, interaction_id: str) -> bool:
    """Whether this browser holds a cookie for it. Only `load` compares the cookie with the row."""
    return interaction_id in browser_binding.secrets_of(http_request)


def path_of(interaction_id: str) -> str:
    return f"{reverse(_PAGE)}?{urlencode({_PARAMETER: interaction_id})}"


def id_in(way_on: str) -> str:
    """The id of the interaction to which a path of this site leads, directly or through the `next` of other pages;
    empty if it leads to none."""
    for _detour in range(_MOST_DETOURS):
        try:
            parts = urlsplit(way_on)
            query = {name: values[0] for name, values in parse_qs(parts.query, max_num_fields=20).items()}
        except ValueError:
            return ""
        if parts.path == reverse(_PAGE):
            return query.get(_PARAMETER, "")
        way_on = query.get(REDIRECT_FIELD_NAME, "")
    return ""


def _waiting_rows(http_request: HttpRequest, held: dict[str, str]) -> Iterator[StoredInteraction]:
    if not held:
        return
    rows = StoredInteraction.objects.select_related("client").filter(
        pk__in=held, answered_at=None, expires_at__gt=timezone.now(), client__is_active=True
    )
    yield from (row for row in rows.order_by("-created_at") if _is_of_browser(row, held[row.pk]))


def _is_of_browser(row: StoredInteraction, secret: str) -> bool:
    return secrets.compare_digest(bytes(row.browser_digest), digest(secret))


def _asking(row: StoredInteraction) -> AskingClient:
    redirect_uri = row.request["redirect_uri"]
    return AskingClient(
        name=row.client.shown_name,
        host=host_of(redirect_uri),
        form_action=form_action(redirect_uri),
        login_hint=row.request["login_hint"],
        interaction=row.pk,
        path=path_of(row.pk),
        client=row.client,
    )


def _make_room(http_request: HttpRequest) -> tuple[str, ...]:
    """Deletes the oldest rows of a browser that has the maximum number. Returns the ids whose cookies are useless."""
    held = browser_binding.secrets_of(http_request)
    if len(held) < browser_binding.MOST:
        return ()
    rows = StoredInteraction.objects.filter(pk__in=held).only("pk", "browser_digest").order_by("-created_at")
    theirs = [row.pk for row in rows if _is_of_browser(row, held[row.pk])]
    kept, oldest = theirs[: browser_binding.MOST - 1], theirs[browser_binding.MOST - 1 :]
    StoredInteraction.objects.filter(pk__in=oldest).delete()
    return tuple(one for one in held if one not in kept)
