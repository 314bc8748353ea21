"""Errors of the API as problem details (RFC 9457): terse, exact, the same for what is not yours and what is not."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, JsonResponse
from django_guid import get_guid
from psycopg_pool import PoolTimeout
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from banking.ledger.refusals import LedgerRefusal
from oauth.errors import TooManyRequests

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"

#: code -> (title, what the reader can do). Documented at /problems/<code>.
PROBLEMS: dict[str, tuple[str, str]] = {
    "malformed_request": ("The request is malformed", "Correct what `errors` points at and send it again."),
    "unknown_member": ("The body has a member that is not known", "Remove the member; see the schema."),
    "unknown_parameter": ("The URL has a parameter that is not known", "Remove it; see the schema."),
    "invalid_cursor": ("The cursor is not valid", "Start again without a cursor; cursors are not shared or edited."),
    "idempotency_key_missing": ("The Idempotency-Key header is missing", "Send a new random key per transfer."),
    "idempotency_key_invalid": ("The Idempotency-Key is not valid", "16 to 255 visible ASCII characters."),
    "invalid_request": ("The Authorization header is malformed", "Send “Bearer”, one space and the access token."),
    "invalid_token": ("The access token is not valid", "Refresh it; if that fails, ask the person to log in."),
    "invalid_dpop_proof": ("The DPoP proof is not valid", "Make a new proof for this request; see the detail."),
    "use_dpop_nonce": ("The proof needs a nonce", "Repeat the request with the nonce of the DPoP-Nonce header."),
    "insufficient_user_authentication": (
        "The log-in is too old or too weak for this",
        "Ask the person to log in again, with the acr_values and max_age of WWW-Authenticate (RFC 9470).",
    ),
    "not_authenticated": ("An access token is needed", "Follow resource_metadata in WWW-Authenticate."),
    "insufficient_scope": ("The token lacks a scope", "Ask the person for the scope in WWW-Authenticate."),
    "account_holder_inactive": ("The person's account is disabled", "Nothing can be moved; the person contacts us."),
    "permission_denied": ("This is not allowed", "The token does not allow it."),
    "not_found": ("There is nothing here for you", "Unknown, not this person's, or not shared with this app."),
    "method_not_allowed": ("The method is not allowed here", "See the Allow header."),
    "not_acceptable": ("The requested format is not available", "Accept application/json."),
    "request_in_progress": ("A request with this key is still running", "Wait for Retry-After, then repeat it."),
    "transfer_not_cancellable": ("The transfer cannot be cancelled", "Only what is pending here can be."),
    "duplicate_transfer": ("This was ordered a moment ago", "See duplicate_of; if it is meant, wait a minute."),
    "already_reversed": ("The transaction was reversed before", "It happens once."),
    "scheduled_transfer_not_active": ("The order is not active", "It is completed, or was cancelled before."),
    "confidential_clients_only": ("Not for this kind of client", "Webhooks need a client with a server of its own."),
    "too_many_webhooks": ("There are enough webhooks", "Remove one first."),
    "limit_exceeded": ("More than may go there now", "See the detail: new payees have a limit for a day."),
    "authorization_already_used": ("The transfer was made already", "Each needs the person's own consent."),
    "insufficient_authorization": ("The person allowed something else", "Ask them for this very transfer (RFC 9396)."),
    "account_not_open": ("The account is not open", "Frozen accounts only receive; closed ones do neither."),
    "too_many_orders": ("There are enough orders", "The person cancels one first."),
    "scheduled_transfer_not_held": ("The order is not on hold", "It is active, or only the bank can release it."),
    "too_large": ("The body is too large", "At most 64 KiB."),
    "unsupported_media_type": ("The media type is not supported", "Send application/json."),
    "rate_limited": ("Too many requests", "Wait for Retry-After."),
    "idempotency_key_reused": ("The key was used for another body", "A new transfer needs a new key."),
    "insufficient_funds": ("Not enough money", "Nothing was moved."),
    "currency_mismatch": ("The currencies differ", "Source, destination and amount need one currency."),
    "same_account": ("Source and destination are the same", "Choose another destination."),
    "amount_out_of_range": ("The amount is out of range", "Between 1 and 10^15 minor units."),
    "payee_unreachable": ("The destination cannot be paid", "Check it with the payee."),
    "server_error": ("Something went wrong on our side", "It is logged; repeat with the same Idempotency-Key."),
    "temporarily_unavailable": ("Not available at the moment", "Wait for Retry-After and repeat the same request."),
}  # fmt: skip

# DRF's codes under our names.
_CODES = {"parse_error": "malformed_request", "throttled": "rate_limited", "invalid": "malformed_request"}


class TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = "The body is larger than 64 KiB."


class BadRequest(exceptions.APIException):
    """400 under any code of PROBLEMS."""

    status_code = status.HTTP_400_BAD_REQUEST

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail, code)
        self.default_code = code


class Conflict(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT

    def __init__(self, code: str, detail: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(detail, code)
        self.default_code = code
        self.wait = retry_after_seconds


def problem(code: str, *, status: int, detail: str, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """The members of a problem document; `code` is a key of PROBLEMS. Its detail ends with the error id."""
    error_id = get_guid()
    body: dict[str, Any] = {
        "type": f"{settings.ISSUER}/problems/{code}",
        "title": PROBLEMS[code][0],
        "status": status,
        "detail": f"{detail} (error id {error_id})",
        "instance": f"urn:uuid:{error_id}",
        "code": code,
    }
    if errors:
        body["errors"] = errors
    return body


def error_id_of(body: dict[str, Any]) -> str:
    """The id of a problem document. A replayed refusal keeps the id of the first request."""
    return str(body["instance"]).removeprefix("urn:uuid:")


def refusal_problem(refusal: LedgerRefusal) -> dict[str, Any]:
    errors = [{"pointer": refusal.pointer, "code": refusal.code, "detail": refusal.detail}] if refusal.pointer else None
    return problem(refusal.code, status=refusal.status, detail=refusal.detail, errors=errors) | refusal.members


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook: every refusal of the API becomes a problem; a bug stays a bug (and is answered 500 as one)."""
    set_rollback()
    if isinstance(error, LedgerRefusal):
        return _response(refusal_problem(error))
    if isinstance(error, (OperationalError, InterfaceError, PoolTimeout)):
        logger.error("database not available: %s", type(error).__name__)
        detail = "The bank cannot be reached at the moment. Repeat the same request."
        return _response(problem("temporarily_unavailable", status=503, detail=detail), {"Retry-After": "2"})
    if isinstance(error, TooManyRequests):
        error = exceptions.Throttled(wait=error.retry_after_seconds)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    return _response(_problem_of(error), _headers(error))


