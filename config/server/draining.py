"""Whether the server is about to stop. `serve` tells its worker processes, and /health/ready tells load balancers.

The state is a file, because the workers are other processes.
"""

import os
from pathlib import Path

VARIABLE = "DRAINING_FILE"  # set by `serve` for its workers


def is_draining() -> bool:
    file = os.environ.get(VARIABLE)
    return file is not None and os.path.exists(file)


def begin() -> None:
    Path(os.environ[VARIABLE]).touch()
