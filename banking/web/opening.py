"""Asking for an account."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from banking.account_life import applications
from banking.ledger.refusals import Refusal
from banking.models import AccountApplication, Product
from banking.web.forms import clean_text
from banking.web.refusals import message_of, status_of
from banking.web.user import id_of, page

MOST = 20


class ApplicationForm(forms.Form):
    product = forms.ModelChoiceField(Product.objects.none(), label=gettext_lazy("Kind of account"), empty_label=None)
    name = forms.CharField(
        label=gettext_lazy("Name of the account"),
        max_length=100,
        help_text=gettext_lazy("You and everybody you share it with see this name."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})  # type: ignore[arg-type]  # those of a form
        self.fields["product"].queryset = Product.objects.filter(is_on_offer=True)  # type: ignore[attr-defined]  # a ModelChoiceField

    def clean_name(self) -> str:
        return clean_text(self.cleaned_data["name"])


@require_http_methods(["GET", "HEAD", "POST"])
@page
def apply(request: HttpRequest) -> HttpResponseBase:
    """The user's applications, and the form for a new one."""
    form = ApplicationForm(request.POST if request.method == "POST" else None)
    status = 400 if form.is_bound else 200
    if form.is_valid():
        try:
            applications.apply(id_of(request), form.cleaned_data["product"].pk, form.cleaned_data["name"])
        except Refusal as refusal:
            form.add_error(None, message_of(refusal))
            status = status_of(refusal)
        else:
            messages.success(request, _("We have your application. You get an email when it is decided."))
            return HttpResponseRedirect(reverse("bank:open"), status=303)
    theirs = AccountApplication.objects.filter(user_id=id_of(request)).select_related("product").order_by("-id")
    context = {
        "form": form,
        "applications": theirs[:MOST],
        "is_anything_on_offer": Product.objects.filter(is_on_offer=True).exists(),
    }
    return render(request, "bank/open.html", context, status=status)


@require_POST
@page
def withdraw(request: HttpRequest, application_id: UUID) -> HttpResponseBase:
    try:
        applications.withdraw(application_id, by=id_of(request))
        messages.success(request, _("Withdrawn."))
    except Refusal as refusal:
        messages.error(request, message_of(refusal))
    return HttpResponseRedirect(reverse("bank:open"), status=303)
