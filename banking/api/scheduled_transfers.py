"""GET and POST /scheduled-transfers, GET and PATCH /scheduled-transfers/{id}, and POST to its /cancel, /pause and
/resume."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404
from rest_framework import serializers

from banking import orders
from banking.api.content_filters import named_in
from banking.api.cursors import PAGE, Page
from banking.api.destinations import represent as represent_destination
from banking.api.fields import IntervalField, NothingSerializer, StrictCharField, StrictDateField, StrictSerializer
from banking.api.money import AmountToPaySerializer, money
from banking.api.operation import operation
from banking.api.order_filters import OrderFilters
from banking.api.payment_views import ChangeView, CreateOnce, PaymentView, order_of
from banking.api.problems import ProblemResponse
from banking.api.representations import PageOf, ScheduledTransfer
from banking.api.responses import Created, Ok
from banking.api.transfer_view import PAYMENT_REFUSALS, NewTransferSerializer
from banking.api.views import user_or_404, uuid_or_404
from banking.consents.refusals import ConsentDiffers
from banking.consents.single_transfer import transfer_details
from banking.ledger.refusals import CurrencyMismatch
from banking.models import Account
from banking.models import ScheduledTransfer as ScheduledTransferRow
from banking.models.account_queryset import user_id_of
from banking.models.schedule import expected_on
from banking.notation import bank_day
from banking.notation.timestamps import timestamp
from banking.orders.asked_days import find_wrong, may_begin_on
from banking.payments.idempotency import IdempotentRequest
from banking.payments.refusals import NotTheirs
from oauth.resource_server import TokenRequest, authorization_of, is_authenticated_since

#: Only for changes that let an order pay, or pay more.
_OF_ANOTHER = {403: "Another user set up the order, or the token lacks the scope."}
_MUST = {
    "first_on": "Must be today or a day within the next two years.",
    "last_on": "Must not be before first_on; with frequency once, it must be the same day.",
    "interval": "Must be 1 with frequency once.",
}


class NewScheduledTransferSerializer(NewTransferSerializer):
    """A transfer with `first_on`, `frequency` and, optionally, `interval`, `last_on` and `execution_rule`."""

    end_to_end_id = None  # type: ignore[assignment]  # each transfer would need a different one
    first_on = StrictDateField()
    frequency = serializers.ChoiceField(ScheduledTransferRow.Frequency.choices)
    interval = IntervalField(required=False, allow_null=True)
    last_on = StrictDateField(required=False, allow_null=True)
    execution_rule = serializers.ChoiceField(
        ScheduledTransferRow.ExecutionRule.choices, required=False, allow_null=True
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        wrong = find_wrong(
            frequency=attrs["frequency"],
            first_on=attrs["first_on"],
            last_on=attrs.get("last_on"),
            interval=attrs.get("interval", 1),
        )
        if wrong:
            raise serializers.ValidationError({wrong: _MUST[wrong]})
        return attrs


class ScheduledTransferChangesSerializer(StrictSerializer):
    """Send any of these members. If `last_on` is null, the order has no end."""

    fewest_members = 1

    amount = AmountToPaySerializer(required=False)
    reference = StrictCharField(max_length=140, required=False)
    last_on = StrictDateField(required=False, allow_null=True)
    execution_rule = serializers.ChoiceField(ScheduledTransferRow.ExecutionRule.choices, required=False)


class ScheduledTransferView(PaymentView):
    """A token for single transfers (RFC 9396) can neither read nor end orders, because the user allowed only those
    transfers.
    """

    tag = "Scheduled transfers"
    model = ScheduledTransferRow
    collection = "scheduled-transfers"
    fields = (
        "id", "status", "held_reason", "end_reason", "frequency", "interval", "first_on", "last_on", "next_on",
        "execution_rule", "refusal", "retry_at", "currency", "amount_minor", "source_id", "destination_id",
        "destination__iban", "is_own", "payee_name", "payee_iban", "reference", "created_at",
    )  # fmt: skip

    @staticmethod
    def represent(row: dict[str, Any]) -> ScheduledTransfer:
        return {
            "id": row["id"],
            "status": row["status"],
            "held_reason": row["held_reason"] or None,
            "end_reason": row["end_reason"] or None,
            "frequency": row["frequency"],
            "interval": row["interval"],
            "first_on": row["first_on"].isoformat(),
            "last_on": row["last_on"].isoformat() if row["last_on"] else None,
            "next_on": _next_on(row).isoformat() if row["next_on"] else None,
            "execution_rule": row["execution_rule"],
            "refusal": row["refusal"] or None,
            "retry_at": timestamp(row["retry_at"]) if row["retry_at"] else None,
            "amount": money(row["currency"], row["amount_minor"]),
            "source_account_id": row["source_id"],
            "source": {"account_id": row["source_id"]},
            "destination": represent_destination(row),
            "reference": row["reference"],
            "created_at": timestamp(row["created_at"]),
        }

    def visible(self, request: TokenRequest) -> QuerySet[ScheduledTransferRow]:
        accounts = Account.objects.visible_to(request.token, "transfers")
        if transfer_details(request.claims.authorization_details):
            accounts = accounts.none()
        return ScheduledTransferRow.objects.from_accounts(accounts).with_is_own(user_id_of(request.token))

    def payable(self, request: TokenRequest) -> QuerySet[ScheduledTransferRow]:
        payable = super().payable(request)
        return payable.none() if transfer_details(request.claims.authorization_details) else payable


class ScheduledTransferList(CreateOnce, ScheduledTransferView):
    required_scopes = {"GET": ["transfers:read"], "POST": ["transfers:write"]}
    query_parameters = {"GET": (*PAGE, *OrderFilters.PARAMETERS)}
    bodies = {"POST": NewScheduledTransferSerializer}

    @operation("List scheduled transfers")
    def get(self, request: TokenRequest) -> Ok[PageOf[ScheduledTransfer]]:
        page = Page(request, f"scheduled-transfers|{named_in(request, OrderFilters.PARAMETERS)}")
        orders = OrderFilters.from_request(request).of(self.visible(request))
        rows = page.newest_first(orders.values(*self.fields))
        return Ok(page.envelope([self.represent(row) for row in rows], key="id"))

    @operation("Schedule a transfer", refusals=PAYMENT_REFUSALS)
    def post(self, request: TokenRequest) -> Created[ScheduledTransfer] | ProblemResponse:
        """Made exactly once per Idempotency-Key. Needs a user who has just logged in (RFC 9470). The order pays once,
        or every `interval` days, weeks or months; with `month_end`, on the last day of the month.

        Each payment is made on its day, by the rules that apply to a transfer on that day. If the account is frozen or
        does not have enough money, or a limit is reached, the bank tries again until the end of the day: `refusal` is
        the code of the reason, and `retry_at` the time of the next attempt. If the last attempt fails, too, the
        transfer of that day is `rejected`.
        """
        return self.created_once(request, self.body(request))

    def idempotent_request(self, request: TokenRequest, body: dict[str, Any], key: str) -> IdempotentRequest:
        """An order belongs to the app that the user allowed, and ends with it, even if a service set it up with a token
        from token exchange (RFC 8693). The user does not know the service and cannot remove it.
        """
        authorization = authorization_of(request.token)
        app = authorization.allowed_client_id if authorization else ""
        return replace(super().idempotent_request(request, body, key), client_id=app or request.claims.client_id)

    def create(self, request: TokenRequest, body: dict[str, Any], idempotent: IdempotentRequest) -> ScheduledTransfer:
        if transfer_details(request.claims.authorization_details):
            raise ConsentDiffers("The user allowed one transfer, not a payment order.")
        # After the idempotency key was claimed: a retry on a later day gets the order of the first request.
        if not may_begin_on(body["first_on"]):
            raise serializers.ValidationError({"first_on": _MUST["first_on"]})
        made = orders.create(
            replace(order_of(request, body, idempotent), client_id=idempotent.client_id),
            frequency=body["frequency"],
            first_on=body["first_on"],
            last_on=body.get("last_on"),
            interval=body.get("interval", 1),
            execution_rule=body.get("execution_rule", ScheduledTransferRow.ExecutionRule.SAME_DAY),
        )
        return self.represent(self.payable(request).values(*self.fields).get(pk=made.pk))


class ScheduledTransferDetail(ChangeView, ScheduledTransferView):
    required_scopes = {"GET": ["transfers:read"], "PATCH": ["transfers:write"]}
    bodies = {"PATCH": ScheduledTransferChangesSerializer}

    @operation("Read a scheduled transfer")
    def get(self, request: TokenRequest, scheduled_id: str) -> Ok[ScheduledTransfer]:
        row = self.visible(request).filter(pk=uuid_or_404(scheduled_id)).values(*self.fields).first()
        if row is None:
            raise Http404
        return Ok(self.represent(row))

    @operation("Change a scheduled transfer", refusals=PAYMENT_REFUSALS | _OF_ANOTHER)
    def patch(self, request: TokenRequest, scheduled_id: str) -> Ok[ScheduledTransfer]:
        """Changes the amount, the reference, the last day, or the rule for days that are not business days. For another
        payee, account or interval, schedule another transfer. The user of the token must be the one who set up the
        order, and must have logged in recently (RFC 9470).
        """
        body = self.body(request)
        user_id = user_or_404(request)
        among = self.payable(request)

        def change(pk: UUID) -> None:
            amount = body.get("amount")
            if amount is not None and not among.filter(pk=pk, currency=amount["currency"]).exists():
                if not among.filter(pk=pk).exists():
                    raise NotTheirs
                raise CurrencyMismatch(field="currency")
            changes = {name: value for name, value in body.items() if name != "amount"}
            if amount is not None:
                changes["amount_minor"] = amount["minor_units"]
            orders.change(pk, changes, by=user_id, is_proven=_is_proven(request), among=among)

        return self.changed(request, scheduled_id, among, change)


class ScheduledTransferCancel(ChangeView, ScheduledTransferView):
    required_scopes = {"POST": ["transfers:write"]}
    bodies = {"POST": NothingSerializer}

    @operation("Cancel a scheduled transfer", refusals={409: PAYMENT_REFUSALS[409]})
    def post(self, request: TokenRequest, scheduled_id: str) -> Ok[ScheduledTransfer]:
        """Transfers that the order has made stay."""
        self.body(request)
        among, by = self.payable(request), user_or_404(request)
        return self.changed(request, scheduled_id, among, lambda pk: orders.cancel(pk, by=by, among=among))


class ScheduledTransferPause(ChangeView, ScheduledTransferView):
    required_scopes = {"POST": ["transfers:write"]}
    bodies = {"POST": NothingSerializer}

    @operation("Pause a scheduled transfer", refusals={409: PAYMENT_REFUSALS[409]})
    def post(self, request: TokenRequest, scheduled_id: str) -> Ok[ScheduledTransfer]:
        """The order is `held` with the reason `paused`, and pays nothing until it is resumed."""
        self.body(request)
        among, by = self.payable(request), user_or_404(request)
        return self.changed(request, scheduled_id, among, lambda pk: orders.pause(pk, by=by, among=among))


class ScheduledTransferResume(ChangeView, ScheduledTransferView):
    required_scopes = {"POST": ["transfers:write"]}
    bodies = {"POST": NothingSerializer}

    @operation("Resume a scheduled transfer", refusals={409: PAYMENT_REFUSALS[409], **_OF_ANOTHER})
    def post(self, request: TokenRequest, scheduled_id: str) -> Ok[ScheduledTransfer]:
        """Resumes an order that was paused. Only the user can resume an order that is held for another reason. Days
        that passed meanwhile are skipped; a single payment whose day has passed is made at once. The user of the token
        must be the one who set up the order, and must have logged in recently (RFC 9470).
        """
        self.body(request)
        user_id = user_or_404(request)
        among = self.payable(request)
        is_proven = _is_proven(request)
        return self.changed(
            request,
            scheduled_id,
            among,
            lambda pk: orders.resume(pk, by=user_id, is_proven=is_proven, among=among, only_paused=True),
        )


def _next_on(row: dict[str, Any]) -> date:
    return expected_on(row["next_on"], row["execution_rule"], today=bank_day.today())


def _is_proven(request: TokenRequest) -> bool:
    return is_authenticated_since(request.token, max_age=settings.STEP_UP_MAX_AGE)
