"""Converts a refusal to a Django response (RFC 6750 §3), for views without REST framework."""

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from oauth.proof import nonce
from oauth.resource_server.asked import asked_resource
from oauth.resource_server.challenges import Refusal


def refusal_response(request: HttpRequest, refusal: Refusal) -> JsonResponse:
    refusal.resource = asked_resource(request)
    response = JsonResponse(refusal.body, status=refusal.status_code, headers=refusal.headers)
    offer_nonce(request, response)
    return response


def offer_nonce(request: HttpRequest, response: HttpResponseBase) -> None:
    """RFC 9449 §8.2, §9: if the request has a DPoP proof, adds the nonce for the next one to the response."""
    if "HTTP_DPOP" in request.META:
        response.headers["DPoP-Nonce"] = nonce.current()
