"""A transfer in three steps: fill in the form, confirm, see the receipt."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from banking import payments
from banking.consents.apps import WEB_BANK, find_apps
from banking.ledger import in_transaction
from banking.ledger.refusals import Refusal
from banking.models import Account, LedgerTransaction, Transfer
from banking.models.transfer import TransferQuerySet
from banking.payments import Instruction, PaymentOrder, new_payee_limit, strong_proof
from banking.payments.idempotency import Answer, IdempotentRequest, Made, fingerprint_of, run_claiming, store
from banking.payments.refusals import RequestInProgress, StrongProofNeeded
from banking.payments.rehearsal import rehearse
from banking.web import pending
from banking.web.forms import TransferForm, initial_of
from banking.web.payer import choices_of, initial_choice, is_new_payee, name_match, payer_of
from banking.web.reasons import reason_in_words
from banking.web.refusals import message_of, status_of
from banking.web.user import id_of, page, prove_it, see_other
from oauth.infrastructure.rate_limits import LimitReached


@require_http_methods(["GET", "HEAD", "POST"])
@page
def fill_in(request: HttpRequest) -> HttpResponseBase:
    choices = choices_of(request)
    if request.method != "POST":
        typed = pending.load(request, "transfer", request.GET.get("change", ""))
        initial = initial_of(typed) if typed else initial_choice(request, choices["sources"])
        return _form(request, TransferForm(initial=initial, **choices))
    form = TransferForm(request.POST, **choices)
    if not form.is_valid():
        return _form(request, form, status=400)
    body = form.body
    try:
        rehearse(Instruction.from_body(body, key="", fingerprint=fingerprint_of(body)), payer_of(request))
    except LimitReached:
        form.add_error(None, _("You have entered many account numbers. Please wait a minute and try again."))
        return _form(request, form, status=429)
    except Refusal as refusal:
        form.refuse(refusal)
        return _form(request, form, status=status_of(refusal))
    return see_other("bank:confirm", pending.store(request, "transfer", body))


@require_http_methods(["GET", "HEAD", "POST"])
@page
def confirm(request: HttpRequest, key: str) -> HttpResponseBase:
    """Shows the transfer as it was stored, and makes exactly that one: once, however often the button is pressed."""
    body = pending.load(request, "transfer", key)
    if body is None:
        messages.error(
            request,
            _("This transfer has expired, or was started in another browser. No money was moved. Please start again."),
        )
        return see_other("bank:transfer")
    if made := _made_before(request, key):  # a second press, or a way back: whatever has changed since
        return see_other("bank:receipt", made.pk)
    try:
        order = _prepare(request, body, key=key)
    except Refusal as refusal:  # something changed meanwhile, for example the payee was removed
        messages.error(request, message_of(refusal))
        return see_other("bank:transfer")
    if request.method != "POST":
        return _confirmation(request, order, key)
    try:
        answer = _make_once(request, body, key)
    except StrongProofNeeded:
        return prove_it(request.path)
    except RequestInProgress:
        messages.warning(request, _("Your first request is still running. Look again in a moment."))
        return see_other("bank:confirm", key)
    except Refusal as refusal:
        return _confirmation(request, order, key, problem=message_of(refusal), status=status_of(refusal))
    if answer.status != 201:
        return _confirmation(request, order, key, problem=_(answer.body["detail"]), status=answer.status)
    return see_other("bank:receipt", answer.body["id"])


@require_safe
@page
def receipt(request: HttpRequest, transfer_id: UUID) -> HttpResponse:
    transfer = _visible(request).select_related("source", "destination").filter(pk=transfer_id).first()
    if transfer is None:
        raise Http404
    reversals = LedgerTransaction.objects.filter(reverses=transfer.transaction_id) if transfer.transaction_id else None
    context = {
        "transfer": transfer,
        "may_cancel": _can_cancel(request, transfer),
        "why": reason_in_words(transfer),
        "app": find_apps(transfer.user_id, [transfer.client_id]).get(transfer.client_id),
        "reversed_at": reversals.values_list("created_at", flat=True).first() if reversals is not None else None,
    }
    return render(request, "bank/receipt.html", context)


@require_POST
@page
def cancel(request: HttpRequest, transfer_id: UUID) -> HttpResponseBase:
    try:
        in_transaction(lambda: payments.cancel(transfer_id, among=_visible(request, may_pay=True)))
        messages.success(request, _("Cancelled. The money is available again."))
    except Refusal as refusal:
        messages.error(request, message_of(refusal))
    return see_other("bank:receipt", transfer_id)


def _make_once(request: HttpRequest, body: dict[str, Any], key: str) -> Answer:
    """The body of the answer is the transfer's `id`, or the `detail` of a refusal."""

    def work() -> Answer:
        instruction = Instruction.from_body(body, key=key, fingerprint=fingerprint_of(body))
        try:
            paid = payments.pay(instruction, payer_of(request), once_for=asked.operation, is_charged=False)
            return Answer(201, {"id": str(paid.transfer.pk)})
        except Refusal as refusal:
            if not refusal.is_final:
                raise
            answer = Answer(status_of(refusal), {"detail": refusal.detail})
            store(asked, answer)
            return answer

    def made_before() -> Made:
        transfer = _made_before(request, key)
        assert transfer is not None
        return Made(Answer(201, {"id": str(transfer.pk)}), bytes(transfer.fingerprint or b""))

    asked = IdempotentRequest(
        client_id=WEB_BANK,
        user_id=str(id_of(request)),
        operation="POST /transfers",
        key=key,
        fingerprint=fingerprint_of(body),
    )
    return run_claiming(asked, work, made_before=made_before)


def _made_before(request: HttpRequest, key: str) -> Transfer | None:
    return Transfer.objects.filter(client_id=WEB_BANK, user_id=id_of(request), idempotency_key=key).first()


def _prepare(request: HttpRequest, body: dict[str, Any], *, key: str) -> PaymentOrder:
    """The form was charged for the lookup of the destination; the next pages of the same transfer are not."""
    instruction = Instruction.from_body(body, key=key, fingerprint=fingerprint_of(body))
    return payments.prepare(instruction, payer_of(request), is_charged=False)


def _confirmation(
    request: HttpRequest, order: PaymentOrder, key: str, *, problem: str = "", status: int = 200
) -> HttpResponse:
    is_new = is_new_payee(order)
    context = {
        "order": order,
        "key": key,
        "problem": problem,
        "left_minor": order.source.available_minor - order.amount_minor,
        "is_new_payee": is_new,
        "match": None if problem else name_match(order),
        "needs_proof": not order.is_proven
        and strong_proof.is_needed(order.user_id, order.currency, order.amount_minor),
        "limit_minor": new_payee_limit.limit_of(order.currency),
        "hours": int(settings.NEW_PAYEE_PERIOD.total_seconds() // 3600),
    }
    return render(request, "bank/confirm.html", context, status=status)


def _visible(request: HttpRequest, *, may_pay: bool = False) -> TransferQuerySet:
    return Transfer.objects.from_accounts(Account.objects.of_user(id_of(request), may_pay=may_pay))


def _can_cancel(request: HttpRequest, transfer: Transfer) -> bool:
    is_waiting = transfer.status == Transfer.Status.PENDING and transfer.submitted_at is None
    return is_waiting and _visible(request, may_pay=True).filter(pk=transfer.pk).exists()


def _form(request: HttpRequest, form: TransferForm, *, status: int = 200) -> HttpResponse:
    return render(request, "bank/transfer.html", {"form": form}, status=status)
