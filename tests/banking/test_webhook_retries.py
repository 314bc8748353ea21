"""When a webhook message is tried again."""

from types import SimpleNamespace

import pytest
import time_machine
from django.db import OperationalError
from django.utils import timezone

from banking.webhooks import NotDelivered, UntilDelivered
from oauth.infrastructure.turns import Postponed


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (NotDelivered("500", attempts=1), 3),
        (NotDelivered("500", attempts=11), 177_147),
        (Postponed(20), 20),
        (OperationalError(), 30),
        (ValueError(), None),
    ],
)
def test_postponing_is_no_attempt(error, seconds):
    """The job has run a hundred times, and was postponed nearly each time."""
    with time_machine.travel(timezone.now(), tick=False):
        decision = UntilDelivered().get_retry_decision(exception=error, job=SimpleNamespace(attempts=100))
        wait = decision and (decision.retry_at - timezone.now()).total_seconds()
    assert wait == seconds
