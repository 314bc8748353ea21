"""`manage.py demo_app` works as the README says."""

import os
import subprocess
import sys

import pytest

from tests.lib.servers import ROOT, Server

pytestmark = pytest.mark.served


def run_app(live: Server, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MODE": "demo", "DATA_DIR": str(live.data_dir), "NO_COLOR": "1"}
    environment.pop("DATABASE_URL")  # an app has no access to the database
    command = [sys.executable, "manage.py", "demo_app", *options]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200, check=False)


def test_the_app_gets_from_log_in_to_a_transfer_and_a_renewed_token(live: Server) -> None:
    """The app finds the running demo by itself: PORT and DATA_DIR are those of `make demo`."""
    app = run_app(live, "--login", "alice@demo.test")
    assert app.returncode == 0, app.stderr
    assert '"typ": "at+jwt"' in app.stdout
    assert "posted as" in app.stdout
    assert app.stdout.rstrip().endswith("Done.")


def test_the_same_as_fapi_2_0_with_signed_messages_and_picked_accounts(live: Server) -> None:
    app = run_app(live, "--fapi", "--login", "alice@demo.test")
    assert app.returncode == 0, app.stderr
    assert "The accounts that you picked" in app.stdout
    assert '"account_information"' in app.stdout
    assert '"jkt"' in app.stdout
    assert "request_uri=" in app.stdout
    assert "scope=" not in app.stdout
    assert app.stdout.rstrip().endswith("Done.")


def test_the_app_says_that_the_password_is_wrong(live: Server) -> None:
    app = run_app(live, "--login", "alice@demo.test", "--password", "not the password")
    assert app.returncode == 1
    assert "The login page does not accept this" in app.stderr
    assert "Traceback" not in app.stderr


def test_the_app_says_that_nobody_answers(live: Server) -> None:
    app = run_app(live, "--issuer", "http://localhost:9")
    assert app.returncode == 1
    assert "Start the demo" in app.stderr


def test_an_hour_later_no_account_has_become_dormant(live: Server) -> None:
    """The hourly task marks dormant accounts, and most accounts of the demo have no payment by a user yet."""
    code = "from banking.account_life import dormancy; print(dormancy.mark_unused())"
    assert live.manage("shell", "--verbosity", "0", "--command", code).split() == ["0"]
