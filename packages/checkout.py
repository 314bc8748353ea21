"""The build backend of countersign-oauth: hatchling, extended so that pip finds the other distribution in a checkout.

countersign-oauth requires countersign-resource-server of the same version. Between releases, no index has that version,
so `pip install .` and `pip wheel .` would fail. So in a checkout, the metadata hook returns the path of the sibling
directory as the requirement. The wheel itself requires the version. uv does not need this, because it reads
`tool.uv.sources`.
"""

import tempfile
import zipfile
from pathlib import Path
from typing import Any

from hatchling import build
from hatchling.build import (  # noqa: F401 (the functions of PEP 517 and PEP 660)
    build_editable,
    build_sdist,
    build_wheel,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
)

NAME = "countersign-resource-server"
SIBLING = Path(__file__).resolve().parent / "resource_server"


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: Any = None) -> str:
    with tempfile.TemporaryDirectory() as directory:
        wheel = zipfile.ZipFile(Path(directory) / build.build_wheel(directory))
        names = [name for name in wheel.namelist() if ".dist-info/" in name]
        wheel.extractall(metadata_directory, names)
    info = names[0].partition("/")[0]
    # Remove RECORD, so that the frontend does not use its list of files.
    Path(metadata_directory, info, "RECORD").unlink()
    metadata = Path(metadata_directory, info, "METADATA")
    metadata.write_text("\n".join(map(_with_place, metadata.read_text().split("\n"))))
    return info


def _with_place(line: str) -> str:
    """In a checkout, replaces `Requires-Dist: NAME[extra]==1.2` by `Requires-Dist: NAME[extra] @ file:///...`."""
    if not line.startswith(f"Requires-Dist: {NAME}") or not (SIBLING / "pyproject.toml").exists():
        return line
    return f"{line.partition('==')[0]} @ {SIBLING.as_uri()}"
