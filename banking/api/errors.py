"""DRF's exception handler: every refusal of the API becomes a problem document (RFC 9457)."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from banking.api.problem_types import PROBLEMS
from banking.api.problems import BadRequest, ProblemResponse, problem
from banking.api.refusals import problem_of
from banking.api.representations import Problem, ProblemPointer
from banking.ledger.refusals import Refusal
from banking.payments.refusals import NotTheirs, RequestInProgress, StrongProofNeeded
from oauth.infrastructure import outage
from oauth.infrastructure.rate_limits import LimitReached
from oauth.resource_server import InsufficientUserAuthentication

logger = logging.getLogger(__name__)

# Maps codes of DRF to problem types.
_CODES = {"parse_error": "malformed_request", "throttled": "rate_limited", "invalid": "malformed_request"}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Returns None for a bug, which Django then answers with 500."""
    set_rollback()
    return _answer(error)


def _answer(error: Exception) -> ProblemResponse | None:
    if isinstance(error, Refusal):
        headers = {"Retry-After": "2"} if isinstance(error, RequestInProgress) else None
        return ProblemResponse(problem_of(error), headers)
    if isinstance(error, StrongProofNeeded):
        error = InsufficientUserAuthentication(acr_values=(), max_age=settings.STEP_UP_MAX_AGE)
    if isinstance(error, outage.ERRORS):
        logger.error("The database is not available: %s", type(error).__name__)
        detail = "The bank cannot be reached at the moment. Repeat the same request."
        return ProblemResponse(problem("temporarily_unavailable", status=503, detail=detail), {"Retry-After": "2"})
    if isinstance(error, LimitReached):
        error = exceptions.Throttled(wait=error.retry_after_seconds)
    if isinstance(error, (Http404, NotTheirs)):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    return ProblemResponse(_api_problem(error), _headers(error))


def _api_problem(error: exceptions.APIException) -> Problem:
    code = _CODES.get(error.default_code, error.default_code)
    code = code if code in PROBLEMS else "malformed_request"
    if isinstance(error, exceptions.ValidationError):
        errors = list(_pointed(error.get_full_details(), ""))
        code = "unknown_member" if all(one["code"] == "unknown_member" for one in errors) else "malformed_request"
        return problem(code, status=error.status_code, detail="The body does not match the schema.", errors=errors)
    detail = PROBLEMS[code][1] if isinstance(error, exceptions.NotFound) else str(error.detail)
    parameter = error.parameter if isinstance(error, BadRequest) else ""
    pointed: list[ProblemPointer] = [{"pointer": f"/{parameter}", "code": code, "detail": detail}] if parameter else []
    return problem(code, status=error.status_code, detail=detail, errors=pointed)


def _pointed(details: Any, pointer: str) -> Any:
    """Turns DRF's nested error details into a list with JSON Pointers (RFC 6901)."""
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
