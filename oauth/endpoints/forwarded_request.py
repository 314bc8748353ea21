"""The request that a gateway asks about, as the gateway describes it in headers.

nginx and HAProxy send `X-Original-Method` and `X-Original-URI`, Traefik and Caddy `X-Forwarded-Method` and
`X-Forwarded-Uri`. Envoy repeats the method and appends the path to the URL of the endpoint.
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
# RFC 9110 §9.1, §5.6.2.
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")


@dataclass(frozen=True, slots=True)
class ForwardedRequest:
    """`path` without query, decoded as WSGI does it. `META` is that of the gateway's request: it has the token,
    the proof and, from a trusted proxy, the certificate of the client."""

    method: str
    path: str
    META: Mapping[str, Any]


def forwarded_request(request: HttpRequest, appended: str | None) -> ForwardedRequest:
    """`appended` is the path after the endpoint's own, None without. Raises InvalidRequest.

    Only one convention may be used: a client could add the headers of another, which the gateway would not overwrite.
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
        raise InvalidRequest("The gateway must send the method and the path of the request that it asks about.")
    return ForwardedRequest(method, unquote(uri.partition("?")[0]), request.META)
