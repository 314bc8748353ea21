"""How and when the user of a browser logged in, from allauth's records in the session."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from django.http import HttpRequest
from django.utils import timezone

from accounts import second_factors
from oauth.conf import conf
from oauth.infrastructure import clock
from oauth.sessions.authentication_context import AuthenticationContext, from_last_login

# allauth's `method` (for second factors, its `type`) -> the value of RFC 8176 §2, or our own if the RFC has none.
_AMR = {
    "password": "pwd",
    "totp": "otp",
    "recovery_codes": "otp",
    "webauthn": "swk",
    "code": "email",
    "socialaccount": "fed",
}
# First factors; two of them do not make a login `mfa`. An emailed code adds nothing to a password, which can be reset
# by email, and we do not know how an upstream provider authenticated the user.
_FIRST = {"pwd", "email", "fed"}
# allauth stores the time of this host as `at`, but another host may compare it with the time of its request.
_AT_BY_DATABASE = "at_by_database"


def remember_time(request: HttpRequest) -> None:
    """Stores the time of the latest authentication by the clock that all hosts share."""
    *earlier, latest = request.session[AUTHENTICATION_METHODS_SESSION_KEY]
    latest = {**latest, _AT_BY_DATABASE: clock.now().timestamp()}
    request.session[AUTHENTICATION_METHODS_SESSION_KEY] = [*earlier, latest]


def from_session(request: HttpRequest) -> AuthenticationContext:
    """`auth_time` is the time of the latest authentication. `mfa` requires a passkey, which proves possession and
    verifies its user, or a first and a second factor in the same login (ASVS 5.0 6.3.3). A trusted browser is not a
    second factor.

    After a reauthentication with a first factor, `acr` and `amr` no longer name the second factor of the earlier login.
    Otherwise a password alone would satisfy a request for a fresh `mfa` (RFC 9470 §5).
    """
    records = _records(request)
    times = [record.get(_AT_BY_DATABASE, record["at"]) for record in records if "at" in record]
    if not times:
        return from_last_login(request)
    methods = _methods(_since_reauthentication(records))
    is_multi_factor = _is_multi_factor(methods)
    weak, strong = conf.ACR_VALUES[0], conf.ACR_VALUES[-1]
    return AuthenticationContext(
        # Keep fractions of a second; tokens contain whole seconds.
        auth_time=datetime.fromtimestamp(max(times), UTC),
        acr=strong if is_multi_factor else weak,
        amr=tuple(sorted({*methods, "mfa"} if is_multi_factor else methods)),
        reachable_acr=lambda: strong if second_factors.types_of(request.user) else weak,
    )


def has_used_second_factor(request: HttpRequest) -> bool:
    """Whether the user has used a second factor since they logged in, however long ago."""
    return _is_multi_factor(_methods(_records(request)))


def _records(request: HttpRequest) -> list[dict[str, Any]]:
    """The authentications since the login, oldest first."""
    records: list[dict[str, Any]] = get_authentication_records(
        request, request.user if request.user.is_authenticated else None
    )
    return records


def _since_reauthentication(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records from the latest reauthentication with a first factor on; all if there is none."""
    begins = [n for n, record in enumerate(records) if record.get("reauthenticated") and _method(record) in _FIRST]
    return records[begins[-1] :] if begins else records


def _methods(records: Iterable[dict[str, Any]]) -> set[str]:
    return {_method(record) for record in records}


def _method(record: dict[str, Any]) -> str:
    method: str = record["method"]
    return _AMR.get(record.get("type") or method, method)


def _is_multi_factor(methods: set[str]) -> bool:
    return "swk" in methods or ("otp" in methods and not _FIRST.isdisjoint(methods))


def logged_in_at(request: HttpRequest) -> datetime:
    """The time of the latest authentication, by the clock of this host."""
    return timezone.now() - age(request)


def age(request: HttpRequest) -> timedelta:
    """How long ago the latest authentication was."""
    return clock.now() - from_session(request).auth_time
