"""Rich authorization requests (RFC 9396): what a client asks for in detail, by types that other apps register.

    OAUTH["AUTHORIZATION_DETAILS_TYPES"] = {"transfer": "banking.consents.transfer.TransferDetails"}

names a subclass of `DetailsType`. What its details mean, this app does not know: it reads them by their JSON Schema,
asks the person what the type wants to be asked, and carries what the type made of the answer in every token.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, ClassVar

from django.core.signals import setting_changed
from django.utils.module_loading import import_string
from jsonschema import Draft202012Validator

from oauth.conf import conf
from oauth.errors import InvalidAuthorizationDetails

Detail = Mapping[str, Any]
MOST = 10
MAX_CHARACTERS = 16 * 1024


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that the person may tick; `hint` helps to know it."""

    value: str
    label: str
    hint: str = ""
    is_ticked: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """What a person sees of a detail: exactly what is enforced (ASVS 5.0 10.7.2)."""

    title: str
    sentences: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    #: What weighs most, in large letters: the amount of a payment.
    headline: str = ""


@dataclass(frozen=True, slots=True)
class Question(Summary):
    """On the consent page, where there may be something to pick."""

    prompt: str = ""
    choices: Sequence[Choice] = ()
    takes_several: bool = False


class NotAnswered(ValueError):
    """What the person ticked cannot be; the text says what to do."""


class DetailsType:
    """What an app says about one type of details. `schema` is a closed JSON Schema (2020-12) of the whole object."""

    schema: ClassVar[Mapping[str, Any]]

    def check(self, detail: Detail) -> None:
        """Raises ValueError for what the schema cannot say."""

    def scopes(self, detail: Detail) -> Iterable[str]:
        """The scopes that the detail needs: they are granted with it, to a client that may have them. The API narrows
        them to what the detail says, so that people are shown the detail instead."""
        return ()

    def lifetime(self, detail: Detail) -> timedelta | None:
        """How long it may be used at most."""
        return None

    def question(self, detail: Detail, user: Any) -> Question:
        raise NotImplementedError

    def summary(self, detail: Detail) -> Summary:
        """Of a detail that was granted, for the page where the person takes it back."""
        raise NotImplementedError

    def question_again(self, detail: Detail, user: Any) -> Question | None:
        """Of a detail that was granted: what the person may pick anew; None where there is nothing to change."""
        return None

    def changed(self, detail: Detail, user: Any, client_id: str, chosen: Sequence[str]) -> dict[str, Any]:
        """The granted detail with what was picked anew, in the caller's transaction. Raises NotAnswered."""
        raise NotImplementedError

    def granted(self, detail: Detail, user: Any, client_id: str, chosen: Sequence[str]) -> dict[str, Any]:
        """The detail as it was allowed, enriched (RFC 9396 §7.1). Writes what belongs to it, in the transaction that
        writes the authorization. Raises NotAnswered."""
        raise NotImplementedError


def types() -> dict[str, DetailsType]:
    return {name: _load(path) for name, path in conf.AUTHORIZATION_DETAILS_TYPES.items()}


@cache
def _load(path: str) -> DetailsType:
    details_type: DetailsType = import_string(path)()
    Draft202012Validator.check_schema(details_type.schema)
    return details_type


