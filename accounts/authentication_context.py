"""How and when the person at the browser logged in, from what allauth notes in the session."""

from datetime import UTC, datetime
from typing import Any

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

from oauth.authorization.authentication_context import (
    ACR_MULTI_FACTOR,
    ACR_PASSWORD,
    AuthenticationContext,
    from_last_login,
)

# allauth's `method`, or for second factors its `type` -> RFC 8176 §2.
_AMR = {
    "password": "pwd",
    "totp": "otp",
    "recovery_codes": "otp",
    "webauthn": "swk",
    "code": "otp",
}


def of(request: HttpRequest) -> AuthenticationContext:
    """`auth_time` is the latest time that the person really proved something; `mfa` needs two different proofs,
    or a passkey, which is both possession and the person's own check of it."""
    records: list[dict[str, Any]] = get_authentication_records(request, request.user)
    times = [record["at"] for record in records if "at" in record]
    if not times:
        return from_last_login(request)
    methods = {_AMR.get(record.get("type") or record["method"], record["method"]) for record in records}
    is_multi_factor = len(methods & {"pwd", "otp"}) == 2 or "swk" in methods
    if is_multi_factor:
        methods.add("mfa")
    return AuthenticationContext(
        # Whole seconds, as tokens carry them.
        auth_time=datetime.fromtimestamp(int(max(times)), UTC),
        acr=ACR_MULTI_FACTOR if is_multi_factor else ACR_PASSWORD,
        amr=tuple(sorted(methods)),
    )
