"""Whether this server is about to stop: `serve` says so to its workers, /health/ready says it to load balancers.

A file, because the workers are processes of their own.
"""

import os
from pathlib import Path

VARIABLE = "DRAINING_FILE"  # set by `serve` for its workers


def is_draining() -> bool:
    file = os.environ.get(VARIABLE)
    return file is not None and os.path.exists(file)


def begin() -> None:
    Path(os.environ[VARIABLE]).touch()
