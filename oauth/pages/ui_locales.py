"""The language that a client asked for, kept for the pages that follow (OpenID Connect Core §3.1.2.1)."""

from django.conf import settings
from django.http import HttpResponse


def remember(page: HttpResponse, language: str) -> None:
    """In the cookie that Django's LocaleMiddleware reads."""
    page.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        samesite="Lax",
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )
