"""Facts about a client that rules of several standards use. Each function returns an Outcome."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from oauth.algorithms import STRONG_SIGNING_ALGORITHMS
from oauth.conf import conf
from oauth.conformance_report.line import Outcome, met, not_applicable, unmet
from oauth.conformance_report.rules.site_facts import written
from oauth.models import Client
from oauth.models.client import (
    AuthenticationMethod,
    GrantType,
    Kind,
    SecurityProfile,
    is_loopback,
    keys,
    validate_redirect_uri,
)
from oauth.models.client.rules import LONGEST_ACCESS_TOKEN


def has_safe_redirect_uris(client: Client) -> Outcome:
    if not client.response_types:
        return not_applicable("The client uses no browser.")
    uris = client.redirect_uris.split()
    if not uris:
        return unmet("The client has no redirect URI.", change="redirect_uris")
    try:
        for uri in uris:
            validate_redirect_uri(uri, kind=client.kind)
    except ValidationError as error:
        return unmet(" ".join(error.messages), change="redirect_uris")
    return met(f"{len(uris)} complete redirect URI{'s' if len(uris) > 1 else ''}, compared character by character.")


def names_no_localhost(client: Client) -> Outcome:
    uris = [uri for uri in client.redirect_uris.split() if uri.startswith("http:")]
    if not uris:
        return not_applicable("The client has no redirect URI on the user's own machine.")
    if named := [uri for uri in uris if urlsplit(uri).hostname == "localhost"]:
        reason = f"{named[0]} names localhost, which can resolve to another machine. Use http://127.0.0.1."
        return unmet(reason, change="redirect_uris")
    return met("The client's loopback addresses are IP literals.")


def uses_http_only_as_a_native_app(client: Client) -> Outcome:
    """FAPI 2.0 §5.3.2.2 item 8: http only for a native client on a loopback interface (RFC 8252 §7.3)."""
    if not client.response_types:
        return not_applicable("The client uses no browser.")
    http = [uri for uri in client.redirect_uris.split() if uri.startswith("http:")]
    if wrong := [uri for uri in http if client.kind not in (Kind.MOBILE, Kind.DEVICE) or not is_loopback(uri)]:
        return unmet(f"{wrong[0]} is http.", change="redirect_uris")
    return met("The client's redirect URIs are https, or loopback addresses of a native app.")


def has_no_implicit_flow(client: Client) -> Outcome:
    if client.allows_grant_type(GrantType.IMPLICIT):
        return unmet("The client may use the implicit flow.", change="grant_types")
    return met("The client gets tokens only from the token endpoint.")


def must_send_pkce(client: Client) -> Outcome:
    if not client.allows_grant_type(GrantType.AUTHORIZATION_CODE):
        return not_applicable("The client uses no authorization code.")
    if not client.must_use_pkce:
        return unmet("The client may send authorization requests without a code_challenge.", change="require_pkce")
    return met("The server refuses the client's authorization requests without a code_challenge (S256).")


def has_bound_tokens(client: Client) -> Outcome:
    if client.must_bind:
        return met("The client's access tokens are bound to its key or certificate.")
    if client.tls_client_certificate_bound_access_tokens:
        return met("The client's access tokens are bound to its certificate.")
    return unmet("The client may use bearer tokens.", change="dpop_bound_access_tokens")


def has_safe_refresh_tokens(client: Client) -> Outcome:
    if not client.allows_grant_type(GrantType.REFRESH_TOKEN):
        return not_applicable("The client gets no refresh token.")
    if client.is_public and not client.must_bind:
        return met("The server rotates the client's refresh tokens. Reuse of an old one revokes the authorization.")
    return met("The client's refresh tokens are bound to its credentials or its key.")


def authenticates(client: Client) -> Outcome:
    if client.is_public:
        return not_applicable("A public client has no credentials.")
    if client.token_endpoint_auth_method == AuthenticationMethod.NONE:
        return unmet("The client is confidential and does not authenticate.", change="token_endpoint_auth_method")
    if client.has_secret and not client.secret_digest:
        return unmet("The client has no secret, so it cannot authenticate.", change="the secret, in the admin")
    return met(f"The client authenticates by {client.token_endpoint_auth_method}.")


def authenticates_strongly(client: Client) -> Outcome:
    if client.has_strong_authentication:
        return met(f"The client authenticates by {client.token_endpoint_auth_method}.")
    return unmet(
        f"The client authenticates with {client.token_endpoint_auth_method}, not with a private key.",
        change="token_endpoint_auth_method",
    )


def names_the_issuer_alone(client: Client) -> Outcome:
    """Met if the server accepts only the issuer as the audience of the client's assertions, as it always does for a
    FAPI client.
    """
    if client.token_endpoint_auth_method != AuthenticationMethod.PRIVATE_KEY_JWT:
        return not_applicable("The client sends no client assertion.")
    if client.security_profile == SecurityProfile.FAPI_CIBA:
        return not_applicable(
            "CIBA §7.1 lets client assertions name the token endpoint or the backchannel authentication endpoint."
        )
    if client.accepts_endpoint_audience and not client.is_fapi:
        return unmet(
            "Client assertions of this client may name endpoints or several audiences.",
            change="accepts_endpoint_audience",
        )
    return met("The server accepts only the issuer, as a string, as the audience of client assertions of this client.")


def pushes_its_requests(client: Client) -> Outcome:
    if not client.response_types:
        return not_applicable("The client uses no browser.")
    if client.must_push:
        return met("The server refuses authorization requests that the client did not push.")
    return unmet(
        "The client may send authorization requests through the browser.",
        change="require_pushed_authorization_requests",
    )


def has_short_access_tokens(client: Client) -> Outcome:
    lifetime = client.access_token_lifetime or conf.ACCESS_TOKEN_LIFETIME
    if timedelta() < lifetime <= LONGEST_ACCESS_TOKEN:
        return met(f"The client's access tokens are valid for {written(lifetime)}.")
    change = "access_token_lifetime" if client.access_token_lifetime else 'OAUTH["ACCESS_TOKEN_LIFETIME"]'
    return unmet(
        f"The client's access tokens are valid for {written(lifetime)}; 15 minutes or less is short.", change=change
    )


def weak_keys(client: Client) -> Iterator[str]:
    """The problems of the client's stored public keys; none if it publishes them at jwks_uri. FAPI 2.0 §5.4 says which
    algorithms are allowed and how strong a key must be.
    """
    if client.client_jwks is not None:
        try:
            keys.validate_jwks(client.client_jwks, signs_by=STRONG_SIGNING_ALGORITHMS)
        except ValueError as error:
            yield str(error)
