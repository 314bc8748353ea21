"""A transfer in three steps: fill in the form, confirm, see the receipt."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from banking import payments
from banking.consents.apps import WEB_BANK, find_apps
from banking.ledger import in_transaction
from banking.ledger.refusals import Refusal
from banking.models import Account, LedgerTransaction, Transfer
from banking.models.transfer import TransferQuerySet
from banking.payments import Instruction, PaymentOrder, strong_proof
from banking.payments.idempotency import Answer, IdempotentRequest, Made, fingerprint_of, run_claiming
from banking.payments.rehearsal import rehearse
from banking.web.forms import TransferForm, initial_of
from banking.web.payer import payer_of
from banking.web.payment_form import Body, Kind, confirmed, filled_in
from banking.web.reasons import reason_in_words
from banking.web.refusals import message_of
from banking.web.user import id_of, page, see_other


@require_http_methods(["GET", "HEAD", "POST"])
@page
def fill_in(request: HttpRequest) -> HttpResponseBase:
    return filled_in(_TRANSFER, request)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def confirm(request: HttpRequest, key: str) -> HttpResponseBase:
    return confirmed(_TRANSFER, request, key)


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


def _make_once(request: HttpRequest, body: Body, key: str) -> Answer:
    """The body of the answer is the transfer's `id`. A Refusal is raised, not stored as for apps: the user sees it, and
    may press the button again, for example once the account has enough money.
    """

    def work() -> Answer:
        instruction = Instruction.from_body(body, key=key, fingerprint=fingerprint_of(body))
        paid = payments.pay(instruction, payer_of(request), once_for=asked.operation, is_charged=False)
        return Answer(201, {"id": str(paid.transfer.pk)})

    def made_before() -> Made:
        transfer = _made(request, key)
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


def _made_before(request: HttpRequest, key: str) -> UUID | None:
    made = _made(request, key)
    return made.pk if made else None


def _made(request: HttpRequest, key: str) -> Transfer | None:
    return Transfer.objects.filter(client_id=WEB_BANK, user_id=id_of(request), idempotency_key=key).first()


def _try_out(request: HttpRequest, body: Body) -> None:
    rehearse(Instruction.from_body(body, key="", fingerprint=fingerprint_of(body)), payer_of(request))


def _details(request: HttpRequest, order: PaymentOrder, body: Body) -> dict[str, Any]:
    return {
        "left_minor": order.source.available_minor - order.amount_minor,
        "needs_proof": not order.is_proven
        and strong_proof.is_needed(order.user_id, order.currency, order.amount_minor),
    }


def _visible(request: HttpRequest, *, may_pay: bool = False) -> TransferQuerySet:
    return Transfer.objects.from_accounts(Account.objects.of_user(id_of(request), may_pay=may_pay))


def _can_cancel(request: HttpRequest, transfer: Transfer) -> bool:
    is_waiting = transfer.status == Transfer.Status.PENDING and transfer.submitted_at is None
    return is_waiting and _visible(request, may_pay=True).filter(pk=transfer.pk).exists()


_TRANSFER = Kind(
    name="transfer",
    form=TransferForm,
    initial_of=initial_of,
    form_template="bank/transfer.html",
    confirmation_template="bank/confirm.html",
    form_page="bank:transfer",
    confirm_page="bank:confirm",
    made_page="bank:receipt",
    try_out=_try_out,
    made_before=_made_before,
    make_once=_make_once,
    details=_details,
    expired=gettext_lazy(
        "This transfer has expired, or was started in another browser. No money was moved. Please start again."
    ),
)
