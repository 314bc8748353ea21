"""Which client calls, and how it proved itself."""

from dataclasses import dataclass

from django.http import HttpRequest

from oauth.clients import cache
from oauth.clients.authentication import assertion, basic, mutual_tls
from oauth.errors import InvalidClient, InvalidRequest
from oauth.models import Client
from oauth.models.client import AuthenticationMethod
from oauth.parameters import Parameters
from oauth.proof import certificate
from oauth.proof.certificate import Certificate

# One answer for an unknown client, a wrong secret and a disabled client: nothing to learn from it.
_FAILED = "Unknown client, wrong credentials, or the client is disabled."


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request claims and brings as proof; nothing is verified yet."""

    client_id: str
    method: AuthenticationMethod
    secret: str | None = None
    assertion: str | None = None
    certificate: Certificate | None = None


def verify(credentials: Credentials) -> Client:
    """The client that proved itself by the method it is registered for. Raises InvalidClient (401)."""
    client = cache.kept(credentials.client_id)
    if client is not None:
        try:
            return _verified(credentials, client)
        except assertion.UsedBefore:
            raise
        except InvalidClient:
            pass  # perhaps it has changed since: what is kept never refuses
    return _verified(credentials, cache.read(credentials.client_id))


def _verified(credentials: Credentials, client: Client | None) -> Client:
    if client is None or not client.is_active:
        raise InvalidClient(_FAILED, detail=f"client {credentials.client_id!r} is unknown or disabled")
    registered = AuthenticationMethod(client.token_endpoint_auth_method)
    if registered.is_tls and credentials.method == AuthenticationMethod.NONE:
        mutual_tls.verify(credentials.certificate, client)
    elif credentials.method != registered:
        # ASVS 5.0 10.4.10: a confidential client never gets by without its credentials.
        raise InvalidClient(
            f"This client is registered to authenticate by {client.token_endpoint_auth_method}, "
            f"the request used {credentials.method}."
        )
    if client.is_fapi and not client.has_strong_authentication:
        # FAPI 2.0 §5.3.2.1, ASVS 5.0 10.4.16: also where somebody has changed the row.
        raise InvalidClient("This client is registered for FAPI 2.0 and authenticates by private_key_jwt or TLS.")
    if credentials.secret is not None and not client.secret_is(credentials.secret):
        raise InvalidClient(_FAILED, detail=f"wrong secret for client {client.client_id!r}")
    if credentials.assertion is not None:
        assertion.verify(credentials.assertion, client)
    return client


def read(request: HttpRequest, params: Parameters) -> Credentials:
    """Raises InvalidClient, or InvalidRequest where two methods are used at once (RFC 6749 §2.3)."""
    header = request.META.get("HTTP_AUTHORIZATION")
    given = [header is not None, "client_secret" in params, "client_assertion" in params]
    if sum(given) > 1:
        raise InvalidRequest("Authenticate once: by the Authorization header, client_secret or client_assertion.")
    if "client_assertion" in params or "client_assertion_type" in params:
        if params.get("client_assertion_type") != assertion.TYPE:
            raise InvalidClient(f"client_assertion_type is {assertion.TYPE}.")
        jwt = params.require("client_assertion")
        client_id = assertion.client_id_of(jwt)
        _same_client(params, client_id, "client_assertion")
        return Credentials(client_id, AuthenticationMethod.PRIVATE_KEY_JWT, assertion=jwt)
    if header is not None:
        client_id, secret = basic.read(header)
        _same_client(params, client_id, "the Authorization header")
        return Credentials(client_id, AuthenticationMethod.SECRET_BASIC, secret=secret)
    if "client_id" not in params:
        raise InvalidClient("No client credentials: send HTTP Basic, client_assertion, or client_id in the body.")
    if "client_secret" in params:
        return Credentials(params["client_id"], AuthenticationMethod.SECRET_POST, secret=params["client_secret"])
    # RFC 8705 §2: a certificate is presented below HTTP; whether it is meant, the registration says.
    return Credentials(params["client_id"], AuthenticationMethod.NONE, certificate=certificate.of(request))


def _same_client(params: Parameters, client_id: str, where: str) -> None:
    if params.get("client_id", client_id) != client_id:
        raise InvalidRequest(f"client_id in the body is not the client of {where}.")
