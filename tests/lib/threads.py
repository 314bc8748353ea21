"""Work on several threads at once, each with its own connection."""

import threading
from collections.abc import Callable

from django.db import connection


def in_parallel(*works: Callable[[], object]) -> list[object]:
    """Runs all functions at the same time, each on its own thread and connection. Returns the results; if a function
    raises an exception, that is its result.
    """
    barrier = threading.Barrier(len(works))
    results: list[object] = []

    def run(work: Callable[[], object]) -> None:
        try:
            barrier.wait()
            results.append(work())
        except Exception as error:  # noqa: BLE001 (a result for the test to check)
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
