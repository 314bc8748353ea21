"""The questions of an audit are asked on two connections, where the second one can be had."""

import threading
from functools import partial

import pytest
from django.db import OperationalError, connection

from banking.ledger.asking import ask_all, patient_cursor


def backend():
    with patient_cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [[number]] = cursor.fetchall()
    return number


@pytest.mark.django_db(transaction=True)
def test_two_connections_ask_at_the_same_time_and_the_answers_are_in_order():
    both = threading.Barrier(2, timeout=60)

    def ask(number):
        both.wait()
        return number, backend()

    answers = ask_all([partial(ask, number) for number in range(4)])
    assert [number for number, _ in answers] == [0, 1, 2, 3]
    assert len({asker for _, asker in answers}) == 2


@pytest.mark.django_db
def test_within_a_transaction_only_its_own_connection_asks():
    """Another one would not see what this one has written."""
    assert set(ask_all([backend] * 3)) == {backend()}


@pytest.mark.django_db(transaction=True)
def test_without_a_second_connection_the_first_one_asks_all():
    own, asked = threading.get_ident(), threading.Event()

    def ask():
        if threading.get_ident() != own:
            asked.set()
            raise OperationalError("couldn't get a connection")
        assert asked.wait(60)
        return "answered"

    assert ask_all([ask] * 3) == ["answered"] * 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fails_here", [True, False])
def test_an_error_of_a_question_ends_the_audit(fails_here):
    own, asked = threading.get_ident(), threading.Barrier(2, timeout=60)

    def ask():
        asked.wait()
        if (threading.get_ident() == own) == fails_here:
            raise ZeroDivisionError
        return "answered"

    with pytest.raises(ZeroDivisionError):
        ask_all([ask] * 2)


@pytest.mark.django_db(transaction=True)
def test_a_patient_statement_may_take_longer_and_the_next_one_may_not():
    def settings():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('statement_timeout'), current_setting('min_parallel_table_scan_size')"
            )
            return cursor.fetchone()

    before = settings()
    with patient_cursor():
        assert settings() == ("30min", "0")
    assert settings() == before != ("30min", "0")
