"""The base of the pages for a transfer and a new payment order: fill in the form, confirm, see the result.

A `Kind` describes the differences between the two. The payment to confirm is stored under a key, so that exactly this
payment is made, and only once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from banking import payments
from banking.ledger.refusals import Refusal
from banking.payments import Instruction, PaymentOrder, new_payee_limit
from banking.payments.idempotency import Answer, fingerprint_of
from banking.payments.refusals import NotTheirs, RequestInProgress, StrongProofNeeded
from banking.web import pending
from banking.web.forms import TransferForm
from banking.web.payer import choices_of, initial_choice, is_new_payee, name_match, payer_of
from banking.web.refusals import access_ended, message_of, status_of
from banking.web.user import prove_it, see_other
from oauth.infrastructure.rate_limits import LimitReached

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """`is_current` says whether a stored payment may still be confirmed. `try_out` raises the Refusal for the form to
    show. `make_once` makes the confirmed payment, or returns the one that was made before. `details` are additional
    lines for the confirmation page of this kind.
    """

    name: pending.Kind
    form: Callable[..., TransferForm]
    initial_of: Callable[[Body], dict[str, Any]]
    form_template: str
    confirmation_template: str
    form_page: str
    confirm_page: str
    made_page: str
    try_out: Callable[[HttpRequest, Body], object]
    made_before: Callable[[HttpRequest, str], UUID | None]
    make_once: Callable[[HttpRequest, Body, str], Answer]
    details: Callable[[HttpRequest, PaymentOrder, Body], dict[str, Any]]
    expired: Promise
    done: str | Promise = ""
    is_current: Callable[[Body], bool] = lambda body: True


def filled_in(kind: Kind, request: HttpRequest) -> HttpResponseBase:
    choices = choices_of(request)
    if request.method != "POST":
        typed = pending.load(request, kind.name, request.GET.get("change", ""))
        initial = kind.initial_of(typed) if typed else initial_choice(request, choices["sources"])
        return _form(request, kind, kind.form(initial=initial, **choices))
    form = kind.form(request.POST, **choices)
    if not form.is_valid():
        return _form(request, kind, form, status=400)
    body = form.body
    try:
        kind.try_out(request, body)
    except LimitReached:
        form.add_error(None, _("You have entered many account numbers. Please wait a minute and try again."))
        return _form(request, kind, form, status=429)
    except Refusal as refusal:
        form.refuse(refusal)
        return _form(request, kind, form, status=status_of(refusal))
    return see_other(kind.confirm_page, pending.store(request, kind.name, body))


def confirmed(kind: Kind, request: HttpRequest, key: str) -> HttpResponseBase:
    """Shows the stored payment and makes it, only once, however often the button is pressed."""
    body = pending.load(request, kind.name, key)
    if body is None:
        messages.error(request, str(kind.expired))
        return see_other(kind.form_page)
    # the user has pressed twice or gone back: show the payment, whatever has changed since
    if made := kind.made_before(request, key):
        return see_other(kind.made_page, made)
    if not kind.is_current(body):
        messages.error(request, str(kind.expired))
        return see_other(kind.form_page)
    try:
        order = prepared(request, body, key=key)
    except Refusal as refusal:  # something changed meanwhile, for example the payee was removed
        messages.error(request, message_of(refusal))
        return see_other(kind.form_page)
    except NotTheirs:
        return access_ended(request, kind.form_page)
    if request.method != "POST":
        return _confirmation(request, kind, order, body, key)
    try:
        answer = kind.make_once(request, body, key)
    except StrongProofNeeded:
        return prove_it(request.path)
    except NotTheirs:
        return access_ended(request, kind.form_page)
    except RequestInProgress:
        messages.warning(request, _("Your first request is still running. Look again in a moment."))
        return see_other(kind.confirm_page, key)
    except Refusal as refusal:
        problem, status = message_of(refusal), status_of(refusal)
        return _confirmation(request, kind, order, body, key, problem=problem, status=status)
    if answer.status != 201:  # stored by an earlier release
        problem = _(answer.body["detail"])
        return _confirmation(request, kind, order, body, key, problem=problem, status=answer.status)
    if kind.done and not answer.is_replay:
        messages.success(request, str(kind.done))
    return see_other(kind.made_page, answer.body["id"])


def prepared(request: HttpRequest, body: Body, *, key: str, is_charged: bool = False) -> PaymentOrder:
    """`is_charged` (see `find_route`) is True for the first answer about the destination, and False on later pages."""
    instruction = Instruction.from_body(body, key=key, fingerprint=fingerprint_of(body))
    return payments.prepare(instruction, payer_of(request), is_charged=is_charged)


def _confirmation(
    request: HttpRequest, kind: Kind, order: PaymentOrder, body: Body, key: str, *, problem: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "order": order,
        "key": key,
        "problem": problem,
        "is_new_payee": is_new_payee(order),
        "match": None if problem else name_match(order),
        "limit_minor": new_payee_limit.limit_of(order.currency),
        "hours": int(settings.NEW_PAYEE_PERIOD.total_seconds() // 3600),
        **kind.details(request, order, body),
    }
    return render(request, kind.confirmation_template, context, status=status)


def _form(request: HttpRequest, kind: Kind, form: Any, *, status: int = 200) -> HttpResponse:
    return render(request, kind.form_template, {"form": form}, status=status)
