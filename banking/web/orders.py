"""Payment orders: standing orders, and transfers on a later day."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from banking import orders as payment_orders
from banking.consents.apps import App, find_apps
from banking.ledger import in_transaction
from banking.ledger.refusals import Refusal
from banking.models import Account, ScheduledTransfer
from banking.payments.refusals import StrongProofNeeded
from banking.web.refusals import message_of
from banking.web.user import id_of, is_fresh, page, prove_it

MOST = 200


@require_safe
@page
def orders(request: HttpRequest) -> HttpResponse:
    """Orders on hold come first, each with the app that set it up."""
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
    """An order with the app that set it up; None if the user did in the web bank."""

    order: ScheduledTransfer
    app: App | None
    may_cancel: bool

    @property
    def may_resume(self) -> bool:
        is_held = self.order.status == ScheduledTransfer.Status.HELD
        return self.may_cancel and is_held and self.order.held_reason != ScheduledTransfer.HeldReason.STAFF

    @property
    def may_pause(self) -> bool:
        return self.may_cancel and self.order.status == ScheduledTransfer.Status.ACTIVE

    @property
    def is_paused(self) -> bool:
        return self.order.held_reason == ScheduledTransfer.HeldReason.PAUSED


@require_POST
@page
def resume(request: HttpRequest, order_id: UUID) -> HttpResponseBase:
    """An order whose app was removed goes on without it. Needs a fresh login, as a new order does."""
    among = _visible(request, may_pay=True)
    try:
        in_transaction(lambda: payment_orders.resume(order_id, is_proven=is_fresh(request), among=among))
        messages.success(request, _("Resumed. The order pays on its days again."))
    except StrongProofNeeded:
        return prove_it(reverse("bank:orders"))
    except Refusal as refusal:
        messages.error(request, message_of(refusal))
    return HttpResponseRedirect(reverse("bank:orders"), status=303)


@require_POST
@page
def pause(request: HttpRequest, order_id: UUID) -> HttpResponseBase:
    """The order pays nothing until its user resumes it."""
    return _change(request, order_id, payment_orders.pause, _("Paused. The order pays nothing until you resume it."))


@require_POST
@page
def cancel(request: HttpRequest, order_id: UUID) -> HttpResponseBase:
    """Ends the order. Transfers that it has made stay."""
    return _change(request, order_id, payment_orders.cancel, _("Cancelled. The order pays nothing more."))


def _change(request: HttpRequest, order_id: UUID, change: Callable[..., object], done: str) -> HttpResponseRedirect:
    among = _visible(request, may_pay=True)
    try:
        in_transaction(lambda: change(order_id, among=among))
        messages.success(request, done)
    except Refusal as refusal:
        messages.error(request, message_of(refusal))
    return HttpResponseRedirect(reverse("bank:orders"), status=303)


def _visible(request: HttpRequest, *, may_pay: bool = False) -> QuerySet[ScheduledTransfer]:
    return ScheduledTransfer.objects.from_accounts(Account.objects.of_user(id_of(request), may_pay=may_pay))
