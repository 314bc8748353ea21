"""docs/scaling.md says how each table would be distributed, and which unique values that would not keep."""

import re
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.db.models import Model, UniqueConstraint

APPS = ("accounts", "oauth", "banking")
TEXT = (Path(__file__).parents[2] / "docs" / "scaling.md").read_text()


def cells(marker: str) -> list[list[str]]:
    table = TEXT.partition(f"<!-- {marker} -->\n")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


LAYOUT = {table.strip("`"): (place, names) for table, place, names in cells("tables")}


def models() -> list[type[Model]]:
    found = [model for label in APPS for model in apps.get_app_config(label).get_models(include_auto_created=True)]
    return [model for model in found if model._meta.managed]


def unique_values(model: type[Model]) -> Iterator[tuple[str, set[str]]]:
    """Each unique field and constraint besides the primary key, with its columns."""
    meta = model._meta
    for field in meta.local_fields:
        if field.unique and not field.primary_key:
            yield field.name, {field.column}
    for constraint in meta.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield constraint.name, {meta.get_field(name).column for name in constraint.fields}  # type: ignore[union-attr]
    for names in meta.unique_together:
        yield "_".join(names), {meta.get_field(name).column for name in names}  # type: ignore[union-attr]


def test_each_table_has_its_place() -> None:
    tables = {model._meta.db_table for model in models()}
    assert (tables - LAYOUT.keys(), LAYOUT.keys() - tables) == (set(), set()), "add or remove rows of docs/scaling.md"


def test_each_place_is_a_column_of_the_table_or_a_word_that_is_explained() -> None:
    for model in models():
        place = LAYOUT[model._meta.db_table][0]
        columns = {field.column for field in model._meta.local_fields}
        assert place in {"reference", "ledger", "user (new)"} | {f"`{column}`" for column in columns}, model
        assert place != "ledger" or model._meta.app_label == "banking"


def test_each_unique_value_that_would_cross_shards_is_named_and_kept() -> None:
    crossing = []
    for model in models():
        table = model._meta.db_table
        place, named = LAYOUT[table]
        is_on_one_node = place in ("reference", "ledger")
        names = [] if is_on_one_node else [n for n, columns in unique_values(model) if place.strip("`") not in columns]
        assert re.findall(r"`(\w+)`", named) == names, table
        crossing += [f"{table}.{name}" for name in names]
    kept = " ".join(one for one, _ in cells("kept"))
    assert [name for name in crossing if f"`{name}`" not in kept] == []
    assert re.findall(r"`([\w.]+)`", kept) == [name for name in re.findall(r"`([\w.]+)`", kept) if name in crossing]
