"""The panels of the admin's home page: small charts, each with the permission that a user needs to see it.

A panel is a function () -> Panel in PANELS or OAUTH["ADMIN_PANELS"]. It must not count a whole table. Its result is
cached for CACHED_SECONDS, so that many users who open the page cause one query.
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
    "oauth.admin.overview.sign_ins",
    "oauth.admin.overview.refusals",
    "oauth.admin.overview.clients",
    "oauth.admin.overview.signing_keys",
    "oauth.admin.overview.worker",
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bar:
    """One number of a chart. `share` is its length in percent of the longest; `x` is its position among columns."""

    label: str
    value: int
    share: float
    x: int = 0
    is_capped: bool = False


@dataclass(frozen=True)
class Panel:
    """`columns` are numbers per day, `bars` per kind, `facts` pairs (label, text). `alarm` says what is wrong."""

    title: str
    permission: str
    columns: Sequence[Bar] = ()
    bars: Sequence[Bar] = ()
    facts: Sequence[tuple[str, str]] = ()
    summary: str = ""
    alarm: str = ""
    url: str = ""
    #: Columns are 20 units apart.
    width: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "width", 20 * len(self.columns))


def chart(numbers: Sequence[tuple[str, int]], *, cap: int = 0) -> tuple[Bar, ...]:
    """Bars from (label, value). A value of `cap` means that many or more."""
    longest = max((value for _, value in numbers), default=0) or 1
    return tuple(
        Bar(label, value, round(100 * value / longest, 1), 20 * number, bool(cap) and value >= cap)
        for number, (label, value) in enumerate(numbers)
    )


def visible_to(user: Any) -> list[Panel]:
    """The panels that this user may see, in order. A panel that fails says so."""
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
            # The rest of the page is still useful.
            logger.exception("panel %s", path)
            panel = Panel(path.rpartition(".")[2], permission, alarm=gettext("This took too long or failed."))
        cache.set(key, panel, CACHED_SECONDS)
    return panel


def needs(permission: str) -> Callable[[Callable[[], Panel]], Callable[[], Panel]]:
    """Decorator: the permission that a user needs for the panel. It is checked before the panel is made."""

    def named(make: Callable[[], Panel]) -> Callable[[], Panel]:
        make.permission = permission  # type: ignore[attr-defined]  # an attribute of a function
        return make

    return named
