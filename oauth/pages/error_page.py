"""The page for errors that must not be redirected to a client (RFC 9700 §4.11)."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from oauth.errors import LoginRequired, OAuthError, TooManyRequests

#: The title (a msgid) if the user's answer was not saved, because the session has ended.
ANSWER_NOT_SAVED = gettext_noop("Your answer was not saved")


def show(
    request: HttpRequest,
    refusal: OAuthError,
    *,
    title: str = gettext_noop("This login link does not work"),
    links: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """`title` is a msgid that says what was refused. `links` is template context with links for the user."""
    is_limit = isinstance(refusal, TooManyRequests)
    context = {
        "title": _("Too many requests") if is_limit else _(title),
        "message": _("Wait a minute, then try again.") if is_limit else _(refusal.description),
        # A rate limit and an ended login are not errors of the app.
        "is_of_app": not isinstance(refusal, TooManyRequests | LoginRequired),
        "error": refusal.code,
        "error_id": refusal.error_id,
        **(links or {}),
    }
    page = render(request, "oauth/error.html", context, status=refusal.status)
    if isinstance(refusal, TooManyRequests):
        page["Retry-After"] = str(refusal.retry_after_seconds)
    return page
