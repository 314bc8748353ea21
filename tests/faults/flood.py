"""More requests than the site has capacity for. A program of its own, so that the clients of the test are not slowed.

Usage: flood.py URL TOKEN SECONDS. Each thread sends its next request as soon as it has an answer.
"""

import sys
import threading
import time

import requests

THREADS = 150


def main() -> None:
    url, token, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=_ask, args=[url, token, until]) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _ask(url: str, token: str, until: float) -> None:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        while time.monotonic() < until:
            try:
                session.get(f"{url}/api/v1/accounts", timeout=3)
            except requests.RequestException:
                time.sleep(0.1)


if __name__ == "__main__":
    main()
