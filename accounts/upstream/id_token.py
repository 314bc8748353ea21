"""Validates ID tokens and signed UserInfo responses of identity providers (OpenID Connect Core §3.1.3.7, §5.3.2)."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import jwt

from accounts.upstream.adapter import Distrusted
from oauth.algorithms import CLIENT_SIGNING_ALGORITHMS
from oauth.models.client import keys
from oauth.tokens.id_token import left_half_hash

CLOCK_SKEW_SECONDS = 30
REQUIRED = ("iss", "sub", "aud", "exp", "iat")


def nonce_for(code_verifier: str) -> str:
    """OpenID Connect Core §15.5.2: the nonce is a hash of a random value in the browser session."""
    digest = hashlib.sha256(b"nonce:" + code_verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def validated(
    token: Any, *, jwks: Any, issuer: str, client_id: str, nonce: str, access_token: str
) -> dict[str, Any]:  # fmt: skip
    """Returns the claims of `token`. `jwks` is the provider's JWK Set, and `access_token` is from the same token
    response. Raises Distrusted.
    """
    algorithm, kid = _signed_with(token, "ID token")
    claims = _verified(token, algorithm, list(_candidates(jwks, kid, algorithm)), issuer, client_id)
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise Distrusted("The ID token must have a subject (sub).")
    # §3.1.3.7 (3) to (5): other audiences are accepted only if `azp` says that the token was issued to us.
    if claims.get("azp", client_id if claims["aud"] in (client_id, [client_id]) else None) != client_id:
        raise Distrusted("The ID token was issued to another client (aud, azp).")
    # §3.1.3.7 (11): the nonce must be that of this browser's request, so a stolen code of another login is useless.
    if not hmac.compare_digest(str(claims.get("nonce")).encode(), nonce.encode()):
        raise Distrusted("The nonce of the ID token must be that of the authorization request.")
    # §3.1.3.8: `at_hash` is optional with a code. If present, it must match the access token.
    if "at_hash" in claims and not _is_hash(claims["at_hash"], access_token, algorithm):
        raise Distrusted("The access token does not match the at_hash of the ID token.")
    return claims


def verified_user_info(token: str, *, jwks: Any, issuer: str, client_id: str) -> dict[str, Any]:
    """Returns the claims of a UserInfo response that is a signed JWT. Raises Distrusted, also for an encrypted
    response.
    """
    algorithm, kid = _signed_with(token, "UserInfo")
    # OpenID Connect Core §5.3.2, RFC 8725 §3.9: a signed response has `iss` and `aud`, which must name the provider and
    # us.
    candidates = list(_candidates(jwks, kid, algorithm))
    return _verified(token, algorithm, candidates, issuer, client_id, what="UserInfo", required=("iss", "aud", "sub"))


def _signed_with(token: Any, what: str) -> tuple[str, Any]:
    """Returns `alg` and `kid` of the JWT header."""
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise Distrusted(f"The provider must return a signed JWT as {what}.") from None
    # §3.1.3.7 (7), RFC 8725 §3.1: only asymmetric algorithms, so `none` and HMAC (HS256) are refused.
    algorithm = header.get("alg")
    if algorithm not in CLIENT_SIGNING_ALGORITHMS:
        raise Distrusted(f"The {what} must be signed with one of {', '.join(CLIENT_SIGNING_ALGORITHMS)}.")
    return algorithm, header.get("kid")


def _is_hash(value: Any, access_token: str, algorithm: str) -> bool:
    """§3.1.3.6: whether `value` is the left half of the access token's hash, by the hash function of `algorithm`."""
    try:
        expected = left_half_hash(access_token, algorithm)
    except UnicodeEncodeError:
        return False
    return hmac.compare_digest(str(value).encode(), expected.encode())


def _candidates(jwks: Any, kid: Any, algorithm: str) -> Iterator[jwt.PyJWK]:
    """The keys that may have signed the token. Without a `kid`, several may match (OpenID Connect Core §10.1)."""
    try:
        listed = keys.read_jwks(jwks)
    except ValueError as error:
        raise Distrusted(f"The provider's JWK Set cannot be used: {error}") from None
    for jwk in listed:
        if keys.fits(jwk, kid=kid, algorithm=algorithm):
            try:
                yield keys.load(jwk, algorithm)
            except ValueError:
                continue  # RFC 7517 §5: ignore a key that cannot be used


def _verified(
    token: str,
    algorithm: str,
    candidates: list[jwt.PyJWK],
    issuer: str,
    client_id: str,
    *,
    what: str = "ID token",
    required: tuple[str, ...] = REQUIRED,
) -> dict[str, Any]:
    for key in candidates:
        try:
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=[algorithm], issuer=issuer, audience=client_id, leeway=CLOCK_SKEW_SECONDS,
                options={"require": list(required)},
            )  # fmt: skip
        except jwt.InvalidSignatureError:
            continue
        except jwt.PyJWTError as error:
            raise Distrusted(f"The {what} is not valid: {type(error).__name__}.") from None
        return claims
    raise Distrusted(f"No key of the provider verifies the {what}.")
