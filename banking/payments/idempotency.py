"""Doing something once per idempotency key, however often it is asked for (draft-ietf-httpapi-idempotency-key-header).

The record of the key and the work commit together, in PostgreSQL. A second request with the same key waits at the
unique index until the first one ends, and then gets its answer.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from banking.ledger import in_transaction
from banking.models import Exchange, IdempotencyRecord, ScheduledTransfer, Transfer
from banking.payments.refusals import IdempotencyKeyReused, RequestInProgress
from oauth.infrastructure.rows import rows


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A key is good for one operation of one user by one client. `fingerprint` is that of the validated request."""

    client_id: str
    user_id: str
    operation: str
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as the caller renders it. It is stored with the key and given to each retry."""

    status: int
    body: Mapping[str, Any]
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """The answer to an earlier request with the key, and the fingerprint of that request."""

    answer: Answer
    fingerprint: bytes


def fingerprint_of(body: dict[str, Any]) -> bytes:
    """SHA-256 of a validated body."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).digest()


class AskedBefore(Exception):
    """There was a request with this key. `claim` is `known` if its answer is stored, `waiting` if it has not ended, or
    `made_before` if the record of the key was deleted, but the object that the request made exists."""

    def __init__(self, claim: str, fingerprint: bytes | None, status: int | None, body: str | None) -> None:
        super().__init__(claim)
        self.claim = claim
        self.fingerprint = bytes(fingerprint or b"")
        self.status, self.body = status, body


def run_idempotent(
    request: IdempotentRequest,
    work: Callable[[], Answer],
    *,
    made_in: type[Transfer | ScheduledTransfer | Exchange],
    made_before: Callable[[], Made],
) -> Answer:
    """Does `work` once per key, in its own transaction, and repeats its answer afterwards.

    Every answer that `work` returns is stored, a refusal as well. Any exception removes the record together with
    everything else that `work` did. Records are deleted after a week. The object that the request created keeps its key
    forever, in the table of `made_in`. A retry after that week gets the answer of `made_before`, without any check of
    current data such as the balance.

    Raises IdempotencyKeyReused or RequestInProgress.
    """

    def claimed() -> Answer:
        claim(request, made_in)
        answer = work()
        store(request, answer)
        return answer

    return run_claiming(request, claimed, made_before=made_before)


def run_claiming(request: IdempotentRequest, work: Callable[[], Answer], *, made_before: Callable[[], Made]) -> Answer:
    """Like `run_idempotent`, for work that claims the key itself, raises AskedBefore, and stores its answer."""

    def transaction() -> Answer:
        try:
            return work()
        except AskedBefore as before:
            return _answer_again(request, before, made_before)

    return in_transaction(transaction)


def claim(request: IdempotentRequest, made_in: type[Transfer | ScheduledTransfer | Exchange]) -> None:
    """In the caller's transaction. Waits for a request with the same key to end, but no longer than lock_timeout.
    Raises AskedBefore."""
    identity = [request.client_id, request.user_id, request.operation, request.key, request.fingerprint]
    made = [request.client_id, request.user_id, request.key]
    [(found, *stored, is_made)] = rows(_CLAIM.format(table=made_in._meta.db_table), [*made, *identity])
    if found != "first":
        raise AskedBefore(found, *stored)
    if is_made:
        raise AskedBefore("made_before", None, None, None)


_CLAIM = """
SELECT c.claim, c.stored_print, c.stored_status, c.stored_body,
       EXISTS (SELECT FROM {table} WHERE client_id = %s AND user_id = %s AND idempotency_key = %s)
  FROM claim_key(%s::text, %s::uuid, %s::text, %s::text, %s::bytea, 0, '{{}}') AS c
"""


def store(request: IdempotentRequest, answer: Answer) -> None:
    """Stores the answer to each retry, in the transaction that claimed the key."""
    record = IdempotencyRecord.objects.filter(pk=_identity(request))
    record.update(status=answer.status, body=_as_stored(answer.body))


def _answer_again(request: IdempotentRequest, before: AskedBefore, made_before: Callable[[], Made]) -> Answer:
    if before.claim == "waiting":
        raise RequestInProgress from None
    if before.claim == "known":
        if before.fingerprint != request.fingerprint:
            raise IdempotencyKeyReused from None
        return Answer(before.status or 0, json.loads(before.body or "{}"), is_replay=True)
    made = made_before()
    if made.fingerprint != request.fingerprint:
        raise IdempotencyKeyReused from None
    answer = Answer(made.answer.status, made.answer.body, is_replay=True)
    store(request, answer)
    return answer


def _identity(request: IdempotentRequest) -> tuple[str, str, str, str]:
    return request.client_id, request.user_id, request.operation, request.key


def _as_stored(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body as JSON: UUIDs become strings."""
    stored: dict[str, Any] = json.loads(json.dumps(body, default=str))
    return stored
