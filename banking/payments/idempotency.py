"""Doing something once per idempotency key, however often it is asked for (draft-ietf-httpapi-idempotency-key-header).

The record of the key and the work commit together, in PostgreSQL. A second request with the same key waits at the
unique index until the first one ends, and then gets its answer.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection
from psycopg.errors import LockNotAvailable

from banking.ledger import in_transaction
from banking.models import IdempotencyRecord, ScheduledTransfer, Transfer
from banking.payments.refusals import IdempotencyKeyReused, RequestInProgress


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
    """What an earlier request made under the key: the answer to it, and the fingerprint of that request."""

    answer: Answer
    fingerprint: bytes


def fingerprint_of(body: dict[str, Any]) -> bytes:
    """SHA-256 of a validated body."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).digest()


def run_idempotent(
    request: IdempotentRequest,
    work: Callable[[], Answer],
    *,
    made_in: type[Transfer | ScheduledTransfer],
    made_before: Callable[[], Made],
) -> Answer:
    """Does `work` once per key, in a transaction of its own, and repeats its answer afterwards.

    Every answer that `work` returns is stored, a refusal as well. Any exception removes the record together with
    everything else that `work` did. Records are deleted after a week. What was made keeps its key for ever, in
    `made_in`: a later retry is answered with `made_before`, before any check against the present, such as the balance.

    Raises IdempotencyKeyReused or RequestInProgress.
    """

    def transaction() -> Answer:
        is_first, is_made = _claim(request, made_in)
        if not is_first:
            return _replay(request)
        if is_made:
            made = made_before()
            if made.fingerprint != request.fingerprint:
                raise IdempotencyKeyReused
            answer = Answer(made.answer.status, made.answer.body, is_replay=True)
        else:
            answer = work()
        record = IdempotencyRecord.objects.filter(pk=_identity(request))
        record.update(status=answer.status, body=_as_stored(answer.body))
        return answer

    return in_transaction(transaction)


_CLAIM = """
WITH claimed AS (
  INSERT INTO idempotency_record (client_id, user_id, operation, key, fingerprint, status, body, created_at)
  VALUES (%(client)s, %(user)s, %(operation)s, %(key)s, %(fingerprint)s, 0, '{{}}', now())
  ON CONFLICT DO NOTHING RETURNING 1)
SELECT EXISTS (SELECT FROM claimed),
       EXISTS (SELECT FROM {table} WHERE client_id = %(client)s AND user_id = %(user)s AND idempotency_key = %(key)s)
"""


def _claim(request: IdempotentRequest, made_in: type[Transfer | ScheduledTransfer]) -> tuple[bool, bool]:
    """Whether there was no record of the key, and whether something was made under it. Waits for a request with the
    same key to end, but no longer than lock_timeout."""
    values: dict[str, Any] = {
        "client": request.client_id,
        "user": request.user_id,
        "operation": request.operation,
        "key": request.key,
        "fingerprint": request.fingerprint,
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM.format(table=made_in._meta.db_table), values)
            is_first, is_made = cursor.fetchone()
            return is_first, is_made
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise RequestInProgress from error
        raise


def _replay(request: IdempotentRequest) -> Answer:
    record = IdempotencyRecord.objects.get(pk=_identity(request))
    if bytes(record.fingerprint) != request.fingerprint:
        raise IdempotencyKeyReused
    return Answer(record.status, record.body, is_replay=True)


def _identity(request: IdempotentRequest) -> tuple[str, str, str, str]:
    return request.client_id, request.user_id, request.operation, request.key


def _as_stored(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body as JSON: UUIDs become strings."""
    stored: dict[str, Any] = json.loads(json.dumps(body, default=str))
    return stored
