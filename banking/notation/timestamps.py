"""Moments as the API, webhooks and files write them."""

from datetime import UTC, datetime
from typing import NewType

#: RFC 3339, in UTC with `Z`.
Timestamp = NewType("Timestamp", str)


def timestamp(at: datetime) -> Timestamp:
    return Timestamp(at.astimezone(UTC).isoformat().replace("+00:00", "Z"))
