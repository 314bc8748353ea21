"""GET and POST /transfers, POST /transfer-rehearsals, GET /transfers/{id}, POST /transfers/{id}/cancel."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import QuerySet
from django.http import Http404

from banking import payments
from banking.api.cursors import PAGE, Page
from banking.api.idempotency import IDEMPOTENCY_KEY, key_of, refused, response_to
from banking.api.operation import Deprecation, operation
from banking.api.payment_views import Cancel, payer_of
from banking.api.problems import ProblemResponse
from banking.api.query import Choice
from banking.api.representations import PageOf, Rehearsal, Transfer
from banking.api.responses import Created, Former, Ok
from banking.api.transactions import readable
from banking.api.transfer_filters import TransferFilters
from banking.api.transfer_page import rows_of_page
from banking.api.transfer_view import (
    PAYMENT_REFUSALS,
    NewTransferSerializer,
    TransferView,
    as_told,
    single_transfers,
)
from banking.api.views import uuid_or_404
from banking.ledger.refusals import Refusal
from banking.models import Account
from banking.models import Transfer as TransferRow
from banking.models.account_queryset import user_id_of
from banking.payments.idempotency import Answer, claim, run_claiming, store
from oauth.infrastructure import replica
from oauth.resource_server import InvalidToken, TokenRequest

DRY_RUN = Choice("dry_run", "Only check the transfer; do not make it.", ("true", "false"))
DRY_RUN_DEPRECATED = Deprecation(datetime(2026, 11, 28, tzinfo=UTC), successor="/api/v1/transfer-rehearsals")


class TransferList(TransferView):
    required_scopes = {"GET": ["transfers:read"], "POST": ["transfers:write"]}
    query_parameters = {"GET": (*PAGE, *TransferFilters.PARAMETERS)}
    header_parameters = {"POST": (IDEMPOTENCY_KEY,)}
    former_parameters = {"POST": (DRY_RUN,)}
    bodies = {"POST": NewTransferSerializer}

    @operation("List transfers")
    def get(self, request: TokenRequest) -> Ok[PageOf[Transfer]]:
        """Newest first. Transfers older than 90 days need a user who has just logged in (RFC 9470).

        A page with a filter of amounts, text or the status `posted` examines 2,000 transfers of each account at most.
        It may have fewer rows than `limit`, or none; continue as long as there is a `next_cursor`.
        """
        page = Page(request, f"transfers|{TransferFilters.named_in(request)}")
        filters = TransferFilters.from_request(request)
        consents = single_transfers(request)
        single = self.visible(request).filter(consent__in=consents) if consents else None
        reader = user_id_of(request.token)

        def ask(alias: str) -> tuple[list[dict[str, Any]], str | None]:
            accounts = Account.objects.visible_to(request.token, "transfers").decided_for(alias)
            found, goes_on_at = rows_of_page(request, filters, page, accounts, single)
            rows = found.with_is_own(reader, alias).using(alias).values(*self.fields)
            return list(rows[: page.limit + 1]), goes_on_at

        # The query also decides which single transfers the token may read.
        rows, goes_on_at = ask(DEFAULT_DB_ALIAS) if consents else replica.read(reader, ask)
        recent = readable(request, rows, at="created_at")
        listed = [self.represent(row) for row in recent]
        return Ok(page.envelope(listed, key="id", is_cut=len(recent) < len(rows), goes_on_at=goes_on_at))

    @operation("Make a transfer", refusals=PAYMENT_REFUSALS)
    def post(self, request: TokenRequest) -> Created[Transfer] | Former[Rehearsal] | ProblemResponse:
        """Made exactly once per Idempotency-Key. A transfer within the bank is posted immediately; a transfer to
        another bank is pending, and its amount is held. A large amount, or a large sum of 24 hours, needs a user who
        has just logged in (RFC 9470).

        `POST /transfer-rehearsals` tries a transfer without making it. `?dry_run=true` does the same here and is
        deprecated.
        """
        body = self.body(request)
        if DRY_RUN.value(request) != "true":
            return self._made_once(request, body)
        key_of(request)
        return Former(self.rehearsal(request, body), DRY_RUN_DEPRECATED)

    def _made_once(self, request: TokenRequest, body: dict[str, Any]) -> Created[Transfer] | ProblemResponse:
        """The usual transfer takes one statement. Any other takes BEGIN, the authorization, a database function that
        claims the key and makes the transfer, and COMMIT. The record of the key refers to the transfer. A retry gets
        the response of the first request.
        """
        idempotent = self.idempotent_request(request, body, key_of(request))
        made = self.make_at_once(request, body, idempotent)
        if made is not None:
            return response_to(Answer(201, made), self.collection)

        def work() -> Answer:
            try:
                payer = payer_of(request)
            except InvalidToken:
                # A retry gets the answer to the first request, even if the authorization has ended since.
                claim(idempotent, TransferRow)
                raise
            try:
                return Answer(201, self.make(body, payer, idempotent, once_for=idempotent.operation))
            except Refusal as refusal:
                answer = refused(as_told(request, refusal))
                store(idempotent, answer)
                return answer

        answer = run_claiming(idempotent, work, made_before=lambda: self.made_before(request, idempotent))
        if answer.is_replay and answer.body.keys() == {"id"}:
            answer = replace(answer, body=self.as_made(answer.body["id"]))
        return response_to(answer, self.collection)


class TransferRehearsals(TransferView):
    required_scopes = {"POST": ["transfers:write"]}
    bodies = {"POST": NewTransferSerializer}

    @operation(
        "Rehearse a transfer",
        refusals={
            409: "The transfer could not be made now.",
            422: "The bank would refuse the transfer, because of funds, limits, currency or payee.",
        },
    )
    def post(self, request: TokenRequest) -> Ok[Rehearsal]:
        """The request, the checks and the refusals are those of a transfer, but nothing is stored. Therefore it needs
        no Idempotency-Key.
        """
        return Ok(self.rehearsal(request, self.body(request)))


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
        """A token for single transfers may cancel only transfers that it made."""
        transfers = self.payable(request)
        single = single_transfers(request)
        return transfers.filter(consent__in=single) if single else transfers

    def cancel(self, pk: UUID, among: QuerySet[TransferRow]) -> TransferRow:
        return payments.cancel(pk, among=among)

    @operation("Cancel a transfer", refusals={409: PAYMENT_REFUSALS[409]})
    def post(self, request: TokenRequest, transfer_id: str) -> Ok[Transfer]:
        """Possible as long as the transfer is pending and was not handed to the other bank. Its amount is no longer
        held.
        """
        return self.cancelled(request, transfer_id)
