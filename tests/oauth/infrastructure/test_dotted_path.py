"""Functions that a setting names. The first requests of a process may load one at the same time."""

import sys
import threading
import types

import pytest

from oauth.infrastructure.dotted_path import resolve
from tests.lib.servers import PATIENCE_SECONDS

_SLOW = """
import slow_import_gate
slow_import_gate.begun.set()
slow_import_gate.may_end.wait()
function = print
"""


def test_a_module_that_another_thread_imports_is_waited_for(tmp_path, monkeypatch):
    gate = types.ModuleType("slow_import_gate")
    gate.begun, gate.may_end = threading.Event(), threading.Event()
    monkeypatch.setitem(sys.modules, gate.__name__, gate)
    (tmp_path / "slow_import.py").write_text(_SLOW)
    monkeypatch.syspath_prepend(tmp_path)
    found = []
    threads = [threading.Thread(target=lambda: found.append(resolve("slow_import.function"))) for _ in range(2)]
    try:
        threads[0].start()
        assert gate.begun.wait(PATIENCE_SECONDS)
        threads[1].start()
        threads[1].join(0.1)
        gate.may_end.set()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
    finally:
        gate.may_end.set()
        monkeypatch.delitem(sys.modules, "slow_import", raising=False)
    assert found == [print, print]


@pytest.mark.parametrize("path", ["oauth.infrastructure.dotted_path.nothing", "no.such.module", "name"])
def test_what_is_not_there_is_an_import_error(path):
    with pytest.raises(ImportError):
        resolve(path)
