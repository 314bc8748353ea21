"""Runs work after the response was sent, so that the response time does not reveal whether there was any."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

logger = logging.getLogger(__name__)


def do_after_response(request: HttpRequest, work: Callable[[], object]) -> None:
    """Requires AfterResponseMiddleware."""
    request.after_response = [*getattr(request, "after_response", []), work]  # type: ignore[attr-defined]  # the middleware below reads it


class AfterResponseMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for work in getattr(request, "after_response", []):
            response._resource_closers.append(_logged(work))  # type: ignore[attr-defined]  # called after sending
        return response


def _logged(work: Callable[[], object]) -> Callable[[], None]:
    def do_it() -> None:
        try:
            work()
        except OSError as error:  # the mail server failed; the page offers to send the email again
            logger.warning("An email could not be sent: %s", type(error).__name__)

    return do_it
