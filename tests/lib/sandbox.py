"""Runs commands with another root directory, in a mount namespace. This is close to a container, without a container
engine. The programs of this machine are mounted read-only; everything else is in the directory.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

#: Programs, libraries and configuration of this machine. /etc holds host names and the certificates of authorities.
_OF_THIS_MACHINE = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/proc", "/dev")
_OF_THE_NETWORK = ("PIP_", "SSL_", "REQUESTS_", "HTTP_", "HTTPS_", "NO_PROXY", "http_", "https_", "no_proxy")


@cache
def why_not() -> str:
    """Why this machine can have no sandbox; empty if it can."""
    if sys.platform != "linux":
        return "mount namespaces are Linux's"
    if os.geteuid() != 0:
        return "another user's id and a mount namespace need root"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    return tried.stderr.strip()


@dataclass(frozen=True)
class Sandbox:
    """`directory` becomes /. /tmp is a new tmpfs in each run."""

    directory: Path

    def path(self, inside: str) -> Path:
        return self.directory / inside.lstrip("/")

    def command(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        workdir: str,
        uid: int = 0,
        is_read_only: bool = False,
        is_tmp_writable: bool = True,
    ) -> list[str]:
        """The command line that runs `command` inside, as `uid`, a user without a name."""
        root = shlex.quote(str(self.directory))
        folders = dict.fromkeys([*_OF_THIS_MACHINE, sys.base_prefix])
        script = ["set -e", f"mount --bind {root} {root}"]
        for folder in (one for one in folders if Path(one).is_dir()):
            script += [f"mkdir -p {root}{folder}", f"mount --rbind -o ro {folder} {root}{folder}"]
        script.append(f"mkdir -p {root}/tmp")
        if is_tmp_writable:
            script.append(f"mount -t tmpfs -o mode=1777 tmpfs {root}/tmp")
        if is_read_only:
            script.append(f"mount -o remount,bind,ro {root}")
        variables = [f"{name}={value}" for name, value in environment.items()]
        inside = ["env", "-i", *variables, "/bin/sh", "-ec", f"cd {shlex.quote(workdir)}; exec {shlex.join(command)}"]
        script.append(f"exec chroot --userspec={uid}:{uid} --groups= {root} {shlex.join(inside)}")
        return ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", "\n".join(script)]

    def run(self, command: Sequence[str], **options: object) -> subprocess.CompletedProcess[str]:
        wrapped = self.command(command, **options)  # type: ignore[arg-type]
        return subprocess.run(wrapped, capture_output=True, text=True, check=False, timeout=600)


def network_environment() -> dict[str, str]:
    """The environment variables by which this machine reaches the package index."""
    return {name: value for name, value in os.environ.items() if name.startswith(_OF_THE_NETWORK)}
