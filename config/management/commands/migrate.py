"""`manage.py migrate`, made for a site that serves meanwhile (config/upgrades/patience.py, docs/upgrading.md)."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.state import ProjectState

from config.upgrades.patience import Patience

# Each step makes classes of models anew. With Python's own 700 new objects, a quarter of the time goes into looking
# through them; with these, it takes 80 MB more.
_NEW_OBJECTS = 100_000


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--lock-seconds", type=float, default=2.0,
            help="How long a statement waits for a lock before it is tried again; while it waits, others wait behind "
            "it (%(default)s).",
        )  # fmt: skip
        parser.add_argument("--attempts", type=int, default=30, help="How often it is tried (%(default)s).")

    def handle(self, *args: Any, lock_seconds: float, attempts: int, **options: Any) -> None:
        handle = super().handle
        if options["database"] != DEFAULT_DB_ALIAS or connection.in_atomic_block:
            handle(*args, **options)
            return
        patience = Patience(lock_seconds, attempts)
        with patience.during_statements(), _seldom_collected(), _neighbours_kept():
            # Each migration is recorded when it has run, so another attempt goes on with the one that failed.
            patience.retry(lambda: handle(*args, **options))


@contextmanager
def _seldom_collected() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(_NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _neighbours_kept() -> Iterator[None]:
    """After each step, Django makes the class of the changed model anew and those of its neighbours: two relations far,
    or everything that relations lead to where the step changes one or adds a model. That takes two thirds of the time
    of a migration from nothing.

    The classes of the neighbours are left as they are after a step that changes no relation, and after one that adds a
    model, to which no class refers yet. Django itself takes classes after the former for provisional (`is_delayed`): it
    makes all of them anew before Python code of a migration sees one.
    """
    find = ProjectState._find_reload_model  # type: ignore[attr-defined]  # Django has no setting for it

    def itself(state: ProjectState, app_label: str, model_name: str, delay: bool = False) -> set[tuple[str, str]]:
        is_new = model_name not in state.apps.all_models[app_label]
        if not (delay or is_new) or _is_inherited(state, app_label, model_name):
            found: set[tuple[str, str]] = find(state, app_label, model_name, delay)
            return found
        state.is_delayed = True
        return {(app_label, model_name)}

    ProjectState._find_reload_model = itself  # type: ignore[attr-defined]
    try:
        yield
    finally:
        ProjectState._find_reload_model = find  # type: ignore[attr-defined]


def _is_inherited(state: ProjectState, app_label: str, model_name: str) -> bool:
    """A class that others are made of cannot be replaced without them."""
    name = f"{app_label}.{model_name}".lower()
    return any(
        isinstance(base, str) and base.lower() == name for model in state.models.values() for base in model.bases
    )
