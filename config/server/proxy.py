"""The client's IP address, scheme and certificate, as the operator's proxies report them (RFC 9700 §4.13).

Any client can send such headers. It is not enough that the peer is in TRUSTED_PROXIES, because many proxies forward a
header that their client sent with another spelling: WSGI does not distinguish `Client-Cert` from `Client_Cert`, and
granian keeps the last of them. So the server trusts only a form that no client can produce: the proxy's element of
`Forwarded` (RFC 7239) with a secret of PROXY_SECRETS:

    Forwarded: for="203.0.113.9";proto=https;cert="…";by=_THE_SECRET

`cert` is the client's certificate as in RFC 9440, `chain` the rest of its chain. X-Forwarded-For and X-Forwarded-Proto
are used only if the operator says, with PROXIES_DROP_UNDERSCORES, that the proxies drop the second spelling. All other
such headers are removed, so that no library uses them.
"""

import hmac
import ssl
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import unquote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.http import HttpRequest

from config.server.forwarded import Element, elements

# Keys of the environ that no request header can set. They hold the certificate from a trusted proxy, and whether the
# request has headers of an untrusted proxy.
CLIENT_CERTIFICATE = "countersign.client_certificate"
UNKNOWN_PROXY = "countersign.unknown_proxy"
_OF_PROXIES = (
    "HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_PREFIX", "HTTP_X_FORWARDED_SERVER", "HTTP_X_FORWARDED_SSL",
    "HTTP_X_REAL_IP", "HTTP_CLIENT_CERT", "HTTP_CLIENT_CERT_CHAIN",
)  # fmt: skip
# RFC 9440 §4: the length of the chain must be limited.
_MOST_CERTIFICATES = 6


@dataclass(frozen=True, slots=True)
class Seen:
    """The facts that a proxy reports about its client. Empty values were not reported."""

    address: str = ""
    scheme: str = ""
    certificate: tuple[bytes, ...] = ()


def behind_proxies(
    application: WSGIApplication,
    *,
    trusted: Iterable[str],
    secrets: Iterable[str] = (),
    drop_underscores: bool = False,
) -> WSGIApplication:
    """Wraps `application` so that it sees the client behind these proxies: IP addresses or networks such as 10.0.0.0/8.

    With `secrets`, only `Forwarded` is used. `drop_underscores` is for proxies that cannot send it. Raises ValueError
    for a proxy that is neither an IP address nor a network.
    """
    networks = [ip_network(proxy) for proxy in trusted]
    marks = [f"_{secret}".encode() for secret in secrets if secret]

    @lru_cache(maxsize=1024)
    def is_trusted(host: str) -> bool:
        address = _address(host)
        return address is not None and any(address in network for network in networks)

    def is_marked(element: Element) -> bool:
        by = element.get("by", "").encode()
        return any(hmac.compare_digest(by, mark) for mark in marks)

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("REMOTE_ADDR", "").startswith("::ffff:"):
            # A dual-stack socket reports an IPv4 address in this form. Read as IPv6, all of them would be in one /64.
            environ["REMOTE_ADDR"] = str(_address(environ["REMOTE_ADDR"]) or environ["REMOTE_ADDR"])
        said = {name: environ.pop(name) for name in _OF_PROXIES if name in environ}
        if said:
            seen = None
            if is_trusted(environ.get("REMOTE_ADDR", "")):
                if marks:
                    seen = _by_forwarded(said.get("HTTP_FORWARDED", ""), is_trusted, is_marked)
                elif drop_underscores:
                    seen = _by_x_forwarded(said, is_trusted)
            if seen is None:
                environ[UNKNOWN_PROXY] = True
            else:
                environ["REMOTE_ADDR"] = seen.address or environ["REMOTE_ADDR"]
                environ["wsgi.url_scheme"] = seen.scheme or environ["wsgi.url_scheme"]
                environ[CLIENT_CERTIFICATE] = seen.certificate
        return application(environ, start_response)

    return wrapped


def _by_forwarded(header: str, is_trusted: Callable[[str], bool], is_marked: Callable[[Element], bool]) -> Seen | None:
    """None if the nearest proxy did not mark its element. Each proxy appends its element, so the result is the leftmost
    element of the unbroken run of marked ones at the end. The client itself may have written the elements to the left
    of this run.
    """
    farthest = None
    for element in reversed(elements(header)):
        if not is_marked(element):
            break
        farthest = element
        if not is_trusted(element.get("for", "")):
            break
    if farthest is None:
        return None
    address = _address(farthest.get("for", ""))
    return Seen(
        address="" if address is None else str(address),
        scheme=_scheme(farthest.get("proto", "")),
        certificate=_certificates(farthest.get("cert", ""), farthest.get("chain", "")),
    )


def _by_x_forwarded(said: dict[str, str], is_trusted: Callable[[str], bool]) -> Seen:
    """Each proxy appends the IP address of its client, so the client is the last one that is not a trusted proxy.

    The scheme is taken from the same hop. A proxy that replaces X-Forwarded-Proto, and does not append, leaves fewer
    values.
    """
    address, hop = "", -1
    for address in _hops(said.get("HTTP_X_FORWARDED_FOR", "")):
        hop += 1
        if not is_trusted(address):
            break
    schemes = [one for one in reversed(said.get("HTTP_X_FORWARDED_PROTO", "").split(",")) if one.strip()]
    return Seen(address=address, scheme=_scheme(schemes[min(max(hop, 0), len(schemes) - 1)] if schemes else ""))


def _scheme(written: str) -> str:
    scheme = written.strip().lower()
    return scheme if scheme in ("http", "https") else ""


def client_certificate(request: HttpRequest) -> tuple[bytes, ...]:
    """For OAUTH["CLIENT_CERTIFICATE"]: the chain in DER, the client's own certificate first. Empty if there is none."""
    found: tuple[bytes, ...] = request.META.get(CLIENT_CERTIFICATE, ())
    return found


def _certificates(leaf: str, chain: str) -> tuple[bytes, ...]:
    """The client's own certificate first. Empty if one of them cannot be parsed."""
    values = [leaf, *(one for one in chain.split(",") if one.strip())] if leaf.strip() else []
    if len(values) > _MOST_CERTIFICATES:
        return ()
    try:
        return tuple(_der(value.strip()) for value in values)
    except ValueError:
        return ()


def _der(value: str) -> bytes:
    """RFC 9440 §2.1: `:base64 of the DER:`. nginx cannot send this form; its `$ssl_client_escaped_cert` is a
    percent-encoded PEM. Raises ValueError.
    """
    if value.startswith(":") and value.endswith(":") and len(value) > 2:
        return b64decode(value[1:-1], validate=True)
    return ssl.PEM_cert_to_DER_cert(unquote(value, errors="strict"))


def _hops(forwarded_for: str) -> Iterator[str]:
    """The IP addresses, nearest first, up to the first value that is not an IP address."""
    for item in reversed(forwarded_for.split(",")):
        if not item.strip():
            continue  # RFC 9110 §5.6.1: a list may have empty elements
        address = _address(item.strip())
        if address is None:
            return
        yield str(address)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """An IP address as proxies write it: alone, `192.0.2.1:1234`, `[2001:db8::1]:1234`, `::ffff:192.0.2.1`."""
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
