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
from oauth.tokens.signing import sign_id_token

# RFC 7636 §4.1: 43 to 128 unreserved characters.
_CODE_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
# One answer for an unknown code, another client's and an expired one.
_NOT_VALID = "The authorization code is not valid: unknown, expired, already used, or of another client."


def authorization_code(request: GrantRequest) -> Issuance:
    """Four statements: lock the Authorization, read the code, consume it, store the refresh token."""
    client, params = request.client, request.params
    code_digest = digest(params.require("code"))
    verifier = params.require("code_verifier")
    if not _CODE_VERIFIER.fullmatch(verifier):
        raise InvalidRequest("code_verifier is 43 to 128 unreserved characters (RFC 7636 §4.1).")
    if "scope" in params:
        raise InvalidScope("The scope was decided at the authorization endpoint; leave it out here.")

    # The row of the Authorization is the lock of all that hangs on it: of parallel redemptions one goes first.
    if not Authorization.objects.filter(codes__code_digest=code_digest).update(last_used_at=timezone.now()):
        raise InvalidGrant(_NOT_VALID, detail="no such code")
    code = AuthorizationCode.objects.select_related("authorization__user", "session").get(code_digest=code_digest)
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
    if not authorization.is_live or code.session.ended_at is not None:
        raise InvalidGrant("The authorization has ended.", detail="revoked, expired or logged out")
    if not authorization.user.is_active:
        raise InvalidGrant("The authorization has ended.", detail="user deactivated")
    _check_redirect_uri(code, params.get("redirect_uri"))
    # RFC 7636 §4.6, S256 only; constant time.
    challenge = base64url_encode(hashlib.sha256(verifier.encode()).digest()).decode()
    if not secrets.compare_digest(challenge, code.code_challenge):
        raise InvalidGrant("code_verifier does not fit the code_challenge of the authorization request.")

    AuthorizationCode.objects.filter(pk=code.pk).update(consumed_at=timezone.now())
    resources = issuance.narrowed_resources(params.all("resource"), code.resources)
    access_token, lifetime = issuance.access_token(
        client, scopes=code.scopes, resources=resources, authorization=authorization, session=code.session,
        not_after=authorization.expires_at,
    )  # fmt: skip
    refresh_token = None
    if issuance.may_refresh(client):
        refresh_token = issuance.new_refresh_token(
            authorization, code.session, scopes=code.scopes, resources=code.resources
        )
    return Issuance(
        access_token=access_token,
        expires_in_seconds=int(lifetime.total_seconds()),
        scopes=frozenset(code.scopes),
        refresh_token=refresh_token,
        id_token=_id_token(code, client.client_id, access_token) if "openid" in code.scopes else None,
    )


def _check_redirect_uri(code: AuthorizationCode, redirect_uri: str | None) -> None:
    """RFC 6749 §4.1.3: the same as in the authorization request. OAuth 2.1 §10.2 lets clients leave it out."""
    if redirect_uri is None:
        return
    if redirect_uri != code.redirect_uri:
        raise InvalidGrant("redirect_uri is not the one of the authorization request.")


def _id_token(code: AuthorizationCode, client_id: str, access_token: str) -> str:
    session = code.session
    return sign_id_token(
        client_id=client_id,
        subject=str(code.authorization.user_id),
        issued_at=timezone.now(),
        auth_time=session.auth_time,
        acr=session.acr,
        amr=tuple(session.amr),
        sid=str(session.id),
        nonce=code.nonce,
        access_token=access_token,
    )
