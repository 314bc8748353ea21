"""The user's payees."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from banking.models import Payee
from banking.payments.payees import store_payee
from banking.payments.refusals import StrongProofNeeded
from banking.web.forms import PayeeForm
from banking.web.user import id_of, is_fresh, page, prove_it

#: The session key of a new payee that waits until its user has logged in again.
_TYPED = "bank.payee"


@require_http_methods(["GET", "HEAD", "POST"])
@page
def payees(request: HttpRequest) -> HttpResponseBase:
    """A new payee needs a fresh login. The session keeps the input until then."""
    typed = request.POST if request.method == "POST" else None
    form = PayeeForm(typed, label_suffix="", initial=request.session.pop(_TYPED, None) if typed is None else None)
    if form.is_valid():
        given = form.cleaned_data
        try:
            _payee, is_new = store_payee(
                id_of(request), iban=given["iban"], name=given["name"], is_proven=is_fresh(request)
            )
        except StrongProofNeeded:
            request.session[_TYPED] = {"name": given["name"], "iban": given["iban"]}
            return prove_it(request.path)
        messages.success(request, _("Added.") if is_new else _("This account is already one of your payees."))
        return HttpResponseRedirect(reverse("bank:payees"), status=303)
    context = {
        "form": form,
        "payees": Payee.objects.current().filter(user_id=id_of(request)).order_by("name", "id"),
        "needs_proof": not is_fresh(request),
        "established_before": timezone.now() - settings.NEW_PAYEE_PERIOD,
    }
    return render(request, "bank/payees.html", context, status=400 if form.is_bound else 200)


@require_POST
@page
def remove(request: HttpRequest, payee_id: UUID) -> HttpResponseBase:
    """Removes a payee. A payee that is added again later counts as new again."""
    theirs = Payee.objects.current().filter(user_id=id_of(request), pk=payee_id)
    if not theirs.update(removed_at=timezone.now()):
        raise Http404
    messages.success(request, _("Removed."))
    return HttpResponseRedirect(reverse("bank:payees"), status=303)
