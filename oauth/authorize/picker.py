"""The options of a consent page with pagination and search, as plain forms that need no script.

Hidden fields hold options that are ticked but not shown. The server validates the submitted form in any case.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from oauth import authorization_details
from oauth.authorization_details import Choice, Question
from oauth.parameters import Parameters

PART = 20
_LONGEST_SEARCH = 100
_LOOK = re.compile(r"look-([0-9])-([0-9]{1,3}|all|none)")

#: Form fields that may be repeated.
REPEATABLE = frozenset(f"{name}-{n}" for name in ("choice", "kept") for n in range(authorization_details.MOST))


@dataclass(frozen=True, slots=True)
class Part:
    """One question with the options that are shown. `kept` are ticked options that are not shown. `everything` is the
    option that stands for all others, shown on every page.
    """

    question: Question
    choices: list[Choice]
    kept: list[str]
    search: str
    number: int
    last: int
    is_large: bool
    ticked: int
    everything: Choice | None


@dataclass(frozen=True, slots=True)
class _Form:
    """The user's input for one question. `look` is the page of options to show, or `all` or `none` to tick or untick
    the options that the search has found.
    """

    search: str = ""
    look: str = "1"


def is_look(decision: str) -> bool:
    """Whether the button shows other options instead of submitting a decision."""
    return bool(_LOOK.fullmatch(decision))


def chosen(params: Parameters | None) -> dict[int, list[str]]:
    """Maps the index of a question to the ticked options. A ticked radio button replaces a hidden earlier choice."""
    if params is None:
        return {}
    return {
        n: [*params.all(f"choice-{n}"), *params.all(f"kept-{n}")] or list(params.all(f"otherwise-{n}"))
        for n in range(authorization_details.MOST)
    }


def parts(questions: Iterable[Question], params: Parameters | None) -> list[Part]:
    """`params` is the submitted form; None if the page is shown for the first time."""
    return [_part(question, n, params) for n, question in enumerate(questions)]


def _part(question: Question, n: int, params: Parameters | None) -> Part:
    form = _form(n, params)
    single = [choice for choice in question.choices if not choice.is_everything]
    found = _matching(single, form.search)
    ticked = _ticked(question, n, params)
    if question.takes_several:
        ticked = _after_look(ticked, found, form.look)
    last = max(1, -(-len(found) // PART))
    number = _number(form.look, last)
    is_large = len(single) > PART
    shown = found[(number - 1) * PART : number * PART] if is_large else found
    visible = {choice.value for choice in shown}
    return Part(
        question=question,
        choices=[replace(choice, is_ticked=choice.value in ticked) for choice in shown],
        kept=[choice.value for choice in single if choice.value in ticked - visible],
        search=form.search,
        number=number,
        last=last,
        is_large=is_large,
        ticked=sum(choice.value in ticked for choice in single),
        everything=next(
            (replace(one, is_ticked=one.value in ticked) for one in question.choices if one.is_everything), None
        ),
    )


def _form(n: int, params: Parameters | None) -> _Form:
    if params is None:
        return _Form()
    look = _LOOK.fullmatch(params.get("decision", ""))
    is_about_this = look is not None and int(look[1]) == n
    return _Form(
        search=params.get(f"search-{n}", "")[:_LONGEST_SEARCH],
        look=look[2] if look and is_about_this else params.get(f"part-{n}", "1"),
    )


def _matching(choices: Sequence[Choice], search: str) -> list[Choice]:
    return [one for one in choices if search.casefold() in f"{one.label} {one.hint}".casefold()]


def _ticked(question: Question, n: int, params: Parameters | None) -> set[str]:
    if params is None:
        return {choice.value for choice in question.choices if choice.is_ticked}
    return set(chosen(params)[n]) & {choice.value for choice in question.choices}


def _after_look(ticked: set[str], found: Sequence[Choice], look: str) -> set[str]:
    """The buttons for all and none change only the options that the search has found."""
    everything = {choice.value for choice in found}
    match look:
        case "all":
            return ticked | everything
        case "none":
            return ticked - everything
        case _:
            return ticked


def _number(look: str, last: int) -> int:
    number = int(look[:3]) if look.isascii() and look.isdigit() else 1
    return min(max(number, 1), last)
