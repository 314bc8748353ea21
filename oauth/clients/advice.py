"""What is unsafe about a client and why: each rule of the specs that a registration can break or fall short of.

What must not be is refused by `Client.clean`; this is what may be, and should be known. A rule is a function
(client) -> Advice or None; `advise` asks them all and needs no query, so that it can be asked at every key stroke.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from oauth.conf import conf
from oauth.models import Client
from oauth.models.client import AuthenticationMethod, ExchangePolicy, GrantType, Kind

#: A list of scopes so long is rarely read by the person who is asked.
MANY_SCOPES = 8
_MOVES = (":write", ":manage")


class Level(models.TextChoices):
    UNSAFE = "unsafe", _("Unsafe")
    WEAK = "weak", _("Could be safer")
    KNOW = "know", _("Good to know")


@dataclass(frozen=True)
class Advice:
    """What is so, why it matters, what to do, and who says it: `source` is the section of the spec."""

    level: Level
    what: str | Promise
    why: str | Promise
    instead: str | Promise
    source: str
    field: str = ""


Rule = Callable[[Client], Advice | None]
_RULES: list[Rule] = []


def _rule(function: Rule) -> Rule:
    _RULES.append(function)
    return function


def advise(client: Client) -> list[Advice]:
    """The worst first."""
    order = list(Level)
    found = [advice for rule in _RULES if (advice := rule(client))]
    return sorted(found, key=lambda advice: order.index(advice.level))


#: What holds for every client, whatever is ticked.
ALWAYS: tuple[tuple[str | Promise, str], ...] = (
    (_("PKCE with S256, for every client"), "RFC 9700 §2.1.1, OAuth 2.1 §4.1.1"),
    (_("Redirect URIs compared character by character"), "RFC 9700 §2.1"),
    (_("Answers say who gives them (iss), against mix-up"), "RFC 9207 §2"),
    (_("Access tokens of at most 15 minutes, for named APIs only"), "RFC 9700 §2.2, RFC 9068 §2.2"),
    (
        _("Refresh tokens are bound to the client or rotated; reuse of a rotated one revokes the authorization"),
        "RFC 9700 §2.2.2",
    ),
    (_("No password grant"), "RFC 9700 §2.4, OAuth 2.1 §10.2"),
    (_("Secrets of 256 random bits, stored as digests, shown once"), "RFC 6749 §10.10"),
)


def _uses_browser(client: Client) -> bool:
    return client.allows_grant_type(GrantType.AUTHORIZATION_CODE, GrantType.IMPLICIT)


def _moves_something(client: Client) -> bool:
    return any(scope.endswith(_MOVES) for scope in client.allowed_scopes)


def _is_bound(client: Client) -> bool:
    return client.must_bind or client.tls_client_certificate_bound_access_tokens


@_rule
def implicit(client: Client) -> Advice | None:
    if not client.allows_grant_type(GrantType.IMPLICIT):
        return None
    return Advice(
        Level.UNSAFE,
        _("The implicit flow is on."),
        _("The access token stands in the address: in the history, in logs, in what scripts can read."),
        _("Take it out, and use the authorization code with PKCE."),
        "RFC 9700 §2.1.2, OAuth 2.1 §10.1",
        "grant_types",
    )


@_rule
def unbound_tokens_that_move_something(client: Client) -> Advice | None:
    if _is_bound(client) or not _moves_something(client):
        return None
    return Advice(
        Level.UNSAFE if client.is_public else Level.WEAK,
        _("It may change things with tokens that work for whoever holds them."),
        _("A token that leaks, from a log or a device, moves money until it ends."),
        _("Tick “DPoP only”: a stolen token is then worth nothing without the app's key."),
        "RFC 9700 §2.2.1, FAPI 2.0 §5.3.2.1",
        "dpop_bound_access_tokens",
    )


@_rule
def assertions_for_endpoints(client: Client) -> Advice | None:
    is_signed = client.token_endpoint_auth_method == AuthenticationMethod.PRIVATE_KEY_JWT
    if not is_signed or not client.accepts_endpoint_audience or client.is_fapi:
        return None
    return Advice(
        Level.WEAK,
        _("Its signed log-in may name an endpoint, or several audiences."),
        _("A server that pretends to have the same endpoint gets a signature that also works here."),
        _("Let the app name the issuer alone in “aud”, and untick “endpoint addresses as audience”."),
        "draft-ietf-oauth-rfc7523bis",
        "accepts_endpoint_audience",
    )


@_rule
def browser_app_without_a_server(client: Client) -> Advice | None:
    if client.kind != Kind.BROWSER:
        return None
    return Advice(
        Level.WEAK,
        _("Tokens live in the browser, where every script of the page can use them."),
        _("One injected script takes them. Local storage keeps them for it."),
        _("Put a small server before the API (a web app): the browser holds a cookie, the server the tokens."),
        "draft-ietf-oauth-browser-based-apps §6.1, RFC 9700 §2.2.2",
        "kind",
    )


@_rule
def private_use_scheme(client: Client) -> Advice | None:
    schemes = {urlsplit(uri).scheme for uri in client.redirect_uris.split()} - {"http", "https", ""}
    if not schemes:
        return None
    return Advice(
        Level.WEAK,
        _("Any app on the device can claim this scheme."),
        _("Another app can receive the code. PKCE makes it worthless there, but the log-in breaks."),
        _("Claim an https address (Universal Links, App Links), which the system gives to one app only."),
        "RFC 8252 §7.2, §8.1",
        "redirect_uris",
    )


@_rule
def localhost_by_name(client: Client) -> Advice | None:
    uris = [urlsplit(uri) for uri in client.redirect_uris.split()]
    if not any(uri.scheme == "http" and uri.hostname == "localhost" for uri in uris):
        return None
    is_for_developers = client.kind in (Kind.WEB, Kind.BROWSER)
    return Advice(
        Level.UNSAFE if client.is_fapi else Level.WEAK,
        _("A redirect URI is http://localhost."),
        _("The name may lead elsewhere than to this machine, and the port may be another program's."),
        _("For people who develop it: register that as a client of its own.")
        if is_for_developers
        else _("Say http://127.0.0.1: any port is then allowed."),
        "RFC 8252 §8.3, FAPI 2.0 §5.3.2.2",
        "redirect_uris",
    )


@_rule
def several_hosts(client: Client) -> Advice | None:
    hosts = {urlsplit(uri).hostname for uri in client.redirect_uris.split() if uri.startswith("https:")}
    if len(hosts) < 3:
        return None
    return Advice(
        Level.WEAK,
        _("Codes may be sent to three hosts or more."),
        _("The weakest of them, or one that is given up one day, receives codes for all."),
        _("A client for each, and no address that is not used."),
        "RFC 9700 §4.1",
        "redirect_uris",
    )


@_rule
def secret_in_the_body(client: Client) -> Advice | None:
    if client.token_endpoint_auth_method != AuthenticationMethod.SECRET_POST:
        return None
    return Advice(
        Level.WEAK,
        _("Its secret travels in the body of requests."),
        _("Bodies of forms are logged more often than the Authorization header."),
        _("client_secret_basic, or better a key of its own."),
        "RFC 6749 §2.3.1",
        "token_endpoint_auth_method",
    )


@_rule
def shared_secret(client: Client) -> Advice | None:
    if not client.has_secret:
        return None
    return Advice(
        Level.WEAK if _moves_something(client) else Level.KNOW,
        _("It proves itself by a secret that it sends."),
        _("Whoever sees one request, or the place where it is kept, is the app from then on."),
        _("A key of its own (private_key_jwt) or a certificate: what it signs with never leaves it."),
        "RFC 9700 §2.5",
        "client_jwks",
    )


@_rule
def two_secrets(client: Client) -> Advice | None:
    if not client.has_two_secrets:
        return None
    return Advice(
        Level.KNOW,
        _("Two secrets work at the moment."),
        _("The old one ends by itself; until then there are two to lose."),
        _("Retire the old one as soon as the app uses the new one."),
        "RFC 9700 §2.5",
    )


@_rule
def parameters_in_the_browser(client: Client) -> Advice | None:
    if client.is_public or client.must_push or not _uses_browser(client):
        return None
    return Advice(
        Level.WEAK if _moves_something(client) else Level.KNOW,
        _("The browser carries its requests."),
        _("The person, an extension or a page on the way can read and change what is asked for."),
        _("Tick “pushed requests only”: the browser carries a reference, once."),
        "RFC 9126 §1, FAPI 2.0 §5.3.2.2",
        "require_pushed_authorization_requests",
    )


@_rule
def a_client_and_a_person_in_one(client: Client) -> Advice | None:
    if not (client.allows_grant_type(GrantType.CLIENT_CREDENTIALS) and _with_people(client)):
        return None
    return Advice(
        Level.WEAK,
        _("It acts both for people and for itself."),
        _("An API that confuses the two lets the app do for itself what a person allowed, or the other way round."),
        _("Two clients, each with one purpose."),
        "RFC 9700 §4.15",
        "grant_types",
    )


def _with_people(client: Client) -> bool:
    return client.allows_grant_type(
        GrantType.AUTHORIZATION_CODE, GrantType.DEVICE_CODE, GrantType.CIBA, GrantType.IMPLICIT
    )


@_rule
def device_flow(client: Client) -> Advice | None:
    if not client.allows_grant_type(GrantType.DEVICE_CODE):
        return None
    return Advice(
        Level.WEAK if _moves_something(client) else Level.KNOW,
        _("A code that somebody else sent can be typed in."),
        _("Whoever talks a person into it gets the access (phishing at a distance)."),
        _("Few scopes, none that moves money; a browser on the device itself needs no device flow."),
        "RFC 8628 §5.4",
        "grant_types",
    )


@_rule
def impersonation(client: Client) -> Advice | None:
    is_on = client.allows_grant_type(GrantType.TOKEN_EXCHANGE)
    if not is_on or client.exchange_policy != ExchangePolicy.IMPERSONATION:
        return None
    return Advice(
        Level.WEAK,
        _("It exchanges tokens for ones that do not name it."),
        _("No log further on can tell the person from this client."),
        _("Delegation: the new token says who acts (act)."),
        "RFC 8693 §1.1",
        "exchange_policy",
    )


@_rule
def many_scopes(client: Client) -> Advice | None:
    if len(client.allowed_scopes) < MANY_SCOPES:
        return None
    return Advice(
        Level.WEAK,
        _("It may ask for a great deal."),
        _("What it does not need, a thief of its tokens does not need to have either."),
        _("Only the scopes that the app uses; another client for another purpose."),
        "RFC 9700 §2.3",
        "allowed_scopes",
    )


@_rule
def long_access_tokens(client: Client) -> Advice | None:
    lifetime = client.access_token_lifetime
    if lifetime is None or lifetime <= conf.ACCESS_TOKEN_LIFETIME:
        return None
    return Advice(
        Level.WEAK,
        _("Its access tokens live longer than the server's default."),
        _("A token that leaks works for so long; it is what is asked for least often that tells a thief."),
        _("Leave it empty: refresh tokens are for longer access."),
        "RFC 9700 §2.2",
        "access_token_lifetime",
    )


@_rule
def long_authorizations(client: Client) -> Advice | None:
    lifetime = client.authorization_lifetime
    if lifetime is None or lifetime <= max(conf.AUTHORIZATION_LIFETIME, timedelta(days=180)):
        return None
    return Advice(
        Level.WEAK,
        _("What people allow lasts longer than half a year."),
        _("They forget it, the app does not."),
        _("Ask again after 180 days at most, as banks do."),
        "ASVS 5.0 10.4.8",
        "authorization_lifetime",
    )


@_rule
def keys_written_down(client: Client) -> Advice | None:
    if not (client.client_jwks and client.has_strong_authentication):
        return None
    return Advice(
        Level.KNOW,
        _("Its public keys are written down here."),
        _("It cannot change them by itself, so it will not, and an admin has to in an emergency."),
        _("Give the address of its keys (jwks_uri) instead."),
        "OpenID Connect Core §10.1.1",
        "client_jwks_uri",
    )


@_rule
def stays_logged_in(client: Client) -> Advice | None:
    is_login = "openid" in client.allowed_scopes and client.kind == Kind.WEB
    if not is_login or client.backchannel_logout_uri:
        return None
    return Advice(
        Level.KNOW,
        _("It is not told when a person logs out."),
        _("Who logs out here stays logged in there, also on somebody else's computer."),
        _("Give a back-channel logout address."),
        "OpenID Connect Back-Channel Logout §2.2",
        "backchannel_logout_uri",
    )


@_rule
def asks_for_nothing(client: Client) -> Advice | None:
    if client.allowed_scopes:
        return None
    return Advice(
        Level.KNOW,
        _("It may ask for nothing yet."),
        _("Every request of it is refused with invalid_scope."),
        _("Tick what it needs."),
        "RFC 6749 §3.3",
        "allowed_scopes",
    )
