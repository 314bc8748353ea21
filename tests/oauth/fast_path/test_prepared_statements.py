"""Hand-written SQL via libpq gives the same results as psycopg's cursor, and recovers from the same errors."""

import contextlib
import threading

import pytest
from django.contrib.auth import get_user_model
from django.db import DataError, IntegrityError, NotSupportedError, OperationalError, connection, transaction
from django.db.backends.postgresql.base import ServerBindingCursor
from django.test.utils import CaptureQueriesContext
from psycopg import pq

from oauth.fast_path import prepared_statements
from oauth.fast_path.model_rows import Columns
from oauth.infrastructure.rows import changed, rows
from oauth.models import Authorization, AuthorizationCode, Client, RefreshToken

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fast_path")]


def is_ours():
    with prepared_statements.cursor() as cursor:
        return isinstance(cursor.cursor, prepared_statements.PreparedCursor)


def prepared_of(text):
    sql = "SELECT statement, parameter_types::text FROM pg_prepared_statements WHERE name LIKE 'own_%%' ORDER BY 2"
    return [kinds for statement, kinds in rows(sql, []) if statement == text]


@pytest.mark.parametrize("model", [Client, Authorization, AuthorizationCode, RefreshToken, get_user_model()])
def test_rows_are_those_of_psycopg(issued, web_app, model):
    issued(web_app)
    columns = Columns(model, "one")
    statement = f"SELECT {columns.sql} FROM {model._meta.db_table} one ORDER BY 1"
    assert is_ours()
    first, found = rows(statement, []), rows(statement, [])  # as text, and in binary
    assert first == found
    with transaction.atomic():
        assert is_ours()
        assert found == rows(statement, [])
        assert found == rows(statement, [])
    assert found
    for row, known in zip(found, model.objects.order_by("pk"), strict=True):
        instance = columns.instance(row)
        assert vars(instance) | {"_state": None} == vars(known) | {"_state": None}
        assert not instance._state.adding
        assert instance._state.db == known._state.db


def test_types_that_binary_would_read_otherwise_come_as_text():
    statement = "SELECT %s::inet, '{1,2}'::int[], '1 day'::interval, 1.50::numeric, 'a'::name, '(1,2)'::point"
    first, found = rows(statement, ["2001:db8::1"]), rows(statement, ["2001:db8::1"])
    assert first == found
    with transaction.atomic():
        assert is_ours()
        assert found == rows(statement, ["2001:db8::1"])


def test_the_first_statement_of_a_transaction_begins_it():
    person = get_user_model()._meta.db_table
    with transaction.atomic():
        assert rows("SELECT pg_current_xact_id_if_assigned() IS NULL", []) == [(True,)]
        assert connection.connection.pgconn.transaction_status == pq.TransactionStatus.INTRANS
        changed(f"UPDATE {person} SET name = %s", ["Nobody"])
        transaction.set_rollback(True)
    assert rows(f"SELECT count(*) FROM {person} WHERE name = %s", ["Nobody"]) == [(0,)]
    with transaction.atomic():
        with pytest.raises(DataError), transaction.atomic():
            rows("SELECT 1 / %s::int", [0])
        assert rows("SELECT %s::int", [1]) == [(1,)]


@pytest.mark.parametrize("value", [0, -1, 2**40, "", "ü%s", "100 %", b"\x00\xff", None, True, ["a", None, "b,}"], []])
def test_values_go_there_and_back(value):
    kind = {int: "bigint", str: "text", bytes: "bytea", bool: "boolean", list: "text[]"}.get(type(value), "text")
    statement = f"SELECT %s::{kind}, '%%'"
    for _ in range(2):  # as text, and in binary
        assert rows(statement, [value]) == [(value, "%")]
    with transaction.atomic():
        assert rows(statement, [value]) == [(value, "%")]


def test_a_statement_is_prepared_once_and_once_more_for_other_types():
    for value in ("one", "two", None):
        assert rows("SELECT %s::text AS prepared", [value]) == [(value,)]
    assert prepared_of("SELECT $1::text AS prepared") == ["{text}"]
    assert rows("SELECT %s::text AS prepared", [2**40]) == [(str(2**40),)]
    assert prepared_of("SELECT $1::text AS prepared") == ["{bigint}", "{text}"]


def test_what_the_server_has_forgotten_is_prepared_again():
    assert rows("SELECT %s::int", [1]) == [(1,)]
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert rows("SELECT %s::int", [2]) == [(2,)]


