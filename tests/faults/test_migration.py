"""Migrations that rebuild an index while the last release reverses transactions (docs/upgrading.md)."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from tests.faults.last_release import copy_to
from tests.lib.servers import ROOT, own_database, wait_until

BEFORE, AFTER = "0058", "0060"
ONCE = ("AlreadyReversed", "reversed")
#: The number of attempts in each step of the migration.
ATTEMPTS = 10


@pytest.fixture
def database_url(django_db_modify_db_settings: object) -> Iterator[str]:
    """A database in the state before the migration."""
    with own_database("reversals", template=str(connection.settings_dict["TEST"]["TEMPLATE"])) as url:
        with _migrating(url, BEFORE) as migration:
            assert migration.wait() == 0, _said(migration)
        yield url


@contextmanager
def _migrating(url: str, name: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "manage.py", "migrate", "banking", name]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    environment = {**os.environ, "MODE": "test", "DATABASE_URL": url}
    with subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def _said(process: "subprocess.Popen[str]") -> str:
    return process.stdout.read() if process.stdout else ""


class LastRelease:
    """The last release posts and reverses transactions until `end`."""

    def __init__(self, folder: Path, url: str) -> None:
        self.log, self.errors = folder / "told", folder / "errors"
        program = Path(__file__).with_name("reverse_twice.py")
        with self.log.open("wb") as log, self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, program, "Reversals"], cwd=folder, stdin=subprocess.PIPE, stdout=log, stderr=errors,
                env={**os.environ, "MODE": "test", "DATABASE_URL": url, "OAUTH_ISSUER": "http://bank.example"},
            )  # fmt: skip

    def told(self) -> list[list[str]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def reverses_more(self) -> None:
        before = len(self.told())
        wait_until(
            lambda: len(self.told()) >= before + ATTEMPTS or self.process.poll() is not None,
            or_else=self.errors.read_text,
        )
        assert self.process.poll() is None, self.errors.read_text()

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(60)


@pytest.fixture
def last_release(tmp_path: Path, database_url: str) -> Iterator[LastRelease]:
    release = LastRelease(copy_to(tmp_path), database_url)
    try:
        yield release
    finally:
        release.process.kill()
        release.process.wait()


def test_the_last_release_reverses_once_while_the_index_changes(last_release: LastRelease, database_url: str) -> None:
    """Of two attempts, one succeeds and the other is refused as a second reversal. This holds before the migration,
    while PostgreSQL builds the new index of reversals, and after this index has replaced the constraint.
    """
    last_release.reverses_more()
    with psycopg.connect(database_url) as reader, psycopg.connect(database_url, autocommit=True) as observer:
        # The index becomes valid only after all older snapshots have ended, such as that of a long report.
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("SELECT count(*) FROM ledger_transaction")
        with _migrating(database_url, AFTER) as migration:
            wait_until(lambda: _is_being_built(observer) or migration.poll() is not None)
            last_release.reverses_more()
            assert _is_being_built(observer), _said(migration)
            reader.rollback()
            assert migration.wait(200) == 0, _said(migration)
        last_release.reverses_more()
        last_release.end()
        [(index,)] = observer.execute("SELECT pg_get_indexdef('ledger_transaction_reverses_id_key'::regclass)")
        reversals = observer.execute("SELECT reverses_id FROM ledger_transaction WHERE reverses_id IS NOT NULL")
        reversed_ids = [row[0] for row in reversals]
    assert "WHERE (reverses_id IS NOT NULL)" in index
    told = last_release.told()
    assert Counter(map(tuple, told)) == {ONCE: len(told)}, last_release.errors.read_text()[-3000:]
    assert len(reversed_ids) == len(set(reversed_ids)) == len(told)


def _is_being_built(observer: "psycopg.Connection[tuple[object, ...]]") -> bool:
    found = observer.execute("SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
                             " WHERE relname = 'transaction_reversed_once' AND NOT indisvalid")  # fmt: skip
    return found.fetchone() is not None
