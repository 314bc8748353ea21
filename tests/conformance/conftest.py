from typing import Any

import pytest
from django.core.management import call_command

from tests.lib.relying_party import RelyingParty


@pytest.fixture
def initial_access_token(signing_keys: None, capsys: pytest.CaptureFixture[str]) -> str:
    call_command("registration_token")
    return capsys.readouterr().out.splitlines()[-1]


@pytest.fixture
def register(initial_access_token: str) -> Any:
    """Registers a relying party."""

    def make(response_mode: str | None = None, **metadata: Any) -> RelyingParty:
        return RelyingParty(initial_access_token, response_mode, **metadata)

    return make
