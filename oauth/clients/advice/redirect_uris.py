"""Advice about redirect URIs."""

from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from oauth.clients.advice.rule import Advice, Level, rule
from oauth.models import Client
from oauth.models.client import Kind


@rule
def private_use_scheme(client: Client) -> Advice | None:
    schemes = {urlsplit(uri).scheme for uri in client.redirect_uris.split()} - {"http", "https", ""}
    if not schemes:
        return None
    return Advice(
        Level.WEAK,
        _("Any app on the device can claim this scheme."),
        _("Another app can receive the code. It cannot redeem the code without the verifier, but the login fails."),
        _("Use an https URL (Universal Links, App Links), which the operating system opens only in its owner's app."),
        "RFC 8252 §7.2, §8.1",
        "redirect_uris",
    )


@rule
def localhost_by_name(client: Client) -> Advice | None:
    uris = [urlsplit(uri) for uri in client.redirect_uris.split()]
    if not any(uri.scheme == "http" and uri.hostname == "localhost" for uri in uris):
        return None
    is_for_developers = client.kind in (Kind.WEB, Kind.BROWSER)
    return Advice(
        Level.UNSAFE if client.is_fapi else Level.WEAK,
        _("A redirect URI is http://localhost."),
        _("The name can resolve to another machine, and another program can listen on the port."),
        _("Register a separate client for development.")
        if is_for_developers
        else _("Use http://127.0.0.1, with any port."),
        "RFC 8252 §8.3, FAPI 2.0 §5.3.2.2",
        "redirect_uris",
    )


@rule
def several_hosts(client: Client) -> Advice | None:
    hosts = {urlsplit(uri).hostname for uri in client.redirect_uris.split() if uri.startswith("https:")}
    if len(hosts) < 3:
        return None
    return Advice(
        Level.WEAK,
        _("Codes can be sent to three hosts or more."),
        _("An attacker who takes over one of these hosts receives codes of every user of the client."),
        _("Register a client for each host, and remove unused redirect URIs."),
        "RFC 9700 §4.1",
        "redirect_uris",
    )
