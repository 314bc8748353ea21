"""Finds the client that sends a request, and verifies its credentials."""

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
    """The client that a request names, and the proof that its method will verify. Nothing is verified yet."""

    client_id: str
    method: str
    #: A secret, an assertion, a certificate; None if the request carries none.
    proof: Any = None


def read_credentials(request: HttpRequest, params: Parameters) -> Credentials:
    """Raises InvalidClient, or InvalidRequest if the request uses two methods (RFC 6749 §2.3)."""
    presented = methods.presented(request, params)
    if len(presented) > 1:
        names = " and ".join(name for name, _ in presented)
        raise InvalidRequest(f"A client must authenticate by one method; this request uses {names}.")
    if not presented:
        if "client_id" not in params:
            raise InvalidClient("No client credentials: send HTTP Basic, client_assertion, or client_id in the body.")
        return _without_proof(request, params["client_id"])
    [(name, method)] = presented
    client_id, proof = method.read_credentials(request, params)
    if params.get("client_id", client_id) != client_id:
        raise InvalidRequest(f"client_id in the body must be the client of its {name} credentials.")
    if proof == "" and name == AuthenticationMethod.SECRET_BASIC:
        # RFC 6749 §2.3.1: a client may leave an empty secret out, and some libraries send it: `Basic id:`.
        return _without_proof(request, client_id)
    return Credentials(client_id, name, proof)


def _without_proof(request: HttpRequest, client_id: str) -> Credentials:
    """RFC 8705 §2: a certificate is presented in TLS. Whether the client authenticates with it follows from its
    registration."""
    presented = certificate.presented_in(request, conf.CLIENT_CERTIFICATE)
    return Credentials(client_id, AuthenticationMethod.NONE.value, presented)


def verify(credentials: Credentials) -> Client:
    """The client that authenticated by the method that it is registered for. Raises InvalidClient (401).

    RFC 6749 §2.3.1 knows two ways to send a secret. A client that has one may use either: it proves the same, and some
    libraries send the code in one way and the refresh token in the other.
    """
    client = cache.cached(credentials.client_id)
    if client is not None:
        try:
            return _verified(credentials, client)
        except UsedBefore:
            raise
        except InvalidClient:
            pass  # it may have changed since, and a cached client must never cause a refusal
    try:
        current = _current(credentials.client_id)
    except outage.ERRORS as away:
        return _verified_in_outage(credentials, away)
    return _verified(credentials, current)


def _verified_in_outage(credentials: Credentials, away: Exception) -> Client:
    """The client as it was when the database last answered. Raises `away` if the client was not known then, or would be
    refused.

    This is enough for client_credentials by a secret or a certificate. A signed assertion and everything that belongs
    to a user need the database again.
    """
    client = cache.cached_in_outage(credentials.client_id)
    if client is None:
        raise away
    try:
        return _verified(credentials, client)
    except InvalidClient:
        raise away from None


def _current(client_id: str) -> Client | None:
    """The client as it is now. If it has a metadata document that is unknown or no longer fresh, fetches it: the client
    may push a request before the authorization endpoint has seen it, or sign with a key that is new in its document.
    """
    if metadata_document.is_address(client_id):
        metadata_document.current_client(client_id)
    return cache.load(client_id)


def _verified(credentials: Credentials, client: Client | None) -> Client:
    if client is None or not client.is_active:
        raise InvalidClient(FAILED, detail=f"client {credentials.client_id!r} is unknown or disabled")
    registered = client.token_endpoint_auth_method
    is_by_certificate = registered in TLS_METHODS and credentials.method == AuthenticationMethod.NONE
    # ASVS 5.0 10.4.10: a confidential client must present its credentials.
    is_by_secret = registered in SECRET_METHODS and credentials.method in SECRET_METHODS
    if credentials.method != registered and not is_by_certificate and not is_by_secret:
        raise InvalidClient(
            f"This client is registered to authenticate with {registered}, but the request used {credentials.method}."
        )
    # FAPI 2.0 §5.3.2.1, ASVS 5.0 10.4.16: checked here, too, in case somebody has changed the row in the database.
    if client.is_fapi and not client.has_strong_authentication:
        raise InvalidClient("A client with a FAPI 2.0 profile must authenticate by private_key_jwt or a certificate.")
    if is_by_certificate:
        mutual_tls.verify(credentials.proof, client)
    elif registered != AuthenticationMethod.NONE:
        methods.named(registered).verify(credentials.proof, client)
    return client
