"""HTTP requests to URLs that clients chose: jwks_uri, sector_identifier_uri, logo_uri, client ID metadata documents,
back-channel logout, webhooks.

Prevents server-side request forgery (OWASP API7): the host is resolved once, all its IP addresses must be public, and
the connection uses one of them, so that DNS rebinding has no effect. Only https, no redirects, one deadline for the
request, and a limited response size. `allowed_hosts` may have private addresses and use http.
"""

import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3

from oauth.infrastructure.provided import Provided

#: OAUTH["OUTBOUND_ALLOWED_HOSTS"]: hosts, with or without a port, that may have private addresses and use http.
allowed_hosts: Provided[frozenset[str]] = Provided(frozenset())

DEADLINE_SECONDS = 5.0
MAX_BYTES = 64 * 1024
# Public addresses: all of IPv4 and 2000::/3 (global unicast, all of IPv6 that IANA has assigned), except the
# special-purpose registries (RFC 6890). IPv4 addresses in IPv6 form (mapped, compatible, translated: ::ffff:0:0/96,
# ::/96, ::ffff:0:0:0/96, 64:ff9b::/96) are outside of 2000::/3; 6to4 and Teredo, which contain IPv4 addresses, are in
# _SPECIAL.
_PUBLIC = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("2000::/3"))
_SPECIAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3ffe::/16", "3fff::/20",
    )
)  # fmt: skip
# The same for an unknown host and for a private address, so that clients cannot probe names of our network.
_NO_PUBLIC_ADDRESS = "its host has no public address."


class OutboundError(Exception):
    """The URL is not allowed, or the response is unusable. The message may be shown to the owner of the URL."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content_type: str
    body: bytes
    #: The header Cache-Control, whose lines are joined (RFC 9110 §5.3).
    cache_control: str = ""


def check_url(url: str) -> None:
    """Checks the URL without resolving its host. Raises OutboundError."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise OutboundError("this is not a URL.") from None
    if not url.isascii() or not url.isprintable() or " " in url or not host or "@" in parts.netloc or parts.fragment:
        raise OutboundError("this is not a plain URL with a host.")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_allowed(url)):
        raise OutboundError("it must be https.")


def get_json(url: str) -> Any:
    """The JSON document at this URL. Raises OutboundError."""
    answer = request("GET", url)
    if answer.status != 200:
        raise OutboundError(f"it returned status {answer.status}.")
    return json_of(answer)


def json_of(answer: Answer) -> Any:
    """The JSON in the body. Raises OutboundError."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise OutboundError("its response is not JSON.") from None


def request(
    method: str,
    url: str,
    *,
    body: str | None = None,
    content_type: str | None = None,
    bearer: str = "",
    more_headers: Mapping[str, str] | None = None,
    max_bytes: int = MAX_BYTES,
    needs_body: bool = True,
) -> Answer:
    """Sends a request, which takes at most DEADLINE_SECONDS. Raises OutboundError. A response body of more than
    `max_bytes` is refused, or cut off if the caller needs only the status (`needs_body=False`).
    """
    check_url(url)
    parts = urlsplit(url)
    host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    headers = {"Host": parts.netloc, "Accept": "application/json, */*;q=0.1", "User-Agent": "Countersign"}
    if content_type:
        headers["Content-Type"] = content_type
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    headers |= more_headers or {}
    deadline = time.monotonic() + DEADLINE_SECONDS
    failure: Exception | None = None
    for address in _addresses(host, port, any_address=_is_allowed(url)):
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            break
        pool = _pool(parts.scheme, address, port, host, remaining)
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            response = pool.urlopen(method, target, body=body, headers=headers, redirect=False, preload_content=False)
            with closing(response):  # even if reading was aborted
                content = _read(response, deadline, max_bytes)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            failure = error
            continue
        finally:
            pool.close()
        if needs_body and len(content) > max_bytes:
            raise OutboundError(f"its response is larger than {max_bytes} bytes.")
        headers_of = response.headers
        return Answer(response.status, headers_of.get("Content-Type", ""), content, headers_of.get("Cache-Control", ""))
    raise OutboundError("it did not answer.") from failure


def _read(response: urllib3.BaseHTTPResponse, deadline: float, max_bytes: int) -> bytes:
    """Reads at most one byte more than `max_bytes`. Checks the deadline, because the timeout applies to each read and a
    server could send one byte at a time.
    """
    content = b""
    while len(content) <= max_bytes:
        if time.monotonic() > deadline:
            raise urllib3.exceptions.TimeoutError("the response took too long")
        part = response.read1(max_bytes + 1 - len(content), decode_content=False)
        if not part:
            break
        content += part
    return content


def _pool(scheme: str, address: str, port: int, host: str, seconds: float) -> urllib3.HTTPConnectionPool:
    timeout = urllib3.Timeout(connect=min(2.0, seconds), read=seconds, total=seconds)
    if scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, timeout=timeout, retries=False, maxsize=1)
    # The certificate must be valid for the host name, although the connection uses an IP address.
    return urllib3.HTTPSConnectionPool(
        address, port, timeout=timeout, retries=False, maxsize=1,
        ssl_context=ssl.create_default_context(), server_hostname=host, assert_hostname=host,
    )  # fmt: skip


def _addresses(host: str, port: int, *, any_address: bool) -> list[str]:
    """The IP addresses of the host. All must be public, because a mixed result suggests an attack."""
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)]
    except OSError:
        raise OutboundError(_NO_PUBLIC_ADDRESS) from None
    if not any_address and not all(is_public(address) for address in found):
        raise OutboundError(_NO_PUBLIC_ADDRESS)
    return list(dict.fromkeys(found))


def is_public(address: str) -> bool:
    """Whether the address is public. An address with a zone (`%eth0`) never is (RFC 4007)."""
    ip = ipaddress.ip_address(address)
    if getattr(ip, "scope_id", None):
        return False
    return any(ip in network for network in _PUBLIC) and not any(ip in network for network in _SPECIAL)


def _is_allowed(url: str) -> bool:
    parts = urlsplit(url)
    return not allowed_hosts.values.isdisjoint((str(parts.hostname), parts.netloc))
