"""X-Forwarded-For and X-Forwarded-Proto, believed from the proxies that the operator named (RFC 9700 §4.13).

Anybody can send these headers. From a peer that is not in TRUSTED_PROXIES they are ignored.
(granian has a wrapper for this. It takes whatever stands in the header for an address, drops the scheme where
only X-Forwarded-Proto is sent, and does not know an IPv4 proxy that reaches an IPv6 socket.)
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

WSGIApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]


def behind_proxies(application: WSGIApplication, *, trusted: Iterable[str]) -> WSGIApplication:
    """`application`, seeing its true client through these proxies: addresses, or networks such as 10.0.0.0/8.

    Raises ValueError for what is neither.
    """
    networks = [ip_network(proxy) for proxy in trusted]
    if not networks:
        return application

    @lru_cache(maxsize=1024)
    def is_trusted(host: str) -> bool:
        address = _address(host)
        return address is not None and any(address in network for network in networks)

    def wrapped(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        peer = environ.get("REMOTE_ADDR", "")
        if is_trusted(peer):
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
