"""The attributes of a request that verification reads. Django's `HttpRequest` has them; other programs use
`APIRequest`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol


class Request(Protocol):
    """`META` has the headers with their names in WSGI (PEP 3333), such as HTTP_AUTHORIZATION."""

    @property
    def method(self) -> str | None: ...
    @property
    def path(self) -> str: ...
    @property
    def META(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class APIRequest:
    """A request of any framework. `path` has no query. Names in `headers` are case-insensitive. If its `items()` has a
    header twice, as those of Starlette and aiohttp do, the values are joined as in WSGI, so verification refuses them.

    `certificate_chain` is the chain that the client presented in TLS, in DER, its own certificate first. It must come
    from the server that terminates TLS, never from a header that a client can send.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    certificate_chain: tuple[bytes, ...] = field(default=())

    @cached_property
    def META(self) -> Mapping[str, Any]:
        joined: dict[str, str] = {}
        for name, value in self.headers.items():
            key = f"HTTP_{name.upper().replace('-', '_')}"
            # RFC 9449 §4.3: more than one DPoP header is refused. One value alone would hide the others.
            joined[key] = f"{joined[key]},{value}" if key in joined else value
        return joined


def certificate_chain(request: APIRequest) -> tuple[bytes, ...]:
    """The value of CLIENT_CERTIFICATE for a program without Django."""
    return request.certificate_chain
