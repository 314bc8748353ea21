"""GET and POST /transfers, GET /transfers/{id}, POST /transfers/{id}/cancel."""

from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from banking.api.cursors import PAGE, Page
from banking.api.destinations import DestinationSerializer, resolved
from banking.api.destinations import shown as shown_destination
from banking.api.idempotency import Made, answer_once, fingerprint, key_of
from banking.api.money import MoneySerializer, StrictCharField, StrictSerializer, StrictUUIDField, money
from banking.api.problems import BadRequest, Conflict
from banking.api.transactions import histories, readable
from banking.api.views import BankView, user_or_404, uuid_or_404
from banking.consents.transfer import TRANSFER
from banking.ledger import in_transaction
from banking.models import Account, AccountAccess, Consent, Transfer
from banking.models.account import user_id_of
from banking.notation.timestamps import timestamp
from banking.payments import Order, cancel, find_route, make
from banking.payments.order import check
from banking.payments.strong_proof import StrongProofNeeded
from oauth.resource_server import InsufficientUserAuthentication, TokenRequest, is_authenticated_since, require_live

_FIELDS = (
    "id", "status", "status_reason", "amount_minor", "currency", "source_id", "destination_id", "destination__iban",
    "is_own", "payee_name", "payee_iban", "reference", "end_to_end_id", "created_at", "settled_at", "transaction_id",
    "scheduled_id",
)  # fmt: skip


class AccountHolderInactive(APIException):
    status_code = 403
    default_code = "account_holder_inactive"
    default_detail = "The person's account is disabled; nothing can be moved."


class InsufficientAuthorization(APIException):
    status_code = 403
    default_code = "insufficient_authorization"
    default_detail = "The person allowed another transfer: account, payee, amount and reference have to be the same."


class TransferSerializer(StrictSerializer):
    source_account_id = StrictUUIDField()
    destination = DestinationSerializer()
    amount = MoneySerializer()
    reference = StrictCharField(max_length=140)
    end_to_end_id = StrictCharField(max_length=35, required=False)


class TransferList(BankView):
    required_scopes = {"GET": ["transfers:read"], "POST": ["transfers:write"]}
    query_parameters = {"GET": PAGE, "POST": ("dry_run",)}

    def get(self, request: TokenRequest) -> Response:
        page = Page(request, "transfers")
        transfers = _visible(request)
        if page.after is not None:
            transfers = transfers.filter(id__lt=UUID(page.after))
        rows = list(transfers.order_by("-id").values(*_FIELDS)[: page.limit + 1])
        recent = readable(request, rows, at="created_at")
        return Response(page.envelope([_shown(row) for row in recent], key="id", is_cut=len(recent) < len(rows)))

    def post(self, request: TokenRequest) -> Response:
        """Exactly once per Idempotency-Key: posted at once within this bank, pending with a hold to another.

        With `?dry_run=true` it is only rehearsed: the same request, checks and refusals, and nothing is kept, the key
        neither.
        """
        serializer = TransferSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        body = serializer.validated_data
        if _is_rehearsal(request):
            key_of(request)
            return Response(_rehearse(request, body))
        return answer_once(
            request,
            "POST /transfers",
            body,
            lambda key: _transfer(request, body, key),
            made_in=Transfer,
            made_before=lambda key: _made_before(request, key),
            at="transfers",
        )


def _is_rehearsal(request: TokenRequest) -> bool:
    given = request.query_params.get("dry_run", "false")
    if given not in ("true", "false"):
        raise BadRequest("malformed_request", "dry_run is true or false.")
    return given == "true"


def _rehearse(request: TokenRequest, body: dict[str, Any]) -> dict[str, Any]:
    """The transfer made in a transaction that is undone: what it would be, and what would be left."""

    def rehearsed() -> dict[str, Any]:
        shown = _transfer(request, body, key=f"rehearsal-{uuid4()}")
        source = Account.objects.get(pk=shown["source"]["account_id"])
        transaction.set_rollback(True)
        left = money(source.currency, source.available_minor)
        kept = ("status", "amount", "source", "destination", "reference")
        return {**{name: shown[name] for name in kept}, "available_after": left}

    return in_transaction(rehearsed)


class TransferDetail(BankView):
    required_scopes = {"GET": ["transfers:read"]}

    def get(self, request: TokenRequest, transfer_id: str) -> Response:
        row = _visible(request).filter(pk=uuid_or_404(transfer_id)).values(*_FIELDS).first()
        if row is None:
            raise Http404
        readable(request, [row], at="created_at")
        return Response(_shown(row))


class TransferCancel(BankView):
    required_scopes = {"POST": ["transfers:write"]}

    def post(self, request: TokenRequest, transfer_id: str) -> Response:
        """Only what is pending and was not yet handed to the other bank; its money is free again at once."""
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        return Response(in_transaction(lambda: _cancel(request, uuid_or_404(transfer_id))))


def _visible(request: TokenRequest) -> QuerySet[Transfer]:
    """Those from accounts whose transactions the token may see, as far back as the person allowed, and those that were
    made by a consent to that very transfer."""
    seen = Account.objects.visible_to(request.token, "transactions")
    transfers = Transfer.objects.filter(Q(source__in=seen.values("id")) | Q(consent__in=_single(request)))
    for accounts, since in histories(request):
        transfers = transfers.exclude(Q(created_at__lt=since) & (Q(source__in=accounts) if accounts else Q()))
    return _told_whose(request, transfers)


