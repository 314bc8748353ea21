"""Checks what a client may have now (ASVS 5.0 10.4.11). Every grant calls it when it issues a token.

An admin, or the client's own registration, may have taken something from the client since the user allowed it. New
tokens do not contain it any more, and a client that requests it by name is refused.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from oauth.authorization_details import Detail, are_of_scopes
from oauth.errors import InvalidAuthorizationDetails, InvalidScope, InvalidTarget
from oauth.infrastructure.uris import spelled_as
from oauth.models import Client
from oauth.models.scope import SCOPE_OF_CLAIM, understood


def scopes(asked: str | None, allowed: Iterable[str], *clients: Client) -> frozenset[str]:
    """The requested scopes, or all if none are requested. Raises InvalidScope if they exceed `allowed` or what one of
    the clients may have (RFC 6749 §3.3), or if nothing is left."""
    left = frozenset(allowed)
    for client in clients:
        left = left.intersection(client.allowed_scopes)
    wanted = left if asked is None else frozenset(understood(asked.split(), left))
    if not wanted or not wanted <= left:
        raise InvalidScope("The requested scope exceeds what is allowed.", detail=f"asked {sorted(wanted - left)}")
    return wanted


def resources(asked: tuple[str, ...], allowed: Iterable[str], *clients: Client) -> tuple[str, ...]:
    """The requested resources, or all if none are requested. Raises InvalidTarget (RFC 8707 §2) as `scopes` does."""
    left = tuple(allowed)
    for client in clients:
        usable = client.usable_resources
        left = tuple([one for one in left if one in usable])
    wanted = spelled_as(left, asked) if asked else left
    if not wanted or not set(wanted) <= set(left):
        raise InvalidTarget("The requested resource is unknown or not allowed.")
    return tuple(dict.fromkeys(wanted))


def details(narrowed: Sequence[dict[str, Any]], *clients: Client) -> list[dict[str, Any]]:
    """Raises InvalidAuthorizationDetails for a type that a client may no longer request. Such a detail is never left
    out: without it, the scopes of the token would give more access."""
    for client in clients:
        if any(_is_beyond(detail, client) for detail in narrowed):
            raise InvalidAuthorizationDetails("The client may no longer have authorization details of this type.")
    return list(narrowed)


def claim_names(names: Iterable[str], client: Client) -> list[str]:
    """The claims requested by name (OpenID Connect Core §5.5) whose scope the client may still have."""
    return [name for name in names if SCOPE_OF_CLAIM.get(name) in client.allowed_scopes]


def _is_beyond(detail: Detail, client: Client) -> bool:
    """A client cannot request details that limit scopes; the scopes are checked separately."""
    if are_of_scopes([detail]):
        return False
    return bool(client.authorization_details_types) and detail["type"] not in client.authorization_details_types
