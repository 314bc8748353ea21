"""Requests to URLs that clients choose: OWASP API7, and a slow host must not delay a request."""

import contextlib
import ipaddress
import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.infrastructure import outbound
from oauth.infrastructure.outbound import OutboundError
from tests.lib.servers import PATIENCE_SECONDS

NO_PUBLIC_ADDRESS = r"^its host has no public address\.$"


@pytest.mark.parametrize(
    "url",
    ["http://example.com/", "ftp://example.com/", "file:///etc/passwd", "https://", "https:///x", "https://user@example.com/",
     "https://example.com/#f", "https://example.com:99999/", "https://[::1/", "https://exa mple.com/", "https://é.example/",
     "javascript:alert(1)", "", "https://example.com/\n"],
)  # fmt: skip
def test_only_plain_https_urls(url):
    with pytest.raises(OutboundError):
        outbound.check_url(url)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
     "[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]", "[64:ff9b::7f00:1]",
     "[2002:7f00:1::]", "2130706433", "0x7f.1", "0177.0.0.1", "224.0.0.1", "[fec0::1]", "[::127.0.0.1]",
     "[::ffff:0:127.0.0.1]", "[2001:db8::1]", "[64:ff9b::808:808]", "192.88.99.1", "no-such-name.invalid"],
)  # fmt: skip
def test_an_address_of_our_own_network_is_never_asked(host):
    """It is refused in every spelling that the resolver understands, with the same message as an unknown name."""
    with pytest.raises(OutboundError, match=NO_PUBLIC_ADDRESS):
        outbound.request("GET", f"https://{host}/")


def test_a_name_with_one_private_address_is_refused_whole(monkeypatch):
    mixed = [(2, 1, 6, "", (address, 443)) for address in ("93.184.216.34", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: mixed)
    with pytest.raises(OutboundError, match=NO_PUBLIC_ADDRESS):
        outbound.request("GET", "https://rebinding.example/")


# --- the allow-list (RFC 6890, IANA's special-purpose registries)

#: The special networks according to Python. Python's lists are not complete for IPv6 addresses that contain an IPv4
#: address, so another test covers these.
REGISTERED = [
    network
    for constants in (ipaddress.IPv4Address("1.1.1.1")._constants, ipaddress.IPv6Address("2600::1")._constants)
    for network in constants._private_networks
]


@pytest.mark.parametrize("network", REGISTERED, ids=str)
def test_no_special_network_is_public_at_either_end(network):
    assert not outbound.is_public(str(network[0]))
    assert not outbound.is_public(str(network[-1]))


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_what_is_public_is_global_to_python_too(address):
    """Our list may be stricter than Python's, but never more permissive."""
    if outbound.is_public(str(address)):
        assert address.is_global
        assert not any((address.is_multicast, address.is_reserved, address.is_link_local))


@given(st.ip_addresses(v=4))
def test_no_address_that_wraps_another_is_public(address):
    """Mapped, compatible, translated, NAT64, 6to4 and Teredo addresses are refused, whatever IPv4 address they
    contain.
    """
    low, high = f"{int(address) >> 16:x}:{int(address) & 0xFFFF:x}", f"{int(address):08x}"
    for written in (
        f"::{address}", f"::ffff:{address}", f"::ffff:0:{address}", f"64:ff9b::{low}", f"64:ff9b:1::{low}",
        f"2002:{high[:4]}:{high[4:]}::1", f"2001:0:{high[:4]}:{high[4:]}::1", f"fec0::{low}", f"fe80::{low}",
        f"2600::{low}%eth0",
    ):  # fmt: skip
        assert not outbound.is_public(written), written


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"])
def test_addresses_of_the_internet_are_public(address):
    assert outbound.is_public(address)


def test_an_allowed_host_is_asked_once_and_no_redirect_is_followed(listener):
    listener.status, listener.headers["Location"] = 302, "/elsewhere"
    assert outbound.request("POST", listener.url("/in?x=1"), body="a=b").status == 302
    assert listener.received == [("POST", "/in?x=1", b"a=b")]


def test_only_the_port_that_was_allowed(listener):
    with pytest.raises(OutboundError):
        outbound.request("GET", "http://127.0.0.1:1/")


def test_an_answer_is_bounded(listener):
    listener.body = b"x" * (outbound.MAX_BYTES + 1)
    with pytest.raises(OutboundError, match="larger than"):
        outbound.request("GET", listener.url("/"))


def test_who_needs_only_the_status_gets_it_however_large_the_answer_is(listener):
    listener.body = b"x" * (outbound.MAX_BYTES + 1)
    assert outbound.request("POST", listener.url("/"), needs_body=False).status == 200


@pytest.mark.parametrize("body", [b"nonsense", b"\xff", b"[" * 100_000])
def test_json_is_json(listener, body):
    listener.body = body[: outbound.MAX_BYTES]
    with pytest.raises(OutboundError, match="JSON"):
        outbound.get_json(listener.url("/"))


def test_one_deadline_for_everything(settings, monkeypatch):
    """The server accepts the connection and never answers."""
    monkeypatch.setattr(outbound, "DEADLINE_SECONDS", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        settings.OAUTH = {**settings.OAUTH, "OUTBOUND_ALLOWED_HOSTS": [host]}
        started = time.monotonic()
        with pytest.raises(OutboundError, match="did not answer"):
            outbound.request("GET", f"http://{host}/")
        assert time.monotonic() - started < PATIENCE_SECONDS


def test_a_response_that_comes_byte_by_byte_meets_the_deadline_too(settings, monkeypatch):
    """A byte from time to time keeps each single read within its time limit."""
    monkeypatch.setattr(outbound, "DEADLINE_SECONDS", 0.5)
    with socket.socket() as dripping:
        dripping.bind(("127.0.0.1", 0))
        dripping.listen()
        host = f"127.0.0.1:{dripping.getsockname()[1]}"
        settings.OAUTH = {**settings.OAUTH, "OUTBOUND_ALLOWED_HOSTS": [host]}
        is_over = threading.Event()

        def drip():
            with contextlib.suppress(OSError):
                peer, _ = dripping.accept()
                with peer:
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                    while not is_over.wait(0.1):
                        peer.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        started = time.monotonic()
        try:
            with pytest.raises(OutboundError, match="did not answer"):
                outbound.request("GET", f"http://{host}/")
            assert time.monotonic() - started < PATIENCE_SECONDS
        finally:
            is_over.set()
            dripping.shutdown(socket.SHUT_RDWR)  # it still accepts if the deadline had passed before the connection
            thread.join()