def _cancellable(request: TokenRequest) -> QuerySet[Transfer]:
    """Those from accounts that the person may pay from; a token for single transfers has only what it made."""
    payable = Account.objects.payable_by(request.token)
    transfers = Transfer.objects.filter(source__in=payable.values("id"))
    if single := _single(request):
        transfers = transfers.filter(consent__in=single)
    return _told_whose(request, transfers)


def _single(request: TokenRequest) -> list[UUID]:
    """The consents to one transfer that the token carries (RFC 9396)."""
    details = request.claims.authorization_details
    return [UUID(detail["identifier"]) for detail in details if detail["type"] == TRANSFER]


def _told_whose(request: TokenRequest, transfers: QuerySet[Transfer]) -> QuerySet[Transfer]:
    own = AccountAccess.objects.filter(account=OuterRef("destination"), user=user_id_of(request.token))
    return transfers.annotate(is_own=Exists(own))


def _cancel(request: TokenRequest, transfer_id: UUID) -> dict[str, Any]:
    require_live(request.token)
    transfers = _cancellable(request).filter(pk=transfer_id)
    if not transfers.exists():
        raise Http404
    cancel(transfer_id)
    return _shown(transfers.values(*_FIELDS).get())


def _transfer(request: TokenRequest, body: dict[str, Any], key: str) -> dict[str, Any]:
    """Inside the caller's transaction. Raises Http404 for a source that is not visible, or a LedgerRefusal."""
    order = ordered(request, body, key)
    try:
        transfer = make(order)
    except StrongProofNeeded:
        raise InsufficientUserAuthentication(acr_values=(), max_age=settings.STEP_UP_MAX_AGE) from None
    row = {field: getattr(transfer, field) for field in _FIELDS if field not in ("destination__iban", "is_own")}
    iban_there = order.destination.iban if order.destination else None
    return _shown({**row, "is_own": not order.payee_iban, "destination__iban": iban_there})


def _made_before(request: TokenRequest, key: str) -> Made:
    """Raises Http404 where it was made from an account that is no longer theirs."""
    of_key = Transfer.objects.filter(
        client_id=request.claims.client_id, user_id=user_or_404(request), idempotency_key=key
    )
    made_id, asked = of_key.values_list("pk", "fingerprint").get()
    payable = Account.objects.payable_by(request.token)
    mine = Transfer.objects.filter(pk=made_id, source__in=payable.values("id"))
    row = _told_whose(request, mine).values(*_FIELDS).first()
    if row is None:
        raise Http404
    return Made(_shown(row), bytes(asked or b""))


def ordered(request: TokenRequest, body: dict[str, Any], key: str) -> Order:
    """What the body orders, once everything that can be said before money is touched has been checked."""
    user_id = user_or_404(request)
    # Payments stop when the authorization ends, not when the token expires (ASVS 5.0 10.4.9).
    require_live(request.token)
    ordered_by = fingerprint(body)
    body = {**body, "destination": resolved(body["destination"], user_id)}
    consent = _consent(request, body)
    visible = Account.objects.visible_to(request.token)
    route = find_route(visible, body["source_account_id"], body["destination"], charged_to=user_id)
    source = route.source
    if source is None:
        raise Http404
    # A valid token is not enough to move money: the user must still be active.
    if not source.is_active:  # type: ignore[attr-defined]
        raise AccountHolderInactive
    order = Order(
        user_id=user_id,
        client_id=request.claims.client_id,
        key=key,
        source=source,
        destination=route.destination,
        payee_name=body["destination"].get("name", ""),
        payee_iban=route.payee_iban,
        amount_minor=body["amount"]["minor_units"],
        currency=body["amount"]["currency"],
        reference=body["reference"],
        end_to_end_id=body.get("end_to_end_id", ""),
        consent=consent,
        # Also of a transfer that the user allowed in detail (RFC 9396): a click on a consent page proves nobody.
        is_proven=is_authenticated_since(request.token, max_age=settings.STEP_UP_MAX_AGE),
        fingerprint=ordered_by,
    )
    check(order)
    return order


def _consent(request: TokenRequest, body: dict[str, Any]) -> Consent | None:
    """The consent for this very transfer, where the token is for single transfers (RFC 9396, dynamic linking).

    Everything has to be as the person saw it, and it counts once: whoever comes second waits at the row. Raises
    InsufficientAuthorization, or Conflict.
    """
    details = [d for d in request.claims.authorization_details if d["type"] == TRANSFER]
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


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "status": row["status"],
        "status_reason": row["status_reason"] or None,
        "amount": money(row["currency"], row["amount_minor"]),
        "source": {"account_id": row["source_id"]},
        "destination": shown_destination(row),
        "reference": row["reference"],
        "end_to_end_id": row["end_to_end_id"] or None,
        "scheduled_transfer_id": row["scheduled_id"],
        "created_at": timestamp(row["created_at"]),
        "settled_at": timestamp(row["settled_at"]) if row["settled_at"] else None,
        "transaction_ids": [row["transaction_id"]] if row["transaction_id"] else [],
    }
