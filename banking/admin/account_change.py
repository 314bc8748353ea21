"""Requests of officers about accounts. Another officer approves or declines each."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from banking import oversight
from banking.admin.acts import Act, Text, WithActs
from banking.admin.read_only import ReadOnly
from banking.models import AccountChange
from banking.notation import amounts


def _is_open(change: AccountChange) -> bool:
    return change.status == AccountChange.Status.OPEN


@admin.register(AccountChange)
class AccountChangeAdmin(WithActs, ReadOnly):
    list_display = ("reason", "kind", "account", "status", "requested_by", "requested_at", "decided_by")
    list_filter = ("status", "kind")
    list_select_related = ("account__holder", "user", "requested_by", "decided_by")
    found_by_id = ("id", "account_id")
    found_by_account = ("account_id",)
    found_by_user = ("user_id", "requested_by_id", "decided_by_id")
    fields = (
        "id", "account", "kind", "what", "reason", "requested_by", "requested_at", "status", "decided_by", "decided_at",
        "decision_reason",
    )  # fmt: skip
    readonly_fields = ("what",)
    acts = (
        Act(
            name="approve",
            label=_("Approve"),
            explanation=_(
                "The change is made immediately. Neither the officer who asked nor an officer with access to the "
                "account can approve it."
            ),
            done=_("The change is approved and made."),
            permission="banking.approve_accountchange",
            do=lambda change, by, reason: oversight.approve_change(change.pk, by=by, reason=reason),
            suits=_is_open,
            reason="optional",
        ),
        Act(
            name="decline",
            label=_("Decline"),
            explanation=_("Nothing changes."),
            done=_("The request is declined."),
            permission="banking.approve_accountchange",
            do=lambda change, by, reason: oversight.decline_change(change.pk, by=by, reason=reason),
            suits=_is_open,
        ),
    )

    @admin.display(description=_("change"))
    def what(self, change: AccountChange) -> str:
        if change.kind == AccountChange.Kind.OVERDRAFT:
            return amounts.with_code(change.account.currency, change.overdraft_minor or 0)
        return f"{change.user}: {change.get_role_display()}"

    def facts(self, one: Any) -> list[tuple[Text, Text]]:
        return [
            (_("Account"), f"{one.account.name} {one.account.iban or ''}"),
            (_("Holder"), str(one.account.holder or "")),
            (_("Overdraft now"), amounts.with_code(one.account.currency, one.account.overdraft_minor)),
            (pgettext_lazy("request", "Change"), f"{one.get_kind_display()}: {self.what(one)}"),
            (_("Asked by"), str(one.requested_by)),
            (_("Reason"), one.reason),
        ]
