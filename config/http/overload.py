"""The answers to requests that are not run because the server has too many (config/server/admission.py).

WSGI applications without middleware: they must cost little, and need neither the database nor the cache.
"""

from collections.abc import Iterable
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
_BUSY = f"{HTTPStatus.SERVICE_UNAVAILABLE} {HTTPStatus.SERVICE_UNAVAILABLE.phrase}"


def overloaded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """503 with Retry-After, in the caller's format."""
    request = WSGIRequest(environ)
    guid = get_id_from_header(request)
    set_guid(guid)
    response = errors.answer(request, errors.OUTAGE)
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
    request = WSGIRequest(environ)
    language = translation.get_language_from_request(request)
    guid = get_id_from_header(request)
    body = _page(language, brand.known(), environ.get("SCRIPT_NAME", "")).replace(_ANY_ID.encode(), guid.encode())
    headers = {
        **_HEADERS,
        **_of_transport(request),
        "Content-Type": "text/html; charset=utf-8",
        "Content-Language": language,
        "Content-Length": str(len(body)),
        "Content-Security-Policy": _CSP_OF_A_PAGE,
        "Cache-Control": "no-store",
        "Retry-After": str(errors.OUTAGE_RETRY_AFTER_SECONDS),
        "X-Request-Id": guid,
    }
    start_response(_BUSY, list(headers.items()))
    return [body]


@lru_cache(maxsize=64)
def _page(language: str, _brand: brand.Brand, prefix: str) -> bytes:
    """The page, rendered once, and again when the branding has changed."""
    set_script_prefix(f"{prefix}/")
    with translation.override(language):
        return render_to_string("503_logins.html", {"request_id": _ANY_ID}).encode()


def _of_transport(request: WSGIRequest) -> dict[str, str]:
    if not settings.SECURE_HSTS_SECONDS or not request.is_secure():
        return {}
    return {"Strict-Transport-Security": f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"}
