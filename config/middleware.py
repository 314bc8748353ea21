"""What holds for every request: malformed ones are refused early, an outage is said, private pages not cached."""

import logging
import re
from collections.abc import Callable
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from config.errors import answer

logger = logging.getLogger(__name__)
GetResponse = Callable[[HttpRequest], HttpResponse]

MAX_QUERY_CHARACTERS = 32 * 1024
# Raw or percent-encoded C0 controls: no parameter of ours has any, and PostgreSQL refuses NUL with an error.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]|%[01][0-9A-Fa-f]|%7[fF]")
_OUTAGE = (OperationalError, InterfaceError, PoolTimeout, PoolClosed, TooManyRequests)


class RefuseMalformedRequests:
    """Path and query, before any look-up. Bodies are the endpoints' own business."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        query = request.META.get("QUERY_STRING", "")
        if len(query) > MAX_QUERY_CHARACTERS:
            return answer(request, HTTPStatus.REQUEST_URI_TOO_LONG, "invalid_request", "The URL is too long.")
        if _CONTROL.search(query) or _CONTROL.search(request.path_info):
            detail = "The URL holds a control character."
            return answer(request, HTTPStatus.BAD_REQUEST, "invalid_request", detail)
        return self.get_response(request)


class SayOutages:
    """503 with Retry-After, in the caller's form, where the database cannot be reached; never a 500."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, _OUTAGE):
            return None
        logger.error("database not available: %s", type(exception).__name__)
        detail = "The service is not available at the moment. Nothing was done; try again."
        return answer(request, HTTPStatus.SERVICE_UNAVAILABLE, "temporarily_unavailable", detail)


class NoStoreForPeople:
    """Pages made for somebody who is logged in are kept by no cache."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if "Cookie" in response.get("Vary", "") and "Cache-Control" not in response:
            response["Cache-Control"] = "private, no-store"
        return response
