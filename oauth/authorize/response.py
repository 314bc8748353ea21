"""The authorization response (RFC 6749 §4.1.2) with `iss` on success and error alike (RFC 9207 §2).

Travels in the query, in the fragment (implicit flow only), or in a form that the browser posts
(OAuth 2.0 Form Post Response Mode); each of them also signed as a JWT (JARM).
"""

import time
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from oauth.conf import conf
from oauth.errors import LoginRequired, OAuthError
from oauth.infrastructure import display_names
from oauth.models import Client
from oauth.models.client import is_plain_host
from oauth.tokens.signing import signer

SIGNED_ANSWER_SECONDS = 600


class Destination(Protocol):
    """A proven address of a client: of a valid request, or of one whose client is to be told what is wrong."""

    @property
    def redirect_uri(self) -> str: ...
    @property
    def response_mode(self) -> str: ...
    @property
    def state(self) -> str | None: ...


def success(request: HttpRequest, to: Destination, client: Client, parameters: dict[str, str]) -> HttpResponse:
    """`code`, or what the implicit flow gives."""
    return _send(request, to, client, parameters)


def error(request: HttpRequest, to: Destination, client: Client, refusal: OAuthError) -> HttpResponse:
    """Goes to the client by itself only if that cannot serve a stranger as a redirect through this site."""
    answer = {"error": refusal.code, "error_description": refusal.told}
    return _send(request, to, client, answer, asks_first=_is_open_redirect(request, client, refusal))


def _is_open_redirect(request: HttpRequest, client: Client, refusal: OAuthError) -> bool:
    """RFC 9700 §4.11.2: a link with a deliberate mistake takes a browser to whatever the client registered. An error
    redirects by itself only for a client that somebody here looked at, or a user who is logged in.

    Silent authentication is excepted there. In a hidden frame, where it belongs, nobody could press a button and
    nobody is deceived by an address. All current browsers say when the answer becomes the page itself
    (Sec-Fetch-Dest: document), which is what a link in a mail opens.
    """
    if client.is_vouched_for or request.user.is_authenticated:
        return False
    is_silent = isinstance(refusal, LoginRequired)
    return not is_silent or request.headers.get("Sec-Fetch-Dest") == "document"


def form_action(redirect_uri: str) -> tuple[str, ...]:
    """Sources for CSP form-action: browsers apply it to the redirect that follows a form, too."""
    parts = urlsplit(redirect_uri)
    if parts.scheme not in ("http", "https"):
        return ("'self'", f"{parts.scheme}:")
    host = parts.hostname or ""
    if not is_plain_host(host):  # registered before hosts were checked: no source is made of it
        return ("'self'",)
    host = f"[{host}]" if ":" in host else host
    return ("'self'", f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else ""))


def _send(
    request: HttpRequest, to: Destination, client: Client, parameters: dict[str, str], *, asks_first: bool = False
) -> HttpResponse:
    parameters = parameters | ({} if to.state is None else {"state": to.state}) | {"iss": conf.ISSUER}
    if to.response_mode.endswith("jwt"):
        parameters = {"response": _signed(client, parameters)}
    if to.response_mode.startswith("form_post"):
        if asks_first:
            return leaving(request, client, to.redirect_uri, form=parameters)
        return _form(request, to.redirect_uri, parameters)
    answer = _redirect(to.redirect_uri, parameters, in_fragment=to.response_mode.startswith("fragment"))
    return leaving(request, client, answer["Location"]) if asks_first else answer


def leaving(
    request: HttpRequest, client: Client, location: str, *, form: Mapping[str, str] | None = None
) -> HttpResponse:
    """A page that says which host the browser would go to; the user goes there, or not."""
    parts = urlsplit(location)
    context = {
        "client": client,
        "host": display_names.host(parts.hostname) if parts.hostname else f"{parts.scheme}:",
        "location": location,
        "form": form,
    }
    page = render(request, "oauth/leaving.html", context)
    page._csp_update = {"form-action": list(form_action(location))}  # type: ignore[attr-defined]
    return page


def _signed(client: Client, parameters: dict[str, str]) -> str:
    """JARM §2.1: the answer in a JWT, for this client, good for ten minutes."""
    payload = {**parameters, "aud": client.client_id, "exp": int(time.time()) + SIGNED_ANSWER_SECONDS}
    algorithm = client.authorization_signed_response_alg or conf.SIGNING_ALGORITHM
    return signer(typ="JWT", algorithm=algorithm).encode(payload)


def _redirect(redirect_uri: str, parameters: dict[str, str], *, in_fragment: bool) -> HttpResponse:
    """303 See Other: a browser never repeats the POST with the person's input to the client (RFC 9700 §4.12)."""
    parts = urlsplit(redirect_uri)
    encoded = urlencode(parameters)
    if in_fragment:
        location = urlunsplit(parts._replace(fragment=encoded))
    else:
        location = urlunsplit(parts._replace(query=f"{parts.query}&{encoded}" if parts.query else encoded))
    # Not HttpResponseRedirect: its list of schemes knows nothing of com.example.app:/callback (RFC 8252 §7.1).
    return HttpResponse(status=303, headers={"Location": location})


def _form(request: HttpRequest, redirect_uri: str, parameters: dict[str, str]) -> HttpResponse:
    """Posts itself by a script of ours; without scripts the person presses the button."""
    page = render(request, "oauth/form_post.html", {"action": redirect_uri, "parameters": parameters})
    # django-csp merges this into the site's policy.
    page._csp_update = {"form-action": list(form_action(redirect_uri))}  # type: ignore[attr-defined]
    return page
