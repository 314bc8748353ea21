"""The choices that a page offers to a payer, and the check of the payee's name."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from banking.consents.apps import WEB_BANK
from banking.models import Account, Payee
from banking.models.role import HOLDING
from banking.payments import Payer, PaymentOrder, payee_lookups
from banking.payments.payee_confirmation import Match, confirm_payee
from banking.web.user import accounts_of, id_of, is_fresh
from oauth.infrastructure.rate_limits import LimitReached


def payer_of(request: HttpRequest) -> Payer:
    return Payer(user_id=id_of(request), client_id=WEB_BANK, is_proven=is_fresh(request))


def choices_of(request: HttpRequest) -> dict[str, Any]:
    """The choices of the form for a transfer."""
    is_open = {"status": Account.Status.OPEN}
    return {
        "sources": list(accounts_of(request, may_pay=True).filter(**is_open).filter(dormant_since=None)),
        "own": list(accounts_of(request).filter(**{"role__in": HOLDING}).exclude(status=Account.Status.CLOSED)),
        "payees": list(Payee.objects.current().filter(user_id=id_of(request)).order_by("name", "id")),
    }


def initial_choice(request: HttpRequest, sources: Sequence[Account]) -> dict[str, str]:
    """The initial values of the form for a transfer, from the query string: never the same account on both sides."""
    to, source = request.GET.get("to", ""), request.GET.get("from", "")
    others = [str(one.pk) for one in sources if to != f"account:{one.pk}"]
    return {"to": to, "source": source if source in others else next(iter(others), "")}


def is_new_payee(order: PaymentOrder) -> bool:
    if not order.payee_iban:
        return False
    return not Payee.objects.established().filter(user_id=order.user_id, iban=order.payee_iban).exists()


def name_match(order: PaymentOrder) -> Match | None:
    """Returns whether the name matches the account that is paid; None for the user's own account, and for a user who
    has asked too often.
    """
    if not order.payee_iban:
        return None
    try:
        payee_lookups.spend(order.user_id)
    except LimitReached:
        return Match("not_available")
    return confirm_payee(order.payee_iban, order.payee_name, asked_by=order.user_id)
