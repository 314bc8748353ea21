"""Payment orders: standing orders, and transfers on a later day."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from banking import orders as payment_orders
from banking.consents.apps import WEB_BANK, App, find_apps
from banking.ledger import in_transaction
from banking.ledger.refusals import Refusal
from banking.models import Account, ScheduledTransfer
from banking.payments.refusals import StrongProofNeeded
from banking.web.order_form import OrderChangeForm
from banking.web.refusals import message_of, status_of
from banking.web.user import id_of, is_fresh, page, prove_it, see_other

PART = 50
#: The number of transfers that the page of an order shows.
MOST_PAYMENTS = 20
#: Session key, followed by the id of the order, of changes that wait until their user has logged in again.
_TYPED = "bank.order-changes"


@require_safe
@page
def orders(request: HttpRequest) -> HttpResponse:
    """The orders that are active or on hold or, on the other page, the orders that have ended."""
    is_ended = request.GET.get("show") == "ended"
    found = _visible(request).select_related("source", "destination")
    if is_ended:
        listed = found.exclude(status__in=ScheduledTransfer.OPEN).order_by("-id")
    else:
        listed = found.filter(status__in=ScheduledTransfer.OPEN).order_by(F("next_on").asc(nulls_first=True), "id")
    part = Paginator(listed, PART).get_page(request.GET.get("page"))
    context = {
        "orders": _shown(request, list(part)),
        "part": part,
        "is_ended": is_ended,
        "needs_proof": not is_fresh(request),
        "may_order": Account.objects.of_user(id_of(request), may_pay=True).filter(status=Account.Status.OPEN).exists(),
    }
    return render(request, "bank/orders.html", context)


@require_safe
@page
def order(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """One order, with its newest payments, made or rejected."""
    found = _visible(request).select_related("source", "destination").filter(pk=order_id).first()
    if found is None:
        raise Http404
    context = {
        "one": _shown(request, [found])[0],
        "payments": found.transfers.order_by("-due_on")[:MOST_PAYMENTS],
        "needs_proof": not is_fresh(request),
    }
    return render(request, "bank/order.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def change(request: HttpRequest, order_id: UUID) -> HttpResponseBase:
    """Needs a fresh login, like a new order. The session keeps the input until then."""
    among = _visible(request, may_pay=True)
    found = among.select_related("source", "destination").filter(pk=order_id, user=id_of(request)).first()
    if found is None or found.status not in ScheduledTransfer.OPEN:
        raise Http404
    typed = f"{_TYPED}.{order_id}"
    if request.method != "POST":
        return _changing(request, found, OrderChangeForm(order=found, initial=request.session.pop(typed, None)))
    form = OrderChangeForm(request.POST, order=found)
    if not form.is_valid():
        return _changing(request, found, form, status=400)
    try:
        changes = form.changes
        in_transaction(
            lambda: payment_orders.change(
                order_id, changes, by=id_of(request), is_proven=is_fresh(request), among=among
            )
        )
    except StrongProofNeeded:
        request.session[typed] = form.typed()
        return prove_it(request.path)
    except Refusal as refusal:
        form.add_error(None, message_of(refusal))
        return _changing(request, found, form, status=status_of(refusal))
    messages.success(request, _("Saved."))
    return see_other("bank:order", order_id)


@dataclass(frozen=True, slots=True)
class _Shown:
    """An order with the app that set it up; None if the user set it up in the web bank."""

    order: ScheduledTransfer
    app: App | None
    may_cancel: bool
    #: Whether the user set it up. Others who may pay from the account can pause or cancel it.
    is_own: bool

    @property
    def may_change(self) -> bool:
        return self.may_cancel and self.is_own

    @property
    def may_resume(self) -> bool:
        is_held = self.order.status == ScheduledTransfer.Status.HELD
        return self.may_change and is_held and self.order.held_reason != ScheduledTransfer.HeldReason.STAFF

    @property
    def may_pause(self) -> bool:
        return self.may_cancel and self.order.status == ScheduledTransfer.Status.ACTIVE

    @property
    def is_paused(self) -> bool:
        return self.order.held_reason == ScheduledTransfer.HeldReason.PAUSED

    @property
    def goes_on_without_app(self) -> bool:
        """Whether an app set up the order, which no longer depends on it once its user resumes it."""
        return not self.is_paused and self.order.client_id != WEB_BANK

    @property
    def end_in_words(self) -> str:
        """Describes why the order has ended."""
        if self.order.end_reason:
            return str(self.order.get_end_reason_display())
        return _("Cancelled") if self.order.status == ScheduledTransfer.Status.CANCELLED else _("Completed")


def _shown(request: HttpRequest, found: Collection[ScheduledTransfer]) -> list[_Shown]:
    apps = {
        user: find_apps(user, {one.client_id for one in found if one.user_id == user})
        for user in {one.user_id for one in found}
    }
    of_page = _visible(request, may_pay=True).filter(pk__in=[one.pk for one in found])
    may_pay = set(of_page.filter(status__in=ScheduledTransfer.OPEN).values_list("pk", flat=True))
    return [
        _Shown(one, apps[one.user_id].get(one.client_id), one.pk in may_pay, one.user_id == id_of(request))
        for one in found
    ]


@require_POST
@page
def resume(request: HttpRequest, order_id: UUID) -> HttpResponseBase:
    """An order whose app was removed continues without the app. Needs a fresh login, like a new order."""

    def resumed(pk: UUID, *, among: QuerySet[ScheduledTransfer]) -> str:
        order = payment_orders.resume(pk, by=id_of(request), is_proven=is_fresh(request), among=among)
        if order.status == ScheduledTransfer.Status.COMPLETED:
            return _("No day is left on which the order would pay, so it has ended.")
        return _("Resumed. The order pays on its scheduled days again.")

    try:
        return _change(request, order_id, resumed, status=ScheduledTransfer.Status.ACTIVE)
    except StrongProofNeeded:
        return prove_it(reverse("bank:order", args=[order_id]))


@require_POST
@page
def pause(request: HttpRequest, order_id: UUID) -> HttpResponseBase:
    """The order pays nothing until its user resumes it."""

    def paused(pk: UUID, *, among: QuerySet[ScheduledTransfer]) -> str:
        if payment_orders.pause(pk, by=id_of(request), among=among).user_id == id_of(request):
            return _("Paused. The order pays nothing until you resume it.")
        return _("Paused. The order pays nothing until the user who set it up resumes it.")

    held_reason = ScheduledTransfer.HeldReason.PAUSED
    return _change(request, order_id, paused, status=ScheduledTransfer.Status.HELD, held_reason=held_reason)


@require_POST
@page
def cancel(request: HttpRequest, order_id: UUID) -> HttpResponseBase:
    """Ends the order. Transfers that the order has made stay."""

    def cancelled(pk: UUID, *, among: QuerySet[ScheduledTransfer]) -> str:
        payment_orders.cancel(pk, by=id_of(request), among=among)
        return _("Cancelled. The order pays nothing more.")

    return _change(request, order_id, cancelled, status=ScheduledTransfer.Status.CANCELLED)


def _change(request: HttpRequest, order_id: UUID, act: Callable[..., str], **state: str) -> HttpResponse:
    """`act` returns what the page says afterwards. `state` is what the order is like then: a second click finds it so,
    which is no mistake.
    """
    among = _visible(request, may_pay=True)
    try:
        messages.success(request, in_transaction(lambda: act(order_id, among=among)))
    except Refusal as refusal:
        if not among.filter(pk=order_id, **state).exists():
            messages.error(request, message_of(refusal))
    return see_other("bank:order", order_id)


def _changing(
    request: HttpRequest, found: ScheduledTransfer, form: OrderChangeForm, *, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {"order": found, "form": form, "needs_proof": not is_fresh(request)}
    return render(request, "bank/change_order.html", context, status=status)


def _visible(request: HttpRequest, *, may_pay: bool = False) -> QuerySet[ScheduledTransfer]:
    return ScheduledTransfer.objects.from_accounts(Account.objects.of_user(id_of(request), may_pay=may_pay))
