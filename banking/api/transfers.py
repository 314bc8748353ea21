"""GET and POST /transfers, GET /transfers/{id}, POST /transfers/{id}/cancel."""

from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404

from banking import payments
from banking.api.cursors import PAGE, Page
from banking.api.destinations import DestinationSerializer
from banking.api.destinations import represent as represent_destination
from banking.api.fields import StrictCharField, StrictSerializer, StrictUUIDField
from banking.api.idempotency import key_of
from banking.api.money import AmountToPaySerializer, money
from banking.api.operation import operation
from banking.api.payment_views import Cancel, CreateOnce, PaymentView, order_of
from banking.api.problems import ProblemResponse
from banking.api.query import Choice
from banking.api.representations import PageOf, Rehearsal, Transfer
from banking.api.responses import Created, Ok
from banking.api.transactions import readable
from banking.api.views import uuid_or_404
from banking.consents.history import histories
from banking.consents.single_transfer import transfer_details
from banking.ledger import in_transaction
from banking.models import Account
from banking.models import Transfer as TransferRow
from banking.models.account_queryset import user_id_of
from banking.notation.timestamps import timestamp
from banking.payments.idempotency import IdempotentRequest
from oauth.resource_server import TokenRequest

DRY_RUN = Choice("dry_run", "Only rehearse it.", ("true", "false"))
#: What a request to pay may be refused for, beyond its form.
PAYMENT_REFUSALS = {
    409: "It can no longer be done, or a request with this key is still running.",
    422: "The bank refuses it: funds, limits, currency, payee, or the key was used for another body.",
}


class NewTransferSerializer(StrictSerializer):
    source_account_id = StrictUUIDField()
    destination = DestinationSerializer()
    amount = AmountToPaySerializer()
    reference = StrictCharField(max_length=140)
    end_to_end_id = StrictCharField(max_length=35, required=False)


class TransferView(PaymentView):
    tag = "Transfers"
    model = TransferRow
    collection = "transfers"
    fields = (
        "id", "status", "status_reason", "amount_minor", "currency", "source_id", "destination_id",
        "destination__iban", "is_own", "payee_name", "payee_iban", "reference", "end_to_end_id", "created_at",
        "settled_at", "transaction_id", "transaction__reversed_by__id", "scheduled_id",
    )  # fmt: skip

    @staticmethod
    def represent(row: dict[str, Any]) -> Transfer:
        return {
            "id": row["id"],
            "status": row["status"],
            "status_reason": row["status_reason"] or None,
            "amount": money(row["currency"], row["amount_minor"]),
            "source": {"account_id": row["source_id"]},
            "destination": represent_destination(row),
            "reference": row["reference"],
            "end_to_end_id": row["end_to_end_id"] or None,
            "scheduled_transfer_id": row["scheduled_id"],
            "created_at": timestamp(row["created_at"]),
            "settled_at": timestamp(row["settled_at"]) if row["settled_at"] else None,
            "transaction_ids": [row["transaction_id"]] if row["transaction_id"] else [],
            "reversed_by": row["transaction__reversed_by__id"],
        }

    def visible(self, request: TokenRequest) -> QuerySet[TransferRow]:
        """Transfers from accounts whose transactions the token may see, as far back as the user allowed, and those that
        were made by a consent to that very transfer."""
        seen = Account.objects.visible_to(request.token, "transactions")
        transfers = TransferRow.objects.filter(Q(source__in=seen.values("id")) | Q(consent__in=_single(request)))
        for accounts, since in histories(request.claims.authorization_details):
            transfers = transfers.exclude(Q(created_at__lt=since) & (Q(source__in=accounts) if accounts else Q()))
        return transfers.with_is_own(user_id_of(request.token))


