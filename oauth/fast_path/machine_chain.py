"""A short middleware chain for machine endpoints (docs/decisions/005).

Machine endpoints read no cookies and render no pages, so they need no middleware for sessions, CSRF, messages,
languages, CSP nonces or static files. All other paths use MIDDLEWARE.
"""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import MiddlewareNotUsed
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch
from django.utils.module_loading import import_string

from oauth.conf import conf

GetResponse = Callable[[HttpRequest], HttpResponse]


class MachineEndpointsFirst:
    """Must be first in MIDDLEWARE. Paths that match OAUTH["MACHINE_ENDPOINTS"] use OAUTH["MACHINE_MIDDLEWARE"] instead.
    Removes itself if OAUTH["FAST_PATH"] is off.
    """

    def __init__(self, get_response: GetResponse) -> None:
        if not conf.FAST_PATH:
            raise MiddlewareNotUsed('OAUTH["FAST_PATH"] is off.')
        self.whole_chain = get_response
        self.short_chain: GetResponse = _Chain(conf.MACHINE_MIDDLEWARE).handle
        self.is_machine_endpoint = conf.is_machine_endpoint

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self.is_machine_endpoint(request.path_info):
            return self.short_chain(request)
        return self.whole_chain(request)


class _Chain(BaseHandler):
    """Calls the view like Django. Supports middleware that wraps the view or has `process_exception`."""

    MAX_RESOLVED = 200

    def __init__(self, middleware: tuple[str, ...]) -> None:
        self._exception_middleware: list[Any] = []
        self._resolved: dict[str, ResolverMatch] = {}
        self.handle: Any = convert_exception_to_response(self._get_response)
        for path in reversed(middleware):
            instance = import_string(path)(self.handle)
            if hasattr(instance, "process_exception"):
                self._exception_middleware.append(instance.process_exception)
            self.handle = convert_exception_to_response(instance)

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """Resolves the path like Django. Caches the match of a route without parameters."""
        match = self._resolved.get(request.path_info)
        if match is None:
            match = super().resolve_request(request)
            if not match.kwargs and not match.args and len(self._resolved) < self.MAX_RESOLVED:
                self._resolved[request.path_info] = match
        request.resolver_match = match
        return match

    def _get_response(self, request: HttpRequest) -> HttpResponse:
        """Unlike Django's method, supports no asynchronous views, ATOMIC_REQUESTS or `process_view`, and template
        responses only of Django REST framework.
        """
        view, args, kwargs = self.resolve_request(request)
        try:
            response: Any = view(request, *args, **kwargs)
            self.check_response(response, view)
            if hasattr(response, "render"):  # of Django REST framework
                response = response.render()
        except Exception as error:
            response = self.process_exception_by_middleware(error, request)
            if response is None:
                raise
        return response  # type: ignore[no-any-return]  # typed as Any
