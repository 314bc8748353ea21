"""Direct debits: the creditors that may collect money from the user's accounts, collections, and refunds."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from banking import direct_debits as debits
from banking.accounts.history import recent_since
from banking.consents.apps import WEB_BANK
from banking.direct_debits.deadlines import deadlines
from banking.ledger import in_transaction
from banking.ledger.refusals import Refusal
from banking.models import Account, AccountAccess, DirectDebitRefund, Mandate, SchemeMessage
from banking.models.mandate import MandateQuerySet
from banking.models.role import HOLDING
from banking.payments.refusals import StrongProofNeeded
from banking.web.refusals import message_of
from banking.web.user import id_of, is_fresh, page, prove_it, reauthentication_url

MOST = 200


@dataclass(frozen=True)
class Shown:
    """A collection, its refund, and the reasons for which a refund can be requested today, each with its last day."""

    message: SchemeMessage
    refund: DirectDebitRefund | None
    reasons: list[tuple[DirectDebitRefund.Reason, date]]


@require_safe
@page
def direct_debits(request: HttpRequest) -> HttpResponse:
    """Active mandates, the newest first; then ended ones, whose collections may still be refunded."""
    may_cancel = set(_visible(request, may_pay=True).values_list("pk", flat=True))
    is_active = Q(status=Mandate.Status.ACTIVE)
    found = _visible(request).select_related("account").order_by("-id")
    active = [(one, one.pk in may_cancel) for one in found.filter(is_active)[:MOST]]
    ended = list(found.exclude(is_active)[:MOST])
    return render(request, "bank/direct_debits.html", {"direct_debits": active, "ended": ended})


@require_safe
@page
def direct_debit(request: HttpRequest, mandate_id: UUID) -> HttpResponse:
    """Collections that were paid or refused, newest first. Without a fresh login, only those of the last 90 days."""
    mandate = _visible(request).select_related("account").filter(pk=mandate_id).first()
    if mandate is None:
        raise Http404
    holds = AccountAccess.objects.filter(account=mandate.account_id, user=id_of(request), role__in=HOLDING).exists()
    collections = SchemeMessage.objects.filter(mandate=mandate).select_related("refund").order_by("-id")
    recent = collections if is_fresh(request) else collections.filter(received_at__gte=recent_since())
    shown = [_shown(one, may_ask=holds and mandate.account.status != Account.Status.CLOSED) for one in recent[:MOST]]
    is_cut = not is_fresh(request) and collections.filter(received_at__lt=recent_since()).exists()
    context = {
        "mandate": mandate,
        "collections": shown,
        "prove_url": reauthentication_url(request.path) if is_cut else "",
        "needs_proof": not is_fresh(request),
    }
    return render(request, "bank/direct_debit.html", context)


@require_POST
@page
def cancel(request: HttpRequest, mandate_id: UUID) -> HttpResponseBase:
    """Cancels the direct debit. No more money is collected, but earlier collections stay."""
    try:
        in_transaction(lambda: debits.cancel(mandate_id, among=_visible(request, may_pay=True)))
        messages.success(request, _("Cancelled. Nothing is collected any more."))
    except Refusal as refusal:
        messages.error(request, message_of(refusal))
    return HttpResponseRedirect(reverse("bank:direct-debits"), status=303)


@require_POST
@page
def refund(request: HttpRequest, mandate_id: UUID, collection_id: UUID) -> HttpResponseBase:
    """Requests a refund of a collection. A user who says that they never allowed it must log in again first."""
    here = reverse("bank:direct-debit", args=[mandate_id])
    among = SchemeMessage.objects.filter(mandate__in=_visible(request, may_pay=True).filter(pk=mandate_id))
    try:
        made = in_transaction(
            lambda: debits.ask_for_refund(
                collection_id,
                request.POST.get("reason", ""),
                among=among,
                user_id=id_of(request),
                client_id=WEB_BANK,
                is_proven=is_fresh(request),
            )
        )
    except StrongProofNeeded:
        return prove_it(here)
    except Refusal as refusal:
        messages.error(request, message_of(refusal))
    else:
        if made.status == DirectDebitRefund.Status.CLAIMED:
            messages.success(request, _("We have asked the creditor's bank. We email you when it has answered."))
        else:
            messages.success(request, _("The money is back in your account."))
    return HttpResponseRedirect(here, status=303)


def _shown(message: SchemeMessage, *, may_ask: bool) -> Shown:
    made = getattr(message, "refund", None)
    if made or not may_ask or message.status != SchemeMessage.Status.DONE:
        return Shown(message, made, [])
    until = deadlines(message.received_at)
    return Shown(message, None, [(reason, getattr(until, reason.value)) for reason in until.reasons()])


def _visible(request: HttpRequest, *, may_pay: bool = False) -> MandateQuerySet:
    return Mandate.objects.of_accounts(Account.objects.of_user(id_of(request), may_pay=may_pay))
