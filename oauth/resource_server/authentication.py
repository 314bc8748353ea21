"""Verifies the access token of a request to an API, without a database query and without a framework.

Checks signature, issuer, audience and times, then proof of possession, and then the token's bit in the issuer's status
list, which is in memory.
"""

import secrets
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from oauth import addresses
from oauth.conf import conf, has_django_settings
from oauth.infrastructure.caches import until_cleared
from oauth.infrastructure.dotted_path import resolve
from oauth.proof import certificate, dpop
from oauth.resource_server import opaque, verified
from oauth.resource_server.api_request import Request
from oauth.resource_server.asked import asked_resource, refusals_of
from oauth.resource_server.challenges import (
    InvalidDPoPProof,
    InvalidRequest,
    InvalidToken,
    NoToken,
    UseDPoPNonce,
)
from oauth.resource_server.jwks import find_key
from oauth.resource_server.scopes import require_scopes
from oauth.resource_server.status import require_valid
from oauth.tokens.access_token import TYP, AccessToken
from oauth.tokens.verification import InvalidJWT, VerifyingBackend

# A request attribute: if False, Django's per-site cache does not store the response. Otherwise the cache would return
# it for the same token without proof of possession, and after revocation.
STORED_BY_DJANGO = "_cache_update_cache"


def presented_token(header: bytes) -> tuple[str, bytes] | None:
    """Returns the scheme (`bearer` or `dpop`) and the token of an Authorization header; None for another scheme.

    Raises InvalidRequest if the header is malformed (RFC 6750 §2.1, RFC 9449 §7.1).
    """
    scheme, _, token = header.strip(b" ").partition(b" ")
    token = token.lstrip(b" ")  # RFC 9110 §11.4: one or more spaces
    name = scheme.lower().decode("ascii", "replace")  # RFC 9110 §11.1: the scheme is case-insensitive
    if name not in ("bearer", "dpop"):
        return None
    if not token or len(token.split()) != 1 or token != token.strip():
        raise InvalidRequest("The Authorization header must be Bearer or DPoP, a space, and the token.")
    return name, token


def bearer_token(header: bytes) -> bytes | None:
    """The token of `Bearer <token>`; None for another scheme. Raises InvalidRequest if the header is malformed."""
    presented = presented_token(header)
    return presented[1] if presented and presented[0] == "bearer" else None


def verify_access_token(raw_token: bytes | str, *, audiences: Sequence[str]) -> AccessToken:
    """Verifies an access token of this issuer for one of these audiences (RFC 9068 §4). Raises InvalidJWT."""
    if conf.OPAQUE_TOKENS and opaque.is_opaque(raw_token):
        return opaque.find(raw_token, audiences)
    return verified.once(raw_token, audiences, lambda: _verify(raw_token, audiences))


def _verify(raw_token: bytes | str, audiences: Sequence[str]) -> AccessToken:
    backend = VerifyingBackend(
        typ=TYP,
        issuer=conf.ISSUER,
        audiences=audiences,
        find_key=find_key,
        leeway_seconds=conf.CLOCK_SKEW.total_seconds(),
    )
    return AccessToken(raw_token, backend=backend)


