"""Servers of other vendors. The benchmark runs them if they are installed; it does not download or build them."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Program:
    """The environment variable `variable` names the program's file; without it, `command` is looked up on the PATH."""

    name: str
    variable: str
    command: str
    published_at: str

    @property
    def path(self) -> Path | None:
        named = os.environ.get(self.variable)
        found = shutil.which(named or self.command)
        return Path(found).resolve() if found else None

    def missing(self) -> str:
        """Why the program is left out, in one line; "" if it is installed."""
        if self.path:
            return ""
        return (
            f"{self.name} is left out: {self.command} is not on the PATH. Set {self.variable} to the program, "
            f"which its makers publish at {self.published_at}."
        )


def run(*command: str | Path, **environment: str) -> str:
    """The output of the program. If it fails, raises an error with the output."""
    done = subprocess.run(
        [str(part) for part in command], env={**os.environ, **environment}, capture_output=True, text=True, timeout=600
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout
