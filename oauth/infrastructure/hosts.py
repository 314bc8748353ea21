"""Host names in DNS and URLs."""

import re
from urllib.parse import urlsplit

from oauth.infrastructure import display_names

# RFC 1123 §2.1 (and the underscore, which DNS allows); RFC 4291 §2.2.
_DOMAIN = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?")
_IPV6 = re.compile(r"(?=[^:]*:)[0-9A-Fa-f:.]{2,45}")


def is_plain_host(host: str) -> bool:
    """Whether this is a domain name in DNS form, or an IP address without brackets and zone."""
    return bool(_DOMAIN.fullmatch(host) or _IPV6.fullmatch(host))


def host_of(uri: str) -> str:
    """The target of a URI as shown to users: its host, or the app that handles its scheme."""
    parts = urlsplit(uri)
    return display_names.host(parts.hostname) if parts.hostname else f"the app {parts.scheme}"
