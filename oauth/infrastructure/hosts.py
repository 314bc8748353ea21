"""Host names as DNS and URLs know them."""

import re
from urllib.parse import urlsplit

from oauth.infrastructure import display_names

# RFC 1123 §2.1 (and the underscore, which DNS knows); RFC 4291 §2.2.
_DOMAIN = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?")
_IPV6 = re.compile(r"(?=[^:]*:)[0-9A-Fa-f:.]{2,45}")


def is_plain_host(host: str) -> bool:
    """A domain name as DNS knows it, or an IP literal without its brackets and without a zone."""
    return bool(_DOMAIN.fullmatch(host) or _IPV6.fullmatch(host))


def host_of(uri: str) -> str:
    """The target of a URI, in a form that users can check: its host, or the app that owns its scheme."""
    parts = urlsplit(uri)
    return display_names.host(parts.hostname) if parts.hostname else f"the app {parts.scheme}"
