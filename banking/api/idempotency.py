"""Idempotency-Key (IETF draft, RELIABILITY §1.2): the record and the work commit together, in PostgreSQL.

A twin waits at the unique index until the first one ends, then replays its answer.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, OperationalError, connection
from django.http import Http404
from psycopg.errors import LockNotAvailable
from rest_framework.request import Request
from rest_framework.response import Response

from banking.api.problems import MEDIA_TYPE, BadRequest, Conflict, problem, refusal_problem
from banking.ledger import in_transaction
from banking.ledger.refusals import LedgerRefusal
from banking.models import IdempotencyRecord

_ONCE = ("transfer_once", "scheduled_once")
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


def answer_once(
    request: Request,
    operation: str,
    body: dict[str, Any],
    work: Callable[[str], dict[str, Any]],
    *,
    made_before: Callable[[str], dict[str, Any]],
    at: str,
) -> Response:
    """The answer to a POST that makes something, once per Idempotency-Key; `at` is where it then is.

    Records go after a week. What was made keeps its key for ever: a retry that comes later is answered with
    `made_before`, if that is what the body asks for.
    """
    key = key_of(request)
    claims = request.auth.claims  # type: ignore[union-attr]
    if claims.user_id is None:
        raise Http404  # a client acting for itself has nothing here
    try:
        answer = once(
            client_id=claims.client_id,
            user_id=claims.user_id,
            operation=operation,
            key=key,
            body=body,
            work=lambda: work(key),
        )
    except IntegrityError as error:
        if getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") not in _ONCE:
            raise
        answer = _late(_plain(made_before(key)), _plain(body))
    response = Response(answer.body, status=answer.status)
    if answer.status == 201:
        response["Location"] = f"/api/v1/{at}/{answer.body['id']}"
    else:
        response.content_type = MEDIA_TYPE
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


def _late(made: dict[str, Any], asked: dict[str, Any]) -> Answer:
    is_same = (made["amount"], made["source"]["account_id"], made["reference"]) == (
        asked["amount"], asked["source_account_id"], asked["reference"],
    )  # fmt: skip
    return Answer(201, made, is_replay=True) if is_same else _reused()


def _reused() -> Answer:
    detail = "This key was used for another body. What is new needs a new key."
    return Answer(422, problem("idempotency_key_reused", status=422, detail=detail))


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
        return _reused()
    return Answer(record.status, record.body, is_replay=True)


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    """As JSON stores it: UUIDs become strings."""
    plain: dict[str, Any] = json.loads(json.dumps(body, default=str))
    return plain
