"""Makes the world of the state machine, once for each test."""

from typing import Any

import pytest
import time_machine

from tests.model import stage, world
from tests.model.machine import AuthorityMachine
from tests.model.stage import Stage


@pytest.fixture
def machine(signing_keys: None, settings: Any, without_traces: None) -> type[AuthorityMachine]:
    settings.OAUTH = {
        **settings.OAUTH,
        "THROTTLE_SCALE": 1_000_000,
        "RESOURCES": {**settings.OAUTH["RESOURCES"], world.OTHER_API: {"name": "Weather"}},
        "AUDIENCES": [world.API],
    }
    settings.ACCOUNT_RATE_LIMITS = False
    with time_machine.travel(stage.START, tick=False):
        AuthorityMachine.world = world.make()
    Stage.steps, Stage.seen = 0, {}
    return AuthorityMachine
