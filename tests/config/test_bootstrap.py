"""`manage.py bootstrap`: what it refuses and keeps. tests/flows/test_from_an_empty_server.py walks the whole way."""

import io
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.management.base import CommandError

from accounts.models import User
from accounts.passwords import reset_links
from config.bootstrap import first_admin, first_client, folder
from oauth.models import AuditEvent, Client

ISSUER = ["--issuer", "https://bank.example"]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a process with only the two values that an operator must give."""
    here = {
        "DATABASE_URL": "postgresql://owner:secret@db.example/bank?sslmode=require",
        "EMAIL_URL": "smtp+tls://u:p@mail.example:587",
    }
    monkeypatch.setattr(folder.os, "environ", here)
    return here


def test_the_folder_has_what_the_units_of_systemd_read(tmp_path: Path, environment: dict[str, str]) -> None:
    folder.prepare([str(tmp_path), *ISSUER])
    units = Path("deploy/systemd")
    named = {
        line.rpartition("/etc/countersign/secrets/")[2].strip()
        for file in units.glob("*.service")
        for line in file.read_text().splitlines()
        if line.startswith("LoadCredential=")
    }
    assert {one.name for one in (tmp_path / "secrets").iterdir()} == named
    assert (tmp_path / "environment").read_text() == "OAUTH_ISSUER=https://bank.example\n"


def test_the_role_of_the_site_gets_the_database_of_the_owner(tmp_path: Path, environment: dict[str, str]) -> None:
    folder.prepare([str(tmp_path), *ISSUER, "--role", "web"])
    password = (tmp_path / "secrets/site_password").read_text()
    url = (tmp_path / "secrets/database_url").read_text()
    assert url == f"postgresql://web:{password}@db.example/bank?sslmode=require"


def test_a_second_run_changes_no_file(
    tmp_path: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder.prepare([str(tmp_path), *ISSUER])
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    capsys.readouterr()
    folder.prepare([str(tmp_path)])
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before
    assert "made" not in capsys.readouterr().out


def test_no_secret_stays_in_the_environment(tmp_path: Path, environment: dict[str, str]) -> None:
    folder.prepare([str(tmp_path), *ISSUER])
    secrets = [file.read_text() for file in (tmp_path / "secrets").iterdir()]
    assert not [name for name, value in environment.items() if value in secrets]


def test_another_issuer_is_refused(tmp_path: Path, environment: dict[str, str]) -> None:
    folder.prepare([str(tmp_path), *ISSUER])
    with pytest.raises(SystemExit, match=r"says OAUTH_ISSUER=https://bank\.example"):
        folder.prepare([str(tmp_path), "--issuer", "https://other.example"])


def test_all_missing_options_are_named_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder.os, "environ", {})
    with pytest.raises(SystemExit) as refusal:
        folder.prepare([str(tmp_path)])
    assert all(one in str(refusal.value) for one in ("--issuer", "owner_database_url", "email_url"))


@pytest.mark.django_db
class TestTheFirstAdmin:
    def test_it_is_invited_by_a_link_and_has_no_password(self) -> None:
        user, _said = first_admin.ensure_admin(" Anna@Bank.example", asks_password=False)
        assert user
        assert (user.email, user.is_superuser, user.has_usable_password()) == ("anna@bank.example", True, False)
        assert EmailAddress.objects.get(user=user).verified
        assert AuditEvent.objects.get(endpoint="bootstrap").user == str(user.pk)
        assert reset_links.link(user).startswith("http://localhost")

    def test_there_is_only_one_first_admin(self) -> None:
        first_admin.ensure_admin("anna@bank.example", asks_password=False)
        invited, said = first_admin.ensure_admin("eve@bank.example", asks_password=False)
        assert invited is None
        assert "anna@bank.example" in said
        assert not User.objects.filter(email="eve@bank.example").exists()

    def test_a_link_that_was_lost_is_shown_again(self) -> None:
        user, _said = first_admin.ensure_admin("anna@bank.example", asks_password=False)
        again, _said = first_admin.ensure_admin("anna@bank.example", asks_password=False)
        assert again == user

    def test_an_admin_with_a_password_gets_no_link(self) -> None:
        User.objects.create_superuser("anna@bank.example", "correct-horse-battery")
        assert first_admin.ensure_admin("anna@bank.example", asks_password=False)[0] is None

    def test_a_user_who_signed_up_before_does_not_become_an_admin(self) -> None:
        """Anybody can sign up with the email of the admin to come."""
        User.objects.create_user("anna@bank.example", "correct-horse-battery")
        with pytest.raises(CommandError, match="already belongs to a user"):
            first_admin.ensure_admin("anna@bank.example", asks_password=False)
        assert not User.objects.filter(is_superuser=True).exists()

    def test_a_password_is_asked_only_at_a_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("hunter2 hunter2\n"))
        with pytest.raises(CommandError, match="needs a terminal"):
            first_admin.ensure_admin("anna@bank.example", asks_password=True)

    def test_a_weak_password_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr(first_admin, "getpass", lambda _prompt: "password")
        with pytest.raises(CommandError, match=r"too common|too short"):
            first_admin.ensure_admin("anna@bank.example", asks_password=True)


@pytest.mark.django_db
class TestTheFirstClient:
    def ensure(self, tmp_path: Path, kind: str = "web", **given: Any) -> str:
        (tmp_path / "secrets").mkdir(exist_ok=True)
        uris = given.get("uris", ["https://budget.example/callback"])
        return first_client.ensure_client("Budget Garden", kind, uris, given.get("scopes", []), tmp_path)

    def test_the_secret_of_a_client_is_in_a_file_and_nowhere_else(self, tmp_path: Path) -> None:
        said = self.ensure(tmp_path)
        client = Client.objects.get(name="Budget Garden")
        file = folder.client_secret_file(tmp_path, client.client_id)
        assert client.secret_is(file.read_text())
        assert file.read_text() not in said
        assert file.stat().st_mode & 0o077 == 0

    def test_a_client_of_that_name_is_kept(self, tmp_path: Path) -> None:
        self.ensure(tmp_path)
        before = Client.objects.values().get(name="Budget Garden")
        assert "made" not in self.ensure(tmp_path, uris=["https://other.example/"])
        assert Client.objects.values().get(name="Budget Garden") == before

    def test_a_public_client_has_no_secret(self, tmp_path: Path) -> None:
        assert "secret" not in self.ensure(tmp_path, "mobile")
        assert list((tmp_path / "secrets").iterdir()) == []

    def test_a_redirect_uri_that_is_not_https_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="https"):
            self.ensure(tmp_path, uris=["http://budget.example/callback"])
        assert not Client.objects.filter(name="Budget Garden").exists()

    def test_a_service_may_ask_for_nothing_unless_scopes_are_named(self, tmp_path: Path) -> None:
        self.ensure(tmp_path, "service", uris=[])
        assert Client.objects.get(name="Budget Garden").allowed_scopes == []
