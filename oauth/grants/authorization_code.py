"""The authorization code grant (RFC 6749 §4.1.3, RFC 7636 §4.6, OAuth 2.1 §4.1.3)."""

import hashlib
import re
import secrets

from jwt.utils import base64url_encode

from oauth.errors import InvalidGrant
from oauth.grants import consumption, entitlement, issuance
from oauth.grants.issuance import GrantRequest
from oauth.grants.redemption import Decision, Redemption, Replayed
from oauth.infrastructure import clock, trace_context
from oauth.models import Authorization, AuthorizationCode
from oauth.models.secret import digest
from oauth.status import liveness
from oauth.status.liveness import Named

# RFC 7636 §4.1: 43 to 128 unreserved characters.
_CODE_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class AuthorizationCodeGrant(Redemption[AuthorizationCode]):
    name = "authorization_code"
    not_valid = "The authorization code is not valid: unknown, expired, already used, or of another client."
    model = AuthorizationCode
    digest_field = "code_digest"
    unused = "held.consumed_at IS NULL"

    def digest(self, request: GrantRequest) -> bytes:
        """The digest of the code. Ignores parameters that the grant does not define, like `scope` (RFC 6749 §3.2)."""
        code_digest = digest(request.params.require("code"))
        # RFC 7636 §4.6: the error code is the same for a malformed verifier and for one that does not match.
        verifier = request.params.get("code_verifier")
        is_left_out = verifier is None and not request.client.must_use_pkce
        if not is_left_out and not _CODE_VERIFIER.fullmatch(verifier or ""):
            raise InvalidGrant("code_verifier must be 43 to 128 unreserved characters (RFC 7636 §4.1).")
        return code_digest

    def decide(self, code: AuthorizationCode, request: GrantRequest) -> Decision:
        authorization = code.authorization
        if code.consumed_at is not None:
            # RFC 6749 §4.1.2, ASVS 5.0 10.4.2: a second use of the code revokes the tokens of the first use.
            raise Replayed(
                self.not_valid,
                reason=Authorization.RevocationReason.CODE_REPLAY,
                detail="code used twice: the authorization is revoked",
            )
        if code.expires_at <= clock.now():
            raise InvalidGrant(self.not_valid, detail="code expired")
        if liveness.authority(Named(request.client.client_id, authorization.pk), read=authorization) is None:
            raise InvalidGrant("The authorization has ended.", detail="revoked, expired, logged out or deactivated")
        _check_redirect_uri(code, request.params.get("redirect_uri"))
        _check_code_verifier(code, request)
        if code.dpop_jkt and request.confirmation.get("jkt") != code.dpop_jkt:
            raise InvalidGrant("The DPoP key does not match the dpop_jkt of the authorization request (RFC 9449 §10).")
        trace_context.follows(code.traceparent)
        issued = issuance.tokens_of_a_user(
            request,
            authorization,
            scopes=code.scopes,
            resources=entitlement.resources(request.params.all("resource"), code.resources, request.client),
            all_resources=code.resources,
            nonce=code.nonce,
        )
        return Decision(issued, consumption.of_code(code))


def _check_redirect_uri(code: AuthorizationCode, redirect_uri: str | None) -> None:
    """RFC 6749 §4.1.3: redirect_uri must be that of the authorization request. OAuth 2.1 §10.2 allows clients to omit
    it.
    """
    if redirect_uri is not None and redirect_uri != code.redirect_uri:
        raise InvalidGrant("redirect_uri must be that of the authorization request.")


def _check_code_verifier(code: AuthorizationCode, request: GrantRequest) -> None:
    """RFC 7636 §4.6: only S256, compared in constant time."""
    verifier = request.params.get("code_verifier")
    if not code.code_challenge and not request.client.must_use_pkce:
        if verifier is not None:
            # RFC 9700 §4.8.2: an attacker may have removed the code_challenge from the authorization request.
            raise InvalidGrant(
                "code_verifier must not be sent, because the authorization request had no code_challenge."
            )
        return
    if verifier is None:
        raise InvalidGrant(
            "The parameter code_verifier is missing, but the authorization request had a code_challenge."
        )
    challenge = base64url_encode(hashlib.sha256(verifier.encode()).digest()).decode()
    if not secrets.compare_digest(challenge, code.code_challenge):
        raise InvalidGrant("code_verifier does not match the code_challenge of the authorization request.")


grant = AuthorizationCodeGrant()
