"""The audit log: searched by error id, person, client or authorization; never edited."""

from django.contrib import admin
from django.http import HttpRequest

from oauth.models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin):
    list_display = ("at", "action", "endpoint", "client", "user", "actor", "address", "error", "error_id", "reason")
    list_filter = ("action",)  # not by error: a list of all errors would read the whole log
    # Whole values only, each with its index: a log is long.
    search_fields = ("error_id__exact", "client__exact", "user__exact")
    search_help_text = "An error id that somebody was told, a client ID, or a person's id."
    show_full_result_count = False
    list_per_page = 50
    fields = (
        "id", "at", "action", "endpoint", "user", "actor", "client", "authorization", "address", "error",
        "error_id", "reason",
    )  # fmt: skip
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        return False
