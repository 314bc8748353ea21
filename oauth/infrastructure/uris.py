"""Normalizes URIs for comparison (RFC 3986 §6.2.2, §6.2.3)."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
_UNRESERVED = re.compile("[A-Za-z0-9._~-]")


def normalized(uri: str) -> str:
    """Converts scheme and host to lower case, removes a default port and needless percent-encoding, and adds `/` for an
    empty path.

    Returns a URI that cannot be parsed unchanged.
    """
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return uri
    if not host or "@" in parts.netloc:
        return uri
    host = f"[{host}]" if ":" in host else host
    netloc = host if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{port}"
    fragment = f"#{parts.fragment}" if "#" in uri else ""
    rest = (_ENCODED.sub(_decoded, parts.path) or "/", _ENCODED.sub(_decoded, parts.query), "")
    return urlunsplit((parts.scheme, netloc, *rest)) + fragment


def _decoded(encoded: re.Match[str]) -> str:
    """§6.2.2.1, §6.2.2.2: decodes an unreserved character; otherwise converts the escape to upper case."""
    character = chr(int(encoded[0][1:], 16))
    return character if _UNRESERVED.fullmatch(character) else encoded[0].upper()


def origin(uri: str) -> str:
    """The origin of a URI: scheme, host and port (RFC 6454 §4)."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


def spelled_as(known: Iterable[str], asked: Iterable[str]) -> tuple[str, ...]:
    """`asked` in the spelling of `known`, without duplicates. Unknown values stay unchanged."""
    known, asked = tuple(known), tuple(dict.fromkeys(asked))
    if all(one in known for one in asked):
        return asked
    spellings = {normalized(one): one for one in known}
    return tuple(dict.fromkeys(spellings.get(normalized(one), one) for one in asked))
