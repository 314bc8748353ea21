"""Finds the user of a browser session as Django's middleware does, but keeps the session's key after a change of
SECRET_KEY.

Django gives a session whose hash was made with one of SECRET_KEY_FALLBACKS a new key. The other requests that the
browser has sent at the same moment then have no session, and one of their responses may delete the new cookie. The list
of the user's browsers names sessions by their key, so the user could no longer log this browser out.
"""

from typing import Any

from django.contrib.auth import middleware
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject


class AuthenticationMiddleware(middleware.AuthenticationMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _user(request))  # type: ignore[assignment]  # as Django's


def _user(request: HttpRequest) -> Any:
    session: Any = request.session
    with session.keeping_key():
        return middleware.get_user(request)
