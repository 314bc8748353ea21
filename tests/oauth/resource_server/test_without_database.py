"""The resource server alone: in a site with `DATABASES = {}`, with the keys fetched over HTTP."""

import json
import subprocess
import sys
from pathlib import Path

from oauth.conf import conf

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def test_an_api_without_a_database_verifies_with_keys_fetched_over_http(live_server, access_token, alice):
    good, narrow, tampered = (
        access_token(alice),
        access_token(alice, "balances:read"),
        access_token(alice)[:-6] + "AAAAAA",
    )
    process = subprocess.run(
        [
            sys.executable,
            HERE / "api_without_database.py",
            conf.ISSUER,
            f"{live_server.url}/oauth/jwks",
            good,
            narrow,
            tampered,
        ],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert process.returncode == 0, process.stderr
    result = json.loads(process.stdout)
    assert result["statuses"] == [200, 403, 401]
    assert result["body"] == {"sub": str(alice.pk)}
    assert result["loaded"] == []
