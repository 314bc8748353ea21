"""The base class of response modes, also of those that a site adds, and the results that a mode can return."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Redirect:
    """The browser goes to `location`."""

    location: str


@dataclass(frozen=True, slots=True)
class Form:
    """The browser posts `fields` to `action`."""

    action: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """The browser shows this page, whose script passes the response to the client."""

    template: str
    context: Mapping[str, Any]


Delivery = Redirect | Form | Page


class ResponseMode:
    """`response_types` names the response types that this mode may carry."""

    response_types: ClassVar[frozenset[str]] = frozenset({"code"})

    def deliver(self, redirect_uri: str, parameters: Mapping[str, str]) -> Delivery:
        """How `parameters` reach the client at its proven `redirect_uri`."""
        raise NotImplementedError
