"""Reads and verifies the credentials of a client."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from oauth.clients import cache
from oauth.clients.authentication import methods, mutual_tls
from oauth.clients.authentication.assertion import UsedBefore
from oauth.clients.authentication.methods import FAILED
from oauth.clients.registration import metadata_document
from oauth.conf import conf
from oauth.errors import InvalidClient, InvalidRequest
from oauth.infrastructure import outage
from oauth.models import Client
from oauth.models.client import AuthenticationMethod
from oauth.models.client.authentication import SECRET_METHODS, TLS_METHODS
from oauth.parameters import Parameters
from oauth.proof import certificate


@dataclass(frozen=True, slots=True)
class Credentials:
    """The unverified credentials of a request: the client that it names, the method, and the proof."""

    client_id: str
    method: str
    #: A secret, an assertion or a certificate; None if the request has none.
    proof: Any = None


def read_credentials(request: HttpRequest, params: Parameters) -> Credentials:
    """Raises InvalidClient, or InvalidRequest if the request uses two methods (RFC 6749 §2.3)."""
    presented = methods.presented(request, params)
    if len(presented) > 1:
        names = " and ".join(name for name, _ in presented)
        raise InvalidRequest(f"A client must use exactly one authentication method; this request uses {names}.")
    if not presented:
        if "client_id" not in params:
            raise InvalidClient("No client credentials: send HTTP Basic, client_assertion, or client_id in the body.")
        return _without_proof(request, params["client_id"])
    [(name, method)] = presented
    client_id, proof = method.read_credentials(request, params)
    if params.get("client_id", client_id) != client_id:
        raise InvalidRequest(f"client_id in the body must be the client of its {name} credentials.")
    if proof == "" and name == AuthenticationMethod.SECRET_BASIC:
        # RFC 6749 §2.3.1: a client may omit an empty secret; some libraries send `Basic id:` instead.
        return _without_proof(request, client_id)
    return Credentials(client_id, name, proof)


def _without_proof(request: HttpRequest, client_id: str) -> Credentials:
    """RFC 8705 §2: a certificate is presented in TLS. The client's registration decides whether it authenticates the
    client.
    """
    presented = certificate.presented_in(request, conf.CLIENT_CERTIFICATE)
    return Credentials(client_id, AuthenticationMethod.NONE.value, presented)


def verify(credentials: Credentials) -> Client:
    """Returns the client if it authenticated with its registered method. Raises InvalidClient (401).

    A client with a secret may send it in either way of RFC 6749 §2.3.1, because some libraries use Basic for codes and
    the body for refresh tokens.
    """
    client = cache.cached(credentials.client_id)
    if client is not None:
        try:
            return _verified(credentials, client)
        except UsedBefore:
            raise
        except InvalidClient:
            pass  # try again with the current row: a cached client must never cause a refusal
    try:
        current = _current(credentials.client_id)
    except outage.ERRORS as away:
        return _verified_in_outage(credentials, away)
    return _verified(credentials, current)


def _verified_in_outage(credentials: Credentials, away: Exception) -> Client:
    """Authenticates with the client as it was when the database was last reachable. Raises `away` if the client was not
    cached then, or if the credentials do not match.

    This suffices for client_credentials with a secret or a certificate. An assertion and every token of a user need the
    database.
    """
    client = cache.cached_in_outage(credentials.client_id)
    if client is None:
        raise away
    try:
        return _verified(credentials, client)
    except InvalidClient:
        raise away from None


def _current(client_id: str) -> Client | None:
    """The current client. Fetches its metadata document if that is unknown or stale, because the client may push a
    request before its first authorization request, or sign with a key that is new in the document.
    """
    if metadata_document.is_address(client_id):
        metadata_document.current_client(client_id)
    return cache.load(client_id)


def _verified(credentials: Credentials, client: Client | None) -> Client:
    if client is None or not client.is_active:
        raise InvalidClient(FAILED, detail=f"client {credentials.client_id!r} is unknown or disabled")
    registered = client.token_endpoint_auth_method
    is_by_certificate = registered in TLS_METHODS and credentials.method == AuthenticationMethod.NONE
    # ASVS 5.0 10.4.10: a confidential client must authenticate with its registered method.
    is_by_secret = registered in SECRET_METHODS and credentials.method in SECRET_METHODS
    if credentials.method != registered and not is_by_certificate and not is_by_secret:
        raise InvalidClient(
            f"This client is registered to authenticate with {registered}, but the request used {credentials.method}."
        )
    # FAPI 2.0 §5.3.2.1, ASVS 5.0 10.4.16: `Client.clean` checks this, too, but the row may have been changed directly.
    if client.is_fapi and not client.has_strong_authentication:
        raise InvalidClient("A client with a FAPI 2.0 profile must authenticate with private_key_jwt or a certificate.")
    if is_by_certificate:
        mutual_tls.verify(credentials.proof, client)
    elif registered != AuthenticationMethod.NONE:
        methods.named(registered).verify(credentials.proof, client)
    return client
