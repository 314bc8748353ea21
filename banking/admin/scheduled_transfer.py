"""Payment orders: staff hold, release and cancel them."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from banking import oversight
from banking.admin.acts import Act, Text, WithActs
from banking.admin.read_only import ReadOnly, WithAmount
from banking.models import ScheduledTransfer


@admin.register(ScheduledTransfer)
class ScheduledTransferAdmin(WithActs, WithAmount, ReadOnly):
    list_display = ("reference", "status", "rhythm", "amount", "source", "payee", "next_on")
    list_filter = ("status", "frequency")
    list_select_related = ("user", "source", "destination")
    found_by_id = ("id", "source_id", "user_id")
    found_by_account = ("source_id",)
    found_by_user = ("user_id",)
    fields = (
        "id", "status", "held_reason", "end_reason", "frequency", "interval", "amount", "source", "destination",
        "payee_name", "payee_iban", "reference", "user", "client_id", "first_on", "next_on", "last_on",
        "execution_rule", "refusal", "tried_on", "retry_at", "created_at", "resumed_at",
    )  # fmt: skip
    readonly_fields = ("amount",)
    acts = (
        Act(
            name="hold",
            label=_("Hold"),
            explanation=_("The order pays nothing until staff release it. Its user gets an email and may cancel it."),
            done=_("The order is on hold."),
            permission="banking.hold_scheduledtransfer",
            do=lambda order, by, reason: oversight.hold_order(order.pk, by=by, reason=reason),
            suits=lambda order: order.status in ScheduledTransfer.OPEN and not _is_held_by_staff(order),
        ),
        Act(
            name="release",
            label=_("Release"),
            explanation=_(
                "The order pays on its scheduled days again. Days that have passed are skipped, but a single payment"
                " whose day has passed is made at once. An order that was on hold before stays on hold."
            ),
            done=_("The order is released."),
            permission="banking.hold_scheduledtransfer",
            do=lambda order, by, reason: oversight.release_order(order.pk, by=by, reason=reason),
            suits=lambda order: _is_held_by_staff(order),
        ),
        Act(
            name="cancel",
            label=_("Cancel"),
            explanation=_("The order ends, and its user gets an email. Payments that it has made stay."),
            done=_("The order is cancelled."),
            permission="banking.hold_scheduledtransfer",
            do=lambda order, by, reason: oversight.cancel_order(order.pk, by=by, reason=reason),
            suits=lambda order: order.status in ScheduledTransfer.OPEN,
        ),
    )

    def facts(self, one: ScheduledTransfer) -> list[tuple[Text, Text]]:
        return [
            (_("Order"), f"{one.reference} ({one.rhythm})"),
            (_("Amount"), self.amount(one)),
            (_("From"), f"{one.source} {one.source.iban or ''}"),
            (_("To"), f"{one.payee_name or one.destination} {one.payee_iban}"),
            (_("User"), str(one.user)),
            (_("Client"), one.client_id),
        ]


def _is_held_by_staff(order: ScheduledTransfer) -> bool:
    return order.held_reason == ScheduledTransfer.HeldReason.STAFF
