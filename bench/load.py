"""A limited load: a few connections and a fixed number of requests. Every response is checked."""

import http.client
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

# Enough connections to keep every thread of a server busy. With fewer connections, threads would sleep, and waking one
# costs half as much as a request; and the connections would be spread unevenly over the worker processes.
CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Request:
    """`expect` is the expected status, `or_busy` another one that is accepted. Any other status ends the run."""

    method: str
    path: str
    body: str | None = None
    headers: dict[str, str] | None = None
    expect: int = 200
    or_busy: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    requests: int
    seconds: float
    latencies_seconds: list[float]
    busy: int = 0

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    def percentile_milliseconds(self, fraction: float) -> float:
        ordered = sorted(self.latencies_seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))] * 1000


def run(port: int, requests: Sequence[Request], *, per_second: float = 0, connections: int = CONNECTIONS) -> Result:
    """Each connection sends its share of the requests, one after the other: as fast as possible, or `per_second` on all
    connections together.
    """
    latencies: list[float] = []
    failures: list[str] = []
    busy: list[int] = []

    def work(first: int) -> None:
        share = requests[first::connections]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for number, request in enumerate(share):
            if per_second:
                time.sleep(max(0.0, all_began + (first + number * connections) / per_second - time.perf_counter()))
            began = time.perf_counter()
            try:
                connection.request(request.method, request.path, request.body, request.headers or {})
                response = connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException) as error:
                failures.append(f"{request.path}: {error!r}")
                return
            latencies.append(time.perf_counter() - began)
            if response.status == request.or_busy:
                busy.append(1)
            elif response.status != request.expect:
                failures.append(f"{request.path}: {response.status} {body[:200]!r}")
                return
        connection.close()

    all_began = time.perf_counter()
    threads = [threading.Thread(target=work, args=[n]) for n in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(failures[0])
    return Result(len(latencies), time.perf_counter() - all_began, latencies, len(busy))
