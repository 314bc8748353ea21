"""RFC 9700: best current practice for OAuth 2.0 security."""

import re
from datetime import timedelta

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from oauth.conf import conf
from oauth.conformance_report.line import Outcome, Standard, met, not_applicable, unmet
from oauth.conformance_report.registry import about_client, about_site
from oauth.conformance_report.rules import client_facts, site_facts
from oauth.models import Client
from oauth.models.client import rules as client_rules

_HERE = Standard.RFC_9700

about_site(_HERE, "§2.1.2", "The implicit flow is off.", covers=["RFC 9700 §4.6"])(site_facts.site_has_no_implicit_flow)


@about_site(_HERE, "§2.2", "Access tokens are short-lived by default.")
def short_access_tokens() -> Outcome:
    return site_facts.at_most("ACCESS_TOKEN_LIFETIME", client_rules.LONGEST_ACCESS_TOKEN)


@about_site(_HERE, "§2.3", "Access tokens are restricted to named resource servers.")
def named_audiences() -> Outcome:
    if not conf.audiences:
        return unmet("No API is named.", change='OAUTH["RESOURCES"]')
    return met(f"Tokens name one of {len(conf.audiences)} audience(s).")


@about_site(_HERE, "§2.6", "Connections use TLS from end to end, and cannot be downgraded.", is_required=False)
def tls_cannot_be_stripped() -> Outcome:
    return site_facts.tls_cannot_be_stripped()


@about_site(_HERE, "§2.6", "The authorization endpoint supports no cross-origin requests (CORS).")
def no_cors_at_the_authorization_endpoint() -> Outcome:
    if "corsheaders" not in settings.INSTALLED_APPS:
        return not_applicable(
            "django-cors-headers is not installed. This report cannot detect other ways to enable CORS."
        )
    try:
        path = reverse("oauth:authorize")
    except NoReverseMatch:
        return not_applicable("The site has no authorization endpoint.")
    is_matched = re.match(getattr(settings, "CORS_URLS_REGEX", r"^.*$"), path) is not None
    if is_matched and (getattr(settings, "CORS_ALLOW_ALL_ORIGINS", False) or _lists_origins()):
        return unmet(f"CORS_URLS_REGEX matches {path}.", change="CORS_URLS_REGEX")
    return met(f"CORS_URLS_REGEX does not match {path}.")


def _lists_origins() -> bool:
    return bool(getattr(settings, "CORS_ALLOWED_ORIGINS", ()) or getattr(settings, "CORS_ALLOWED_ORIGIN_REGEXES", ()))


@about_site(_HERE, "§4.14.2", "Refresh tokens expire if they are not used.")
def refresh_tokens_expire() -> Outcome:
    return site_facts.at_most("REFRESH_TOKEN_IDLE_LIFETIME", timedelta(days=180))


@about_site(_HERE, "§4.7", "Session cookies are sent over TLS only, and scripts cannot read them.")
def session_cookie() -> Outcome:
    for name in ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY"):
        if not getattr(settings, name):
            return unmet(f"{name} is off.", change=name)
    return met("The cookies of sessions and forms are Secure; the session cookie is HttpOnly.")


about_client(_HERE, "§2.1", "Redirect URIs are registered and compared exactly.")(client_facts.has_safe_redirect_uris)
about_client(_HERE, "§2.1.1", "PKCE with S256 is required.")(client_facts.must_send_pkce)
about_client(_HERE, "§2.1.2", "The client does not use the implicit flow.")(client_facts.has_no_implicit_flow)
about_client(_HERE, "§2.2", "The client's access tokens are short-lived.")(client_facts.has_short_access_tokens)
about_client(_HERE, "§2.2.1", "The client's access tokens are sender-constrained.", is_required=False)(
    client_facts.has_bound_tokens
)
about_client(_HERE, "§2.2.2", "Refresh tokens of a public client are rotated or bound.")(
    client_facts.has_safe_refresh_tokens
)


@about_client(_HERE, "§2.3", "The client is limited to the scopes that it needs.", is_required=False)
def few_scopes(client: Client) -> Outcome:
    many = 8  # as in clients.advice
    if len(client.allowed_scopes) >= many:
        return unmet(f"The client may request {len(client.allowed_scopes)} scopes.", change="allowed_scopes")
    return met(f"The client may request {len(client.allowed_scopes)} scope(s).")


@about_client(_HERE, "§2.5", "The client authenticates by a key, not by a shared secret.", is_required=False)
def asymmetric_authentication(client: Client) -> Outcome:
    if client.is_public:
        return not_applicable("A public client has no credentials.")
    return client_facts.authenticates_strongly(client)


about_client(
    _HERE, "§2.5, draft-ietf-oauth-rfc7523bis", "The audience of a client assertion is the issuer.", is_required=False
)(client_facts.names_the_issuer_alone)


@about_client(_HERE, "§4.15", "The client ID cannot be mistaken for a user's ID.", covers=["RFC 9700 §4.15"])
def client_id(client: Client) -> Outcome:
    if client_rules.client_id(client):
        return unmet(f"{client.client_id} could be the `sub` of a user.", change="client_id: register the client again")
    return met("The client ID is neither a UUID nor a number.")
