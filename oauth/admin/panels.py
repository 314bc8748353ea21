"""The panels of the admin's home page: small charts, each with the permission required to see it.

PANELS and OAUTH["ADMIN_PANELS"] name functions () -> Panel. A function must not count a whole table. Its result is
cached for CACHED_SECONDS.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.db import Error, transaction
from django.utils.module_loading import import_string
from django.utils.translation import get_language, gettext

from oauth.conf import conf

CACHED_SECONDS = 60
PANELS = (
    "oauth.admin.overview.tokens",
    "oauth.admin.overview.logins",
    "oauth.admin.overview.refusals",
    "oauth.admin.overview.clients",
    "oauth.admin.overview.signing_keys",
    "oauth.admin.overview.worker",
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bar:
    """One value of a chart. `share` is its length in percent of the longest bar; `x` is its horizontal position."""

    label: str
    value: int
    share: float
    x: int = 0
    is_capped: bool = False


@dataclass(frozen=True)
class Panel:
    """`columns` are values per day, `bars` are values per kind, `facts` are pairs (label, text). `alarm` describes a
    problem.
    """

    title: str
    permission: str
    columns: Sequence[Bar] = ()
    bars: Sequence[Bar] = ()
    facts: Sequence[tuple[str, str]] = ()
    summary: str = ""
    alarm: str = ""
    url: str = ""
    #: The width of the columns: 20 units each.
    width: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "width", 20 * len(self.columns))


def chart(numbers: Sequence[tuple[str, int]], *, cap: int = 0) -> tuple[Bar, ...]:
    """Makes bars of pairs (label, value). A value of `cap` is shown as “or more”."""
    longest = max((value for _, value in numbers), default=0) or 1
    return tuple(
        Bar(label, value, round(100 * value / longest, 1), 20 * number, bool(cap) and value >= cap)
        for number, (label, value) in enumerate(numbers)
    )


def visible_to(user: Any) -> list[Panel]:
    """The panels that this user may see, in order. A panel whose function fails shows an error."""
    return [panel for path in (*PANELS, *conf.ADMIN_PANELS) if (panel := _of(path, user))]


def _of(path: str, user: Any) -> Panel | None:
    make: Callable[[], Panel] = import_string(path)
    permission: str = make.permission  # type: ignore[attr-defined]  # the decorator below sets it
    if not user.has_perm(permission):
        return None
    key = f"oauth.admin.panel.{path}.{get_language()}"
    panel: Panel | None = cache.get(key)
    if panel is None:
        try:
            with transaction.atomic():
                panel = make()
        except Error:
            # Show the other panels anyway.
            logger.exception("panel %s", path)
            panel = Panel(path.rpartition(".")[2], permission, alarm=gettext("This took too long or failed."))
        cache.set(key, panel, CACHED_SECONDS)
    return panel


def needs(permission: str) -> Callable[[Callable[[], Panel]], Callable[[], Panel]]:
    """Decorator: sets the permission required for the panel, which is checked before the function runs."""

    def named(make: Callable[[], Panel]) -> Callable[[], Panel]:
        make.permission = permission  # type: ignore[attr-defined]  # an attribute of a function
        return make

    return named
