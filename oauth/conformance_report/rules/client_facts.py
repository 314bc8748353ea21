"""Facts about a client that several standards use. Each function answers with an Outcome."""

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
        return not_applicable("It uses no browser.")
    uris = client.redirect_uris.split()
    if not uris:
        return unmet("It has no redirect URI.", change="redirect_uris")
    try:
        for uri in uris:
            validate_redirect_uri(uri, kind=client.kind)
    except ValidationError as error:
        return unmet(" ".join(error.messages), change="redirect_uris")
    return met(f"{len(uris)} complete redirect URI{'s' if len(uris) > 1 else ''}, compared character by character.")


def names_no_localhost(client: Client) -> Outcome:
    uris = [uri for uri in client.redirect_uris.split() if uri.startswith("http:")]
    if not uris:
        return not_applicable("It has no redirect URI on the user's own machine.")
    if named := [uri for uri in uris if urlsplit(uri).hostname == "localhost"]:
        reason = f"{named[0]} names localhost, which can resolve to another machine. Use http://127.0.0.1."
        return unmet(reason, change="redirect_uris")
    return met("Its loopback addresses are IP literals.")


def uses_http_only_as_a_native_app(client: Client) -> Outcome:
    """FAPI 2.0 §5.3.2.2 item 8: http only for a native client on a loopback interface (RFC 8252 §7.3)."""
    if not client.response_types:
        return not_applicable("It uses no browser.")
    http = [uri for uri in client.redirect_uris.split() if uri.startswith("http:")]
    if wrong := [uri for uri in http if client.kind not in (Kind.MOBILE, Kind.DEVICE) or not is_loopback(uri)]:
        return unmet(f"{wrong[0]} is http.", change="redirect_uris")
    return met("Its redirect URIs are https, or loopback addresses of a native app.")


def has_no_implicit_flow(client: Client) -> Outcome:
    if client.allows_grant_type(GrantType.IMPLICIT):
        return unmet("It may use the implicit flow.", change="grant_types")
    return met("It gets tokens from the token endpoint only.")


def must_send_pkce(client: Client) -> Outcome:
    if not client.allows_grant_type(GrantType.AUTHORIZATION_CODE):
        return not_applicable("It uses no authorization code.")
    if not client.must_use_pkce:
        return unmet("It may send authorization requests without a code_challenge.", change="require_pkce")
    return met("The server refuses the client's authorization requests without a code_challenge (S256).")


def has_bound_tokens(client: Client) -> Outcome:
    if client.must_bind:
        return met("Its access tokens are bound to its key or certificate.")
    if client.tls_client_certificate_bound_access_tokens:
        return met("Its access tokens are bound to its certificate.")
    return unmet("It may use bearer tokens.", change="dpop_bound_access_tokens")


def has_safe_refresh_tokens(client: Client) -> Outcome:
    if not client.allows_grant_type(GrantType.REFRESH_TOKEN):
        return not_applicable("It gets no refresh token.")
    if client.is_public and not client.must_bind:
        return met("The server rotates its refresh tokens; reuse of an old one revokes the authorization.")
    return met("Its refresh tokens are bound to its credentials or its key.")


def authenticates(client: Client) -> Outcome:
    if client.is_public:
        return not_applicable("A public client has no credentials.")
    if client.token_endpoint_auth_method == AuthenticationMethod.NONE:
        return unmet("It is confidential and does not authenticate.", change="token_endpoint_auth_method")
    if client.has_secret and not client.secret_digest:
        return unmet("It has no secret, so it cannot authenticate.", change="the secret, in the admin")
    return met(f"It authenticates by {client.token_endpoint_auth_method}.")


def authenticates_strongly(client: Client) -> Outcome:
    if client.has_strong_authentication:
        return met(f"It authenticates by {client.token_endpoint_auth_method}.")
    return unmet(
        f"It authenticates by {client.token_endpoint_auth_method}; it must be private_key_jwt or a certificate.",
        change="token_endpoint_auth_method",
    )


def names_the_issuer_alone(client: Client) -> Outcome:
    """Met if the server accepts only the issuer as the audience of the client's assertions. For a FAPI client, this
    always holds, whatever the field says.
    """
    if client.token_endpoint_auth_method != AuthenticationMethod.PRIVATE_KEY_JWT:
        return not_applicable("It sends no client assertion.")
    if client.security_profile == SecurityProfile.FAPI_CIBA:
        return not_applicable(
            "CIBA §7.1 lets its client assertions name the token endpoint or the backchannel endpoint."
        )
    if client.accepts_endpoint_audience and not client.is_fapi:
        return unmet(
            "Its client assertions may name endpoints or several audiences.", change="accepts_endpoint_audience"
        )
    return met("The server accepts only the issuer, as a string, as the audience of its client assertions.")


def pushes_its_requests(client: Client) -> Outcome:
    if not client.response_types:
        return not_applicable("It uses no browser.")
    if client.must_push:
        return met("The server refuses authorization requests that the client did not push.")
    return unmet("The browser may carry its requests.", change="require_pushed_authorization_requests")


def has_short_access_tokens(client: Client) -> Outcome:
    lifetime = client.access_token_lifetime or conf.ACCESS_TOKEN_LIFETIME
    if timedelta() < lifetime <= LONGEST_ACCESS_TOKEN:
        return met(f"Its access tokens live for {written(lifetime)}.")
    change = "access_token_lifetime" if client.access_token_lifetime else 'OAUTH["ACCESS_TOKEN_LIFETIME"]'
    return unmet(f"Its access tokens live for {written(lifetime)}; at most 15 minutes are short.", change=change)


def weak_keys(client: Client) -> Iterator[str]:
    """The faults of the public keys that are stored for the client; none if the client publishes its keys itself.

    FAPI 2.0 §5.4: by which algorithms it may sign, and how strong a key must be.
    """
    if client.client_jwks is not None:
        try:
            keys.validate_jwks(client.client_jwks, signs_by=STRONG_SIGNING_ALGORITHMS)
        except ValueError as error:
            yield str(error)
