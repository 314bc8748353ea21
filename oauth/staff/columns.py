"""Columns of the admin's lists: shows related rows as links, for staff who may view their pages."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.contrib.admin.utils import flatten_fieldsets, quote
from django.core.exceptions import FieldDoesNotExist
from django.db.models import CharField, ForeignKey, OneToOneRel
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from oauth.models import Client

#: The field of models that store a client's ID by value.
CLIENT = "client_id"
Column = str | Callable[[Any], Any]


def linked(model_admin: Any, request: HttpRequest, name: Column, *, is_first: bool) -> Column:
    """For a foreign key, a column with links; otherwise the column itself. The first column of a list already links to
    the row's own page.
    """
    if name == CLIENT and not is_first and _is_text(model_admin, name):
        return _client(model_admin, request)
    field = _foreign_key(model_admin, name)
    links = model_admin.list_display_links
    is_own_link = is_first if not links else name in links
    if field is None or is_own_link or name in model_admin.list_editable:
        return name
    other: Any = field.related_model
    if not _may_open(model_admin, request, field):
        return name
    url_name = f"admin:{other._meta.app_label}_{other._meta.model_name}_change"

    def column(row: Any) -> Any:
        one = getattr(row, field.name)
        if one is None:
            return None
        return format_html('<a href="{}">{}</a>', reverse(url_name, args=[quote(one.pk)]), one)

    column.__name__ = field.name
    column.short_description = field.verbose_name  # type: ignore[attr-defined]  # read by Django's admin
    column.admin_order_field = field.name  # type: ignore[attr-defined]
    return column


def unlink_forbidden(model_admin: Any, request: HttpRequest, form: Any, *, is_editable: bool = True) -> None:
    """In an admin form, shows a read-only related row as plain text instead of a link if this member of staff may not
    view its page. `form` has Django's `fieldsets` and `readonly_fields`.
    """
    shown_only = form.readonly_fields if is_editable else flatten_fieldsets(form.fieldsets)
    closed = {
        name: _text_of(field)
        for name in shown_only
        if (field := _shown_row(model_admin, name)) is not None and not _may_open(model_admin, request, field)
    }

    def replaced(names: Any) -> list[Any]:
        return [replaced(one) if isinstance(one, list | tuple) else closed.get(one, one) for one in names]

    form.fieldsets = [(title, {**options, "fields": replaced(options["fields"])}) for title, options in form.fieldsets]
    form.readonly_fields = [
        *replaced(form.readonly_fields),
        *(text for name, text in closed.items() if name not in form.readonly_fields),
    ]


def _may_open(model_admin: Any, request: HttpRequest, field: Any) -> bool:
    page = model_admin.admin_site._registry.get(field.related_model)
    return page is not None and bool(page.has_view_permission(request))


def _text_of(field: Any) -> Callable[[Any], Any]:
    def text(row: Any) -> Any:
        one = getattr(row, field.name, None)  # the other side of a one-to-one relation may have no row
        return None if one is None else str(one)

    text.__name__ = field.name
    label = field.related_model._meta.verbose_name if isinstance(field, OneToOneRel) else field.verbose_name
    text.short_description = label  # type: ignore[attr-defined]  # read by Django's admin
    return text


def _client(model_admin: Any, request: HttpRequest) -> Column:
    """A column with links to clients whose IDs are stored by value, with one query per client of the page. Shows the ID
    if the client was deleted or staff may not view clients.
    """
    page = model_admin.admin_site._registry.get(Client)
    if page is None or not page.has_view_permission(request):
        return CLIENT

    @cache
    def shown(client_id: str) -> str:
        client = Client.objects.filter(client_id=client_id).only("pk", "name").first()
        if client is None:
            return client_id
        url = reverse("admin:oauth_client_change", args=[client.pk])
        return format_html('<a href="{}" title="{}">{}</a>', url, client_id, client.name or client_id)

    def column(row: Any) -> str:
        return shown(row.client_id)

    column.__name__ = CLIENT
    column.short_description = "client"  # type: ignore[attr-defined]
    column.admin_order_field = CLIENT  # type: ignore[attr-defined]
    return column


def _is_text(model_admin: Any, name: str) -> bool:
    """Whether the column stores a client's ID as text, in a model other than Client."""
    try:
        return model_admin.model is not Client and isinstance(model_admin.opts.get_field(name), CharField)
    except FieldDoesNotExist:
        return False


def foreign_keys(model_admin: Any, request: HttpRequest) -> list[str] | bool:
    """The foreign keys that the list shows, as for `list_select_related`; False if there are none."""
    return [name for name in model_admin.list_display if _foreign_key(model_admin, name) is not None] or False


def _foreign_key(model_admin: Any, name: Column) -> Any:
    field = _shown_row(model_admin, name)
    return field if isinstance(field, ForeignKey) else None


def _shown_row(model_admin: Any, name: Column) -> Any:
    """The field, if the form shows a row of another table for it: a foreign key, or the reverse of a one-to-one
    relation.
    """
    if not isinstance(name, str):
        return None
    try:
        field = model_admin.opts.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, ForeignKey | OneToOneRel) else None