def parse(text: str | None, *, allowed_types: Sequence[str], resources: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """The details of a request. Raises InvalidAuthorizationDetails (RFC 9396 §5): unknown type, member or value."""
    if text is None:
        return ()
    known = types()
    details = _array(text)
    for number, detail in enumerate(details):
        name = detail.get("type")
        if not isinstance(name, str) or name not in known or name not in allowed_types:
            raise InvalidAuthorizationDetails(f"{number}: type must be one of: {', '.join(allowed_types)}.")
        problem = next(Draft202012Validator(known[name].schema).iter_errors(detail), None)
        if problem is not None:
            where = "/".join(str(part) for part in (number, *problem.absolute_path))
            raise InvalidAuthorizationDetails(f"{where}: {_shown(problem)}")
        if not set(detail.get("locations", resources)) <= set(resources):
            raise InvalidAuthorizationDetails(f"{number}/locations: is of the resources of this request.")
        try:
            known[name].check(detail)
        except ValueError as error:
            raise InvalidAuthorizationDetails(f"{number}: {error}") from error
    return tuple(details)


def scopes_of(details: Iterable[Detail]) -> list[str]:
    known = types()
    return [scope for detail in details if detail["type"] in known for scope in known[detail["type"]].scopes(detail)]


def lifetime_of(details: Iterable[Detail]) -> timedelta | None:
    """The shortest of them all."""
    known = types()
    return min(filter(None, (known[detail["type"]].lifetime(detail) for detail in details)), default=None)


def questions(details: Iterable[Detail], user: Any) -> list[Question]:
    known = types()
    return [known[detail["type"]].question(detail, user) for detail in details]


def summaries(details: Iterable[Detail]) -> list[Summary]:
    """Of what was granted. A type that is no longer registered is named, so that it can be taken back."""
    known = types()
    return [
        known[detail["type"]].summary(detail) if detail["type"] in known else Summary(detail["type"])
        for detail in details
    ]


def question_again(detail: Detail, user: Any) -> Question | None:
    known = types()
    return known[detail["type"]].question_again(detail, user) if detail["type"] in known else None


def granted(
    details: Sequence[Detail], user: Any, client_id: str, chosen: Mapping[int, Sequence[str]]
) -> list[dict[str, Any]]:
    """Raises NotAnswered."""
    known = types()
    return [
        known[detail["type"]].granted(detail, user, client_id, chosen.get(number, ()))
        for number, detail in enumerate(details)
    ]


def narrowed(text: str | None, allowed: Sequence[Detail]) -> list[dict[str, Any]]:
    """The details asked for in a token request, all where none are (RFC 9396 §6): only ever narrower.

    Lists are compared as sets, anything else has to be the same; what is left out stays as it was allowed. Raises
    InvalidAuthorizationDetails.
    """
    if text is None:
        return [dict(detail) for detail in allowed]
    asked = _array(text)
    found = [next(filter(None, (_within(one, detail) for detail in allowed)), None) for one in asked]
    if not found or None in found:
        raise InvalidAuthorizationDetails("These details ask for more than is allowed here.")
    return [detail for detail in found if detail is not None]


def _within(asked: Detail, allowed: Detail) -> dict[str, Any] | None:
    for name, value in asked.items():
        have = allowed.get(name)
        if isinstance(value, list) and isinstance(have, list):
            if not value or not all(one in have for one in value):
                return None
        elif name not in allowed or value != have or type(value) is not type(have):
            return None
    return {**allowed, **asked} if asked.get("type") == allowed["type"] else None


def _array(text: str) -> list[dict[str, Any]]:
    """RFC 9396 §2: an array of objects; strictly read, so that nobody sees another meaning in it than we."""
    try:
        if len(text) > MAX_CHARACTERS:
            raise ValueError("too long")
        details = json.loads(text, object_pairs_hook=_object, parse_float=_no_number, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise InvalidAuthorizationDetails("authorization_details is a JSON array, without floats.") from None
    if not isinstance(details, list) or not 0 < len(details) <= MOST or not all(isinstance(d, dict) for d in details):
        raise InvalidAuthorizationDetails(f"authorization_details is an array of 1 to {MOST} objects.")
    if not _is_printable(details):
        raise InvalidAuthorizationDetails("authorization_details holds a control character.")
    return details


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("repeated")
    return members


def _no_number(number: str) -> Any:
    raise ValueError(number)


def _is_printable(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_printable(item) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return all(_is_printable(item) for item in value)
    return value.isprintable() if isinstance(value, str) else True


def _shown(problem: Any) -> str:
    """What is wrong, without an echo of what was sent."""
    match problem.validator:
        case "required":
            missing = [name for name in problem.validator_value if name not in problem.instance]
            return f"{', '.join(missing)} is missing."
        case "additionalProperties":
            return "has a member that is not known."
        case "enum" | "const":
            allowed = problem.validator_value
            return f"is of {', '.join(map(str, allowed if isinstance(allowed, list) else [allowed]))}."
        case _:
            return f"does not fit the schema ({problem.validator})."


setting_changed.connect(lambda setting, **_: _load.cache_clear() if setting == "OAUTH" else None, weak=False)
