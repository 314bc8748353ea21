"""A site migrates from django-oauth-toolkit 3.4, as docs/migrating_from_dot.md says, and its clients keep working.

DOT's own code fills the database. The clients are Authlib's, and keep their addresses, secrets and tokens.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import psycopg
import pytest
import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from bs4 import BeautifulSoup

from tests.lib import servers

pytestmark = pytest.mark.served
BEFORE, AFTER = "tests.dot_project.settings", "tests.dot_project.moved_settings"
VERIFIER = "a-code-verifier-of-forty-three-characters-or-more"
PLAN = (servers.ROOT / "docs/migrating_from_dot.md").read_text()
MAPPING = '[scopes]\nread = ["orders:read"]\nwrite = ["orders:read", "orders:write"]\n'


@dataclass
class Site:
    """One URL, where first DOT runs and later this server."""

    database_url: str
    port: int = field(default_factory=servers.free_port)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def variables(self, settings: str) -> dict[str, str]:
        return {
            **os.environ, **self.environment, "DJANGO_SETTINGS_MODULE": settings, "DATABASE_URL": self.database_url,
            "ISSUER": self.url, "PORT": str(self.port),
        }  # fmt: skip

    def run(self, settings: str, *module: str) -> str:
        process = subprocess.run(
            [sys.executable, "-m", *module], cwd=servers.ROOT, env=self.variables(settings), capture_output=True,
            text=True, timeout=300, check=False,
        )  # fmt: skip
        assert process.returncode == 0, process.stderr
        return process.stdout

    @contextmanager
    def served(self, settings: str) -> Iterator[None]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.dot_project.serve"], cwd=servers.ROOT, env=self.variables(settings)
        )
        try:
            servers.wait_until(
                lambda: process.poll() is not None or self._answers(),
                or_else=lambda: requests.get(f"{self.url}/login/", timeout=60).text,
            )
            assert process.poll() is None
            yield
        finally:
            process.terminate()
            process.wait(servers.PATIENCE_SECONDS)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/login/", timeout=60).ok
        except requests.RequestException:
            return False

    def sql(self, statements: str) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(statements)  # type: ignore[call-overload]


class App:
    """A client of one user, written with Authlib. It was configured for DOT and is not changed."""

    def __init__(
        self, site: Site, client_id: str, redirect_uri: str | None = None, *, method: str | None = None
    ) -> None:
        is_public = client_id == "shop-app"
        self.site, self.redirect_uri = site, redirect_uri
        self.session = OAuth2Session(
            client_id,
            None if is_public else f"the secret of {client_id}, made by DOT",
            scope="read",
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method="none" if is_public else method or "client_secret_basic",
        )

    @property
    def token_url(self) -> str:
        return f"{self.site.url}/o/token/"

    def log_in(self, browser: "Browser") -> int:
        """Logs in. Returns how many times the user was asked for consent."""
        url, state = self.session.create_authorization_url(f"{self.site.url}/o/authorize/", code_verifier=VERIFIER)
        answer, asked = browser.answer(url, returns_to=str(self.redirect_uri))
        self.session.fetch_token(self.token_url, authorization_response=answer, code_verifier=VERIFIER, state=state)
        return asked

    def refresh(self, token: str | None = None) -> dict[str, Any]:
        found: dict[str, Any] = self.session.refresh_token(self.token_url, token)
        return found

    def orders(self) -> requests.Response:
        return self.orders_by(self.session.token["access_token"])

    def orders_by(self, access_token: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {access_token}"}
        return requests.get(f"{self.site.url}/v1/orders", headers=headers, timeout=60)


class Browser:
    """A user who logs in and allows, with the forms of the server that answers, DOT or this one."""

    def __init__(self, name: str) -> None:
        self._name, self._http = name, requests.Session()

    def answer(self, url: str, *, returns_to: str) -> tuple[str, int]:
        asked, response = 0, self._http.get(url, allow_redirects=False)
        for _ in range(12):
            if location := response.headers.get("Location"):
                target = urljoin(response.url, location)
                if target.startswith(returns_to):
                    return target, asked
                response = self._http.get(target, allow_redirects=False)
                continue
            page = BeautifulSoup(response.text, "html.parser")
            form = page.select_one("#login-form, #authorizationForm, main form")
            assert form is not None, response.text
            fields = {str(one["name"]): str(one.get("value", "")) for one in form.select("input[type=hidden]")}
            if form.select_one("input[type=password]"):
                fields |= {"username": self._name, "password": "correct-horse-battery"}
            else:
                asked += 1
                fields |= {"allow": "Authorize", "decision": "allow"}
            target = urljoin(response.url, str(form.get("action") or response.url))
            response = self._http.post(target, data=fields, allow_redirects=False)
        raise AssertionError("The pages redirect in a loop.")


@pytest.fixture(autouse=True)
def _http_is_fine_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.fixture(scope="module")
def filled() -> Iterator[str]:
    """Creates a database and lets DOT fill it. Returns its name."""
    with servers.own_database("dot") as database_url:
        site = Site(database_url)
        site.run(BEFORE, "django", "migrate", "-v0")
        site.run(BEFORE, "tests.dot_project.fill")
        yield urlsplit(database_url).path[1:]


@pytest.fixture
def site(filled: str) -> Iterator[Site]:
    with servers.own_database("from_dot", template=filled) as database_url:
        yield Site(database_url)


@pytest.fixture
def mapping(tmp_path: Path) -> str:
    file = tmp_path / "scopes.toml"
    file.write_text(MAPPING)
    return str(file)


def statements(heading: str) -> str:
    """The SQL of the document."""
    section = PLAN.partition(f"### {heading}\n")[2]
    found = re.search(r"```sql\n(.*?)```", section, re.S)
    assert found is not None
    return found[1]


def test_nobody_is_logged_out(site, mapping):
    carol, dave = Browser("carol"), Browser("dave")
    web, app = (
        App(site, "shop-web", "https://shop.example/callback"),
        App(site, "shop-app", "com.example.shop:/callback"),
    )
    robbed = App(site, "shop-app", "com.example.shop:/callback")
    service, legacy = App(site, "shop-service"), App(site, "shop-legacy", method="client_secret_post")
    with site.served(BEFORE):
        assert [web.log_in(carol), app.log_in(carol), robbed.log_in(dave)] == [1, 1, 1]
        stolen = robbed.session.token["refresh_token"]
        for one in (web, app, robbed):
            one.refresh()
        service.session.fetch_token(site_token := service.token_url, grant_type="client_credentials")
        legacy.session.fetch_token(site_token, username="dave", password="correct-horse-battery", grant_type="password")
        before = [one.orders().json() for one in (web, app, robbed, service, legacy)]
        old_token_of_web = web.session.token["access_token"]
        unchanged = web.session.token["refresh_token"]

    site.sql(statements("4. Freeze and import"))
    site.run(AFTER, "django", "migrate", "-v0")
    command = ["django", "import_from_dot", "--schema", "dot", "--mapping", mapping, "--json",
               "--refresh-token-expire-seconds", str(14 * 24 * 3600)]  # fmt: skip
    dry = json.loads(site.run(AFTER, *command))
    assert not dry["blocked_by"], dry
    report = json.loads(site.run(AFTER, *command, "--apply"))
    assert report["counts"] == {
        "clients: works": 3, "clients: sessions only": 1, "authorizations": 4, "refresh tokens adopted": 4,
        "consents remembered": 1, "ended refresh tokens kept to detect reuse": 3,
        "access tokens kept until they expire": 5,
    }  # fmt: skip

    with site.served(AFTER):
        # The old access tokens work at our API, and name the same users.
        sessions = [web, app, robbed, service, legacy]
        assert [one.orders().json() for one in sessions][:3] == before[:3]
        assert {one.orders().status_code for one in sessions} == {200}
        body = {"token": old_token_of_web}
        introspected = web.session.post(f"{site.url}/o/introspect/", data=body, withhold_token=True,
                                        auth=("shop-web", "the secret of shop-web, made by DOT"))  # fmt: skip
        assert introspected.json()["active"], introspected.text
        # Each client refreshes with the token that it has, at the URL that it knows.
        for one in (web, app, legacy):
            assert one.refresh()["scope"] == "orders:read"
            assert one.orders().status_code == 200
        service.session.fetch_token(service.token_url, grant_type="client_credentials")
        assert service.orders().status_code == 200
        # A user of a confidential client is not asked again; the address of the page is DOT's.
        assert [web.log_in(carol), app.log_in(carol)] == [0, 1]
        # If a thief uses a token that DOT had already replaced, the family ends, also for the thief.
        with pytest.raises(OAuthError, match="invalid_grant"):
            App(site, "shop-app").refresh(stolen)
        with pytest.raises(OAuthError, match="invalid_grant"):
            robbed.refresh()
        # There are no new logins by password.
        with pytest.raises(OAuthError, match="unsupported_grant_type"):
            legacy.session.fetch_token(
                legacy.token_url, username="dave", password="correct-horse-battery", grant_type="password"
            )

    site.sql(statements("Roll back"))
    with site.served(BEFORE):
        assert web.refresh(unchanged)["access_token"]
        assert web.orders().json() == before[0]


def test_a_project_of_another_database_matches_its_users(site, mapping):
    app = App(site, "shop-app", "com.example.shop:/callback")
    with site.served(BEFORE):
        app.log_in(Browser("carol"))
    with servers.own_database("after_dot") as database_url:
        other = Site(database_url, site.port, {"OLD_DATABASE_URL": site.database_url})
        other.run(AFTER, "django", "migrate", "-v0")
        with psycopg.connect(database_url) as connection:
            connection.execute(
                "INSERT INTO auth_user (id, username, email, password, is_active, is_staff, is_superuser, first_name, "
                "last_name, date_joined) VALUES (1000, 'c', 'Carol@shop.example', '', true, false, false, '', '', now())"
            )
        command = ["django", "import_from_dot", "--database", "old", "--match-users", "email", "--mapping", mapping]
        report = json.loads(other.run(AFTER, *command, "--apply", "--json"))
        assert report["counts"]["refresh tokens adopted"] == 1, report
        with other.served(AFTER):
            app.refresh()
            assert app.orders().json() == {"orders_of": "1000"}
