"""No token may do more than its user last saw and allowed, after any sequence of events.

`make model SEED=7 STEPS=10000` runs longer, and reduces a failure to the shortest sequence.
"""

import os
import time

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import AuthorityMachine
from tests.model.stage import Stage

pytestmark = pytest.mark.simulation

STEPS_OF_AN_EXAMPLE = 40
#: Hypothesis begins each round with an example of the simplest moves.
EXAMPLES_OF_A_ROUND = 50
#: The run that is part of `make test-all`. It is the same every time and on every machine.
SEED, STEPS = 1, 200


def run(machine: type[AuthorityMachine], number: int, examples: int, *, shrinks: bool) -> None:
    phases = [Phase.generate, Phase.shrink] if shrinks else [Phase.generate]
    run_state_machine_as_test(
        seed(number)(machine),
        settings=settings(
            max_examples=examples, stateful_step_count=STEPS_OF_AN_EXAMPLE, deadline=None, database=None,
            phases=phases, suppress_health_check=list(HealthCheck), print_blob=False,
        ),
    )  # fmt: skip


@pytest.mark.django_db
def test_no_token_does_more_than_the_user_last_saw(machine):
    number, steps = int(os.environ.get("SEED") or SEED), int(os.environ.get("STEPS") or STEPS)
    print(f"SEED={number} STEPS={steps} repeats this")  # noqa: T201 (pytest shows it where it fails)
    began = time.monotonic()
    while Stage.steps < steps:
        examples = min(EXAMPLES_OF_A_ROUND, 1 + (steps - Stage.steps) // STEPS_OF_AN_EXAMPLE)
        run(machine, number + Stage.steps, examples, shrinks="QUICK" not in os.environ)
    print(f"{Stage.steps} steps in {time.monotonic() - began:.0f} s: {Stage.seen}")  # noqa: T201
    if steps >= 5000:
        # A run in which everything is refused, or everything is allowed, would prove nothing.
        assert {"tokens", "silently", "alive", "dead", "refused", "paid", "subscribed", "sent"} <= set(Stage.seen)
