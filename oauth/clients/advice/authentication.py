"""Advice about how the client authenticates."""

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
        _("Its client assertions may name an endpoint or several audiences."),
        _("A malicious server that names the same endpoint can use the assertions that it receives at this server."),
        _("Let the client name only the issuer in “aud”, and untick “endpoint addresses as audience”."),
        "draft-ietf-oauth-rfc7523bis",
        "accepts_endpoint_audience",
    )


@rule
def secret_in_the_body(client: Client) -> Advice | None:
    if client.token_endpoint_auth_method != AuthenticationMethod.SECRET_POST:
        return None
    return Advice(
        Level.WEAK,
        _("It sends its secret in the body of requests."),
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
        _("It authenticates with a shared secret."),
        _("Anyone who sees one request, or the place where the secret is stored, can act as the client."),
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
        _("It has two valid secrets at the moment."),
        _("The old one expires by itself; until then either can leak."),
        _("Retire the old one as soon as the client uses the new one."),
        "RFC 9700 §2.5",
    )


@rule
def keys_written_down(client: Client) -> Advice | None:
    if not (client.client_jwks and client.has_strong_authentication):
        return None
    return Advice(
        Level.KNOW,
        _("Its public keys are stored here."),
        _("The client cannot rotate them by itself, and in an emergency an admin must replace them."),
        _("Enter the address of its keys (jwks_uri) instead."),
        "OpenID Connect Core §10.1.1",
        "client_jwks_uri",
    )
