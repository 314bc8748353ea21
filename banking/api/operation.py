"""Facts about a view's method for the OpenAPI document that cannot be derived from its code.

The description is the method's docstring; parameters, body, scopes and answers come from the view.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.utils.http import http_date

from banking.api import changes

M = TypeVar("M", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Deprecation:
    """The deprecation of an operation: since `since`; removal at `sunset`, if known; `successor` is the path to use
    instead. The changelog of the API explains it.
    """

    since: datetime
    sunset: datetime | None = None
    successor: str = ""

    def headers(self) -> dict[str, str]:
        """RFC 9745 §2 and §3, RFC 8594 §3."""
        links = [f'<{settings.ISSUER}{changes.PATH}>; rel="deprecation"; type="text/markdown"']
        if self.successor:
            links.append(f'<{self.successor}>; rel="successor-version"')
        headers = {"Deprecation": f"@{int(self.since.timestamp())}", "Link": ", ".join(links)}
        return headers | ({"Sunset": http_date(self.sunset.timestamp())} if self.sunset else {})


@dataclass(frozen=True, slots=True)
class Operation:
    """`refusals` are the operation's refusals beyond those that every operation has: status -> meaning."""

    summary: str
    refusals: Mapping[int, str] = field(default_factory=dict)
    deprecation: Deprecation | None = None


def operation(
    summary: str, *, refusals: Mapping[int, str] | None = None, deprecation: Deprecation | None = None
) -> Callable[[M], M]:
    def described(method: M) -> M:
        vars(method)["operation"] = Operation(summary, refusals or {}, deprecation)
        return method

    return described
