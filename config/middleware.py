"""Middleware of the site: refuses malformed requests, answers outages, keeps private pages out of caches, limits forms
and chooses the language of a page.

With the fast path, machine endpoints go through OAUTH["MACHINE_MIDDLEWARE"] instead. Without it they go through all of
these, which leave them alone where a rule is for pages only.
"""

import logging
import re
from collections.abc import Callable

from django.conf import settings
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

from config import errors
from oauth.conf import conf
from oauth.errors import TooManyRequests
from oauth.infrastructure import rate_limits

logger = logging.getLogger(__name__)
GetResponse = Callable[[HttpRequest], HttpResponse]

MAX_QUERY_CHARACTERS = 32 * 1024
# Raw or percent-encoded C0 controls: no parameter of ours has any, and PostgreSQL refuses NUL with an error.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]|%[01][0-9A-Fa-f]|%7[fF]")


class RefuseMalformedRequests:
    """Path and query, before any look-up. Bodies are the endpoints' own business."""

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
    """OWASP REST Security: if a browser shows the answer of a machine endpoint, it runs and frames nothing of it.

    Inside of CSPMiddleware, which keeps a header that is there.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if conf.is_machine_endpoint(request.path_info):
            response["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
        return response


class OutageMiddleware:
    """Answers 503 with Retry-After, in the caller's format, where a view cannot reach the database or the cache.

    Innermost. An outage in another middleware reaches `errors.server_error` instead.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not errors.is_outage(exception):
            return None
        logger.error("The database or the cache is not available: %s: %s", type(exception).__name__, exception)
        return errors.answer(request, errors.OUTAGE)


class LimitForms:
    """So many forms in a minute of one user or, before anybody is logged in, of one address: whatever a page writes,
    nobody makes it write without end. Views have narrower limits of their own (OWASP API4)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_form = request.method not in ("GET", "HEAD", "OPTIONS")
        if is_form and not conf.is_machine_endpoint(request.path_info):
            try:
                rate_limits.spend_page("", request)
            except TooManyRequests as refusal:
                response = errors.answer(request, errors.TOO_MANY)
                response["Retry-After"] = str(refusal.retry_after_seconds)
                return response
        return self.get_response(request)


class RefuseImpossibleValues:
    """400 where PostgreSQL says that a value in the address of an admin page is none of its type, such as a number
    beyond its range or a state that its enumeration lacks. The admin's own filters check only what Django knows."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        is_asked = request.method in ("GET", "HEAD") and request.path_info.startswith("/admin/")
        if not is_asked or not isinstance(exception, DataError):
            return None
        logger.warning("impossible value: %s", exception)
        return errors.answer(request, errors.MALFORMED)


class NoStoreForPeople:
    """Pages made for somebody who is logged in are kept by no cache."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # What looked at the session says so in Vary.
        if "Cookie" in response.get("Vary", "") and "Cache-Control" not in response:
            response["Cache-Control"] = "private, no-store"
        return response


class SpeakTheirLanguage(LocaleMiddleware):
    """What the person chose, else what their browser asks for. The admin and the API's document speak English, as their
    terms do: they are the protocols' own."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        if request.path_info.startswith(("/admin/", "/api/")) or conf.is_machine_endpoint(request.path_info):
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = translation.get_language()

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        answer = response
        if not conf.is_machine_endpoint(request.path_info):
            answer = super().process_response(request, response)
        # This thread's next request may be for a machine endpoint, which is answered in one language.
        translation.deactivate()
        return answer
