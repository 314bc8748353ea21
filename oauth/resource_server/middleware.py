"""Response headers that DRF's authentication cannot set."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit
from uuid import uuid4

from django.http import HttpRequest, HttpResponse

from oauth.conf import conf
from oauth.infrastructure.caches import until_cleared
from oauth.proof import nonce

GetResponse = Callable[[HttpRequest], HttpResponse]

# Protected resources of the authorization server, below its issuer.
_OWN = ("/oauth/userinfo", "/oauth/grants")
# RFC 4122 §3: a UUID as text.
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


class OfferDPoPNonce:
    """If a request has a DPoP proof, adds the nonce for the next proof to the response (RFC 9449 §8.2, §9).

    Required for APIs that accept DPoP-bound tokens with nonces.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if "HTTP_DPOP" in request.META:
            response["DPoP-Nonce"] = nonce.current()
        return response


class FAPIInteractionId:
    """Adds the client's `x-fapi-interaction-id`, or a new one, to each API response, including errors (FAPI 1.0 Part 1
    §6.2.1, to which FAPI-CIBA refers). Only a UUID is repeated.

    Must come before any middleware that may refuse a request.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if _resources().match(request.path):
            given = request.META.get("HTTP_X_FAPI_INTERACTION_ID", "")
            response["x-fapi-interaction-id"] = given if _UUID.fullmatch(given) else str(uuid4())
        return response


@until_cleared
def _resources() -> re.Pattern[str]:
    """Matches the paths of the APIs and of the authorization server's protected resources."""
    roots = (
        *(urlsplit(audience).path.rstrip("/") for audience in conf.audiences),
        *(f"{conf.issuer_path}{path}" for path in _OWN),
    )
    return re.compile(rf"(?:{'|'.join(map(re.escape, roots))})(?:/|\Z)")
