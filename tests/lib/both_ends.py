"""How `make test-all` hands its files to its processes: most begin with those that wait, one in four with those that compute.

The files that wait for browsers, servers and other languages come first in the order (`environment.py`). With all processes
on them the processors would idle, and later all would compute. From both ends, there is always something of each.
"""

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController


class FromBothEnds(LoadFileScheduling):
    def _assign_work_unit(self, node: WorkerController) -> None:
        if int(node.gateway.id.removeprefix("gw")) % 4 == 3:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)
