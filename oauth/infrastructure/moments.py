"""Formats times for users, in the active time zone and with its name."""

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format


def moment(at: datetime, format_name: str = "DATETIME_FORMAT") -> str:
    """A time as text, such as “29 Nov. 2026, 02:24 UTC+1”. `at` must be aware; `format_name` is the name of a Django
    format or a format string.
    """
    local = timezone.localtime(at)
    return f"{date_format(local, format_name)} {zone_name(local)}"


def zone_name(local: datetime) -> str:
    """The offset from UTC, because abbreviations such as CST and IST are ambiguous."""
    offset = local.utcoffset()
    assert offset is not None, "a time must have a zone"
    minutes = int(offset.total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    if not minutes:
        return "UTC"
    return f"UTC{'+' if minutes > 0 else '−'}{hours}{f':{rest:02}' if rest else ''}"
