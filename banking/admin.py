"""The bank in the admin: looked at, never edited. The ledger is append-only for everybody."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from banking.models import Account, LedgerEntry, LedgerTransaction, Transfer


class ReadOnly:
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class EntryInline(ReadOnly, admin.TabularInline):
    model = LedgerEntry
    extra = 0
    fields = ("account", "amount_minor", "currency", "balance_after_minor", "account_seq")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("account")


@admin.register(Account)
class AccountAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("name", "holder", "currency", "iban", "status", "posted_minor", "held_minor")
    list_filter = ("kind", "status", "currency")
    list_select_related = ("holder",)
    search_fields = ("iban__exact", "holder__email__istartswith")


@admin.register(LedgerTransaction)
class LedgerTransactionAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("id", "kind", "description", "currency", "created_at")
    list_filter = ("kind", "currency")
    search_fields = ("=id",)
    inlines = (EntryInline,)


@admin.register(Transfer)
class TransferAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("id", "status", "amount_minor", "currency", "source", "destination", "created_at")
    list_filter = ("status", "currency")
    list_select_related = ("source", "destination")
    search_fields = ("=id", "source__iban__exact")
