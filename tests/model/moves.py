"""The possible next moves, and how likely each one is.

Hypothesis draws rules with equal probability and leaves some out of each example, so it would hardly ever find a fault
that needs four moves in a row. Here, each move has a weight, and a condition that says when it has an effect.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import strategies as st


@dataclass(frozen=True)
class Move:
    name: str
    weight: int
    when: Callable[[Any], Any]
    ends: bool
    arguments: st.SearchStrategy[dict[str, Any]]


MOVES: list[Move] = []
Method = TypeVar("Method", bound=Callable[..., None])


def move(
    weight: int = 2,
    when: Callable[[Any], Any] = lambda _machine: True,
    ends: bool = False,
    **arguments: st.SearchStrategy[Any],
) -> Callable[[Method], Method]:
    """`ends` marks a move that ends many authorizations at once; calm examples do not use it."""

    def register(method: Method) -> Method:
        MOVES.append(Move(method.__name__, weight, when, ends, st.fixed_dictionaries(arguments)))
        return method

    return register


def possible(machine: Any, *, is_calm: bool) -> st.SearchStrategy[Move]:
    """The moves that have an effect now, each repeated according to its weight."""
    moves = [one for one in MOVES if not (is_calm and one.ends) and one.when(machine)]
    return st.sampled_from([one for one in moves for _ in range(one.weight)])
