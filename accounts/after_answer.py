"""Work that is done when the answer has been sent, so that its time does not tell the asker whether it was done."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

logger = logging.getLogger(__name__)


def do(request: HttpRequest, work: Callable[[], object]) -> None:
    """Needs DoAfterAnswer around the view."""
    request.after_answer = [*getattr(request, "after_answer", []), work]  # type: ignore[attr-defined]


class DoAfterAnswer:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for work in getattr(request, "after_answer", []):
            # Django calls these when the server closes the response.
            response._resource_closers.append(_logged(work))  # type: ignore[attr-defined]
        return response


def _logged(work: Callable[[], object]) -> Callable[[], None]:
    def do_it() -> None:
        try:
            work()
        except OSError as error:  # of the mail server; the page offers to send it again
            logger.warning("a mail could not be sent: %s", type(error).__name__)

    return do_it
