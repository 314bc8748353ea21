"""Type hints as JSON Schema: each TypedDict becomes a closed component of the same name."""

import inspect
import re
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

from banking.api.representations import OneOf
from banking.notation.timestamps import Timestamp

Schema = dict[str, Any]
_BASIC: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer", "format": "int32"},
    bool: {"type": "boolean"},
    UUID: {"type": "string", "format": "uuid"},
    Timestamp: {"type": "string", "format": "date-time", "examples": ["2026-11-24T09:30:00Z"]},
}


def name_of(hint: Any) -> str:
    """The name of the component. `PageOf[Account]` is AccountList, and `PageOf[StatementSummary]` StatementList."""
    if not get_args(hint):
        return str(hint.__name__)
    return f"{get_args(hint)[0].__name__.removesuffix('Summary')}List"


def schema_of(hint: Any, registry: ComponentRegistry) -> Schema:
    """The JSON Schema of a type. Raises TypeError for an unsupported type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if is_typeddict(origin or hint):
        return _component(hint, registry)
    if origin is Annotated:
        base, *notes = arguments
        if isinstance(notes[0], OneOf):
            return _one_of(base, notes[0], registry)
        schema = schema_of(base, registry)
        for note in notes:
            schema |= note.keywords
        return schema
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


def unwrapped(documented: Any) -> str:
    """The docstring of the class itself, each paragraph on one line."""
    own = vars(documented).get("__doc__") if isinstance(documented, type) else documented.__doc__
    docstring = inspect.cleandoc(own or "")
    return re.sub(r"(?<!\n)\n(?!\n)", " ", docstring)


def _union(schemas: list[Schema], is_nullable: bool) -> Schema:
    schema = schemas[0] if len(schemas) == 1 else {"oneOf": schemas}
    return {"anyOf": [schema, {"type": "null"}]} if is_nullable else schema


def _one_of(union: Any, note: OneOf, registry: ComponentRegistry) -> Schema:
    component = ResolvedComponent(name=note.name, type=ResolvedComponent.SCHEMA, object=note)
    if component not in registry:
        registry.register(component)
        forms = {_told(one, note.told_by): schema_of(one, registry) for one in get_args(union)}
        component.schema = discriminated(forms, note.told_by)
    return dict(component.ref)


def discriminated(forms: dict[str, Schema], told_by: str) -> Schema:
    """The schema of a union of objects. `forms` are references to their components, by the value of the discriminator
    `told_by`.
    """
    mapping = {value: form["$ref"] for value, form in forms.items()}
    return {"oneOf": list(forms.values()), "discriminator": {"propertyName": told_by, "mapping": mapping}}


def _told(typed_dict: Any, member: str) -> str:
    [value] = get_args(get_type_hints(typed_dict)[member])
    return str(value)


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
            # Replaces the type variable of PageOf by the type in brackets.
            name: schema_of(member[get_args(hint)] if getattr(member, "__parameters__", ()) else member, registry)
            for name, member in members.items()
        },
        "required": sorted(typed_dict.__required_keys__),
        "additionalProperties": False,
    }
    description = unwrapped(typed_dict)
    return schema | ({"description": description} if description else {})
