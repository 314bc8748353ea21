"""The database of the demo, set up once in a test run. The sites of tests start with copies, because setting it up
takes twenty seconds, and copying it takes one. tests/config/test_demo.py tests that the demo sets up an empty database.
"""

import os
import secrets
import subprocess
import sys
import tempfile
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.db import connection
from psycopg import sql

from tests.lib.pristine_database import FRESH_KEYS
from tests.lib.servers import ROOT

# One process of the run sets it up. The others wait for this lock and then find the database.
_ADVISORY_LOCK = 7_318_208
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or secrets.token_hex(16)
# The redirect URI of this client contains the issuer. The demo adds the client again when it starts.
_NOT_COPIED = "DELETE FROM oauth_client WHERE client_id = 'demo-docs'"


def seeded_database() -> str:
    """The name of the database, for use as a template. The migrated template must be in use
    (`template_database.use_template`).
    """
    tests = urlsplit(os.environ["DATABASE_URL"])
    name = f"{tests.path[1:]}_seeded"
    with psycopg.connect(tests._replace(path="/postgres").geturl(), autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        asked = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
        if server.execute(asked, [name]).fetchone() != (_RUN,):
            _create(server, name)
            _seed(tests._replace(path=f"/{name}").geturl())
            server.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(_RUN)))
    return name


def _create(server: psycopg.Connection[Any], name: str) -> None:
    template = connection.settings_dict["TEST"]["TEMPLATE"]
    for statement in ("DROP DATABASE IF EXISTS {} WITH (FORCE)", "CREATE DATABASE {} TEMPLATE {}"):
        server.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(template)))


def _seed(url: str) -> None:
    with tempfile.TemporaryDirectory() as data_dir:
        environment = {**os.environ, "MODE": "demo", "DATABASE_URL": url, "DATA_DIR": data_dir}
        command = [sys.executable, "manage.py", "demo_seed"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with psycopg.connect(url) as seeded:
        seeded.execute(FRESH_KEYS)
        seeded.execute(_NOT_COPIED)
