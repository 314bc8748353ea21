"""If tracing is off, nothing of OpenTelemetry is imported, nor is redis-py, which imports it, without a Valkey or Redis.
A wrong setting is reported.
"""

import os
import subprocess
import sys

import pytest

from oauth.checks import project
from tests.lib.servers import ROOT

_LOADED = """
import sys
import config.wsgi
import oauth.management.commands.worker
ours = ("oauth.tracing", "opentelemetry.sdk", "opentelemetry.exporter", "opentelemetry.instrumentation", "redis")
print([name for name in sys.modules if name.startswith(ours)])"""


@pytest.mark.served
def test_off_imports_nothing():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", _LOADED], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_on_without_the_packages_is_an_error(settings, monkeypatch):
    assert not list(project._tracing())
    settings.OAUTH = settings.OAUTH | {"TRACING": True}
    monkeypatch.setattr(project, "find_spec", lambda name: None)
    assert [message.id for message in project._tracing()] == ["oauth.E043"]
    monkeypatch.setattr(project, "find_spec", lambda name: object())
    assert not list(project._tracing())
