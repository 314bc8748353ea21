"""The authorization response (RFC 6749 §4.1.2) with `iss` on success and error alike (RFC 9207 §2)."""

from urllib.parse import urlencode, urlsplit, urlunsplit

from django.http import HttpResponse

from oauth.conf import conf
from oauth.errors import OAuthError


def success(redirect_uri: str, *, code: str, state: str | None) -> HttpResponse:
    return _redirect(redirect_uri, {"code": code, "state": state})


def error(redirect_uri: str, refusal: OAuthError, *, state: str | None) -> HttpResponse:
    return _redirect(
        redirect_uri,
        {
            "error": refusal.code,
            "error_description": _printable(f"{refusal.description} (error id {refusal.error_id})"),
            "state": state,
        },
    )


def _redirect(redirect_uri: str, parameters: dict[str, str | None]) -> HttpResponse:
    """303 See Other: a browser never repeats the POST with the person's input to the client (RFC 9700 §4.12)."""
    parts = urlsplit(redirect_uri)
    query = urlencode({name: value for name, value in (parameters | {"iss": conf.ISSUER}).items() if value is not None})
    location = urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))
    # Not HttpResponseRedirect: its list of schemes knows nothing of com.example.app:/callback (RFC 8252 §7.1).
    return HttpResponse(status=303, headers={"Location": location})


def _printable(description: str) -> str:
    """RFC 6749 §4.1.2.1: %x20-21 / %x23-5B / %x5D-7E."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in description)
