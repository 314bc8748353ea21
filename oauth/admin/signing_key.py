"""Signing keys are looked at here; the private part is not shown, and none is typed in by hand."""

import json

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from oauth.models import SigningKey


@admin.register(SigningKey)
class SigningKeyAdmin(admin.ModelAdmin):
    list_display = ("kid", "algorithm", "state", "active_at", "retiring_at", "retired_at")
    list_filter = ("algorithm",)
    fields = (
        "kid",
        "algorithm",
        "state",
        "published_at",
        "active_at",
        "retiring_at",
        "retired_at",
        "public_key",
    )
    readonly_fields = fields

    @admin.display(description="public key (JWK)")
    def public_key(self, key: SigningKey) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(key.public_jwk, indent=2))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SigningKey | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SigningKey | None = None) -> bool:
        return False
