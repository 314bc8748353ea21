"""An authorization request while the user logs in and decides: a row that a cookie binds to one browser.

The browser sends only the ID of the row, so tampering with a form or URL has no effect (CVE-2026-7571 in Keycloak). The
cookie prevents others from continuing the request (RFC 6749 §10.12). See docs/decisions/008-interactions.md.
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
# How many nested `next` parameters are followed: a login page may lead to another login page, which leads to the
# interaction.
_MOST_DETOURS = 3


@dataclass(frozen=True, slots=True)
class Interaction:
    """The data that the steps use: a valid request, its client, and the user of the browser.

    `http_request` has the user and the browser session. `login` says how and when the user logged in; None if nobody is
    logged in. `row` is None until `start` stores the request; a request that is answered without a page is never
    stored. `path` is the URL path of the stored interaction. `secret` is the value of the browser's cookie. `form` is
    the submitted consent page; None before that. `dropped` are the IDs of older interactions of this browser that were
    deleted for this one.
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
    """The interaction cannot be continued. `expired` is its row if it was never answered; the user can then still go
    back to the client.
    """

    def __init__(self, description: str, *, expired: StoredInteraction | None = None) -> None:
        super().__init__(description)
        self.expired = expired


@dataclass(frozen=True, slots=True)
class AskingClient:
    """An app that waits for its user in this browser. `path` is the interaction. A page with a form that leads to the
    app must have `form_action` in its Content-Security-Policy.
    """

    name: str
    host: str
    form_action: tuple[str, ...]
    login_hint: str
    interaction: str
    path: str
    client: Client


def start(interaction: Interaction, *, shown_to: Any = None) -> Interaction:
    """Stores the request, unless it is already stored. The caller must set the cookie that binds the interaction to the
    browser.
    """
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
    """Stores the request and the user to whom the consent page is shown. Nobody else can answer that page."""
    row = interaction.row
    if row is None:
        return start(interaction, shown_to=interaction.user)
    if row.user_id != interaction.user.pk:
        StoredInteraction.objects.filter(pk=row.pk, answered_at=None).update(user=interaction.user.pk)
    return interaction


def load(
    http_request: HttpRequest, interaction_id: str, login: AuthenticationContext | None, form: Parameters | None = None
) -> Interaction:
    """Loads a stored interaction. Raises InvalidRequest if this browser has no such interaction, if it has expired, or
    if its client was disabled.

    The parameters are those validated when it was stored. A user can still deny an expired request, which leads back to
    the client.
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
    """The interaction with its current row, locked until the transaction ends, so that no parallel request can answer
    it.
    """
    if interaction.row is None:
        return interaction
    row = StoredInteraction.objects.select_for_update().filter(pk=interaction.row.pk).first()
    if row is None:
        raise InteractionOver(_UNKNOWN)
    return replace(interaction, row=row)


def waiting(http_request: HttpRequest) -> list[AskingClient]:
    """The apps that wait for their user in this browser, newest first, each with its newest request."""
    newest: dict[int, AskingClient] = {}
    for row in _waiting_rows(http_request, browser_binding.secrets_of(http_request)):
        newest.setdefault(row.client_id, _asking(row))
    return list(newest.values())


def asking_client(http_request: HttpRequest, next_url: str | None = None) -> AskingClient | None:
    """The app to which `next_url` (by default, the `next` of the current page) leads. None if it leads to none."""
    if next_url is None:
        next_url = http_request.POST.get(REDIRECT_FIELD_NAME) or http_request.GET.get(REDIRECT_FIELD_NAME) or ""
    interaction_id = id_in(next_url)
    secret = browser_binding.secrets_of(http_request).get(interaction_id, "")
    held = {interaction_id: secret} if secret else {}
    return next((_asking(row) for row in _waiting_rows(http_request, held)), None)


def is_of_browser(http_request: HttpRequest, interaction_id: str) -> bool:
    """Whether this browser has a cookie for this interaction. Only `load` compares the cookie with the row."""
    return interaction_id in browser_binding.secrets_of(http_request)


def path_of(interaction_id: str) -> str:
    return f"{reverse(_PAGE)}?{urlencode({_PARAMETER: interaction_id})}"


def id_in(next_url: str) -> str:
    """The ID of the interaction to which a path of this site leads, directly or through nested `next` parameters; empty
    if there is none.
    """
    for _detour in range(_MOST_DETOURS):
        try:
            parts = urlsplit(next_url)
            query = {name: values[0] for name, values in parse_qs(parts.query, max_num_fields=20).items()}
        except ValueError:
            return ""
        if parts.path == reverse(_PAGE):
            return query.get(_PARAMETER, "")
        next_url = query.get(REDIRECT_FIELD_NAME, "")
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
    """If the browser has the maximum number of interactions, deletes the oldest. Returns the IDs whose cookies can be
    deleted.
    """
    held = browser_binding.secrets_of(http_request)
    if len(held) < browser_binding.MOST:
        return ()
    rows = StoredInteraction.objects.filter(pk__in=held).only("pk", "browser_digest").order_by("-created_at")
    theirs = [row.pk for row in rows if _is_of_browser(row, held[row.pk])]
    kept, oldest = theirs[: browser_binding.MOST - 1], theirs[browser_binding.MOST - 1 :]
    StoredInteraction.objects.filter(pk__in=oldest).delete()
    return tuple(one for one in held if one not in kept)
