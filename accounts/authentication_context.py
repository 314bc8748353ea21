"""How and when the person at the browser logged in, from what allauth notes in the session."""

from datetime import UTC, datetime
from typing import Any

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

from accounts import second_factors
from oauth.conf import conf
from oauth.sessions.authentication_context import AuthenticationContext, from_last_login

# allauth's `method`, or for second factors its `type` -> RFC 8176 §2 where that has a name for it.
_AMR = {
    "password": "pwd",
    "totp": "otp",
    "recovery_codes": "otp",
    "webauthn": "swk",
    "code": "email",
    "socialaccount": "fed",
}
# How a log-in begins. A code by mail is worth what a password is, which can be reset by mail; what an upstream
# provider asked of the person we do not know. Two of these are no two factors.
_FIRST = {"pwd", "email", "fed"}


def of(request: HttpRequest) -> AuthenticationContext:
    """`auth_time` is the latest time that the person really proved something; `mfa` needs a second factor on top of
    another proof in this very log-in (a trusted browser is none), or a passkey, which is possession and the person's
    own check of it (ASVS 5.0 6.3.3)."""
    user = request.user if request.user.is_authenticated else None
    records: list[dict[str, Any]] = get_authentication_records(request, user)
    times = [record["at"] for record in records if "at" in record]
    if not times:
        return from_last_login(request)
    methods = {_AMR.get(record.get("type") or record["method"], record["method"]) for record in records}
    is_multi_factor = "swk" in methods or ("otp" in methods and bool(methods & _FIRST))
    if is_multi_factor:
        methods.add("mfa")
    weak, strong = conf.ACR_VALUES[0], conf.ACR_VALUES[-1]
    return AuthenticationContext(
        # As exact as it is known; tokens carry whole seconds.
        auth_time=datetime.fromtimestamp(max(times), UTC),
        acr=strong if is_multi_factor else weak,
        amr=tuple(sorted(methods)),
        reachable_acr=lambda: strong if second_factors.of(request.user) else weak,
    )


def logged_in_at(request: HttpRequest) -> datetime:
    return of(request).auth_time
