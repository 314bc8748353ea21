"""Type hints as JSON Schema: each TypedDict becomes a closed component of the same name."""

import inspect
from enum import Enum
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)
from uuid import UUID

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent

from banking.notation.timestamps import Timestamp

Schema = dict[str, Any]
_BASIC: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    UUID: {"type": "string", "format": "uuid"},
    Timestamp: {"type": "string", "format": "date-time", "examples": ["2026-11-24T09:30:00Z"]},
}


def name_of(hint: Any) -> str:
    """Of the component. `PageOf[Account]` is AccountList, and `PageOf[StatementSummary]` StatementList."""
    if not get_args(hint):
        return str(hint.__name__)
    return f"{get_args(hint)[0].__name__.removesuffix('Summary')}List"


def schema_of(hint: Any, registry: ComponentRegistry) -> Schema:
    """Raises TypeError for a type that has no JSON Schema here."""
    origin, arguments = get_origin(hint), get_args(hint)
    if is_typeddict(origin or hint):
        return _component(hint, registry)
    if origin is Annotated:
        base, keywords = arguments
        return {**schema_of(base, registry), **keywords.keywords}
    if origin is NotRequired:
        return schema_of(arguments[0], registry)
    if origin in (Union, UnionType):
        return _union([schema_of(one, registry) for one in arguments if one is not NoneType], NoneType in arguments)
    if origin is list:
        return {"type": "array", "items": schema_of(arguments[0], registry)}
    if origin is Literal:
        return {"type": "string", "enum": [one.value if isinstance(one, Enum) else one for one in arguments]}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"type": "string", "enum": [one.value for one in hint]}
    if hint in _BASIC:
        return dict(_BASIC[hint])
    if isinstance(origin, type):  # a mapping of anything
        return {"type": "object"}
    raise TypeError(f"{hint} has no JSON Schema; describe it in {__name__}.")


def _union(schemas: list[Schema], is_nullable: bool) -> Schema:
    schema = schemas[0] if len(schemas) == 1 else {"oneOf": schemas}
    return {"anyOf": [schema, {"type": "null"}]} if is_nullable else schema


def _component(hint: Any, registry: ComponentRegistry) -> Schema:
    component = ResolvedComponent(name=name_of(hint), type=ResolvedComponent.SCHEMA, object=hint)
    if component not in registry:
        registry.register(component)
        component.schema = _object(hint, registry)
    return dict(component.ref)


def _object(hint: Any, registry: ComponentRegistry) -> Schema:
    typed_dict = get_origin(hint) or hint
    members = get_type_hints(typed_dict, include_extras=True)
    schema: Schema = {
        "type": "object",
        "properties": {
            # The one parameter of PageOf is put in for its variable.
            name: schema_of(member[get_args(hint)] if getattr(member, "__parameters__", ()) else member, registry)
            for name, member in members.items()
        },
        "required": sorted(typed_dict.__required_keys__),
        "additionalProperties": False,
    }
    description = inspect.cleandoc(typed_dict.__doc__ or "")
    return schema | ({"description": description} if description else {})
