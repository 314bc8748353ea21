"""Follows docs/adopting.md as a new user would, from an empty directory to an app that has a token.

The blocks of the page are the files of examples/shop. The wheels are installed into their own environment.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright
from psycopg.conninfo import conninfo_to_dict

from tests.lib import servers
from tests.lib.chromium import CHROMIUM, OFFLINE, needs_chromium
from tests.lib.distributions import ROOT, Environment

GUIDE = (ROOT / "docs/adopting.md").read_text().partition("## Settings")[0]
SHOP = ROOT / "examples/shop"
EMAIL, PASSWORD = "alice@example.test", "correct-horse-demo"
BROWN = "rgb(122, 62, 18)"

FILES = dict(re.findall(r"^`([\w./]+)`:\n\n```\w+\n(.*?)```$", GUIDE, re.M | re.S))
COMMANDS = [line for block in re.findall(r"^```sh\n(.*?)```$", GUIDE, re.M | re.S) for line in block.splitlines()]


def test_the_blocks_of_the_page_are_the_files_of_the_example() -> None:
    of_startproject = {"manage.py", "shop/__init__.py", "shop/wsgi.py"}
    files = {
        str(file.relative_to(SHOP)): file.read_text()
        for file in SHOP.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert files.keys() - FILES.keys() == of_startproject
    assert {name: files.get(name) for name in FILES} == FILES


@dataclass(frozen=True)
class Project:
    """The project in its directory, and the variables of the terminal."""

    directory: Path
    variables: dict[str, str]

    @property
    def issuer(self) -> str:
        return self.variables["ISSUER"]

    def run(self, command: str) -> str:
        """Runs a line of the page in a shell. Raises AssertionError if it fails."""
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.directory, env=self.variables, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    @contextmanager
    def running(self, command: str) -> Iterator[subprocess.Popen[str]]:
        shell = ["bash", "-c", f"exec {command}"]
        with subprocess.Popen(
            shell, cwd=self.directory, env=self.variables, text=True, stdout=subprocess.PIPE
        ) as process:
            try:
                yield process
            finally:
                process.terminate()


@pytest.fixture
def project(wheels: dict[str, Path], tmp_path: Path) -> Iterator[Project]:
    """Makes the project as the page says, up to the running server."""
    environment = Environment.make(tmp_path / "venv")
    environment.install("--find-links", wheels["countersign_oauth"].parent, "countersign-oauth[binary]")
    directory = tmp_path / "project"
    directory.mkdir()
    with servers.own_database("shop") as database_url:
        at = conninfo_to_dict(database_url)
        project = Project(
            directory,
            {
                "PATH": f"{environment.directory}/bin:{os.environ['PATH']}",
                "PGHOST": str(at["host"]), "PGPORT": str(at.get("port", 5432)), "PGUSER": str(at["user"]),
                "PGPASSWORD": str(at.get("password", "")), "PGDATABASE": str(at["dbname"]),
                "ISSUER": f"http://localhost:{servers.free_port()}", "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            },
        )  # fmt: skip
        for command in COMMANDS:
            if name := re.match(r"export (\w+)=(.*)", command):
                project.variables[name[1]] = project.run(f"echo -n {name[2]}")
            elif "startproject" in command:
                project.run(command)
                for path, text in FILES.items():
                    (directory / path).parent.mkdir(parents=True, exist_ok=True)
                    (directory / path).write_text(text)
            elif "createsuperuser" in command:
                project.run(f"{command} --noinput")
            elif "makemigrations" in command or "migrate" in command:
                project.run(command)
        port = project.issuer.rpartition(":")[2]
        with project.running(f"python manage.py runserver --noreload {port}"):
            servers.wait_until(lambda: servers.answers(f"{project.issuer}/.well-known/oauth-authorization-server"))
            yield project


def style(page: Page, selector: str, name: str) -> str:
    return str(page.eval_on_selector(selector, f"one => getComputedStyle(one).{name}"))


def looks_like_the_shop(page: Page) -> None:
    assert page.get_attribute("html", "lang") == "de"
    assert page.inner_text(".brand") == "Kaffeekontor"
    assert page.title().endswith("· Kaffeekontor")
    assert page.eval_on_selector(".brand img", "one => one.complete && one.naturalWidth > 0")
    assert "Times" not in style(page, "body", "fontFamily")
    assert style(page, ".card", "borderRadius") != "0px"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.packaged
@pytest.mark.served
@needs_chromium[0]
@needs_chromium[1]
def test_somebody_new_follows_the_page(project: Project, tmp_path: Path) -> None:
    assert "no issues" in project.run("python manage.py check")
    with project.running("python manage.py worker"), sync_playwright() as playwright:
        command = next(line for line in COMMANDS if line.startswith("python app.py"))
        with project.running(command) as app:
            assert app.stdout
            address = app.stdout.readline().removeprefix("Open ").strip()
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OFFLINE)
            page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="light")
            page.goto(address)
            looks_like_the_shop(page)
            assert page.inner_text("h1") == "Anmelden"
            assert style(page, ".button", "backgroundColor") == BROWN
            page.screenshot(path=tmp_path / "login.png")
            page.fill("input[name=username]", EMAIL)
            page.fill("input[name=password]", PASSWORD)
            page.click("button")

            looks_like_the_shop(page)
            assert page.inner_text("h1") == "Röstplaner bittet um Zugriff"
            assert "Ihre Bestellungen sehen" in page.inner_text("main")
            assert style(page, "button[value=allow]", "color") == BROWN
            page.screenshot(path=tmp_path / "consent.png", full_page=True)
            page.set_viewport_size({"width": 1280, "height": 900})
            page.emulate_media(color_scheme="dark")
            assert style(page, "button[value=allow]", "color") not in (BROWN, "rgb(0, 0, 0)")
            page.screenshot(path=tmp_path / "consent-dark.png", full_page=True)
            page.click("button[value=allow]")
            page.wait_for_url("http://127.0.0.1:*/**")

            assert app.stdout.read() == '200 [{"number":1,"customer":"1","goods":"250 g Sidamo"}]\n'
            page.goto(f"{project.issuer}/")  # the page that the logo links to
            looks_like_the_shop(page)
            assert "Röstplaner" in page.inner_text("main")
            page.screenshot(path=tmp_path / "apps.png", full_page=True)
            browser.close()
        # the site sees that the worker runs
        assert "no issues" in project.run("python manage.py check --database default")
