"""Refusals of API requests, with `WWW-Authenticate` (RFC 6750 §3) and `resource_metadata` (RFC 9728 §5.1)."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from rest_framework import status
from rest_framework.exceptions import APIException

from oauth.algorithms import STRONG_SIGNING_ALGORITHMS
from oauth.conf import conf
from oauth.errors import in_protocol_text


def challenge(scheme: str = "Bearer", **parameters: str) -> str:
    """`Bearer name="value", ...`; values are fixed or checked, never copied from the request."""
    metadata = {"resource_metadata": resource_metadata_url()}
    if scheme == "DPoP":
        metadata["algs"] = " ".join(STRONG_SIGNING_ALGORITHMS)  # RFC 9449 §7.1
    # RFC 6750 §3, §3.1: the characters of RFC 6749, which need no escape in a quoted string.
    values = {name: in_protocol_text(value) for name, value in (parameters | metadata).items()}
    return f"{scheme} " + ", ".join(f'{name}="{value}"' for name, value in values.items())


def resource_metadata_url() -> str:
    """RFC 9728 §3: the well-known part goes between host and path of the resource's identifier."""
    resource = urlsplit(conf.audiences[0])
    return f"{resource.scheme}://{resource.netloc}/.well-known/oauth-protected-resource{resource.path}"


class InvalidToken(APIException):
    """RFC 6750 §3.1 `invalid_token`: expired, malformed, of another issuer, or for another API."""

    status_code = status.HTTP_401_UNAUTHORIZED
    default_code = "invalid_token"
    default_detail = "The access token is not valid."

    def __init__(self, detail: str | None = None, *, scheme: str = "Bearer") -> None:
        super().__init__(detail)
        self.auth_header = challenge(scheme, error=self.default_code, error_description=str(self.detail))


class NoToken(APIException):
    """RFC 6750 §3.1: for a request without a token, the challenge names both schemes and no error code."""

    status_code = status.HTTP_401_UNAUTHORIZED
    default_code = "invalid_token"
    default_detail = "An access token is required."

    def __init__(self) -> None:
        super().__init__()
        self.auth_header = f"{challenge()}, {challenge('DPoP')}"


class InvalidDPoPProof(InvalidToken):
    """RFC 9449 §7.1."""

    default_code = "invalid_dpop_proof"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, scheme="DPoP")


class UseDPoPNonce(InvalidDPoPProof):
    """RFC 9449 §9: the client must retry with the nonce of the DPoP-Nonce header, which `OfferDPoPNonce` sends."""

    default_code = "use_dpop_nonce"


class InsufficientUserAuthentication(APIException):
    """RFC 9470 §3: the client must send the user to log in, with these acr_values and this max_age."""

    status_code = status.HTTP_401_UNAUTHORIZED
    default_code = "insufficient_user_authentication"

    def __init__(self, *, acr_values: Sequence[str], max_age: timedelta | None) -> None:
        super().__init__("The user must log in again, or with a stronger method.")
        wanted = {"acr_values": " ".join(acr_values)} if acr_values else {}
        if max_age is not None:
            wanted["max_age"] = str(int(max_age.total_seconds()))
        self.auth_header = challenge(error=self.default_code, error_description=str(self.detail), **wanted)


class InvalidRequest(APIException):
    """RFC 6750 §3.1 `invalid_request`: the Authorization header itself is malformed."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "invalid_request"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.auth_header = challenge(error=self.default_code, error_description=detail)


class TemporarilyUnavailable(APIException):
    """RFC 9110 §15.6.4: the token cannot be checked now. It may be valid, so the answer is not `invalid_token`."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "temporarily_unavailable"
    #: Seconds for Retry-After; DRF sends it.
    wait = 5


class InsufficientScope(APIException):
    """RFC 6750 §3.1 `insufficient_scope`, with the scopes that the request needs."""

    status_code = status.HTTP_403_FORBIDDEN
    default_code = "insufficient_scope"

    def __init__(self, required: Iterable[str]) -> None:
        scope = " ".join(required)
        super().__init__(f"The access token must have the scope {scope}.")
        self.auth_header = challenge(error=self.default_code, error_description=str(self.detail), scope=scope)
