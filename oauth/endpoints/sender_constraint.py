"""Verifies the key or certificate to which a client's new tokens are bound (RFC 9449 §5, RFC 8705 §3)."""

from collections.abc import Collection, Mapping

from django.http import HttpRequest

from oauth.conf import conf
from oauth.errors import InvalidDPoPProof, InvalidRequest, UseDPoPNonce
from oauth.models import Client
from oauth.proof import certificate, dpop
from oauth.resource_server.authentication import dpop_policy


def prove(request: HttpRequest, client: Client, urls: Collection[str]) -> Mapping[str, str]:
    """Returns the `cnf` of the tokens, empty for bearer tokens. `urls` are those of the endpoint.

    Raises InvalidRequest, InvalidDPoPProof or UseDPoPNonce.
    """
    bound = _by_certificate(request, client)
    if "HTTP_DPOP" in request.META:
        bound["jkt"] = prove_dpop_key(request, urls)
    elif client.dpop_bound_access_tokens or (client.must_bind and not bound):
        # RFC 9449 §5.2, FAPI 2.0 §5.3.2.1, ASVS 5.0 10.4.14.
        raise InvalidDPoPProof("This client must send a DPoP proof, because it is registered for DPoP-bound tokens.")
    return bound


def _by_certificate(request: HttpRequest, client: Client) -> dict[str, str]:
    """RFC 8705 §3: for clients registered for certificate-bound tokens or for any sender-constrained tokens."""
    is_required = client.tls_client_certificate_bound_access_tokens
    if not is_required and ("HTTP_DPOP" in request.META or not client.must_bind):
        return {}
    presented = certificate.presented_in(request, conf.CLIENT_CERTIFICATE)
    if presented is None:
        if is_required:
            raise InvalidRequest(
                "This client must present its TLS certificate, because it is registered for certificate-bound tokens."
            )
        return {}
    return {"x5t#S256": presented.thumbprint}


def prove_dpop_key(request: HttpRequest, urls: Collection[str]) -> str:
    """Verifies the request's DPoP proof and returns the thumbprint of its key."""
    try:
        headers = request.META.get("HTTP_DPOP")
        return dpop.verify(headers, method=str(request.method), urls=urls, policy=dpop_policy()).jkt
    except dpop.NonceNeeded as error:
        raise UseDPoPNonce(str(error)) from error
    except dpop.InvalidProof as error:
        raise InvalidDPoPProof(str(error)) from error
