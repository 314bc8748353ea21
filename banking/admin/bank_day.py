"""Bank days: which steps of closing are done, what failed, and the trial balance, also as CSV. Also the charges of
accounts.
"""

import csv
from collections import defaultdict
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from banking.admin.read_only import NeverEdited, ReadOnly
from banking.models import AccountCharge, BankDay, DayStep, TrialBalanceLine
from banking.notation import amounts
from oauth.infrastructure import csv_cells
from oauth.infrastructure.generic import TabularInline


class _OfDay(NeverEdited):
    """Staff who may view a day may also view its steps and its trial balance."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("banking.view_bankday")


class StepInline(_OfDay, TabularInline[DayStep, BankDay]):
    model = DayStep
    extra = 0
    fields = ("name", "attempts", "done_at", "result", "failed_at", "error")
    verbose_name_plural = _("steps")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).order_by("pk")


class LineInline(_OfDay, TabularInline[TrialBalanceLine, BankDay]):
    model = TrialBalanceLine
    extra = 0
    fields = ("currency", "group", "name", "accounts", "debit", "credit")
    readonly_fields = ("debit", "credit")
    verbose_name_plural = _("trial balance")

    @admin.display(description=_("debit"))
    def debit(self, line: TrialBalanceLine) -> str:
        return amounts.with_code(line.currency, int(line.debit_minor)) if line.debit_minor else ""

    @admin.display(description=_("credit"))
    def credit(self, line: TrialBalanceLine) -> str:
        return amounts.with_code(line.currency, int(line.credit_minor)) if line.credit_minor else ""


@admin.register(BankDay)
class BankDayAdmin(ReadOnly):
    list_display = ("day", "status", "failed", "closed_at")
    list_filter = ("status",)
    ordering = ("-day",)
    found_by_id = ()
    search_help_text = _("Search finds no days. Pick one from the list.")
    fields = ("day", "status", "opened_at", "ends_at", "closed_at", "sums")
    readonly_fields = ("sums",)
    inlines = (StepInline, LineInline)
    change_form_template = "admin/banking/bankday/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[BankDay]:
        return super().get_queryset(request).prefetch_related("steps")

    @admin.display(description=_("failed step"))
    def failed(self, day: BankDay) -> str:
        return ", ".join(str(step) for step in day.steps.all() if step.error)

    @admin.display(description=_("debits and credits"))
    def sums(self, day: BankDay) -> str:
        sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for line in day.trial_balance.all():
            sums[line.currency][0] += int(line.debit_minor)
            sums[line.currency][1] += int(line.credit_minor)
        return ", ".join(" = ".join(amounts.with_code(code, side) for side in sides) for code, sides in sums.items())

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.trial_balance)
        return [path("<path:object_id>/trial-balance.csv", view, name="banking_bankday_csv"), *super().get_urls()]

    def trial_balance(self, request: HttpRequest, object_id: str) -> HttpResponse:
        day = self.get_object(request, object_id)
        if not self.has_view_permission(request, day):
            raise PermissionDenied
        if day is None:
            raise Http404
        headers = {"Content-Disposition": f'attachment; filename="trial-balance-{day}.csv"'}
        answer = HttpResponse(content_type="text/csv; charset=utf-8", headers=headers)
        lines = csv.writer(answer)
        lines.writerow(["day", "currency", "group", "account_id", "name", "accounts", "debit", "credit"])
        for line in day.trial_balance.all():
            sides = [amounts.decimal(line.currency, int(side)) for side in (line.debit_minor, line.credit_minor)]
            lines.writerow(
                [
                    day,
                    line.currency,
                    line.group,
                    line.account_id or "",
                    csv_cells.text(line.name),
                    line.accounts,
                    *sides,
                ]
            )
        return answer


@admin.register(AccountCharge)
class AccountChargeAdmin(ReadOnly):
    list_display = ("month", "kind", "account", "amount", "status", "reason")
    list_filter = ("status",)
    list_select_related = ("account", "transaction")
    found_by_id = ("id", "account_id")
    found_by_account = ("account_id",)
    found_by_user = ("account__access__user_id",)
    fields = ("id", "month", "kind", "account", "amount", "carried_units", "status", "reason", "transaction", "made_at")
    readonly_fields = ("amount",)

    @admin.display(description=_("amount"))
    def amount(self, charge: AccountCharge) -> str:
        return amounts.with_code(charge.account.currency, charge.amount_minor)
