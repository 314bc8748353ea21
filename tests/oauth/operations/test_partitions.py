"""Partitions: a proof counts once whenever it arrives, a partition is dropped when all its rows have expired, and rows
that are still needed stay.
"""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from oauth.conf import conf
from oauth.models import AuditEvent, UsedAssertion, UsedProof, used_proof
from oauth.models.audit_event import first_id_at
from oauth.operations import partitions
from oauth.proof.dpop import LIFETIME
from tests.oauth.proof.test_dpop import credentials, proof

pytestmark = pytest.mark.django_db
KEPT = timedelta(days=400)


def run(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def take_partitions(*tables):
    """Drops all partitions, including those that another test made. This is the state two weeks after the upgrade. The
    rollback of the test restores them.
    """
    for table in tables:
        for (name,) in run("SELECT partition::text FROM oauth_partitions(%s::regclass)", table):
            run(f"ALTER TABLE {table} DETACH PARTITION {name}")
            run(f"DROP TABLE {name}")


@pytest.fixture
def by_the_hour():
    take_partitions("oauth_usedproof", "oauth_usedassertion")
    return list(partitions.tend(audit_kept=KEPT))


def partition_of(model):
    return [name for (name,) in run(f"SELECT tableoid::regclass::text FROM {model._meta.db_table}")]


def past_partition(table, name, starts, ends):
    run(f"CREATE TABLE {name} PARTITION OF {table} FOR VALUES FROM (%s) TO (%s)", starts, ends)


def test_partitions_are_there_for_a_day_of_a_worker_that_does_not_run(by_the_hour):
    hour = timezone.now().astimezone(UTC)
    for hours in range(24):
        assert f"made oauth_usedproof_{hour + timedelta(hours=hours):%Y%m%d%H}" in by_the_hour
        assert f"made oauth_usedassertion_{hour + timedelta(hours=hours):%Y%m%d%H}" in by_the_hour
    assert list(partitions.tend(audit_kept=KEPT)) == []


def test_a_proof_counts_once_also_at_the_turn_of_an_hour(by_the_hour, service, token_endpoint):
    """RFC 9449 §11.1: `iat` of the proof decides on its partition. If the time of arrival decided, the last three would
    be in another partition.
    """
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=3)
    issued_at = hour - LIFETIME - 2 * conf.CLOCK_SKEW - timedelta(seconds=25)
    with time_machine.travel(issued_at, tick=False) as clock:
        sent = proof(iat=int(issued_at.timestamp()))
        assert credentials(service, token_endpoint, sent).status_code == 200
        for _ in range(5):
            clock.shift(timedelta(seconds=10))
            assert "already used" in credentials(service, token_endpoint, sent).json()["error_description"]


def test_what_expires_in_no_partition_is_remembered_all_the_same(by_the_hour):
    """A missing partition refuses no request, and forgets no proof."""
    in_three_days = timezone.now() + timedelta(days=3)
    assert used_proof.is_first_use(b"1" * 32, LIFETIME, in_three_days)
    assert not used_proof.is_first_use(b"1" * 32, LIFETIME, in_three_days)
    assert partition_of(UsedProof) == ["oauth_usedproof_default"]


def test_rows_that_came_before_their_partition_keep_it_from_being_made():
    take_partitions("oauth_usedproof")
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
    assert used_proof.is_first_use(b"1" * 32, LIFETIME, hour)
    made = list(partitions.tend(audit_kept=KEPT))
    assert f"made oauth_usedproof_{hour.astimezone(UTC):%Y%m%d%H}" not in made
    assert f"made oauth_usedproof_{hour.astimezone(UTC) + timedelta(hours=1):%Y%m%d%H}" in made
    assert not used_proof.is_first_use(b"1" * 32, LIFETIME, hour)


