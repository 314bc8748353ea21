"""Advice about client authentication."""

from django.utils.translation import gettext_lazy as _

from oauth.clients.advice.rule import Advice, Level, moves_something, rule
from oauth.models import Client
from oauth.models.client import AuthenticationMethod


@rule
def assertions_for_endpoints(client: Client) -> Advice | None:
    is_signed = client.token_endpoint_auth_method == AuthenticationMethod.PRIVATE_KEY_JWT
    if not is_signed or not client.accepts_endpoint_audience or client.is_fapi:
        return None
    return Advice(
        Level.WEAK,
        _("The client may send client assertions that name an endpoint or several audiences."),
        _("A malicious server that claims the same endpoint can replay the assertions that it receives here."),
        _("Let the client send only the issuer as aud, then untick “endpoint addresses as audience”."),
        "draft-ietf-oauth-rfc7523bis",
        "accepts_endpoint_audience",
    )


@rule
def secret_in_the_body(client: Client) -> Advice | None:
    if client.token_endpoint_auth_method != AuthenticationMethod.SECRET_POST:
        return None
    return Advice(
        Level.WEAK,
        _("The client sends its secret in the body of requests."),
        _("Request bodies are logged more often than the Authorization header."),
        _("Use client_secret_basic, or better private_key_jwt."),
        "RFC 6749 §2.3.1",
        "token_endpoint_auth_method",
    )


@rule
def shared_secret(client: Client) -> Advice | None:
    if not client.has_secret:
        return None
    return Advice(
        Level.WEAK if moves_something(client) else Level.KNOW,
        _("The client authenticates with a shared secret."),
        _("Anyone who sees a request, or reads the stored secret, can impersonate the client."),
        _("Use a key (private_key_jwt) or a certificate: the private key never leaves the client."),
        "RFC 9700 §2.5",
        "client_jwks",
    )


@rule
def two_secrets(client: Client) -> Advice | None:
    if not client.has_two_secrets:
        return None
    return Advice(
        Level.KNOW,
        _("The client has two valid secrets at the moment."),
        _("Until the old secret expires, either of them can leak."),
        _("Retire the old secret as soon as the client uses the new one."),
        "RFC 9700 §2.5",
    )


@rule
def keys_stored_here(client: Client) -> Advice | None:
    if not (client.client_jwks and client.has_strong_authentication):
        return None
    return Advice(
        Level.KNOW,
        _("The client's public keys are stored here."),
        _("The client cannot rotate its keys. In an emergency, an admin must replace them."),
        _("Enter the URL of the keys (jwks_uri) instead."),
        "OpenID Connect Core §10.1.1",
        "client_jwks_uri",
    )
