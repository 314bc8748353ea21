"""Moments as the API, webhooks and files write them."""

from datetime import datetime


def timestamp(at: datetime) -> str:
    """RFC 3339, in UTC with `Z`."""
    return at.isoformat().replace("+00:00", "Z")
