"""Clients that never stop: transfers, refreshes, service tokens and keys. Each says what it was told, and when."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import requests

from tests.faults.site import Site

TIMEOUT_SECONDS = 3.0
PAUSE_SECONDS = 0.15
#: Clients of each kind.
NUMBERS = {"transfer": 3, "refresh": 3, "client_credentials": 2, "keys": 1}
#: Those that need no database.
INDEPENDENT = ("client_credentials", "keys")


@dataclass(frozen=True)
class Answer:
    kind: str
    began: float
    ended: float
    status: int  # 0: none

    @property
    def is_error(self) -> bool:
        return not 200 <= self.status < 300


@dataclass
class Load:
    site: Site
    answers: list[Answer] = field(default_factory=list)
    #: Keys of transfers that were acknowledged, and how often each was sent.
    acknowledged: set[str] = field(default_factory=set)
    sent: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._tokens = iter(self.site.seed["refresh_tokens"])
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> "Load":
        clients: dict[str, Callable[[requests.Session], Callable[[], None]]] = {
            "transfer": self._payer, "refresh": self._refresher, "client_credentials": self._service, "keys": self._reader,
        }  # fmt: skip
        for kind, number in NUMBERS.items():
            for _ in range(number):
                self._threads.append(threading.Thread(target=self._run, args=[clients[kind]], daemon=True))
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self, client: Callable[[requests.Session], Callable[[], None]]) -> None:
        with requests.Session() as session:
            act = client(session)
            while not self._stop.is_set():
                act()
                self._stop.wait(PAUSE_SECONDS)

    def _say(self, kind: str, send: Callable[[], requests.Response]) -> requests.Response | None:
        began = time.monotonic()
        try:
            response = send()
        except requests.RequestException:
            self.answers.append(Answer(kind, began, time.monotonic(), 0))
            return None
        self.answers.append(Answer(kind, began, time.monotonic(), response.status_code))
        return response

    def _payer(self, session: requests.Session) -> Callable[[], None]:
        """Sends each transfer with one key until it is acknowledged."""
        seed, keys = self.site.seed, [uuid.uuid4().hex]
        headers = {"Authorization": f"Bearer {seed['access_token']}"}

        def pay() -> None:
            key = keys[-1]
            body = {
                "source_account_id": seed["source"], "destination": {"account_id": seed["destination"]},
                "amount": {"currency": "GBP", "minor_units": 1}, "reference": key,
            }  # fmt: skip
            self.sent[key] += 1
            response = self._say("transfer", lambda: session.post(
                f"{self.site.url}/api/v1/transfers", json=body, headers={**headers, "Idempotency-Key": key},
                timeout=TIMEOUT_SECONDS,
            ))  # fmt: skip
            if response is not None and response.status_code in (200, 201):
                self.acknowledged.add(key)
                keys[-1] = uuid.uuid4().hex
            elif response is not None and response.status_code not in (409, 502, 503, 504):
                self.refused.append(f"transfer {response.status_code} {response.text[:200]}")

        return pay

    def _refresher(self, session: requests.Session) -> Callable[[], None]:
        """Rotates one refresh token, and sends it again if no answer came."""
        tokens = [next(self._tokens)]

        def refresh() -> None:
            form = {"grant_type": "refresh_token", "refresh_token": tokens[-1], "client_id": "mobile-app"}
            response = self._say("refresh", lambda: session.post(
                f"{self.site.url}/oauth/token", form, timeout=TIMEOUT_SECONDS
            ))  # fmt: skip
            if response is not None and response.ok:
                tokens[-1] = response.json()["refresh_token"]
            elif response is not None and response.status_code not in (502, 503, 504):
                self.refused.append(f"refresh {response.status_code} {response.text[:200]}")

        return refresh

    def _service(self, session: requests.Session) -> Callable[[], None]:
        credentials = ("service", self.site.seed["secret"])
        form = {"grant_type": "client_credentials"}

        def ask() -> None:
            self._say("client_credentials", lambda: session.post(
                f"{self.site.url}/oauth/token", form, auth=credentials, timeout=TIMEOUT_SECONDS
            ))  # fmt: skip

        return ask

    def _reader(self, session: requests.Session) -> Callable[[], None]:
        return lambda: void(
            self._say("keys", lambda: session.get(f"{self.site.url}/oauth/jwks", timeout=TIMEOUT_SECONDS))
        )


def void(_: object) -> None:
    """For a lambda that must return nothing."""
