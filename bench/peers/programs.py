"""Servers of other makers, which the benchmark runs where they are on the machine. It fetches and builds none."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Program:
    """`variable` names the program's file, else `command` is looked up on the PATH."""

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
        """Why it is left out, as one line; "" if it is here."""
        if self.path:
            return ""
        return (
            f"{self.name} is left out: {self.command} is not on the PATH. Set {self.variable} to the program, "
            f"which its makers publish at {self.published_at}."
        )


def run(*command: str | Path, **environment: str) -> str:
    """What it printed. Raises with that where it failed."""
    done = subprocess.run(
        [str(part) for part in command], env={**os.environ, **environment}, capture_output=True, text=True, timeout=600
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout
