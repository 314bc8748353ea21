"""GET and POST /transfers, GET /transfers/{id}."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from banking import iban
from banking.api import idempotency
from banking.api.accounts import timestamp
from banking.api.cursors import Page
from banking.api.money import MoneySerializer, StrictCharField, StrictSerializer, StrictUUIDField, money
from banking.api.problems import MEDIA_TYPE, Conflict
from banking.api.views import BankView, uuid_or_404
from banking.authorization_details import TRANSFER
from banking.ledger import post
from banking.ledger.refusals import AmountOutOfRange, CurrencyMismatch, PayeeUnreachable, SameAccount
from banking.models import Account, Consent, Transfer
from banking.models.ledger import MAX_AMOUNT_MINOR
from oauth.resource_server import require_authentication, require_live

_FIELDS = (
    "id", "status", "amount_minor", "currency", "source_id", "destination_id", "destination__holder_id",
    "destination__iban", "user_id", "reference", "end_to_end_id", "created_at", "settled_at", "transaction_id",
)  # fmt: skip


class AccountHolderInactive(APIException):
    status_code = 403
    default_code = "account_holder_inactive"
    default_detail = "The person's account is disabled; nothing can be moved."


class InsufficientAuthorization(APIException):
    status_code = 403
    default_code = "insufficient_authorization"
    default_detail = "The person allowed another transfer: account, payee, amount and reference have to be the same."


class DestinationSerializer(StrictSerializer):
    """`{"account_id"}`, one of the person's own accounts, or `{"scheme": "iban", "identifier", "name"}`."""

    account_id = StrictUUIDField(required=False)
    scheme = serializers.ChoiceField(["iban"], required=False)
    identifier = StrictCharField(max_length=42, required=False)
    name = StrictCharField(max_length=140, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = set(attrs)
        if given not in ({"account_id"}, {"scheme", "identifier", "name"}):
            raise serializers.ValidationError("Either account_id, or scheme, identifier and name.")
        return attrs


class TransferSerializer(StrictSerializer):
    source_account_id = StrictUUIDField()
    destination = DestinationSerializer()
    amount = MoneySerializer()
    reference = StrictCharField(max_length=140)
    end_to_end_id = StrictCharField(max_length=35, required=False)


class TransferList(BankView):
    required_scopes = {"GET": ["transfers:read"], "POST": ["transfers:write"]}

    def get(self, request: Request) -> Response:
        page = Page(request, "transfers")
        transfers = _visible(request)
        if page.after is not None:
            transfers = transfers.filter(id__lt=UUID(page.after))
        rows = transfers.order_by("-id").values(*_FIELDS)[: page.limit + 1]
        return Response(page.envelope([_shown(row) for row in rows], key="id"))

    def post(self, request: Request) -> Response:
        """A transfer to an account of this bank, posted at once and exactly once per Idempotency-Key."""
        key = idempotency.key_of(request)
        serializer = TransferSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        claims = request.auth.claims  # type: ignore[union-attr]
        if claims.user_id is None:
            raise Http404  # a client acting for itself has no account to move from
        answer = idempotency.once(
            client_id=claims.client_id,
            user_id=claims.user_id,
            operation="POST /transfers",
            key=key,
            body=serializer.validated_data,
            work=lambda: _transfer(request, serializer.validated_data, key),
        )
        response = Response(answer.body, status=answer.status)
        if answer.status == 201:
            response["Location"] = f"/api/v1/transfers/{answer.body['id']}"
        else:
            response.content_type = MEDIA_TYPE
        if answer.is_replay:
            response["Idempotent-Replayed"] = "true"
        return response


class TransferDetail(BankView):
    required_scopes = {"GET": ["transfers:read"]}

    def get(self, request: Request, transfer_id: str) -> Response:
        row = _visible(request).filter(pk=uuid_or_404(transfer_id)).values(*_FIELDS).first()
        if row is None:
            raise Http404
        return Response(_shown(row))


def _visible(request: Request) -> Any:
    """Transfers from accounts that the token may see."""
    return Transfer.objects.filter(source__in=Account.objects.visible_to(request.auth).values("id"))  # type: ignore[arg-type]


def _transfer(request: Request, body: dict[str, Any], key: str) -> dict[str, Any]:
    """Inside the caller's transaction. Raises Http404 for a source that is not visible, or a LedgerRefusal."""
    # Money stops at once, not when the token expires (RELIABILITY test 22, ASVS 5.0 10.4.9).
    require_live(request.auth)  # type: ignore[arg-type]
    claims = request.auth.claims  # type: ignore[union-attr]
    consent = _consent(request, body)
    source, destination = _accounts(request, body)
    if source is None or source.holder is None:
        raise Http404
    # Money movement trusts no token alone: the person must still be active (RELIABILITY §3.5 row 26).
    if not source.holder.is_active:
        raise AccountHolderInactive
    amount_minor, currency = body["amount"]["minor_units"], body["amount"]["currency"]
    if not 0 < amount_minor <= MAX_AMOUNT_MINOR:
        raise AmountOutOfRange(pointer="/amount/minor_units")
    if amount_minor >= settings.STEP_UP_AMOUNT_MINOR:
        require_authentication(request.auth, max_age=settings.STEP_UP_MAX_AGE)  # type: ignore[arg-type]
    if destination is None:
        raise PayeeUnreachable(pointer="/destination")
    if source.pk == destination.pk:
        raise SameAccount(pointer="/destination")
    if not source.currency == destination.currency == currency:
        raise CurrencyMismatch(pointer="/amount/currency")
    now = timezone.now()
    posted = post(
        [(source, -amount_minor), (destination, amount_minor)],
        description=body["reference"],
        kind="transfer",
        created_at=now,
    )
    transfer = Transfer.objects.create(
        user=source.holder,
        client_id=claims.client_id,
        idempotency_key=key,
        source=source,
        destination=destination,
        currency=currency,
        amount_minor=amount_minor,
        reference=body["reference"],
        end_to_end_id=body.get("end_to_end_id", ""),
        status=Transfer.Status.POSTED,
        created_at=now,
        settled_at=now,
        transaction=posted,
        consent=consent,
    )
    return _shown(
        {
            **{field: getattr(transfer, field) for field in _FIELDS if "__" not in field},
            "destination__holder_id": destination.holder_id,
            "destination__iban": destination.iban,
        }
    )


def _consent(request: Request, body: dict[str, Any]) -> Consent | None:
    """The consent for this very transfer, where the token is for single transfers (RFC 9396, dynamic linking).

    Everything has to be as the person saw it, and it counts once: whoever comes second waits at the row. Raises
    InsufficientAuthorization, or Conflict.
    """
    details = [d for d in request.auth.claims.authorization_details if d["type"] == TRANSFER]  # type: ignore[union-attr]
    if not details:
        return None
    asked = (
        str(body["source_account_id"]), dict(body["destination"]), dict(body["amount"]), body["reference"],
    )  # fmt: skip
    fitting = [
        d for d in details if asked == (d["debtor_account"], d["creditor"], d["instructed_amount"], d["reference"])
    ]
    if not fitting:
        raise InsufficientAuthorization
    consents = Consent.objects.select_for_update(of=("self",)).filter(pk__in=[d["identifier"] for d in fitting])
    free = [consent for consent in consents.order_by("pk") if not Transfer.objects.filter(consent=consent).exists()]
    if not free:
        raise Conflict("authorization_already_used", "The person allowed this transfer once, and it was made.")
    return free[0]


def _accounts(request: Request, body: dict[str, Any]) -> tuple[Account | None, Account | None]:
    """Source and destination, each None where the token may not use it. Two queries."""
    visible = Account.objects.visible_to(request.auth)  # type: ignore[arg-type]
    destination = body["destination"]
    own = {
        account.pk: account
        for account in visible.select_related("holder").filter(
            pk__in=[body["source_account_id"], destination.get("account_id")]
        )
    }
    if "account_id" in destination:
        payee = own.get(destination["account_id"])
    else:
        identifier = destination["identifier"].replace(" ", "").upper()
        payees = Account.objects.filter(iban=identifier, kind=Account.Kind.CUSTOMER).exclude(status="closed")
        payee = payees.first() if iban.is_valid(identifier) else None
    return own.get(body["source_account_id"]), payee


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    is_own = row["destination__holder_id"] == row["user_id"]
    destination = (
        {"account_id": row["destination_id"]}
        if is_own
        else {"scheme": "iban", "identifier_masked": iban.masked(row["destination__iban"])}
    )
    return {
        "id": row["id"],
        "status": row["status"],
        "amount": money(row["currency"], row["amount_minor"]),
        "source": {"account_id": row["source_id"]},
        "destination": destination,
        "reference": row["reference"],
        "end_to_end_id": row["end_to_end_id"] or None,
        "created_at": timestamp(row["created_at"]),
        "settled_at": timestamp(row["settled_at"]) if row["settled_at"] else None,
        "transaction_ids": [row["transaction_id"]] if row["transaction_id"] else [],
    }
