"""The moves that may happen next, and how likely each one is.

Hypothesis draws rules evenly and leaves some out of each example, so that a fault that needs four moves in a row is
hardly ever met. Here each move has a weight, and a condition without which it would do nothing.
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
    """`ends` marks what takes much away at once: calm examples go without."""

    def register(method: Method) -> Method:
        MOVES.append(Move(method.__name__, weight, when, ends, st.fixed_dictionaries(arguments)))
        return method

    return register


def possible(machine: Any, *, is_calm: bool) -> st.SearchStrategy[Move]:
    """The moves that have an effect now, each repeated according to its weight."""
    moves = [one for one in MOVES if not (is_calm and one.ends) and one.when(machine)]
    return st.sampled_from([one for one in moves for _ in range(one.weight)])
