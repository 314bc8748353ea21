"""DRF authentication by access token, on SimpleJWT's stateless classes. It makes no database query.

It verifies signature, issuer, audience and times, and then, in memory, the token's bit in the issuer's status list.
"""

import secrets
from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils.module_loading import import_string
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.models import TokenUser

from oauth import addresses
from oauth.conf import conf
from oauth.infrastructure.caches import until_cleared
from oauth.proof import certificate, dpop
from oauth.resource_server import verified
from oauth.resource_server.challenges import (
    InvalidDPoPProof,
    InvalidRequest,
    InvalidToken,
    NoToken,
    UseDPoPNonce,
)
from oauth.resource_server.jwks import find_key
from oauth.resource_server.status import require_valid
from oauth.tokens.access_token import TYP, AccessToken
from oauth.tokens.verification import VerifyingBackend


class TokenSubject(TokenUser):
    """The subject of the token: a user, or a client that acts for itself. All its values come from the token."""

    token: AccessToken
    # A token is not a login to Django, so it must not pass a check for staff or superusers.
    is_staff = False
    is_superuser = False

    @property
    def id(self) -> str:
        return self.token.claims.subject

    @property
    def pk(self) -> str:
        return self.id

    def __str__(self) -> str:
        return self.id


def presented_token(header: bytes) -> tuple[str, bytes] | None:
    """(`bearer` or `dpop`, the token) of an Authorization header; None for another scheme.

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
    """Verifies an access token of this issuer for one of these audiences (RFC 9068 §4). Raises TokenError."""
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


def require_possession(request: HttpRequest, scheme: str, token: AccessToken, *, urls: Collection[str]) -> None:
    """A bound token must come with proof of its key and with the right scheme (RFC 9449 §7.1, §7.2, RFC 8705 §3).

    Raises InvalidToken, or InvalidDPoPProof or UseDPoPNonce, whose challenge tells the client what to send.
    """
    confirmation = token.claims.confirmation
    if confirmation.keys() - {"jkt", "x5t#S256"}:
        # RFC 7800 §3: this API cannot check a confirmation method that it does not know.
        raise InvalidToken("The token is bound to its sender by a method that this API does not support.")
    jkt = confirmation.get("jkt")
    if "x5t#S256" in confirmation:
        _require_certificate(request, str(confirmation["x5t#S256"]))
    if scheme == "bearer":
        if jkt:
            raise InvalidToken("The token is bound to a key: send it as DPoP, with a DPoP proof.", scheme="DPoP")
        return
    if not jkt:
        raise InvalidToken("The token is not bound to a key: send it as Bearer.")
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
    # ASVS 5.0 10.3.5: the proof must be by the key that the token is bound to.
    if not secrets.compare_digest(proof.jkt, str(jkt)):
        raise InvalidDPoPProof("The DPoP proof must be signed with the key that the token is bound to.")


@until_cleared
def dpop_policy() -> dpop.Policy:
    """The site's settings for proofs; the authorization server checks them by the same."""
    return dpop.Policy(conf.CLOCK_SKEW, conf.DPOP_NONCE_REQUIRED, import_string(conf.REPLAY_CHECK))


def _require_certificate(request: HttpRequest, thumbprint: str) -> None:
    """RFC 8705 §3: the certificate of this connection must be the one that the token is bound to."""
    presented = certificate.presented_in(request, conf.CLIENT_CERTIFICATE)
    if presented is None or not secrets.compare_digest(presented.thumbprint.encode(), thumbprint.encode()):
        raise InvalidToken("The token is bound to a certificate: use it over a TLS connection with that certificate.")


class JWTBearer(JWTStatelessUserAuthentication):
    """`Authorization: Bearer <access token>` (RFC 6750 §2.1, RFC 9068 §4), or `DPoP <access token>` with a proof
    (RFC 9449 §7.1). A token anywhere else, such as in the query, is ignored."""

    def authenticate(self, request: Request) -> tuple[Any, AccessToken] | None:
        header = self.get_header(request)
        if header is None:
            return None
        presented = presented_token(header)
        if presented is None:
            return None
        scheme, token = presented
        access_token = self.get_validated_token(token)
        require_possession(request._request, scheme, access_token, urls=_addresses(request._request))
        require_valid(access_token.claims)
        return self.get_user(access_token), access_token

    def authenticate_header(self, request: Request) -> str:
        """RFC 6750 §3.1: for a request without a token, the challenge names both schemes and no error code."""
        return NoToken().auth_header

    def get_validated_token(self, raw_token: bytes) -> AccessToken:
        """ASVS 5.0 10.3.1: the token must be for this API."""
        try:
            token = verify_access_token(raw_token, audiences=conf.audiences)
        except TokenError as error:
            raise InvalidToken(str(error)) from error
        return token

    def get_user(self, validated_token: Any) -> Any:
        return TokenSubject(validated_token)


def _addresses(request: HttpRequest) -> tuple[str, ...]:
    """The URLs for the `htu` of a DPoP proof: the API's own origin and the path, never the Host header."""
    resource = urlsplit(conf.audiences[0])
    return addresses.of_path(f"{resource.scheme}://{resource.netloc}", request.path)
