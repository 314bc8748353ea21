"""Additional clients, in a separate program, so that they do not slow the clients of the test.

Usage: flood.py URL TOKEN SECONDS THREADS PAUSE. Each thread pauses for PAUSE seconds after an answer.
"""

import sys
import threading
import time

import requests


def main() -> None:
    url, token = sys.argv[1:3]
    seconds, number, pause = map(float, sys.argv[3:])
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=_ask, args=[url, token, until, pause]) for _ in range(int(number))]
    print("begins", flush=True)  # noqa: T201
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _ask(url: str, token: str, until: float, pause: float) -> None:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        while time.monotonic() < until:
            try:
                session.get(f"{url}/api/v1/accounts", timeout=3)
            except requests.RequestException:
                time.sleep(0.1)
            time.sleep(pause)


if __name__ == "__main__":
    main()