def test_a_table_that_changed_is_read_as_it_is_now():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE changing (it int)")
        cursor.execute("INSERT INTO changing VALUES (7)")
        assert rows("SELECT it FROM changing", []) == [(7,)]
        cursor.execute("ALTER TABLE changing ALTER it TYPE text USING it || ' of them'")
        assert rows("SELECT it FROM changing", []) == [("7 of them",)]
        cursor.execute("DROP TABLE changing")


def test_a_table_that_changed_in_a_transaction_is_read_as_it_is_after_it():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE changing_within (it int)")
        with transaction.atomic():
            cursor.execute("INSERT INTO changing_within VALUES (7)")
            assert rows("SELECT it FROM changing_within", []) == [(7,)]
            cursor.execute("ALTER TABLE changing_within ALTER it TYPE text")
            with pytest.raises(NotSupportedError):
                rows("SELECT it FROM changing_within", [])
            transaction.set_rollback(True)
        assert rows("SELECT it FROM changing_within", []) == []
        cursor.execute("DROP TABLE changing_within")


def test_a_rollback_forgets_nothing():
    """After a rollback, psycopg discards all prepared statements of the connection if it has prepared any itself."""
    for _ in range(2):
        with contextlib.suppress(DataError), transaction.atomic():
            for number in range(9):
                assert rows("SELECT %s::text AS kept", [str(number)])
            rows("SELECT 1 / %s::int", [0])
    assert prepared_of("SELECT $1::text AS kept") == ["{text}"]


def test_errors_are_djangos_and_the_connection_goes_on(alice):
    person = get_user_model()._meta.db_table
    with pytest.raises(IntegrityError):
        changed(f"UPDATE {person} SET email = NULL WHERE id = %s", [alice.pk])
    with pytest.raises(DataError):
        rows("SELECT 1 / %s::int", [0])
    with pytest.raises(DataError):
        rows("SELECT %s::text", ["a\x00b"])
    assert changed(f"UPDATE {person} SET name = %s WHERE id = %s", ["A", alice.pk]) == 1
    assert changed(f"UPDATE {person} SET name = %s WHERE id = %s", ["A", "0" * 32]) == 0


def test_statements_are_counted_and_wrapped():
    seen = []

    def look(execute, sql, parameters, many, context):
        seen.append(sql)
        return execute(sql, parameters, many, context)

    with CaptureQueriesContext(connection) as captured, connection.execute_wrapper(look):
        rows("SELECT %s::text", ["shown"])
    assert seen == ["SELECT %s::text"]
    assert captured[0]["sql"] == "SELECT $1::text"


def test_a_connection_that_the_server_ended_is_an_outage_and_the_next_one_works():
    [(process,)] = rows("SELECT pg_backend_pid()", [])
    ended = threading.Thread(target=_end, args=[process])
    ended.start()
    ended.join()
    for _ in range(2):  # libpq notices the closed connection and sends nothing
        with pytest.raises(OperationalError):
            rows("SELECT %s::int", [1])
    connection.close()
    assert rows("SELECT %s::int", [1]) == [(1,)]


def _end(process):
    rows("SELECT pg_terminate_backend(%s::int, 5000)", [process])
    connection.close()


def test_other_threads_go_on_while_one_waits():
    """If the statement held the GIL, no other thread could release the database lock."""
    rows("SELECT pg_advisory_lock(4711)", [])
    answers = []

    def wait():
        answers.append(rows("SELECT pg_advisory_lock(4711) IS NULL", []))
        connection.close()

    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(0.2)
    assert not answers
    rows("SELECT pg_advisory_unlock(4711)", [])
    waiting.join()
    assert answers


def test_a_site_that_prepares_nothing_has_psycopgs_cursor():
    """This is for a pooler that may send each statement to another connection."""
    connection.ensure_connection()
    threshold, connection.connection.prepare_threshold = connection.connection.prepare_threshold, None
    try:
        assert not is_ours()
        assert rows("SELECT %s::int", [1]) == [(1,)]
    finally:
        connection.connection.prepare_threshold = threshold


def test_where_the_orm_prepares_too_a_transaction_is_left_to_psycopg():
    """The rollback of psycopg would discard our prepared statements."""
    connection.ensure_connection()
    factory, connection.connection.cursor_factory = connection.connection.cursor_factory, ServerBindingCursor
    try:
        assert is_ours()
        with transaction.atomic():
            assert rows("SELECT %s::int", [1]) == [(1,)]
            assert not is_ours()
    finally:
        connection.connection.cursor_factory = factory
