"""The page for errors that must not be redirected to a client (RFC 9700 §4.11)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from oauth.errors import OAuthError, TooManyRequests


def show(
    request: HttpRequest, refusal: OAuthError, *, title: str = gettext_noop("This login link does not work")
) -> HttpResponse:
    """`title` is a msgid."""
    is_limit = isinstance(refusal, TooManyRequests)
    context = {
        "title": _("Too many requests") if is_limit else _(title),
        "message": _("Wait a minute, then try again.") if is_limit else _(refusal.description),
        "error": refusal.code,
        "error_id": refusal.error_id,
    }
    page = render(request, "oauth/error.html", context, status=refusal.status)
    if isinstance(refusal, TooManyRequests):
        page["Retry-After"] = str(refusal.retry_after_seconds)
    return page
