"""/metrics of a site that has just started: alerts must see what has not happened yet."""

import re
from pathlib import Path

import pytest
import requests

from tests.lib.servers import ROOT, run

pytestmark = pytest.mark.served


def test_every_metric_without_labels_is_there_from_the_start(
    transactional_db: None, database_url: str, tmp_path: Path
) -> None:
    """With several processes, prometheus_client exports a gauge only after a process has set it. “No audit” must be 0, not
    nothing, because an alert on nothing never fires."""
    text = (ROOT / "docs/monitoring.md").read_text()
    names = re.findall(r"^\| `([a-z_]+)` \|  ?\|", text, re.M)
    assert "ledger_audit_timestamp_seconds" in names
    with run("serve", "--workers", "1", data_dir=tmp_path, environment={"DATABASE_URL": database_url}) as server:
        shown = requests.get(f"{server.url}/metrics", timeout=120).text
    assert [name for name in names if not re.search(rf"^{name}[ {{]", shown, re.M)] == []
