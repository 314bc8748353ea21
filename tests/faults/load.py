"""Clients that never stop: transfers, apps that get tokens and read with them, service tokens and keys. Each says what it
was told, and when."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from jwcrypto.jwk import JWK

from tests.faults.site import ISSUER, Site
from tests.lib import dpop
from tests.lib.client_keys import ClientKey

TIMEOUT_SECONDS = 3.0
PAUSE_SECONDS = 0.15
#: Clients of each kind.
NUMBERS = {"transfer": 3, "refresh": 2, "DPoP": 1, "client_credentials": 2, "keys": 1}
#: Those that need no database.
INDEPENDENT = ("client_credentials", "keys")


@dataclass(frozen=True)
class Answer:
    kind: str
    began: float
    ended: float
    status: int  # 0: none
    said: str = ""

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
            "transfer": self._payer, "refresh": self._refresher, "DPoP": self._prover,
            "client_credentials": self._service, "keys": self._reader,
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
        except requests.RequestException as error:
            self.answers.append(Answer(kind, began, time.monotonic(), 0, type(error).__name__))
            return None
        said = "" if response.ok else response.text[:200]
        self.answers.append(Answer(kind, began, time.monotonic(), response.status_code, said))
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
        return self._app(session, "refresh", next(self._tokens), lambda *_: {})

    def _prover(self, session: requests.Session) -> Callable[[], None]:
        """The same with DPoP. Its clock is right, so it finds a server whose clock is not."""
        key, nonces = ClientKey(kid=None), [""]
        key.jwk = JWK.from_json(self.site.seed["key"])

        def remember(response: requests.Response, **_: object) -> None:
            nonces[-1] = response.headers.get("DPoP-Nonce", nonces[-1])

        session.hooks["response"].append(remember)
        return self._app(
            session,
            "DPoP",
            self.site.seed["bound_refresh_token"],
            lambda method, path, token: {
                "DPoP": dpop.proof(key, url=f"{ISSUER}{path}", method=method, token=token, nonce=nonces[-1])
            },
        )

    def _app(
        self, session: requests.Session, kind: str, refresh_token: str,
        proof: Callable[[str, str, str | None], dict[str, str]],
    ) -> Callable[[], None]:  # fmt: skip
        """Gets an access token for its refresh token, which it sends again if no answer came, and reads with it."""
        tokens = [refresh_token]

        def send(method: str, path: str, token: str | None = None, **options: Any) -> requests.Response:
            scheme = "DPoP" if kind == "DPoP" else "Bearer"
            headers = {} if token is None else {"Authorization": f"{scheme} {token}"}
            return session.request(
                method, f"{self.site.url}{path}", headers={**headers, **proof(method, path, token)},
                timeout=TIMEOUT_SECONDS, **options,
            )  # fmt: skip

        def ask(method: str, path: str, token: str | None = None, **options: Any) -> requests.Response | None:
            def once_more() -> requests.Response:
                response = send(method, path, token, **options)
                if response.status_code in (400, 401) and "DPoP-Nonce" in response.headers:
                    response = send(method, path, token, **options)  # RFC 9449 §8
                return response

            response = self._say(kind, once_more)
            if response is not None and not response.ok and response.status_code not in (502, 503, 504):
                self.refused.append(f"{kind} {path} {response.status_code} {response.text[:200]}")
            return response

        def act() -> None:
            form = {"grant_type": "refresh_token", "refresh_token": tokens[-1], "client_id": "mobile-app"}
            response = ask("POST", "/oauth/token", data=form)
            if response is not None and response.ok:
                answer = response.json()
                tokens[-1] = answer.get("refresh_token", tokens[-1])
                ask("GET", "/api/v1/accounts", answer["access_token"])

        return act

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
