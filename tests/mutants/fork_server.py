"""Runs pytest in forks of a process that has imported the libraries, which takes most of the time of a small test.

This program is started in a copy of the repository.

For each run, it reads a line of JSON (`arguments` of pytest, `environment`, and `output`, the file for its output) and
answers with two lines: the process id, and then the exit code. It imports no code of the repository before the fork, so
each run imports the code in its current state. The first run shows which libraries are needed. Libraries that need
Django's settings, and those that pytest rewrites, are not imported.
"""

import gc
import importlib
import json
import os
import sys
import threading
from contextlib import suppress
from importlib.metadata import distributions
from pathlib import Path
from types import ModuleType

HERE = Path.cwd()
LIBRARIES = HERE / "libraries.json"
# It imports anyio, whose part that pytest loads as a plugin must be imported by pytest.
IMPORTS_A_PLUGIN = "granian"


def main() -> int:
    sys.path[0] = str(HERE)  # as under `python -m pytest`
    is_prepared = False
    for line in sys.stdin:
        request = json.loads(line)
        if not is_prepared and LIBRARIES.exists():
            prepare()
            is_prepared = True
        pid = os.fork()
        if pid == 0:
            os.environ.update(request["environment"])
            return run(request["arguments"], Path(request["output"]))
        say(pid)
        say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    return 0


def say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def run(arguments: list[str], output: Path) -> int:
    os.setsid()  # so that its child processes can be killed together with it
    with output.open("wb") as printed, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(printed.fileno(), 1)
        os.dup2(printed.fileno(), 2)
    import pytest

    code = pytest.main(arguments)
    if not LIBRARIES.exists():
        LIBRARIES.write_text(json.dumps([name for name, module in sys.modules.items() if is_library(module)]))
    return int(code)


def is_library(module: ModuleType) -> bool:
    spec = getattr(module, "__spec__", None)
    return spec is not None and spec.origin is not None and not Path(spec.origin).is_relative_to(HERE)


def plugins_of_pytest() -> set[str]:
    """Returns the packages of pytest's plugins. pytest rewrites their assertions when it imports them."""
    plugins = [one for one in distributions() if one.entry_points.select(group="pytest11")]
    return {Path(file.parts[0]).stem for one in plugins for file in one.files or []}


def prepare() -> None:
    """Imports the libraries. Raises RuntimeError if code of the repository was imported with them, because then the
    test of a mutant would use the unchanged code.
    """
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    plugins = plugins_of_pytest()
    for name in json.loads(LIBRARIES.read_text()):
        if name.partition(".")[0] not in {*plugins, IMPORTS_A_PLUGIN}:
            with suppress(Exception):  # the run imports it later if it needs it
                importlib.import_module(name)
    wrong = [name for name, module in sys.modules.items() if is_ours(module) or name.partition(".")[0] in plugins]
    if wrong or threading.active_count() > 1:
        raise RuntimeError(f"imported before the fork: {wrong}; threads: {threading.enumerate()}")
    gc.collect()
    gc.freeze()


def is_ours(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    return module.__name__ != "__main__" and file is not None and Path(file).is_relative_to(HERE)


if __name__ == "__main__":
    sys.exit(main())
