"""Parses a Containerfile like a container engine, for tests that perform its steps without one."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Stage:
    """One build stage (FROM): its steps in order, and its settings for the running container."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = ""
    healthcheck: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)


def read(path: Path) -> list[Stage]:
    """The stages. Raises ValueError for an instruction that this module does not support."""
    text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.M).replace("\\\n", " ")
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for line in filter(None, (one.strip() for one in text.splitlines())):
        instruction, _, rest = line.partition(" ")
        if instruction == "ARG" and not stages:
            name, _, value = rest.partition("=")
            arguments[name] = value
        elif instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], base), name))
        else:
            _add(stages[-1], instruction, rest)
    return stages


def _add(stage: Stage, instruction: str, rest: str) -> None:
    match instruction:
        case "WORKDIR":
            stage.workdir = rest
        case "ENV":
            stage.environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        case "USER":
            stage.user = rest
        case "HEALTHCHECK":
            stage.healthcheck = _list(rest.partition(" CMD ")[2])
        case "ENTRYPOINT":
            stage.entrypoint = _list(rest)
        case "CMD":
            stage.command = _list(rest)
        case "RUN" | "COPY":
            pass
        case "EXPOSE" | "LABEL" | "STOPSIGNAL":
            return
        case _:
            raise ValueError(f"{instruction} {rest}")
    stage.steps.append((instruction, rest))


def _list(text: str) -> list[str]:
    found: Any = json.loads(text)
    return [str(one) for one in found]
