"""ASVS 5.0 V9 (self-contained tokens) and V10 (OAuth and OpenID Connect). Level 3 counts as a recommendation."""

from datetime import timedelta

from django.conf import settings

from oauth.algorithms import SIGNING_ALGORITHMS
from oauth.conf import conf
from oauth.conformance_report.line import Outcome, Standard, met, not_applicable, unmet
from oauth.conformance_report.registry import about_client, about_site
from oauth.conformance_report.rules import client_facts, site_facts
from oauth.models import Client

_V9, _V10 = Standard.ASVS_9, Standard.ASVS_10

# --- the site


@about_site(_V9, "9.1.2", "Tokens are signed with an allowed algorithm.", covers=["ASVS 9.1.2"])
def allowed_algorithms() -> Outcome:
    for name in ("SIGNING_ALGORITHM", "ID_TOKEN_SIGNING_ALGORITHM"):
        if getattr(conf, name) not in SIGNING_ALGORITHMS:
            return unmet(f'OAUTH["{name}"] is {getattr(conf, name)!r}.', change=f'OAUTH["{name}"]')
    return met(f"{conf.SIGNING_ALGORITHM} and {conf.ID_TOKEN_SIGNING_ALGORITHM}; no other and no symmetric algorithm.")


@about_site(
    _V9, "9.2.1", "A token is refused after its exp, with a small tolerance for clock skew.", covers=["ASVS 9.2.1"]
)
def small_clock_skew() -> Outcome:
    return site_facts.at_most("CLOCK_SKEW", timedelta(minutes=1))


@about_site(_V10, "10.1.1", "Codes and tokens reach only those who need them.", covers=["ASVS 10.1.1"])
def no_debug_pages() -> Outcome:
    if settings.DEBUG:
        return unmet("DEBUG is on: error pages show requests, including codes and tokens.", change="DEBUG")
    return met("Error pages show no request data.")


@about_site(_V10, "10.4.3 (L1)", "A code is valid for 10 minutes at most.")
def short_codes() -> Outcome:
    return site_facts.at_most("AUTHORIZATION_CODE_LIFETIME", timedelta(minutes=10))


@about_site(_V10, "10.4.3 (L3)", "A code is valid for 1 minute at most.", is_required=False, covers=["ASVS 10.4.3"])
def very_short_codes() -> Outcome:
    return site_facts.at_most("AUTHORIZATION_CODE_LIFETIME", timedelta(minutes=1))


@about_site(_V10, "10.4.8", "An authorization ends, even if its tokens are refreshed.", covers=["ASVS 10.4.8"])
def authorizations_end() -> Outcome:
    return site_facts.at_most("AUTHORIZATION_LIFETIME", timedelta(days=366))


@about_site(_V10, "10.4.9", "Revocations take effect at APIs soon.")
def revocations_are_seen() -> Outcome:
    return site_facts.at_most("STATUS_LIST_REFRESH", timedelta(minutes=1))


# --- a client

about_client(_V10, "10.4.1", "Redirect URIs are registered and compared exactly.", covers=["ASVS 10.4.1"])(
    client_facts.has_safe_redirect_uris
)
about_client(_V10, "10.4.4", "The client has no unsafe grant type.")(client_facts.has_no_implicit_flow)
about_client(_V10, "10.4.5", "Refresh tokens of a public client are rotated or bound.")(
    client_facts.has_safe_refresh_tokens
)
about_client(_V10, "10.4.6", "PKCE with S256 is required.")(client_facts.must_send_pkce)


@about_client(_V10, "10.4.8", "The client's authorizations end.")
def its_authorizations_end(client: Client) -> Outcome:
    lifetime = client.authorization_lifetime or conf.AUTHORIZATION_LIFETIME
    if lifetime > timedelta(days=366):
        change = "authorization_lifetime" if client.authorization_lifetime else 'OAUTH["AUTHORIZATION_LIFETIME"]'
        return unmet(f"Authorizations last for {site_facts.written(lifetime)}.", change=change)
    return met(f"Authorizations last for {site_facts.written(lifetime)} at most.")


about_client(_V10, "10.4.10", "A confidential client authenticates.", covers=["ASVS 10.4.10"])(
    client_facts.authenticates
)


@about_client(_V10, "10.4.11", "The client may request only scopes that it needs.")
def has_a_list_of_scopes(client: Client) -> Outcome:
    if not client.allowed_scopes:
        return not_applicable("The client has no scopes, so all its requests are refused.")
    return met(f"The client may request {', '.join(client.allowed_scopes)}.")


about_client(_V10, "10.4.13 (L3)", "The client pushes its requests.", is_required=False, covers=["ASVS 10.4.13"])(
    client_facts.pushes_its_requests
)
about_client(
    _V10, "10.4.14 (L3)", "The client's tokens are sender-constrained.", is_required=False, covers=["ASVS 10.4.14"]
)(client_facts.has_bound_tokens)


@about_client(
    _V10,
    "10.4.16 (L3)",
    "The client is confidential and authenticates with a key.",
    is_required=False,
    covers=["ASVS 10.4.16"],
)
def strong_authentication(client: Client) -> Outcome:
    return client_facts.authenticates_strongly(client)


@about_client(_V10, "10.6.1", "The client gets no token through the front channel.")
def no_token_from_the_front_channel(client: Client) -> Outcome:
    return client_facts.has_no_implicit_flow(client)
