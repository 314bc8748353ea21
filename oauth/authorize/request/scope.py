"""The `scope` parameter (RFC 6749 §3.3)."""

from collections.abc import Iterable

from oauth.errors import InvalidScope, listed
from oauth.models import Client
from oauth.models.scope import understood


def requested_scopes(asked: str | None, client: Client, *, needed: Iterable[str] = ()) -> tuple[str, ...]:
    """The requested scopes and those that authorization details need (RFC 9396 §3.1).

    Raises InvalidScope, also if there are neither, because the consent page would be empty.
    """
    wanted = tuple(dict.fromkeys([*understood((asked or "").split(), client.allowed_scopes), *needed]))
    if not wanted:
        raise InvalidScope("The parameter scope is missing.")
    # ASVS 5.0 10.4.11: only scopes that the client is allowed.
    beyond = set(wanted) - set(client.allowed_scopes)
    if of_details := beyond.intersection(needed):
        raise InvalidScope(f"authorization_details need scopes that this client may not have: {listed(of_details)}.")
    if beyond:
        told = f"scope must not exceed what this client may have; not allowed: {listed(beyond)}."
        raise InvalidScope(told, detail=f"asked {sorted(beyond)}")
    return wanted