def _problem_of(error: exceptions.APIException) -> dict[str, Any]:
    code = _CODES.get(error.default_code, error.default_code)
    code = code if code in PROBLEMS else "malformed_request"
    if isinstance(error, exceptions.ValidationError):
        errors = list(_pointed(error.get_full_details(), ""))
        code = "unknown_member" if all(one["code"] == "unknown_member" for one in errors) else "malformed_request"
        return problem(code, status=error.status_code, detail="The body does not fit the schema.", errors=errors)
    detail = PROBLEMS[code][1] if isinstance(error, exceptions.NotFound) else str(error.detail)
    return problem(code, status=error.status_code, detail=detail)


def _pointed(details: Any, pointer: str) -> Any:
    """DRF's nested details as JSON Pointers (RFC 6901)."""
    if isinstance(details, list):
        for index, item in enumerate(details):
            yield from _pointed(item, pointer if isinstance(item, dict) and "message" in item else f"{pointer}/{index}")
    elif set(details) == {"message", "code"} and not isinstance(details["message"], (dict, list)):
        yield {"pointer": pointer or "/", "code": details["code"], "detail": str(details["message"])}
    else:
        for name, value in details.items():
            escaped = str(name).replace("~", "~0").replace("/", "~1")
            yield from _pointed(value, pointer if name == "non_field_errors" else f"{pointer}/{escaped}")


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return headers


def _response(body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    headers = {"X-Error-Id": error_id_of(body), **(headers or {})}
    return Response(body, status=body["status"], headers=headers, content_type=MEDIA_TYPE)


def json_response(body: dict[str, Any]) -> JsonResponse:
    headers = {"X-Error-Id": error_id_of(body)}
    return JsonResponse(body, status=body["status"], headers=headers, content_type=MEDIA_TYPE)
