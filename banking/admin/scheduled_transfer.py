"""Transfers for a day to come, and standing orders."""

from django.contrib import admin

from banking.admin.read_only import ReadOnly, WithAmount
from banking.models import ScheduledTransfer


@admin.register(ScheduledTransfer)
class ScheduledTransferAdmin(WithAmount, ReadOnly):
    list_display = ("id", "status", "frequency", "amount", "source", "destination", "payee_name", "next_on")
    list_filter = ("status", "frequency")
    list_select_related = ("user", "source", "destination")
    found_by_id = ("id", "source_id", "user_id")
    found_by_account = ("source_id",)
    found_by_person = ("user_id",)
    fields = (
        "id", "status", "frequency", "amount", "source", "destination", "payee_name", "payee_iban", "reference", "user",
        "client_id", "first_on", "next_on", "last_on", "created_at",
    )  # fmt: skip
    readonly_fields = ("amount",)
