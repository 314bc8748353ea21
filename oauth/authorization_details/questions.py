"""What users see of authorization details, asked for or granted."""

from collections.abc import Iterable
from typing import Any

from oauth.authorization_details.details_type import Detail, Question, Summary
from oauth.authorization_details.registry import types


def questions(details: Iterable[Detail], user: Any) -> list[Question]:
    """What the consent page asks, one question a requested detail."""
    known = types()
    return [known[detail["type"]].question(detail, user) for detail in details]


def summaries(details: Iterable[Detail]) -> list[Summary]:
    """Granted details. If a type is no longer registered, its name stands for it, so that the user can take it back."""
    known = types()
    return [
        known[detail["type"]].summary(detail) if detail["type"] in known else Summary(detail["type"])
        for detail in details
    ]


def question_again(detail: Detail, user: Any) -> Question | None:
    """What the user may change about a granted detail; None if nothing."""
    known = types()
    return known[detail["type"]].question_again(detail, user) if detail["type"] in known else None
