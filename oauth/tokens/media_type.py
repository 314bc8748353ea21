"""What kind of JWT it is: the header's `typ` (RFC 8725 §3.11), compared in one way by every reader of ours."""

from collections.abc import Mapping
from typing import Any


def of(header: Mapping[str, Any]) -> str | None:
    """RFC 7515 §4.1.9: a media type, in any case, with or without `application/`. None where there is none."""
    typ = header.get("typ")
    if typ is None:
        return None
    return typ.lower().removeprefix("application/") if isinstance(typ, str) else ""


def fits(header: Mapping[str, Any], *kinds: str | None) -> bool:
    """Whether `typ` is one of these kinds; None among them stands for a JWT without a `typ`."""
    return of(header) in {kind.lower() if kind else None for kind in kinds}
