"""Accounts: read, frozen and unfrozen. Their entries are paged by `account_seq`, so the last page of a million is as
fast as the first."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from banking import oversight
from banking.admin.acts import Act, Text, WithActs
from banking.admin.read_only import NeverEdited, ReadOnly
from banking.models import Account, AccountAccess, LedgerEntry
from banking.notation import amounts
from oauth.infrastructure.generic import TabularInline

ENTRIES_A_PAGE = 100


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
    list_select_related = ("holder",)
    found_by_id = ("id", "holder_id")
    found_by_account = ("id",)
    found_by_user = ("access__user_id",)
    search_help_text = _("The whole id of an account or user, an IBAN, or the email address of a user with access.")
    fields = (
        "id", "name", "holder", "kind", "type", "iban", "currency", "status", "balance", "held", "available",
        "overdraft", "number_of_entries", "opened_at",
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
            suits=lambda one: one.kind == Account.Kind.CUSTOMER and one.status == Account.Status.OPEN,
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
        ]

    def get_urls(self) -> list[URLPattern]:
        entries = path(
            "<path:object_id>/entries/", self.admin_site.admin_view(self.entries), name="banking_account_entries"
        )
        return [entries, *super().get_urls()]

    def entries(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Newest first. `?before=` is the lowest `account_seq` of the page before."""
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
