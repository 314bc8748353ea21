"""Which key a client has proven with its request: what its tokens are bound to (RFC 9449 §5)."""

from collections.abc import Mapping

from django.http import HttpRequest

from oauth.errors import InvalidDPoPProof, UseDPoPNonce
from oauth.models import Client
from oauth.proof import dpop


def of(request: HttpRequest, client: Client, url: str) -> Mapping[str, str]:
    """The `cnf` of its tokens, empty for a bearer token. Raises InvalidDPoPProof or UseDPoPNonce."""
    if "HTTP_DPOP" not in request.META:
        if client.must_bind:
            # RFC 9449 §5.2, FAPI 2.0 §5.3.2.1, ASVS 5.0 10.4.14.
            raise InvalidDPoPProof("This client is registered for DPoP-bound tokens: send a proof.")
        return {}
    return {"jkt": prove(request, url)}


def prove(request: HttpRequest, url: str) -> str:
    """The thumbprint of the key of the request's proof."""
    try:
        return dpop.verify(request.META.get("HTTP_DPOP"), method=str(request.method), url=url).jkt
    except dpop.NonceNeeded as error:
        raise UseDPoPNonce(str(error)) from error
    except dpop.InvalidProof as error:
        raise InvalidDPoPProof(str(error)) from error
