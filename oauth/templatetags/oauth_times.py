"""`{% load oauth_times %}{{ at|moment }}`: a time with its time zone."""

from datetime import datetime

from django import template

from oauth.infrastructure import moments

register = template.Library()


@register.filter(expects_localtime=False)
def moment(at: datetime | None, format_name: str = "DATETIME_FORMAT") -> str:
    return moments.moment(at, format_name) if at else ""
