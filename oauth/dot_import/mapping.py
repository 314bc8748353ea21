"""Maps the scopes and resources of the old server to those of this one, by a TOML or JSON file from the operator.

    [scopes]
    read = ["accounts:read", "balances:read"]
    legacy = []                                  # dropped on purpose

    [resources]
    "https://api.example/old" = ["https://api.example/v1"]

A scope that the file does not name is unmapped, even if a scope of the same name exists on this site.
"""

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oauth.conf import conf
from oauth.dot_import.errors import ImportRefused
from oauth.models import Scope

_PARTS = frozenset({"scopes", "resources"})


@dataclass(frozen=True)
class Mapping:
    """Old name -> new names. A resource that the file does not name is kept if it exists on this site."""

    scopes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    resources: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def new_scopes(self, old: Iterable[str]) -> list[str]:
        return sorted({name for one in old for name in self.scopes.get(one, ())})

    def unmapped(self, old: Iterable[str]) -> list[str]:
        return [one for one in old if one not in self.scopes]

    def new_resources(self, old: Iterable[str]) -> list[str]:
        """Empty if none of them exists on this site. DOT accepts a token without a resource at all its APIs. Such a
        token gets only this server's first API, because other APIs may be newer than the token.
        """
        if not old:
            return list(conf.RESOURCES)[:1]
        named = [name for one in old for name in self.resources.get(one, (one,))]
        return [name for name in dict.fromkeys(named) if name in conf.RESOURCES]


def read(path: str | None) -> Mapping:
    """Raises ImportRefused if the file is malformed or names an unknown scope or resource."""
    if path is None:
        return Mapping()
    try:
        text = Path(path).read_text()
        content = json.loads(text) if path.endswith(".json") else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise ImportRefused(f"--mapping must name a TOML or JSON file: {error}") from error
    if not isinstance(content, dict) or not content.keys() <= _PARTS:
        raise ImportRefused("--mapping must contain only the tables scopes and resources.")
    mapping = Mapping(_names(content, "scopes"), _names(content, "resources"))
    _require_known("scopes", mapping.scopes, Scope.objects.values_list("name", flat=True))
    _require_known("resources", mapping.resources, conf.RESOURCES)
    return mapping


def _names(content: dict[str, Any], part: str) -> dict[str, tuple[str, ...]]:
    table = content.get(part, {})
    if not isinstance(table, dict):
        raise ImportRefused(f"{part} in --mapping must be a table.")
    for old, new in table.items():
        if not isinstance(new, list) or not all(isinstance(name, str) for name in new):
            raise ImportRefused(f"{part} in --mapping: {old} must have a list of names.")
    return {old: tuple(new) for old, new in table.items()}


def _require_known(part: str, mapped: dict[str, tuple[str, ...]], known: Iterable[str]) -> None:
    if unknown := {name for new in mapped.values() for name in new} - set(known):
        raise ImportRefused(f"{part} in --mapping: {', '.join(sorted(unknown))} must exist on this site first.")
