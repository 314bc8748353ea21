"""FAPI 2.0 Security Profile (final)."""

from datetime import timedelta

from jwt.utils import base64url_decode

from oauth.conf import conf
from oauth.conformance_report.line import Outcome, Standard, met, not_applicable, unmet
from oauth.conformance_report.registry import about_client, about_site
from oauth.conformance_report.rules import client_facts, site_facts
from oauth.models import Client, SigningKey
from oauth.models.client import GrantType, keys

_HERE = Standard.FAPI

# --- the site

about_site(_HERE, "§5.2.1", "Every endpoint offers TLS only.")(site_facts.issuer_has_tls)
about_site(_HERE, "§5.2.3", "Browsers cannot be downgraded to unencrypted connections.")(
    site_facts.tls_cannot_be_stripped
)


@about_site(_HERE, "§5.3.2.1", "A code is valid for 60 seconds at most.", covers=["FAPI 2.0 §5.3.2.1, code lifetime"])
def short_codes() -> Outcome:
    return site_facts.at_most("AUTHORIZATION_CODE_LIFETIME", timedelta(seconds=60))


@about_site(_HERE, "§5.3.2.1", "A JWT from more than 60 seconds in the future is refused.")
def small_clock_skew() -> Outcome:
    return site_facts.at_most("CLOCK_SKEW", timedelta(seconds=60))


@about_site(
    _HERE, "§5.3.2.2", "A pushed request is valid for less than 600 seconds.", covers=["FAPI 2.0 §5.3.2.2, expiry"]
)
def short_pushed_requests() -> Outcome:
    return site_facts.at_most("PUSHED_REQUEST_LIFETIME", timedelta(seconds=599))


@about_site(_HERE, "§5.4.1", "Access tokens are signed with PS256, ES256 or EdDSA.")
def signature_of_access_tokens() -> Outcome:
    if conf.SIGNING_ALGORITHM == "RS256":
        return unmet('OAUTH["SIGNING_ALGORITHM"] is RS256.', change='OAUTH["SIGNING_ALGORITHM"]')
    return met(f"They are signed with {conf.SIGNING_ALGORITHM}.")


@about_site(_HERE, "§5.4.2", "RSA keys have 2048 bits or more, elliptic-curve keys 224 or more.")
def strong_signing_keys() -> Outcome:
    published = list(SigningKey.objects.published())
    if not published:
        return unmet("There is no signing key.", change="`manage.py migrate`")
    for key in published:
        bits = 8 * len(base64url_decode(key.public_jwk.get("n", "")))
        if key.public_jwk["kty"] == "RSA" and bits < keys.MIN_RSA_BITS:
            return unmet(f"{key.kid} has {bits} bits.", change="`manage.py rotate_keys`")
    return met(f"{len(published)} published keys; EC keys are P-256, and Ed25519 is as strong.")


# --- a client


@about_client(_HERE, "§5.3.2.1", "The client is confidential.")
def is_confidential(client: Client) -> Outcome:
    if client.is_public:
        return unmet("The client is public.", change="client_type")
    return met("The client is confidential.")


about_client(
    _HERE, "§5.3.2.1", "The client's access tokens are sender-constrained.", covers=["FAPI 2.0 §5.3.2.1, holder of key"]
)(client_facts.has_bound_tokens)
about_client(_HERE, "§5.3.2.1", "The client authenticates by private_key_jwt or a certificate.")(
    client_facts.authenticates_strongly
)
about_client(
    _HERE, "§5.3.2.1", "The audience of a client assertion is the issuer.", covers=["FAPI 2.0 §5.3.2.1, audience"]
)(client_facts.names_the_issuer_alone)


@about_client(_HERE, "§5.3.2.1", "The client's refresh tokens are not rotated.")
def refresh_tokens_stay(client: Client) -> Outcome:
    if not client.allows_grant_type(GrantType.REFRESH_TOKEN):
        return not_applicable("The client gets no refresh token.")
    if client.is_public and not client.must_bind:
        return unmet(
            "The client is public and has bearer tokens, so its refresh tokens are rotated.",
            change="dpop_bound_access_tokens",
        )
    return met("The client's refresh tokens are bound to the client or its key, so the server does not rotate them.")


@about_client(_HERE, "§5.3.2.2", "The response type is code.")
def response_type(client: Client) -> Outcome:
    return client_facts.has_no_implicit_flow(client)


about_client(_HERE, "§5.3.2.2", "The client pushes its requests.", covers=["FAPI 2.0 §5.3.2.2, pushed"])(
    client_facts.pushes_its_requests
)
about_client(_HERE, "§5.3.2.2", "PKCE with S256 is required.")(client_facts.must_send_pkce)
about_client(_HERE, "§5.3.2.2", "Redirect URIs are https, or loopback addresses of a native app.")(
    client_facts.uses_http_only_as_a_native_app
)


@about_client(_HERE, "§5.4.1", "The client's messages and ID tokens are signed with PS256, ES256 or EdDSA.")
def signatures(client: Client) -> Outcome:
    fields = [f"{name}_signed_response_alg" for name in ("id_token", "userinfo", "introspection", "authorization")]
    if wrong := next((field for field in fields if getattr(client, field) == "RS256"), ""):
        return unmet(f"{wrong} is RS256.", change=wrong)
    if client.id_token_algorithm == "RS256":
        return unmet("The server's default for ID tokens is RS256.", change="id_token_signed_response_alg")
    return met("The server signs nothing for this client with RS256.")


@about_client(_HERE, "§5.4.2", "The client's keys are strong.")
def strong_keys(client: Client) -> Outcome:
    if not client.has_strong_authentication:
        return not_applicable("The client has no keys.")
    if wrong := next(client_facts.weak_keys(client), ""):
        return unmet(f"The client's keys: {wrong}", change="client_jwks")
    if client.client_jwks_uri:
        return met("The client publishes its keys; the server refuses a weak one at each use.")
    return met("The client has a key of RSA (2048 bits or more), P-256 or Ed25519; the server accepts no weaker one.")
