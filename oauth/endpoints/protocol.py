"""The base class of all JSON endpoints: no cookies, no CSRF checks, no caching, errors as in RFC 6749 §5.2."""

import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.decorators import classonlymethod
from django.views import View

from oauth.audit import metrics, refusals
from oauth.clients import authentication
from oauth.errors import InvalidClient, InvalidRequest, OAuthError, TooManyRequests
from oauth.fast_path import headers
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit, LimitReached
from oauth.models import Client
from oauth.models.audit_event import origin
from oauth.parameters import Parameters
from oauth.proof import nonce

_HEADERS = headers.stored({"Referrer-Policy": "no-referrer"})
# RFC 6749 §5.1: responses with tokens must not be cached. Public documents set their own Cache-Control. They have no
# Pragma, because a browser that finds `no-cache` there ignores `max-age`.
_NOT_CACHED = {**_HEADERS, **headers.stored({"Cache-Control": "no-store", "Pragma": "no-cache"})}

# Failures of client authentication per client and IP address, and per IP address.
FAILURES = Limit("failures", 30)
FAILURES_OF_ADDRESS = Limit("failures-of-address", 120)


class ProtocolEndpoint(View):
    """A view that returns an OAuthError as JSON. Any other exception is a bug and results in a 500."""

    #: The endpoint's name in logs and metrics.
    endpoint: str
    #: The rate limit of one client; see `authenticated`.
    limit = Limit("requests", 6000)
    #: The rate limit of one IP address for all public clients together.
    limit_of_address = Limit("requests-of-address", 6000)
    #: The authenticated or public client of the request.
    caller: Client | None = None
    #: For metrics: the grant type of a token request, and the error code of a refusal for which a method returned the
    #: response.
    grant_type = ""
    refused_with = ""

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view: Any = super().as_view(**initkwargs)
        view.csrf_exempt = True  # these endpoints ignore cookies
        return view

    def authenticated(self, request: HttpRequest, params: Parameters) -> Client:
        """Returns the client of the request and enforces its rate limit.

        A confidential client has its own limit. Anybody can send the ID of a public client, so its limit is per IP
        address. After too many failures, further failures get 429 instead of 401. Correct credentials are always
        accepted, because 256 random bits or a signature cannot be guessed.
        """
        address = rate_limits.address_of(request)
        client_id = ""
        try:
            credentials = authentication.read_credentials(request, params)
            client_id = credentials.client_id
            client = authentication.verify(credentials)
        except InvalidClient as refusal:
            refusal.client_id = client_id
            refusal.is_of_known_client = authentication.is_known(client_id)
            rate_limits.spend(FAILURES, address, client_id)
            rate_limits.spend(FAILURES_OF_ADDRESS, address)
            raise
        self.caller = client
        if client.is_public:
            rate_limits.spend(self.limit_of_address, self.endpoint, address)
        rate_limits.spend(self.limit, self.endpoint, client.client_id, address if client.is_public else "")
        return client

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        began, outcome = time.perf_counter(), "server_error"
        try:
            with origin(self.endpoint, request):
                try:
                    response = super().dispatch(request, *args, **kwargs)
                    outcome = self.refused_with or "ok"
                except (OAuthError, LimitReached) as raised:
                    refusal = (
                        TooManyRequests.after(raised.retry_after_seconds)
                        if isinstance(raised, LimitReached)
                        else raised
                    )
                    outcome = refusal.code
                    refusals.record(self.endpoint, refusal, request, client=self.caller, is_proven=True)
                    response = error_response(refusal)
        finally:
            metrics.observe(self.endpoint, self.grant_type, outcome, since=began)
        headers.add(response, defaults=_HEADERS if "Cache-Control" in response.headers else _NOT_CACHED)
        if "HTTP_DPOP" in request.META:
            response.headers["DPoP-Nonce"] = nonce.current()  # RFC 9449 §8, §8.2
        return response

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = error_response(InvalidRequest(f"This endpoint does not support {request.method}."))
        response.status_code = HTTPStatus.METHOD_NOT_ALLOWED
        response.headers["Allow"] = ", ".join(
            method.upper() for method in self.http_method_names if hasattr(self, method)
        )
        return response


def json_response(body: Mapping[str, Any], *, status: int = HTTPStatus.OK) -> HttpResponse:
    """A JSON response with plain strings, numbers, lists and objects. The encoder of JsonResponse supports more types
    and takes twice as long.
    """
    return HttpResponse(json.dumps(body).encode(), status=status, content_type="application/json")


def error_response(refusal: OAuthError) -> JsonResponse:
    """RFC 6749 §5.2. Has no other members, because strict clients refuse unknown ones. The description ends with the
    error ID, which identifies the reason in the log and in the audit log.
    """
    body = {"error": refusal.code, "error_description": refusal.told}
    response = JsonResponse(body, status=refusal.status)
    response.headers["X-Error-Id"] = refusal.error_id
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        # RFC 6749 §5.2, RFC 6750 §3.
        parameters = f'error="{refusal.code}"' if refusal.scheme == "Bearer" else 'realm="oauth", charset="UTF-8"'
        response.headers["WWW-Authenticate"] = f"{refusal.scheme} {parameters}"
    if refusal.retry_after_seconds:
        response.headers["Retry-After"] = str(refusal.retry_after_seconds)
    return response
