"""Requests for reversals: another officer approves or declines them."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from banking import oversight
from banking.admin.acts import Act, Text, WithActs
from banking.admin.read_only import ReadOnly
from banking.admin.transaction import moved
from banking.models import ReversalRequest


def _is_open(request: ReversalRequest) -> bool:
    return request.status == ReversalRequest.Status.OPEN


@admin.register(ReversalRequest)
class ReversalRequestAdmin(WithActs, ReadOnly):
    list_display = ("reason", "status", "requested_by", "requested_at", "decided_by", "decided_at")
    list_filter = ("status",)
    list_select_related = ("transaction", "requested_by", "decided_by", "reversal")
    found_by_id = ("id", "transaction_id", "reversal_id")
    found_by_user = ("requested_by_id", "decided_by_id")
    search_help_text = _(
        "The whole id of a request or transaction, or the email address of the officer who asked or decided."
    )
    fields = (
        "id", "transaction", "reason", "requested_by", "requested_at", "status", "decided_by", "decided_at",
        "decision_reason", "reversal",
    )  # fmt: skip
    acts = (
        Act(
            name="approve",
            label=_("Approve"),
            explanation=_("The money goes back now, by a new transaction. The officer who asked cannot approve."),
            done=_("The transaction is reversed."),
            permission="banking.approve_reversal",
            do=lambda request, by, reason: oversight.approve_reversal(request.pk, by=by, reason=reason),
            suits=_is_open,
            reason="optional",
        ),
        Act(
            name="decline",
            label=_("Decline"),
            explanation=_("Nothing is reversed."),
            done=_("The reversal is declined."),
            permission="banking.approve_reversal",
            do=lambda request, by, reason: oversight.decline_reversal(request.pk, by=by, reason=reason),
            suits=_is_open,
        ),
    )

    def facts(self, one: ReversalRequest) -> list[tuple[Text, Text]]:
        return [*moved(one.transaction), (_("Asked by"), str(one.requested_by)), (_("Reason"), one.reason)]
