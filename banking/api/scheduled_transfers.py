"""GET and POST /scheduled-transfers, GET /scheduled-transfers/{id}, POST /scheduled-transfers/{id}/cancel."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from rest_framework import serializers

from banking import orders
from banking.api.cursors import PAGE, Page
from banking.api.destinations import represent as represent_destination
from banking.api.fields import StrictDateField
from banking.api.money import money
from banking.api.operation import operation
from banking.api.payment_views import Cancel, CreateOnce, PaymentView, order_of
from banking.api.problems import ProblemResponse
from banking.api.representations import PageOf, ScheduledTransfer
from banking.api.responses import Created, Ok
from banking.api.transfer_view import PAYMENT_REFUSALS, NewTransferSerializer
from banking.api.views import uuid_or_404
from banking.consents.refusals import ConsentDiffers
from banking.consents.single_transfer import transfer_details
from banking.models import Account
from banking.models import ScheduledTransfer as ScheduledTransferRow
from banking.models.account_queryset import user_id_of
from banking.notation import bank_day
from banking.notation.timestamps import timestamp
from banking.payments.idempotency import IdempotentRequest
from oauth.resource_server import TokenRequest

#: How far ahead the first day may be.
LONGEST_AHEAD = timedelta(days=2 * 366)


class NewScheduledTransferSerializer(NewTransferSerializer):
    """A transfer with `first_on`, `frequency` and, optionally, `last_on`."""

    end_to_end_id = None  # type: ignore[assignment]  # each transfer would need one of its own
    first_on = StrictDateField()
    frequency = serializers.ChoiceField(ScheduledTransferRow.Frequency.choices)
    last_on = StrictDateField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        today = bank_day.today()
        if not today <= attrs["first_on"] <= today + LONGEST_AHEAD:
            raise serializers.ValidationError({"first_on": "Must be today or a day within the next two years."})
        first, last = attrs["first_on"], attrs.get("last_on", attrs["first_on"])
        if last < first or (last > first and attrs["frequency"] == ScheduledTransferRow.Frequency.ONCE):
            raise serializers.ValidationError(
                {"last_on": "Must not be before first_on; with frequency once, it must be the same day."}
            )
        return attrs


class ScheduledTransferView(PaymentView):
    """A token for single transfers (RFC 9396) sees and ends no orders: the user allowed those transfers only."""

    tag = "Scheduled transfers"
    model = ScheduledTransferRow
    collection = "scheduled-transfers"
    fields = (
        "id", "status", "held_reason", "frequency", "first_on", "last_on", "next_on", "currency", "amount_minor",
        "source_id", "destination_id", "destination__iban", "is_own", "payee_name", "payee_iban", "reference",
        "created_at",
    )  # fmt: skip

    @staticmethod
    def represent(row: dict[str, Any]) -> ScheduledTransfer:
        return {
            "id": row["id"],
            "status": row["status"],
            "held_reason": row["held_reason"] or None,
            "frequency": row["frequency"],
            "first_on": row["first_on"].isoformat(),
            "last_on": row["last_on"].isoformat() if row["last_on"] else None,
            "next_on": row["next_on"].isoformat() if row["next_on"] else None,
            "amount": money(row["currency"], row["amount_minor"]),
            "source_account_id": row["source_id"],
            "source": {"account_id": row["source_id"]},
            "destination": represent_destination(row),
            "reference": row["reference"],
            "created_at": timestamp(row["created_at"]),
        }

    def visible(self, request: TokenRequest) -> QuerySet[ScheduledTransferRow]:
        accounts = Account.objects.visible_to(request.token, "transactions")
        if transfer_details(request.claims.authorization_details):
            accounts = accounts.none()
        return ScheduledTransferRow.objects.from_accounts(accounts).with_is_own(user_id_of(request.token))

    def payable(self, request: TokenRequest) -> QuerySet[ScheduledTransferRow]:
        payable = super().payable(request)
        return payable.none() if transfer_details(request.claims.authorization_details) else payable


class ScheduledTransferList(CreateOnce, ScheduledTransferView):
    required_scopes = {"GET": ["transfers:read"], "POST": ["transfers:write"]}
    query_parameters = {"GET": PAGE}
    bodies = {"POST": NewScheduledTransferSerializer}

    @operation("List scheduled transfers")
    def get(self, request: TokenRequest) -> Ok[PageOf[ScheduledTransfer]]:
        page = Page(request, "scheduled-transfers")
        rows = page.newest_first(self.visible(request).values(*self.fields))
        return Ok(page.envelope([self.represent(row) for row in rows], key="id"))

    @operation("Schedule a transfer", refusals=PAYMENT_REFUSALS)
    def post(self, request: TokenRequest) -> Created[ScheduledTransfer] | ProblemResponse:
        """Exactly once per Idempotency-Key. Needs a user who has just logged in (RFC 9470). Once, weekly or monthly.
        The money moves on the day, by the rules of that day."""
        return self.created_once(request, self.body(request))

    def create(self, request: TokenRequest, body: dict[str, Any], idempotent: IdempotentRequest) -> ScheduledTransfer:
        if transfer_details(request.claims.authorization_details):
            raise ConsentDiffers("The user allowed one transfer, not a payment order.")
        made = orders.create(
            order_of(request, body, idempotent),
            frequency=body["frequency"],
            first_on=body["first_on"],
            last_on=body.get("last_on"),
        )
        return self.represent(self.payable(request).values(*self.fields).get(pk=made.pk))


class ScheduledTransferDetail(ScheduledTransferView):
    required_scopes = {"GET": ["transfers:read"]}

    @operation("Read a scheduled transfer")
    def get(self, request: TokenRequest, scheduled_id: str) -> Ok[ScheduledTransfer]:
        row = self.visible(request).filter(pk=uuid_or_404(scheduled_id)).values(*self.fields).first()
        if row is None:
            raise Http404
        return Ok(self.represent(row))


class ScheduledTransferCancel(Cancel, ScheduledTransferView):
    def cancel(self, pk: UUID, among: QuerySet[ScheduledTransferRow]) -> ScheduledTransferRow:
        return orders.cancel(pk, among=among)

    @operation("Cancel a scheduled transfer", refusals={409: PAYMENT_REFUSALS[409]})
    def post(self, request: TokenRequest, scheduled_id: str) -> Ok[ScheduledTransfer]:
        """Transfers that it has made stay."""
        return self.cancelled(request, scheduled_id)
