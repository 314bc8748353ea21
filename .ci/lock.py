"""Writes requirements.txt and requirements-dev.txt from pyproject.toml: `make lock`.

uv resolves the versions and adds hashes. For each direct dependency, its comment in pyproject.toml is copied.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REASON = re.compile(r'^\s*"(?P<name>[A-Za-z0-9_.-]+)[^"]*",\s*#\s*(?P<reason>.+)$', re.MULTILINE)
PIN = re.compile(r"^(?P<name>[a-z0-9_.-]+)==")
OURS = re.compile(r"countersign-oauth \(pyproject\.toml(:\w+)?\)")
SIBLING = "countersign-resource-server"  # of this repository
HEADER = "# Made by `make lock` from pyproject.toml; do not edit by hand.\n"


def lock(output: str, *options: str) -> None:
    source = ROOT / "pyproject.toml"
    reasons = dict(REASON.findall(source.read_text()))
    uv = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
    compiled = subprocess.run(
        [*uv, "--no-header", "--python-version=3.11", f"--no-emit-package={SIBLING}", *options, source],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.partition("\n# The following packages were excluded")[0]  # fmt: skip
    lines = [HEADER]
    for line in compiled.splitlines(keepends=True):
        if (pin := PIN.match(line)) and (reason := reasons.get(pin["name"])):
            lines.append(f"# {pin['name']}: {reason}\n")
        line = OURS.sub("pyproject.toml", line)
        if line != lines[-1]:  # required by the package and by the site
            lines.append(line)
    (ROOT / output).write_text("".join(lines))


if __name__ == "__main__":
    lock("requirements.txt", "--group=site")
    lock("requirements-dev.txt", "--group=dev", "--constraints=requirements.txt")
