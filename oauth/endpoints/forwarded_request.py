"""The API request that a gateway wants verified, as described by the gateway.

nginx and HAProxy send X-Original-Method and X-Original-URI, Traefik and Caddy send X-Forwarded-Method and
X-Forwarded-Uri. Envoy uses the request's method and appends its path to the URL of the endpoint.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from django.http import HttpRequest

from oauth.errors import InvalidRequest

_CONVENTIONS = (
    ("HTTP_X_ORIGINAL_METHOD", "HTTP_X_ORIGINAL_URI"),
    ("HTTP_X_FORWARDED_METHOD", "HTTP_X_FORWARDED_URI"),
)
# RFC 9110 §9.1, §5.6.2: a method is a token.
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")


@dataclass(frozen=True, slots=True)
class ForwardedRequest:
    """`path` has no query and is decoded as in WSGI. `META` is that of the gateway's own request, with the client's
    token, its DPoP proof and, from a trusted proxy, its certificate.
    """

    method: str
    path: str
    META: Mapping[str, Any]


def forwarded_request(request: HttpRequest, appended: str | None) -> ForwardedRequest:
    """`appended` is the path after that of the endpoint, or None. Raises InvalidRequest.

    Only one convention is accepted, because a client could add headers of another one, which the gateway would not
    overwrite.
    """
    sent = [names for names in _CONVENTIONS if any(name in request.META for name in names)]
    if len(sent) + (appended is not None) != 1:
        raise InvalidRequest(
            "The gateway must describe the request in exactly one way: X-Original-Method and X-Original-URI, or "
            "X-Forwarded-Method and X-Forwarded-Uri, or as Envoy does."
        )
    if appended is not None:
        return ForwardedRequest(request.method or "", f"/{appended}", request.META)
    method, uri = (str(request.META.get(name, "")) for name in sent[0])
    if not _METHOD.fullmatch(method) or not uri.startswith("/"):
        raise InvalidRequest("The gateway must send the method and the path of the client's request.")
    return ForwardedRequest(method, unquote(uri.partition("?")[0]), request.META)
