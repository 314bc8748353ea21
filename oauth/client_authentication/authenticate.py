"""Which client calls, and how it proved itself."""

from dataclasses import dataclass

from django.http import HttpRequest

from oauth.client_authentication import basic
from oauth.errors import InvalidClient, InvalidRequest
from oauth.models import Client
from oauth.models.client import AuthenticationMethod
from oauth.parameters import Parameters

# One answer for an unknown client, a wrong secret and a disabled client: nothing to learn from it.
_FAILED = "Unknown client, wrong credentials, or the client is disabled."


@dataclass(frozen=True, slots=True)
class ClientAuthentication:
    client: Client
    method: AuthenticationMethod


@dataclass(frozen=True, slots=True)
class _Credentials:
    client_id: str
    secret: str | None
    method: AuthenticationMethod


def authenticate(request: HttpRequest, params: Parameters) -> ClientAuthentication:
    """The client that proved itself by the method it is registered for.

    Raises InvalidClient (401), or InvalidRequest where two methods are used at once (RFC 6749 §2.3).
    """
    credentials = _read(request, params)
    client = Client.objects.filter(client_id=credentials.client_id).first()
    if client is None or not client.is_active:
        raise InvalidClient(_FAILED, detail=f"client {credentials.client_id!r} is unknown or disabled")
    if credentials.method != client.token_endpoint_auth_method:
        # ASVS 5.0 10.4.10: a confidential client never gets by without its credentials.
        raise InvalidClient(
            f"This client is registered to authenticate by {client.token_endpoint_auth_method}, "
            f"the request used {credentials.method}."
        )
    if credentials.secret is not None and not client.secret_is(credentials.secret):
        raise InvalidClient(_FAILED, detail=f"wrong secret for client {client.client_id!r}")
    return ClientAuthentication(client, credentials.method)


def _read(request: HttpRequest, params: Parameters) -> _Credentials:
    header = request.META.get("HTTP_AUTHORIZATION")
    if "client_assertion" in params or "client_assertion_type" in params:
        raise InvalidClient("private_key_jwt is not supported by this server.")
    if header is not None:
        client_id, secret = basic.read(header)
        if "client_secret" in params:
            raise InvalidRequest("Authenticate once: in the Authorization header or in the body, not both.")
        if params.get("client_id", client_id) != client_id:
            raise InvalidRequest("client_id in the body is not the client of the Authorization header.")
        return _Credentials(client_id, secret, AuthenticationMethod.SECRET_BASIC)
    if "client_id" not in params:
        raise InvalidClient("No client credentials: send HTTP Basic, or client_id in the body.")
    if "client_secret" in params:
        return _Credentials(params["client_id"], params["client_secret"], AuthenticationMethod.SECRET_POST)
    return _Credentials(params["client_id"], None, AuthenticationMethod.NONE)
