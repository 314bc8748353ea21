"""`oauth` in another team's project: another user model, no bank (README, “Adopt `oauth` in your site”)."""

import io
import json
import os
import re
import subprocess
import sys

import pytest
from django.core.management import call_command

from tests.lib import servers


def run(project, *program, **environment):
    with servers.own_database(project) as database_url:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": f"tests.{project}.settings",
            "DATABASE_URL": database_url,
            **environment,
        }
        process = subprocess.run(
            [sys.executable, "-m", *program], cwd=servers.ROOT, env=environment, capture_output=True, text=True,
            timeout=200, check=False,
        )  # fmt: skip
    assert process.returncode == 0, process.stderr
    return process


def story(project, **environment):
    """Runs the module `story` of the project and returns the JSON of its last line."""
    return json.loads(run(project, f"tests.{project}.story", **environment).stdout.splitlines()[-1])


@pytest.mark.served
def test_another_project_completes_code_with_pkce():
    result = story("plain_project")
    assert result == {"status": 200, "body": {"orders_of": str(result["id"])}, "id": result["id"], "refreshed": 200}


@pytest.mark.served
@pytest.mark.parametrize("fast_path", ["on", "off"])
def test_users_may_be_of_any_model(fast_path):
    """docs/adopting.md: any model whose primary key is never given to a second user. The project also has
    LoginRequiredMiddleware, and Django's own login (OpenID Connect Core §3.1.2.1: `max_age`)."""
    key = "dora_23.o'hara@shop.example"
    assert story("strange_project", FAST_PATH=fast_path) == {
        "jwks": 200,
        "status list": 200,
        "api": [200, {"orders_of": key}],
        "plain api": [200, {"orders_of": key}],
        "userinfo": [200, {"sub": key, "name": "Dora", "given_name": "41441"}],
        "refreshed": 200,
        "again without asking": True,
        "an old login": "login_required",
        "admin": [200, 200],
        "page without a login": 302,
        "told about changes": [key],
        "refreshed when blocked": 400,
        "userinfo when blocked": 401,
    }


WITH_A_SECOND_DATABASE = {"DJANGO_SETTINGS_MODULE": "tests.plain_project.with_a_second_database"}


@pytest.mark.served
def test_a_project_runs_its_own_tests():
    """Django empties the tables after some of them, which the audit log refuses in every other database. Before them,
    it migrates each database of the project, also those without the tables of `oauth`.
    """
    tests = run("plain_project", "django", "test", "tests.plain_project.of_their_own", **WITH_A_SECOND_DATABASE)
    assert "Ran 2 tests" in tests.stderr


@pytest.mark.packaged
def test_a_project_removes_oauth(tmp_path):
    """docs/adopting.md, “Remove `oauth`”. The project has a second database, which it migrates before and after."""
    life = run("plain_project", "tests.plain_project.life", **WITH_A_SECOND_DATABASE, WAREHOUSE=f"{tmp_path}/warehouse")
    assert json.loads(life.stdout.splitlines()[-1]) == {"scopes": ["orders:read"], "left": []}


def test_a_dump_with_natural_keys_has_users_before_what_they_allowed(alice, access_token):
    """docs/adopting.md, “Copy the data”: the database refuses an authorization of a user that it does not have."""
    access_token(alice, "openid")
    dump = io.StringIO()
    call_command("dumpdata", natural_foreign=True, stdout=dump)
    models = [row["model"] for row in json.loads(dump.getvalue())]
    assert models.index("accounts.user") < models.index("oauth.authorization")


def test_no_template_writes_a_key_as_a_number_for_readers() -> None:
    """With USE_THOUSAND_SEPARATOR, a project's integer key 1000 would become `1,000` in a hidden field."""
    templates = servers.ROOT / "oauth/templates"
    values = re.compile(r'value="\{\{ *[\w.]+\.pk *\}\}"')
    assert not [(path.name, found) for path in templates.rglob("*.html") for found in values.findall(path.read_text())]
