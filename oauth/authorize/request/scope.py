"""The `scope` parameter (RFC 6749 §3.3)."""

from collections.abc import Iterable

from oauth.errors import InvalidScope
from oauth.models import Client
from oauth.models.scope import understood


def requested_scopes(asked: str | None, client: Client, *, needed: Iterable[str] = ()) -> tuple[str, ...]:
    """The scopes of the parameter, and those that authorization details need (RFC 9396 §3.1).

    A request with neither is refused: the consent page would have nothing to show. Raises InvalidScope.
    """
    wanted = tuple(dict.fromkeys([*understood((asked or "").split(), client.allowed_scopes), *needed]))
    if not wanted:
        raise InvalidScope("The parameter scope is missing.")
    # ASVS 5.0 10.4.11.
    beyond = set(wanted) - set(client.allowed_scopes)
    if of_details := beyond.intersection(needed):
        names = ", ".join(sorted(of_details))
        raise InvalidScope(f"authorization_details need scopes that this client may not have: {names}.")
    if beyond:
        raise InvalidScope("scope must not exceed what this client may have.", detail=f"asked {sorted(beyond)}")
    return wanted
