"""Advice about the scopes and lifetimes of tokens."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from oauth.clients.advice.rule import Advice, Level, moves_something, rule
from oauth.conf import conf
from oauth.models import Client
from oauth.models.client import Kind

#: Users rarely read a longer list of scopes.
MANY_SCOPES = 8


@rule
def unbound_tokens_that_move_something(client: Client) -> Advice | None:
    if _is_bound(client) or not moves_something(client):
        return None
    return Advice(
        Level.UNSAFE if client.is_public else Level.WEAK,
        _("The client may change things with bearer tokens, which anyone who holds them can use."),
        _("Whoever gets a leaked token, for example from a log or a device, can move money until it expires."),
        _("Tick “DPoP only”: without the client's key, a stolen token is then worthless."),
        "RFC 9700 §2.2.1, FAPI 2.0 §5.3.2.1",
        "dpop_bound_access_tokens",
    )


@rule
def many_scopes(client: Client) -> Advice | None:
    if len(client.allowed_scopes) < MANY_SCOPES:
        return None
    return Advice(
        Level.WEAK,
        _("The client may request many scopes."),
        _("An attacker who steals its tokens gets scopes that the client does not need."),
        _("Allow only the scopes that the client uses, and register another client for another purpose."),
        "RFC 9700 §2.3",
        "allowed_scopes",
    )


@rule
def asks_for_nothing(client: Client) -> Advice | None:
    if client.allowed_scopes:
        return None
    return Advice(
        Level.KNOW,
        _("The client has no scopes yet."),
        _("All its requests are refused with invalid_scope."),
        _("Select the scopes that the client needs."),
        "RFC 6749 §3.3",
        "allowed_scopes",
    )


@rule
def long_access_tokens(client: Client) -> Advice | None:
    lifetime = client.access_token_lifetime
    if lifetime is None or lifetime <= conf.ACCESS_TOKEN_LIFETIME:
        return None
    return Advice(
        Level.WEAK,
        _("The client's access tokens are valid longer than the server's default."),
        _("A leaked token works until it expires."),
        _("Leave the lifetime empty; refresh tokens provide longer access."),
        "RFC 9700 §2.2",
        "access_token_lifetime",
    )


@rule
def long_authorizations(client: Client) -> Advice | None:
    lifetime = client.authorization_lifetime
    if lifetime is None or lifetime <= max(conf.AUTHORIZATION_LIFETIME, timedelta(days=180)):
        return None
    return Advice(
        Level.WEAK,
        _("Authorizations last longer than half a year."),
        _("Users forget authorizations, but the client can still use them."),
        _("Limit authorizations to 180 days, as banks do."),
        "ASVS 5.0 10.4.8",
        "authorization_lifetime",
    )


@rule
def browser_app_without_a_server(client: Client) -> Advice | None:
    if client.kind != Kind.BROWSER:
        return None
    return Advice(
        Level.WEAK,
        _("The client's tokens are in the browser, where every script of the page can use them."),
        _("An injected script can steal the tokens, in particular from local storage."),
        _("Add a small server (a web app) that holds the tokens, so that the browser has only a cookie."),
        "draft-ietf-oauth-browser-based-apps §6.1, RFC 9700 §2.2.2",
        "kind",
    )


@rule
def stays_logged_in(client: Client) -> Advice | None:
    is_login = "openid" in client.allowed_scopes and client.kind == Kind.WEB
    if not is_login or client.backchannel_logout_uri:
        return None
    return Advice(
        Level.KNOW,
        _("The client is not notified when a user logs out."),
        _("A user who logs out here stays logged in at the client, even on a shared computer."),
        _("Enter a backchannel_logout_uri."),
        "OpenID Connect Back-Channel Logout §2.2",
        "backchannel_logout_uri",
    )


def _is_bound(client: Client) -> bool:
    return client.must_bind or client.tls_client_certificate_bound_access_tokens
