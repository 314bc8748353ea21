"""Standing orders and transfers of days to come."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from banking.ledger import in_transaction
from banking.ledger.refusals import LedgerRefusal
from banking.models import Account, ScheduledTransfer
from banking.payments import scheduled
from banking.web.person import id_of, page

MOST = 200


@require_safe
@page
def orders(request: HttpRequest) -> HttpResponse:
    active = _visible(request).filter(status=ScheduledTransfer.Status.ACTIVE).order_by("next_on", "id")
    may_cancel = set(_visible(request, may_pay=True).values_list("pk", flat=True))
    shown = [(order, order.pk in may_cancel) for order in active.select_related("source", "destination")[:MOST]]
    return render(request, "bank/orders.html", {"orders": shown})


@require_POST
@page
def cancel(request: HttpRequest, order_id: UUID) -> HttpResponseBase:
    """Nothing more is made; what was made stays."""
    if not _visible(request, may_pay=True).filter(pk=order_id).exists():
        raise Http404
    try:
        in_transaction(lambda: scheduled.cancel(order_id))
        messages.success(request, _("Cancelled. Nothing more is paid by it."))
    except LedgerRefusal as refusal:
        messages.error(request, _(refusal.detail))
    return HttpResponseRedirect(reverse("bank:orders"), status=303)


def _visible(request: HttpRequest, *, may_pay: bool = False) -> Any:
    accounts = Account.objects.of(id_of(request), may_pay=may_pay)
    return ScheduledTransfer.objects.filter(source__in=accounts.values("pk"))
