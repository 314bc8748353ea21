"""The registered types of authorization details: OAUTH["AUTHORIZATION_DETAILS_TYPES"], by `oauth.wiring`."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cache

from django.utils.module_loading import import_string
from jsonschema import Draft202012Validator

from oauth.authorization_details.details_type import Detail, DetailsType
from oauth.infrastructure.caches import until_cleared
from oauth.infrastructure.provided import Provided

#: Type of details -> dotted path of a subclass of DetailsType.
registered: Provided[Mapping[str, str]] = Provided()


def types() -> dict[str, DetailsType]:
    return {name: _load(path) for name, path in registered.values.items()}


def scopes_of(details: Iterable[Detail]) -> list[str]:
    """The scopes that these details need."""
    known = types()
    return [scope for detail in details if detail["type"] in known for scope in known[detail["type"]].scopes(detail)]


def lifetime_of(details: Iterable[Detail]) -> timedelta | None:
    """The shortest lifetime among these details; None if none has one."""
    known = types()
    return min(filter(None, (known[detail["type"]].lifetime(detail) for detail in details)), default=None)


@until_cleared
def _load(path: str) -> DetailsType:
    details_type: DetailsType = import_string(path)()
    _check_schema(type(details_type))
    return details_type


@cache
def _check_schema(details_type: type[DetailsType]) -> None:
    """Once in a process, because it takes 10 ms. Raises SchemaError."""
    Draft202012Validator.check_schema(details_type.schema)
