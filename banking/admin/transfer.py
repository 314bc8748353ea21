"""Transfers as their users see them."""

from django.contrib import admin

from banking.admin.read_only import ReadOnly, WithAmount
from banking.models import Transfer


@admin.register(Transfer)
class TransferAdmin(WithAmount, ReadOnly):
    list_display = ("id", "status", "amount", "source", "destination", "payee_name", "created_at")
    list_filter = ("status",)
    list_select_related = ("user", "source", "destination", "hold", "transaction", "scheduled", "consent")
    found_by_id = ("id", "source_id", "transaction_id", "user_id", "scheduled_id")
    found_by_account = ("source_id", "destination_id")
    found_by_user = ("user_id",)
    fields = (
        "id", "status", "status_reason", "amount", "source", "destination", "payee_name", "payee_iban", "reference",
        "end_to_end_id", "user", "client_id", "consent", "scheduled", "due_on", "created_at", "submitted_at",
        "settled_at", "hold", "transaction",
    )  # fmt: skip
    readonly_fields = ("amount",)
