"""The language that a client requested (OpenID Connect Core §3.1.2.1), only for the pages of its interaction.

There is a cookie for each interaction, so that parallel tabs can have different languages.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_supported_language_variant

from oauth.authorize.interaction import Interaction
from oauth.conf import conf

#: Without a cookie with this prefix, no client that waits in this browser requested a language.
PREFIX = "ui_locales-"


def remember(page: HttpResponse, interaction: Interaction, language: str) -> None:
    """Sets the language of login, sign-up and consent until the client gets its response or the user chooses another
    language.
    """
    page.set_cookie(
        PREFIX + interaction.id,
        language,
        max_age=int(conf.INTERACTION_LIFETIME.total_seconds()),
        path=settings.SESSION_COOKIE_PATH,
        samesite="Lax",
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )
    for interaction_id in interaction.dropped:
        _delete(page, interaction_id)


def forget(request: HttpRequest, page: HttpResponse, interaction_id: str) -> None:
    if PREFIX + interaction_id in request.COOKIES:
        _delete(page, interaction_id)


def forget_all(request: HttpRequest, page: HttpResponse) -> None:
    for name in request.COOKIES:
        if name.startswith(PREFIX):
            _delete(page, name.removeprefix(PREFIX))


def language_of(request: HttpRequest, interaction_id: str) -> str | None:
    """The language requested by the client of this interaction; None if there is none."""
    try:
        return get_supported_language_variant(request.COOKIES.get(PREFIX + interaction_id, ""))
    except LookupError:
        return None


def _delete(page: HttpResponse, interaction_id: str) -> None:
    page.delete_cookie(PREFIX + interaction_id, path=settings.SESSION_COOKIE_PATH, samesite="Lax")
