"""Standing orders and transfers of days to come."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from banking.consents.apps import App, find_apps
from banking.ledger import in_transaction
from banking.ledger.refusals import LedgerRefusal
from banking.models import Account, ScheduledTransfer
from banking.orders import lifecycle
from banking.payments.strong_proof import StrongProofNeeded
from banking.web.person import id_of, is_fresh, page, prove_it

MOST = 200


@require_safe
@page
def orders(request: HttpRequest) -> HttpResponse:
    """Those on hold first, each with the app that set it up."""
    is_open = _visible(request).filter(status__in=ScheduledTransfer.OPEN)
    found = list(
        is_open.select_related("source", "destination").order_by(F("next_on").asc(nulls_first=True), "id")[:MOST]
    )
    may_pay = set(
        _visible(request, may_pay=True).filter(status__in=ScheduledTransfer.OPEN).values_list("pk", flat=True)
    )
    apps = {
        user: find_apps(user, {one.client_id for one in found if one.user_id == user})
        for user in {one.user_id for one in found}
    }
    shown = [_Shown(order, apps[order.user_id].get(order.client_id), order.pk in may_pay) for order in found]
    return render(request, "bank/orders.html", {"orders": shown, "needs_proof": not is_fresh(request)})


@dataclass(frozen=True, slots=True)
class _Shown:
    """An order with the app that set it up, None where nobody but its user did."""

    order: ScheduledTransfer
    app: App | None
    may_cancel: bool

    @property
    def may_resume(self) -> bool:
        is_held = self.order.status == ScheduledTransfer.Status.HELD
        return self.may_cancel and is_held and self.order.held_reason != ScheduledTransfer.HeldReason.STAFF


@require_POST
@page
def resume(request: HttpRequest, order_id: UUID) -> HttpResponseBase:
    """Goes on without the app that set it up; needs a fresh log-in, as a new order does."""
    if not _visible(request, may_pay=True).filter(pk=order_id).exists():
        raise Http404
    try:
        in_transaction(lambda: lifecycle.resume(order_id, is_proven=is_fresh(request)))
        messages.success(request, _("Resumed. It is paid on its days again."))
    except StrongProofNeeded:
        return prove_it(reverse("bank:orders"))
    except LedgerRefusal as refusal:
        messages.error(request, _(refusal.detail))
    return HttpResponseRedirect(reverse("bank:orders"), status=303)


@require_POST
@page
def cancel(request: HttpRequest, order_id: UUID) -> HttpResponseBase:
    """Nothing more is made; what was made stays."""
    if not _visible(request, may_pay=True).filter(pk=order_id).exists():
        raise Http404
    try:
        in_transaction(lambda: lifecycle.cancel(order_id))
        messages.success(request, _("Cancelled. Nothing more is paid by it."))
    except LedgerRefusal as refusal:
        messages.error(request, _(refusal.detail))
    return HttpResponseRedirect(reverse("bank:orders"), status=303)


def _visible(request: HttpRequest, *, may_pay: bool = False) -> Any:
    accounts = Account.objects.of(id_of(request), may_pay=may_pay)
    return ScheduledTransfer.objects.filter(source__in=accounts.values("pk"))
