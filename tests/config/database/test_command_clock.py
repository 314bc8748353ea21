"""The clock of commands of manage.py is the database's."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from config.database import watch
from config.database.command_clock import Measured
from config.database.probe import Answer
from config.database.waiting import Away
from tests.lib.servers import PATIENCE_SECONDS, ROOT

pytestmark = pytest.mark.django_db


def test_a_wrong_clock_is_measured_and_a_right_one_changes_nothing() -> None:
    assert Measured()() == 0
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        assert Measured()() == pytest.approx(86_400, abs=PATIENCE_SECONDS)


class Says:
    def __init__(self, *answers: Answer | Away) -> None:
        self.answers = list(answers)

    def ask(self) -> Answer:
        answer = self.answers.pop(0)
        if isinstance(answer, Away):
            raise answer
        return answer

    def close(self) -> None:
        pass


def test_without_an_answer_the_last_measurement_applies(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = Says(Answer(600, 0.001), Away("no answer"), Away("no answer"), Answer(1, 0.001))
    monkeypatch.setattr(watch, "probe", lambda: probe)
    measured = Measured()
    assert measured() == measured() == 600, "measured once"
    measured._until = 0
    assert measured() == measured() == 600
    assert measured() == 0


def test_each_command_of_manage_py_uses_it(database_url: str) -> None:
    code = (
        "from oauth.infrastructure import clock; print(type(clock._seconds_ahead).__module__, clock._seconds_ahead())"
    )
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", code], cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url}, capture_output=True, text=True, timeout=PATIENCE_SECONDS,
        check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "config.database.command_clock 0.0"
