"""A new payment order in three steps: fill in the form, confirm, see the order."""

from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from banking import orders
from banking.consents.apps import WEB_BANK
from banking.models import ScheduledTransfer
from banking.models.schedule import Schedule, expected_on, in_words
from banking.notation import bank_day
from banking.orders.asked_days import may_begin_on
from banking.payments import PaymentOrder
from banking.payments.idempotency import Answer, IdempotentRequest, Made, fingerprint_of, run_idempotent
from banking.web.order_form import OrderForm, initial_of_order
from banking.web.payment_form import Body, Kind, confirmed, filled_in, prepared
from banking.web.user import id_of, is_fresh, page

#: The number of the order's days that the confirmation page shows.
DAYS_SHOWN = 4


@require_http_methods(["GET", "HEAD", "POST"])
@page
def fill_in(request: HttpRequest) -> HttpResponseBase:
    return filled_in(_ORDER, request)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def confirm(request: HttpRequest, key: str) -> HttpResponseBase:
    return confirmed(_ORDER, request, key)


def _try_out(request: HttpRequest, body: Body) -> None:
    prepared(request, body, key="", is_charged=True)


def _create_once(request: HttpRequest, body: Body, key: str) -> Answer:
    """The body of the answer is the order's `id`. A Refusal is raised, not stored, as for a transfer."""
    asked = IdempotentRequest(
        client_id=WEB_BANK,
        user_id=str(id_of(request)),
        operation="POST /scheduled-transfers",
        key=key,
        fingerprint=fingerprint_of(body),
    )

    def work() -> Answer:
        made = orders.create(
            prepared(request, body, key=key),
            frequency=body["frequency"],
            interval=body["interval"],
            first_on=_day(body["first_on"]),
            last_on=_day(body["last_on"]) if body["last_on"] else None,
            execution_rule=body["execution_rule"],
        )
        return Answer(201, {"id": str(made.pk)})

    def made_before() -> Made:
        return Made(Answer(201, {"id": str(_made_before(request, key))}), asked.fingerprint)

    return run_idempotent(asked, work, made_in=ScheduledTransfer, made_before=made_before)


def _made_before(request: HttpRequest, key: str) -> UUID | None:
    theirs = ScheduledTransfer.objects.filter(client_id=WEB_BANK, user_id=id_of(request), idempotency_key=key)
    return theirs.values_list("pk", flat=True).first()


def _details(request: HttpRequest, order: PaymentOrder, body: Body) -> dict[str, Any]:
    days = list(islice(_days(body), DAYS_SHOWN + 1))
    return {
        "rhythm": in_words(body["frequency"], body["interval"]),
        "days": days[:DAYS_SHOWN],
        "has_more_days": len(days) > DAYS_SHOWN,
        "last_on": _day(body["last_on"]) if body["last_on"] else None,
        "is_repeated": body["frequency"] != ScheduledTransfer.Frequency.ONCE,
        "needs_proof": not is_fresh(request),
    }


def _days(body: Body) -> Iterator[date]:
    """The days on which the order pays, in order."""
    last = _day(body["last_on"]) if body["last_on"] else None
    schedule = Schedule(body["frequency"], body["interval"], _day(body["first_on"]), last)
    day = schedule.first_after(None)
    while day is not None:
        yield expected_on(day, body["execution_rule"], today=bank_day.today())
        day = schedule.first_after(day)


def _day(text: str) -> date:
    return date.fromisoformat(text)


_ORDER = Kind(
    name="order",
    form=OrderForm,
    initial_of=initial_of_order,
    form_template="bank/new_order.html",
    confirmation_template="bank/confirm_order.html",
    form_page="bank:new-order",
    confirm_page="bank:confirm-order",
    made_page="bank:order",
    try_out=_try_out,
    made_before=_made_before,
    make_once=_create_once,
    details=_details,
    expired=gettext_lazy("This form has expired, or was started in another browser. Please start again."),
    done=gettext_lazy("The order is set up."),
    # The first day may have ended since the form was filled in.
    is_current=lambda body: may_begin_on(_day(body["first_on"])),
)
