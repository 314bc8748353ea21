"""Requests for reversals: another officer approves or declines them."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from banking import oversight
from banking.admin.acts import Act, Text, WithActs
from banking.admin.read_only import ReadOnly
from banking.admin.transaction import moved
from banking.models import ReversalRequest
from banking.notation import amounts


def _is_open(request: ReversalRequest) -> bool:
    return request.status == ReversalRequest.Status.OPEN


def _held(request: ReversalRequest) -> list[tuple[Text, Text]]:
    """The transfer whose held money is to go to suspense."""
    transfer = request.transfer
    assert transfer
    return [
        (_("Transfer"), transfer.reference),
        (_("Amount"), amounts.with_code(transfer.currency, transfer.amount_minor)),
        (_("From"), f"{transfer.source.name} {transfer.source.holder or ''}"),
        (_("To"), f"{transfer.payee_name} {transfer.payee_iban}"),
    ]


@admin.register(ReversalRequest)
class ReversalRequestAdmin(WithActs, ReadOnly):
    list_display = ("reason", "status", "requested_by", "requested_at", "decided_by", "decided_at")
    list_filter = ("status",)
    list_select_related = ("transaction", "transfer__source__holder", "requested_by", "decided_by", "reversal")
    found_by_id = ("id", "transaction_id", "transfer_id", "reversal_id")
    found_by_user = ("requested_by_id", "decided_by_id")
    search_help_text = _(
        "The whole id of a request or transaction, or the email address of the officer who asked or decided."
    )
    fields = (
        "id", "transaction", "transfer", "reason", "requested_by", "requested_at", "status", "decided_by", "decided_at",
        "decision_reason", "reversal",
    )  # fmt: skip
    acts = (
        Act(
            name="approve",
            label=_("Approve"),
            explanation=_("The money moves now, in a new transaction. The officer who asked cannot approve."),
            done=_("The money has moved."),
            permission="banking.approve_reversal",
            do=lambda request, by, reason: oversight.approve_reversal(request.pk, by=by, reason=reason),
            suits=_is_open,
            reason="optional",
        ),
        Act(
            name="decline",
            label=_("Decline"),
            explanation=_("No money moves."),
            done=_("The request is declined."),
            permission="banking.approve_reversal",
            do=lambda request, by, reason: oversight.decline_reversal(request.pk, by=by, reason=reason),
            suits=_is_open,
        ),
    )

    def facts(self, one: ReversalRequest) -> list[tuple[Text, Text]]:
        what = moved(one.transaction) if one.transaction else _held(one)
        return [*what, (_("Asked by"), str(one.requested_by)), (_("Reason"), one.reason)]
