"""Compares the header `typ` of JWTs (RFC 8725 §3.11)."""

from collections.abc import Mapping
from typing import Any


def _normalized(header: Mapping[str, Any]) -> str | None:
    """RFC 7515 §4.1.9: `typ` in lower case without `application/`. None if the header has no `typ`."""
    typ = header.get("typ")
    if typ is None:
        return None
    return typ.lower().removeprefix("application/") if isinstance(typ, str) else ""


def fits(header: Mapping[str, Any], *kinds: str | None) -> bool:
    """Whether `typ` is one of `kinds`. None in `kinds` accepts a JWT without a `typ`."""
    return _normalized(header) in {kind.lower() if kind else None for kind in kinds}
