"""Where the node programs of the tests live."""

from pathlib import Path

NODE = Path(__file__).resolve().parents[1] / "flows" / "node"
