"""`make bench`: what it measures beside ours can be loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench.servers import rsa_key

pytestmark = pytest.mark.served
ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("peer", ["bare", "drf", "dot"])
def test_each_peer_is_loaded_as_the_server_loads_it(peer: str) -> None:
    """Each in a process of its own, which no settings were read in before."""
    pem = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"from bench.peers.{peer} import application"],
        cwd=ROOT, env={**environment, "SIGNING_KEY": pem, "BENCH_USER": "nobody"}, check=True,
    )  # fmt: skip
