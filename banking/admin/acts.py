"""Actions of staff on one object. A page asks for the reason. Then one transaction carries out the action and writes
the admin's log entry and the audit log. If the bank refuses, the page says why, and nothing has happened.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from banking import ledger
from banking.ledger.refusals import Refusal
from banking.oversight import Officer
from oauth.infrastructure.generic import ModelAdmin

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Act:
    """`do(object, officer, reason, **values)` may raise a Refusal. `suits` says whether the act is offered for an
    object. `fields` are the other inputs of the page, by name: they become the `values` of `do`.
    """

    name: str
    label: Text
    explanation: Text
    done: Text
    permission: str
    do: Callable[..., Any]
    suits: Callable[[Any], bool]
    reason: str = "required"  # or "optional", "none"
    fields: Callable[[Any], dict[str, forms.Field]] = lambda one: {}


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=140,
        widget=AdminTextInputWidget,
        help_text=_("For a later review. Users see it only in the export of their data."),
    )


class WithActs(ModelAdmin[Any]):
    #: Acts on money write their reason to BANK_AUDIT_LOG themselves. For other acts, the site writes an audit event.
    audits_itself = True
    acts: Sequence[Act] = ()
    change_form_template = "admin/banking/with_acts.html"

    def get_urls(self) -> list[URLPattern]:
        opts = self.opts
        pages = [
            path(
                f"<path:object_id>/{act.name}/",
                self.admin_site.admin_view(partial(self._act_page, act)),
                name=f"{opts.app_label}_{opts.model_name}_{act.name}",
            )
            for act in self.acts
        ]
        return [*pages, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        one = self.get_object(request, object_id)
        offered = [act for act in self.acts if one and request.user.has_perm(act.permission) and act.suits(one)]
        links = [(str(act.label), reverse(f"admin:{self._name}_{act.name}", args=[object_id])) for act in offered]
        return super().change_view(request, object_id, form_url, {"acts": links, **(extra_context or {})})

    @property
    def _name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def _act_page(self, act: Act, request: HttpRequest, object_id: str) -> HttpResponse:
        if not request.user.has_perm(act.permission):
            raise PermissionDenied
        one = self.get_object(request, object_id)
        if one is None:
            raise Http404
        form = ReasonForm(request.POST if request.method == "POST" else None)
        form.fields = act.fields(one) | form.fields
        form.fields["reason"].required = act.reason == "required"
        if act.reason == "none":
            del form.fields["reason"]
        if request.method == "POST" and form.is_valid():
            try:
                ledger.in_transaction(lambda: self._do(act, request, one, dict(form.cleaned_data)))
            except Refusal as refusal:
                form.add_error(None, refusal.detail)
            else:
                self.message_user(request, str(act.done), messages.SUCCESS)
                return HttpResponseRedirect(reverse(f"admin:{self._name}_change", args=[one.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": act.label,
            "opts": self.opts,
            "original": one,
            "act": act,
            "form": form,
            "facts": self.facts(one),
            "change_url": reverse(f"admin:{self._name}_change", args=[one.pk]),
        }
        return TemplateResponse(request, "admin/banking/act.html", context)

    def _do(self, act: Act, request: HttpRequest, one: Any, given: dict[str, Any]) -> None:
        reason = given.pop("reason", "")
        act.do(one, Officer(request.user, request.META.get("REMOTE_ADDR") or None), reason, **given)
        self.log_change(request, one, f"{act.name}: {reason}" if reason else act.name)

    def facts(self, one: Any) -> list[tuple[Text, Text]]:
        """Names and values that the page shows to the officer before the action."""
        return [(str(self.opts.verbose_name), str(one))]
