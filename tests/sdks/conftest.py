"""The demo whose document the clients are made from, and which they use."""

from tests.flows.conftest import live

__all__ = ["live"]
