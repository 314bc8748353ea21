"""The type of a JWT: the header's `typ` (RFC 8725 §3.11), which every verifier of ours compares the same way."""

from collections.abc import Mapping
from typing import Any


def _normalized(header: Mapping[str, Any]) -> str | None:
    """RFC 7515 §4.1.9: a media type, in any case, with or without `application/`. None if there is none."""
    typ = header.get("typ")
    if typ is None:
        return None
    return typ.lower().removeprefix("application/") if isinstance(typ, str) else ""


def fits(header: Mapping[str, Any], *kinds: str | None) -> bool:
    """Whether `typ` is one of these; None among them means a JWT without a `typ`."""
    return _normalized(header) in {kind.lower() if kind else None for kind in kinds}
