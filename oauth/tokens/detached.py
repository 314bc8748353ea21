"""Verifies JWS with detached content (RFC 7515 Appendix F) that this server signed, even years ago."""

from datetime import datetime

import jwt
from jwt.utils import base64url_encode

from oauth import keys
from oauth.algorithms import SIGNING_ALGORITHMS
from oauth.tokens.verification import is_canonical_jws, unverified_header


def is_ours(content: bytes, signature: str, *, typ: str, at: datetime) -> bool:
    """Whether the content was signed as `typ` with a key that was active at the time `at`. The key may have retired
    since.
    """
    header, dots, value = signature.partition("..")
    jws = f"{header}.{base64url_encode(content).decode()}.{value}"
    if not dots or not is_canonical_jws(jws):
        return False
    said = unverified_header(jws)
    jwk = keys.jwk_that_signed(str(said.get("kid")), at=at)
    if jwk is None or said.get("typ") != typ or said.get("alg") not in SIGNING_ALGORITHMS:
        return False
    key = jwt.PyJWK.from_dict(jwk)
    try:
        # Use the key's algorithm, so that the header cannot select another one.
        jwt.PyJWS().decode(jws, key, algorithms=[jwk["alg"]])
    except jwt.InvalidTokenError:
        return False
    return True
