"""The Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header), and the response to a POST that creates an
object once per key.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from django.urls import get_script_prefix
from rest_framework.request import Request

from banking.api.problems import BadRequest, ProblemResponse
from banking.api.query import HeaderParameter
from banking.api.refusals import problem_of, status_of
from banking.api.representations import Problem
from banking.api.responses import Created
from banking.ledger.refusals import Refusal
from banking.models import Exchange, ScheduledTransfer, Transfer
from banking.payments.idempotency import Answer, IdempotentRequest, Made, run_idempotent

# A string of RFC 8941 §3.3.3 or, as many clients send it, the same characters without quotes: 16 to 255 of visible
# ASCII.
_HEADER = '"([!-~]{16,255})"|([!#-~][!-~]{15,254})'
IDEMPOTENCY_KEY = HeaderParameter(
    "Idempotency-Key",
    "A random value, new for each order and the same for each retry. Kept for 7 days; for transfers, forever.",
    pattern=f"^({_HEADER})$",
)


def key_of(request: Request) -> str:
    """The key of the request, which may be a structured-field string or, as many clients send it, without quotes.
    Raises BadRequest.
    """
    header = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if header is None:
        raise BadRequest("idempotency_key_missing", "Send an Idempotency-Key header with a new random key.")
    key = re.fullmatch(_HEADER, header)
    if key is None:
        raise BadRequest("idempotency_key_invalid", "The Idempotency-Key must be 16 to 255 visible ASCII characters.")
    return key[1] or key[2]


def create_once(
    request: IdempotentRequest,
    create: Callable[[], Mapping[str, Any]],
    *,
    made_in: type[Transfer | ScheduledTransfer | Exchange],
    made_before: Callable[[], Made],
    collection: str,
) -> Created[Any] | ProblemResponse:
    """201 with the Location of the object that `create` made, or the problem document of its refusal. Each retry gets
    the same response. `collection` is the path of the collection.
    """

    def work() -> Answer:
        try:
            return Answer(201, create())
        except Refusal as refusal:
            return refused(refusal)

    return response_to(run_idempotent(request, work, made_in=made_in, made_before=made_before), collection)


def refused(refusal: Refusal) -> Answer:
    """The problem document that is stored with the key. Raises the refusal if the key must stay unused."""
    if not refusal.is_final:
        raise refusal
    return Answer(status_of(refusal), problem_of(refusal))


def response_to(answer: Answer, collection: str) -> Created[Any] | ProblemResponse:
    response: Created[Any] | ProblemResponse
    if answer.status == 201:
        response = Created(answer.body, location=f"{get_script_prefix()}api/v1/{collection}/{answer.body['id']}")
    else:
        response = ProblemResponse(cast(Problem, answer.body))
    if answer.is_replay:
        response["Idempotent-Replayed"] = "true"
    return response
