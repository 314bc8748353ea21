"""Says which pinned packages that our security relies on have a newer release within the range of pyproject.toml.

`make check` runs it. It warns and never fails, because a new release may be a bad one, and CI may have no network.
`PYPI=` names another index with the JSON API. SECONDS limits the total time.
"""

import json
import os
import re
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parent.parent
WATCHED = (
    "django", "django-allauth", "django-oauth-toolkit", "oauthlib", "djangorestframework",
    "djangorestframework-simplejwt", "pyjwt", "cryptography", "jwcrypto", "fido2", "argon2-cffi", "granian", "psycopg",
    "requests", "urllib3",
)  # fmt: skip
SECONDS = 20.0
PIN = re.compile(r"^(?P<name>[A-Za-z0-9_.-]+)(?:\[[^]]*\])?==(?P<version>[^ ;\\]+)", re.MULTILINE)


def pinned(requirements: str) -> dict[str, Version]:
    return {found["name"].lower(): Version(found["version"]) for found in PIN.finditer(requirements)}


def allowed(pyproject: str) -> dict[str, SpecifierSet]:
    """The versions that pyproject.toml allows, for the package and for the site. A package that only other packages
    need may have any version.
    """
    asked = tomllib.loads(pyproject)
    ranges: dict[str, SpecifierSet] = {}
    for one in map(Requirement, [*asked["project"]["dependencies"], *asked["dependency-groups"]["site"]]):
        ranges[one.name.lower()] = ranges.get(one.name.lower(), SpecifierSet()) & one.specifier
    return ranges


def newer(current: Version, allowed_range: SpecifierSet, releases: dict[str, Any]) -> Version | None:
    """The newest final release in the range that is not yanked, where it is newer than ours."""
    return max(
        (version for version in _versions(releases) if version > current and version in allowed_range), default=None
    )


def _versions(releases: dict[str, Any]) -> Iterator[Version]:
    for name, files in releases.items():
        try:
            version = Version(name)
        except InvalidVersion:
            continue
        if not version.is_prerelease and any(not file.get("yanked") for file in files):
            yield version


def ask(name: str, timeout: float) -> dict[str, Any]:
    index = os.environ.get("PYPI", "https://pypi.org/pypi")
    with urllib.request.urlopen(f"{index}/{name}/json", timeout=timeout) as answer:  # noqa: S310 (https, or as told)
        releases: dict[str, Any] = json.load(answer)["releases"]
    return releases


def main() -> None:
    pins, ranges = pinned((ROOT / "requirements.txt").read_text()), allowed((ROOT / "pyproject.toml").read_text())
    until = time.monotonic() + SECONDS
    for name in WATCHED:
        if name not in pins:
            continue
        try:
            found = newer(pins[name], ranges.get(name, SpecifierSet()), ask(name, max(0.1, until - time.monotonic())))
        except (OSError, ValueError, KeyError) as error:
            print(f"newer releases: not checked from {name} on, the registry did not answer ({type(error).__name__})")
            return
        if found:
            print(f"newer releases: {name} {found} is out, {pins[name]} is pinned; run make lock and read its changes")


if __name__ == "__main__":
    sys.exit(main())
