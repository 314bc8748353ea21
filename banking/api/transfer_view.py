"""The base of the operations on transfers: the body, the JSON of a transfer, and the transfers that a token may
read.
"""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q, QuerySet

from banking import payments
from banking.api.destinations import DestinationSerializer
from banking.api.destinations import represent as represent_destination
from banking.api.fields import StrictCharField, StrictSerializer, StrictUUIDField
from banking.api.money import AmountToPaySerializer, money
from banking.api.payment_views import PaymentView, instruction_of, named_payer_of, payer_of
from banking.api.representations import Rehearsal, Transfer
from banking.consents.history import histories
from banking.consents.single_transfer import transfer_details
from banking.ledger import in_transaction
from banking.ledger.refusals import Refusal
from banking.models import Account
from banking.models import Transfer as TransferRow
from banking.models.account_queryset import user_id_of
from banking.notation.timestamps import timestamp
from banking.payments import Payer
from banking.payments.idempotency import IdempotentRequest
from banking.payments.refusals import OwnLimitExceeded
from oauth.resource_server import TokenRequest, live_query

_READ_BALANCES, _READ_LIMITS = "balances:read", "transfers:read"
#: The reasons for which a request to pay may be refused, apart from its form.
PAYMENT_REFUSALS = {
    409: "The transfer can no longer be made, or a request with this key is still running.",
    422: (
        "The bank refuses the transfer because of funds, limits, currency or payee, or the key was used for another "
        "body."
    ),
}


class NewTransferSerializer(StrictSerializer):
    null_is_absent = True

    source_account_id = StrictUUIDField()
    destination = DestinationSerializer()
    amount = AmountToPaySerializer()
    reference = StrictCharField(max_length=140)
    end_to_end_id = StrictCharField(max_length=35, required=False, allow_null=True)


