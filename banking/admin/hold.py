"""Holds: money set aside."""

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from banking.admin.read_only import ReadOnly
from banking.models import Hold
from banking.notation import amounts


@admin.register(Hold)
class HoldAdmin(ReadOnly):
    list_display = ("what_for", "account", "amount", "status", "expires_at")
    list_filter = ("status",)
    list_select_related = ("account", "captured_by", "transfer")
    found_by_id = ("id", "account_id")
    found_by_account = ("account_id",)
    found_by_user = ("account__access__user_id",)
    fields = ("id", "account", "amount", "status", "expires_at", "transfer", "captured_by")
    readonly_fields = ("transfer",)

    @admin.display(description=_("held for"))
    def what_for(self, hold: Hold) -> str:
        transfer = getattr(hold, "transfer", None)
        return transfer.reference if transfer else gettext("another payment")

    @admin.display(description=_("amount"))
    def amount(self, hold: Hold) -> str:
        return amounts.with_code(hold.account.currency, hold.amount_minor)
