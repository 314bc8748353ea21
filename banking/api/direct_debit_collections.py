"""GET /direct-debits/{id}/collections, and POST to the /refund of one."""

from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404
from rest_framework import serializers

from banking import direct_debits
from banking.accounts.history import recent_since
from banking.api.cursors import PAGE, Page
from banking.api.direct_debits import DirectDebitView, allowed_since
from banking.api.fields import StrictSerializer
from banking.api.money import money
from banking.api.operation import operation
from banking.api.representations import DirectDebitCollection, PageOf, Refund
from banking.api.responses import Ok
from banking.api.views import user_or_404, uuid_or_404
from banking.consents.history import history_of_account
from banking.direct_debits.deadlines import deadlines
from banking.ledger import in_transaction
from banking.models import DirectDebitRefund, SchemeMessage
from banking.models.mandate import MandateQuerySet
from banking.notation.timestamps import timestamp
from banking.payments.scheme import word_for
from oauth.resource_server import TokenRequest, is_authenticated_since, require_authentication, require_live

_FIELDS = (
    "id", "status", "reason_code", "transaction_id", "mandate__account_id", "currency", "amount_minor", "reference",
    "received_at", "refund__status", "refund__reason", "refund__transaction_id", "refund__asked_at",
)  # fmt: skip
#: The states that users see. After a user was credited, the state no longer depends on whether the creditor's bank
#: pays.
_STATUS: dict[str, Literal["pending", "refunded", "refused"]] = {
    DirectDebitRefund.Status.CLAIMED: "pending",
    DirectDebitRefund.Status.REFUSED: "refused",
}


class NewRefundSerializer(StrictSerializer):
    """`disputed`: the user allowed the collection, and wants the money back without a reason, within eight weeks.
    `unauthorized`: the user never allowed the collection, and says so within thirteen months.
    """

    reason = serializers.ChoiceField(DirectDebitRefund.Reason.choices)


class CollectionList(DirectDebitView):
    required_scopes = {"GET": ["direct-debits:read"]}
    query_parameters = {"GET": PAGE}

    @operation("List collections")
    def get(self, request: TokenRequest, direct_debit_id: str) -> Ok[PageOf[DirectDebitCollection]]:
        """What was collected by the direct debit, and what was refused. Leaves out what the app may not see as a
        transaction: from before the history that the user allowed and, without a fresh login, older than 90 days.
        """
        mandate_id = uuid_or_404(direct_debit_id)
        page = Page(request, f"collections|{mandate_id}")
        rows = page.newest_first(_collections(request, mandate_id, self.visible(request)).values(*_FIELDS))
        return Ok(page.envelope([_represent(row) for row in rows], key="id"))


class CollectionRefund(DirectDebitView):
    required_scopes = {"POST": ["direct-debits:write"]}
    bodies = {"POST": NewRefundSerializer}

    @operation(
        "Ask for a refund",
        refusals={409: "The refund was requested before, it is too late, or the account is closed."},
    )
    def post(self, request: TokenRequest, direct_debit_id: str, collection_id: str) -> Ok[DirectDebitCollection]:
        """Within eight weeks, the account is credited immediately. Later, the bank first claims an unauthorized
        collection from the creditor's bank, and the refund is `pending` until then. `unauthorized` needs a fresh login,
        and cancels the direct debit.
        """
        reason = self.body(request)["reason"]
        user_id = user_or_404(request)
        pk, mandate_id = uuid_or_404(collection_id), uuid_or_404(direct_debit_id)
        among = _collections(request, mandate_id, self.visible(request, may_pay=True), is_recent=False)
        if among.filter(pk=pk, received_at__lt=recent_since()).exists():
            require_authentication(request.token, max_age=settings.STEP_UP_MAX_AGE)

        def run() -> DirectDebitCollection:
            require_live(request.token)
            direct_debits.ask_for_refund(
                pk,
                reason,
                among=among,
                user_id=user_id,
                client_id=request.claims.client_id,
                is_proven=is_authenticated_since(request.token, max_age=settings.STEP_UP_MAX_AGE),
            )
            return _represent(among.values(*_FIELDS).get(pk=pk))

        return Ok(in_transaction(run))


def _collections(
    request: TokenRequest, mandate_id: UUID, visible: MandateQuerySet, *, is_recent: bool = True
) -> QuerySet[SchemeMessage]:
    """The collections of the direct debit that the app may see; without `is_recent`, also those that need a fresh
    login. Raises Http404.
    """
    mandate = visible.filter(pk=mandate_id).first()
    if mandate is None:
        raise Http404
    found = SchemeMessage.objects.filter(mandate=mandate)
    if is_recent:
        since = allowed_since(mandate.account_id, request)
    else:
        since = history_of_account(request.claims.authorization_details, mandate.account_id)
    return found if since is None else found.filter(received_at__gte=since)


def _represent(row: dict[str, Any]) -> DirectDebitCollection:
    is_collected = row["status"] == SchemeMessage.Status.DONE
    until = deadlines(row["received_at"])
    return {
        "id": row["id"],
        "account_id": row["mandate__account_id"],
        "status": "collected" if is_collected else "refused",
        "status_reason": None if is_collected else word_for(row["reason_code"]),
        "status_reason_code": None if is_collected else row["reason_code"],
        "transaction_id": row["transaction_id"],
        "amount": money(row["currency"], row["amount_minor"]),
        "reference": row["reference"],
        "received_at": timestamp(row["received_at"]),
        "refundable_until": until.disputed.isoformat() if is_collected else None,
        "refundable_if_unauthorized_until": until.unauthorized.isoformat() if is_collected else None,
        "refund": _refund(row) if row["refund__status"] else None,
    }


def _refund(row: dict[str, Any]) -> Refund:
    return {
        "status": _STATUS.get(row["refund__status"], "refunded"),
        "reason": row["refund__reason"],
        "transaction_id": row["refund__transaction_id"],
        "asked_at": timestamp(row["refund__asked_at"]),
    }
