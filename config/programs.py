"""What programs call, the protocol's endpoints and the API, passes a short chain of middleware of its own.

These addresses read no cookie and answer no page, so sessions, CSRF, messages, languages, nonces and static files are
not theirs (docs/decisions/005). MIDDLEWARE stays the chain of everything else, whole and in Django's order.
"""

import re
from collections.abc import Callable
from typing import Any

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware
from django.urls import ResolverMatch
from django.utils.cache import patch_vary_headers
from django.utils.module_loading import import_string
from django_guid import set_guid
from django_guid.utils import get_id_from_header
from uuid_utils import uuid4

from config.http_cache import REQUEST_ID
from config.middleware import RefuseMalformedRequests, SayOutages
from oauth.resource_server.middleware import OfferDPoPNonce

GetResponse = Callable[[HttpRequest], HttpResponse]
# As ResponseHeaders has them: name and value by the name in lower case.
_Headers = dict[str, tuple[str, str]]


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

    MOST_FIXED = 200

    def __init__(self, middleware: list[str]) -> None:
        self._exception_middleware: list[Any] = []
        self._fixed: dict[str, ResolverMatch] = {}
        self.chain: Any = convert_exception_to_response(self._get_response)
        for path in reversed(middleware):
            one = import_string(path)(self.chain)
            if hasattr(one, "process_exception"):
                self._exception_middleware.append(one.process_exception)
            self.chain = convert_exception_to_response(one)

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """As Django does it; an address that holds nothing variable leads to the same view every time."""
        match = self._fixed.get(request.path_info)
        if match is None:
            match = super().resolve_request(request)
            if not match.kwargs and not match.args and len(self._fixed) < self.MOST_FIXED:
                self._fixed[request.path_info] = match
        request.resolver_match = match
        return match

    def _get_response(self, request: HttpRequest) -> HttpResponse:
        """Django's looks for asynchronous views, transactions around views, and middleware of views and templates."""
        view, args, kwargs = self.resolve_request(request)
        try:
            response: HttpResponse = view(request, *args, **kwargs)
            self.check_response(response, view)
            if hasattr(response, "render"):  # of the REST framework
                response = response.render()
        except Exception as error:
            response = self.process_exception_by_middleware(error, request)
            if response is None:
                raise
        return response


class Program(SayOutages):
    """All that a program's request needs around its view, in one: whoever adds to it adds to every token and every
    list of accounts.

    The request's id (django-guid), HTTPS and its headers (SecurityMiddleware), Host (CommonMiddleware), malformed
    addresses, and, where the request has an Origin or a proof, CORS (django-cors-headers) and the nonce for the next.
    """

    # What XFrameOptionsMiddleware and CSPMiddleware do for pages.
    HEADERS = {
        "X-Frame-Options": "DENY",
        # OWASP REST Security: should a browser show it after all, nothing of it is run.
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }

    MOST_HOSTS = 100

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(RefuseMalformedRequests(get_response))
        answer: Any = convert_exception_to_response(self._answer)
        self.answer = answer
        self.answer_marked: Any = convert_exception_to_response(CorsMiddleware(OfferDPoPNonce(answer)))
        self.is_for_browsers = re.compile(settings.CORS_URLS_REGEX).match
        self.security = SecurityMiddleware(answer)
        self.security_headers: dict[bool, _Headers] = {}
        self.hosts: set[str] = set()
        self.always = {name.lower(): (name, value) for name, value in self.HEADERS.items()}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        guid = get_id_from_header(request) if "HTTP_X_REQUEST_ID" in request.META else uuid4().hex
        set_guid(guid)
        if "HTTP_ORIGIN" in request.META or "HTTP_DPOP" in request.META:
            response: HttpResponse = self.answer_marked(request)
        else:
            response = self.answer(request)
            if self.is_for_browsers(request.path_info):
                patch_vary_headers(response, ["origin"])  # no cache hands this answer to a page
        # Straight to where Django keeps headers: it looks at each name and value once more.
        headers: Any = response.headers
        headers._store = {
            **self._security_headers(request),
            **headers._store,
            **self.always,
            REQUEST_ID.lower(): (REQUEST_ID, guid),
        }
        if not response.streaming and "content-length" not in headers._store:
            headers._store["content-length"] = ("Content-Length", str(len(response.content)))
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        # Whether a name is one of ours is the same every time, where no other header counts for it.
        host = request.META.get("HTTP_HOST")
        if host not in self.hosts:
            request.get_host()  # raises DisallowedHost: 400
            if host and not settings.USE_X_FORWARDED_HOST:
                if len(self.hosts) >= self.MOST_HOSTS:
                    self.hosts.clear()  # a name of ours may come with any port
                self.hosts.add(host)
        return self.security.process_request(request) or self.get_response(request)  # to HTTPS first

    def _security_headers(self, request: HttpRequest) -> _Headers:
        """Always the same, but for HSTS, which an answer over HTTPS has alone."""
        is_secure = request.is_secure()
        if is_secure not in self.security_headers:
            empty = self.security.process_response(request, HttpResponse())
            del empty.headers["Content-Type"]
            self.security_headers[is_secure] = dict(empty.headers._store)
        return self.security_headers[is_secure]
