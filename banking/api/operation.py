"""Facts about a view's method for the OpenAPI document that cannot be derived from its code.

The description is the method's docstring; parameters, body, scopes and answers come from the view.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

M = TypeVar("M", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Operation:
    """`refusals` are the statuses beyond those of every operation, each with its meaning."""

    summary: str
    refusals: Mapping[int, str] = field(default_factory=dict)


def operation(summary: str, *, refusals: Mapping[int, str] | None = None) -> Callable[[M], M]:
    def described(method: M) -> M:
        vars(method)["operation"] = Operation(summary, refusals or {})
        return method

    return described
