"""Accepts login forms from a browser that opened several of our pages before it had a CSRF cookie.

Each of these pages sets a CSRF cookie, and the last one replaces the others, so Django would refuse the forms of the
other tabs. The browser's headers show where such a form comes from.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]


class OwnFormsMiddleware:
    """While nobody is logged in, skips the CSRF token for forms that our own pages send.

    Fetch Metadata (W3C) and `Origin` show that the page is ours. Must come before Django's CsrfViewMiddleware, which
    checks every other form.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> None:
        if request.method == "POST" and _is_of_own_page(request) and SESSION_KEY not in request.session:
            request.csrf_processing_done = True  # type: ignore[attr-defined]  # CsrfViewMiddleware reads it


def _is_of_own_page(request: HttpRequest) -> bool:
    """No script can set either header (Fetch §2.2.2). A browser without the cookie is left to Django's check, whose
    error page says what to do.
    """
    return (
        request.headers.get("Sec-Fetch-Site") == "same-origin"
        and request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"
        and settings.CSRF_COOKIE_NAME in request.COOKIES
    )
