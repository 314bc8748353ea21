"""The language of the pages: the first of `ui_locales` that the site has (OpenID Connect Core §3.1.2.1)."""

from contextlib import suppress

from django.conf import settings
from django.http import HttpResponse
from django.utils import translation


def activate(locales: tuple[str, ...]) -> str | None:
    """Activates it for this request; None if the site has none of them."""
    for locale in locales:
        with suppress(LookupError):
            language = translation.get_supported_language_variant(locale)
            translation.activate(language)
            return language
    return None


def remember(page: HttpResponse, language: str) -> None:
    """In the cookie that Django's LocaleMiddleware reads."""
    page.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        samesite="Lax",
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )
