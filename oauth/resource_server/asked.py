"""Finds the requested API if a program serves several (RFC 8707 §2, RFC 9728 §3).

The Host header can only select one of the configured APIs.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from oauth.conf import conf
from oauth.resource_server.api_request import Request
from oauth.resource_server.challenges import Refusal

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def asked_resource(request: Request) -> str:
    """The API whose path is a prefix of the request's path. Of several, prefers one at this Host, then the one with the
    longest path. If there is none, for example behind a proxy that strips a prefix, returns one at this Host or else
    the first.
    """
    if len(conf.audiences) == 1:
        return conf.audiences[0]

    def fitness(resource: str) -> tuple[bool, bool, int]:
        root = urlsplit(resource).path.rstrip("/")
        is_above = f"{request.path}/".startswith(f"{root}/")
        return is_above, _is_at_host(request, resource), len(root) if is_above else 0

    return max(conf.audiences, key=fitness)


def described_resource(request: Request, path: str) -> str | None:
    """The API with this path, whose metadata document was requested (RFC 9728 §3.1); None if there is none. If `path`
    is empty, prefers an API at this Host, then one without a path.
    """
    if not path:
        return max(conf.audiences, key=lambda one: (_is_at_host(request, one), not urlsplit(one).path.rstrip("/")))
    named = [one for one in conf.audiences if urlsplit(one).path == f"/{path}"]
    return max(named, key=lambda one: _is_at_host(request, one), default=None)


@contextmanager
def refusals_of(request: Request, scopes: Sequence[str] = ()) -> Iterator[None]:
    """Sets the requested API in refusals raised inside this context, whose challenge names its metadata (RFC 9728
    §5.1), and the scopes that the request needs.
    """
    try:
        yield
    except Refusal as refusal:
        refusal.resource = asked_resource(request)
        refusal.scopes = scopes
        raise


def _is_at_host(request: Request, resource: str) -> bool:
    parts = urlsplit(resource)
    port, host = _DEFAULT_PORTS.get(parts.scheme, ""), str(request.META.get("HTTP_HOST", "")).lower()
    return host.removesuffix(port) == parts.netloc.lower().removesuffix(port)
