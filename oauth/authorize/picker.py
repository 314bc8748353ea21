"""The choices of a consent page, a part at a time and with a search: by plain forms, so it needs no script.

The form carries along what is ticked in parts that are not shown. None of it is believed: the answer is checked
like any other.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from oauth import authorization_details
from oauth.authorization_details import Choice, Question
from oauth.parameters import Parameters

PART = 20
_LOOK = re.compile(r"look-([0-9])-([0-9]{1,3}|all|none)")

#: Names in the form that come more than once.
REPEATABLE = frozenset(f"{name}-{n}" for name in ("choice", "kept") for n in range(authorization_details.MOST))


@dataclass(frozen=True, slots=True)
class Part:
    """One question with what is shown of its choices; `kept` is ticked, but not among them."""

    question: Question
    choices: list[Choice]
    kept: list[str]
    search: str
    number: int
    last: int
    is_large: bool
    ticked: int


def is_look(decision: str) -> bool:
    """Whether the person wants to see other choices, and has decided nothing yet."""
    return bool(_LOOK.fullmatch(decision))


def chosen(params: Parameters | None) -> dict[int, list[str]]:
    """What is ticked, by the number of the question. A radio button that is shown outdoes one that is not."""
    if params is None:
        return {}
    return {
        n: [*params.all(f"choice-{n}"), *params.all(f"kept-{n}")] or list(params.all(f"otherwise-{n}"))
        for n in range(authorization_details.MOST)
    }


def parts(questions: Iterable[Question], params: Parameters | None) -> list[Part]:
    """`params` is the form as it was sent; None where the page is shown for the first time."""
    return [_part(question, n, params) for n, question in enumerate(questions)]


def _part(question: Question, n: int, params: Parameters | None) -> Part:
    search, wanted, ticked = "", "1", {choice.value for choice in question.choices if choice.is_ticked}
    if params is not None:
        search, wanted = params.get(f"search-{n}", "")[:100], params.get(f"part-{n}", "1")
        ticked = set(chosen(params)[n]) & {choice.value for choice in question.choices}
        look = _LOOK.fullmatch(params.get("decision", ""))
        if look and int(look[1]) == n:
            wanted = look[2]
    found = [one for one in question.choices if search.casefold() in f"{one.label} {one.hint}".casefold()]
    if wanted in ("all", "none") and question.takes_several:
        everything = {choice.value for choice in found}
        ticked = ticked | everything if wanted == "all" else ticked - everything
    is_large = len(question.choices) > PART
    last = max(1, -(-len(found) // PART))
    number = min(int(wanted), last) if wanted.isascii() and wanted.isdigit() and int(wanted[:3]) else 1
    shown = found[(number - 1) * PART : number * PART] if is_large else found
    visible = {choice.value for choice in shown}
    return Part(
        question=question,
        choices=[replace(choice, is_ticked=choice.value in ticked) for choice in shown],
        kept=[choice.value for choice in question.choices if choice.value in ticked - visible],
        search=search,
        number=number,
        last=last,
        is_large=is_large,
        ticked=len(ticked),
    )
