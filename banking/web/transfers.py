"""A transfer in three steps: fill in, look at it again and confirm, receipt."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from banking import payments
from banking.api.destinations import resolved
from banking.api.idempotency import Made, fingerprint, once
from banking.api.problems import Conflict
from banking.consents.apps import WEB_BANK
from banking.ledger import in_transaction
from banking.ledger.refusals import LedgerRefusal
from banking.models import Account, Payee, Transfer
from banking.payments import Order, find_route, payee_check, payee_lookups, strong_proof
from banking.payments.order import check
from banking.payments.strong_proof import StrongProofNeeded
from banking.web import pending
from banking.web.forms import TransferForm
from banking.web.person import accounts_of, id_of, is_fresh, page, prove_it
from oauth.errors import TooManyRequests


@require_http_methods(["GET", "HEAD", "POST"])
@page
def fill_in(request: HttpRequest) -> HttpResponseBase:
    is_open = {"status": Account.Status.OPEN}
    choices: dict[str, Any] = {
        "sources": list(accounts_of(request, may_pay=True).filter(**is_open)),
        "own": list(accounts_of(request).exclude(status=Account.Status.CLOSED)),
        "payees": list(Payee.objects.current().filter(user_id=id_of(request)).order_by("name", "id")),
    }
    if request.method != "POST":
        initial = {"source": request.GET.get("from", ""), "to": request.GET.get("to", "")}
        return _form(request, TransferForm(initial=initial, **choices))
    form = TransferForm(request.POST, **choices)
    if not form.is_valid():
        return _form(request, form, status=400)
    given = form.cleaned_data
    order = {
        "source_account_id": given["source"],
        "destination": {name: str(value) for name, value in form.destination.items()},
        "amount": {"currency": given["currency"], "minor_units": given["amount_minor"]},
        "reference": given["reference"],
    }
    try:
        _order(request, order, key="", charged_to=id_of(request))
    except TooManyRequests:
        form.add_error(None, _("You asked about many account numbers. Please wait a minute and try again."))
        return _form(request, form, status=429)
    except LedgerRefusal as refusal:
        form.add_error(None, _told(refusal))
        return _form(request, form, status=refusal.status)
    return _see_other("bank:confirm", pending.keep(request, order))


@require_http_methods(["GET", "HEAD", "POST"])
@page
def confirm(request: HttpRequest, key: str) -> HttpResponseBase:
    """What is shown is what is kept here, and that is what is made: once, however often the button is pressed."""
    body = pending.find(request, key)
    if body is None:
        messages.error(request, _("This took too long, or was not begun here. Nothing was moved. Please start again."))
        return _see_other("bank:transfer")
    if made := _made_before(request, key):  # pressed twice, or come back to: whatever has changed since
        return _see_other("bank:receipt", made.pk)
    try:
        order = _order(request, body, key=key)
    except LedgerRefusal as refusal:  # something changed in between: the payee is gone, say
        messages.error(request, _told(refusal))
        return _see_other("bank:transfer")
    if request.method != "POST":
        return _confirmation(request, order, key)
    user_id = str(id_of(request))
    try:
        answer = once(
            client_id=WEB_BANK,
            user_id=user_id,
            operation="POST /transfers",
            key=key,
            body=body,
            work=lambda: {"id": str(payments.make(_order(request, body, key=key)).pk)},
            made_in=Transfer,
            made_before=lambda: _as_made(_made_before(request, key)),
        )
    except StrongProofNeeded:
        return prove_it(request.path)
    except Conflict:
        messages.warning(request, _("The first press is still being worked on. Look again in a moment."))
        return _see_other("bank:confirm", key)
    if answer.status != 201:
        detail = answer.body["detail"]
        return _confirmation(request, order, key, problem=_(detail), status=answer.status)
    return _see_other("bank:receipt", answer.body["id"])


@require_safe
@page
def receipt(request: HttpRequest, transfer_id: UUID) -> HttpResponse:
    transfer = _visible(request).select_related("source", "destination").filter(pk=transfer_id).first()
    if transfer is None:
        raise Http404
    return render(request, "bank/receipt.html", {"transfer": transfer, "may_cancel": _can_cancel(request, transfer)})


@require_POST
@page
def cancel(request: HttpRequest, transfer_id: UUID) -> HttpResponseBase:
    if not _visible(request, may_pay=True).filter(pk=transfer_id).exists():
        raise Http404
    try:
        in_transaction(lambda: payments.cancel(transfer_id))
        messages.success(request, _("Cancelled. The money is yours again."))
    except LedgerRefusal as refusal:
        messages.error(request, _told(refusal))
    return _see_other("bank:receipt", transfer_id)


def _made_before(request: HttpRequest, key: str) -> Transfer | None:
    return Transfer.objects.filter(client_id=WEB_BANK, user_id=id_of(request), idempotency_key=key).first()


def _as_made(transfer: Transfer | None) -> Made:
    assert transfer is not None
    return Made({"id": str(transfer.pk)}, bytes(transfer.fingerprint or b""))


def _order(request: HttpRequest, body: dict[str, Any], *, key: str, charged_to: UUID | None = None) -> Order:
    """`charged_to` where they ask about the destination for the first time; a transfer that was begun is not charged
    again. Raises Http404 where they may not pay from there (any more), TooManyRequests, or a LedgerRefusal."""
    destination = resolved(body["destination"], id_of(request))
    if "account_id" in destination:
        destination = {"account_id": UUID(str(destination["account_id"]))}
    visible = Account.objects.of(id_of(request))
    route = find_route(visible, UUID(body["source_account_id"]), destination, charged_to=charged_to)
    if route.source is None:
        raise Http404
    order = Order(
        user_id=id_of(request),
        client_id=WEB_BANK,
        key=key,
        source=route.source,
        destination=route.destination,
        payee_name=destination.get("name", ""),
        payee_iban=route.payee_iban,
        amount_minor=body["amount"]["minor_units"],
        currency=body["amount"]["currency"],
        reference=body["reference"],
        is_proven=is_fresh(request),
        fingerprint=fingerprint(body),
    )
    check(order)
    return order


def _confirmation(
    request: HttpRequest, order: Order, key: str, *, problem: str = "", status: int = 200
) -> HttpResponse:
    is_new = bool(order.payee_iban) and not (
        Payee.objects.established().filter(user_id=order.user_id, iban=order.payee_iban).exists()
    )
    context = {
        "order": order,
        "key": key,
        "problem": problem,
        "left_minor": order.source.available_minor - order.amount_minor,
        "is_new_payee": is_new,
        "match": _match(request, order) if is_new and not problem else None,
        "needs_proof": not order.is_proven
        and strong_proof.is_needed(order.user_id, order.currency, order.amount_minor),
        "limit_minor": settings.NEW_PAYEE_LIMIT_MINOR,
        "hours": int(settings.NEW_PAYEE_PERIOD.total_seconds() // 3600),
    }
    return render(request, "bank/confirm.html", context, status=status)


def _match(request: HttpRequest, order: Order) -> payee_check.Match:
    """Whether the name fits the account; not told to who asks too often."""
    try:
        payee_lookups.spend(order.user_id)
    except TooManyRequests:
        return payee_check.Match("not_available")
    return payee_check.check(order.payee_iban, order.payee_name)


def _visible(request: HttpRequest, *, may_pay: bool = False) -> Any:
    return Transfer.objects.filter(source__in=Account.objects.of(id_of(request), may_pay=may_pay).values("pk"))


def _can_cancel(request: HttpRequest, transfer: Transfer) -> bool:
    is_waiting = transfer.status == Transfer.Status.PENDING and transfer.submitted_at is None
    return is_waiting and _visible(request, may_pay=True).filter(pk=transfer.pk).exists()


def _told(refusal: LedgerRefusal) -> str:
    return _(refusal.detail)


def _form(request: HttpRequest, form: TransferForm, *, status: int = 200) -> HttpResponse:
    return render(request, "bank/transfer.html", {"form": form}, status=status)


def _see_other(name: str, *args: Any) -> HttpResponse:
    answer = redirect(name, *args)
    answer.status_code = 303
    return answer
