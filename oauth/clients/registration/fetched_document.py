"""Fetches client ID metadata documents (draft-ietf-oauth-client-id-metadata-document-01).

Uses `outbound`, as for every URL that a client chooses: https, one DNS lookup, only public addresses and
OUTBOUND_ALLOWED_HOSTS, no redirects, a deadline and a size limit.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import parse_http_list

from oauth.infrastructure import outbound
from oauth.infrastructure.outbound import OutboundError

# The draft's "Maximum Response Size" recommends 5 kB; a JWK Set of RSA keys needs more.
MAX_BYTES = 16 * 1024
# The minimum applies even to `no-store`, because otherwise each request would cause a fetch.
MIN_LIFETIME, MAX_LIFETIME = timedelta(minutes=5), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Document:
    """`lifetime` is how long the content may be used before it is fetched again."""

    content: dict[str, Any]
    lifetime: timedelta


def fetch(client_id: str) -> Document:
    """The document at the URL `client_id`. Raises OutboundError."""
    _check_client_id(client_id)
    answer = outbound.request("GET", client_id, max_bytes=MAX_BYTES)
    # The draft, "Metadata Discovery Errors": any status other than 200 is an error, including redirects.
    if answer.status != 200:
        raise OutboundError(f"the server returned status {answer.status}.")
    if not _is_json(answer.content_type):
        raise OutboundError("its Content-Type must be application/json or application/<name>+json.")
    content = outbound.json_of(answer)
    if not isinstance(content, dict):
        raise OutboundError("it must be a JSON object.")
    return Document(content, lifetime_of(answer.cache_control))


def _check_client_id(client_id: str) -> None:
    """§3: the URL must have https and a path, and must not have a dot segment (even escaped), a fragment, a user name
    or a password.
    """
    outbound.check_url(client_id)
    path = urlsplit(client_id).path
    if client_id[:8].lower() != "https://" or not path or "#" in client_id:
        raise OutboundError("a client ID must be an https URL with a path and without a fragment.")
    if not {".", ".."}.isdisjoint(unquote(path).split("/")):
        raise OutboundError("a client ID must have no dot segments in its path.")


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")  # RFC 6839 §3.1
    )


def lifetime_of(cache_control: str) -> timedelta:
    """RFC 9111 §5.2.2, between MIN_LIFETIME and MAX_LIFETIME. Without a directive, MAX_LIFETIME."""
    directives: dict[str, str] = {}
    for directive in parse_http_list(cache_control):
        name, _, value = directive.partition("=")
        directives.setdefault(name.strip().lower(), value.strip().strip('"'))
    if not directives.keys().isdisjoint(("no-store", "no-cache")):
        return MIN_LIFETIME
    seconds = directives.get("max-age", "")
    if not (seconds.isascii() and seconds.isdecimal()):
        # RFC 9111 §4.2.1: an invalid max-age means stale.
        return MIN_LIFETIME if "max-age" in directives else MAX_LIFETIME
    # RFC 9111 §1.2.2: too large a number means the largest one.
    return min(max(timedelta(seconds=int(seconds[:9])), MIN_LIFETIME), MAX_LIFETIME)
