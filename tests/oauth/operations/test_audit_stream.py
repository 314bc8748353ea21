"""`manage.py audit_stream` delivers every event at least once, in whatever order transactions commit, and even if the
database or the receiver is unreachable for a while.
"""

import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from oauth.models import AuditEvent
from oauth.operations import audit_stream
from oauth.operations.audit_stream import Batch, Cursor, deliver_new
from tests.lib import servers
from tests.lib.database import url_of
from tests.lib.http_listener import HttpListener

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other(db: None) -> Iterator[Any]:
    with psycopg.connect(url_of()) as connected:
        yield connected


class Siem:
    """Reads the stream as a receiver does, until it has an event. Transactions of other databases delay it."""

    def __init__(self) -> None:
        self.cursor = audit_stream.start(timezone.now() - timedelta(minutes=1))
        self.batches: list[Batch] = []

    @property
    def seen(self) -> list[str]:
        return [event["reason"] for batch in self.batches for event in batch.events]

    def read(self) -> None:
        self.cursor = deliver_new(self.cursor, self.batches.append)

    def has(self, *reasons: str) -> bool:
        self.read()
        return set(reasons) <= set(self.seen)


def record(reason: str) -> AuditEvent:
    return AuditEvent.record(AuditEvent.Action.REFUSED, reason=reason)


def insert(sql: Any, reason: str) -> None:
    """Inserts an event in an open transaction, as another process does."""
    event = AuditEvent.unsaved(AuditEvent.Action.REFUSED, reason=reason)
    sql.execute(
        'INSERT INTO oauth_auditevent (id, at, action, endpoint, "user", actor, client, error, error_id, reason) '
        "VALUES (%s, %s, 'refused', '', '', '', '', '', '', %s)",
        [event.pk, event.at, reason],
    )


def test_an_event_whose_transaction_ends_late_is_not_missed(other: Any) -> None:
    siem = Siem()
    insert(other, "began first")
    record("ended first")
    number = other.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()[0]
    siem.read()
    assert "began first" not in siem.seen
    assert siem.cursor.after <= number  # the stream will read this transaction later
    other.commit()
    servers.wait_until(lambda: siem.has("began first", "ended first"))
    assert sorted(siem.seen) == ["began first", "ended first"]


def test_a_rolled_back_event_is_never_sent(other: Any) -> None:
    siem = Siem()
    insert(other, "undone")
    other.rollback()
    record("done")
    servers.wait_until(lambda: siem.has("done"))
    assert siem.seen == ["done"]


def test_ranges_follow_one_another_so_that_a_receiver_sees_a_gap() -> None:
    siem = Siem()
    for number in range(3):
        record(str(number))
        servers.wait_until(lambda number=number: siem.has(str(number)))  # type: ignore[misc]
    assert [one.to for one in siem.batches] == sorted(one.to for one in siem.batches)
    assert all(one.after < one.to for one in siem.batches)
    assert [siem.seen.count(str(number)) for number in range(3)] == [1, 1, 1]


def test_more_than_a_batch_arrives_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_stream, "BATCH", 2)
    siem = Siem()
    for number in range(5):
        record(str(number))
    servers.wait_until(lambda: siem.has("4"))
    assert sorted(siem.seen) == ["0", "1", "2", "3", "4"]
    assert max(len(one.events) for one in siem.batches) == 2


def test_a_restored_database_begins_anew() -> None:
    """Its transaction numbers are lower than before."""
    siem = Siem()
    siem.cursor = Cursor(after=2**60, at=timezone.now())
    record("after the restore")
    servers.wait_until(lambda: siem.has("after the restore"))


class Command:
    def run(self, folder: Path, **options: Any) -> list[dict[str, Any]]:
        out = io.StringIO()
        call_command("audit_stream", cursor=folder / "cursor", once=True, stdout=out, **options)
        return [json.loads(line) for line in out.getvalue().splitlines()]

    def since(self) -> Any:
        return timezone.now() - timedelta(minutes=1)


