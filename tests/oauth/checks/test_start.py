"""Settings with which the server cannot run stop the process with the text of a check, without a traceback."""

import sys
import threading

import pytest

from oauth.checks import start
from oauth.conf import WrongSettings
from oauth.resource_server.start import stop_with
from tests.lib import servers

# A wrong line in the settings, and the message for it.
WRONG = {
    'OAUTH["AUDIENCES"] = "https://api.example/v1"': "(oauth.E020) OAUTH[\"AUDIENCES\"] is a str.\n\tHINT: It must be a list",
    'OAUTH["ISSUR"] = OAUTH.pop("ISSUER")': "(oauth.E021) OAUTH has no setting named ISSUR.\n\tHINT: Did you mean ISSUER?",
    "del OAUTH": '(oauth.E022) OAUTH["ISSUER"] is not set.',
    'INSTALLED_APPS.remove("oauth2_provider")': "(oauth.E023) oauth2_provider is not installed.",
    'INSTALLED_APPS.remove("django.contrib.admin")': "(oauth.E023) django.contrib.admin is not installed.",
    'INSTALLED_APPS.remove("django.contrib.contenttypes")': "(oauth.E023) django.contrib.contenttypes is not installed.",
    "del OAUTH2_PROVIDER_APPLICATION_MODEL": '\tHINT: Set OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth.Client"',
}  # fmt: skip


@pytest.mark.served
@pytest.mark.parametrize(("line", "text"), WRONG.items(), ids=WRONG)
def test_another_team_reads_what_to_do(tmp_path, line, text):
    (tmp_path / "wrong.py").write_text(f"from tests.plain_project.settings import *\n{line}\n")
    environment = {
        "PYTHONPATH": f"{tmp_path}:{servers.ROOT}", "DJANGO_SETTINGS_MODULE": "wrong", "SECRET_KEY": "of another team",
        "KEY_ENCRYPTION_KEYS": "of another team", "DATABASE_URL": "postgresql://nobody@localhost/nothing",
    }  # fmt: skip
    assert text in servers.refusal("-m", "django", "check", environment=environment)


@pytest.fixture
def _usual_hooks(monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)


@pytest.mark.usefixtures("_usual_hooks")
class TestStop:
    def test_right_settings_change_nothing(self):
        before = sys.excepthook
        start.require()
        assert sys.excepthook is before

    def test_all_that_is_wrong_is_said_at_once(self, settings):
        settings.OAUTH = {**settings.OAUTH, "SCOPES": [], "ISSUR": ""}
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth2_provider.Application"
        with pytest.raises(WrongSettings) as raised:
            start.require()
        assert [code in str(raised.value) for code in ("oauth.E020", "oauth.E021", "oauth.E024")] == [True] * 3

    def test_a_thread_shows_the_text(self, capsys):
        """`runserver` starts Django in a thread."""
        thread = threading.Thread(target=stop_with, args=(["(oauth.E0) all wrong"],))
        with pytest.raises(WrongSettings):
            stop_with(["installs the hook"])
        thread.start()
        thread.join()
        assert capsys.readouterr().err == "System check identified some issues:\n\nERRORS:\n(oauth.E0) all wrong\n"

    def test_other_errors_keep_their_traceback(self, capsys):
        with pytest.raises(WrongSettings):
            stop_with(["wrong"])
        try:
            raise KeyError("a bug")
        except KeyError as error:
            sys.excepthook(type(error), error, error.__traceback__)
        assert "Traceback" in capsys.readouterr().err
