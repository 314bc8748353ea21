"""Answers for what no view answered: JSON where programs ask, a page where people do."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django_guid import get_guid

_JSON_PREFIXES = ("/api/", "/oauth/", "/.well-known/", "/health/")
_PAGES = ("/oauth/authorize", "/oauth/apps", "/oauth/device")


def answer(request: HttpRequest, status: HTTPStatus, code: str, detail: str) -> HttpResponse:
    """`code` and `detail` in the form of the caller's protocol: RFC 9457, RFC 6749 §5.2, or a page."""
    response: HttpResponse
    if request.path.startswith("/api/"):
        body = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": detail,
            "instance": f"urn:uuid:{get_guid()}",
            "code": code,
        }
        response = JsonResponse(body, status=status, content_type="application/problem+json")
    elif request.path.startswith(_JSON_PREFIXES) and not request.path.startswith(_PAGES):
        response = JsonResponse({"error": code, "error_description": detail, "error_id": get_guid()}, status=status)
    else:
        # Without request and context processors: they may need the database that is down.
        page = render_to_string(f"{status.value}.html", {"request_id": get_guid(), "detail": detail})
        response = HttpResponse(page, status=status)
    response["Cache-Control"] = "no-store"
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = "2"
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, HTTPStatus.BAD_REQUEST, "invalid_request", "The request is malformed.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, HTTPStatus.FORBIDDEN, "access_denied", "You may not do this.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, HTTPStatus.NOT_FOUND, "not_found", "There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    detail = "Something went wrong on our side. It is logged under this id."
    return answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, "server_error", detail)
