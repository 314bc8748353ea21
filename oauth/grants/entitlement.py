"""Limits new tokens to what a client is still allowed (ASVS 5.0 10.4.11). Every grant calls these functions.

After the user has allowed a request, an admin or the client itself may reduce what the client may have. New tokens do
not contain what was removed, and explicit requests for it are refused.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from oauth.authorization_details import Detail, are_of_scopes
from oauth.errors import InvalidAuthorizationDetails, InvalidScope, InvalidTarget, listed
from oauth.infrastructure.uris import spelled_as
from oauth.models import Client
from oauth.models.scope import SCOPE_OF_CLAIM, understood


def scopes(asked: str | None, allowed: Iterable[str], *clients: Client) -> frozenset[str]:
    """The requested scopes, by default all. Raises InvalidScope if they exceed `allowed` or the scopes of one of the
    clients (RFC 6749 §3.3), or if none is left.
    """
    left = frozenset(allowed)
    for client in clients:
        left = left.intersection(client.allowed_scopes)
    wanted = left if asked is None else frozenset(understood(asked.split(), left))
    if beyond := wanted - left:
        told = f"scope must not exceed what is allowed; not allowed: {listed(beyond)}."
        raise InvalidScope(told, detail=f"asked {sorted(beyond)}")
    if not wanted:
        raise InvalidScope("The token would have no scopes.")
    return wanted


def resources(asked: tuple[str, ...], allowed: Iterable[str], *clients: Client) -> tuple[str, ...]:
    """The requested resources, by default all. Raises InvalidTarget (RFC 8707 §2) in the same cases as `scopes`."""
    left = tuple(allowed)
    for client in clients:
        usable = client.usable_resources
        left = tuple([one for one in left if one in usable])
    wanted = spelled_as(left, asked) if asked else left
    if not wanted or not set(wanted) <= set(left):
        raise InvalidTarget(f"The requested resource is unknown or not allowed. Allowed: {listed(left) or 'none'}.")
    return tuple(dict.fromkeys(wanted))


def details(narrowed: Sequence[dict[str, Any]], *clients: Client) -> list[dict[str, Any]]:
    """Raises InvalidAuthorizationDetails for a type that a client may no longer request. Such a detail must not be
    omitted, because the scopes of the token would then give more access.
    """
    for client in clients:
        if any(_is_beyond(detail, client) for detail in narrowed):
            raise InvalidAuthorizationDetails("The client may no longer have authorization details of this type.")
    return list(narrowed)


def claim_names(names: Iterable[str], client: Client) -> list[str]:
    """The individually requested claims (OpenID Connect Core §5.5) whose scope the client may still have."""
    return [name for name in names if SCOPE_OF_CLAIM.get(name) in client.allowed_scopes]


def _is_beyond(detail: Detail, client: Client) -> bool:
    """Details that limit scopes are exempt, because clients do not request them; the scopes are checked separately."""
    if are_of_scopes([detail]):
        return False
    return bool(client.authorization_details_types) and detail["type"] not in client.authorization_details_types
