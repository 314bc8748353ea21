"""Protects endpoints of the authorization server that take an access token (UserInfo, grant management), with errors of
RFC 6750.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.exceptions import APIException

from oauth import addresses, errors, parameters
from oauth.audit import refusals
from oauth.conf import conf
from oauth.endpoints.protocol import ProtocolEndpoint
from oauth.resource_server.authentication import presented_in_header, verified_token
from oauth.resource_server.challenges import InvalidRequest, NoToken, Refusal
from oauth.tokens.access_token import AccessToken
from oauth.wiring import token_policy

Handler = Callable[..., HttpResponse]


def access_token(request: HttpRequest) -> AccessToken:
    """The verified token. Also verifies proof of possession if the token is sender-constrained. Raises an APIException
    with its challenge.
    """
    presented = _presented(request)
    if presented is None:
        raise NoToken
    urls = addresses.of_path(conf.issuer_origin, request.path)
    return verified_token(request, presented, urls=urls, audiences=token_policy().audiences)


def _presented(request: HttpRequest) -> tuple[str, bytes] | None:
    """The token in the header or a form (RFC 6750 §2.2), never in the URL. Raises InvalidRequest for both."""
    in_header = presented_in_header(request)
    if request.method != "POST" or request.content_type != "application/x-www-form-urlencoded":
        return in_header
    try:
        in_body = parameters.from_body(request).get("access_token")
    except errors.InvalidRequest as error:
        raise InvalidRequest(error.description) from error
    if in_header is not None and in_body is not None:
        raise InvalidRequest("Send the access token once: in the header or in the body.")
    return in_header if in_body is None else ("bearer", in_body.encode("latin-1", "replace"))


def answers_refusals(handler: Handler) -> Handler:
    """Decorator for methods of a ProtocolEndpoint: returns an APIException as the response of RFC 6750 §3."""

    @wraps(handler)
    def answer(endpoint: ProtocolEndpoint, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return handler(endpoint, *args, **kwargs)
        except APIException as refusal:
            if isinstance(refusal, Refusal):
                refusal.resource = None  # RFC 9728 §3.3: this resource has no metadata document
            endpoint.refused_with = str(refusal.default_code)
            return refusal_response(endpoint.endpoint, refusal)

    return answer


def refusal_response(endpoint: str, refusal: APIException) -> JsonResponse:
    """RFC 6750 §3, RFC 9449 §7.1."""
    error_id, reason = errors.new_error_id(), str(refusal.detail)
    refusals.note(endpoint, str(refusal.default_code), error_id, reason=reason)
    body = {"error": refusal.default_code, "error_description": errors.described(reason, error_id)}
    response = JsonResponse(body, status=refusal.status_code, headers={"X-Error-Id": error_id})
    if challenge := getattr(refusal, "auth_header", None):
        response["WWW-Authenticate"] = challenge
    if wait := getattr(refusal, "wait", None):
        response["Retry-After"] = str(wait)
    return response
