"""How `make test-all` distributes test files over its processes: two in three processes begin with files that mostly
wait, one in three with files that mostly compute.

The files that wait for browsers, servers and other languages come first in the order (`environment.py`). If all
processes began with these, the CPUs would idle at first, and later all processes would compute. Taking files from both
ends keeps the two kinds mixed.
"""

import re

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

# The pages of each visitor (tests/lib/site_map.py). Alice has the most: those of the bank are a separate part.
_PARTS = re.compile(r"^tests/flows/test_every_page\.py::.*\[(alice bank:|\w+)")


class FromBothEnds(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        part = _PARTS.match(nodeid)
        return f"{super()._split_scope(nodeid)}[{part[1]}" if part else super()._split_scope(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        if int(node.gateway.id.removeprefix("gw")) % 3 == 2:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)
