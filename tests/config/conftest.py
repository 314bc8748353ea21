"""Fixtures for tests of the site."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.lib.database import url_of


@pytest.fixture
def database_url(db: None) -> str:
    """The tests' own database, as another process reaches it."""
    return url_of()


@pytest.fixture
def seed(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs `manage.py demo_seed` and returns its output."""
    settings.DATA_DIR = tmp_path
    monkeypatch.setenv("DEMO_PASSWORD", "a password for this test")

    def seed(**options: Any) -> str:
        out = StringIO()
        call_command("demo_seed", stdout=out, **options)
        return out.getvalue()

    return seed
