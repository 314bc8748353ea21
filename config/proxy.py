"""X-Forwarded-For, X-Forwarded-Proto and Client-Cert (RFC 9440), believed from the proxies that the operator named
(RFC 9700 §4.13).

Anybody can send these headers. From a peer that is not in TRUSTED_PROXIES they are ignored.
(granian has a wrapper for this. It takes whatever stands in the header for an address, drops the scheme where
only X-Forwarded-Proto is sent, and does not know an IPv4 proxy that reaches an IPv6 socket.)
"""

import ssl
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import unquote

from django.http import HttpRequest

# Where a trusted proxy's Client-Cert is kept: no header of a request can have this name.
CLIENT_CERTIFICATE = "countersign.client_certificate"
# RFC 9440 §4: longer chains than these are no client's.
_MOST_CERTIFICATES = 6

WSGIApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]


def behind_proxies(application: WSGIApplication, *, trusted: Iterable[str]) -> WSGIApplication:
    """`application`, seeing its true client through these proxies: addresses, or networks such as 10.0.0.0/8.

    Raises ValueError for what is neither.
    """
    networks = [ip_network(proxy) for proxy in trusted]

    @lru_cache(maxsize=1024)
    def is_trusted(host: str) -> bool:
        address = _address(host)
        return address is not None and any(address in network for network in networks)

    def wrapped(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        peer = environ.get("REMOTE_ADDR", "")
        # RFC 9440 §4: from anybody else these are forged.
        leaf, chain = environ.pop("HTTP_CLIENT_CERT", ""), environ.pop("HTTP_CLIENT_CERT_CHAIN", "")
        if is_trusted(peer):
            environ[CLIENT_CERTIFICATE] = _certificates(leaf, chain)
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").strip().lower()
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
            # Each proxy appends whom it saw, so the client is the last one that is not a proxy of ours.
            # What stands left of it is what the client says.
            for hop in _hops(environ.get("HTTP_X_FORWARDED_FOR", "")):
                environ["REMOTE_ADDR"] = hop
                if not is_trusted(hop):
                    break
        return application(environ, start_response)

    return wrapped


def client_certificate(request: HttpRequest) -> tuple[bytes, ...]:
    """For OAUTH["CLIENT_CERTIFICATE"]: in DER, the client's own first; empty where it presented none."""
    found: tuple[bytes, ...] = request.META.get(CLIENT_CERTIFICATE, ())
    return found


def _certificates(leaf: str, chain: str) -> tuple[bytes, ...]:
    """Of the two headers; none of them where one cannot be read."""
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
