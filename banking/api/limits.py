"""GET /limits: how much the user may still pay before reaching a limit, by currency."""

from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from banking.api.money import money
from banking.api.operation import operation
from banking.api.representations import LimitList, Limits
from banking.api.responses import Ok
from banking.api.views import BankView, user_or_404
from banking.consents.single_transfer import transfer_details
from banking.models import Account
from banking.notation.amounts import MOST_MINOR
from banking.payments import new_payee_limit, strong_proof
from banking.payments.day_sum import day_sum
from oauth.resource_server import TokenRequest


class LimitsView(BankView):
    """The sums cover all of the user's accounts and apps, so a token for single transfers (RFC 9396) may not read
    them.
    """

    tag = "Transfers"
    required_scopes = {"GET": ["transfers:read"]}

    @operation("Read limits")
    def get(self, request: TokenRequest) -> Ok[LimitList]:
        """One entry for each currency of the accounts that the token may pay from. The sums cover the last 24 hours and
        all of the user's accounts, apps and pages. They include payment orders that are due today.
        """
        user_id = user_or_404(request)
        accounts: QuerySet[Account] = Account.objects.payable_by(request.token)
        if transfer_details(request.claims.authorization_details):
            accounts = accounts.none()
        currencies = accounts.order_by("currency").values_list("currency", flat=True).distinct()
        return Ok({"data": [_limits(user_id, currency) for currency in currencies]})


def _limits(user_id: UUID, currency: str) -> Limits:
    day = day_sum(user_id, currency)
    return {
        "currency": currency,
        "fresh_log_in_from": money(currency, strong_proof.limit_of(currency)),
        # A sum of 24 hours may be larger than any balance.
        "ordered": money(currency, min(day.ordered, MOST_MINOR)),
        "own_limit": None if day.own_limit is None else money(currency, day.own_limit),
        "paid_to_others": money(currency, min(day.to_others, MOST_MINOR)),
        "new_payees_limit": money(currency, new_payee_limit.limit_of(currency)),
        "new_payee_hours": int(settings.NEW_PAYEE_PERIOD.total_seconds() // 3600),
    }
