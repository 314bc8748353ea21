"""The decorator `needs_token` for Django views without REST framework."""

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest
from django.views.decorators.csrf import csrf_exempt

from oauth.resource_server.answers import offer_nonce, refusal_response
from oauth.resource_server.authentication import require_token
from oauth.resource_server.challenges import Refusal

View = Callable[..., Any]


def needs_token(*scopes: str) -> Callable[[View], View]:
    """Decorator: requires a valid access token with all these scopes, and sets it as `request.token`.

        @needs_token("orders:read")
        def orders(request):
            return JsonResponse(orders_of(request.token.claims.user_id))

    For asynchronous views, the check runs in a thread, because it may fetch keys. Refusals, including those that the
    view raises, are returned with their challenge (RFC 6750 §3). Write this decorator above others. The view needs no
    CSRF check, because the token is not in a cookie, and no session (Django's LoginRequiredMiddleware).
    """
    # Otherwise, `@needs_token` without parentheses would allow every request.
    if not scopes or not all(isinstance(scope, str) for scope in scopes):
        raise TypeError('needs_token must name the scopes: @needs_token("orders:read").')

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):

            @wraps(view)
            async def answer_later(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                try:
                    request.token = await sync_to_async(require_token)(request, *scopes)  # type: ignore[attr-defined]  # views read it
                    response = await view(request, *args, **kwargs)
                except Refusal as refusal:
                    return refusal_response(request, refusal)
                offer_nonce(request, response)
                return response

            return login_not_required(csrf_exempt(answer_later))

        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                request.token = require_token(request, *scopes)  # type: ignore[attr-defined]  # views read it
                response = view(request, *args, **kwargs)
            except Refusal as refusal:
                return refusal_response(request, refusal)
            offer_nonce(request, response)
            return response

        return login_not_required(csrf_exempt(answer))

    return decorate
