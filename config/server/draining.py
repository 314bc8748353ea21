"""Whether the server is about to stop. `serve` creates a file for its worker processes, and /health/ready then tells
load balancers.
"""

import os
from pathlib import Path

VARIABLE = "DRAINING_FILE"  # set by `serve` for its workers


def is_draining() -> bool:
    file = os.environ.get(VARIABLE)
    return file is not None and os.path.exists(file)


def begin() -> None:
    Path(os.environ[VARIABLE]).touch()
