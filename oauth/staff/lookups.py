"""Allows only the lookups of a list's filters in its query string.

Django allows lookups of any field of the model, so staff could read a field that no page shows one character at a time,
with `?data__secret__startswith=` (ASVS 5.0 14.2.1, 8.2.3).
"""

from typing import Any

from django.contrib.admin import FieldListFilter, ListFilter, SimpleListFilter
from django.contrib.admin.utils import get_fields_from_path
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

# The suffixes that links of Django's filters use.
_OF_A_FIELD = ("", "__exact", "__in", "__isnull", "__isempty", "__gte", "__gt", "__lt", "__lte")
_OF_A_DATE_HIERARCHY = ("__year", "__month", "__day", "__gte", "__lt")


def allowed(model_admin: Any, request: HttpRequest | None) -> set[str]:
    """The names of the allowed parameters."""
    filters = model_admin.list_filter if request is None else model_admin.get_list_filter(request)
    names = set(model_admin.extra_lookups)
    for item in filters:
        names |= _of_filter(item, model_admin, request)
    if model_admin.date_hierarchy:
        names |= {model_admin.date_hierarchy + lookup for lookup in _OF_A_DATE_HIERARCHY}
    return names


def is_key(rows: QuerySet[Any], value: Any) -> bool:
    """Whether `value`, from a form, can be a primary key of `rows`. A query with another value raises an error."""
    try:
        rows.filter(pk=value)
    except (TypeError, ValueError, ValidationError):
        return False
    return "\0" not in str(value)


def _of_filter(item: Any, model_admin: Any, request: HttpRequest | None) -> set[str]:
    if isinstance(item, type) and issubclass(item, SimpleListFilter):
        return {str(item.parameter_name)}
    if isinstance(item, type) and issubclass(item, ListFilter) and not issubclass(item, FieldListFilter):
        return {name for name in item(request, {}, model_admin.model, model_admin).expected_parameters() if name}  # type: ignore[arg-type]  # the stubs want a concrete model
    path = item[0] if isinstance(item, (list, tuple)) else item
    field: Any = get_fields_from_path(model_admin.model, path)[-1]
    names = {path + lookup for lookup in _OF_A_FIELD}
    if field.is_relation:
        names.add(f"{path}__{field.target_field.name}__exact")
    return names
