"""Where the node programs of the tests live, and whether they can run."""

import shutil
from pathlib import Path

import pytest

NODE = Path(__file__).resolve().parents[1] / "flows" / "node"
skip_without_node = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")), reason="no node and npm on this machine"
)
needs_node = [pytest.mark.node, skip_without_node]
