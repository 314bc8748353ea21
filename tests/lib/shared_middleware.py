"""Builds the middleware of test clients once per process, as a server does, instead of once per client."""

from django.conf import settings
from django.test.client import ClientHandler

_SITE = settings._wrapped  # a test with its own settings has its own chain
_load = ClientHandler.load_middleware
_loaded: list[ClientHandler] = []
_MADE = ("_view_middleware", "_template_response_middleware", "_exception_middleware", "_middleware_chain")


def share_middleware() -> None:
    ClientHandler.load_middleware = _share


def _share(handler: ClientHandler, is_async: bool = False) -> None:
    if is_async or settings._wrapped is not _SITE:
        _load(handler, is_async)
        return
    if not _loaded:
        _load(handler)
        _loaded.append(handler)
    for name in _MADE:
        setattr(handler, name, getattr(_loaded[0], name))
