"""Accounts and the acts of staff on them. Their entries are paged by `account_seq`, so the last page of a million is as
fast as the first."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from banking import oversight
from banking.admin.acts import Act, Text, WithActs
from banking.admin.read_only import NeverEdited, ReadOnly
from banking.models import Account, AccountAccess, LedgerEntry, Role
from banking.notation import amounts
from banking.notation.currencies import minor_digits
from oauth.infrastructure.generic import TabularInline

ENTRIES_A_PAGE = 100


def _is_open(account: Account) -> bool:
    return account.kind == Account.Kind.CUSTOMER and account.status == Account.Status.OPEN


def _is_shared(account: Account) -> bool:
    return account.kind == Account.Kind.CUSTOMER and account.status != Account.Status.CLOSED


def _overdraft(account: Account) -> dict[str, forms.Field]:
    amount = forms.DecimalField(
        label=_("Overdraft in %(currency)s") % {"currency": account.currency}, min_value=0, max_digits=15,
        decimal_places=minor_digits(account.currency), widget=AdminTextInputWidget,
    )  # fmt: skip
    return {"amount": amount}


def _minor(account: Account, amount: Any) -> int:
    return int(amount.scaleb(minor_digits(account.currency)))


def _user(account: Account) -> dict[str, forms.Field]:
    return {"email": forms.EmailField(label=_("Email address of the user"), widget=AdminTextInputWidget)}


def _user_and_role(account: Account) -> dict[str, forms.Field]:
    roles = [(one.value, one.label) for one in Role if one != Role.OWNER]
    return {**_user(account), "role": forms.ChoiceField(label=_("Role"), choices=roles)}


class AccessInline(NeverEdited, TabularInline[AccountAccess, Account]):
    model = AccountAccess
    extra = 0
    fields = ("user", "role")
    verbose_name_plural = _("users with access")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user")


@admin.register(Account)
class AccountAdmin(WithActs, ReadOnly):
    list_display = ("name", "holder", "currency", "iban", "status", "balance", "held")
    list_filter = ("kind", "status")
    list_select_related = ("holder", "product")
    found_by_id = ("id", "holder_id")
    found_by_account = ("id",)
    found_by_user = ("access__user_id",)
    search_help_text = _("The whole id of an account or user, an IBAN, or the email address of a user with access.")
    fields = (
        "id", "name", "holder", "kind", "type", "iban", "currency", "product", "status", "dormant_since",
        "balance", "held", "available", "overdraft", "number_of_entries", "opened_at",
    )  # fmt: skip
    inlines = (AccessInline,)
    change_form_template = "admin/banking/account/change_form.html"
    acts = (
        Act(
            name="freeze",
            label=_("Freeze"),
            explanation=_("Money can still come in. None can go out until the account is unfrozen."),
            done=_("The account is frozen."),
            permission="banking.freeze_account",
            do=lambda account, by, reason: oversight.freeze(account.pk, by=by, reason=reason),
            suits=_is_open,
        ),
        Act(
            name="unfreeze",
            label=_("Unfreeze"),
            explanation=_("Users with access can pay from it again."),
            done=_("The account is open again."),
            permission="banking.freeze_account",
            do=lambda account, by, reason: oversight.unfreeze(account.pk, by=by, reason=reason),
            suits=lambda account: account.status == Account.Status.FROZEN,
        ),
        Act(
            name="request-overdraft",
            label=_("Ask for a higher overdraft"),
            explanation=_("The overdraft changes when another officer has approved the request."),
            done=_("Another officer was asked to approve it."),
            permission="banking.request_accountchange",
            do=lambda account, by, reason, amount: oversight.request_overdraft(
                account.pk, _minor(account, amount), by=by, reason=reason
            ),
            suits=_is_open,
            fields=_overdraft,
        ),
        Act(
            name="lower-overdraft",
            label=_("Lower the overdraft"),
            explanation=_("The new overdraft applies immediately. It cannot be lower than the part that is in use."),
            done=_("The overdraft is lower."),
            permission="banking.restrict_account",
            do=lambda account, by, reason, amount: oversight.lower_overdraft(
                account.pk, _minor(account, amount), by=by, reason=reason
            ),
            suits=lambda account: _is_shared(account) and account.overdraft_minor > 0,
            fields=_overdraft,
        ),
        Act(
            name="request-access",
            label=_("Ask for access for a user"),
            explanation=_("Another officer must approve it. Then the user and all holders are notified."),
            done=_("Another officer was asked to approve it."),
            permission="banking.request_accountchange",
            do=lambda account, by, reason, email, role: oversight.request_access(
                account.pk, email, role, by=by, reason=reason
            ),
            suits=_is_shared,
            fields=_user_and_role,
        ),
        Act(
            name="end-access",
            label=_("End a user's access"),
            explanation=_(
                "The access ends at once, with the user's payment orders and their apps' access to this account. The "
                "owner's access ends only"
                " when the account is closed."
            ),
            done=_("The access has ended."),
            permission="banking.restrict_account",
            do=lambda account, by, reason, email: oversight.end_access(account.pk, email, by=by, reason=reason),
            suits=lambda account: account.kind == Account.Kind.CUSTOMER,
            fields=_user,
        ),
        Act(
            name="close",
            label=_("Close"),
            explanation=_(
                "Its payment orders end, and apps lose their access to it. It must have no money and no pending "
                "payment."
            ),
            done=_("The account is closed."),
            permission="banking.close_account",
            do=lambda account, by, reason: oversight.close_account(account.pk, by=by, reason=reason),
            suits=_is_open,
        ),
    )

    @admin.display(description=_("balance"))
    def balance(self, account: Account) -> str:
        return amounts.with_code(account.currency, account.posted_minor)

    @admin.display(description=_("held"))
    def held(self, account: Account) -> str:
        return amounts.with_code(account.currency, account.held_minor) if account.held_minor else ""

    @admin.display(description=_("available"))
    def available(self, account: Account) -> str:
        return amounts.with_code(account.currency, account.available_minor)

    @admin.display(description=_("overdraft"))
    def overdraft(self, account: Account) -> str:
        return amounts.with_code(account.currency, account.overdraft_minor)

    @admin.display(description=_("entries"))
    def number_of_entries(self, account: Account) -> int:
        return account.last_seq

    def facts(self, one: Account) -> list[tuple[Text, Text]]:
        return [
            (_("Account"), f"{one.name} {one.iban or ''}"),
            (_("Holder"), str(one.holder or "")),
            (_("Balance"), self.balance(one)),
            (_("Held"), self.held(one)),
            (_("Overdraft"), self.overdraft(one)),
        ]

    def get_urls(self) -> list[URLPattern]:
        entries = path(
            "<path:object_id>/entries/", self.admin_site.admin_view(self.entries), name="banking_account_entries"
        )
        return [entries, *super().get_urls()]

    def entries(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The entries, newest first. `?before=` is the lowest `account_seq` of the previous page."""
        account = self.get_object(request, object_id)
        if not self.has_view_permission(request, account):
            raise PermissionDenied
        if account is None:
            raise Http404
        before = request.GET.get("before", "")
        rows = LedgerEntry.objects.filter(account=account).select_related("transaction").order_by("-account_seq")
        if before.isdecimal() and int(before) < 2**63:
            rows = rows.filter(account_seq__lt=int(before))
        page = list(rows[: ENTRIES_A_PAGE + 1])
        context = {
            **self.admin_site.each_context(request),
            "title": _("Entries"),
            "opts": self.opts,
            "original": account,
            "entries": [
                (
                    entry,
                    amounts.with_code(entry.currency, entry.amount_minor),
                    amounts.with_code(entry.currency, entry.balance_after_minor),
                )
                for entry in page[:ENTRIES_A_PAGE]
            ],
            "older_than": page[ENTRIES_A_PAGE - 1].account_seq if len(page) > ENTRIES_A_PAGE else None,
            "is_first": not before,
        }
        return TemplateResponse(request, "admin/banking/account/entries.html", context)
