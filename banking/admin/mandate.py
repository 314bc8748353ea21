"""Mandates of direct debits, as their users see them."""

from django.contrib import admin

from banking.admin.read_only import ReadOnly
from banking.models import Mandate


@admin.register(Mandate)
class MandateAdmin(ReadOnly):
    list_display = ("creditor_name", "reference", "account", "sequence", "status", "last_at")
    list_filter = ("status",)
    list_select_related = ("account",)
    found_by_id = ("id", "account_id")
    found_by_account = ("account_id",)
    found_by_user = ("account__access__user_id",)
    fields = (
        "id", "account", "creditor_id", "reference", "creditor_name", "creditor_iban", "sequence", "status",
        "collected", "last_minor", "last_at", "created_at", "cancelled_at",
    )  # fmt: skip
