"""OAuth errors: one class per error code (RFC 6749 §4.1.2.1, §5.2 and extensions).

`description` is sent to the client's developer. `detail` is only for our log, under the same error ID. Any code may
raise these errors; `endpoints.protocol` renders them as JSON and `pages.error_page` as pages.
"""

import secrets
from collections.abc import Iterable
from typing import ClassVar

# Replacements for non-ASCII characters in our texts, where a protocol allows only ASCII.
_IN_ASCII = str.maketrans({"§": "section ", "“": "'", "”": "'", "’": "'", "–": "-", "—": "-", "…": "..."})
# The longest list of names in a description.
_MAX_LISTED_LENGTH = 200


class OAuthError(Exception):
    """If `commits`, the transaction in which the error is raised is committed, so that a revocation takes effect."""

    code: ClassVar[str]
    status: ClassVar[int] = 400
    #: The authentication scheme in the challenge of a 401.
    scheme: ClassVar[str] = "Basic"
    #: The value of the header Retry-After (RFC 9110 §10.2.3); 0 means no header.
    retry_after_seconds = 0

    def __init__(self, description: str = "", *, detail: str = "", commits: bool = False) -> None:
        super().__init__(description)
        self.description = description
        self.detail = detail
        self.commits = commits
        #: The client ID for the audit log. Empty if unknown.
        self.client_id = ""
        #: Whether a client with this ID exists, although the client did not authenticate.
        self.is_of_known_client = False
        self.error_id = new_error_id()

    @property
    def told(self) -> str:
        """The `error_description`. It ends with the error ID, which identifies the reason in the server's log."""
        return described(self.description, self.error_id)


def new_error_id() -> str:
    """32 hexadecimal digits, in the same format as request IDs."""
    return secrets.token_hex(16)


def described(description: str, error_id: str) -> str:
    """`description` followed by the error ID."""
    return f"{in_protocol_text(description)} (error id {error_id})"


def in_protocol_text(text: str) -> str:
    """RFC 6749 §4.1.2.1, §5.2, RFC 6750 §3: an error_description must contain only %x20-21 / %x23-5B / %x5D-7E."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in text.translate(_IN_ASCII))


def listed(names: Iterable[str]) -> str:
    """The names of scopes or resources for a description, sorted. A client may send many or long ones, so the list is
    cut.
    """
    text = ", ".join(sorted(names))
    return text if len(text) <= _MAX_LISTED_LENGTH else f"{text[:_MAX_LISTED_LENGTH]}…"


class InvalidRequest(OAuthError):
    code = "invalid_request"


class RequestTooLarge(InvalidRequest):
    status = 413


class InvalidClient(OAuthError):
    """RFC 6749 §5.2: 401 with an authentication scheme that the client may use."""

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
    """OpenID Connect Core Error Code unmet_authentication_requirements: the user has no login method that is strong
    enough.
    """

    code = "unmet_authentication_requirements"


class InvalidRequestURI(OAuthError):
    """RFC 9101 §6.4, RFC 9126 §4: the request_uri is unknown, used, expired, or of another client."""

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
    """RFC 6749 §4.1.2.1: the database or another service is unavailable. 503 with Retry-After."""

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
    """RFC 8628 §3.5: the client must poll again after the interval."""

    code = "authorization_pending"


class SlowDown(OAuthError):
    code = "slow_down"


class ExpiredToken(OAuthError):
    """RFC 8628 §3.5: the device code has expired."""

    code = "expired_token"
