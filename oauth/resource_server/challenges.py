"""Refusals of API requests, with `WWW-Authenticate` (RFC 6750 §3) and `resource_metadata` (RFC 9728 §5.1)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from oauth.algorithms import STRONG_SIGNING_ALGORITHMS
from oauth.conf import conf
from oauth.errors import in_protocol_text

if TYPE_CHECKING:
    from rest_framework.exceptions import APIException
else:
    try:
        from rest_framework.exceptions import APIException
    except ModuleNotFoundError:

        class APIException(Exception):
            """A replacement for REST framework's class in a program without it."""

            def __init__(self, detail: str | None = None) -> None:
                self.detail = self.default_detail if detail is None else detail
                super().__init__(self.detail)


#: The default of `Refusal.resource`, until the requested API is known.
_FIRST = ""


@dataclass(frozen=True, slots=True)
class Challenge:
    """A scheme with its parameters. Values must be fixed or validated, never copied from the request."""

    scheme: str
    parameters: Mapping[str, str]

    def about(self, resource: str | None, *, scope: str = "") -> str:
        """`Bearer name="value", ...`, with the URL of the metadata document of this resource, if it has one, and the
        scopes that the request needs, if they are known.
        """
        # RFC 6750 §3: Bearer must be followed by at least one parameter.
        metadata = {"realm": conf.ISSUER}
        if resource is not None:
            metadata = {"resource_metadata": resource_metadata_url(resource)}
        if scope:
            metadata["scope"] = scope
        if self.scheme == "DPoP":
            metadata["algs"] = " ".join(STRONG_SIGNING_ALGORITHMS)  # RFC 9449 §7.1
        # RFC 6750 §3, §3.1: only characters that need no escape in a quoted string.
        values = {name: in_protocol_text(value) for name, value in {**self.parameters, **metadata}.items()}
        return f"{self.scheme} " + ", ".join(f'{name}="{value}"' for name, value in values.items())


def resource_metadata_url(resource: str) -> str:
    """RFC 9728 §3: inserts the well-known path between host and path of the resource identifier."""
    parts = urlsplit(resource)
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{parts.path}"


class Refusal(APIException):
    """An error response to an API request. With REST framework, its exception handler renders it."""

    #: The value of WWW-Authenticate; empty for a status that has none.
    challenges: Sequence[Challenge] = ()
    #: Seconds for Retry-After; None if a retry would not help.
    wait: int | None = None
    #: The requested API, whose metadata the challenge must name (RFC 9728 §3.3). None for an API without a metadata
    #: document. The default is the first of AUDIENCES.
    resource: str | None = _FIRST
    #: The scopes that the request needs, if they are known.
    scopes: Sequence[str] = ()

    @property
    def auth_header(self) -> str:
        """The header WWW-Authenticate (RFC 9110 §11.6.1)."""
        resource = conf.audiences[0] if self.resource == _FIRST else self.resource
        # RFC 6750 §3: a client that must get a new token learns what to request. Clients of the Model Context Protocol
        # otherwise request every scope of the API.
        scope = " ".join(self.scopes) if self.default_code == "invalid_token" else ""
        return ", ".join(one.about(resource, scope=scope) for one in self.challenges)

    @property
    def headers(self) -> dict[str, str]:
        headers = {"Cache-Control": "no-store"}
        if self.auth_header:
            headers["WWW-Authenticate"] = self.auth_header
        if self.wait is not None:
            headers["Retry-After"] = str(self.wait)
        return headers

    @property
    def body(self) -> dict[str, str]:
        """A JSON object with the members of RFC 6749 §5.2, for clients that do not read the header."""
        return {"error": self.default_code, "error_description": in_protocol_text(str(self.detail))}


def _refused(refusal: Refusal, scheme: str = "Bearer", **parameters: str) -> Challenge:
    """RFC 6750 §3: a challenge with `error`, `error_description` and the parameters of the error code."""
    text = str(refusal.detail)
    return Challenge(scheme, {"error": refusal.default_code, "error_description": text, **parameters})


class InvalidToken(Refusal):
    """RFC 6750 §3.1 `invalid_token`: expired, malformed, of another issuer, or for another API."""

    status_code = 401
    default_code = "invalid_token"
    default_detail = "The access token is not valid."

    def __init__(self, detail: str | None = None, *, scheme: str = "Bearer") -> None:
        super().__init__(detail)
        self.challenges = [_refused(self, scheme)]


class NoToken(Refusal):
    """RFC 6750 §3.1: the challenge for a request without a token names the schemes and has no error code."""

    status_code = 401
    default_code = "invalid_token"
    default_detail = "An access token is required."

    def __init__(self) -> None:
        super().__init__()
        schemes = ("Bearer", "DPoP") if conf.REPLAY_CHECK else ("Bearer",)
        self.challenges = [Challenge(scheme, {}) for scheme in schemes]


class InvalidDPoPProof(InvalidToken):
    """RFC 9449 §7.1."""

    default_code = "invalid_dpop_proof"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, scheme="DPoP")


class UseDPoPNonce(InvalidDPoPProof):
    """RFC 9449 §9: the client must retry with the nonce of the DPoP-Nonce header, which `OfferDPoPNonce` sends."""

    default_code = "use_dpop_nonce"


class InsufficientUserAuthentication(Refusal):
    """RFC 9470 §3: the client must send an authorization request with these acr_values and this max_age."""

    status_code = 401
    default_code = "insufficient_user_authentication"

    def __init__(self, *, acr_values: Sequence[str], max_age: timedelta | None) -> None:
        super().__init__("The user must log in again, or with a stronger method.")
        wanted = {"acr_values": " ".join(acr_values)} if acr_values else {}
        if max_age is not None:
            wanted["max_age"] = str(int(max_age.total_seconds()))
        self.challenges = [_refused(self, **wanted)]


class InvalidRequest(Refusal):
    """RFC 6750 §3.1 `invalid_request`: the Authorization header itself is malformed."""

    status_code = 400
    default_code = "invalid_request"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.challenges = [_refused(self)]


class TemporarilyUnavailable(Refusal):
    """RFC 9110 §15.6.4: the token cannot be verified now. It may be valid, so the error is not `invalid_token`."""

    status_code = 503
    default_code = "temporarily_unavailable"
    #: Seconds for Retry-After.
    wait = 5


class InsufficientScope(Refusal):
    """RFC 6750 §3.1 `insufficient_scope`, with the scopes that the request needs."""

    status_code = 403
    default_code = "insufficient_scope"

    def __init__(self, required: Iterable[str]) -> None:
        scope = " ".join(required)
        super().__init__(f"The access token must have the scope {scope}.")
        self.challenges = [_refused(self, scope=scope)]