class TestTheCommand(Command):
    def test_it_goes_on_where_it_was(self, tmp_path: Path) -> None:
        record("one")
        lines: list[dict[str, Any]] = []
        servers.wait_until(lambda: lines.extend(self.run(tmp_path, since=self.since())) or lines)
        record("two")
        servers.wait_until(lambda: lines.extend(self.run(tmp_path)) or len(lines) > 1)
        assert [one["reason"] for one in lines] == ["one", "two"]
        assert {"id", "at", "action", "client", "user", "error_id"} <= lines[0].keys()

    def test_a_webhook_gets_batches_with_the_token(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("of-the-siem\n")
        with HttpListener() as siem:
            record("told")
            options = {"webhook": siem.url("/events"), "token_file": tmp_path / "token", "since": self.since()}
            servers.wait_until(lambda: self.run(tmp_path, **options) or siem.requests)
            body = json.loads(siem.received[0][2])
            assert siem.received_headers[0]["Authorization"] == "Bearer of-the-siem"
        assert body["after"] < body["to"]
        assert [one["reason"] for one in body["events"]] == ["told"]

    @pytest.mark.parametrize("status", [302, 500])
    def test_what_was_not_accepted_is_sent_again(self, tmp_path: Path, status: int) -> None:
        with HttpListener(status=status) as siem:
            record("told twice")
            options = {"webhook": siem.url("/events"), "since": self.since()}

            def is_refused() -> bool:
                try:
                    self.run(tmp_path, **options)
                except CommandError as error:
                    return f"returned status {status}" in str(error)
                assert not siem.requests
                # nothing was sent yet, because a transaction of another database was older
                (tmp_path / "cursor").unlink()
                return False

            servers.wait_until(is_refused)
            assert not (tmp_path / "cursor").exists()
            siem.status = 204
            self.run(tmp_path, **options)
            assert [json.loads(body)["events"][0]["reason"] for _, _, body in siem.received] == ["told twice"] * 2

    def test_a_file_that_is_no_cursor_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "cursor").write_text("{}")
        with pytest.raises(CommandError, match="must contain a cursor"):
            self.run(tmp_path)

    def test_only_one_receiver(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="not allowed with"):
            call_command("audit_stream", "--cursor", str(tmp_path / "cursor"), "--webhook=http://a", "--otlp=http://b")


class TestACollector(Command):
    """OTLP/HTTP, as a collector of OpenTelemetry or a SIEM receives it."""

    def test_an_event_is_a_log_record(self, tmp_path: Path) -> None:
        protocol = pytest.importorskip("opentelemetry.proto.collector.logs.v1.logs_service_pb2")
        json_format = pytest.importorskip("google.protobuf.json_format")
        event = record("told")
        (tmp_path / "token").write_text("of-the-siem\n")
        with HttpListener({}) as siem:
            options = {"otlp": siem.url(""), "token_file": tmp_path / "token", "since": self.since()}
            servers.wait_until(lambda: self.run(tmp_path, **options) or siem.requests)
            [(_, path, body)] = siem.received
            assert siem.received_headers[0]["Authorization"] == "Bearer of-the-siem"
        request = json_format.Parse(body, protocol.ExportLogsServiceRequest())
        [scope] = request.resource_logs[0].scope_logs
        [sent] = scope.log_records
        after, to = (one.value.int_value for one in scope.scope.attributes)
        attributes = {one.key: one.value.string_value for one in sent.attributes}
        assert (path, after < to) == ("/v1/logs", True)
        assert (sent.event_name, attributes["log.record.uid"]) == ("countersign.audit.refused", str(event.pk))
        assert abs(sent.time_unix_nano / 1e9 - event.at.timestamp()) < 0.001
        assert json.loads(sent.body.string_value)["reason"] == "told"

    @pytest.mark.parametrize(
        ("status", "answer", "why"),
        [
            (503, {}, "returned status 503"),
            (401, {}, "returned status 401.*cursor stays"),
            (200, {"partialSuccess": {"rejectedLogRecords": "1"}}, "rejected 1 of 1.*cursor stays"),
        ],
    )
    def test_the_cursor_stays_before_what_was_not_accepted(
        self, tmp_path: Path, status: int, answer: dict[str, Any], why: str
    ) -> None:
        with HttpListener(answer, status=status) as siem:
            record("told twice")
            options = {"otlp": siem.url("/"), "since": self.since()}

            def is_refused() -> bool:
                try:
                    self.run(tmp_path, **options)
                except CommandError as error:
                    return re.search(why, str(error)) is not None
                assert not siem.requests
                (tmp_path / "cursor").unlink()  # a transaction of another database was older: nothing was sent yet
                return False

            servers.wait_until(is_refused)
            assert not (tmp_path / "cursor").exists()
            siem.status, siem.body = 200, {}
            self.run(tmp_path, **options)
            assert [b"told twice" in body for _, _, body in siem.received] == [True, True]


@pytest.mark.parametrize("file", ["missing/cursor", "."])
def test_a_cursor_that_cannot_be_written_is_refused_before_anything_is_sent(tmp_path: Path, file: str) -> None:
    with pytest.raises(CommandError, match="a file in a directory that exists"):
        call_command("audit_stream", cursor=tmp_path / file, once=True)


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_token_that_cannot_be_read_is_refused(tmp_path: Path, content: str | None) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_text(content)
    with pytest.raises(CommandError, match="--token-file"):
        call_command(
            "audit_stream", cursor=tmp_path / "cursor", once=True, token_file=token, webhook="https://siem.example/"
        )
