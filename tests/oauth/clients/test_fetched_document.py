"""Fetching a client ID metadata document by the rules of `outbound` and of the draft."""

from datetime import timedelta

import pytest

from oauth.clients.registration import fetched_document
from oauth.clients.registration.fetched_document import MAX_LIFETIME, MIN_LIFETIME, lifetime_of
from oauth.infrastructure.outbound import OutboundError
from tests.lib import certificates
from tests.lib.http_listener import HttpListener


@pytest.fixture
def app_site(settings, monkeypatch, tmp_path):
    """The site of an app, with TLS, on this machine. It is in OUTBOUND_ALLOWED_HOSTS."""
    authority = certificates.authority()
    pair = certificates.make(
        "CN=127.0.0.1", by=authority, sans=(certificates.SANS["san_ip"]("127.0.0.1"),),
        usage=certificates.ExtendedKeyUsageOID.SERVER_AUTH,
    )  # fmt: skip
    (tmp_path / "site.pem").write_text(pair.key_pem + pair.pem)
    (tmp_path / "authority.pem").write_text(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    with HttpListener({"client_id": "?"}, certificate=tmp_path / "site.pem") as server:
        settings.OAUTH = {**settings.OAUTH, "OUTBOUND_ALLOWED_HOSTS": [server.host]}
        yield server


def test_a_document_is_fetched_with_its_lifetime(app_site):
    app_site.headers["Cache-Control"] = "public, max-age=600"
    fetched = fetched_document.fetch(app_site.url("/client.json?v=1"))
    assert (fetched.content, fetched.lifetime) == ({"client_id": "?"}, timedelta(minutes=10))
    assert app_site.received == [("GET", "/client.json?v=1", b"")]


def test_a_private_host_that_the_setting_does_not_name_is_not_called(app_site, settings):
    """OWASP API7: one setting applies to every URL that a client chooses."""
    settings.OAUTH = {**settings.OAUTH, "OUTBOUND_ALLOWED_HOSTS": []}
    with pytest.raises(OutboundError, match="no public address"):
        fetched_document.fetch(app_site.url("/client.json"))
    assert app_site.requests == 0


@pytest.mark.parametrize(
    "address",
    ["https://{host}", "https://{host}/client.json#", "https://{host}/client.json#part",
     "https://user@{host}/client.json", "https://{host}/a/../client.json", "https://{host}/./client.json",
     "https://{host}/a/%2E%2e/client.json", "https://{host}/a b", "https://[/client.json"],
)  # fmt: skip
def test_only_an_https_url_with_a_plain_path_is_a_client_id(app_site, address):
    """draft-ietf-oauth-client-id-metadata-document §3."""
    with pytest.raises(OutboundError):
        fetched_document.fetch(address.format(host=app_site.host))
    assert app_site.requests == 0


def test_not_even_an_allowed_host_has_a_client_id_with_http(listener):
    """draft-ietf-oauth-client-id-metadata-document §3."""
    listener.body = {"client_id": listener.url("/client.json")}
    with pytest.raises(OutboundError, match="https URL"):
        fetched_document.fetch(listener.url("/client.json"))
    assert listener.requests == 0


def test_a_redirect_is_not_followed(app_site):
    app_site.status, app_site.headers["Location"] = 302, app_site.url("/elsewhere.json")
    with pytest.raises(OutboundError, match="returned status 302"):
        fetched_document.fetch(app_site.url("/client.json"))
    assert app_site.requests == 1


def test_an_error_with_a_document_is_no_document(app_site):
    app_site.status = 404
    with pytest.raises(OutboundError, match="returned status 404"):
        fetched_document.fetch(app_site.url("/client.json"))


def test_a_document_is_bounded(app_site):
    app_site.body = {"client_id": "?", "client_name": "x" * fetched_document.MAX_BYTES}
    with pytest.raises(OutboundError, match="is larger than"):
        fetched_document.fetch(app_site.url("/client.json"))


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"<html>", b"\xff", b"[" * 10_000, b'{"client_id":'])
def test_a_document_is_a_json_object(app_site, body):
    app_site.body = body
    with pytest.raises(OutboundError, match="JSON"):
        fetched_document.fetch(app_site.url("/client.json"))


@pytest.mark.parametrize(
    ("content_type", "is_json"),
    [("application/json", True), ("Application/JSON; charset=utf-8", True), ("application/client+json", True),
     ("text/html", False), ("text/x+json", False), ("application/jsonp", False), ("", False)],
)  # fmt: skip
def test_a_document_has_the_content_type_of_json(app_site, content_type, is_json):
    """Otherwise, a page with comments or uploads of strangers could be used as a metadata document."""
    app_site.headers["Content-Type"] = content_type
    if is_json:
        assert fetched_document.fetch(app_site.url("/client.json")).content == {"client_id": "?"}
    else:
        with pytest.raises(OutboundError, match="Content-Type"):
            fetched_document.fetch(app_site.url("/client.json"))


@pytest.mark.parametrize(
    ("cache_control", "lifetime"),
    [("", MAX_LIFETIME), ("public", MAX_LIFETIME), ("max-age=600", timedelta(minutes=10)),
     ('MAX-AGE="600"', timedelta(minutes=10)), ("s-maxage=600", MAX_LIFETIME), ("max-age=0", MIN_LIFETIME),
     ("max-age=99999999999999999999", MAX_LIFETIME), ("no-store", MIN_LIFETIME), ("max-age=600, no-cache", MIN_LIFETIME),
     ("max-age=soon", MIN_LIFETIME), ("max-age", MIN_LIFETIME), ('private="max-age=1", max-age=600', timedelta(minutes=10)),
     ("max-age=600, max-age=1", timedelta(minutes=10)), ("max-age=٦٠٠", MIN_LIFETIME)],
)  # fmt: skip
def test_the_lifetime_is_that_of_the_cache_headers_within_bounds(cache_control, lifetime):
    """RFC 9111 §5.2.2."""
    assert lifetime_of(cache_control) == lifetime
