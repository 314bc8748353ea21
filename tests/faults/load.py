"""Clients that send requests continuously: transfers, payments to another bank, currency exchanges, apps that get
tokens and read with them, service tokens and keys. Each records its answers and their times.
"""

import threading
import time
import uuid
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
NUMBERS = {
    "transfer": 3, "payment": 1, "exchange": 1, "refresh": 2, "DPoP": 1, "client_credentials": 2, "keys": 1,
}  # fmt: skip
#: Each payment makes four jobs: it is settled, and three events are sent. So their clients pause for longer.
PAUSES_SECONDS = {"payment": 0.6, "exchange": 0.6}
#: Requests that the last release does not support.
NEW = {"payment", "exchange"}
ELSEWHERE = {"scheme": "iban", "identifier": "DE89370400440532013000", "name": "Somebody elsewhere"}
#: Requests that need no database.
INDEPENDENT = ("client_credentials", "keys")

#: Makes the function that a client calls repeatedly.
Client = Callable[[requests.Session], Callable[[], None]]


@dataclass(frozen=True)
class Answer:
    kind: str
    began: float
    ended: float
    status: int  # 0: none
    is_error: bool = True
    said: str = ""


@dataclass
class Load:
    site: Site
    answers: list[Answer] = field(default_factory=list)
    #: Keys of transfers, payments and exchanges that were acknowledged.
    acknowledged: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    #: Acknowledged transfers that the next read did not show.
    unseen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._tokens = iter(self.site.seed["refresh_tokens"])
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> "Load":
        clients: dict[str, Client] = {
            "transfer": self._mover, "payment": self._payer, "exchange": self._changer, "refresh": self._refresher,
            "DPoP": self._prover, "client_credentials": self._service, "keys": self._reader,
        }  # fmt: skip
        for kind in self.kinds:
            for _ in range(NUMBERS[kind]):
                self._threads.append(threading.Thread(target=self._run, args=[kind, clients[kind]], daemon=True))
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    @property
    def kinds(self) -> set[str]:
        return NUMBERS.keys() - (NEW if self.site.began_with_last_release else set())

    def _run(self, kind: str, client: Client) -> None:
        with requests.Session() as session:
            # Otherwise, the library `requests` would read all environment variables for each request, while pytest
            # changes one of them between two tests.
            session.trust_env = False
            act = client(session)
            while not self._stop.is_set():
                act()
                self._stop.wait(PAUSES_SECONDS.get(kind, PAUSE_SECONDS))

    def _say(
        self, kind: str, send: Callable[[], requests.Response], *, may_say: str = "nothing else"
    ) -> requests.Response | None:
        """`may_say` is the code of a refusal that is not an error."""
        began = time.monotonic()
        try:
            response = send()
        except requests.RequestException as error:
            self.answers.append(Answer(kind, began, time.monotonic(), 0, said=type(error).__name__))
            return None
        is_error = not response.ok and _code(response) != may_say
        said = response.text[:200] if is_error else ""
        self.answers.append(Answer(kind, began, time.monotonic(), response.status_code, is_error, said))
        if is_error and response.status_code not in (409, 502, 503, 504) and kind not in INDEPENDENT:
            self.refused.append(f"{kind} {response.status_code} {said}")
        return response

    def _mover(self, session: requests.Session) -> Callable[[], None]:
        seed = self.site.seed
        session.headers["Authorization"] = f"Bearer {seed['access_token']}"
        return self._sender(session, "transfer", seed["source"], {"account_id": seed["destination"]})

    def _payer(self, session: requests.Session) -> Callable[[], None]:
        session.headers["Authorization"] = f"Bearer {self.site.seed['token_of_payer']}"
        return self._sender(session, "payment", self.site.seed["source_of_payments"], ELSEWHERE)

    def _sender(
        self, session: requests.Session, kind: str, source: str, destination: dict[str, str]
    ) -> Callable[[], None]:
        """Sends each transfer with one key until it is acknowledged."""
        keys = [uuid.uuid4().hex]

        def send() -> None:
            key = keys[-1]
            body = {
                "source_account_id": source, "destination": destination,
                "amount": {"currency": "GBP", "minor_units": 1}, "reference": key,
            }  # fmt: skip
            response = self._say(kind, lambda: self._post(session, "transfers", body, key))
            if response is not None and response.ok:
                self.acknowledged.add(key)
                keys[-1] = uuid.uuid4().hex
                if self.site.has_replica:
                    self._read(session, kind, response.json()["id"])

        return send

    def _read(self, session: requests.Session, kind: str, made: str) -> None:
        """A list that may come from the replica. A user must see their own writes."""
        url = f"{self.site.url}/api/v1/transfers"
        response = self._say(kind, lambda: session.get(url, timeout=TIMEOUT_SECONDS))
        if response is not None and response.ok and made not in {one["id"] for one in response.json()["data"]}:
            self.unseen.append(made)

    def _changer(self, session: requests.Session) -> Callable[[], None]:
        """Gets a quote and sends its exchange, with one key, until it is acknowledged or the quote has expired."""
        quotes: list[str] = []
        session.headers["Authorization"] = f"Bearer {self.site.seed['access_token']}"
        wanted = {
            "source_account_id": self.site.seed["source"], "destination_account_id": self.site.seed["euros"],
            "amount": {"currency": "GBP", "minor_units": 100},
        }  # fmt: skip

        def change() -> None:
            if not quotes:
                quoted = self._say("exchange", lambda: self._post(session, "exchange-quotes", wanted))
                if quoted is not None and quoted.ok:
                    quotes.append(quoted.json()["id"])
                return
            quote = quotes[-1]
            key = uuid.UUID(quote).hex
            response = self._say(
                "exchange", lambda: self._post(session, "exchanges", {"quote_id": quote}, key), may_say="quote_expired"
            )
            if response is not None and response.ok:
                self.acknowledged.add(key)
            if response is not None and (response.ok or _code(response) == "quote_expired"):
                quotes.clear()

        return change

    def _post(
        self, session: requests.Session, collection: str, body: dict[str, Any], key: str = ""
    ) -> requests.Response:
        headers = {"Idempotency-Key": key} if key else {}
        url = f"{self.site.url}/api/v1/{collection}"
        return session.post(url, json=body, headers=headers, timeout=TIMEOUT_SECONDS)

    def _refresher(self, session: requests.Session) -> Callable[[], None]:
        return self._app(session, "refresh", next(self._tokens), lambda *_: {})

    def _prover(self, session: requests.Session) -> Callable[[], None]:
        """The same with DPoP. The clock of this client is correct, so its proofs fail at a server whose clock is
        wrong.
        """
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
        """Refreshes, and reads with the new access token. Without an answer, sends the same refresh token again."""
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

            return self._say(kind, once_more)

        def act() -> None:
            form = {"grant_type": "refresh_token", "refresh_token": tokens[-1], "client_id": "mobile-app"}
            response = ask("POST", "/oauth/token", data=form)
            if response is not None and response.ok:
                answer = response.json()
                tokens[-1] = answer.get("refresh_token", tokens[-1])
                ask("GET", "/api/v1/accounts", answer["access_token"])

        return act

    def _service(self, session: requests.Session) -> Callable[[], None]:
        credentials = ("service", self.site.seed["secrets"]["service"])
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


def _code(response: requests.Response) -> str:
    """The code of a problem document of the API."""
    is_problem = "json" in response.headers.get("Content-Type", "")
    return str(response.json().get("code", "")) if is_problem and not response.ok else ""


def void(_: object) -> None:
    """Ignores its argument, for a lambda that must return None."""
