"""Checks whether a token was revoked, by its bit in the issuer's status list (draft-ietf-oauth-status-list §8.3).

The list is cached in memory, and the first request after STATUS_LIST_REFRESH fetches it again. If the issuer is
unreachable, the cached list is used until it is STATUS_LIST_MAX_AGE old, which is about the lifetime of a token. After
that, the API responds with 503 and Retry-After instead of `invalid_token`, so that clients keep tokens that may be
valid.
"""

import time
from dataclasses import dataclass, replace

from oauth.conf import conf
from oauth.infrastructure.caches import RefreshedCache
from oauth.infrastructure.dotted_path import resolve
from oauth.resource_server import http
from oauth.resource_server.challenges import InvalidToken, TemporarilyUnavailable
from oauth.resource_server.jwks import drop_withdrawn, find_key
from oauth.tokens import status_list
from oauth.tokens.claims import AccessTokenClaims
from oauth.tokens.verification import InvalidJWT, VerifyingBackend, unverified_header

# A new key may mean that the previous one has leaked. Fetch the JWK Set with each list for this time, because some
# processes of the issuer may still publish the old set.
NEW_KEY_SECONDS = 30
_UNKNOWN = "The server cannot check now whether this token was revoked. Try again later."


@dataclass(frozen=True, slots=True)
class _Known:
    array: bytes
    etag: str
    kid: str  # of the key that signed the list
    kid_since: float  # when a list with this kid was first seen
    read_at: float  # when the issuer last confirmed the list (time.monotonic())
    tried_at: float


def require_valid(claims: AccessTokenClaims) -> None:
    """Raises InvalidToken if the token was revoked, and TemporarilyUnavailable if no recent list is known."""
    if not claims.status:
        return
    try:
        number, index = status_list.number_of(claims.status["uri"], issuer=conf.ISSUER), claims.status["idx"]
        if isinstance(index, bool):
            raise TypeError("idx")
        if status_list.is_set(_array(number), index):
            raise InvalidToken("The authorization behind this token has ended.")
    except (KeyError, TypeError, ValueError, LookupError) as error:
        raise InvalidToken("The status claim of the token must name a status list of its issuer.") from error


def _array(number: int) -> bytes:
    if conf.STATUS_LISTS:
        array: bytes = resolve(conf.STATUS_LISTS)(number)
        return array
    known = lists.get(number)
    if time.monotonic() - known.read_at > conf.STATUS_LIST_MAX_AGE.total_seconds():
        raise TemporarilyUnavailable(_UNKNOWN)
    return known.array


def _load(number: int, known: _Known | None) -> _Known:
    now = time.monotonic()
    try:
        fetched = _fetch(number, known, now)
        if now - fetched.kid_since < NEW_KEY_SECONDS:
            drop_withdrawn()
        return fetched
    except (OSError, ValueError, InvalidJWT, TemporarilyUnavailable) as error:
        if known is None:
            raise TemporarilyUnavailable(_UNKNOWN) from error
        return replace(known, tried_at=now)


def _is_fresh(known: _Known) -> bool:
    return time.monotonic() - known.tried_at < conf.STATUS_LIST_REFRESH.total_seconds()


lists: RefreshedCache[int, _Known] = RefreshedCache(_load, is_fresh=_is_fresh)


def _fetch(number: int, known: _Known | None, now: float) -> _Known:
    """Raises OSError, ValueError or InvalidJWT if the issuer does not return the requested list."""
    uri = status_list.uri(number, issuer=conf.ISSUER)
    status, body, headers = http.get(uri, headers={"If-None-Match": known.etag} if known else None)
    if status == 304 and known is not None:
        return replace(known, read_at=now, tried_at=now)
    if status == 404:
        raise LookupError(uri)
    if status != 200:
        raise ValueError(f"{uri} returned status {status}")
    backend = VerifyingBackend(
        typ=status_list.TYP,
        issuer=conf.ISSUER,
        audiences=(),
        find_key=find_key,
        leeway_seconds=conf.CLOCK_SKEW.total_seconds(),
        required_claims=("iss", "sub", "iat", "exp", "status_list"),
    )
    text = body.decode("ascii").strip()
    payload = backend.decode(text)
    # §8.3: `sub` must be the URL of the list, so that one list cannot be used in place of another.
    if payload["sub"] != uri or not isinstance(payload["status_list"], dict):
        raise ValueError(f"{uri} returned another list")
    kid, since = str(unverified_header(text).get("kid")), now
    if known is None or known.kid == kid:
        since = known.kid_since if known else float("-inf")
    return _Known(status_list.from_claim(payload["status_list"]), headers.get("ETag", ""), kid, since, now, now)
