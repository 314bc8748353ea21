"""deploy/Containerfile, performed step by step in its own root directory, then run as another user on a read-only
root: the server, the health check, the migration, the site's own database role."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

import pytest
import requests

from tests.lib import containerfile, database_door, sandbox, servers
from tests.lib.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
STAGES = containerfile.read(ROOT / "deploy/Containerfile")
BUILD, IMAGE = STAGES
A_USER = 54321  # a user id that is not in /etc/passwd
SECRET = "a-secret-of-the-proxies-that-no-client-knows"

needs_sandbox = pytest.mark.skipif(bool(sandbox.why_not()), reason=sandbox.why_not())


# --- the text of the file


def test_the_image_runs_as_a_numbered_user_who_owns_nothing():
    assert IMAGE.user == "10001:10001"
    last_copy = max(number for number, (name, _) in enumerate(IMAGE.steps) if name == "COPY")
    assert IMAGE.steps.index(("USER", IMAGE.user)) > last_copy
    assert not any("--chown" in rest for _, rest in IMAGE.steps)


def test_the_second_stage_runs_nothing_and_takes_only_what_was_built():
    assert [name for name, _ in IMAGE.steps if name == "RUN"] == []
    assert all(rest.startswith("--from=build ") for name, rest in IMAGE.steps if name == "COPY")


def test_dependencies_are_those_of_the_lock():
    installs = [rest for name, rest in BUILD.steps if name == "RUN" and " install " in rest]
    assert installs
    assert all("--require-hashes" in one and "-r requirements.txt" in one for one in installs)


def test_what_is_copied_is_not_ignored():
    """Otherwise an engine would not find the file. No other file is sent to the engine."""
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert ignored[0] == "*"
    for name, rest in BUILD.steps:
        for source in _sources(rest) if name == "COPY" else ():
            assert (ROOT / source).exists(), source
            assert _is_sent(source, ignored), source
    for kept_out in (
        ".git",
        ".env",
        "deploy/secrets/secret_key",
        ".demo/demo.env",
        "tests/conftest.py",
        "demo/apps.py",
    ):
        assert not _is_sent(kept_out, ignored), kept_out


def _sources(rest: str) -> list[str]:
    return [one for one in rest.split()[:-1] if not one.startswith("--")]


def _is_sent(path: str, patterns: list[str]) -> bool:
    """The last pattern that matches the path or a folder of it decides."""
    parts = path.split("/")
    names = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    sent = True
    for pattern in patterns:
        if any(fnmatch(name, pattern.lstrip("!")) for name in names):
            sent = pattern.startswith("!")
    return sent


# --- performed


def perform(stage: containerfile.Stage, here: Sandbox, others: dict[str, Sandbox]) -> None:
    """The steps that make the files of the image, in order. Fails with the output of the step that failed."""
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", **sandbox.network_environment()}
    workdir = "/"
    for name, rest in stage.steps:
        if name == "WORKDIR":
            workdir = rest
            here.path(workdir).mkdir(parents=True, exist_ok=True)
        elif name == "ENV":
            environment |= stage.environment
        elif name == "RUN":
            done = here.run(["/bin/sh", "-c", rest], environment=environment, workdir=workdir, is_tmp_writable=False)
            assert done.returncode == 0, f"RUN {rest}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        elif name == "COPY":
            target = rest.split()[-1]
            source_of = others["build"].path if "--from=build" in rest else lambda one: ROOT / one
            for source in _sources(rest):
                copy(source_of(source), here.path(os.path.join(workdir, target)), into_folder=target.endswith("/"))


def copy(source: Path, target: Path, *, into_folder: bool) -> None:
    """Links the files of the stage before instead of copying them: there are 15,000, and nothing writes to them any
    more.
    """
    target = target / source.name if into_folder else target
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        is_ours = source.is_relative_to(ROOT)
        ignored = shutil.ignore_patterns("__pycache__") if is_ours else None
        how = shutil.copy2 if is_ours else os.link
        shutil.copytree(source, target, symlinks=True, ignore=ignored, copy_function=how, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("image")
    servers.open_to_passers_by(folder)
    built: dict[str, Sandbox] = {}
    for stage in STAGES:
        here = Sandbox(folder / (stage.name or "image"))
        here.directory.mkdir(mode=0o755)
        perform(stage, here, built)
        built[stage.name or "image"] = here
    yield built["image"]
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def site(image: Sandbox) -> Iterator[dict[str, str]]:
    """The environment of a container of the image: every secret in a file, with the newline that editors leave."""
    with servers.own_database("image") as url, database_door.by_tcp(url) as template:
        secrets = {
            "SECRET_KEY": "the-key-of-a-container-of-the-tests-which-protects-nothing-0123456789",
            "KEY_ENCRYPTION_KEYS": "ZXhhbXBsZSBvbmx5LCBwcm90ZWN0cyBub3RoaW5nISE=",
            "DATABASE_URL": template.format(user="bank_app"),
            "EMAIL_URL": "smtp+tls://user:password@mail.example:587",
            "PROXY_SECRETS": SECRET,
        }
        folder = image.path("/run/secrets")
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in {
            **secrets,
            "OWNER": template.format(user="postgres"),
            "SITE_PASSWORD": "of-bank-app",
        }.items():
            (folder / name).write_text(value + "\n")
            (folder / name).chmod(0o444)
        yield {
            **IMAGE.environment,
            "OAUTH_ISSUER": "https://bank.example",
            "TRUSTED_PROXIES": "127.0.0.1",
            **{f"{name}_FILE": f"/run/secrets/{name}" for name in secrets},
        }


@pytest.fixture(scope="module")
def migrated(image: Sandbox, site: dict[str, str]) -> dict[str, str]:
    """The site after deploy/migrate, which was run as compose and Kubernetes run it: as another user, on a read-only
    root.
    """
    environment = {**site, "DATABASE_URL_FILE": "/run/secrets/OWNER", "STATEMENT_TIMEOUT": "0"}
    command = ["/bin/sh", "/app/deploy/migrate", "/run/secrets/SITE_PASSWORD"]
    done = image.run(command, environment=environment, workdir="/app", uid=A_USER, is_read_only=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "bank_app has exactly the rights of the site" in done.stdout
    return site


@contextmanager
def container(image: Sandbox, *command: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    wrapped = image.command(
        [*IMAGE.entrypoint, *command], environment=environment, workdir=IMAGE.workdir, uid=A_USER, is_read_only=True
    )
    process = subprocess.Popen(wrapped, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=servers.PATIENCE_SECONDS)


@needs_sandbox
@pytest.mark.packaged
@pytest.mark.served
class TestTheImage:
    def test_it_serves_as_any_user_on_a_read_only_root(self, image, migrated):
        port = servers.free_port()
        command = [*IMAGE.command, "--port", str(port), "--drain-seconds", "0"]
        with container(image, *command, environment=migrated) as process:
            servers.wait_until(
                lambda: process.poll() is not None or servers.answers(f"http://127.0.0.1:{port}/health/ready")
            )
            assert process.poll() is None, process.stdout.read()
            check = [one.replace("8000", str(port)) for one in IMAGE.healthcheck]
            done = image.run(check, environment=migrated, workdir="/app", uid=A_USER, is_read_only=True)
            assert done.returncode == 0, done.stderr
            headers = {"Host": "bank.example", "Forwarded": f"for=203.0.113.9;proto=https;by=_{SECRET}"}
            page = requests.get(f"http://127.0.0.1:{port}/accounts/login/", headers=headers, timeout=60)
            assert page.status_code == 200
            style = next(one for one in page.text.split('"') if one.endswith(".css"))
            answer = requests.get(f"http://127.0.0.1:{port}{style}", headers=headers, timeout=60)
            assert answer.status_code == 200
            assert "immutable" in answer.headers["Cache-Control"]
        assert process.returncode in (0, -15), process.returncode

    def test_the_background_worker_runs_there_too(self, image, migrated):
        with container(image, "worker", "--health-file", "/tmp/worker", environment=migrated) as process:
            assert next(line for line in process.stdout if "Starting worker" in line)
            process.terminate()
            process.communicate(timeout=servers.PATIENCE_SECONDS)
        assert process.returncode in (0, -15), process.returncode

    def test_without_a_directory_for_temporary_files_it_says_so(self, image, migrated):
        done = image.run(
            [*IMAGE.entrypoint, *IMAGE.command, "--port", str(servers.free_port())], environment=migrated,
            workdir="/app", uid=A_USER, is_read_only=True, is_tmp_writable=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert "TMPDIR" in done.stderr
        assert "Traceback" not in done.stderr

    def test_it_holds_no_tests_no_demo_and_no_secret(self, image):
        assert {one.name for one in image.path("/app").iterdir()} - {"__pycache__"} == {
            "LICENSE", "NOTICE", "accounts", "banking", "config", "deploy", "locale", "manage.py", "oauth",
            "requirements.txt", "static", "staticfiles", "templates",
        }  # fmt: skip
        assert not list(image.path("/").rglob("example.env"))
