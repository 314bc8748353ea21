"""Settings that other machines and users see: headers, time limits of the database, who may call from a browser, static
files.
"""

import os

import psycopg
import pytest
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.core.files.base import ContentFile

from config import settings as of_the_site
from tests.lib.database import url_of


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "value"),
    [("statement_timeout", "5s"), ("lock_timeout", "3s"), ("idle_in_transaction_session_timeout", "10s")],
)
def test_every_connection_has_its_time_limits(django_db_modify_db_settings, name, value):
    limits = django_db_modify_db_settings.limits_of_the_site
    with psycopg.connect(url_of(), options=limits) as connection:
        assert connection.execute(f"SHOW {name}").fetchone() == (value,)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        "/oauth/token",
        "/oauth/revoke",
        "/oauth/userinfo",
        "/oauth/jwks",
        "/api/v1/accounts",
        "/.well-known/openid-configuration",
    ],
)
def test_browser_apps_may_call_what_works_without_cookies(client, path):
    origin = {"Origin": "https://app.example"}
    answer = client.get(path, headers=origin)
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, idempotency-key",
    }
    preflight = client.options(path, headers=origin | asked)
    assert preflight.status_code == 200
    assert "authorization" in preflight["Access-Control-Allow-Headers"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/oauth/authorize", "/accounts/login/", "/", "/admin/"])
def test_they_may_not_read_pages(client, path):
    """RFC 9700 §2.6: no CORS at the authorization endpoint."""
    assert "Access-Control-Allow-Origin" not in client.get(path, headers={"Origin": "https://app.example"})


def test_every_user_can_read_the_static_files_that_root_collects_with_its_umask(tmp_path):
    """docs/operating.md: a shell with `umask 077` collects them, and the server is another user."""
    storage = StaticFilesStorage(location=tmp_path / "static", **of_the_site.STORAGES["staticfiles"]["OPTIONS"])
    before = os.umask(0o077)
    try:
        storage.save("oauth/pages.css", ContentFile(""))
    finally:
        os.umask(before)
    modes = [(tmp_path / "static" / name).stat().st_mode & 0o777 for name in ("", "oauth", "oauth/pages.css")]
    assert modes == [0o755, 0o755, 0o644]
