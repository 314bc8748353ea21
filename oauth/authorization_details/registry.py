"""The registered types of authorization details. `oauth.wiring` fills the registry from the settings."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cache

from django.utils.module_loading import import_string
from jsonschema import Draft202012Validator

from oauth.authorization_details.details_type import Detail, DetailsType
from oauth.infrastructure.caches import until_cleared
from oauth.infrastructure.provided import Provided

#: OAUTH["AUTHORIZATION_DETAILS_TYPES"]: type of details -> dotted path of a subclass of DetailsType.
registered: Provided[Mapping[str, str]] = Provided()
#: OAUTH["DETAILS_OF_SCOPES"]: the same for subclasses of ScopeDetails, which no client can request.
of_scopes: Provided[Mapping[str, str]] = Provided()


def types() -> dict[str, DetailsType]:
    return {name: _load(path) for name, path in {**registered.values, **of_scopes.values}.items()}


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
    return _class_at(path)()


@cache
def _class_at(path: str) -> type[DetailsType]:
    """Cached, because checking the schema takes 10 ms. Raises SchemaError."""
    details_type: type[DetailsType] = import_string(path)
    Draft202012Validator.check_schema(details_type.schema)
    return details_type
