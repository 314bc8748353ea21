"""The code of README.md and docs/resource_server.md runs as it stands there."""

import asyncio
import os
import re
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import AsyncRequestFactory, RequestFactory
from psycopg.conninfo import conninfo_to_dict

from oauth.conf import Conf
from tests.lib import servers
from tests.lib.distributions import RESOURCE_SERVER, ROOT, Environment
from tests.lib.document_blocks import blocks

README = (ROOT / "README.md").read_text()
RESOURCE_SERVER_PAGE = (ROOT / "docs/resource_server.md").read_text()
FIRST_SCREEN = README.partition("\n## ")[0]


def run(code: str) -> SimpleNamespace:
    names: dict[str, Any] = {"__name__": "snippet"}
    exec(code, names)
    return SimpleNamespace(**names)


def get(token: str = "", factory: type[RequestFactory] = RequestFactory) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return factory().get("/api/v1/orders", headers=headers)


def test_each_way_in_has_at_most_five_lines() -> None:
    written = (code for language in ("sh", "python") for code in blocks(FIRST_SCREEN, language=language))
    ways = [list(filter(None, code.splitlines())) for code in written]
    assert len(ways) == 3
    assert all(len(lines) <= 5 for lines in ways)


def test_the_settings_of_an_api_are_settings() -> None:
    written = re.findall(r"`(OAUTH = .*?)`", FIRST_SCREEN)
    for code in (*written, blocks(README, "Protect your API")[0], blocks(RESOURCE_SERVER_PAGE)[0]):
        assert Conf(**run(code).OAUTH).audiences == ("https://api.example/v1",)
    assert written


@pytest.mark.django_db
def test_the_view_of_the_first_screen_opens_to_a_token(access_token: Any, alice: Any) -> None:
    (code,) = blocks(FIRST_SCREEN)
    orders = run(code).orders
    answers = [orders(get(token)) for token in ("", access_token(alice), access_token(alice, "orders:read"))]
    assert [answer.status_code for answer in answers] == [401, 403, 200]
    assert str(alice.pk) in answers[2].content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("code", [blocks(README, "Protect your API")[1], blocks(RESOURCE_SERVER_PAGE)[1]])
def test_the_view_of_rest_framework_opens_to_a_token(code: str, access_token: Any, alice: Any) -> None:
    view = run(code).Orders.as_view()
    assert view(get(access_token(alice))).status_code == 403
    assert view(get(access_token(alice, "orders:read"))).data == {"orders_of": str(alice.pk)}


@pytest.mark.django_db
def test_the_views_of_django_open_to_a_token(access_token: Any, alice: Any, settings: Any) -> None:
    settings.OAUTH = {**settings.OAUTH, "VERIFICATION_KEYS": "oauth.keys.published_jwks"}
    views = run(blocks(RESOURCE_SERVER_PAGE, "Django")[0])
    token = access_token(alice, "orders:read")
    assert views.orders(get(token)).status_code == 200  # from now on, the thread finds the keys in memory
    assert asyncio.run(views.order(get(token, AsyncRequestFactory), 7)).status_code == 200


def test_the_program_without_django_answers() -> None:
    (code,) = blocks(RESOURCE_SERVER_PAGE, "Any other program")
    asked = 'print(orders("GET", "/v1/orders", {})[0], orders("GET", "/v1/orders", {"Authorization": "Bearer x"})[0])'
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{asked}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "401 401\n"


@pytest.mark.packaged
def test_the_api_of_ninja_answers(wheels: dict[str, Path], tmp_path: Path) -> None:
    environment = Environment.make(tmp_path / "ninja")
    environment.install(f"{RESOURCE_SERVER.replace('_', '-')}[ninja] @ {wheels[RESOURCE_SERVER].as_uri()}")
    (oauth,) = re.findall(r"`(OAUTH = .*?)`", FIRST_SCREEN)
    (code,) = blocks(RESOURCE_SERVER_PAGE, "Django Ninja")
    program = f"""
import django, sys
from django.conf import settings
{oauth}
settings.configure(OAUTH=OAUTH, ROOT_URLCONF="__main__", SECRET_KEY="x", ALLOWED_HOSTS=["*"])
django.setup()
{code}
from django.test import Client
from django.urls import path
urlpatterns = [path("", api.urls)]
answer = Client().get("/orders")
print(answer.status_code, answer["WWW-Authenticate"].partition(" ")[0])
"""
    assert environment.run("-c", program) == "401 Bearer\n"


# --- the server in a new project


@pytest.mark.packaged
def test_a_new_project_serves_after_the_five_lines(wheels: dict[str, Path], tmp_path: Path) -> None:
    """`startproject`, the blocks of the README at the ends of its files, and the lines of the first screen in a shell."""
    environment = Environment.make(tmp_path / "project", "--seed")
    project = environment.directory
    (project / "dist").symlink_to(wheels[RESOURCE_SERVER].parent)
    install, *lines = blocks(FIRST_SCREEN, language="sh")[1].splitlines()
    shell(environment, install)
    shell(environment, "django-admin startproject shop .")
    settings, urls = blocks(README, "Adopt `oauth` in your site")
    with servers.own_database("readme") as url:
        append(project / "shop/settings.py", f"DATABASES = {{'default': {database(url)}}}\n", settings)
        append(project / "shop/urls.py", urls)
        port = servers.free_port()
        script = "\n".join(lines).replace(
            "python manage.py runserver", f"exec python manage.py runserver --noreload {port}"
        )
        with (
            (project / "log").open("wb") as log,
            subprocess.Popen(
                ["/bin/sh", "-ec", script], cwd=project, env=variables(environment), stderr=log, stdout=log
            ) as server,
        ):
            try:
                origin = f"http://localhost:{port}"
                servers.wait_until(lambda: server.poll() is not None or is_open(port))
                assert server.poll() is None, (project / "log").read_text()
                assert '"issuer": "http://localhost:8000"' in read(f"{origin}/.well-known/oauth-authorization-server")
                assert '"kid"' in read(f"{origin}/oauth/jwks")
                assert "csrfmiddlewaretoken" in read(f"{origin}/login/")
            finally:
                server.terminate()


def variables(environment: Environment) -> dict[str, str]:
    return {"PATH": f"{environment.directory / 'bin'}:{os.environ['PATH']}", "HOME": os.environ.get("HOME", "/")}


def shell(environment: Environment, script: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-ec", script],
        cwd=environment.directory, env=variables(environment), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def append(file: Path, *code: str) -> None:
    file.write_text("\n".join([file.read_text(), *code]))


def database(url: str) -> dict[str, Any]:
    """The entry of DATABASES."""
    given = conninfo_to_dict(url)
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    return {"ENGINE": "django.db.backends.postgresql", **{name: given.get(key, "") for name, key in names.items()}}


def is_open(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return str(answer.read().decode())
