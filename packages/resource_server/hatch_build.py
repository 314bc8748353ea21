"""Adds the files of `oauth` that pyproject.toml lists, from the repository or from the source distribution."""

import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Files(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        here = Path(self.root)
        unpacked, checkout = here / "oauth", here.parents[1] / "oauth"
        source = unpacked if unpacked.exists() else checkout
        for name in tomllib.loads((here / "pyproject.toml").read_text())["tool"]["countersign"]["files"]:
            build_data["force_include"][str(source / name)] = f"oauth/{name}"
