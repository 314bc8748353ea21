"""The `claims` parameter (OpenID Connect Core §5.5), which requests individual claims."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oauth.errors import InvalidRequest
from oauth.models import Client
from oauth.models.scope import SCOPE_OF_CLAIM

_PLACES = ("id_token", "userinfo")


@dataclass(frozen=True, slots=True)
class Claims:
    """`names` has the claims that we support and that the client may get. Others are ignored, as §5.5.1 allows."""

    names: dict[str, list[str]]
    essential_acr_values: tuple[str, ...] = ()
    subject: str = ""

    @classmethod
    def parse(cls, text: str | None, client: Client) -> "Claims":
        """Raises InvalidRequest if `text` is not JSON as defined in §5.5."""
        if text is None:
            return cls(names={})
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            raise InvalidRequest("claims must be a JSON object.") from None
        asked = {place: _members(document, place) for place in _PLACES}
        learnable = {name for name, scope in SCOPE_OF_CLAIM.items() if scope in client.allowed_scopes}
        names = {place: sorted(claims.keys() & learnable) for place, claims in asked.items()}
        return cls(
            names={place: found for place, found in names.items() if found},
            essential_acr_values=_essential_acr_values(asked["id_token"].get("acr")),
            subject=_subject(asked),
        )


def _members(document: Any, place: str) -> Mapping[str, Any]:
    found = document.get(place) if isinstance(document, dict) else 0
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(one is None or isinstance(one, dict) for one in found.values()):
        raise InvalidRequest("claims must have the members id_token and userinfo, each an object of claims.")
    return found


def _essential_acr_values(wanted: Mapping[str, Any] | None) -> tuple[str, ...]:
    """§5.5.1.1: if `acr` is essential and has values, the login must meet one of them."""
    if not wanted or wanted.get("essential") is not True:
        return ()
    values = wanted.get("values", [wanted["value"]] if "value" in wanted else [])
    if not isinstance(values, list) or not all(isinstance(value, str) and value.isprintable() for value in values):
        raise InvalidRequest("The values of the claim acr must be strings.")
    return tuple(values)


def _subject(asked: Mapping[str, Mapping[str, Any]]) -> str:
    """§5.5.1: a `sub` with a value names the only user whose login is accepted. Empty if no `sub` has a value."""
    named: set[str] = set()
    for place in _PLACES:
        wanted = asked[place].get("sub") or {}
        values = wanted.get("values", [])
        if not isinstance(values, list):
            raise InvalidRequest("The values of the claim sub must be a list of strings.")
        for value in [*([wanted["value"]] if "value" in wanted else []), *values]:
            if not isinstance(value, str) or not value.isprintable():
                raise InvalidRequest("The value of the claim sub must be a string.")
            named.add(value)
    if len(named) > 1:
        raise InvalidRequest("The claim sub must name one user.")
    return named.pop() if named else ""