def require_possession(request: Request, scheme: str, token: AccessToken, *, urls: Collection[str]) -> None:
    """A sender-constrained token must be sent with proof of possession and with the right scheme (RFC 9449 §7.1, §7.2,
    RFC 8705 §3).

    Raises InvalidToken, or InvalidDPoPProof or UseDPoPNonce, whose challenge tells the client what to send.
    """
    confirmation = token.claims.confirmation
    if confirmation.keys() - {"jkt", "x5t#S256"}:
        # RFC 7800 §3: unknown confirmation methods cannot be checked.
        raise InvalidToken("The token has a confirmation method (cnf) that this API does not support.")
    jkt = confirmation.get("jkt")
    if jkt and not conf.REPLAY_CHECK:
        raise InvalidToken("This API does not accept DPoP-bound tokens.")
    if "x5t#S256" in confirmation:
        _require_certificate(request, str(confirmation["x5t#S256"]))
    if scheme == "bearer":
        if jkt:
            raise InvalidToken("The token is DPoP-bound. Send it with the scheme DPoP and a DPoP proof.", scheme="DPoP")
        return
    if not jkt:
        raise InvalidToken("The token is not DPoP-bound. Send it with the scheme Bearer.")
    try:
        proof = dpop.verify(
            request.META.get("HTTP_DPOP"),
            method=str(request.method),
            urls=urls,
            access_token=token.raw,
            policy=dpop_policy(),
        )
    except dpop.NonceNeeded as error:
        raise UseDPoPNonce(str(error)) from error
    except dpop.InvalidProof as error:
        raise InvalidDPoPProof(str(error)) from error
    # ASVS 5.0 10.3.5: the proof must be signed with the key to which the token is bound.
    if not secrets.compare_digest(proof.jkt, str(jkt)):
        raise InvalidDPoPProof("The DPoP proof must be signed with the key to which the token is bound.")


@until_cleared
def dpop_policy() -> dpop.Policy:
    """The site's settings for DPoP proofs, also for the authorization server."""
    return dpop.Policy(
        conf.CLOCK_SKEW,
        conf.DPOP_NONCE_REQUIRED,
        resolve(conf.REPLAY_CHECK),
        offers_nonces=has_django_settings(),
    )


def _require_certificate(request: Request, thumbprint: str) -> None:
    """RFC 8705 §3: the certificate of the connection must be that to which the token is bound."""
    presented = certificate.presented_in(request, conf.CLIENT_CERTIFICATE)
    if presented is None or not secrets.compare_digest(presented.thumbprint.encode(), thumbprint.encode()):
        raise InvalidToken("The token is certificate-bound. Send it over a TLS connection with this certificate.")


def authenticate(request: Request) -> AccessToken | None:
    """Returns the token of a request after verifying it, including proof of possession and revocation. None for a
    request without a token.

    The token must be in `Authorization: Bearer <access token>` (RFC 6750 §2.1) or `DPoP <access token>` (RFC 9449
    §7.1). A token elsewhere, such as in the query, is ignored. Raises a Refusal.
    """
    if hasattr(request, STORED_BY_DJANGO):
        setattr(request, STORED_BY_DJANGO, False)
    with refusals_of(request):
        return _authenticate(request)


def _authenticate(request: Request) -> AccessToken | None:
    presented = presented_in_header(request)
    if presented is None:
        return None
    # ASVS 5.0 10.3.1: the token must be for this API.
    token = verified_token(request, presented, urls=_addresses(request), audiences=conf.audiences)
    require_valid(token.claims)
    return token


def presented_in_header(request: Request) -> tuple[str, bytes] | None:
    """Like `presented_token`, for a request."""
    return presented_token(str(request.META.get("HTTP_AUTHORIZATION", "")).encode("latin-1", "replace"))


def verified_token(
    request: Request, presented: tuple[str, bytes], *, urls: Collection[str], audiences: Sequence[str]
) -> AccessToken:
    """Verifies the presented token for one of the audiences, including proof of possession but not revocation. Raises a
    Refusal.
    """
    scheme, raw = presented
    try:
        token = verify_access_token(raw, audiences=audiences)
    except InvalidJWT as error:
        raise InvalidToken(str(error)) from error
    require_possession(request, scheme, token, urls=urls)
    return token


def require_token(request: Request, *scopes: str) -> AccessToken:
    """Returns the token of a request, which must have all these scopes. Raises a Refusal, such as NoToken or
    InsufficientScope.
    """
    with refusals_of(request, scopes):
        token = authenticate(request)
        if token is None:
            raise NoToken
        require_scopes(token, scopes)
    return token


def _addresses(request: Request) -> tuple[str, ...]:
    """The URLs accepted as `htu` of a DPoP proof: the origin of the requested API with the path of the request."""
    resource = urlsplit(asked_resource(request))
    return addresses.of_path(f"{resource.scheme}://{resource.netloc}", request.path)
