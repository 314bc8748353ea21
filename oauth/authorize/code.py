"""The authorization code (RFC 6749 §4.1.2)."""

from oauth.authorize.request import AuthorizationRequest
from oauth.conf import conf
from oauth.fast_path.model_rows import with_defaults
from oauth.infrastructure import clock, trace_context
from oauth.infrastructure.rows import insert
from oauth.models import Authorization, AuthorizationCode
from oauth.models.secret import digest, new_secret


def issue(authorization: Authorization, request: AuthorizationRequest) -> str:
    """Creates a code for the allowed request and returns it. Only its hash is stored."""
    code, row = unsaved(authorization, request)
    insert(row)
    return code


def unsaved(authorization: Authorization, request: AuthorizationRequest) -> tuple[str, AuthorizationCode]:
    """A code and its unsaved row, for a statement that also writes other rows."""
    code = new_secret()
    now = clock.now()
    row = with_defaults(
        AuthorizationCode,
        {"authorization": authorization},
        {
            "code_digest": digest(code),
            "redirect_uri": request.redirect_uri,
            "code_challenge": request.code_challenge,
            "scopes": list(request.scopes),
            "resources": list(request.resources),
            "nonce": request.nonce,
            "dpop_jkt": request.dpop_jkt,
            "traceparent": trace_context.current(),
            "created_at": now,
            "expires_at": now + conf.AUTHORIZATION_CODE_LIFETIME,
        },
    )
    return code, row
