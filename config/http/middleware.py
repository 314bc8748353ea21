"""Middleware of the site: refuses malformed requests, answers outages, keeps private pages out of caches, limits forms
and chooses the language of a page.

With the fast path, machine endpoints go through OAUTH["MACHINE_MIDDLEWARE"] instead. Without the fast path they go
through all of these, and the rules for pages are not applied to them.
"""

import logging
import re
from collections.abc import Callable

from django.conf import settings
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

from accounts.login import next_url
from config.http import errors
from oauth.conf import conf
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import LimitReached
from oauth.pages import ui_locales

logger = logging.getLogger(__name__)
GetResponse = Callable[[HttpRequest], HttpResponse]

MAX_QUERY_CHARACTERS = 32 * 1024
# Raw or percent-encoded C0 controls. No parameter may contain them, and PostgreSQL refuses NUL with an error.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]|%[01][0-9A-Fa-f]|%7[fF]")


class MalformedRequestMiddleware:
    """Checks path and query before the URL is resolved. Endpoints check their bodies themselves."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        query = request.META.get("QUERY_STRING", "")
        if len(query) > MAX_QUERY_CHARACTERS:
            return errors.answer(request, errors.TOO_LONG)
        if _CONTROL.search(query) or _CONTROL.search(request.path_info):
            return errors.answer(request, errors.CONTROL_CHARACTER)
        return self.get_response(request)


class MachineContentSecurityPolicyMiddleware:
    """OWASP REST Security: a browser that shows the response of a machine endpoint must not run scripts in it or frame
    it.

    Must come after CSPMiddleware, which keeps an existing header.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if conf.is_machine_endpoint(request.path_info):
            response["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
        return response


class OutageMiddleware:
    """Answers 503 with Retry-After, in the caller's format, if a view cannot reach the database or the cache, or cannot
    hash a password now.

    Must come after the middleware that uses the database. If other middleware cannot reach the database or the cache,
    `errors.server_error` answers instead.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not errors.is_outage(exception):
            return None
        logger.error("The request cannot be answered for now: %s: %s", type(exception).__name__, exception)
        return errors.answer(request, errors.OUTAGE)


class FormLimitMiddleware:
    """Limits how many forms one user or, without a login, one IP address can send in a minute, because most forms write
    to the database (OWASP API4). Some views have lower limits in addition.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_form = request.method not in ("GET", "HEAD", "OPTIONS")
        if is_form and not conf.is_machine_endpoint(request.path_info):
            try:
                rate_limits.spend_page("", request)
            except LimitReached as refusal:
                response = errors.answer(request, errors.TOO_MANY)
                response["Retry-After"] = str(refusal.retry_after_seconds)
                return response
        return self.get_response(request)


class ButtonOnlyMiddleware:
    """Answers with a page if a user opens a URL that only accepts forms. A login leads to it if the user's session had
    ended before they pressed the button.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or request.method != "GET" or not errors.is_page(request.path_info):
            return response
        page = errors.answer(request, errors.BUTTON_ONLY)
        page["Allow"] = response["Allow"]
        return page


class ImpossibleValueMiddleware:
    """Answers 400 if a value in the URL of an admin page does not match the type of its column in PostgreSQL, such as a
    number out of range or an unknown member of an enumeration. Django's filters check only the types it knows."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        is_asked = request.method in ("GET", "HEAD") and request.path_info.startswith("/admin/")
        if not is_asked or not isinstance(exception, DataError):
            return None
        logger.warning("A value in the URL does not fit its database column: %s", exception)
        return errors.answer(request, errors.MALFORMED)


class PrivatePageMiddleware:
    """Forbids caches to store a page that depends on the session."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # Django adds this to Vary if the view has read the session.
        if "Cookie" in response.get("Vary", "") and "Cache-Control" not in response:
            response["Cache-Control"] = "private, no-store"
        return response


class LanguageMiddleware(LocaleMiddleware):
    """Chooses the language of a page: the one that the client asked for in this request, otherwise the one that the
    user chose, otherwise the browser's. The admin, the API and machine endpoints use English, which is the language of
    the specifications.
    """

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.own_language = translation.get_language()  # type: ignore[attr-defined]
        is_asked_for = any(name.startswith(ui_locales.PREFIX) for name in request.COOKIES)
        if is_asked_for and (language := ui_locales.language_of(request, next_url.interaction_id(request))):
            translation.activate(language)
            request.LANGUAGE_CODE = translation.get_language()
        if request.path_info.startswith("/admin/"):
            translation.activate(settings.ADMIN_LANGUAGE_CODE)
            request.LANGUAGE_CODE = translation.get_language()
        elif request.path_info.startswith("/api/") or conf.is_machine_endpoint(request.path_info):
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = translation.get_language()

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        answer = response
        if not conf.is_machine_endpoint(request.path_info):
            answer = super().process_response(request, response)
        # Machine endpoints do not choose a language, so the next request of this thread must not inherit this one.
        translation.deactivate()
        return answer