class TransferView(PaymentView):
    tag = "Transfers"
    model = TransferRow
    collection = "transfers"
    fields = (
        "id", "status", "status_reason", "reason_code", "amount_minor", "currency", "source_id", "destination_id",
        "destination__iban", "is_own", "payee_name", "payee_iban", "reference", "end_to_end_id", "created_at",
        "updated_at", "settled_at", "transaction_id", "transaction__reversed_by__id",
        "transaction__reversed_by__created_at", "scheduled_id",
    )  # fmt: skip

    @staticmethod
    def represent(row: dict[str, Any]) -> Transfer:
        return {
            "id": row["id"],
            "status": row["status"],
            "status_reason": row["status_reason"] or None,
            "status_reason_code": row["reason_code"] or None,
            "amount": money(row["currency"], row["amount_minor"]),
            "source_account_id": row["source_id"],
            "source": {"account_id": row["source_id"]},
            "destination": represent_destination(row),
            "reference": row["reference"],
            "end_to_end_id": row["end_to_end_id"] or None,
            "scheduled_transfer_id": row["scheduled_id"],
            "created_at": timestamp(row["created_at"]),
            "updated_at": timestamp(_updated_at(row)),
            "settled_at": timestamp(row["settled_at"]) if row["settled_at"] else None,
            "transaction_ids": [row["transaction_id"]] if row["transaction_id"] else [],
            "reversed_by": row["transaction__reversed_by__id"],
        }

    def visible(self, request: TokenRequest) -> QuerySet[TransferRow]:
        """Transfers from accounts whose transactions the token may read, as far back as the user allowed, and transfers
        that were made by a consent to exactly that transfer.
        """
        seen = Account.objects.visible_to(request.token, "transfers")
        transfers = TransferRow.objects.filter(
            Q(source__in=seen.values("id")) | Q(consent__in=single_transfers(request))
        )
        for accounts, since in histories(request.claims.authorization_details):
            transfers = transfers.exclude(Q(created_at__lt=since) & (Q(source__in=accounts) if accounts else Q()))
        return transfers.with_is_own(user_id_of(request.token))

    def make(
        self, body: dict[str, Any], payer: Payer, idempotent: IdempotentRequest, *, once_for: str | None = None
    ) -> Transfer:
        """The transfer, made in the caller's transaction. Raises what `payments.pay` raises."""
        paid = payments.pay(instruction_of(body, idempotent), payer, once_for=once_for)
        return self.represent(self._row_of(paid.transfer, paid.destination_iban))

    def make_at_once(
        self, request: TokenRequest, body: dict[str, Any], idempotent: IdempotentRequest
    ) -> Transfer | None:
        """The transfer, made and committed; None if nothing was done."""
        # Payments stop when the authorization ends, not when the token expires (ASVS 5.0 10.4.9).
        live = live_query(request.claims)
        if live is None:
            return None
        instruction = instruction_of(body, idempotent)
        paid = payments.pay_at_once(instruction, named_payer_of(request), once_for=idempotent.operation, live=live)
        return None if paid is None else self.represent(self._row_of(paid.transfer, paid.destination_iban))

    def as_made(self, transfer_id: str) -> Transfer:
        """The JSON that a transfer had when it was made, whatever its current status: the response to a retry."""
        transfer = TransferRow.objects.select_related("destination").get(pk=transfer_id)
        transfer.updated_at = None
        if transfer.hold_id is not None:
            transfer.status, transfer.status_reason, transfer.reason_code = TransferRow.Status.PENDING, "", ""
            transfer.settled_at, transfer.transaction_id = None, None
        return self.represent(self._row_of(transfer, transfer.destination.iban if transfer.destination else None))

    def _row_of(self, transfer: TransferRow, destination_iban: str | None) -> dict[str, Any]:
        """The JSON of a transfer that has just been made."""
        row = {field: getattr(transfer, field) for field in self.fields if field != "is_own" and "__" not in field}
        joined = {
            "is_own": not transfer.payee_iban,
            "destination__iban": destination_iban,
            "transaction__reversed_by__id": None,
            "transaction__reversed_by__created_at": None,
        }
        return {**row, **joined}

    def rehearsal(self, request: TokenRequest, body: dict[str, Any]) -> Rehearsal:
        """The transfer as it would be, from a transaction that is rolled back, and the amount that would remain, which
        only an app that may read the balance is told. Raises what `make` raises.
        """
        idempotent = self.idempotent_request(request, body, key=f"rehearsal-{uuid4()}")

        def tried() -> Rehearsal:
            try:
                transfer = self.make(body, payer_of(request), idempotent)
            except OwnLimitExceeded as refusal:
                raise as_told(request, refusal) from None
            source = Account.objects.get(pk=transfer["source_account_id"])
            seen = Account.objects.visible_to(request.token, "balances").filter(pk=source.pk)
            is_told = _READ_BALANCES in request.claims.scopes and seen.exists()
            transaction.set_rollback(True)
            return {
                "status": transfer["status"],
                "amount": transfer["amount"],
                "source_account_id": transfer["source_account_id"],
                "source": transfer["source"],
                "destination": transfer["destination"],
                "reference": transfer["reference"],
                "available_after": money(source.currency, source.available_minor) if is_told else None,
            }

        return in_transaction(tried)


def as_told(request: TokenRequest, refusal: Refusal) -> Refusal:
    """The refusal without the amounts of the user's own limit, unless the app may read them (GET /limits)."""
    details = request.claims.authorization_details
    is_told = _READ_LIMITS in request.claims.scopes and not transfer_details(details)
    return refusal if is_told or not isinstance(refusal, OwnLimitExceeded) else OwnLimitExceeded()


def _updated_at(row: dict[str, Any]) -> datetime:
    """Old rows have no time of their last change, unless they were settled."""
    changed_at: datetime = row["updated_at"] or row["settled_at"] or row["created_at"]
    reversed_at: datetime | None = row["transaction__reversed_by__created_at"]
    return changed_at if reversed_at is None else max(changed_at, reversed_at)


def single_transfers(request: TokenRequest) -> list[UUID]:
    """The consents to one transfer that the token carries (RFC 9396)."""
    return [UUID(detail["identifier"]) for detail in transfer_details(request.claims.authorization_details)]
