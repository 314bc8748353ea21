"""A new payment order in three steps: fill in the form, confirm, see the order."""

from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from banking import orders, payments
from banking.consents.apps import WEB_BANK
from banking.ledger.refusals import Refusal
from banking.models import ScheduledTransfer
from banking.models.schedule import Schedule, in_words, pays_on
from banking.payments import Instruction, PaymentOrder, new_payee_limit
from banking.payments.idempotency import Answer, IdempotentRequest, Made, fingerprint_of, run_idempotent
from banking.payments.refusals import RequestInProgress, StrongProofNeeded
from banking.web import pending
from banking.web.order_form import OrderForm, initial_of_order
from banking.web.payer import choices_of, initial_choice, is_new_payee, name_match, payer_of
from banking.web.refusals import message_of, status_of
from banking.web.user import id_of, is_fresh, page, prove_it, see_other
from oauth.infrastructure.rate_limits import LimitReached

#: How many of its days are shown before it is set up.
DAYS_SHOWN = 4


@require_http_methods(["GET", "HEAD", "POST"])
@page
def fill_in(request: HttpRequest) -> HttpResponseBase:
    choices = choices_of(request)
    if request.method != "POST":
        typed = pending.load(request, "order", request.GET.get("change", ""))
        initial = initial_of_order(typed) if typed else initial_choice(request, choices["sources"])
        return _form(request, OrderForm(initial=initial, **choices))
    form = OrderForm(request.POST, **choices)
    if not form.is_valid():
        return _form(request, form, status=400)
    body = form.body
    try:
        _prepare(request, body, key="", is_charged=True)
    except LimitReached:
        form.add_error(None, _("You have entered many account numbers. Please wait a minute and try again."))
        return _form(request, form, status=429)
    except Refusal as refusal:
        form.refuse(refusal)
        return _form(request, form, status=status_of(refusal))
    return see_other("bank:confirm-order", pending.store(request, "order", body))


@require_http_methods(["GET", "HEAD", "POST"])
@page
def confirm(request: HttpRequest, key: str) -> HttpResponseBase:
    """Shows the order as it was stored, and sets up exactly that one: once, however often the button is pressed."""
    body = pending.load(request, "order", key)
    if body is None:
        messages.error(request, _("This form has expired, or was started in another browser. Please start again."))
        return see_other("bank:new-order")
    if made := _made_before(request, key):
        return see_other("bank:order", made)
    try:
        order = _prepare(request, body, key=key)
    except Refusal as refusal:  # something changed meanwhile, for example the payee was removed
        messages.error(request, message_of(refusal))
        return see_other("bank:new-order")
    if request.method != "POST":
        return _confirmation(request, order, body, key)
    try:
        answer = _create_once(request, body, key)
    except StrongProofNeeded:
        return prove_it(request.path)
    except RequestInProgress:
        messages.warning(request, _("Your first request is still running. Look again in a moment."))
        return see_other("bank:confirm-order", key)
    except Refusal as refusal:
        return _confirmation(request, order, body, key, problem=message_of(refusal), status=status_of(refusal))
    if answer.status != 201:
        return _confirmation(request, order, body, key, problem=_(answer.body["detail"]), status=answer.status)
    if not answer.is_replay:
        messages.success(request, _("The order is set up."))
    return see_other("bank:order", answer.body["id"])


def _create_once(request: HttpRequest, body: dict[str, Any], key: str) -> Answer:
    """The body of the answer is the order's `id`, or the `detail` of a refusal."""
    asked = IdempotentRequest(
        client_id=WEB_BANK,
        user_id=str(id_of(request)),
        operation="POST /scheduled-transfers",
        key=key,
        fingerprint=fingerprint_of(body),
    )

    def work() -> Answer:
        try:
            made = orders.create(
                _prepare(request, body, key=key),
                frequency=body["frequency"],
                interval=body["interval"],
                first_on=_day(body["first_on"]),
                last_on=_day(body["last_on"]) if body["last_on"] else None,
                execution_rule=body["execution_rule"],
            )
            return Answer(201, {"id": str(made.pk)})
        except Refusal as refusal:
            if not refusal.is_final:
                raise
            return Answer(status_of(refusal), {"detail": refusal.detail})

    def made_before() -> Made:
        return Made(Answer(201, {"id": str(_made_before(request, key))}), asked.fingerprint)

    return run_idempotent(asked, work, made_in=ScheduledTransfer, made_before=made_before)


def _made_before(request: HttpRequest, key: str) -> UUID | None:
    theirs = ScheduledTransfer.objects.filter(client_id=WEB_BANK, user_id=id_of(request), idempotency_key=key)
    return theirs.values_list("pk", flat=True).first()


def _prepare(request: HttpRequest, body: dict[str, Any], *, key: str, is_charged: bool = False) -> PaymentOrder:
    instruction = Instruction.from_body(body, key=key, fingerprint=fingerprint_of(body))
    return payments.prepare(instruction, payer_of(request), is_charged=is_charged)


def _confirmation(
    request: HttpRequest, order: PaymentOrder, body: dict[str, Any], key: str, *, problem: str = "", status: int = 200
) -> HttpResponse:
    days = list(islice(_days(body), DAYS_SHOWN + 1))
    is_new = is_new_payee(order)
    context = {
        "order": order,
        "key": key,
        "problem": problem,
        "rhythm": in_words(body["frequency"], body["interval"]),
        "days": days[:DAYS_SHOWN],
        "has_more_days": len(days) > DAYS_SHOWN,
        "last_on": _day(body["last_on"]) if body["last_on"] else None,
        "is_repeated": body["frequency"] != ScheduledTransfer.Frequency.ONCE,
        "is_new_payee": is_new,
        "match": None if problem else name_match(order),
        "needs_proof": not is_fresh(request),
        "limit_minor": new_payee_limit.limit_of(order.currency),
        "hours": int(settings.NEW_PAYEE_PERIOD.total_seconds() // 3600),
    }
    return render(request, "bank/confirm_order.html", context, status=status)


def _days(body: dict[str, Any]) -> Iterator[date]:
    """The days that it pays on, one after the other."""
    last = _day(body["last_on"]) if body["last_on"] else None
    schedule = Schedule(body["frequency"], body["interval"], _day(body["first_on"]), last)
    day = schedule.first_after(None)
    while day is not None:
        yield pays_on(day, body["execution_rule"])
        day = schedule.first_after(day)


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _form(request: HttpRequest, form: OrderForm, *, status: int = 200) -> HttpResponse:
    return render(request, "bank/new_order.html", {"form": form}, status=status)
