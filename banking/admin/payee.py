"""Payees that users have stored."""

from django.contrib import admin

from banking.admin.read_only import ReadOnly
from banking.models import Payee


@admin.register(Payee)
class PayeeAdmin(ReadOnly):
    list_display = ("name", "iban", "user", "created_at", "removed_at")
    list_select_related = ("user",)
    found_by_id = ("id", "user_id")
    found_by_user = ("user_id",)
    fields = ("id", "name", "iban", "user", "created_at", "removed_at")
