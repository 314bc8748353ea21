"""GET and POST /scheduled-transfers, GET /scheduled-transfers/{id}, POST /scheduled-transfers/{id}/cancel."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response

from banking.api.cursors import PAGE, Page
from banking.api.destinations import shown as shown_destination
from banking.api.idempotency import Made, answer_once
from banking.api.money import StrictDateField, StrictSerializer, money
from banking.api.transfers import InsufficientAuthorization, TransferSerializer, ordered
from banking.api.views import BankView, user_or_404, uuid_or_404
from banking.consents.transfer import TRANSFER
from banking.ledger import in_transaction
from banking.models import Account, AccountAccess, ScheduledTransfer
from banking.models.account import AccountQuerySet, user_id_of
from banking.notation.timestamps import timestamp
from banking.orders import lifecycle
from banking.payments.strong_proof import StrongProofNeeded
from oauth.resource_server import InsufficientUserAuthentication, TokenRequest, require_live

#: How far ahead somebody may plan.
LONGEST_AHEAD = timedelta(days=2 * 366)
_FIELDS = (
    "id", "status", "held_reason", "frequency", "first_on", "last_on", "next_on", "currency", "amount_minor",
    "source_id", "destination_id", "destination__iban", "is_own", "payee_name", "payee_iban", "reference", "created_at",
)  # fmt: skip


class ScheduledTransferSerializer(TransferSerializer):
    """A transfer, and when: `first_on`, `frequency` (once, weekly, monthly), perhaps `last_on`."""

    end_to_end_id = None  # type: ignore[assignment]  # each transfer would need its own
    first_on = StrictDateField()
    frequency = serializers.ChoiceField(ScheduledTransfer.Frequency.choices)
    last_on = StrictDateField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        today = timezone.localdate()
        if not today <= attrs["first_on"] <= today + LONGEST_AHEAD:
            raise serializers.ValidationError({"first_on": "This is today or a day of the next two years."})
        first, last = attrs["first_on"], attrs.get("last_on", attrs["first_on"])
        if last < first or (last > first and attrs["frequency"] == ScheduledTransfer.Frequency.ONCE):
            raise serializers.ValidationError({"last_on": "Not before first_on, and later only for what repeats."})
        return attrs


class ScheduledTransferList(BankView):
    required_scopes = {"GET": ["transfers:read"], "POST": ["transfers:write"]}
    query_parameters = {"GET": PAGE}

    def get(self, request: TokenRequest) -> Response:
        page = Page(request, "scheduled-transfers")
        orders = _visible(request)
        if page.after is not None:
            orders = orders.filter(id__lt=UUID(page.after))
        rows = orders.order_by("-id").values(*_FIELDS)[: page.limit + 1]
        return Response(page.envelope([_shown(row) for row in rows], key="id"))

    def post(self, request: TokenRequest) -> Response:
        """Exactly once per Idempotency-Key. The money moves on the day, by the rules of that day."""
        serializer = ScheduledTransferSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        body = serializer.validated_data
        return answer_once(
            request,
            "POST /scheduled-transfers",
            body,
            lambda key: _order(request, body, key),
            made_in=ScheduledTransfer,
            made_before=lambda key: _made_before(request, key),
            at="scheduled-transfers",
        )


class ScheduledTransferDetail(BankView):
    required_scopes = {"GET": ["transfers:read"]}

    def get(self, request: TokenRequest, scheduled_id: str) -> Response:
        row = _visible(request).filter(pk=uuid_or_404(scheduled_id)).values(*_FIELDS).first()
        if row is None:
            raise Http404
        return Response(_shown(row))


class ScheduledTransferCancel(BankView):
    required_scopes = {"POST": ["transfers:write"]}

    def post(self, request: TokenRequest, scheduled_id: str) -> Response:
        """Nothing more is made; what was made stays."""
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        return Response(in_transaction(lambda: _cancel(request, uuid_or_404(scheduled_id))))


def _visible(request: TokenRequest, accounts: AccountQuerySet | None = None) -> QuerySet[ScheduledTransfer]:
    """Of a token for single transfers none: the person allowed those, not to look at orders or end them (RFC 9396)."""
    claims = request.claims
    if any(detail["type"] == TRANSFER for detail in claims.authorization_details):
        accounts = Account.objects.none()
    elif accounts is None:
        accounts = Account.objects.visible_to(request.token, "transactions")
    own = AccountAccess.objects.filter(account=OuterRef("destination"), user=user_id_of(request.token))
    return ScheduledTransfer.objects.filter(source__in=accounts.values("id")).annotate(is_own=Exists(own))


def _order(request: TokenRequest, body: dict[str, Any], key: str) -> dict[str, Any]:
    claims = request.claims
    if any(detail["type"] == TRANSFER for detail in claims.authorization_details):
        raise InsufficientAuthorization("The person allowed one transfer, not an order for days to come.")
    order = ordered(request, body, key)
    try:
        made = lifecycle.create(
            order, frequency=body["frequency"], first_on=body["first_on"], last_on=body.get("last_on")
        )
    except StrongProofNeeded:
        raise InsufficientUserAuthentication(acr_values=(), max_age=settings.STEP_UP_MAX_AGE) from None
    return _shown(_visible(request).filter(pk=made.pk).values(*_FIELDS).get())


def _made_before(request: TokenRequest, key: str) -> Made:
    """Raises Http404 where it was made from an account that is no longer theirs."""
    of_key = ScheduledTransfer.objects.filter(
        client_id=request.claims.client_id, user_id=user_or_404(request), idempotency_key=key
    )
    made_id, asked = of_key.values_list("pk", "fingerprint").get()
    row = _visible(request).filter(pk=made_id).values(*_FIELDS).first()
    if row is None:
        raise Http404
    return Made(_shown(row), bytes(asked or b""))


def _cancel(request: TokenRequest, scheduled_id: UUID) -> dict[str, Any]:
    require_live(request.token)
    orders = _visible(request, Account.objects.payable_by(request.token)).filter(pk=scheduled_id)
    if not orders.exists():
        raise Http404
    lifecycle.cancel(scheduled_id)
    return _shown(orders.values(*_FIELDS).get())


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "status": row["status"],
        "held_reason": row["held_reason"] or None,
        "frequency": row["frequency"],
        "first_on": row["first_on"].isoformat(),
        "last_on": row["last_on"].isoformat() if row["last_on"] else None,
        "next_on": row["next_on"].isoformat() if row["next_on"] else None,
        "amount": money(row["currency"], row["amount_minor"]),
        "source": {"account_id": row["source_id"]},
        "destination": shown_destination(row),
        "reference": row["reference"],
        "created_at": timestamp(row["created_at"]),
    }
