"""Middlewares of test clients: made once in a process, as where it serves, instead of once for each client."""

from django.conf import settings
from django.test.client import ClientHandler

_SITE = settings._wrapped  # a test with settings of its own has another
_load = ClientHandler.load_middleware
_loaded: list[ClientHandler] = []


def share_middleware() -> None:
    ClientHandler.load_middleware = _share


def _share(handler: ClientHandler, is_async: bool = False) -> None:
    if is_async or settings._wrapped is not _SITE:
        _load(handler, is_async)
        return
    if not _loaded:
        _load(handler)
        _loaded.append(handler)
    handler.__dict__.update(_loaded[0].__dict__ | {"enforce_csrf_checks": handler.enforce_csrf_checks})
