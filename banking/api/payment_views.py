"""The base views of /transfers, /scheduled-transfers and /exchanges: creating an object exactly once, and cancelling
one.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404

from banking.api.fields import NothingSerializer
from banking.api.idempotency import IDEMPOTENCY_KEY, create_once, key_of
from banking.api.problems import ProblemResponse
from banking.api.responses import Created, Ok
from banking.api.views import BankView, user_or_404, uuid_or_404
from banking.ledger import in_transaction
from banking.models import Account, Exchange, ScheduledTransfer, Transfer
from banking.models.account_queryset import user_id_of
from banking.payments import Instruction, Payer, PaymentOrder, prepare
from banking.payments.idempotency import Answer, IdempotentRequest, Made, fingerprint_of
from oauth.resource_server import TokenRequest, is_authenticated_since, require_live


class PaymentView(BankView):
    """A subclass names the model, the path of its collection, the columns that it reads, and how a row becomes JSON."""

    model: ClassVar[type[Transfer | ScheduledTransfer | Exchange]]
    collection: ClassVar[str]
    fields: ClassVar[tuple[str, ...]]

    @staticmethod
    def represent(row: dict[str, Any]) -> Mapping[str, Any]:
        """The JSON of a row."""
        raise NotImplementedError

    def visible(self, request: TokenRequest) -> QuerySet[Any]:
        """The objects that the token may read."""
        raise NotImplementedError

    def payable(self, request: TokenRequest) -> QuerySet[Any]:
        """The objects whose source is an account that the user may pay from."""
        payments: Any = self.model.objects
        payable: QuerySet[Any] = payments.from_accounts(Account.objects.payable_by(request.token)).with_is_own(
            user_id_of(request.token)
        )
        return payable

    def idempotent_request(self, request: TokenRequest, body: dict[str, Any], key: str) -> IdempotentRequest:
        return IdempotentRequest(
            client_id=request.claims.client_id,
            user_id=str(user_or_404(request)),
            operation=f"POST /{self.collection}",
            key=key,
            fingerprint=fingerprint_of(body),
        )

    def made_before(self, request: TokenRequest, idempotent: IdempotentRequest) -> Made:
        """The object that an earlier request made. Raises Http404 if the user may no longer pay from its source
        account.
        """
        of_key = self.model.objects.filter(
            client_id=idempotent.client_id, user_id=idempotent.user_id, idempotency_key=idempotent.key
        )
        pk, fingerprint = of_key.values_list("pk", "fingerprint").get()
        row = self.payable(request).filter(pk=pk).values(*self.fields).first()
        if row is None:
            raise Http404
        return Made(Answer(201, self.represent(row)), bytes(fingerprint or b""))


class CreateOnce(PaymentView):
    """POST, exactly once per Idempotency-Key."""

    header_parameters = {"POST": (IDEMPOTENCY_KEY,)}

    def create(self, request: TokenRequest, body: dict[str, Any], idempotent: IdempotentRequest) -> Mapping[str, Any]:
        """Creates the object that the body describes, in the caller's transaction. Returns its JSON. Raises a Refusal,
        StrongProofNeeded, NotTheirs, LimitReached, or what `require_live` raises.
        """
        raise NotImplementedError

    def created_once(self, request: TokenRequest, body: dict[str, Any]) -> Created[Any] | ProblemResponse:
        idempotent = self.idempotent_request(request, body, key_of(request))
        return create_once(
            idempotent,
            lambda: self.create(request, body, idempotent),
            made_in=self.model,
            made_before=lambda: self.made_before(request, idempotent),
            collection=self.collection,
        )


class ChangeView(PaymentView):
    """Changes an existing object whose source is an account that the user may pay from."""

    def changed(
        self, request: TokenRequest, pk: str, among: QuerySet[Any], change: Callable[[UUID], object]
    ) -> Ok[Any]:
        """`change` runs in one transaction, and raises a Refusal, StrongProofNeeded or NotTheirs."""
        payment_id = uuid_or_404(pk)

        def run() -> Mapping[str, Any]:
            require_live(request.token)
            change(payment_id)
            return self.represent(among.values(*self.fields).get(pk=payment_id))

        return Ok(in_transaction(run))


class Cancel(ChangeView):
    """POST without a body."""

    required_scopes = {"POST": ["transfers:write"]}
    bodies = {"POST": NothingSerializer}

    def cancellable(self, request: TokenRequest) -> QuerySet[Any]:
        return self.payable(request)

    def cancel(self, pk: UUID, among: QuerySet[Any]) -> object:
        """In the caller's transaction. Raises a Refusal or NotTheirs."""
        raise NotImplementedError

    def cancelled(self, request: TokenRequest, pk: str) -> Ok[Any]:
        self.body(request)
        among = self.cancellable(request)
        return self.changed(request, pk, among, lambda payment_id: self.cancel(payment_id, among))


def payer_of(request: TokenRequest) -> Payer:
    """The user of the token. Raises InvalidToken if the authorization has ended."""
    payer = named_payer_of(request)
    # Payments stop when the authorization ends, not when the token expires (ASVS 5.0 10.4.9).
    require_live(request.token)
    return payer


def named_payer_of(request: TokenRequest) -> Payer:
    """The user of the token, even if the authorization has ended."""
    return Payer(
        user_id=user_or_404(request),
        client_id=request.claims.client_id,
        is_proven=is_authenticated_since(request.token, max_age=settings.STEP_UP_MAX_AGE),
        details=request.claims.authorization_details,
    )


def instruction_of(body: dict[str, Any], idempotent: IdempotentRequest) -> Instruction:
    return Instruction.from_body(body, key=idempotent.key, fingerprint=idempotent.fingerprint)


def order_of(request: TokenRequest, body: dict[str, Any], idempotent: IdempotentRequest) -> PaymentOrder:
    """The payment order of a validated body."""
    return prepare(instruction_of(body, idempotent), payer_of(request))
