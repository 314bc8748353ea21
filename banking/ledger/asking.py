"""Runs queries on two connections at the same time, because PostgreSQL runs most questions of an audit in one
process.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from django.db import connection, transaction

from oauth.infrastructure import outage

Answer = TypeVar("Answer")


def ask_all(asks: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Returns the answers in the order of `asks`. Starts with the last questions, because they take longest. Within a
    transaction, only this connection is used, because another one would not see the uncommitted rows.
    """
    answers: dict[int, Answer] = {}
    left = deque(range(len(asks)))

    def work() -> None:
        with suppress(IndexError):
            while True:
                number = left.pop()
                answers[number] = asks[number]()

    def help_out() -> None:
        try:
            with suppress(*outage.ERRORS):  # without another connection, the calling thread runs all questions
                work()
        finally:
            connection.close()

    if not connection.in_atomic_block:
        with ThreadPoolExecutor(1, thread_name_prefix="audit") as helper:
            helping = helper.submit(help_out)
            try:
                work()
            finally:
                left.clear()
            helping.result()
    left.extend(number for number in range(len(asks)) if number not in answers)
    work()
    return [answers[number] for number in range(len(asks))]


@contextmanager
def patient_cursor() -> Iterator[Any]:
    """For a statement that reads a whole table: it takes longer than a request may."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '30min'")
        # Allows parallel workers for any table: a few links of the digests may cover many entries.
        cursor.execute("SET LOCAL min_parallel_table_scan_size = 0")
        yield cursor
