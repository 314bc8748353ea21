"""Refunds of direct debits. The worklist of staff shows the contested refunds."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from banking.admin.read_only import ReadOnly
from banking.models import DirectDebitRefund


@admin.register(DirectDebitRefund)
class DirectDebitRefundAdmin(ReadOnly):
    list_display = ("creditor", "user", "reason", "status", "reason_code", "asked_at", "answered_at")
    list_filter = ("status", "reason")
    list_select_related = ("collection__mandate", "user")
    found_by_id = ("id", "collection_id", "collection__mandate_id", "transaction_id", "contested_by_id")
    found_by_account = ("collection__account_id",)
    found_by_user = ("collection__account__access__user_id",)
    fields = (
        "id", "collection", "reason", "status", "reason_code", "user", "client_id", "transaction", "contested_by",
        "asked_at", "answered_at",
    )  # fmt: skip

    @admin.display(description=_("creditor"))
    def creditor(self, refund: DirectDebitRefund) -> str:
        mandate = refund.collection.mandate
        return mandate.creditor_name if mandate else refund.collection.creditor_id
