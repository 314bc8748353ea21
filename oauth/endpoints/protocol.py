"""What all JSON endpoints of the protocol share: no cookies, no CSRF, no caching, errors in RFC 6749 §5.2 form."""

import logging
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from oauth import metrics
from oauth.errors import InvalidRequest, OAuthError

logger = logging.getLogger("oauth.refusals")


@method_decorator(csrf_exempt, name="dispatch")
class ProtocolEndpoint(View):
    """A view whose OAuthErrors are JSON. Bugs stay bugs: nothing else is caught."""

    #: Name in logs and metrics.
    endpoint: str

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = super().dispatch(request, *args, **kwargs)
        except OAuthError as refusal:
            metrics.refusals.labels(self.endpoint, refusal.code).inc()
            log_refusal(self.endpoint, refusal)
            response = error_response(refusal)
        # RFC 6749 §5.1: tokens are never cached.
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Pragma", "no-cache")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        return response

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = error_response(InvalidRequest(f"{request.method} is not a method of this endpoint."))
        response.status_code = HTTPStatus.METHOD_NOT_ALLOWED
        response.headers["Allow"] = ", ".join(
            method.upper() for method in self.http_method_names if hasattr(self, method)
        )
        return response


def error_response(refusal: OAuthError) -> JsonResponse:
    """RFC 6749 §5.2; `error_id` finds the full reason in our log."""
    body = {"error": refusal.code, "error_description": refusal.description, "error_id": refusal.error_id}
    response = JsonResponse(body, status=refusal.status)
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        # RFC 6749 §5.2, RFC 6750 §3.
        parameters = f'error="{refusal.code}"' if refusal.scheme == "Bearer" else 'realm="oauth", charset="UTF-8"'
        response.headers["WWW-Authenticate"] = f"{refusal.scheme} {parameters}"
    return response


def log_refusal(endpoint: str, refusal: OAuthError) -> None:
    logger.warning(
        "%s refused: %s",
        endpoint,
        refusal.code,
        extra={"error_id": refusal.error_id, "reason": refusal.description, "detail": refusal.detail},
    )
