"""RFC 9700 §4.13: the site believes headers only from proxies that the operator has named, in a form that no client can
forge.
"""

from typing import Any

import pytest
from django.core.wsgi import get_wsgi_application
from django.test import RequestFactory

from config.server.proxy import CLIENT_CERTIFICATE, UNKNOWN_PROXY, behind_proxies
from tests.lib import certificates

SECRET = "a-secret-of-the-proxies-that-no-client-knows"
CERTIFICATE = certificates.make("CN=client")


def seen_by_forwarded(header: str, *trusted: str, peer: str = "10.1.2.3", **environ: str) -> dict[str, Any]:
    """Returns the environ that the application gets."""
    seen: dict[str, Any] = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http", "HTTP_FORWARDED": header, **environ}
    application = behind_proxies(lambda *_: [], trusted=trusted or ["10.0.0.0/8"], secrets=["an older one", SECRET])
    application(seen, None)
    return seen


def test_a_marked_element_tells_the_client_the_scheme_and_the_certificate() -> None:
    seen = seen_by_forwarded(f'for="203.0.113.9";proto=https;cert="{CERTIFICATE.header}";by=_{SECRET}')
    assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]) == ("203.0.113.9", "https")
    assert seen[CLIENT_CERTIFICATE] == (CERTIFICATE.der,)
    assert "HTTP_FORWARDED" not in seen  # it holds the secret


@pytest.mark.parametrize("mark", ["", ";by=_", ";by=_wrong", f";by={SECRET}", f";by=_{SECRET}x", ";by=10.1.2.3"])
def test_an_element_without_the_secret_is_ignored(mark: str) -> None:
    seen = seen_by_forwarded(f'for="203.0.113.9";proto=https;cert="{CERTIFICATE.header}"{mark}')
    assert seen == {"REMOTE_ADDR": "10.1.2.3", "wsgi.url_scheme": "http", UNKNOWN_PROXY: True}


def test_the_secret_counts_from_a_named_proxy_only() -> None:
    seen = seen_by_forwarded(f"for=203.0.113.9;proto=https;by=_{SECRET}", peer="198.51.100.7")
    assert seen == {"REMOTE_ADDR": "198.51.100.7", "wsgi.url_scheme": "http", UNKNOWN_PROXY: True}


def test_what_a_client_wrote_before_the_proxys_element_is_not_believed() -> None:
    seen = seen_by_forwarded(f'for=127.0.0.1;cert="{CERTIFICATE.header}", for=203.0.113.9;by=_{SECRET}')
    assert (seen["REMOTE_ADDR"], seen[CLIENT_CERTIFICATE]) == ("203.0.113.9", ())


def test_what_a_client_managed_to_put_behind_it_takes_everything_away() -> None:
    seen = seen_by_forwarded(f'for=203.0.113.9;by=_{SECRET}, for=127.0.0.1;cert="{CERTIFICATE.header}"')
    assert (seen["REMOTE_ADDR"], seen.get(CLIENT_CERTIFICATE)) == ("10.1.2.3", None)


def test_a_chain_of_marked_proxies_is_followed() -> None:
    by = f"by=_{SECRET}"
    header = f'for=10.6.6.6;proto=http, for=203.0.113.9;proto=https;cert="{CERTIFICATE.header}";{by}, for=10.9.9.9;{by}'
    seen = seen_by_forwarded(header)
    assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]) == ("203.0.113.9", "https")
    assert seen[CLIENT_CERTIFICATE] == (CERTIFICATE.der,)


@pytest.mark.parametrize("header", [
    f'for="203.0.113.9;by=_{SECRET}', f"for=203.0.113.9;for=127.0.0.1;by=_{SECRET}", f"for=1 2;by=_{SECRET}",
    f'for="", for=", for=203.0.113.9;by=_{SECRET}', f"=;by=_{SECRET}",
])  # fmt: skip
def test_a_malformed_header_is_ignored(header: str) -> None:
    assert seen_by_forwarded(header)["REMOTE_ADDR"] == "10.1.2.3"


@pytest.mark.parametrize("written", ['"[2001:db8::9]:4711"', '"[2001:db8::9]"', "2001:db8::9", '"2001:db8::9"'])
def test_an_ipv6_address_is_read_with_and_without_brackets(written: str) -> None:
    """RFC 7239 §6."""
    assert seen_by_forwarded(f"for={written};by=_{SECRET}")["REMOTE_ADDR"] == "2001:db8::9"


def test_with_a_secret_nothing_else_is_believed_or_left_for_a_library_to_believe() -> None:
    """granian maps X_Forwarded_For and X-Forwarded-For to the same name, so neither can be trusted."""
    others = {"HTTP_X_FORWARDED_FOR": "127.0.0.1", "HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_HOST": "evil",
              "HTTP_X_REAL_IP": "127.0.0.1", "HTTP_CLIENT_CERT": CERTIFICATE.header}  # fmt: skip
    seen = seen_by_forwarded(f"for=203.0.113.9;by=_{SECRET}", **others)
    assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"], seen[CLIENT_CERTIFICATE]) == ("203.0.113.9", "http", ())
    assert not seen.keys() & others.keys()


def test_x_forwarded_for_counts_only_where_the_operator_says_it_has_one_spelling() -> None:
    seen: dict[str, Any] = {"REMOTE_ADDR": "10.1.2.3", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}
    behind_proxies(lambda *_: [], trusted=["10.0.0.0/8"])(seen, None)
    assert seen == {"REMOTE_ADDR": "10.1.2.3", UNKNOWN_PROXY: True}


