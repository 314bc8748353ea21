"""Runs an operation once per idempotency key, however often it is requested
(draft-ietf-httpapi-idempotency-key-header).

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
    """A key identifies one operation of one user by one client. `fingerprint` is the digest of the validated
    request.
    """

    client_id: str
    user_id: str
    operation: str
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that the caller can render. It is stored with the key, and each retry gets it."""

    status: int
    body: Mapping[str, Any]
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """The response to an earlier request with the key, and the fingerprint of that request."""

    answer: Answer
    fingerprint: bytes


def fingerprint_of(body: dict[str, Any]) -> bytes:
    """SHA-256 of a validated body."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).digest()


class AskedBefore(Exception):
    """An earlier request had this key. `claim` is `known` if its response is stored, `waiting` if it has not ended, or
    `made_before` if the record of the key was deleted but the object that the request created exists.
    """

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
    """Runs `work` once per key, in its own transaction; each retry gets the same response. Every response that `work`
    returns is stored, also a refusal. An exception rolls back the record together with all other effects of `work`.
    Records are deleted after a week. The object that the request created keeps its key forever, in the table of
    `made_in`. A retry after that week gets the response of `made_before`, without any check of current data such as the
    balance.

    Raises IdempotencyKeyReused or RequestInProgress.
    """

    def claimed() -> Answer:
        claim(request, made_in)
        answer = work()
        store(request, answer)
        return answer

    return run_claiming(request, claimed, made_before=made_before)


def run_claiming(request: IdempotentRequest, work: Callable[[], Answer], *, made_before: Callable[[], Made]) -> Answer:
    """Like `run_idempotent`, for `work` that itself claims the key, raises AskedBefore, and stores its response."""

    def transaction() -> Answer:
        try:
            return work()
        except AskedBefore as before:
            return _answer_again(request, before, made_before)

    return in_transaction(transaction)


def claim(request: IdempotentRequest, made_in: type[Transfer | ScheduledTransfer | Exchange]) -> None:
    """Claims the key in the caller's transaction. Waits for another request with the key to end, for at most
    lock_timeout. Raises AskedBefore.
    """
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
    """Stores the response for retries, in the transaction that claimed the key."""
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
    """The body in its stored form, in which UUIDs are strings."""
    stored: dict[str, Any] = json.loads(json.dumps(body, default=str))
    return stored
