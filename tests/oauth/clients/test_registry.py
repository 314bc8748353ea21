"""The client registry: which redirect URIs may be registered, and which then match."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from oauth.models.client import validate_redirect_uri
from tests.lib.oauth_client import allow, authorization_url
from tests.lib.registered import make_client

REGISTERED = "https://app.example/callback"


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback?x=1", "https://app.example/callback?", "https://app.example/callback#",
        "https://app.example/callback#x", "https://app.example/callback/", "https://app.example/Callback",
        "https://app.example//callback", "https://app.example/callback;p=1", "https://app.example/callback%2f",
        "https://app.example/%63allback", "https://app.example/x/../callback", "https://app.example/..;/callback",
        "https://app.example/./callback", "https://app.example/%2e%2e/callback", "https://app.example:443/callback",
        "https://app.example:8443/callback", "https://app.example./callback", "https://APP.example/callback",
        "HTTPS://app.example/callback", "http://app.example/callback", "https://user@app.example/callback",
        "https://app.example@evil.example/callback", "https://evil.example/callback", "https://app.example.evil/callback",
        "https://evilapp.example/callback", "https://sub.app.example/callback", "https://app.example\\@evil/callback",
        "https://app.example/callback ", " https://app.example/callback", "https://app.example/callback\t",
        "https://app.example/callback\n", "//app.example/callback", "/callback", "callback", "", "javascript:alert(1)",
        "https://xn--app-.example/callback", "https://ａpp.example/callback", "https://[::1]/callback",
        "https://app.example/callback%00", "https://app.example/callback\x00", "https:///callback",
        "https://app.example/callback/https://app.example/callback",
    ],
)  # fmt: skip
def test_near_misses_do_not_match(uri):
    """ASVS 10.4.1, RFC 9700 §4.1: exact string comparison."""
    client = make_client("web", redirect_uris=REGISTERED)
    assert client.redirect_uri_allowed(REGISTERED)
    assert not client.redirect_uri_allowed(uri)


@pytest.mark.parametrize(
    ("uri", "matches"),
    [
        ("http://127.0.0.1/callback", True),
        ("http://127.0.0.1:51004/callback", True),
        ("http://127.0.0.1:51004/other", False),
        ("http://127.0.0.1:51004/callback?x", False),
        ("https://127.0.0.1:51004/callback", False),
        ("http://localhost:51004/callback", False),
        ("http://127.0.0.2:51004/callback", False),
        ("http://[::1]:51004/callback", False),
        ("http://127.0.0.1:51004@evil.example/callback", False),
        ("http://127.0.0.1.evil.example/callback", False),
    ],
)
def test_a_loopback_address_matches_with_any_port(uri, matches):
    """RFC 8252 §7.3."""
    assert make_client("mobile", redirect_uris="http://127.0.0.1/callback").redirect_uri_allowed(uri) is matches


@pytest.mark.parametrize(
    ("registered", "uri", "matches"),
    [
        ("http://localhost/cb", "http://localhost:51004/cb", True),
        ("http://localhost:3000/cb", "http://localhost:51004/cb", True),
        ("http://localhost:3000/cb", "http://localhost/cb", True),
        ("http://localhost", "http://localhost:51004", True),
        ("http://localhost/cb?x=1", "http://localhost:7/cb?x=1", True),
        ("http://localhost/cb", "http://localhost:51004/cb/", False),
        ("http://localhost/cb", "http://localhost:51004/other", False),
        ("http://localhost/cb", "https://localhost:51004/cb", False),
        ("https://localhost/cb", "https://localhost:51004/cb", False),
        ("http://localhost/cb", "http://127.0.0.1:51004/cb", False),
        ("http://localhost/cb", "http://localhost.evil.example:1/cb", False),
        ("http://localhost/cb", "http://localhost:1@evil.example/cb", False),
        ("http://localhost/cb", "http://localhost:x/cb", False),
        ("http://localhost/cb", "http://localhost:99999/cb", False),
        ("http://localhost/cb", "http://localhost:0/cb", False),
        ("http://localhost", "http://localhost:1#f", False),
        ("http://localhost/cb", "http://LOCALHOST:1/cb", False),
        ("http://localhost/cb", "http://localhost:1/cb#f", False),
        ("http://[::1]/cb", "http://[::1]:51004/cb", True),
        ("http://[::1]:9/cb", "http://[::1]/cb", True),
        ("http://[::1]/cb", "http://[::1]:1@evil.example/cb", False),
        ("https://app.example/cb", "https://app.example:8443/cb", False),
    ],
)
def test_localhost_matches_with_any_port_too(registered, uri, matches):
    """RFC 8252 §7.3, §8.3: many libraries use only this name."""
    assert make_client("mobile", redirect_uris=registered).redirect_uri_allowed(uri) is matches


@pytest.mark.django_db
def test_consent_holds_on_every_port(browser, web_app):
    web_app.redirect_uris = "http://localhost/cb"
    web_app.save()
    assert allow(browser, web_app, redirect_uri="http://localhost:50001/cb")
    again = browser.get(authorization_url(web_app, redirect_uri="http://localhost:50002/cb"))
    assert again["Location"].startswith("http://localhost:50002/cb?")


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback", "https://app.example:8443/a/b?x=1", "http://127.0.0.1/callback",
        "http://[::1]:9000/callback", "http://localhost:3000/callback", "com.example.app:/callback",
        "com.example.app://host/callback",
    ],
)  # fmt: skip
def test_safe_redirect_uris_are_accepted(uri):
    validate_redirect_uri(uri, kind="mobile")


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example/callback", "https://app.example/callback#x", "https://*.app.example/callback",
        "https://app.example/*", "https://user:pw@app.example/", "javascript:alert(1)", "data:text/html,x",
        "vbscript:x", "file:///etc/passwd", "blob:https://x", "myapp:/callback", "myapp://callback", "https:///x",
        "https://app.example/a/../b", "https://app.example\\x", "https://äpp.example/", "https://app.example/\x00",
        "not a uri", "https://[::1", "ftp://x.example/", "https://app.example:port/",
    ],
)  # fmt: skip
def test_unsafe_redirect_uris_are_refused(uri):
    """authentik CVE-2024-21637: schemes that run code in the browser. RFC 8252 §7.1."""
    with pytest.raises(ValidationError):
        validate_redirect_uri(uri, kind="mobile")


def test_a_private_use_scheme_is_for_native_apps():
    with pytest.raises(ValidationError):
        validate_redirect_uri("com.example.app:/callback", kind="web")


@pytest.mark.parametrize(
    "values",
    [
        {"redirect_uris": ""},
        {"client_id": "7f0b4dc2-6a7e-4d39-8a32-5f7c0f7a9d11"},  # RFC 9700 §4.15: could be taken for a user's `sub`
        {"grant_types": ["client_credentials"]},
        {"grant_types": ["password"]},
    ],
)
def test_unsafe_clients_do_not_pass_validation(db, values):
    with pytest.raises(ValidationError):
        make_client("mobile", **values).full_clean()


def test_a_public_client_never_has_a_secret(db):
    client = make_client("mobile")
    client.issue_secret()
    with pytest.raises(IntegrityError):
        client.save()


def test_a_secret_is_256_random_bits_of_which_only_the_digest_is_kept(web_app):
    assert len(web_app.secret) == 43
    assert len(bytes(web_app.secret_digest)) == 32
    assert web_app.secret_is(web_app.secret)
    assert not web_app.secret_is(web_app.secret + "x")
    assert not web_app.secret_is("")
