"""Runs the programs that use the clients: some ask for a URL to be opened, as a native app; some are web apps.

A program gets its settings from the environment. On its standard output, `open URL` asks the user to go there and wants
the URL that the browser came back to as the next line of its input, `approve URL` asks the user to allow a device, and
`report JSON` ends it. Other lines are the program's own log.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.interop.site import TRUST_STORE_PASSWORD, Site
from tests.lib import person, servers

PATIENCE_SECONDS = 200


@dataclass(frozen=True)
class Program:
    command: Sequence[str | Path]
    folder: Path


def environment_for(site: Site, **more: str | None) -> dict[str, str]:
    """The environment of each program: the URL of the server, and the certificate to trust. A value of None removes a
    variable.
    """
    told = {
        "ISSUER": site.issuer,
        "API": site.api,
        "NODE_EXTRA_CA_CERTS": str(site.authority),
        "REQUESTS_CA_BUNDLE": str(site.authority),
        "SSL_CERT_FILE": str(site.authority),
        "JAVA_TOOL_OPTIONS": f"-Djavax.net.ssl.trustStore={site.authority.with_suffix('.p12')} "
        f"-Djavax.net.ssl.trustStorePassword={TRUST_STORE_PASSWORD}",
        "PYTHONUNBUFFERED": "1",
        **{name: value for name, value in more.items() if value is not None},
    }
    kept = ("PATH", "HOME", "LANG", "JAVA_HOME", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | told


def free_origin() -> str:
    """A free origin for a web app. It is not localhost, because there its cookies would mix with those of the
    server.
    """
    return f"http://127.0.0.1:{servers.free_port()}"


def browser(site: Site) -> requests.Session:
    """A browser without a login."""
    session = requests.Session()
    session.verify = str(site.authority)
    session.trust_env = False  # requests prefers REQUESTS_CA_BUNDLE of the environment
    return session


def run(
    program: Program, environment: Mapping[str, str], *, site: Site, returns_to: tuple[str, ...] = (), log: Path
) -> dict[str, Any]:
    """Runs the program and acts as its user, who logs in and allows its request. Returns the report of the program."""
    with (
        log.open("w+") as errors,
        subprocess.Popen(
            program.command,
            cwd=program.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
        browser(site) as user,
    ):
        assert process.stdin
        assert process.stdout
        said: list[str] = []
        try:
            for line in process.stdout:
                verb, _, text = line.rstrip("\n").partition(" ")
                if verb == "report":
                    process.wait(PATIENCE_SECONDS)
                    report: dict[str, Any] = json.loads(text)
                    return report
                said.append(line)
                if verb == "open":
                    process.stdin.write(f"{person.answer(text, returns_to=returns_to, browser=user)}\n")
                    process.stdin.flush()
                elif verb == "approve":
                    person.let_in(text, browser=user)
                    process.stdin.write("approved\n")
                    process.stdin.flush()
        finally:
            process.kill()
        raise AssertionError(f"{program.command} ended without a report:\n{''.join(said)}\n{log.read_text()[-5000:]}")


@contextmanager
def serving(
    program: Program, environment: Mapping[str, str], *, origin: str, log: Path, health: str = "/health"
) -> Iterator[None]:
    """Runs a web app at `origin`, waits until it answers at `health`, and stops it at the end."""
    told = {**environment, "PORT": origin.rpartition(":")[2], "ORIGIN": origin}
    with log.open("w") as output:
        process = subprocess.Popen(
            program.command, cwd=program.folder, env=told, stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
    try:
        servers.wait_until(
            lambda: process.poll() is not None or servers.answers(origin + health),
            or_else=lambda: log.read_text()[-5000:],
        )
        assert process.poll() is None, log.read_text()[-5000:]
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
