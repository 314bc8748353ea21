"""The format of times in the API, in webhooks and in files."""

from datetime import UTC, datetime
from typing import NewType

#: RFC 3339, in UTC with `Z`.
Timestamp = NewType("Timestamp", str)


def timestamp(at: datetime) -> Timestamp:
    return Timestamp(at.astimezone(UTC).isoformat().replace("+00:00", "Z"))
