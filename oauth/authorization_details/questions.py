"""Shows requested and granted authorization details to users."""

from collections.abc import Iterable
from typing import Any

from oauth.authorization_details.details_type import Detail, Question, Summary
from oauth.authorization_details.registry import types


def questions(details: Iterable[Detail], user: Any) -> list[Question]:
    """The questions of the consent page, one for each requested detail."""
    known = types()
    return [known[detail["type"]].question(detail, user) for detail in details]


def summaries(details: Iterable[Detail]) -> list[Summary]:
    """Summaries of granted details. For a type that is no longer registered, shows only its name, so that the user can
    still revoke it.
    """
    known = types()
    return [
        known[detail["type"]].summary(detail) if detail["type"] in known else Summary(detail["type"])
        for detail in details
    ]


def question_again(detail: Detail, user: Any) -> Question | None:
    """The question with which the user may change a granted detail; None if nothing can be changed."""
    known = types()
    return known[detail["type"]].question_again(detail, user) if detail["type"] in known else None
