"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): the record and the work commit together, in PostgreSQL.

A twin waits at the unique index until the first one ends, then replays its answer.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection
from django.db.transaction import set_rollback
from psycopg.errors import LockNotAvailable
from rest_framework.response import Response

from banking.api.problems import MEDIA_TYPE, BadRequest, Conflict, error_id_of, problem, refusal_problem
from banking.api.views import user_or_404
from banking.ledger import in_transaction
from banking.ledger.refusals import LedgerRefusal
from banking.models import IdempotencyRecord, ScheduledTransfer, Transfer
from oauth.resource_server import TokenRequest

_KEY = re.compile(r"[\x21-\x7e]{16,255}")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """What has this key already, as it is answered, and the fingerprint of the request that made it."""

    body: dict[str, Any]
    fingerprint: bytes


def fingerprint(body: dict[str, Any]) -> bytes:
    """SHA-256 of the validated body."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).digest()


def key_of(request: TokenRequest) -> str:
    """The key, unquoted: a structured-field string or, as many clients send it, bare. Raises BadRequest."""
    header = request.headers.get("Idempotency-Key")
    if header is None:
        raise BadRequest("idempotency_key_missing", "Send an Idempotency-Key header with a new random key.")
    key = header[1:-1] if len(header) > 1 and header[0] == header[-1] == '"' else header
    if not _KEY.fullmatch(key):
        raise BadRequest("idempotency_key_invalid", "The Idempotency-Key is 16 to 255 visible ASCII characters.")
    return key


def answer_once(
    request: TokenRequest,
    operation: str,
    body: dict[str, Any],
    work: Callable[[str], dict[str, Any]],
    *,
    made_in: type[Transfer | ScheduledTransfer],
    made_before: Callable[[str], Made],
    at: str,
) -> Response:
    """The answer to a POST that makes something, once per Idempotency-Key; `at` is where it then is."""
    key = key_of(request)
    answer = once(
        client_id=request.claims.client_id,
        user_id=str(user_or_404(request)),
        operation=operation,
        key=key,
        body=body,
        work=lambda: work(key),
        made_in=made_in,
        made_before=lambda: made_before(key),
    )
    response = Response(answer.body, status=answer.status)
    if answer.status == 201:
        response["Location"] = f"/api/v1/{at}/{answer.body['id']}"
    else:
        response.content_type = MEDIA_TYPE
        response["X-Error-Id"] = error_id_of(answer.body)
    if answer.is_replay:
        response["Idempotent-Replayed"] = "true"
    return response


def once(
    *,
    client_id: str,
    user_id: str,
    operation: str,
    key: str,
    body: dict[str, Any],
    work: Callable[[], dict[str, Any]],
    made_in: type[Transfer | ScheduledTransfer],
    made_before: Callable[[], Made],
) -> Answer:
    """Does `work` once per key and answers it again afterwards. `body` is the validated body.

    201 and the ledger's own refusals are stored; any other exception undoes the record with the rest, because
    nothing happened.

    Records go after a week. What was made keeps its key for ever, in `made_in`: a retry that comes later is answered
    with `made_before`, and no check of today, such as whether there is money, stands before that.
    """
    asked = fingerprint(body)
    identity = (client_id, user_id, operation, key)

    def transaction() -> Answer:
        is_first, is_made = _claim(identity, asked, made_in)
        if not is_first:
            return _replay(identity, asked)
        if is_made:
            made = made_before()
            if made.fingerprint != asked:
                set_rollback(True)  # the record, which is another order's
                return _reused()
            answer = Answer(201, made.body, is_replay=True)
        else:
            try:
                answer = Answer(201, work())
            except LedgerRefusal as refusal:
                answer = Answer(refusal.status, refusal_problem(refusal))
        IdempotencyRecord.objects.filter(pk=identity).update(status=answer.status, body=_plain(answer.body))
        return answer

    return in_transaction(transaction)


def _reused() -> Answer:
    detail = "This key was used for another body. What is new needs a new key."
    return Answer(422, problem("idempotency_key_reused", status=422, detail=detail))


_CLAIM = """
WITH claimed AS (
  INSERT INTO idempotency_record (client_id, user_id, operation, key, fingerprint, status, body, created_at)
  VALUES (%(client)s, %(user)s, %(operation)s, %(key)s, %(fingerprint)s, 0, '{{}}', now())
  ON CONFLICT DO NOTHING RETURNING 1)
SELECT EXISTS (SELECT FROM claimed),
       EXISTS (SELECT FROM {table} WHERE client_id = %(client)s AND user_id = %(user)s AND idempotency_key = %(key)s)
"""


def _claim(
    identity: tuple[str, str, str, str], fingerprint: bytes, made_in: type[Transfer | ScheduledTransfer]
) -> tuple[bool, bool]:
    """Whether this is the first request with the key, as far as records go; whether something was made under it. Waits
    for one that is under way, at most lock_timeout."""
    client, user, operation, key = identity
    values: dict[str, Any] = {
        "client": client,
        "user": user,
        "operation": operation,
        "key": key,
        "fingerprint": fingerprint,
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM.format(table=made_in._meta.db_table), values)
            is_first, is_made = cursor.fetchone()
            return is_first, is_made
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
        return _reused()
    return Answer(record.status, record.body, is_replay=True)


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    """As JSON stores it: UUIDs become strings."""
    plain: dict[str, Any] = json.loads(json.dumps(body, default=str))
    return plain
