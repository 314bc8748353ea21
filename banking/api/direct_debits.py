"""GET /direct-debits, GET /direct-debits/{id}, POST /direct-debits/{id}/cancel."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404

from banking import direct_debits
from banking.accounts.history import recent_since
from banking.api.content_filters import named_in
from banking.api.cursors import PAGE, Page
from banking.api.fields import NothingSerializer
from banking.api.money import money
from banking.api.operation import operation
from banking.api.query import Choices
from banking.api.representations import DirectDebit, PageOf
from banking.api.responses import Ok
from banking.api.views import BankView, uuid_or_404
from banking.consents.history import history_of_account
from banking.consents.single_transfer import transfer_details
from banking.ledger import in_transaction
from banking.models import Account, Mandate
from banking.models.mandate import MandateQuerySet
from banking.notation import iban
from banking.notation.timestamps import timestamp
from oauth.resource_server import TokenRequest, is_authenticated_since, require_live

_FIELDS = (
    "id", "account_id", "account__currency", "creditor_id", "reference", "creditor_name", "creditor_iban", "sequence",
    "status", "last_minor", "last_at", "created_at", "cancelled_at",
)  # fmt: skip

_STATUS = Choices("status", "One value, or several separated by commas.", tuple(Mandate.Status.values))


class DirectDebitView(BankView):
    """The direct debits of accounts whose transactions the token may read. A token for single transfers (RFC 9396) may
    read none.
    """

    tag = "Direct debits"

    @staticmethod
    def visible(request: TokenRequest, *, may_pay: bool = False) -> MandateQuerySet:
        action = "cancellations" if may_pay else "direct_debits"
        mandates = Mandate.objects.of_accounts(Account.objects.visible_to(request.token, action))
        if may_pay:
            mandates = mandates.of_accounts(Account.objects.payable_by(request.token, action))
        return mandates.none() if transfer_details(request.claims.authorization_details) else mandates


class DirectDebitList(DirectDebitView):
    required_scopes = {"GET": ["direct-debits:read"]}
    query_parameters = {"GET": (*PAGE, _STATUS)}

    @operation("List direct debits")
    def get(self, request: TokenRequest) -> Ok[PageOf[DirectDebit]]:
        """Who may collect money from which account. Collected amounts are transactions of kind `direct_debit`."""
        page = Page(request, f"direct-debits|{named_in(request, [_STATUS])}")
        mandates = self.visible(request)
        if statuses := _STATUS.value(request):
            mandates = mandates.filter(status__in=sorted(statuses))
        rows = page.newest_first(mandates.values(*_FIELDS))
        return Ok(page.envelope([_represent(row, request) for row in rows], key="id"))


class DirectDebitDetail(DirectDebitView):
    required_scopes = {"GET": ["direct-debits:read"]}

    @operation("Read a direct debit")
    def get(self, request: TokenRequest, direct_debit_id: str) -> Ok[DirectDebit]:
        row = self.visible(request).filter(pk=uuid_or_404(direct_debit_id)).values(*_FIELDS).first()
        if row is None:
            raise Http404
        return Ok(_represent(row, request))


class DirectDebitCancel(DirectDebitView):
    required_scopes = {"POST": ["direct-debits:write"]}
    bodies = {"POST": NothingSerializer}

    @operation(
        "Cancel a direct debit", refusals={409: "It has already ended: by a cancellation, or by its only collection."}
    )
    def post(self, request: TokenRequest, direct_debit_id: str) -> Ok[DirectDebit]:
        """The creditor can no longer collect. Earlier collections stay."""
        self.body(request)
        pk, among = uuid_or_404(direct_debit_id), self.visible(request, may_pay=True)

        def run() -> DirectDebit:
            require_live(request.token)
            direct_debits.cancel(pk, among=among)
            return _represent(among.values(*_FIELDS).get(pk=pk), request)

        return Ok(in_transaction(run))


def allowed_since(account_id: UUID, request: TokenRequest) -> datetime | None:
    """The time since which the app may see collections, by the rules for transactions: the history that the user allows
    and, without a fresh login, the last 90 days (SCA-RTS art. 10).
    """
    limits = [history_of_account(request.claims.authorization_details, account_id)]
    if not is_authenticated_since(request.token, max_age=settings.STEP_UP_MAX_AGE):
        limits.append(recent_since())
    return max(filter(None, limits), default=None)


def _represent(row: dict[str, Any], request: TokenRequest) -> DirectDebit:
    since = allowed_since(row["account_id"], request)
    if since and row["last_at"] and row["last_at"] < since:
        row = {**row, "last_minor": None, "last_at": None}
    return {
        "id": row["id"],
        "account_id": row["account_id"],
        "creditor": {
            "name": row["creditor_name"],
            "identifier_masked": iban.masked(row["creditor_iban"]) if row["creditor_iban"] else None,
        },
        "creditor_id": row["creditor_id"],
        "reference": row["reference"],
        "sequence": row["sequence"],
        "status": row["status"],
        "last_collected": money(row["account__currency"], row["last_minor"]) if row["last_minor"] else None,
        "last_collected_at": timestamp(row["last_at"]) if row["last_at"] else None,
        "created_at": timestamp(row["created_at"]),
        "cancelled_at": timestamp(row["cancelled_at"]) if row["cancelled_at"] else None,
    }
