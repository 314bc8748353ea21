"""Shows times in the user's time zone. A script of the login pages reports the browser's zone in a cookie.

Days and months of the bank always follow BANK_TIME_ZONE.
"""

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from functools import cached_property

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts import time_zones
from accounts.models import User

COOKIE = f"{settings.COOKIE_PREFIX}time_zone"
_IN_BANK_TIME = ("/admin/", "/api/")


def told_by(request: HttpRequest) -> str:
    """The IANA name of the browser's zone; empty if the cookie is missing or names an unknown zone."""
    name = request.COOKIES.get(COOKIE, "")
    return name if name in time_zones.names() else ""


def cookie() -> dict[str, str]:
    """The cookie's name and attributes, for the script that sets it."""
    secure = "; Secure" if settings.IS_HTTPS else ""
    attributes = f"Path={settings.SESSION_COOKIE_PATH}; Max-Age={365 * 86_400}; SameSite=Lax{secure}"
    return {"name": COOKIE, "attributes": attributes}


class TimeZoneMiddleware:
    """Must come after AuthenticationMiddleware. The admin and the API use the bank's time zone, which all staff
    share.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(_IN_BANK_TIME):
            return self.get_response(request)
        with timezone.override(_ZoneOfUser(request)):
            return self.get_response(request)


class _ZoneOfUser(tzinfo):
    """Reads the user's zone when a page first shows a time. A page without times does not read the session."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def _zone(self) -> tzinfo:
        user = self._request.user
        chosen = user.time_zone if isinstance(user, User) else ""
        return time_zones.zone_of(chosen or told_by(self._request))

    def __str__(self) -> str:
        return str(self._zone)

    def fromutc(self, at: datetime) -> datetime:
        return self._zone.fromutc(at.replace(tzinfo=self._zone))

    def utcoffset(self, at: datetime | None) -> timedelta | None:
        return self._zone.utcoffset(at)

    def dst(self, at: datetime | None) -> timedelta | None:
        return self._zone.dst(at)

    def tzname(self, at: datetime | None) -> str | None:
        return self._zone.tzname(at)
