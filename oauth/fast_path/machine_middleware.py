"""Replaces five middleware classes of Django and other packages for machine endpoints."""

import re
from collections.abc import Callable
from typing import Any

from corsheaders.conf import conf as cors
from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware
from django.utils.cache import patch_vary_headers
from django_guid import set_guid
from django_guid.utils import get_id_from_header
from uuid_utils import uuid4

from oauth.fast_path import headers
from oauth.fast_path.headers import Stored, stored, stored_in

REQUEST_ID = "X-Request-Id"


class MachineMiddleware:
    """Handles the request ID (django-guid), HTTPS and its headers (SecurityMiddleware), the Host header and
    Content-Length (CommonMiddleware), framing and CSP (XFrameOptionsMiddleware, CSPMiddleware), and, if the request has
    an Origin, CORS (django-cors-headers).

    This code runs for every token request and every API request.
    """

    #: OWASP REST Security: if a browser displays a JSON response, it must neither run scripts nor allow framing.
    HEADERS = stored(
        {"X-Frame-Options": "DENY", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
    )
    MAX_HOSTS = 100

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        answer: Any = convert_exception_to_response(self._answer)
        self.answer = answer
        self.answer_with_cors: Any = convert_exception_to_response(CorsMiddleware(answer))
        self.is_cors_path = re.compile(cors.CORS_URLS_REGEX).match
        self.security = SecurityMiddleware(answer)
        self.security_headers: dict[bool, Stored] = {}
        self.known_hosts: set[str] = set()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        guid = get_id_from_header(request) if "HTTP_X_REQUEST_ID" in request.META else uuid4().hex
        set_guid(guid)
        fixed = {**self.HEADERS, REQUEST_ID.lower(): (REQUEST_ID, guid)}
        response: HttpResponse
        if "HTTP_ORIGIN" in request.META:
            response = self.answer_with_cors(request)
        else:
            response = self.answer(request)
            if self.is_cors_path(request.path_info):
                # A cache must not reuse this response for a request with an Origin, whose response has other headers.
                if "vary" in stored_in(response.headers):
                    patch_vary_headers(response, ["origin"])
                else:
                    fixed["vary"] = ("Vary", "origin")
        if not response.streaming and "content-length" not in stored_in(response.headers):
            fixed["content-length"] = ("Content-Length", str(len(response.content)))
        headers.add(response, defaults=self._security_headers(request), fixed=fixed)
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        # The validation of a Host header always has the same result, unless another header may name the host.
        host = request.META.get("HTTP_HOST")
        if host not in self.known_hosts:
            request.get_host()  # raises DisallowedHost, which Django returns as 400
            if host and not settings.USE_X_FORWARDED_HOST:
                if len(self.known_hosts) >= self.MAX_HOSTS:
                    self.known_hosts.clear()  # a client can append any port, so limit the size
                self.known_hosts.add(host)
        return self.security.process_request(request) or self.get_response(request)  # may redirect to HTTPS

    def _security_headers(self, request: HttpRequest) -> Stored:
        """The headers of SecurityMiddleware, which depend only on the scheme: HSTS is sent only over HTTPS (RFC 6797
        §7.2).
        """
        is_secure = request.is_secure()
        if is_secure not in self.security_headers:
            empty = self.security.process_response(request, HttpResponse())
            del empty.headers["Content-Type"]
            self.security_headers[is_secure] = dict(stored_in(empty.headers))
        return self.security_headers[is_secure]
