"""Answers to errors that no view handles: JSON at machine endpoints, otherwise a page."""

import logging
import sys
import traceback
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils import translation
from django_guid import get_guid

from accounts.addresses.outgoing_mail import MailServerAway
from accounts.login import next_url
from accounts.passwords.argon2 import TooManyHashes
from banking.api.problems import json_response, problem
from oauth.authorize.interaction import AskingClient
from oauth.conf import conf
from oauth.errors import described
from oauth.infrastructure import outage

logger = logging.getLogger(__name__)

OUTAGE_RETRY_AFTER_SECONDS = 2

# Raised when the database or the mail server is unreachable, too slow or has no connection left, or when too many users
# log in at the same time. An error of a statement is not an outage.
_OUTAGES = (*outage.ERRORS, MailServerAway, TooManyHashes)
_PROTOCOL = ("/oauth/", "/.well-known/", "/health/")
# Pages under /oauth/.
_PAGES = ("/oauth/authorize/", "/oauth/apps/", "/oauth/device/", "/oauth/requests/", "/oauth/logout/")


@dataclass(frozen=True)
class Failure:
    status: HTTPStatus
    oauth_error: str  # RFC 6749 §5.2, §4.1.2.1
    problem: str  # a key of banking.api.problem_types.PROBLEMS
    detail: str
    page: str = ""  # the name of the template, if it is not the status code


MALFORMED = Failure(HTTPStatus.BAD_REQUEST, "invalid_request", "malformed_request", "The request is malformed.")
CONTROL_CHARACTER = Failure(
    HTTPStatus.BAD_REQUEST, "invalid_request", "malformed_request", "The URL contains a control character."
)
TOO_LONG = Failure(HTTPStatus.REQUEST_URI_TOO_LONG, "invalid_request", "malformed_request", "The URL is too long.")
TOO_LARGE = Failure(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "invalid_request", "too_large", "The body of the request is too large."
)
FORBIDDEN = Failure(HTTPStatus.FORBIDDEN, "access_denied", "permission_denied", "You are not allowed to do this.")
FORM_EXPIRED = Failure(
    HTTPStatus.FORBIDDEN, "access_denied", "permission_denied", "The CSRF token of the form is missing or has expired.",
    page="403_csrf",
)  # fmt: skip
TOO_MANY = Failure(
    HTTPStatus.TOO_MANY_REQUESTS, "slow_down", "rate_limited", "Too many requests. Wait a minute, then try again."
)
NOT_FOUND = Failure(HTTPStatus.NOT_FOUND, "not_found", "not_found", "There is nothing at this URL.")
BUTTON_ONLY = Failure(
    HTTPStatus.METHOD_NOT_ALLOWED, "invalid_request", "method_not_allowed", "This URL only accepts forms."
)
BUG = Failure(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "server_error",
    "server_error",
    "An error occurred on our side. It is logged under this error ID.",
)
OUTAGE = Failure(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "temporarily_unavailable",
    "temporarily_unavailable",
    "The service is temporarily unavailable. Try again.",
)


def answer(request: HttpRequest, failure: Failure, *, reason: str = "") -> HttpResponse:
    """The failure in the format of the caller: RFC 9457 for the API, RFC 6749 §5.2 for the protocol, or a page. Staff
    who search for the error ID see `reason` in addition to the failure's detail.
    """
    response: HttpResponse
    path = request.path_info
    if path.startswith("/api/"):
        response = json_response(problem(failure.problem, status=failure.status, detail=failure.detail))
    elif path.startswith(_PROTOCOL) and not f"{path}/".startswith(_PAGES):
        body = {"error": failure.oauth_error, "error_description": described(failure.detail, get_guid() or "")}
        response = JsonResponse(body, status=failure.status)
        response["X-Error-Id"] = get_guid() or ""
    else:
        # Renders without request and context processors, because these may need the unreachable database. The language
        # is chosen here, because the request may not have reached the middleware that does it.
        waiting = [] if failure in (OUTAGE, TOO_LARGE) else _waiting(request)
        context = {"request_id": get_guid(), "waiting": waiting, **_way_back(request, waiting)}
        with translation.override(translation.get_language_from_request(request)):
            page = render_to_string(f"{failure.page or failure.status.value}.html", context)
        response = HttpResponse(page, status=failure.status)
        if waiting:
            # Browsers apply form-action to the redirect to the app, too; django-csp reads this.
            response._csp_update = {"form-action": list(waiting[0].form_action)}  # type: ignore[attr-defined]
    response["Cache-Control"] = "no-store"
    response.told = {  # type: ignore[attr-defined]  # config.http.refused_requests reads it
        "error_id": get_guid() or "",
        "endpoint": "api" if path.startswith("/api/") else "protocol" if path.startswith(_PROTOCOL) else "page",
        "error": failure.problem,
        "reason": " ".join(filter(None, (failure.detail, reason))),
    }
    if failure is OUTAGE:
        response["Retry-After"] = str(OUTAGE_RETRY_AFTER_SECONDS)
    return response


def _waiting(request: HttpRequest) -> list[AskingClient]:
    """The apps whose requests the user has not finished, so that the error page can link back to them. Empty if they
    cannot be read: the page must still report the original error.
    """
    try:
        return next_url.apps_of_refused(request)
    except (*_OUTAGES, DatabaseError) as error:
        logger.warning("An error page does not name the app: %s: %s", type(error).__name__, error)
        return []


def _way_back(request: HttpRequest, waiting: list[AskingClient]) -> dict[str, Any]:
    """The data for the button that returns to the app with a refusal. Its form needs a CSRF token, which exists only
    after CsrfViewMiddleware has processed the request. Before that, the page links to the consent page, where the user
    can deny.
    """
    if not waiting or not hasattr(request, "user"):
        return {}
    return {"asking_client": waiting[0], "csrf_token": get_token(request)}


def is_page(path: str) -> bool:
    """Whether users open this path in a browser."""
    return not path.startswith("/api/") and (not path.startswith(_PROTOCOL) or f"{path}/".startswith(_PAGES))


def is_outage(error: BaseException | None) -> bool:
    return isinstance(error, _OUTAGES)


# --- Django's handler400, handler403, handler404 and handler500


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    is_too_large = isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent)
    return answer(request, TOO_LARGE if is_too_large else MALFORMED)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, FORBIDDEN)


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW. The page offers to continue, so that a stale form does not lose an app's request."""
    if conf.is_machine_endpoint(request.path_info):
        return answer(request, FORM_EXPIRED, reason=reason)
    return next_url.after_stale_form(request) or answer(request, FORM_EXPIRED, reason=reason)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """Also handles an outage inside a middleware, such as the session's, because process_exception is not called for
    it.
    """
    error = sys.exception()
    return answer(request, OUTAGE if is_outage(error) else BUG, reason=_place_of(error))


def _place_of(error: BaseException | None) -> str:
    """The class of the exception and the line that raised it. The text of the exception is left out, because it may
    contain values of the request.
    """
    if error is None:
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
