"""The rate limit of pages on which a logged-in user changes something."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest

from oauth.errors import TooManyRequests
from oauth.infrastructure import rate_limits
from oauth.pages import error_page


def limited(endpoint: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorates a view's dispatch: answers 429 if the user has sent too many forms."""

    def around(dispatch: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(dispatch)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.method not in ("GET", "HEAD", "OPTIONS"):
                try:
                    rate_limits.spend_page(endpoint, request)
                except TooManyRequests as refusal:
                    return error_page.show(request, refusal)
            return dispatch(request, *args, **kwargs)

        return wrapped

    return around
