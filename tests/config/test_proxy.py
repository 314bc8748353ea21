"""RFC 9700 §4.13: forwarded headers count from the proxies that the operator named, and from nobody else."""

from typing import Any

import pytest
from django.core.wsgi import get_wsgi_application
from django.test import RequestFactory

from config.proxy import behind_proxies


def seen_through(*trusted: str, peer: str, forwarded_for: str = "", proto: str = "") -> tuple[str, str]:
    """The client's address and the scheme that the application sees."""
    environ: dict[str, Any] = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http"}
    if forwarded_for:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded_for
    if proto:
        environ["HTTP_X_FORWARDED_PROTO"] = proto
    behind_proxies(lambda environ, _: [], trusted=trusted)(environ, None)
    return environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]


@pytest.mark.parametrize("trusted", ["10.1.2.3", "10.0.0.0/8"])
def test_a_named_proxy_tells_the_client_and_the_scheme(trusted: str) -> None:
    seen = seen_through(trusted, peer="10.1.2.3", forwarded_for="203.0.113.9", proto="https")
    assert seen == ("203.0.113.9", "https")


@pytest.mark.parametrize("trusted", [[], ["10.0.0.0/8"]])
def test_anybody_else_is_not_believed(trusted: list[str]) -> None:
    seen = seen_through(*trusted, peer="198.51.100.7", forwarded_for="10.1.2.3", proto="https")
    assert seen == ("198.51.100.7", "http")


def test_what_the_client_wrote_itself_is_not_believed() -> None:
    """The proxy appends whom it saw; the client's own invention stands left of that."""
    seen = seen_through("10.0.0.0/8", peer="10.1.2.3", forwarded_for="127.0.0.1, 203.0.113.9")
    assert seen == ("203.0.113.9", "http")


def test_a_chain_of_named_proxies_is_followed() -> None:
    seen = seen_through("10.0.0.0/8", "192.0.2.1", peer="10.1.2.3", forwarded_for="203.0.113.9, 192.0.2.1, 10.9.9.9")
    assert seen == ("203.0.113.9", "http")


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::9]:4711", "2001:db8::9"),
        ("2001:db8::9", "2001:db8::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_addresses_are_read_as_proxies_write_them(written: str, address: str) -> None:
    assert seen_through("10.0.0.0/8", peer="10.1.2.3", forwarded_for=written)[0] == address


@pytest.mark.parametrize("garbage", ["unknown", "<script>", "203.0.113.9.9", "1.2.3.4:5:6x", ",", "[", "\N{SNOWMAN}"])
def test_what_is_no_address_never_becomes_one(garbage: str) -> None:
    assert seen_through("10.0.0.0/8", peer="10.1.2.3", forwarded_for=garbage)[0] == "10.1.2.3"


def test_the_scheme_needs_no_client_address() -> None:
    assert seen_through("10.0.0.0/8", peer="10.1.2.3", proto="HTTPS")[1] == "https"


@pytest.mark.parametrize("proto", ["javascript", "https,http", "ftp"])
def test_only_http_and_https_are_schemes(proto: str) -> None:
    assert seen_through("10.0.0.0/8", peer="10.1.2.3", proto=proto)[1] == "http"


def test_a_proxy_may_reach_an_ipv6_socket_from_its_ipv4_address() -> None:
    seen = seen_through("10.0.0.0/8", peer="::ffff:10.1.2.3", forwarded_for="203.0.113.9")
    assert seen[0] == "203.0.113.9"


def test_a_proxy_that_is_no_address_stops_the_start() -> None:
    with pytest.raises(ValueError, match=r"proxy\.example"):
        behind_proxies(lambda *_: [], trusted=["proxy.example"])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("peer", "proto", "status"),
    [("10.1.2.3", "https", 200), ("10.1.2.3", "http", 301), ("198.51.100.7", "https", 301)],
)
def test_django_redirects_to_https_by_what_the_proxy_says(settings: Any, peer: str, proto: str, status: int) -> None:
    settings.SECURE_SSL_REDIRECT = True
    application = behind_proxies(get_wsgi_application(), trusted=["10.0.0.0/8"])
    environ = (
        RequestFactory()
        .get("/.well-known/oauth-authorization-server", REMOTE_ADDR=peer, HTTP_X_FORWARDED_PROTO=proto)
        .environ
    )
    answers: list[str] = []
    application(environ, lambda answer, headers, exc_info=None: answers.append(answer))
    assert answers[0].startswith(str(status))