def test_a_partition_goes_an_hour_after_its_last_row_has_expired(mobile_app):
    take_partitions("oauth_usedassertion")
    now = timezone.now()
    past_partition("oauth_usedassertion", "long_over", now - timedelta(hours=3), now - timedelta(hours=2))
    past_partition("oauth_usedassertion", "just_over", now - timedelta(hours=2), now - timedelta(minutes=30))
    for number, minutes in enumerate((121, 31)):
        assert UsedAssertion.use(mobile_app.pk, str(number), expires_at=now - timedelta(minutes=minutes))
    assert sorted(partition_of(UsedAssertion)) == ["just_over", "long_over"]
    assert "dropped long_over" in list(partitions.tend(audit_kept=KEPT))
    assert partition_of(UsedAssertion) == ["just_over"]


def test_months_of_the_audit_log_go_after_their_time_and_never_within_ninety_days():
    """ASVS 5.0 16.4.2: even if a setting, or an intruder with the site's role, tries to delete them earlier."""
    take_partitions("oauth_auditevent")
    now = timezone.now()
    for name, first, last in (("a", 200, 91), ("b", 91, 89), ("c", 89, 1)):
        bounds = [first_id_at(now - timedelta(days=days)) for days in (first, last)]
        past_partition("oauth_auditevent", f"oauth_auditevent_{name}", *bounds)
    assert "dropped oauth_auditevent_a" not in list(partitions.tend(audit_kept=KEPT))
    dropped = [step for step in partitions.tend(audit_kept=timedelta(0)) if step.startswith("dropped")]
    assert dropped == ["dropped oauth_auditevent_a"]


def test_the_database_keeps_the_log_in_each_partition():
    """ASVS 5.0 16.4.2."""
    take_partitions("oauth_auditevent")
    list(partitions.tend(audit_kept=KEPT))
    AuditEvent.record(AuditEvent.Action.DENIED)
    [name] = partition_of(AuditEvent)
    assert name == f"oauth_auditevent_{timezone.now().astimezone(UTC):%Y%m}"
    for statement in (f"UPDATE {name} SET reason = 'x'", f"DELETE FROM {name}", f"TRUNCATE {name}"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            run(statement)


@pytest.mark.parametrize("at", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 11, 29, 1, 2, 3, 456789, tzinfo=UTC)])
def test_the_database_reads_the_time_of_an_id_as_we_do(at):
    [(first, moment)] = run("SELECT oauth_first_id_at(%s), oauth_moment_of(%s)", at, first_id_at(at))
    assert first == first_id_at(at)
    assert timedelta(0) <= at - moment < timedelta(milliseconds=1)


def test_the_release_before_finds_its_columns(mobile_app):
    """docs/upgrading.md: the last release inserts without the partition key, and deletes by `id`."""
    run("INSERT INTO oauth_usedproof (proof_digest, expires_at) VALUES (%s, now())", b"1" * 32)
    again = (
        "INSERT INTO oauth_usedproof (proof_digest, expires_at) VALUES (%s, now()) ON CONFLICT DO NOTHING RETURNING 1"
    )
    assert run(again, b"1" * 32) == []
    [(row,)] = run("SELECT id FROM oauth_usedproof FOR UPDATE SKIP LOCKED")
    run("DELETE FROM oauth_usedproof WHERE id IN (%s)", row)
    assert not UsedProof.objects.exists()


@pytest.mark.parametrize(
    ("table", "columns", "values"),
    [
        ("oauth_usedproof", "proof_digest, expires_at", "%s, '2020-01-01'"),
        ("oauth_usedassertion", "assertion_digest, client_id, expires_at", "%s, 1, '2020-01-01'"),
    ],
)
def test_two_proofs_within_one_microsecond_are_no_replay(table, columns, values):
    """The rows must not have a unique id from the clock. Otherwise, ON CONFLICT would drop the second of two rows, and
    the client would be told that its assertion had been used.
    """
    with connection.cursor() as cursor:
        for digest in (b"a" * 32, b"b" * 32):
            insert = f"INSERT INTO {table} (id, {columns}) VALUES (1, {values}) ON CONFLICT DO NOTHING"
            cursor.execute(insert, [digest])
            assert cursor.rowcount == 1
        cursor.execute(insert, [digest])
        assert cursor.rowcount == 0
        cursor.execute(f"SELECT tableoid::regclass::text, count(*) FROM {table} GROUP BY 1")
        assert cursor.fetchall() == [(f"{table}_first", 2)]
