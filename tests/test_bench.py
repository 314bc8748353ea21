"""`make bench`: the servers that it compares with ours can be loaded, and its report of a run is right."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench import chart, document, load
from bench.load import Request
from bench.peers.programs import Program
from bench.report import BARE, COUNTERSIGN, DOT, DRF, FORMANCE, HYDRA, KEYCLOAK, NODE, SIMPLEJWT, compared
from bench.servers import free_port, rsa_key
from bench.targets import Results, table

pytestmark = pytest.mark.served
ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("peer", ["bare", "drf", "dot"])
def test_each_peer_is_loaded_as_the_server_loads_it(peer: str) -> None:
    """Each peer in its own process, in which no settings have been read before."""
    pem = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"from bench.peers.{peer} import application"],
        cwd=ROOT, env={**environment, "SIGNING_KEY": pem, "BENCH_USER": "nobody"}, check=True,
    )  # fmt: skip


def test_a_program_is_found_by_its_variable_or_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program("A peer", "BENCH_PEER", "a-peer", "https://peer.example/downloads")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("BENCH_PEER", raising=False)
    assert program.missing() == (
        "A peer is left out: a-peer is not on the PATH. Set BENCH_PEER to the program, which its makers publish at "
        "https://peer.example/downloads."
    )
    for name in ("a-peer", "another"):
        (tmp_path / name).touch(mode=0o755)
    assert (program.missing(), program.path) == ("", tmp_path / "a-peer")
    monkeypatch.setenv("BENCH_PEER", str(tmp_path / "another"))
    assert program.path == tmp_path / "another"
    monkeypatch.setenv("BENCH_PEER", str(tmp_path / "missing"))
    assert program.missing()


def test_a_load_that_nobody_answers_fails() -> None:
    """A result of fewer requests would look like a fast server."""
    with pytest.raises(RuntimeError, match="/nothing: ConnectionRefusedError"):
        load.run(free_port(), [Request("GET", "/nothing")])


def test_each_target_has_a_row_which_says_whether_it_was_hit() -> None:
    def figures(server_us: float, statements: float = 0) -> dict[str, float]:
        return {"server_us": server_us, "database_us": 0, "statements": statements, "p50_ms": 1}

    results = Results(
        compared(
            {
                (BARE, "a bare Django view"): figures(100),
                (COUNTERSIGN, "API: transfer"): figures(1_300),
                (COUNTERSIGN, "client_credentials"): figures(200),
                (COUNTERSIGN, "login"): figures(59_999, statements=12),
                (DOT, "client_credentials"): figures(2_500),
            }
        ),
        writes_us=1_000, flood=1.5,
    )  # fmt: skip
    heading, _, *rows = table(results)
    cells = {row.split("|")[1].strip(): [cell.strip() for cell in row.split("|")[2:-1]] for row in rows}
    assert len(cells) == len(rows)
    assert heading == "| target | at most | measured | verdict | see |"
    assert cells["transfer with a JWT, to a bare view"] == [
        "12 x", "13.00 x", "**missed**", "docs/performance.md#a-transfer",
    ]  # fmt: skip
    assert cells["transfer with a JWT, to the same rows written by pgbench"][:3] == ["2.5 x", "1.30 x", "hit"]
    assert cells["client_credentials, to django-oauth-toolkit"] == ["0.1 x", "0.08 x", "hit", ""]
    assert cells["login: CPU"] == ["60,000 µs", "59,999 µs", "hit", ""]
    assert cells["client_credentials, to node-oidc-provider"][1:3] == ["", "not measured"]


def _measured() -> dict[str, dict[str, float]]:
    """A file as `--targets --json` writes it."""
    case = {"server_us": 900.0, "database_us": 100.0, "statements": 2.0, "p50_ms": 1.0}
    start = {"start_seconds": 1.0, "start_cpu_seconds": 2.0, "idle_mb": 100.0, "loaded_mb": 1234.0}
    return {
        f"{BARE}: a bare Django view": case,
        f"{COUNTERSIGN}: client_credentials": {**case, "x DOT": 0.5},
        f"{DOT}: client_credentials": {**case, "server_us": 1900.0},
        **{f"{server}: start and memory": start for server in (BARE, COUNTERSIGN, DOT)},
        "run": {"rounds": 5.0, "requests": 500.0, "writes_us": 1000.0, "flood": 1.5},
    }


def test_a_run_is_written_into_the_document() -> None:
    text = (ROOT / "docs/performance.md").read_text()
    once = document.written(text, _measured())
    assert "\n| client_credentials | 900 + 100 | 2 | 0.50 |\n" in once
    assert "\n| countersign | 1.00 | 2.00 | 100 | 1,234 |\n" in once
    assert (
        "| client_credentials, to django-oauth-toolkit | 0.1 x | 0.50 x | **missed** | [why](#what-limits-them) |"
        in once
    )
    assert document.written(once, _measured()) == once
    with pytest.raises(ValueError, match="no place for the table of cases"):
        document.written(text.replace("<!-- measured: cases -->", ""), _measured())


def test_a_run_is_drawn() -> None:
    picture = chart.svg(_measured())
    assert "client_credentials" in picture
    assert "start and memory" not in picture


def test_the_picture_names_each_server_that_has_a_bar_within_its_width() -> None:
    peers = [COUNTERSIGN, NODE, KEYCLOAK, HYDRA, FORMANCE, DOT, SIMPLEJWT]
    picture = chart.svg({f"{peer}: metadata": {"server_us": 100.0, "database_us": 0.0} for peer in peers})
    width = int(re.findall(r'viewBox="0 0 (\d+) ', picture)[0])
    for peer in peers:
        (x,) = re.findall(rf'<text x="(\d+)" y="\d+">{peer}</text>', picture)
        assert int(x) + 8 * len(peer) <= width
    assert f">{DRF}</text>" not in picture


def test_what_a_target_refers_to_is_in_the_document() -> None:
    text = (ROOT / "docs/performance.md").read_text()
    anchors = {re.sub(r"[^a-z ]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)", text, re.M)}
    empty = Results({}, writes_us=1, flood=1)
    for row in table(empty):
        for anchor in re.findall(r"docs/performance\.md#([a-z-]+)", row):
            assert anchor in anchors
