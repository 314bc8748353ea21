"""Transfers as their users see them. If another bank was paid for a transfer and the money is still held, two officers
can take the held money.
"""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from banking import oversight, payments
from banking.admin.acts import Act, WithActs
from banking.admin.read_only import ReadOnly, WithAmount
from banking.models import Transfer


@admin.register(Transfer)
class TransferAdmin(WithActs, WithAmount, ReadOnly):
    list_display = ("reference", "status", "amount", "source", "payee", "created_at")
    list_filter = ("status",)
    list_select_related = ("user", "source", "destination", "hold", "transaction", "scheduled", "consent")
    found_by_id = ("id", "source_id", "transaction_id", "user_id", "scheduled_id")
    found_by_account = ("source_id", "destination_id")
    found_by_user = ("user_id",)
    fields = (
        "id", "status", "status_reason", "reason_code", "amount", "source", "destination", "payee_name", "payee_iban",
        "reference", "end_to_end_id", "user", "client_id", "consent", "scheduled", "due_on", "created_at",
        "submitted_at", "settled_at", "hold", "transaction",
    )  # fmt: skip
    readonly_fields = ("amount",)
    acts = (
        Act(
            name="request-capture",
            label=_("Ask for the held money"),
            explanation=_(
                "The other bank was paid, and the account was frozen meanwhile. Another officer must approve it. Then"
                " the held money goes to the bank's suspense account."
            ),
            done=_("The request waits for a second officer."),
            permission="banking.request_reversal",
            do=lambda transfer, by, reason: oversight.request_capture(transfer.pk, by=by, reason=reason),
            suits=payments.is_owed,
        ),
    )

    @admin.display(description=_("payee"))
    def payee(self, transfer: Transfer) -> str:
        return transfer.payee_name or (str(transfer.destination) if transfer.destination else transfer.payee_iban)
