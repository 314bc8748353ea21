"""The answers to requests that are not run because the server has too many (config/server/admission.py), or because
their body is too large (config/server/bodies.py).

WSGI applications without middleware: they must cost little, and need neither the database nor the cache.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIEnvironment

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.template.loader import render_to_string
from django.urls import set_script_prefix
from django.utils import translation
from django_guid import set_guid
from django_guid.utils import get_id_from_header

from config.http import errors
from oauth.conf import conf
from oauth.pages import brand

# The same headers as in the short chain (oauth/fast_path/machine_middleware.py), except that a page may load its style
# sheet.
_HEADERS = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"}
_CSP_OF_A_PAGE = "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; frame-ancestors 'none'"
_CSP_OF_A_MACHINE = "default-src 'none'; frame-ancestors 'none'"
#: A placeholder for the error ID in the stored page, of the same length.
_ANY_ID = "0" * 32


def overloaded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """503 with Retry-After, in the caller's format."""
    return _in_format_of_caller(environ, start_response, errors.OUTAGE)


def too_large(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """413, in the caller's format. The page is stored, because the request has no slot."""
    request = WSGIRequest(environ)
    if not errors.is_page(request.path_info):
        return _in_format_of_caller(environ, start_response, errors.TOO_LARGE)
    return _stored_page(environ, start_response, errors.TOO_LARGE.status, "413.html", {})


def _in_format_of_caller(
    environ: WSGIEnvironment, start_response: StartResponse, failure: errors.Failure
) -> Iterable[bytes]:
    request = WSGIRequest(environ)
    guid = get_id_from_header(request)
    set_guid(guid)
    response = errors.answer(request, failure)
    is_machine = conf.is_machine_endpoint(request.path_info)
    headers = {
        **dict(response.items()),
        **_HEADERS,
        **_of_transport(request),
        "X-Request-Id": guid,
        "Content-Length": str(len(response.content)),
        "Content-Security-Policy": _CSP_OF_A_MACHINE if is_machine else _CSP_OF_A_PAGE,
    }
    if is_machine and "HTTP_ORIGIN" in environ:
        # A script of a browser app must see the status (Fetch standard, CORS).
        headers |= {"Access-Control-Allow-Origin": "*", "Vary": "origin"}
        headers["Access-Control-Expose-Headers"] = ", ".join(settings.CORS_EXPOSE_HEADERS)
    start_response(f"{response.status_code} {response.reason_phrase}", list(headers.items()))
    return [response.content]


def too_many_logins(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """503 with Retry-After, as a page. It is the same for everybody, so a flood of logins costs little: the server
    reads neither the form nor a session, and no rate limit counts it.
    """
    retry_after = {"Retry-After": str(errors.OUTAGE_RETRY_AFTER_SECONDS)}
    return _stored_page(environ, start_response, errors.OUTAGE.status, "503_logins.html", retry_after)


def _stored_page(
    environ: WSGIEnvironment, start_response: StartResponse, status: HTTPStatus, template: str, more: Mapping[str, str]
) -> Iterable[bytes]:
    request = WSGIRequest(environ)
    language = translation.get_language_from_request(request)
    guid = get_id_from_header(request)
    page = _page(template, language, brand.known(), environ.get("SCRIPT_NAME", ""))
    body = page.replace(_ANY_ID.encode(), guid.encode())
    headers = {
        **_HEADERS,
        **_of_transport(request),
        "Content-Type": "text/html; charset=utf-8",
        "Content-Language": language,
        "Content-Length": str(len(body)),
        "Content-Security-Policy": _CSP_OF_A_PAGE,
        "Cache-Control": "no-store",
        "X-Request-Id": guid,
        **more,
    }
    start_response(f"{status} {status.phrase}", list(headers.items()))
    return [body]


@lru_cache(maxsize=64)
def _page(template: str, language: str, _brand: brand.Brand, prefix: str) -> bytes:
    """The page, rendered once, and again when the branding has changed."""
    set_script_prefix(f"{prefix}/")
    with translation.override(language):
        return render_to_string(template, {"request_id": _ANY_ID}).encode()


def _of_transport(request: WSGIRequest) -> dict[str, str]:
    if not settings.SECURE_HSTS_SECONDS or not request.is_secure():
        return {}
    return {"Strict-Transport-Security": f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"}
