"""Times in claims."""

import time
from datetime import timedelta
from typing import Any


def from_now(claims: dict[str, Any]) -> dict[str, Any]:
    """A timedelta counts from the time at which the test runs, not from when its file is imported."""
    return {
        name: int(time.time() + value.total_seconds()) if isinstance(value, timedelta) else value
        for name, value in claims.items()
    }
