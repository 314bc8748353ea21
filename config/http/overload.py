"""The answer to a request that is not run because the server has too many (config/server/admission.py).

A WSGI application without middleware: it must cost little, and need neither the database nor the cache.
"""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django_guid import set_guid
from django_guid.utils import generate_guid

from config.http import errors
from oauth.conf import conf

# As the short chain sends them (oauth/fast_path/machine_middleware.py). A page may load its style sheet.
_HEADERS = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"}
_CSP_OF_A_PAGE = "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; frame-ancestors 'none'"
_CSP_OF_A_MACHINE = "default-src 'none'; frame-ancestors 'none'"


def overloaded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """503 with Retry-After, in the caller's format."""
    request = WSGIRequest(environ)
    guid = generate_guid()
    set_guid(guid)
    response = errors.answer(request, errors.OUTAGE)
    is_machine = conf.is_machine_endpoint(request.path_info)
    headers = {
        **dict(response.items()),
        **_HEADERS,
        "X-Request-Id": guid,
        "Content-Length": str(len(response.content)),
        "Content-Security-Policy": _CSP_OF_A_MACHINE if is_machine else _CSP_OF_A_PAGE,
    }
    if settings.SECURE_HSTS_SECONDS and request.is_secure():
        headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
    if is_machine and "HTTP_ORIGIN" in environ:
        # A script of a browser app must see the status (Fetch standard, CORS).
        headers |= {"Access-Control-Allow-Origin": "*", "Vary": "origin"}
        headers["Access-Control-Expose-Headers"] = ", ".join(settings.CORS_EXPOSE_HEADERS)
    start_response(f"{response.status_code} {response.reason_phrase}", list(headers.items()))
    return [response.content]
