"""Scopes. Staff can edit the sentence that users read, but not the name that clients use."""

from django.contrib import admin
from django.http import HttpRequest

from oauth.models import Scope
from oauth.staff import Guarded


@admin.register(Scope)
class ScopeAdmin(Guarded):
    list_display = ("name", "group", "sentence", "is_optional", "position")
    list_filter = ("group", "is_optional")
    search_fields = ("name", "sentence")

    def get_readonly_fields(self, request: HttpRequest, obj: Scope | None = None) -> tuple[str, ...]:
        return ("name",) if obj else ()
