"""The refusals of the protocol: one class per OAuth error code (RFC 6749 §4.1.2.1, §5.2 and extensions).

`description` is for the client's developer and safe to send; `detail` is for our log only, under the same
error id. Any code raises them; only the edges render them: `endpoints.protocol` as JSON, `pages.error_page` as pages.
"""

import secrets
from typing import ClassVar

# Characters of our texts, and their replacements where a protocol allows only ASCII.
_IN_ASCII = str.maketrans({"§": "section ", "“": "'", "”": "'", "’": "'", "–": "-", "—": "-", "…": "..."})


class OAuthError(Exception):
    """`commits`: the transaction in which it is raised is committed, so that what was revoked stays revoked."""

    code: ClassVar[str]
    status: ClassVar[int] = 400
    #: The authentication scheme that a 401 names.
    scheme: ClassVar[str] = "Basic"
    #: Seconds for the header Retry-After (RFC 9110 §10.2.3); 0 for none.
    retry_after_seconds = 0

    def __init__(self, description: str = "", *, detail: str = "", commits: bool = False) -> None:
        super().__init__(description)
        self.description = description
        self.detail = detail
        self.commits = commits
        #: The client that gets the refusal, for the audit log. Empty until it is known.
        self.client_id = ""
        #: Whether a client with this id exists, if it did not authenticate.
        self.is_of_known_client = False
        self.error_id = new_error_id()

    @property
    def told(self) -> str:
        """The `error_description` that is sent. It ends with the error id, which leads to the reason in the server's
        log."""
        return described(self.description, self.error_id)


def new_error_id() -> str:
    """32 hexadecimal digits, as the id of a request: users and developers see one format everywhere."""
    return secrets.token_hex(16)


def described(description: str, error_id: str) -> str:
    """An error_description whose last words are the error id."""
    return f"{in_protocol_text(description)} (error id {error_id})"


def in_protocol_text(text: str) -> str:
    """RFC 6749 §4.1.2.1, §5.2, RFC 6750 §3: an error_description holds only %x20-21 / %x23-5B / %x5D-7E."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in text.translate(_IN_ASCII))


class InvalidRequest(OAuthError):
    code = "invalid_request"


class RequestTooLarge(InvalidRequest):
    status = 413


class InvalidClient(OAuthError):
    """RFC 6749 §5.2: 401, with the scheme by which the client may authenticate."""

    code = "invalid_client"
    status = 401


class InvalidGrant(OAuthError):
    code = "invalid_grant"


class UnauthorizedClient(OAuthError):
    code = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    code = "unsupported_grant_type"


class UnsupportedTokenType(OAuthError):
    """RFC 7009 §2.2.1."""

    code = "unsupported_token_type"


class UnsupportedResponseType(OAuthError):
    code = "unsupported_response_type"


class InvalidScope(OAuthError):
    code = "invalid_scope"


class InvalidAuthorizationDetails(OAuthError):
    """RFC 9396 §5, §6.1."""

    code = "invalid_authorization_details"


class InvalidGrantID(OAuthError):
    """FAPI Grant Management §5.2."""

    code = "invalid_grant_id"


class InvalidBindingMessage(OAuthError):
    """CIBA §13."""

    code = "invalid_binding_message"


class InvalidTarget(OAuthError):
    """RFC 8707 §2: the resource is unknown, malformed or not for this client."""

    code = "invalid_target"


class AccessDenied(OAuthError):
    code = "access_denied"


class LoginRequired(OAuthError):
    """OpenID Connect Core §3.1.2.6."""

    code = "login_required"


class ConsentRequired(OAuthError):
    code = "consent_required"


class InvalidRequestObject(OAuthError):
    """RFC 9101 §7."""

    code = "invalid_request_object"


class UnmetAuthenticationRequirements(OAuthError):
    """OpenID Connect Core Error Code unmet_authentication_requirements: the user cannot log in strongly enough."""

    code = "unmet_authentication_requirements"


class InvalidRequestURI(OAuthError):
    """RFC 9101 §6.4, RFC 9126 §4: unknown, used, expired, or of another client."""

    code = "invalid_request_uri"


class InvalidDPoPProof(OAuthError):
    """RFC 9449 §5."""

    code = "invalid_dpop_proof"


class UseDPoPNonce(OAuthError):
    """RFC 9449 §8: the client must repeat the request with the nonce of the DPoP-Nonce header."""

    code = "use_dpop_nonce"


class TooManyRequests(OAuthError):
    """RFC 6585 §4: 429 with Retry-After, in seconds."""

    code = "slow_down"
    status = 429

    def __init__(self, description: str, *, retry_after_seconds: int) -> None:
        super().__init__(description)
        self.retry_after_seconds = retry_after_seconds

    @classmethod
    def after(cls, seconds: int) -> "TooManyRequests":
        return cls(f"Too many requests. Try again in {seconds} seconds.", retry_after_seconds=seconds)


class TemporarilyUnavailable(OAuthError):
    """RFC 6749 §4.1.2.1: something that this server needs cannot be reached. 503 with Retry-After."""

    code = "temporarily_unavailable"
    status = 503
    retry_after_seconds = 5


class RequestNotSupported(OAuthError):
    code = "request_not_supported"


class RequestURINotSupported(OAuthError):
    code = "request_uri_not_supported"


class UnknownStatusList(OAuthError):
    code = "not_found"
    status = 404


class RegistrationNotSupported(OAuthError):
    code = "registration_not_supported"


class InvalidClientMetadata(OAuthError):
    """RFC 7591 §3.2.2."""

    code = "invalid_client_metadata"


class InvalidRedirectURI(OAuthError):
    code = "invalid_redirect_uri"


class InvalidRegistrationToken(OAuthError):
    """RFC 6750 §3.1 at the registration endpoints: 401 with a Bearer challenge."""

    code = "invalid_token"
    status = 401
    scheme = "Bearer"


class AuthorizationPending(OAuthError):
    """RFC 8628 §3.5: the client must ask again after the interval."""

    code = "authorization_pending"


class SlowDown(OAuthError):
    code = "slow_down"


class ExpiredToken(OAuthError):
    """RFC 8628 §3.5: the device code has expired."""

    code = "expired_token"
