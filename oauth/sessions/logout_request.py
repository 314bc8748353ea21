"""The logout request of a client (OpenID Connect RP-Initiated Logout §2)."""

from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_noop as _

from oauth import parameters
from oauth.errors import InvalidRequest
from oauth.infrastructure import display_names
from oauth.models import Client
from oauth.parameters import Parameters
from oauth.tokens import id_token, subject


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """A validated request. `redirect_uri` is registered for the client; `subject` and `sid` come from its ID token."""

    client_id: str = ""
    client_name: str = ""
    redirect_uri: str = ""
    state: str | None = None
    subject: str = ""
    sid: str = ""
    #: The error of an invalid request, for the client's developer.
    fault: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "LogoutRequest":
        return cls(**stored)

    @property
    def client(self) -> Client | None:
        return Client.objects.filter(client_id=self.client_id).first() if self.client_id else None

    def checked_again(self) -> "LogoutRequest":
        """For a stored request: without the redirect URI if meanwhile the client was disabled or deleted, or the URI
        was removed from it.
        """
        if not self.redirect_uri or _is_registered(self.redirect_uri, self.client):
            return self
        return faulty(InvalidRequest("post_logout_redirect_uri is no longer registered for this app."))

    @property
    def redirect_host(self) -> str:
        parts = urlsplit(self.redirect_uri)
        return display_names.host(parts.hostname) if parts.hostname else f"{parts.scheme}:"

    def is_from(self, user_id: object, sid: str | None, *, pairwise_key: str) -> bool:
        """Whether the ID token is about this login of this user, who then need not be asked (§6).

        §2: the ID token of another login, such as one on the user's phone (CIBA, device flow) or one that has ended, is
        not sufficient, because the client may not be used in this browser. The ID token of a deleted client is accepted
        unless its subject is pairwise, which can no longer be compared.
        """
        if not self.subject or self.sid != sid:
            return False
        client = self.client
        if client is None:
            return self.subject == str(user_id)
        return self.subject == subject.identifier(client, user_id, pairwise_key=pairwise_key)


def parse(params: Parameters, *, issuer: str) -> LogoutRequest:
    """Treats an invalid request as one without redirect URI and subject, so that the user is asked and stays on this
    site. The browser must not be redirected to an unverified URI (§3).
    """
    try:
        return _parsed(params, issuer)
    except InvalidRequest as refusal:
        return faulty(refusal)


def faulty(refusal: InvalidRequest) -> LogoutRequest:
    return LogoutRequest(fault=refusal.description)


def _parsed(params: Parameters, issuer: str) -> LogoutRequest:
    hint = None
    parameters.refuse_long(params)
    if "id_token_hint" in params:
        hint = id_token.read_hint(params["id_token_hint"], issuer=issuer)
        if hint is None:
            raise InvalidRequest("id_token_hint must be an ID token that this server issued.")
    client_id = params.get("client_id", hint.client_id if hint else "")
    if hint and hint.client_id != client_id:
        raise InvalidRequest("client_id must be the client of id_token_hint.")
    client = Client.objects.filter(client_id=client_id, is_active=True).first() if client_id else None
    redirect_uri = params.get("post_logout_redirect_uri", "")
    if client_id and client is None and (redirect_uri or hint is None):
        raise InvalidRequest(_("No app with this client_id is registered here, or it is disabled."))
    if redirect_uri and client is None:
        raise InvalidRequest("post_logout_redirect_uri must be sent with id_token_hint or client_id.")
    if redirect_uri and not _is_registered(redirect_uri, client):
        raise InvalidRequest("post_logout_redirect_uri must be registered for this app.")
    return LogoutRequest(
        client_id=client_id,
        client_name=client.shown_name if client else "",
        redirect_uri=redirect_uri,
        state=params.get("state"),
        subject=hint.subject if hint else "",
        sid=hint.sid if hint else "",
    )


def _is_registered(redirect_uri: str, client: Client | None) -> bool:
    """Simple string comparison (§2, RFC 9700 §4.11.1)."""
    return client is not None and client.is_active and redirect_uri in client.post_logout_redirect_uris.split()
