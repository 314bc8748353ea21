"""The promises of a release: a lock with hashes, one version everywhere, an SBOM that fits its schema."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.txt").read_text()
PINS = dict(re.findall(r"^([a-z0-9_.-]+)==([^\s;\\]+)", LOCK, re.M))
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
ONLY_ELSEWHERE = ("sys_platform == 'win32'", "python_full_version < '3.11.3'")


def test_the_lock_has_a_hash_for_every_version():
    entries = re.split(r"^(?=[a-z0-9_.-]+==)", LOCK, flags=re.M)[1:]
    assert len(entries) == len(PINS) > 40
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)


def test_both_policies_name_the_same_time_of_support():
    """SECURITY.md and docs/releasing.md."""
    assert "for 6 months after the newest one" in (ROOT / "SECURITY.md").read_text()
    assert "at least two minor releases and six months" in " ".join((ROOT / "docs/releasing.md").read_text().split())


@pytest.mark.packaged
def test_the_sbom_names_every_pinned_package():
    run("--with", "cyclonedx-bom==7.5.0", ROOT / ".ci/sbom.py")
    document = json.loads((ROOT / f"dist/countersign-{VERSION}.cdx.json").read_text())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    named = {normal(one["name"]): one for one in document["components"]}
    needed = {name for name, version in PINS.items() if not is_only_elsewhere(name)}
    assert needed <= named.keys() <= PINS.keys()
    for name, component in named.items():
        assert component["version"] == PINS[name]
        assert any("hashes" in one for one in component["externalReferences"]), name
    without_licence = {name for name, component in named.items() if not component.get("licenses")}
    assert without_licence <= {"uritemplate"}  # its metadata name no license; it is BSD-3-Clause or Apache-2.0


@pytest.mark.packaged
def test_pip_audit_reads_the_lock():
    """Its findings depend on the day, so it is run before each release (`docs/releasing.md`)."""
    said = run(
        "--with", "pip-audit==2.10.1", "-m", "pip_audit", "-r", ROOT / "requirements.txt", "--require-hashes",
        "--disable-pip", "--dry-run", "--progress-spinner", "off",
    )  # fmt: skip
    assert re.search(r"would have audited \d\d packages", said)


def is_only_elsewhere(name: str) -> bool:
    marker = re.search(rf"^{re.escape(name)}==[^\n;]*;([^\\\n]*)", LOCK, re.M)
    return bool(marker) and any(one in marker[1] for one in ONLY_ELSEWHERE)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def run(*arguments: object) -> str:
    """Runs Python in a new environment that uv makes, and returns its output."""
    uv = [sys.executable, "-m", "uv", "run", "--quiet", "--no-project", "--isolated"]
    command = [*uv, *map(str, arguments[:2]), "python", *map(str, arguments[2:])]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}  # where uv is
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
