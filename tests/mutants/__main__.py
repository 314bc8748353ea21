"""`make mutants`: for each row of tests/mutants/*.toml, take the rule out of a copy of the repository and run its test.

The test must pass with the rule and fail without it. One line a rule, then `N passed, N failed`. In the environment:

    CHANGED        a commit: only rows whose rule, test or text changed since then (changes.py)
    MUTANTS_JOBS   how many run side by side; default: the number of cores
    ONLY           a part of the rule, title, file or test: only rows that contain it

A test that passes without its rule gets one more try, because another process may hide the fault by chance; its line
reports this. Each copy has its own PostgreSQL server, because an open transaction in one database affects the other
databases of its server. The servers are in .cache/mutants; the copies are deleted when the run ends.
"""

import fcntl
import json
import os
import queue
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from demo import postgres
from tests.mutants.changes import Changes
from tests.mutants.mutant import ROOT, Mutant, StaleMutantError, read
from tests.mutants.repository_copy import RepositoryCopy

CACHE = ROOT / ".cache" / "mutants"
SURVIVED = "survived: the test passes without the rule"


class Run:
    """A pool of copies, and the results of the tests in them."""

    def __init__(self, copies: list[RepositoryCopy]) -> None:
        self.copies = copies
        self.free: queue.SimpleQueue[RepositoryCopy] = queue.SimpleQueue()
        for copy in copies:
            self.free.put(copy)
        self.troubles: dict[str, str] = {}  # of each test that does not pass with its rule in place
        self.passed = self.failed = 0

    def all(self, mutants: list[Mutant]) -> bool:
        """Prints a line for each mutant. Returns whether every test has noticed its mutant."""
        with ThreadPoolExecutor(len(self.copies)) as pool:
            try:
                self._try_the_tests(pool, sorted({mutant.test for mutant in mutants}))
                # Changed migrations take longest, so they begin.
                longest_first = sorted(mutants, key=lambda mutant: "/migrations/" not in mutant.file)
                running = {pool.submit(self._verdict, mutant): mutant for mutant in longest_first}
                for future in as_completed(running):
                    self._say(running[future], *future.result())
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
                for copy in self.copies:
                    copy.stop()
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return not self.failed

    def _try_the_tests(self, pool: ThreadPoolExecutor, tests: list[str]) -> None:
        """Runs all tests with the rules in place, divided by file among the copies."""
        parts: list[list[str]] = [[] for _ in self.copies]
        files = sorted({test.partition("::")[0] for test in tests})
        for number, file in enumerate(files):
            parts[number % len(parts)].extend(test for test in tests if test.partition("::")[0] == file)
        for part in pool.map(self._try_part, [part for part in parts if part]):
            self.troubles.update(part)

    def _try_part(self, tests: list[str]) -> dict[str, str]:
        copy = self.free.get()
        try:
            # after the first run, the fork server has imported the libraries, so all later runs have the same
            # conditions
            copy.run(tests[:1])
            outcome = copy.run(tests)
            # If one test does not exist, pytest runs none of them.
            doubtful = [test for test in tests if outcome.trouble or not outcome.shows_success(test)]
            return {test: why for one in doubtful for test, why in self._alone(copy, one).items()}
        finally:
            self.free.put(copy)

    def _alone(self, copy: RepositoryCopy, test: str) -> dict[str, str]:
        outcome = copy.run([test])
        if outcome.trouble:
            return {test: outcome.trouble}
        return {} if outcome.shows_success(test) else {test: "the test does not pass with the rule in place"}

    def _verdict(self, mutant: Mutant) -> tuple[str, float]:
        """Returns why the row failed ("" if the test noticed), and how long it took."""
        if why := self.troubles.get(mutant.test):
            return why, 0.0
        copy, began = self.free.get(), time.monotonic()
        try:
            with copy.without(mutant):
                why = self._why_alive(copy, mutant, **replaced(copy, mutant))
                if why == SURVIVED:
                    why = self._why_alive(copy, mutant)
                    if not why:
                        print(f"second try: {mutant.title}", flush=True)
        except StaleMutantError as error:
            return str(error), 0.0
        finally:
            self.free.put(copy)
        return why, time.monotonic() - began

    def _why_alive(self, copy: RepositoryCopy, mutant: Mutant, **changes: str) -> str:
        if "/migrations/" in mutant.file:
            changes["CHANGED_MIGRATION"] = mutant.file
        outcome = copy.run([mutant.test], "--exitfirst", **changes)
        return outcome.trouble or ("" if outcome.shows_failure(mutant.test) else SURVIVED)

    def _say(self, mutant: Mutant, why: str, seconds: float) -> None:
        if why:
            self.failed += 1
        else:
            self.passed += 1
        verdict = "FAILED" if why else "killed"
        print(f"{verdict} {seconds:5.1f} s  {mutant.rule}: {mutant.title} ({mutant.test_name})", flush=True)
        if why:
            print(f"    {why}", flush=True)


def replaced(copy: RepositoryCopy, mutant: Mutant) -> dict[str, str]:
    """The environment with which `tests/lib/changed_migration.py` replaces functions instead of migrating."""
    if not mutant.file.endswith(".sql"):
        return {}
    pairs = list(zip(mutant.find, mutant.replace, strict=True))
    return {"CHANGED_FROM": str(copy.unchanged), "CHANGES": json.dumps(pairs)}


@contextmanager
def copies(number: int) -> Iterator[list[RepositoryCopy]]:
    """Copies of the working tree, each with a database server. A second run waits for the first."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("a") as lock, ExitStack() as servers:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(CACHE / "copies", ignore_errors=True)  # left by a run that was killed
        made = []
        for job in range(1, number + 1):
            url = servers.enter_context(postgres.running(CACHE / f"postgres_{job}", durable=False))
            made.append(_copy(CACHE / "copies" / str(job), url, f"mutants_{job}", lock.fileno()))
        try:
            yield made
        finally:
            shutil.rmtree(CACHE / "copies", ignore_errors=True)


def _copy(directory: Path, url: str, database: str, lock: int) -> RepositoryCopy:
    copy = RepositoryCopy.at(directory, urlsplit(url)._replace(path=f"/{database}").geturl(), keep_open=(lock,))
    copy.fill(ROOT)
    return copy


def chosen() -> list[Mutant]:
    mutants = read()
    if base := os.environ.get("CHANGED"):
        mutants = Changes(base).touched(mutants)
    only = os.environ.get("ONLY", "")
    return [m for m in mutants if only in " ".join((m.rule, m.title, m.file, m.test))]


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the copies are deleted
    mutants = chosen()
    jobs = int(os.environ.get("MUTANTS_JOBS") or os.cpu_count() or 1)
    if not mutants:
        print("0 passed, 0 failed")
        return 0
    with copies(max(1, min(jobs, len(mutants)))) as made:
        return 0 if Run(made).all(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
