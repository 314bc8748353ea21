"""Whom the person pays."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from banking.models import Payee
from banking.web.forms import PayeeForm
from banking.web.person import id_of, page


@require_http_methods(["GET", "HEAD", "POST"])
@page
def payees(request: HttpRequest) -> HttpResponseBase:
    form = PayeeForm(request.POST if request.method == "POST" else None, label_suffix="")
    if form.is_valid():
        with transaction.atomic():
            _payee, is_new = Payee.objects.current().get_or_create(
                user_id=id_of(request),
                iban=form.cleaned_data["iban"],
                removed_at=None,
                defaults={"name": form.cleaned_data["name"]},
            )
        messages.success(request, _("Added.") if is_new else _("This account was among your payees already."))
        return HttpResponseRedirect(reverse("bank:payees"), status=303)
    context = {
        "form": form,
        "payees": Payee.objects.current().filter(user_id=id_of(request)).order_by("name", "id"),
        "established_before": timezone.now() - settings.NEW_PAYEE_PERIOD,
    }
    return render(request, "bank/payees.html", context, status=400 if form.is_bound else 200)


@require_POST
@page
def remove(request: HttpRequest, payee_id: UUID) -> HttpResponseBase:
    """Added again later, a payee is new again."""
    theirs = Payee.objects.current().filter(user_id=id_of(request), pk=payee_id)
    if not theirs.update(removed_at=timezone.now()):
        raise Http404
    messages.success(request, _("Removed."))
    return HttpResponseRedirect(reverse("bank:payees"), status=303)
