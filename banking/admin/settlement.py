"""Settlement files: officers upload one, and work on its differences from the ledger."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from banking import oversight
from banking.admin.acts import Act, Text, WithActs
from banking.admin.read_only import ReadOnly
from banking.models import SettlementDifference, SettlementFile
from banking.notation import amounts
from banking.oversight import Officer
from banking.reconciliation import AlreadyRead, MalformedFile

#: The server reads no larger body; `manage.py reconcile_settlement` reads larger files.
MOST_BYTES = 900_000


class UploadForm(forms.Form):
    file = forms.FileField(label=_("File (camt.053)"), help_text=_("At most 900 kB; the command reads larger files."))

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(_("The file must have at most 900 kB."))
        return file


@admin.register(SettlementFile)
class SettlementFileAdmin(ReadOnly):
    list_display = ("message_id", "currency", "begins_at", "ends_at", "entries", "matched", "open_differences")
    list_select_related = ("read_by",)
    change_list_template = "admin/banking/settlementfile/change_list.html"
    fields = (
        "id", "message_id", "digest", "currency", "begins_at", "ends_at", "entries", "matched", "open_differences",
        "read_by", "read_at",
    )  # fmt: skip
    readonly_fields = ("open_differences",)

    @admin.display(description=_("open differences"))
    def open_differences(self, file: SettlementFile) -> int:
        waiting = (SettlementDifference.Status.OPEN, SettlementDifference.Status.ASKED)
        return file.differences.filter(status__in=waiting).count()

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.upload)
        return [path("upload/", view, name="banking_settlementfile_upload"), *super().get_urls()]

    def upload(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("banking.read_settlementfile"):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                officer = Officer(request.user, request.META.get("REMOTE_ADDR") or None)
                file = oversight.read_settlement_file(form.cleaned_data["file"].read(), by=officer)
            except (MalformedFile, AlreadyRead) as refusal:
                form.add_error("file", str(refusal))
            else:
                self.log_addition(request, file, "read")
                self.message_user(request, _("The file was read."), messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:banking_settlementfile_change", args=[file.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Read a settlement file"),
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "admin/banking/settlementfile/upload.html", context)


def _amount(difference: SettlementDifference, minor: int | None) -> str:
    return "-" if minor is None else amounts.with_code(difference.currency, minor)


def _is(status: SettlementDifference.Status) -> Any:
    return lambda difference: difference.status == status


@admin.register(SettlementDifference)
class SettlementDifferenceAdmin(WithActs, ReadOnly):
    list_display = ("kind", "reference", "in_file", "in_ledger", "status", "asked_by")
    list_filter = ("status", "kind")
    list_select_related = ("account", "asked_by", "decided_by", "file", "transaction", "entry__transaction")
    found_by_id = ("id", "file_id", "transaction_id")
    fields = (
        "id", "file", "kind", "reference", "in_file", "in_ledger", "account", "entry", "status", "reason", "asked_by",
        "decided_by", "decided_at", "transaction",
    )  # fmt: skip
    readonly_fields = ("in_file", "in_ledger")
    acts = (
        Act(
            name="ask",
            label=_("Ask to move it to suspense"),
            explanation=_("Another officer must approve it. Then the amount goes to or from suspense."),
            done=_("It waits for a second officer."),
            permission="banking.ask_settlementdifference",
            do=lambda one, by, reason: oversight.ask_to_move(one.pk, by=by, reason=reason),
            suits=_is(SettlementDifference.Status.OPEN),
        ),
        Act(
            name="move",
            label=_("Move to suspense"),
            explanation=_("The money moves now, in a new transaction. The officer who asked cannot approve."),
            done=_("The money has moved."),
            permission="banking.decide_settlementdifference",
            do=lambda one, by, reason: oversight.move_to_suspense(one.pk, by=by, reason=reason),
            suits=_is(SettlementDifference.Status.ASKED),
            reason="optional",
        ),
        Act(
            name="decline",
            label=_("Decline"),
            explanation=_("No money moves. The difference is open again."),
            done=_("The difference is open again."),
            permission="banking.decide_settlementdifference",
            do=lambda one, by, reason: oversight.decline_to_move(one.pk, by=by, reason=reason),
            suits=_is(SettlementDifference.Status.ASKED),
        ),
    )

    @admin.display(description=_("in the file"))
    def in_file(self, difference: SettlementDifference) -> str:
        return _amount(difference, difference.file_minor)

    @admin.display(description=_("in the ledger"))
    def in_ledger(self, difference: SettlementDifference) -> str:
        return _amount(difference, difference.our_minor)

    def facts(self, one: SettlementDifference) -> list[tuple[Text, Text]]:
        return [
            (_("Difference"), str(one)),
            (_("in the file"), self.in_file(one)),
            (_("in the ledger"), self.in_ledger(one)),
            (_("Account"), str(one.account)),
            (_("Reason"), one.reason),
        ]
