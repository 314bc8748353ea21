"""Answers the usual authorization request with remembered consent before the middleware of pages."""

from collections.abc import Callable
from functools import cached_property

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.urls import ResolverMatch, resolve
from django.utils import translation
from django_guid import set_guid
from django_guid.utils import get_id_from_header
from uuid_utils import uuid4

from oauth import fast_path
from oauth.fast_path import browser_login, headers
from oauth.fast_path.headers import Stored, stored_in
from oauth.fast_path.machine_middleware import REQUEST_ID
from oauth.pages import authorize_at_once, ui_locales

GetResponse = Callable[[HttpRequest], HttpResponse]
PATH = "/oauth/authorize"


class AuthorizeAtOnce:
    """Must come after MachineEndpointsFirst. Its answer has the headers that later middleware would set. A request that
    later middleware would refuse or redirect goes through all middleware, and so does every request if
    OAUTH["FAST_PATH"] is off.

    Code that is added to later middleware does not run for these answers. Therefore tests/config/test_at_once.py lists
    MIDDLEWARE, and compares the headers.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.security = SecurityMiddleware(get_response)
        self.of_pages = (CSPMiddleware(get_response), XFrameOptionsMiddleware(get_response), self.security)
        self.page_headers: dict[bool, Stored] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "GET" and request.path_info == PATH and fast_path.is_on():
            answer = self._answer(request)
            if answer is not None:
                return answer
        return self.get_response(request)

    def _answer(self, request: HttpRequest) -> HttpResponse | None:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not self._is_plain(request):
            return None
        guid = get_id_from_header(request) if "HTTP_X_REQUEST_ID" in request.META else uuid4().hex
        set_guid(guid)
        request.resolver_match = self._match  # the metrics name the route
        response = authorize_at_once.answer(request)
        if response is None:
            return None
        own = {
            REQUEST_ID.lower(): (REQUEST_ID, guid),
            "content-language": ("Content-Language", translation.get_language_from_request(request)),
        }
        headers.add(response, fixed={**self._page_headers(request), **own})
        return response

    def _is_plain(self, request: HttpRequest) -> bool:
        """Whether no later middleware would refuse or redirect the request."""
        if not request.META.keys().isdisjoint(("HTTP_ORIGIN", "HTTP_DPOP")) or not browser_login.is_possible():
            return False
        query = request.META.get("QUERY_STRING", "")
        if "prompt=consent" in query or "interaction=" in query:  # the page answers anyway
            return False
        if any(name.startswith(ui_locales.PREFIX) for name in request.COOKIES):
            return False
        try:
            request.get_host()
        except DisallowedHost:
            return False
        return self.security.process_request(request) is None  # no redirect to HTTPS

    @cached_property
    def _match(self) -> ResolverMatch:
        return resolve(PATH)

    def _page_headers(self, request: HttpRequest) -> Stored:
        """The headers depend only on the scheme: HSTS is sent over HTTPS alone (RFC 6797 §7.2)."""
        is_secure = request.is_secure()
        if is_secure not in self.page_headers:
            empty = HttpResponse(headers={"Vary": "Accept-Language, Cookie", "Content-Length": "0"})
            # The same value as on the page itself; the default of SecurityMiddleware is different.
            empty["Referrer-Policy"] = "no-referrer"
            for one in self.of_pages:
                one.process_response(request, empty)
            self.page_headers[is_secure] = dict(stored_in(empty.headers))
        return self.page_headers[is_secure]
