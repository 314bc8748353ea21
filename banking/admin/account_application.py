"""Users' applications for accounts: an officer approves or refuses them."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from banking import oversight
from banking.admin.acts import Act, Text, WithActs
from banking.admin.read_only import ReadOnly
from banking.models import Account, AccountApplication


def _is_open(application: AccountApplication) -> bool:
    return application.status == AccountApplication.Status.OPEN


@admin.register(AccountApplication)
class AccountApplicationAdmin(WithActs, ReadOnly):
    list_display = ("user", "product", "name", "status", "created_at", "decided_by")
    list_filter = ("status",)
    list_select_related = ("user", "product", "decided_by", "account")
    found_by_id = ("id", "account_id")
    found_by_account = ("account_id",)
    found_by_user = ("user_id", "decided_by_id")
    fields = (
        "id", "user", "product", "name", "created_at", "status", "decided_by", "decided_at", "decision_reason",
        "account",
    )  # fmt: skip
    acts = (
        Act(
            name="approve",
            label=_("Approve"),
            explanation=_("The account is opened at once, and the user is notified."),
            done=_("The account is open."),
            permission="banking.decide_accountapplication",
            do=lambda one, by, reason: oversight.approve_application(one.pk, by=by, reason=reason),
            suits=_is_open,
            reason="optional",
        ),
        Act(
            name="refuse",
            label=_("Refuse"),
            explanation=_("The user reads the reason."),
            done=_("The application is refused."),
            permission="banking.decide_accountapplication",
            do=lambda one, by, reason: oversight.refuse_application(one.pk, by=by, reason=reason),
            suits=_is_open,
        ),
    )

    def facts(self, one: Any) -> list[tuple[Text, Text]]:
        has = Account.objects.of_user(one.user_id).count()
        return [
            (_("User"), str(one.user)),
            (_("Product"), str(one.product)),
            (_("Name of the account"), one.name),
            (_("Accounts that the user has access to"), str(has)),
        ]
