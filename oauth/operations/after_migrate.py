"""Fills the database after `migrate`, if it has the tables of `oauth`, with the columns of this release."""

from collections.abc import Callable
from typing import Any

from django.apps import apps as installed
from django.apps.registry import Apps
from django.db import DEFAULT_DB_ALIAS


def if_complete(fill: Callable[[], None], *needed: str) -> Callable[..., None]:
    """A receiver of `post_migrate` that calls `fill` if the tables of the `needed` models have all columns.

    They do not in other databases of the project, and after `migrate oauth zero` or `migrate oauth 0040`.
    """

    def receiver(using: str = DEFAULT_DB_ALIAS, apps: Apps = installed, **_: Any) -> None:
        if using == DEFAULT_DB_ALIAS and all(_has_columns(apps, label) for label in needed):
            fill()

    return receiver


def _has_columns(apps: Apps, label: str) -> bool:
    """Whether the model in `apps`, which are as the migrations left them, has the columns of the installed one."""
    try:
        migrated = apps.get_model(label)
    except LookupError:
        return False
    columns = {field.column for field in migrated._meta.local_concrete_fields}
    return columns >= {field.column for field in installed.get_model(label)._meta.local_concrete_fields}
