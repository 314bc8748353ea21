"""Direct debits: who may collect money from the user's accounts."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from banking import direct_debits as debits
from banking.ledger import in_transaction
from banking.ledger.refusals import Refusal
from banking.models import Account, Mandate
from banking.models.mandate import MandateQuerySet
from banking.web.refusals import message_of
from banking.web.user import id_of, page

MOST = 200


@require_safe
@page
def direct_debits(request: HttpRequest) -> HttpResponse:
    """Those that are active, the newest first."""
    active = _visible(request).filter(status=Mandate.Status.ACTIVE)
    may_cancel = set(_visible(request, may_pay=True).values_list("pk", flat=True))
    found = active.select_related("account").order_by("-id")[:MOST]
    shown = [(mandate, mandate.pk in may_cancel) for mandate in found]
    return render(request, "bank/direct_debits.html", {"direct_debits": shown})


@require_POST
@page
def cancel(request: HttpRequest, mandate_id: UUID) -> HttpResponseBase:
    """Nothing is collected any more. What was collected stays."""
    try:
        in_transaction(lambda: debits.cancel(mandate_id, among=_visible(request, may_pay=True)))
        messages.success(request, _("Cancelled. Nothing is collected any more."))
    except Refusal as refusal:
        messages.error(request, message_of(refusal))
    return HttpResponseRedirect(reverse("bank:direct-debits"), status=303)


def _visible(request: HttpRequest, *, may_pay: bool = False) -> MandateQuerySet:
    return Mandate.objects.of_accounts(Account.objects.of_user(id_of(request), may_pay=may_pay))
