"""The base class of all response modes, and the results that a mode can return."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Redirect:
    """Redirects the browser to `location`."""

    location: str


@dataclass(frozen=True, slots=True)
class Form:
    """Makes the browser post `fields` to `action`."""

    action: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """A page whose script passes the response to the client."""

    template: str
    context: Mapping[str, Any]


Delivery = Redirect | Form | Page


class ResponseMode:
    """`response_types` are those for which this mode may be used."""

    response_types: ClassVar[frozenset[str]] = frozenset({"code"})

    def deliver(self, redirect_uri: str, parameters: Mapping[str, str]) -> Delivery:
        """Delivers `parameters` to the client at its validated `redirect_uri`."""
        raise NotImplementedError
