"""The language that a client asked for (OpenID Connect Core §3.1.2.1): for the pages of that request and no longer."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_supported_language_variant

from oauth.conf import conf

COOKIE = "ui_locales"


def remember(page: HttpResponse, language: str) -> None:
    """For login, sign-up and consent, until the client has its answer or the user chooses another language."""
    page.set_cookie(
        COOKIE,
        language,
        max_age=int(conf.INTERACTION_LIFETIME.total_seconds()),
        path=settings.SESSION_COOKIE_PATH,
        samesite="Lax",
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )


def forget(request: HttpRequest, page: HttpResponse) -> None:
    if COOKIE in request.COOKIES:
        page.delete_cookie(COOKIE, path=settings.SESSION_COOKIE_PATH, samesite="Lax")


def language_of(request: HttpRequest) -> str | None:
    """None if no client asked for one, or if this is a new request, which brings its own `ui_locales`."""
    if request.path == reverse("oauth:authorize") and request.method == "GET" and "interaction" not in request.GET:
        return None
    try:
        return get_supported_language_variant(request.COOKIES.get(COOKIE, ""))
    except LookupError:
        return None
