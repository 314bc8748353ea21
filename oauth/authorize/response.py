"""The authorization response (RFC 6749 §4.1.2), with `iss` on success and on error (RFC 9207 §2)."""

import time
from typing import Protocol

from oauth.authorize import response_modes
from oauth.authorize.outcome import Refuse, Respond
from oauth.authorize.response_modes import Delivery
from oauth.conf import conf
from oauth.errors import OAuthError
from oauth.models import Client
from oauth.tokens.signing import signer

SIGNED_RESPONSE_SECONDS = 600


class Destination(Protocol):
    """The validated redirect URI of a request, which may be otherwise invalid."""

    @property
    def redirect_uri(self) -> str: ...
    @property
    def response_type(self) -> str: ...
    @property
    def response_mode(self) -> str: ...
    @property
    def state(self) -> str | None: ...


def success(to: Destination, client: Client, parameters: dict[str, str]) -> Respond:
    """`parameters` has the code, or the token of the implicit flow."""
    return Respond(_delivery(to, client, parameters))


def error(to: Destination, client: Client, refusal: OAuthError) -> Refuse:
    parameters = {"error": refusal.code, "error_description": refusal.told}
    return Refuse(_delivery(to, client, parameters), client, refusal)


def _delivery(to: Destination, client: Client, parameters: dict[str, str]) -> Delivery:
    parameters = parameters | ({} if to.state is None else {"state": to.state}) | {"iss": conf.ISSUER}
    if response_modes.is_signed(to.response_mode):
        parameters = {"response": _signed(client, parameters)}
    return response_modes.mode(to.response_mode, to.response_type).deliver(to.redirect_uri, parameters)


def _signed(client: Client, parameters: dict[str, str]) -> str:
    """JARM §2.1: the response as a JWT for this client, valid for ten minutes."""
    payload = {**parameters, "aud": client.client_id, "exp": int(time.time()) + SIGNED_RESPONSE_SECONDS}
    return signer(typ="JWT", algorithm=client.authorization_response_algorithm).encode(payload)
