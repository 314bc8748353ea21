"""The messages of the payment scheme. The worklist of staff shows the messages that are disputed or in suspense."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from banking.admin.read_only import ReadOnly
from banking.models import SchemeMessage
from banking.notation import amounts


@admin.register(SchemeMessage)
class SchemeMessageAdmin(ReadOnly):
    list_display = ("received_at", "kind", "status", "amount", "account", "creditor_iban", "debtor_name", "reason_code")
    list_filter = ("status", "kind")
    list_select_related = ("transfer", "account", "transaction", "given_back_by")
    found_by_id = ("id", "transfer_id", "transaction_id", "given_back_by_id")
    found_by_account = ("account_id",)
    found_by_user = ("account__access__user_id",)
    fields = (
        "id", "message_id", "kind", "status", "reason_code", "amount", "payment_id", "transfer", "account",
        "creditor_iban", "debtor_name", "debtor_iban", "reference", "end_to_end_id", "transaction", "given_back_by",
        "received_at",
    )  # fmt: skip
    readonly_fields = ("amount",)

    @admin.display(description=_("amount"))
    def amount(self, message: SchemeMessage) -> str:
        return amounts.with_code(message.currency, message.amount_minor) if message.amount_minor else ""
