"""The client authentication methods: ours and those of other apps (`extension`)."""

from typing import Any, Protocol

from django.http import HttpRequest

from oauth.clients.authentication import assertion, basic, imported_secret
from oauth.errors import InvalidClient
from oauth.infrastructure import extensions
from oauth.infrastructure.caches import until_cleared
from oauth.models import Client
from oauth.models.client import AuthenticationMethod
from oauth.models.client.site import site
from oauth.parameters import Parameters

# The same for an unknown client, a wrong secret and a disabled client, so that a stranger learns nothing.
FAILED = "Unknown client, wrong credentials, or the client is disabled."


class Method(Protocol):
    """See `extension.ExtensionMethod`."""

    def is_presented(self, request: HttpRequest, params: Parameters) -> bool: ...
    def read_credentials(self, request: HttpRequest, params: Parameters) -> tuple[str, Any]: ...
    def verify(self, proof: Any, client: Client) -> None: ...


class SecretBasic:
    """RFC 6749 §2.3.1: the secret is in the Authorization header."""

    def is_presented(self, request: HttpRequest, params: Parameters) -> bool:
        return "HTTP_AUTHORIZATION" in request.META

    def read_credentials(self, request: HttpRequest, params: Parameters) -> tuple[str, str]:
        return basic.decode(request.META["HTTP_AUTHORIZATION"])

    def verify(self, proof: str, client: Client) -> None:
        if not client.secret_is(proof) and not imported_secret.prove(client, proof):
            raise InvalidClient(FAILED, detail=f"wrong secret for client {client.client_id!r}")


class SecretPost(SecretBasic):
    """RFC 6749 §2.3.1: the secret is in the body."""

    def is_presented(self, request: HttpRequest, params: Parameters) -> bool:
        return "client_secret" in params

    def read_credentials(self, request: HttpRequest, params: Parameters) -> tuple[str, str]:
        if "client_id" not in params:
            raise InvalidClient("client_secret needs a client_id in the body.")
        return params["client_id"], params["client_secret"]


class PrivateKeyJWT:
    """RFC 7523 §2.2."""

    def is_presented(self, request: HttpRequest, params: Parameters) -> bool:
        return "client_assertion" in params or "client_assertion_type" in params

    def read_credentials(self, request: HttpRequest, params: Parameters) -> tuple[str, str]:
        if params.get("client_assertion_type") != assertion.TYPE:
            raise InvalidClient(f"client_assertion_type must be {assertion.TYPE}.")
        jwt = params.require("client_assertion")
        return assertion.client_id_of(jwt), jwt

    def verify(self, proof: str, client: Client) -> None:
        assertion.verify(proof, client)


_OURS: dict[str, Method] = {
    AuthenticationMethod.SECRET_BASIC.value: SecretBasic(),
    AuthenticationMethod.SECRET_POST.value: SecretPost(),
    AuthenticationMethod.PRIVATE_KEY_JWT.value: PrivateKeyJWT(),
}


def presented(request: HttpRequest, params: Parameters) -> list[tuple[str, Method]]:
    """The names and methods whose credentials the request has."""
    return [one for one in _all() if one[1].is_presented(request, params)]


def named(name: str) -> Method:
    return _OURS.get(name) or extensions.instance(site.values.authentication_methods[name])


@until_cleared
def _all() -> tuple[tuple[str, Method], ...]:
    return (*_OURS.items(), *((name, named(name)) for name in site.values.authentication_methods))
