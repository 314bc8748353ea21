"""POST /funds-confirmations: whether an amount is available, yes or no, without the balance (PSD2 art. 65)."""

from typing import Any

from django.http import Http404
from django.utils import timezone

from banking.api.fields import StrictSerializer, StrictUUIDField
from banking.api.money import AmountToPaySerializer
from banking.api.operation import operation
from banking.api.representations import FundsConfirmation
from banking.api.responses import Ok
from banking.api.views import BankView, user_or_404
from banking.ledger.refusals import AmountOutOfRange, CurrencyMismatch
from banking.models import Account
from banking.models.ledger import MAX_AMOUNT_MINOR
from banking.notation.timestamps import timestamp
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit
from oauth.resource_server import TokenRequest, require_live

#: For each client, user and account. An app could search for the balance: each answer halves the remaining range, so 20
#: answers find a balance below 10,000.00 to the penny.
ANSWERS = Limit("funds-confirmations", 12, seconds=86_400)


class NewFundsConfirmationSerializer(StrictSerializer):
    account_id = StrictUUIDField()
    amount = AmountToPaySerializer()


class FundsConfirmationList(BankView):
    """The action `balances` of the details (RFC 9396), because the answer is about the balance."""

    tag = "Accounts"
    required_scopes = {"POST": ["funds:confirm"]}
    bodies = {"POST": NewFundsConfirmationSerializer}

    @operation(
        "Check whether an amount is available",
        refusals={422: "The account has another currency, or the amount is out of range."},
    )
    def post(self, request: TokenRequest) -> Ok[FundsConfirmation]:
        """True if the account is open and not dormant, and the amount is available now. No money is held, so a payment
        may still be refused. At most 12 answers a day for each account.
        """
        given: dict[str, Any] = self.body(request)
        user_id = user_or_404(request)
        require_live(request.token)
        payable = Account.objects.payable_by(request.token, "funds")
        account = payable.filter(pk=given["account_id"]).first()
        if account is None:
            raise Http404
        if not 0 < given["amount"]["minor_units"] <= MAX_AMOUNT_MINOR:
            raise AmountOutOfRange(field="amount")
        if account.currency != given["amount"]["currency"]:
            raise CurrencyMismatch(field="currency")
        rate_limits.spend(ANSWERS, request.claims.client_id, str(user_id), str(account.pk))
        can_pay = account.status == Account.Status.OPEN and account.dormant_since is None
        return Ok(
            {
                "account_id": account.pk,
                "amount": {"currency": account.currency, "minor_units": given["amount"]["minor_units"]},
                "is_available": can_pay and account.available_minor >= given["amount"]["minor_units"],
                "confirmed_at": timestamp(timezone.now()),
            }
        )
