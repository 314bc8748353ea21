"""The authorization code grant (RFC 6749 §4.1.3, RFC 7636 §4.6, OAuth 2.1 §4.1.3)."""

import hashlib
import re
import secrets

from django.utils import timezone
from jwt.utils import base64url_encode

from oauth.errors import InvalidGrant, OAuthError
from oauth.grants import consumption, entitlement, issuance, snapshot
from oauth.grants.issuance import GrantRequest, Issuance
from oauth.models import Authorization, AuthorizationCode
from oauth.models.secret import digest
from oauth.status import liveness
from oauth.status.liveness import Named

# RFC 7636 §4.1: 43 to 128 unreserved characters.
_CODE_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
# One answer for an unknown code, another client's and an expired one.
_NAME = "authorization_code"
_NOT_VALID = "The authorization code is not valid: unknown, expired, already used, or of another client."


def at_once(request: GrantRequest) -> Issuance | None:
    """The usual case in two statements, read and consume. None for any other, and for the slower of two: what is to
    be said or ended then is decided under the lock."""
    code_digest = _asked_for(request)
    code = snapshot.code(code_digest, request.client)
    if code is None or code.consumed_at is not None:
        return None
    try:
        _check(code, request)
        issued = _issue(code, request)
    except OAuthError:
        return None
    is_first = issuance.consume(consumption.of_code(code), request.client, code.authorization, _NAME, issued)
    return issued if is_first else None


def authorization_code(request: GrantRequest) -> Issuance:
    """Three statements: lock and read, consume the code, record the use with the new refresh token."""
    code_digest = _asked_for(request)

    # The row of the Authorization is the lock of all that hangs on it, so it is named first: of parallel
    # redemptions one goes on, and the others then read what it has written.
    code = (
        AuthorizationCode.objects.select_for_update(of=("authorization", "self"))
        .select_related("authorization__user", "authorization__client")
        .filter(code_digest=code_digest)
        .first()
    )
    if code is None:
        raise InvalidGrant(_NOT_VALID, detail="no such code")
    authorization = code.authorization

    # RFC 6749 §4.1.3: the code was issued to this client. First of all, or a stranger could end what others hold.
    if authorization.client_id != request.client.pk:
        raise InvalidGrant(_NOT_VALID, detail="code of another client")
    if code.consumed_at is not None:
        # RFC 6749 §4.1.2, ASVS 5.0 10.4.2: a second use ends everything that came of the first.
        authorization.revoke(Authorization.RevocationReason.CODE_REPLAY)
        raise InvalidGrant(_NOT_VALID, detail="code used twice: the authorization is revoked", commits=True)
    _check(code, request)
    AuthorizationCode.objects.filter(pk=code.pk).update(consumed_at=timezone.now())
    issued = _issue(code, request)
    issuance.record(request.client, authorization, _NAME, issued)
    return issued


def _asked_for(request: GrantRequest) -> bytes:
    """The digest of the code, if the request is whole. Raises InvalidRequest or InvalidGrant.

    A `scope` is ignored, as every parameter without a meaning here (RFC 6749 §3.2).
    """
    code_digest = digest(request.params.require("code"))
    # RFC 7636 §4.6: a verifier that cannot fit is answered as one that does not.
    if not _CODE_VERIFIER.fullmatch(request.params.get("code_verifier", "")):
        raise InvalidGrant("code_verifier must be 43 to 128 unreserved characters (RFC 7636 §4.1).")
    return code_digest


def _check(code: AuthorizationCode, request: GrantRequest) -> None:
    """Of a code of this client that nobody has used. Raises InvalidGrant."""
    if code.expires_at <= timezone.now():
        raise InvalidGrant(_NOT_VALID, detail="code expired")
    authorization = code.authorization
    if liveness.authority(Named(request.client.client_id, authorization.pk), read=authorization) is None:
        raise InvalidGrant("The authorization has ended.", detail="revoked, expired, logged out or deactivated")
    _check_redirect_uri(code, request.params.get("redirect_uri"))
    # RFC 7636 §4.6, S256 only; constant time.
    verifier = request.params["code_verifier"]
    challenge = base64url_encode(hashlib.sha256(verifier.encode()).digest()).decode()
    if not secrets.compare_digest(challenge, code.code_challenge):
        raise InvalidGrant("code_verifier does not fit the code_challenge of the authorization request.")

    if code.dpop_jkt and request.confirmation.get("jkt") != code.dpop_jkt:
        raise InvalidGrant("The code is for another key: prove the one of dpop_jkt (RFC 9449 §10).")


def _issue(code: AuthorizationCode, request: GrantRequest) -> Issuance:
    return issuance.tokens_of_a_user(
        request,
        code.authorization,
        scopes=code.scopes,
        resources=entitlement.resources(request.params.all("resource"), code.resources, request.client),
        all_resources=code.resources,
        nonce=code.nonce,
    )


def _check_redirect_uri(code: AuthorizationCode, redirect_uri: str | None) -> None:
    """RFC 6749 §4.1.3: the same as in the authorization request. OAuth 2.1 §10.2 lets clients leave it out."""
    if redirect_uri is None:
        return
    if redirect_uri != code.redirect_uri:
        raise InvalidGrant("redirect_uri is not the one of the authorization request.")
