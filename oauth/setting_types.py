"""Checks that each setting of `OAUTH` has the type of its field. Does not need Django.

Otherwise a wrong type would cause an error later or none: a string instead of a list is a sequence of characters.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import timedelta
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

_NAMES: dict[Any, str] = {
    str: "a string",
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    timedelta: "a timedelta, such as timedelta(minutes=5)",
    NoneType: "None",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong setting. `id` is the ID of the system check."""

    id: str
    problem: str
    fix: str

    def __str__(self) -> str:
        return f"({self.id}) {self.problem}\n\tHINT: {self.fix}"


def find_wrong(given: object, form: type) -> list[Wrong]:
    """The errors in the names and types of settings. `form` is the dataclass that defines the fields. Messages never
    contain values, which may be secrets.
    """
    if not isinstance(given, Mapping):
        return [
            Wrong(id="oauth.E020", problem=f"OAUTH is {_told(given)}.", fix='It must be a dict: OAUTH = {"ISSUER": …}.')
        ]
    hints = get_type_hints(form)
    wrong = [_unknown(name, hints) for name in given if name not in hints]
    for one in fields(form):
        if one.name not in given:
            if one.default is MISSING and one.default_factory is MISSING:
                problem = f'OAUTH["{one.name}"] is not set.'
                wrong.append(Wrong(id="oauth.E022", problem=problem, fix="It must be set, because it has no default."))
        elif not _fits(given[one.name], hints[one.name]):
            wrong.append(
                Wrong(
                    id="oauth.E020",
                    problem=f'OAUTH["{one.name}"] is {_told(given[one.name])}.',
                    fix=f"It must be {_name(hints[one.name])}.",
                )
            )
    return wrong


def in_form(given: Mapping[str, Any], form: type) -> dict[str, Any]:
    """The settings with lists converted to tuples, for a frozen dataclass."""
    hints = get_type_hints(form)
    return {name: tuple(value) if get_origin(hints[name]) is tuple else value for name, value in given.items()}


def _unknown(name: object, hints: Mapping[str, Any]) -> Wrong:
    close = difflib.get_close_matches(str(name), hints, 1)
    fix = f"Did you mean {close[0]}?" if close else "The names are in docs/adopting.md."
    return Wrong(id="oauth.E021", problem=f"OAUTH has no setting named {name}.", fix=fix)


def _fits(value: object, hint: Any) -> bool:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is tuple or origin is Sequence:
        is_list = isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes)
        return is_list and all(_fits(one, parts[0]) for one in value)  # type: ignore[attr-defined]  # a list by then
    if origin is Mapping:
        return isinstance(value, Mapping) and all(
            _fits(key, parts[0]) and _fits(one, parts[1]) for key, one in value.items()
        )
    if parts:  # X | None
        return any(_fits(value, part) for part in parts)
    if hint is str:
        # A lazily translated text counts as a str.
        return isinstance(value, str) or type(value).__name__ == "__proxy__"
    if hint in (int, float):
        return isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
    return hint is Any or isinstance(value, hint)


def _name(hint: Any) -> str:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is tuple or origin is Sequence:
        return 'a list of strings, such as ["…"]'
    if origin is Mapping:
        return f"a dict from {_name(parts[0])} to {_name(parts[1])}"
    return " or ".join(_name(part) for part in parts) if parts else _NAMES.get(hint, str(hint))


def _told(value: object) -> str:
    """Describes the type of a value, such as `a str` or `a list of str`."""
    name = type(value).__name__
    kind = "None" if value is None else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
    inside = list(value.values()) if isinstance(value, Mapping) else value
    if isinstance(inside, list | tuple) and inside:
        kinds = sorted({type(one).__name__ for one in inside})
        return f"{kind} of {', '.join(kinds)}"
    return kind
