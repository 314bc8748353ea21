"""What all JSON endpoints of the protocol share: no cookies, no CSRF, no caching, errors in RFC 6749 §5.2 form."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.decorators import classonlymethod
from django.views import View

from oauth.audit import refusals
from oauth.clients import authentication
from oauth.errors import InvalidClient, InvalidRequest, OAuthError, TooManyRequests
from oauth.fast_path import headers
from oauth.infrastructure import metrics, rate_limits
from oauth.infrastructure.rate_limits import Limit
from oauth.models import Client
from oauth.models.audit_event import origin
from oauth.parameters import Parameters
from oauth.proof import nonce

# RFC 6749 §5.1: tokens are never cached.
_HEADERS = headers.stored({"Cache-Control": "no-store", "Pragma": "no-cache", "Referrer-Policy": "no-referrer"})


class ProtocolEndpoint(View):
    """A view whose OAuthErrors are JSON. Bugs stay bugs: nothing else is caught."""

    #: Name in logs and metrics.
    endpoint: str
    #: How often one client may ask; see `authenticated`.
    limit = Limit("requests", 6000)
    #: How often one address may ask in the name of public clients, all together: anybody can.
    limit_of_address = Limit("requests-of-address", 6000)
    #: Who called, once it has proven itself, or has no secret to prove itself by.
    caller: Client | None = None

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view: Any = super().as_view(**initkwargs)
        view.csrf_exempt = True  # no cookie counts here
        return view

    def authenticated(self, request: HttpRequest, params: Parameters) -> Client:
        """The client that calls, which has not asked too often.

        A client that proved itself has a limit of its own; anybody can call in the name of a public one, so there
        the limit is the address's. Failures count where they come from, and only failures are refused for them: right
        credentials hold 256 random bits or a signature, so nobody guesses them, and they are always accepted.
        """
        address = rate_limits.address_of(request)
        client_id = ""
        try:
            credentials = authentication.read(request, params)
            client_id = credentials.client_id
            client = authentication.verify(credentials)
        except InvalidClient as refusal:
            refusal.client_id = client_id
            refusal.is_of_known_client = authentication.is_known(client_id)
            rate_limits.spend(rate_limits.FAILURES, address, client_id)
            rate_limits.spend(rate_limits.FAILURES_OF_ADDRESS, address)
            raise
        self.caller = client
        if client.is_public:
            rate_limits.spend(self.limit_of_address, self.endpoint, address)
        rate_limits.spend(self.limit, self.endpoint, client.client_id, address if client.is_public else "")
        return client

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with origin(self.endpoint, request), metrics.timed(self.endpoint) as self.timer:
            try:
                response = super().dispatch(request, *args, **kwargs)
            except OAuthError as refusal:
                self.timer.outcome = refusal.code
                refusals.record(self.endpoint, refusal, request, client=self.caller, is_proven=True)
                response = error_response(refusal)
        headers.add(response, defaults=_HEADERS)
        if "HTTP_DPOP" in request.META:
            response.headers["DPoP-Nonce"] = nonce.current()  # RFC 9449 §8, §8.2
        return response

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = error_response(InvalidRequest(f"{request.method} is not a method of this endpoint."))
        response.status_code = HTTPStatus.METHOD_NOT_ALLOWED
        response.headers["Allow"] = ", ".join(
            method.upper() for method in self.http_method_names if hasattr(self, method)
        )
        return response


def json_response(body: Mapping[str, Any], *, status: int = HTTPStatus.OK) -> HttpResponse:
    """Of plain strings, numbers, lists and objects. JsonResponse's encoder, which knows more, costs twice as much."""
    return HttpResponse(json.dumps(body).encode(), status=status, content_type="application/json")


def error_response(refusal: OAuthError) -> JsonResponse:
    """RFC 6749 §5.2, and no other member: strict clients refuse what they do not know. The error id finds the full
    reason in our log and in the audit log."""
    body = {"error": refusal.code, "error_description": refusal.told}
    response = JsonResponse(body, status=refusal.status)
    response.headers["X-Error-Id"] = refusal.error_id
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        # RFC 6749 §5.2, RFC 6750 §3.
        parameters = f'error="{refusal.code}"' if refusal.scheme == "Bearer" else 'realm="oauth", charset="UTF-8"'
        response.headers["WWW-Authenticate"] = f"{refusal.scheme} {parameters}"
    if isinstance(refusal, TooManyRequests):
        response.headers["Retry-After"] = str(refusal.retry_after_seconds)
    return response
