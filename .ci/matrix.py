"""`make matrix`: runs the tests of the packages on the oldest and the newest supported Python and Django, each cell in
its own environment.

    CELLS   only those whose name contains this, such as `oldest` or `newest`
    TESTS   paths for pytest, instead of those below

`newest` has the newest Django that the dependencies allow, and the newest Python of this machine. If the machine has
only 3.11, uv downloads one.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from shutil import which

ROOT = Path(__file__).resolve().parent.parent
UV = (sys.executable, "-m", "uv")
TESTS = (
    "tests/oauth/proof",
    "tests/oauth/resource_server",
    "tests/oauth/endpoints",
    "tests/oauth/grants",
    "tests/oauth/keys",
)
MINORS = range(15, 11, -1)
# The site is pinned to Django 5.2, so its settings cause warnings with later versions. The packages must cause none.
OF_THE_SITE = ("The EMAIL_",)


def newest_python() -> str:
    """The path of the newest Python, or a version that uv downloads."""
    for minor in MINORS:
        of_pyenv = sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python"), reverse=True)
        for path in (which(f"python3.{minor}"), *of_pyenv):
            if path and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
                return str(path)
    return "3.14"


def run_cell(name: str, python: str, django: str) -> bool:
    """Whether the tests pass with this Python and this range of Django."""
    began, directory = time.monotonic(), ROOT / ".cache" / "matrix" / re.sub(r"\W+", "-", name)
    override = directory.with_suffix(".txt")
    override.parent.mkdir(parents=True, exist_ok=True)
    override.write_text(f"django{django}\n")
    interpreter = directory / "bin" / "python"
    for command in (
        [*UV, "venv", "--quiet", "--clear", "--no-project", "--python", python, directory],
        [*UV, "pip", "install", "--quiet", "--python", interpreter, ".", "--group", "dev", "--override", override],
    ):
        subprocess.run(command, cwd=ROOT, check=True)
    versions = "import sys, django; print(f'Python {sys.version.split()[0]}, Django {django.get_version()}')"
    shown = subprocess.run([interpreter, "-c", versions], capture_output=True, text=True, check=True).stdout.strip()
    print(f"== {name}: {shown}", flush=True)
    tests = os.environ.get("TESTS", "").split() or TESTS
    ignored = [part for words in OF_THE_SITE for part in ("-W", f"ignore:{words}")]
    without = "not browser and not node and not served and not packaged and not simulation and not large"
    pytest = [interpreter, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--numprocesses=auto", "--dist=loadfile"]
    done = subprocess.run([*pytest, *ignored, "-m", without, *tests], cwd=ROOT, check=False)
    print(
        f"== {name}: {'passed' if done.returncode == 0 else 'FAILED'} in {time.monotonic() - began:.0f} s", flush=True
    )
    return done.returncode == 0


def main() -> int:
    newest = newest_python()
    cells = {
        "oldest": (sys.executable, "~=5.2.0"),
        "new Python, old Django": (newest, "~=5.2.0"),
        "newest": (newest, ">=6.0,<6.2"),
    }
    wanted = {name: cell for name, cell in cells.items() if os.environ.get("CELLS", "") in name}
    failed = [name for name, cell in wanted.items() if not run_cell(name, *cell)]
    print(f"{len(wanted) - len(failed)} passed, {len(failed)} failed")
    return bool(failed) or not wanted


if __name__ == "__main__":
    sys.exit(main())
