"""Turns requested details into granted ones, according to the user's answers on the consent page."""

from collections.abc import Mapping, Sequence
from typing import Any

from oauth.authorization_details.details_type import Detail
from oauth.authorization_details.registry import types


def granted(
    details: Sequence[Detail], user: Any, client_id: str, chosen: Mapping[int, Sequence[str]]
) -> list[dict[str, Any]]:
    """The granted details. `chosen` maps the index of a detail to the ticked values. Raises NotAnswered."""
    known = types()
    allowed = [
        known[detail["type"]].granted(detail, user, client_id, chosen.get(number, ()))
        for number, detail in enumerate(details)
    ]
    return [detail for detail in allowed if detail is not None]
