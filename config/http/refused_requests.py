"""Remembers errors of the API and of pages under the error ID of the answer, so that the admin's search finds them.

Refusals of the protocol are recorded by oauth.audit.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from banking.models.account_queryset import user_id_of
from oauth.audit import refused_requests
from oauth.tokens.access_token import AccessToken

GetResponse = Callable[[HttpRequest], HttpResponse]


class RememberRefusedRequests:
    """Wraps both middleware chains, so that it sees every answer. A request that is not refused costs one
    comparison.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code >= 400:
            told = getattr(response, "told", None) or _problem(response)
            if told is not None:
                refused_requests.remember(request, status=response.status_code, **told, **_caller(request, response))
        return response


def _problem(response: HttpResponse) -> dict[str, str] | None:
    """The text of a problem document of the API (RFC 9457 §3.1)."""
    body: Any = getattr(response, "data", None)
    error_id = response.headers.get("X-Error-Id", "")
    if not error_id or not isinstance(body, dict) or "code" not in body:
        return None
    pointed = " ".join(f"{one['pointer']}: {one['code']}." for one in body.get("errors", ())[:5])
    reason = f"{body['detail']} {pointed}".removesuffix(" ")
    return {"error_id": error_id, "endpoint": "api", "error": body["code"], "reason": reason}


def _caller(request: HttpRequest, response: HttpResponse) -> dict[str, str]:
    """The user, if already known: this must not query the database."""
    drf: Any = (getattr(response, "renderer_context", None) or {}).get("request")
    token = getattr(drf, "_auth", None)
    if isinstance(token, AccessToken):
        return {"user": str(user_id_of(token) or ""), "client": token.claims.client_id}
    session: Any = getattr(request, "session", None)
    known = getattr(session, "_session_cache", None) or {}  # another part of the site has read it already
    return {"user": str(known.get("_auth_user_id", ""))}
