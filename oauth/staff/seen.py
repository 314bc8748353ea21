"""Refuses to save a change form if somebody else has changed the row since the page was shown.

A change form saves all its fields, also those that the user did not edit. Without this check, the second of two members
of staff would undo the change of the first: enable a client again, or give it back a scope. The URL of the form has a
digest of the values that the page showed.
"""

import hashlib
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import Model
from django.forms import BaseForm
from django.http import HttpRequest

CHANGED_SINCE = "Somebody else changed this after you opened the page. Open it again and repeat your change."
_PARAMETER = "seen"


def address_of_form(request: HttpRequest, form: BaseForm, form_url: str) -> str:
    """`form_url` with the digest. A page that shows errors keeps that of the page that was opened first."""
    digest = request.GET.get(_PARAMETER) if form.is_bound else _digest(form)
    return f"{form_url}?{urlencode({_PARAMETER: digest})}" if digest and "?" not in form_url else form_url


def checked(form_class: type[BaseForm], request: HttpRequest) -> type[BaseForm]:
    """The form, which is invalid if the row no longer has the values that the page showed."""
    seen = request.GET.get(_PARAMETER)
    if request.method != "POST" or not seen:
        return form_class

    class Checked(form_class):  # type: ignore[valid-type, misc]
        def clean(self) -> Any:
            cleaned = super().clean()
            if _digest(self) != seen:
                self.add_error(None, CHANGED_SINCE)
            return cleaned

    return Checked


def locked(row: Model) -> Model | None:
    """Locks the row until the transaction ends, so that of two members of staff who save at the same time, the second
    waits. Returns the row as it is then; None if it was deleted meanwhile. Without a transaction, does not lock it.
    """
    if not transaction.get_connection(row._state.db).in_atomic_block:
        return row
    try:
        row.refresh_from_db(from_queryset=type(row)._base_manager.select_for_update(no_key=True))
    except type(row).DoesNotExist:  # type: ignore[attr-defined]  # Model has no DoesNotExist
        return None
    return row


def _digest(form: BaseForm) -> str:
    shown = [(name, _plain(form.get_initial_for_field(field, name))) for name, field in form.fields.items()]
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return str(value.pk)
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return str(value)
    if isinstance(value, dict):
        return sorted((str(key), str(one)) for key, one in value.items())
    return sorted(map(str, map(_plain, value)))
