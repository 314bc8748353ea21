"""Where the node programs of the tests find their libraries, and whether they can run."""

import shutil

import pytest

from tests.lib import toolchains

NODE = toolchains.CACHE / "node"
skip_without_node = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")), reason="no node and npm on this machine"
)
needs_node = [pytest.mark.node, skip_without_node]
