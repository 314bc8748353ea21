"""The Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header), and the answer to a POST that creates
something once per key."""

import re
from collections.abc import Callable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from banking.api.problems import MEDIA_TYPE, BadRequest, error_id_of
from banking.api.refusals import problem_of, status_of
from banking.ledger.refusals import Refusal
from banking.models import ScheduledTransfer, Transfer
from banking.payments.idempotency import Answer, IdempotentRequest, Made, run_idempotent

_KEY = re.compile(r"[\x21-\x7e]{16,255}")


def key_of(request: Request) -> str:
    """The key: a structured-field string or, as many clients send it, without quotes. Raises BadRequest."""
    header = request.headers.get("Idempotency-Key")
    if header is None:
        raise BadRequest("idempotency_key_missing", "Send an Idempotency-Key header with a new random key.")
    key = header[1:-1] if len(header) > 1 and header[0] == header[-1] == '"' else header
    if not _KEY.fullmatch(key):
        raise BadRequest("idempotency_key_invalid", "The Idempotency-Key must be 16 to 255 visible ASCII characters.")
    return key


def create_once(
    request: IdempotentRequest,
    create: Callable[[], dict[str, Any]],
    *,
    made_in: type[Transfer | ScheduledTransfer],
    made_before: Callable[[], Made],
    collection: str,
) -> Response:
    """201 with the Location of what `create` made, or the problem document of its refusal. Each retry gets the same
    answer. `collection` is the path of the collection."""

    def work() -> Answer:
        try:
            return Answer(201, create())
        except Refusal as refusal:
            if not refusal.is_final:
                raise
            return Answer(status_of(refusal), problem_of(refusal))

    answer = run_idempotent(request, work, made_in=made_in, made_before=made_before)
    response = Response(answer.body, status=answer.status)
    if answer.status == 201:
        response["Location"] = f"/api/v1/{collection}/{answer.body['id']}"
    else:
        response.content_type = MEDIA_TYPE
        response["X-Error-Id"] = error_id_of(answer.body)
    if answer.is_replay:
        response["Idempotent-Replayed"] = "true"
    return response
