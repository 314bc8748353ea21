"""`oauth` in another team's project: another user model, no bank (README, “Adopt `oauth` in your site”)."""

import json
import os
import subprocess
import sys

from tests.lib import servers


def test_another_project_completes_code_with_pkce():
    with servers.own_database("plain_project") as database_url:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.plain_project.settings",
            "DATABASE_URL": database_url,
        }
        story = [sys.executable, "-m", "tests.plain_project.story"]
        process = subprocess.run(
            story, cwd=servers.ROOT, env=environment, capture_output=True, text=True, timeout=200, check=False
        )
    assert process.returncode == 0, process.stderr
    result = json.loads(process.stdout.splitlines()[-1])
    assert result == {"status": 200, "body": {"orders_of": str(result["id"])}, "id": result["id"], "refreshed": 200}
