"""Idempotency-Key (IETF draft, RELIABILITY §1.2): the record and the work commit together, in PostgreSQL.

A twin waits at the unique index until the first one ends, then replays its answer.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection
from psycopg.errors import LockNotAvailable
from rest_framework.request import Request

from banking.api.problems import BadRequest, Conflict, problem, refusal_problem
from banking.ledger import in_transaction
from banking.ledger.refusals import LedgerRefusal
from banking.models import IdempotencyRecord

_KEY = re.compile(r"[\x21-\x7e]{16,255}")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]
    is_replay: bool = False


def key_of(request: Request) -> str:
    """The key, unquoted: a structured-field string or, as many clients send it, bare. Raises BadRequest."""
    header = request.headers.get("Idempotency-Key")
    if header is None:
        raise BadRequest("idempotency_key_missing", "Send an Idempotency-Key header with a new random key.")
    key = header[1:-1] if len(header) > 1 and header[0] == header[-1] == '"' else header
    if not _KEY.fullmatch(key):
        raise BadRequest("idempotency_key_invalid", "The Idempotency-Key is 16 to 255 visible ASCII characters.")
    return key


def once(
    *,
    client_id: str,
    user_id: str,
    operation: str,
    key: str,
    body: dict[str, Any],
    work: Callable[[], dict[str, Any]],
) -> Answer:
    """Does `work` once per key and answers it again afterwards. `body` is the validated body.

    201 and the ledger's own refusals are stored; any other exception undoes the record with the rest, because
    nothing happened.
    """
    fingerprint = hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).digest()
    identity = (client_id, user_id, operation, key)

    def transaction() -> Answer:
        if not _claim(identity, fingerprint):
            return _replay(identity, fingerprint)
        try:
            answer = Answer(201, work())
        except LedgerRefusal as refusal:
            answer = Answer(refusal.status, refusal_problem(refusal))
        IdempotencyRecord.objects.filter(pk=identity).update(status=answer.status, body=_plain(answer.body))
        return answer

    return in_transaction(transaction)


def _claim(identity: tuple[str, str, str, str], fingerprint: bytes) -> bool:
    """Whether this is the first request with the key. Waits for one that is under way, at most lock_timeout."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO idempotency_record"
                " (client_id, user_id, operation, key, fingerprint, status, body, created_at)"
                " VALUES (%s, %s, %s, %s, %s, 0, '{}', now()) ON CONFLICT DO NOTHING RETURNING 1",
                [*identity, fingerprint],
            )
            return cursor.fetchone() is not None
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise Conflict(
                "request_in_progress",
                "The first request with this key is still running.",
                retry_after_seconds=2,
            ) from error
        raise


def _replay(identity: tuple[str, str, str, str], fingerprint: bytes) -> Answer:
    record = IdempotencyRecord.objects.get(pk=identity)
    if bytes(record.fingerprint) != fingerprint:
        detail = "This key was used for another body. A new transfer needs a new key."
        return Answer(422, problem("idempotency_key_reused", status=422, detail=detail))
    return Answer(record.status, record.body, is_replay=True)


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    """As JSON stores it: UUIDs become strings."""
    plain: dict[str, Any] = json.loads(json.dumps(body, default=str))
    return plain
