"""The registered types of authorization details: OAUTH["AUTHORIZATION_DETAILS_TYPES"]."""

from collections.abc import Iterable
from datetime import timedelta

from django.utils.module_loading import import_string
from jsonschema import Draft202012Validator

from oauth.authorization_details.details_type import Detail, DetailsType
from oauth.conf import conf
from oauth.infrastructure.caches import until_cleared


def types() -> dict[str, DetailsType]:
    return {name: _load(path) for name, path in conf.AUTHORIZATION_DETAILS_TYPES.items()}


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
    Draft202012Validator.check_schema(details_type.schema)
    return details_type
