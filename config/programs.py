"""What programs call, the protocol's endpoints and the API, passes a short chain of middleware of its own.

These addresses read no cookie and answer no page, so sessions, CSRF, messages, languages, nonces and static files are
not theirs (docs/decisions/005). MIDDLEWARE stays the chain of everything else, whole and in Django's order.
"""

import re
import uuid
from collections.abc import Callable
from typing import Any

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.module_loading import import_string
from django_guid import set_guid
from django_guid.utils import get_id_from_header

GetResponse = Callable[[HttpRequest], HttpResponse]
REQUEST_ID = "X-Request-Id"


class ProgramsFirst:
    """First of MIDDLEWARE: PROGRAM_URLS_REGEX decides which of the two chains a request goes through."""

    def __init__(self, get_response: GetResponse) -> None:
        self.for_people = get_response
        self.for_programs: GetResponse = _Handler(settings.PROGRAM_MIDDLEWARE).chain
        self.is_for_programs = re.compile(settings.PROGRAM_URLS_REGEX).match

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self.is_for_programs(request.path_info):
            return self.for_programs(request)
        return self.for_people(request)


class _Handler(BaseHandler):
    """Django's own way to a view and back, through middleware that wraps it or catches its exceptions."""

    def __init__(self, middleware: list[str]) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self.chain: Any = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]
        for path in reversed(middleware):
            one = import_string(path)(self.chain)
            if hasattr(one, "process_exception"):
                self._exception_middleware.append(one.process_exception)
            self.chain = convert_exception_to_response(one)


class Identify:
    """The id of a request in every log line and in its answer, as django-guid's middleware gives it to pages."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        guid = get_id_from_header(request) if "HTTP_X_REQUEST_ID" in request.META else uuid.uuid4().hex
        set_guid(guid)
        # One language for programs, whatever page this thread has served before.
        translation.deactivate()
        response = self.get_response(request)
        response.headers[REQUEST_ID] = guid
        return response


class CorsForOrigins(CorsMiddleware):
    """django-cors-headers, asked only where a browser says that a page of some origin calls."""

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        self.is_for_browsers = re.compile(settings.CORS_URLS_REGEX).match

    def __call__(self, request: HttpRequest) -> Any:
        if "HTTP_ORIGIN" in request.META:
            return super().__call__(request)
        response: Any = self.get_response(request)
        if self.is_for_browsers(request.path_info):
            patch_vary_headers(response, ["origin"])  # no cache hands this answer to a page
        return response


class Plain:
    """What CommonMiddleware, XFrameOptionsMiddleware and CSPMiddleware do for pages, where nothing is rendered."""

    HEADERS = {
        "X-Frame-Options": "DENY",
        # OWASP REST Security: should a browser show it after all, nothing of it is run.
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.get_host()  # raises DisallowedHost: 400
        response = self.get_response(request)
        for name, value in self.HEADERS.items():
            response.headers[name] = value
        if not response.streaming and "Content-Length" not in response.headers:
            response.headers["Content-Length"] = str(len(response.content))
        return response