class TransferList(CreateOnce, TransferView):
    required_scopes = {"GET": ["transfers:read"], "POST": ["transfers:write"]}
    query_parameters = {"GET": PAGE, "POST": (DRY_RUN,)}
    bodies = {"POST": NewTransferSerializer}

    @operation("List transfers")
    def get(self, request: TokenRequest) -> Ok[PageOf[Transfer]]:
        page = Page(request, "transfers")
        rows = list(page.newest_first(self.visible(request).values(*self.fields)))
        recent = readable(request, rows, at="created_at")
        return Ok(page.envelope([self.represent(row) for row in recent], key="id", is_cut=len(recent) < len(rows)))

    @operation("Make a transfer", refusals=PAYMENT_REFUSALS)
    def post(self, request: TokenRequest) -> Ok[Rehearsal] | Created[Transfer] | ProblemResponse:
        """Exactly once per Idempotency-Key. A transfer within the bank is posted immediately; one to another bank is
        pending, and its amount is held. Large amounts, also as the sum of 24 hours, need a user who has just logged in
        (RFC 9470).

        With `?dry_run=true` the transfer is only tried: the request, the checks and the refusals are the same, but
        nothing is stored, not even the key.
        """
        body = self.body(request)
        if DRY_RUN.value(request) != "true":
            return self.created_once(request, body)
        key_of(request)
        return Ok(self._dry_run(request, body))

    def create(self, request: TokenRequest, body: dict[str, Any], idempotent: IdempotentRequest) -> Transfer:
        order = order_of(request, body, idempotent)
        transfer = payments.make(order)
        row = {field: getattr(transfer, field) for field in self.fields if field != "is_own" and "__" not in field}
        joined = {
            "is_own": not order.payee_iban,
            "destination__iban": order.destination.iban if order.destination else None,
            "transaction__reversed_by__id": None,
        }
        return self.represent({**row, **joined})

    def _dry_run(self, request: TokenRequest, body: dict[str, Any]) -> Rehearsal:
        """Makes the transfer in a transaction that is rolled back: what it would be, and what would be left."""
        idempotent = self.idempotent_request(request, body, key=f"rehearsal-{uuid4()}")

        def tried() -> Rehearsal:
            transfer = self.create(request, body, idempotent)
            source = Account.objects.get(pk=transfer["source"]["account_id"])
            transaction.set_rollback(True)
            return {
                "status": transfer["status"],
                "amount": transfer["amount"],
                "source": transfer["source"],
                "destination": transfer["destination"],
                "reference": transfer["reference"],
                "available_after": money(source.currency, source.available_minor),
            }

        return in_transaction(tried)


class TransferDetail(TransferView):
    required_scopes = {"GET": ["transfers:read"]}

    @operation("Read a transfer")
    def get(self, request: TokenRequest, transfer_id: str) -> Ok[Transfer]:
        row = self.visible(request).filter(pk=uuid_or_404(transfer_id)).values(*self.fields).first()
        if row is None:
            raise Http404
        readable(request, [row], at="created_at")
        return Ok(self.represent(row))


class TransferCancel(Cancel, TransferView):
    def cancellable(self, request: TokenRequest) -> QuerySet[TransferRow]:
        """A token for single transfers may cancel only what it made."""
        transfers = self.payable(request)
        single = _single(request)
        return transfers.filter(consent__in=single) if single else transfers

    def cancel(self, pk: UUID, among: QuerySet[TransferRow]) -> TransferRow:
        return payments.cancel(pk, among=among)

    @operation("Cancel a transfer", refusals={409: PAYMENT_REFUSALS[409]})
    def post(self, request: TokenRequest, transfer_id: str) -> Ok[Transfer]:
        """As long as it is pending and was not handed to the other bank. Its amount is no longer held."""
        return self.cancelled(request, transfer_id)


def _single(request: TokenRequest) -> list[UUID]:
    """The consents to one transfer that the token carries (RFC 9396)."""
    return [UUID(detail["identifier"]) for detail in transfer_details(request.claims.authorization_details)]
