"""The rules for redirect URIs that a client registers (RFC 9700 §2.1, RFC 8252 §7, OAuth 2.1 §2.3)."""

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from oauth.infrastructure.hosts import is_plain_host
from oauth.models.client.kind import Kind

# Redirecting to such a URI would run code or leak data in the browser (authentik CVE-2024-21637).
FORBIDDEN_SCHEMES = frozenset({"javascript", "data", "vbscript", "file", "blob", "about", "ftp", "ws", "wss"})
_LOCALHOST = re.compile(r"http://localhost(:[0-9]{1,5})?(?=[/?]|$)")
# The port after a scheme and a host, which is an IPv6 address in brackets or contains no colon.
_PORT = re.compile(r"^(http://(?:\[[^\]@/?]*\]|[^:\[\]@/?]*)):[0-9]{1,5}(?=[/?]|$)")


def validate_redirect_uri(uri: str, *, kind: str) -> None:
    """Raises ValidationError unless codes may be sent to this URI."""
    if why := _objection(uri, kind):
        raise ValidationError("%(uri)s: %(why)s", params={"uri": uri, "why": why})


def _objection(uri: str, kind: str) -> str:
    if not uri.isascii() or not uri.isprintable() or any(c in uri for c in '"<>\\^`{|}* '):
        return "it must contain only characters of a URI, and no wildcard."
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "this is not a URI."
    if "#" in uri:
        return "it must have no fragment (RFC 6749 §3.1.2)."
    if "@" in parts.netloc:
        return "it must have no user name or password."
    if parts.scheme in FORBIDDEN_SCHEMES or not parts.scheme:
        return "this scheme cannot receive a code."
    if any(segment in {".", ".."} for segment in parts.path.split("/")):
        return "it must have no dot segments in the path."
    if parts.scheme in ("http", "https"):
        return _objection_to_host(uri, parts.scheme, host)
    if "." not in parts.scheme:
        return "a private-use scheme must be a reversed domain name, such as com.example.app (RFC 8252 §7.1)."
    if kind not in (Kind.MOBILE, Kind.DEVICE):
        return "only mobile and desktop apps may use private-use schemes."
    return ""


def _objection_to_host(uri: str, scheme: str, host: str) -> str:
    # The host becomes part of a Content-Security-Policy, where `;`, a comma or a quote would be syntax (CSP3 §2.3.1).
    if host and not is_plain_host(host):
        return "the host must be a domain name of letters, digits, hyphens and dots, or an IP address."
    if scheme == "https":
        return "" if host else "it must have a host."
    if is_loopback(uri) or host == "localhost":
        return ""
    return "http is only for a loopback address; use https (OAuth 2.1 §2.3)."


def matches_on_any_port(uri: str, registered: str) -> bool:
    """RFC 8252 §7.3: a native app listens on any free port. `localhost` is treated like a loopback address, because
    many libraries use it, although §8.3 recommends an IP literal.
    """
    return ignores_port(uri) and ignores_port(registered) and _without_port(uri) == _without_port(registered)


@lru_cache(maxsize=1000)
def ignores_port(uri: str) -> bool:
    """Whether the port of the redirect URI is ignored, because it changes with each start of the app."""
    return _has_valid_port(uri) and (is_loopback(uri) or _LOCALHOST.match(uri) is not None)


def _without_port(uri: str) -> str:
    return _PORT.sub(r"\1", uri, count=1)


def _has_valid_port(uri: str) -> bool:
    try:
        return urlsplit(uri).port != 0
    except ValueError:
        return False


def is_loopback(uri: str) -> bool:
    """Whether the URI is http with a loopback IP literal (RFC 8252 §7.3), not with `localhost` (§8.3)."""
    try:
        parts = urlsplit(uri)
        return parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
