"""Who asks, by which scheme and with which certificate, as the operator's proxies say it (RFC 9700 §4.13).

Anybody can send such headers, and that the peer is in TRUSTED_PROXIES is not enough: many proxies pass on what their
client sent under another spelling. WSGI makes one name of `Client-Cert` and `Client_Cert`; granian keeps the last.
So a proxy is believed only in a form that has one spelling and that no client knows: its element of `Forwarded`
(RFC 7239), marked with a secret of PROXY_SECRETS:

    Forwarded: for="203.0.113.9";proto=https;cert="…";by=_THE_SECRET

`cert` is the client's certificate as in RFC 9440, `chain` the rest of its chain. X-Forwarded-For and X-Forwarded-Proto
count only where the operator says, by PROXIES_DROP_UNDERSCORES, that the proxies pass no second spelling on. All other
headers of the kind are removed, so that no library believes them.
"""

import hmac
import ssl
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import unquote

from django.http import HttpRequest

from config.forwarded import Element, elements

# No header of a request can have these names: the certificate that a proxy vouches for, and that a request came with
# headers of a proxy that is not believed.
CLIENT_CERTIFICATE = "countersign.client_certificate"
UNKNOWN_PROXY = "countersign.unknown_proxy"
_OF_PROXIES = (
    "HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_PREFIX", "HTTP_X_FORWARDED_SERVER", "HTTP_X_FORWARDED_SSL",
    "HTTP_X_REAL_IP", "HTTP_CLIENT_CERT", "HTTP_CLIENT_CERT_CHAIN",
)  # fmt: skip
# RFC 9440 §4: a longer chain is no client's.
_MOST_CERTIFICATES = 6

WSGIApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a proxy says of the client that it saw; empty is not said."""

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
    """`application`, seeing its true client through these proxies: addresses, or networks such as 10.0.0.0/8.

    With `secrets` only `Forwarded` counts; `drop_underscores` is for proxies that cannot send it.
    Raises ValueError for a proxy that is neither an address nor a network.
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

    def wrapped(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
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
    """None where the proxy that sends it did not mark its element. Each proxy adds its own at the end, so what counts
    is the leftmost of those that are marked without a gap; what stands left of it, the client wrote."""
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
    """Each proxy appends the address that it saw, so the client is the last one that is not a proxy of ours."""
    address = ""
    for address in _hops(said.get("HTTP_X_FORWARDED_FOR", "")):
        if not is_trusted(address):
            break
    return Seen(address=address, scheme=_scheme(said.get("HTTP_X_FORWARDED_PROTO", "")))


def _scheme(written: str) -> str:
    scheme = written.strip().lower()
    return scheme if scheme in ("http", "https") else ""


def client_certificate(request: HttpRequest) -> tuple[bytes, ...]:
    """For OAUTH["CLIENT_CERTIFICATE"]: in DER, the client's own first; empty where it presented none."""
    found: tuple[bytes, ...] = request.META.get(CLIENT_CERTIFICATE, ())
    return found


def _certificates(leaf: str, chain: str) -> tuple[bytes, ...]:
    """The client's own first; none of them where one cannot be read."""
    values = [leaf, *(one for one in chain.split(",") if one.strip())] if leaf.strip() else []
    if len(values) > _MOST_CERTIFICATES:
        return ()
    try:
        return tuple(_der(value.strip()) for value in values)
    except ValueError:
        return ()


def _der(value: str) -> bytes:
    """RFC 9440 §2.1 `:base64 of the DER:`; nginx has none of it and sends its `$ssl_client_escaped_cert`, a PEM with
    percent-encoding. Raises ValueError."""
    if value.startswith(":") and value.endswith(":") and len(value) > 2:
        return b64decode(value[1:-1], validate=True)
    return ssl.PEM_cert_to_DER_cert(unquote(value, errors="strict"))


def _hops(forwarded_for: str) -> Iterator[str]:
    """The addresses, nearest first, as far as they are addresses."""
    for item in reversed(forwarded_for.split(",")):
        address = _address(item.strip())
        if address is None:
            return
        yield str(address)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it: bare, `192.0.2.1:1234`, `[2001:db8::1]:1234`, `::ffff:192.0.2.1`."""
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
