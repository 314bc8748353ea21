"""The authorization code grant (RFC 6749 §4.1.3, RFC 7636 §4.6, OAuth 2.1 §4.1.3)."""

import hashlib
import re
import secrets

from django.utils import timezone
from jwt.utils import base64url_encode

from oauth.errors import InvalidGrant, InvalidRequest, InvalidScope
from oauth.grants import issuance
from oauth.grants.issuance import GrantRequest, Issuance
from oauth.models import Authorization, AuthorizationCode
from oauth.models.secret import digest

# RFC 7636 §4.1: 43 to 128 unreserved characters.
_CODE_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
# One answer for an unknown code, another client's and an expired one.
_NOT_VALID = "The authorization code is not valid: unknown, expired, already used, or of another client."


def authorization_code(request: GrantRequest) -> Issuance:
    """Four statements: lock and read, consume the code, store the refresh token, record the use."""
    client, params = request.client, request.params
    code_digest = digest(params.require("code"))
    verifier = params.require("code_verifier")
    if not _CODE_VERIFIER.fullmatch(verifier):
        raise InvalidRequest("code_verifier is 43 to 128 unreserved characters (RFC 7636 §4.1).")
    if "scope" in params:
        raise InvalidScope("The scope was decided at the authorization endpoint; leave it out here.")

    # The row of the Authorization is the lock of all that hangs on it, so it is named first: of parallel
    # redemptions one goes on, and the others then read what it has written.
    code = (
        AuthorizationCode.objects.select_for_update(of=("authorization", "self"))
        .select_related("authorization__user")
        .filter(code_digest=code_digest)
        .first()
    )
    if code is None:
        raise InvalidGrant(_NOT_VALID, detail="no such code")
    authorization = code.authorization

    # RFC 6749 §4.1.3: the code was issued to this client. First of all, or a stranger could end what others hold.
    if authorization.client_id != client.pk:
        raise InvalidGrant(_NOT_VALID, detail="code of another client")
    if code.consumed_at is not None:
        # RFC 6749 §4.1.2, ASVS 5.0 10.4.2: a second use ends everything that came of the first.
        authorization.revoke(Authorization.RevocationReason.CODE_REPLAY)
        raise InvalidGrant(_NOT_VALID, detail="code used twice: the authorization is revoked", commits=True)
    if code.expires_at <= timezone.now():
        raise InvalidGrant(_NOT_VALID, detail="code expired")
    if not authorization.is_live:
        raise InvalidGrant("The authorization has ended.", detail="revoked, expired or logged out")
    if not authorization.user.is_active:
        raise InvalidGrant("The authorization has ended.", detail="user deactivated")
    _check_redirect_uri(code, params.get("redirect_uri"))
    # RFC 7636 §4.6, S256 only; constant time.
    challenge = base64url_encode(hashlib.sha256(verifier.encode()).digest()).decode()
    if not secrets.compare_digest(challenge, code.code_challenge):
        raise InvalidGrant("code_verifier does not fit the code_challenge of the authorization request.")

    if code.dpop_jkt and request.confirmation.get("jkt") != code.dpop_jkt:
        raise InvalidGrant("The code is for another key: prove the one of dpop_jkt (RFC 9449 §10).")

    AuthorizationCode.objects.filter(pk=code.pk).update(consumed_at=timezone.now())
    issued = issuance.tokens_of_a_user(
        request,
        authorization,
        scopes=code.scopes,
        resources=issuance.narrowed_resources(params.all("resource"), code.resources),
        all_resources=code.resources,
        nonce=code.nonce,
    )
    issuance.record(client, authorization, "authorization_code", issued)
    return issued


def _check_redirect_uri(code: AuthorizationCode, redirect_uri: str | None) -> None:
    """RFC 6749 §4.1.3: the same as in the authorization request. OAuth 2.1 §10.2 lets clients leave it out."""
    if redirect_uri is None:
        return
    if redirect_uri != code.redirect_uri:
        raise InvalidGrant("redirect_uri is not the one of the authorization request.")
