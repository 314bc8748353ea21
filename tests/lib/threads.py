"""Work on several threads at once, each with its own connection."""

import threading
from collections.abc import Callable

from django.db import connection


def in_parallel(*works: Callable[[], object]) -> list[object]:
    """Runs each function on its own thread and connection, all at the same time. Returns the results; an exception that
    a function raises is its result.
    """
    barrier = threading.Barrier(len(works))
    results: list[object] = []

    def run(work: Callable[[], object]) -> None:
        try:
            barrier.wait()
            results.append(work())
        except Exception as error:  # noqa: BLE001 (a result for the test to look at)
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
