"""Advice about grant types and the browser."""

from django.utils.translation import gettext_lazy as _

from oauth.clients.advice.rule import Advice, Level, moves_something, rule
from oauth.models import Client
from oauth.models.client import ExchangePolicy, GrantType


@rule
def implicit(client: Client) -> Advice | None:
    if not client.allows_grant_type(GrantType.IMPLICIT):
        return None
    return Advice(
        Level.UNSAFE,
        _("The implicit flow is on."),
        _("The access token is part of the URL, so it gets into the history and into logs, and scripts can read it."),
        _("Remove the implicit flow, and use the authorization code with PKCE."),
        "RFC 9700 §2.1.2, OAuth 2.1 §10.1",
        "grant_types",
    )


@rule
def without_pkce(client: Client) -> Advice | None:
    if client.must_use_pkce or not client.allows_grant_type(GrantType.AUTHORIZATION_CODE):
        return None
    return Advice(
        Level.UNSAFE,
        _("The client may request a code without PKCE."),
        _("An attacker can use a stolen code with this client, or inject a code into a user's browser."),
        _("Let the client send a code_challenge with S256, then tick “PKCE required”."),
        "RFC 9700 §2.1.1, OAuth 2.1 §7.6",
        "require_pkce",
    )


@rule
def parameters_in_the_browser(client: Client) -> Advice | None:
    if client.is_public or client.must_push or not _uses_browser(client):
        return None
    return Advice(
        Level.WEAK if moves_something(client) else Level.KNOW,
        _("The client sends authorization requests through the browser."),
        _("The user, a browser extension or another page can read and change the request."),
        _("Tick “pushed requests only”: the browser then sends only a request_uri that works once."),
        "RFC 9126 §1, FAPI 2.0 §5.3.2.2",
        "require_pushed_authorization_requests",
    )


@rule
def acts_for_users_and_for_itself(client: Client) -> Advice | None:
    if not (client.allows_grant_type(GrantType.CLIENT_CREDENTIALS) and _has_users(client)):
        return None
    return Advice(
        Level.WEAK,
        _("The client acts both for users and for itself."),
        _("An API may mistake a token of the client itself for a token of a user, or the reverse."),
        _("Register a separate client for each purpose."),
        "RFC 9700 §4.15",
        "grant_types",
    )


@rule
def device_flow(client: Client) -> Advice | None:
    if not client.allows_grant_type(GrantType.DEVICE_CODE):
        return None
    return Advice(
        Level.WEAK if moves_something(client) else Level.KNOW,
        _("A user can enter a user code that an attacker has sent."),
        _("The attacker then gets the access (remote phishing)."),
        _("Allow few scopes and none that moves money. A device with a browser needs no device flow."),
        "RFC 8628 §5.4",
        "grant_types",
    )


@rule
def impersonation(client: Client) -> Advice | None:
    is_on = client.allows_grant_type(GrantType.TOKEN_EXCHANGE)
    if not is_on or client.exchange_policy != ExchangePolicy.IMPERSONATION:
        return None
    return Advice(
        Level.WEAK,
        _("The client exchanges tokens for new ones that do not name it as the actor."),
        _("Logs then cannot distinguish the user from this client."),
        _("Use delegation: the new token names the actor (act)."),
        "RFC 8693 §1.1",
        "exchange_policy",
    )


def _uses_browser(client: Client) -> bool:
    return client.allows_grant_type(GrantType.AUTHORIZATION_CODE, GrantType.IMPLICIT)


def _has_users(client: Client) -> bool:
    return client.allows_grant_type(
        GrantType.AUTHORIZATION_CODE, GrantType.DEVICE_CODE, GrantType.CIBA, GrantType.IMPLICIT
    )