def seen_through(*trusted: str, peer: str, forwarded_for: str = "", proto: str = "") -> tuple[str, str]:
    """Returns the address of the client and the scheme that the application sees."""
    environ: dict[str, Any] = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http"}
    if forwarded_for:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded_for
    if proto:
        environ["HTTP_X_FORWARDED_PROTO"] = proto
    behind_proxies(lambda environ, _: [], trusted=trusted, drop_underscores=True)(environ, None)
    return environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]


@pytest.mark.parametrize("trusted", ["10.1.2.3", "10.0.0.0/8"])
def test_a_named_proxy_tells_the_client_and_the_scheme(trusted: str) -> None:
    seen = seen_through(trusted, peer="10.1.2.3", forwarded_for="203.0.113.9", proto="https")
    assert seen == ("203.0.113.9", "https")


@pytest.mark.parametrize("trusted", [[], ["10.0.0.0/8"]])
def test_headers_of_an_unnamed_proxy_are_ignored(trusted: list[str]) -> None:
    seen = seen_through(*trusted, peer="198.51.100.7", forwarded_for="10.1.2.3", proto="https")
    assert seen == ("198.51.100.7", "http")


def test_what_the_client_wrote_itself_is_not_believed() -> None:
    """The proxy appends the address that it saw, so forged values of the client are to the left of it."""
    seen = seen_through("10.0.0.0/8", peer="10.1.2.3", forwarded_for="127.0.0.1, 203.0.113.9")
    assert seen == ("203.0.113.9", "http")


def test_a_chain_of_named_proxies_is_followed() -> None:
    seen = seen_through("10.0.0.0/8", "192.0.2.1", peer="10.1.2.3", forwarded_for="203.0.113.9, 192.0.2.1, 10.9.9.9")
    assert seen == ("203.0.113.9", "http")


@pytest.mark.parametrize(
    ("proto", "scheme"),
    [
        ("https, http", "https"),  # TLS ends at the outer proxy
        ("http, https", "http"),
        ("https", "https"),  # the inner proxy replaces the header
        ("https,http", "https"),
        (" HTTPS , http ", "https"),
        ("https, https, http", "https"),  # the client has forged the first element
        ("https, http, http", "http"),
        ("https, , http,", "https"),
        ("nonsense, http", "http"),
        ("", "http"),
    ],
)
def test_the_scheme_is_that_of_the_clients_own_connection(proto: str, scheme: str) -> None:
    """The server joins several lines of one header with commas (RFC 9110 §5.3)."""
    seen = seen_through("10.0.0.0/8", peer="10.1.2.3", forwarded_for="203.0.113.9, 10.9.9.9", proto=proto)
    assert seen == ("203.0.113.9", scheme)


@pytest.mark.parametrize("written", ["203.0.113.9,", ", 203.0.113.9", "203.0.113.9, ,", "203.0.113.9,,10.9.9.9"])
def test_empty_elements_of_a_list_do_not_count(written: str) -> None:
    assert seen_through("10.0.0.0/8", peer="10.1.2.3", forwarded_for=written)[0] == "203.0.113.9"


@pytest.mark.parametrize(
    "header",
    [
        f"for=198.51.100.7,for=203.0.113.9;proto=https;by=_{SECRET}",
        f"for=198.51.100.7, , for=203.0.113.9;proto=https;by=_{SECRET},",
        f",for=203.0.113.9;proto=https;by=_{SECRET}",
        f"for=203.0.113.9;proto=https;by=_{SECRET} , for=10.9.9.9;proto=http;by=_{SECRET}",
        f"for=203.0.113.9;proto=https;by=_{SECRET},,for=10.9.9.9;proto=http;by=_{SECRET}",
    ],
)
def test_forwarded_is_a_list_with_empty_elements_and_several_lines(header: str) -> None:
    seen = seen_by_forwarded(header)
    assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]) == ("203.0.113.9", "https")


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
def test_an_invalid_address_is_ignored(garbage: str) -> None:
    assert seen_through("10.0.0.0/8", peer="10.1.2.3", forwarded_for=garbage)[0] == "10.1.2.3"


def test_the_scheme_needs_no_client_address() -> None:
    assert seen_through("10.0.0.0/8", peer="10.1.2.3", proto="HTTPS")[1] == "https"


@pytest.mark.parametrize("proto", ["javascript", "https,http", "ftp"])
def test_only_http_and_https_are_schemes(proto: str) -> None:
    assert seen_through("10.0.0.0/8", peer="10.1.2.3", proto=proto)[1] == "http"


def test_a_proxy_may_reach_an_ipv6_socket_from_its_ipv4_address() -> None:
    seen = seen_through("10.0.0.0/8", peer="::ffff:10.1.2.3", forwarded_for="203.0.113.9")
    assert seen[0] == "203.0.113.9"


def test_an_ipv4_client_of_a_socket_of_both_families_has_its_ipv4_address() -> None:
    """Otherwise all IPv4 clients would share one rate limit, and none could be in METRICS_NETWORKS."""
    seen = {"REMOTE_ADDR": "::ffff:192.0.2.1"}
    behind_proxies(lambda *_: [], trusted=[])(seen, lambda *_: lambda _: None)
    assert seen == {"REMOTE_ADDR": "192.0.2.1"}


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
    application = behind_proxies(get_wsgi_application(), trusted=["10.0.0.0/8"], drop_underscores=True)
    environ = (
        RequestFactory()
        .get("/.well-known/oauth-authorization-server", REMOTE_ADDR=peer, HTTP_X_FORWARDED_PROTO=proto)
        .environ
    )
    answers: list[str] = []
    application(environ, lambda answer, headers, exc_info=None: answers.append(answer))
    assert answers[0].startswith(str(status))
