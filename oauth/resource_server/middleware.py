"""Sends the nonce for the next DPoP proof with the answer to each request that has a proof (RFC 9449 §8.2, §9)."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from oauth.proof import nonce


class OfferDPoPNonce:
    """For sites whose API accepts DPoP-bound tokens. DRF's authentication cannot set a header of the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if "HTTP_DPOP" in request.META:
            response["DPoP-Nonce"] = nonce.current()
        return response
