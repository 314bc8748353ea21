"""The cases of a server, as lists of requests that are prepared before the measurement starts."""

import json
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit
from uuid import uuid4

import jwt
import requests
from bs4 import BeautifulSoup

from bench import load, peers
from bench.load import CONNECTIONS, Request
from bench.peers import proof
from bench.servers import Payer, Server, basic, client_credentials, new_payers, registration_token
from bench.signing import VERIFIER, Key, s256
from tests.lib import person

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
STATE, NONCE = "a state of a benchmark", "a nonce of a benchmark"
SCOPE, OFFLINE = "accounts:read", "offline_access"
LIST = "API: list of 3 accounts"
TRANSFER = "API: transfer"
TRANSFER_TO_ONE, TRANSFER_SAME = f"{TRANSFER}, all to one account", f"{TRANSFER}, same two accounts"
PAGE = "API: page of transactions"
AUTHORIZE, LOGIN = "authorize, consent remembered", "login"
AUTHORIZE_ACCOUNTS, LOGIN_NEW = f"{AUTHORIZE}, of accounts", f"{LOGIN}, new browser"
# A code expires after 60 s, and getting one takes a visit of the consent page before the measurement starts.
MOST_CODES = 300
# A worker process of Countersign computes one password hash at a time and lets two logins wait. A fourth one gets 503.
LOGIN_CONNECTIONS = 3
# The name of the cookie that identifies a known browser (accounts/browsers/known_device.py), without https.
DEVICE = "device"
# A multiple of CONNECTIONS, so that each device uses only one connection. On several connections, refreshes of the same
# token would wait for each other, which does not happen in practice.
DEVICES = 10 * CONNECTIONS
# One more than a multiple of CONNECTIONS, because all other accounts pay to the first one.
PAYERS = 10 * CONNECTIONS + 1
ROWS_OF_PAGE = 50


@dataclass(frozen=True, slots=True)
class Case:
    """`make(n)` returns n requests. `most` limits n if the requests expire soon. `port` is for a case that does not use
    the server's default port. `connections` is lower than CONNECTIONS if the server would refuse that many requests at
    once.
    """

    name: str
    make: Callable[[int], list[Request]]
    most: int | None = None
    port: int | None = None
    connections: int = CONNECTIONS


def same(request: Request) -> Callable[[int], list[Request]]:
    return lambda n: [request] * n


def bare_view() -> list[Case]:
    return [Case("a bare Django view", same(Request("GET", "/")))]


def bare_drf() -> list[Case]:
    return [
        Case("a bare DRF view", same(Request("GET", "/hello"))),
        Case(LIST, same(Request("GET", "/accounts"))),
    ]


def simplejwt(user: str, secret: str) -> list[Case]:
    now = int(time.time())
    claims = {"token_type": "access", "exp": now + 3600, "iat": now, "jti": secrets.token_hex(16), "user_id": user}
    bearer = {"Authorization": f"Bearer {jwt.encode(claims, secret, 'HS256')}"}
    return [Case(LIST, same(Request("GET", "/simplejwt/accounts", headers=bearer)))]


def django_oauth_toolkit(server: Server, made: dict[str, Any]) -> list[Case]:
    secret = peers.SECRET
    web, service = (
        {**FORM, **basic(client, secret)} for client in ("authorization-code", "client-credentials")
    )  # fmt: skip
    codes, refresh_tokens = iter(made["codes"]), iter(made["refresh_tokens"])

    def exchange() -> Request:
        form = {"grant_type": "authorization_code", "code": next(codes), "redirect_uri": peers.CALLBACK}
        return Request("POST", "/o/token/", urlencode({**form, "code_verifier": VERIFIER}), web)

    def refresh() -> Request:
        form = {"grant_type": "refresh_token", "refresh_token": next(refresh_tokens)}
        return Request("POST", "/o/token/", urlencode(form), web)

    bearer = {**FORM, "Authorization": f"Bearer {made['introspecting_token']}"}
    introspect = Request("POST", "/o/introspect/", urlencode({"token": made["access_token"]}), bearer)
    proof.is_active(server, introspect)
    return [
        Case("metadata", same(Request("GET", "/o/.well-known/openid-configuration"))),
        Case("client_credentials", same(Request("POST", "/o/token/", "grant_type=client_credentials", service))),
        Case("code for tokens", lambda n: [exchange() for _ in range(n)], most=MOST_CODES),
        Case("refresh, rotating", lambda n: [refresh() for _ in range(n)], most=MOST_CODES),
        Case("introspection", same(introspect)),
    ]


def countersign(server: Server, data_dir: Path) -> list[Case]:
    initial = registration_token(data_dir)
    paths: dict[str, Any] = {"authorize": "/oauth/authorize", "token": "/oauth/token"}
    web = app_of_alice(server, data_dir)
    mobile = App(server, "demo-mobile", "http://127.0.0.1/callback", **paths)
    service = {**FORM, **basic("demo-service", secret_of(data_dir, "demo-service"))}
    signer = Key()
    signer_id = _register(server, initial, grant_types=["client_credentials"], key=signer, scope=SCOPE)
    fapi = _Fapi(
        server, Key(), "", par="/oauth/par", token="/oauth/token", userinfo="/oauth/userinfo"
    ).registered(initial)  # fmt: skip
    token = client_credentials("/oauth/token", "demo-service", secret_of(data_dir, "demo-service"), scope=SCOPE)
    proof.claims(server, proof.answer(server, token)["access_token"], jwks="/oauth/jwks", algorithm="ES256")

    def lists(n: int) -> list[Request]:
        bearer = {"Authorization": f"Bearer {web.tokens()['access_token']}"}
        return [Request("GET", "/api/v1/accounts", headers=bearer)] * n

    return [
        Case("metadata", same(Request("GET", "/.well-known/openid-configuration"))),
        Case("JWKS", same(Request("GET", "/oauth/jwks"))),
        *_client_credentials("/oauth/token", {}, service, signer, signer_id, server),
        *_of_apps(web, mobile),
        Case("introspection", _introspections("/oauth/introspect", web)),
        *fapi.cases(),
        Case(LIST, lists),
        Case("API: list of 3, with DPoP", lambda n: fapi.calls("/api/v1/accounts", n, scope=f"openid {SCOPE}")),
        *_of_payers(server, cache(lambda: new_payers(server, data_dir, PAYERS))),
        Case(AUTHORIZE, app_of_alice(server, data_dir, scope="openid").authorizations),
        Case(AUTHORIZE_ACCOUNTS, web.authorizations),
        Case(LOGIN, lambda n: log_ins(server, n), most=200, connections=LOGIN_CONNECTIONS),
        Case(LOGIN_NEW, lambda n: log_ins(server, n, is_known=False), most=200, connections=LOGIN_CONNECTIONS),
    ]


def secret_of(data_dir: Path, client_id: str) -> str:
    """The secret of a client of the demo."""
    secret: str = json.loads((data_dir / "clients.json").read_text())[client_id]["client_secret"]
    return secret


def app_of_alice(server: Server, data_dir: Path, scope: str = f"openid {OFFLINE} {SCOPE}") -> "App":
    """The demo's web app, for which Alice allows the scope."""
    secret = secret_of(data_dir, "demo-web")
    paths: dict[str, Any] = {"authorize": "/oauth/authorize", "token": "/oauth/token"}
    return App(server, "demo-web", "http://localhost:3000/callback", secret=secret, scope=scope, **paths)


def node_oidc_provider(server: Server, client: Key, secret: str) -> list[Case]:
    """With `resource`, node-oidc-provider issues a JWT access token. Its UserInfo and introspection endpoints accept
    only opaque tokens.
    """
    resource = {"resource": f"{server.url}/api"}
    paths: dict[str, Any] = {"authorize": "/auth", "token": "/token"}
    callback = f"{server.url}/callback"
    web = App(server, "web", callback, secret=secret, extra=resource, **paths)
    mobile = App(server, "mobile", callback, extra=resource, **paths)
    opaque = App(server, "web", callback, secret=secret, scope="openid", **paths)
    service = {**FORM, **basic("service", secret)}
    fapi = _Fapi(server, client, "fapi", par="/request", token="/token", userinfo="/me", extra=resource)
    token = client_credentials("/token", "service", secret, scope=SCOPE, **resource)
    proof.claims(server, proof.answer(server, token)["access_token"], jwks="/jwks", algorithm="ES256")
    return [
        Case("metadata", same(Request("GET", "/.well-known/openid-configuration"))),
        Case("JWKS", same(Request("GET", "/jwks"))),
        *_client_credentials("/token", resource, service, client, "signer", server),
        *_of_apps(web, mobile),
        Case("introspection", _introspections("/token/introspection", opaque)),
        *fapi.cases(),
        Case(AUTHORIZE, opaque.authorizations),
        Case(AUTHORIZE_ACCOUNTS, web.authorizations),
    ]


def _client_credentials(
    path: str, extra: dict[str, str], service: dict[str, str], signer: Key, signer_id: str, server: Server
) -> list[Case]:
    """Three cases: with a secret, with a signed assertion, and with a secret for a DPoP-bound token."""
    form = {"grant_type": "client_credentials", "scope": SCOPE, **extra}
    url, host = f"{server.url}{path}", {"Host": f"localhost:{server.port}"}

    def signed() -> Request:
        assertion = {"client_id": signer_id, **signer.assertion(signer_id, server.url)}
        return Request("POST", path, urlencode({**form, **assertion}), {**FORM, **host})

    def bound(n: int) -> list[Request]:
        key = Key()
        first = requests.post(url, form, headers={**service, "DPoP": key.proof("POST", url)}, timeout=30)
        nonce = first.headers["DPoP-Nonce"]
        headers = {**service, **host}
        proofs = [key.proof("POST", url, nonce=nonce) for _ in range(n)]
        return [Request("POST", path, urlencode(form), {**headers, "DPoP": proof}) for proof in proofs]

    return [
        Case("client_credentials", same(Request("POST", path, urlencode(form), service))),
        Case("client_credentials, signed", lambda n: [signed() for _ in range(n)]),
        Case("client_credentials, DPoP", bound),
    ]


def _of_apps(web: "App", mobile: "App") -> list[Case]:
    kept = cache(lambda: web.refresh_tokens(DEVICES))

    def refreshes(n: int, **form: str) -> list[Request]:
        return list(islice(cycle([web.refresh(token, **form) for token in kept()]), n))

    # At a refresh with the scope openid, each server signs an ID token (OpenID Connect Core §12.2). One case has this
    # scope, and another does not.
    return [
        Case("code for tokens", web.exchanges, most=MOST_CODES),
        Case("refresh, not rotating", refreshes),
        Case("refresh, no ID token", lambda n: refreshes(n, scope=SCOPE)),
        Case("refresh, rotating", mobile.refreshes, most=MOST_CODES),
    ]


def _introspections(path: str, app: "App") -> Callable[[int], list[Request]]:
    """Introspects an access token that the app has just received."""

    def make(n: int) -> list[Request]:
        introspect = Request("POST", path, urlencode({"token": app.tokens()["access_token"]}), app.headers)
        proof.is_active(app.server, introspect)
        return [introspect] * n

    return make


class App:
    """An app that Alice has allowed in her browser: code flow with PKCE, with a secret or as a public client."""

    status_of_authorization = 303

    def __init__(
        self, server: Server, client_id: str, callback: str, *, authorize: str, token: str, secret: str = "",
        scope: str = f"openid {OFFLINE} {SCOPE}", extra: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.server, self.client_id, self.callback, self.token = server, client_id, callback, token
        self.headers = {**FORM, **basic(client_id, secret)} if secret else FORM
        self.who = {} if secret else {"client_id": client_id}
        self.extra = extra or {}
        query = {
            "client_id": client_id, "redirect_uri": callback, "response_type": "code", "scope": scope,
            "code_challenge": s256(VERIFIER), "code_challenge_method": "S256", "state": STATE, "nonce": NONCE,
            **self.extra,
        }  # fmt: skip
        self.authorize = f"{authorize}?{urlencode(query)}"
        self.browser = requests.Session()

    def code(self) -> str:
        url = f"{self.server.url}{self.authorize}"
        return code_in(person.answer(url, returns_to=self.callback, browser=self.browser))

    def exchange(self, code: str) -> Request:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.callback,
            "code_verifier": VERIFIER, **self.who, **self.extra,
        }  # fmt: skip
        return Request("POST", self.token, urlencode(form), self.headers)

    def refresh(self, refresh_token: str, **more: str) -> Request:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **self.who, **self.extra, **more}
        return Request("POST", self.token, urlencode(form), self.headers)

    def tokens(self) -> dict[str, str]:
        request = self.exchange(self.code())
        response = requests.post(f"{self.server.url}{self.token}", request.body, headers=request.headers, timeout=30)
        assert response.status_code == 200, response.text
        tokens: dict[str, str] = response.json()
        return tokens

    def exchanges(self, n: int) -> list[Request]:
        return [self.exchange(code) for code in self._many(self.code, n)]

    def refreshes(self, n: int) -> list[Request]:
        return [self.refresh(token) for token in self.refresh_tokens(n)]

    def refresh_tokens(self, n: int) -> list[str]:
        return [tokens["refresh_token"] for tokens in self._many(self.tokens, n)]

    def authorizations(self, n: int) -> list[Request]:
        self.code()
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.browser.cookies)
        headers = {"Host": f"localhost:{self.server.port}", "Cookie": cookies}
        return [Request("GET", self.authorize, headers=headers, expect=self.status_of_authorization)] * n

    def _many(self, make: Callable[[], Any], n: int) -> list[Any]:
        make()  # from now on, consent is remembered
        if not self.headers.get("Authorization"):
            return [make() for _ in range(n)]  # for a public client, the consent page is shown each time
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            return list(pool.map(lambda _: make(), range(n)))


def _of_payers(server: Server, payers: Callable[[], Sequence[Payer]]) -> list[Case]:
    """Three cases of transfers: many payers between their own two accounts, as many payers to one account, and one
    payer. In the first two, each connection has its own payers. In a fourth case, the single payer reads a page of
    transactions.
    """

    def to_themselves(payer: Payer) -> dict[str, str]:
        return {"account_id": payer.destination}

    def to_one(n: int) -> list[Request]:
        one, *others = payers()
        return _transfers(others, lambda _: {"scheme": "iban", "identifier": one.iban, "name": "Benchmark"}, n)

    return [
        Case(TRANSFER, lambda n: _transfers(payers()[1:], to_themselves, n)),
        Case(TRANSFER_TO_ONE, to_one),
        Case(TRANSFER_SAME, lambda n: _transfers(payers()[:1], to_themselves, n)),
        Case(PAGE, lambda n: _pages(server, payers()[0], n)),
    ]


def _pages(server: Server, payer: Payer, n: int) -> list[Request]:
    """Requests for full pages of transactions, of which the payer has enough."""
    load.run(server.port, _transfers([payer], lambda payer: {"account_id": payer.destination}, ROWS_OF_PAGE))
    path = f"/api/v1/accounts/{payer.source}/transactions?limit={ROWS_OF_PAGE}"
    return [Request("GET", path, headers={"Authorization": f"Bearer {payer.token}"})] * n


def _transfers(payers: Sequence[Payer], destination: Callable[[Payer], dict[str, str]], n: int) -> list[Request]:
    def transfer(payer: Payer) -> Request:
        body = {
            "source_account_id": payer.source, "destination": destination(payer),
            "amount": {"currency": "GBP", "minor_units": 1}, "reference": "Benchmark",
        }  # fmt: skip
        headers = {
            "Authorization": f"Bearer {payer.token}", "Content-Type": "application/json",
            "Idempotency-Key": str(uuid4()),
        }  # fmt: skip
        return Request("POST", "/api/v1/transfers", json.dumps(body), headers, expect=201)

    return [transfer(payer) for payer in islice(cycle(payers), n)]


def log_ins(server: Server, n: int, *, is_known: bool = True, or_busy: int = 0) -> list[Request]:
    """Login forms, sent by browsers that are not logged in. The user gets an email if the browser is new."""
    url = f"{server.url}/accounts/login/"
    with requests.Session() as browser:
        page = browser.get(url, timeout=30)
        form = BeautifulSoup(page.text, "html.parser").select_one("main form")
        assert form is not None
        fields = {str(field["name"]): str(field.get("value", "")) for field in form.select("input[type=hidden]")}
        cookies = dict(browser.cookies)
        body = urlencode({**fields, "login": person.EMAIL, "password": person.PASSWORD})
        if is_known:
            browser.post(url, body, headers={**FORM, "Origin": server.url}, allow_redirects=False, timeout=30)
            cookies[DEVICE] = browser.cookies[DEVICE]
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    headers = {**FORM, "Host": f"localhost:{server.port}", "Cookie": cookie, "Origin": server.url}
    return [Request("POST", "/accounts/login/", body, headers, expect=302, or_busy=or_busy)] * n


def _register(server: Server, initial_access_token: str, *, key: Key, **metadata: Any) -> str:
    """Registers a client with a key at a server that has no clients yet (RFC 7591). Returns its client_id."""
    metadata = {
        "client_name": "Benchmark", "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [key.public_jwk]}, **metadata,
    }  # fmt: skip
    bearer = {"Authorization": f"Bearer {initial_access_token}"}
    response = requests.post(f"{server.url}/oauth/register", json=metadata, headers=bearer, timeout=30)
    assert response.status_code == 201, response.text
    client_id: str = response.json()["client_id"]
    return client_id


def code_in(url: str) -> str:
    return parse_qs(urlsplit(url).query)["code"][0]


class _Fapi:
    """A client of the FAPI 2.0 Security Profile, which Alice has allowed once in her browser.

    `extra` is added to a request for an access token of the API.
    """

    def __init__(
        self, server: Server, key: Key, client_id: str, *, par: str, token: str, userinfo: str,
        extra: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.server, self.key, self.client_id, self.extra = server, key, client_id, extra or {}
        self.par, self.token, self.userinfo = par, token, userinfo
        self.callback = f"{server.url}/callback"
        self.host = {"Host": f"localhost:{server.port}"}
        self.browser = requests.Session()

    def registered(self, initial_access_token: str) -> "_Fapi":
        """Registers a client at a server that has no clients yet (RFC 7591)."""
        self.callback = "https://app.example/callback"
        self.client_id = _register(
            self.server, initial_access_token, key=self.key, redirect_uris=[self.callback], scope=f"openid {SCOPE}",
            grant_types=["authorization_code", "refresh_token"], security_profile="fapi2",
        )  # fmt: skip
        return self

    def cases(self) -> list[Case]:
        return [
            Case("FAPI: PAR", lambda n: [self._push() for _ in range(n)]),
            Case("FAPI: code for tokens", self._exchanges, most=MOST_CODES),
            Case("FAPI: UserInfo with DPoP", lambda n: self.calls(self.userinfo, n, scope="openid")),
        ]

    def calls(self, path: str, n: int, *, scope: str) -> list[Request]:
        """All requests have the same access token; each has its own DPoP proof."""
        exchange = self._exchange(self._allowed(scope), self._nonce())
        response = self._send(exchange)
        assert response.status_code == 200, response.text
        token, url = response.json()["access_token"], f"{self.server.url}{path}"
        nonce = requests.get(
            url, headers={"Authorization": f"DPoP {token}", "DPoP": self.key.proof("GET", url, token=token)}, timeout=30
        ).headers.get("DPoP-Nonce")

        def call() -> Request:
            proof = self.key.proof("GET", url, nonce=nonce, token=token)
            return Request("GET", path, headers={**self.host, "Authorization": f"DPoP {token}", "DPoP": proof})

        return [call() for _ in range(n)]

    def _exchanges(self, n: int) -> list[Request]:
        self._allowed()  # from now on, consent is remembered
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            codes = list(pool.map(lambda _: self._allowed(), range(n)))
        nonce = self._nonce()
        return [self._exchange(code, nonce) for code in codes]

    def _push(self, scope: str = f"openid {SCOPE}") -> Request:
        form = {
            "client_id": self.client_id, "redirect_uri": self.callback, "response_type": "code", "scope": scope,
            "code_challenge": s256(VERIFIER), "code_challenge_method": "S256", **(self.extra if SCOPE in scope else {}),
            **self.key.assertion(self.client_id, self.server.url),
        }  # fmt: skip
        return Request("POST", self.par, urlencode(form), {**FORM, **self.host}, expect=201)

    def _allowed(self, scope: str = f"openid {SCOPE}") -> str:
        """A code."""
        pushed = self._send(self._push(scope))
        assert pushed.status_code == 201, pushed.text
        query = urlencode({"client_id": self.client_id, "request_uri": pushed.json()["request_uri"]})
        endpoint = "/oauth/authorize" if self.par.startswith("/oauth") else "/auth"
        return code_in(
            person.answer(f"{self.server.url}{endpoint}?{query}", returns_to=self.callback, browser=self.browser)
        )

    def _nonce(self) -> str:
        return self._send(self._exchange("none", None)).headers["DPoP-Nonce"]

    def _exchange(self, code: str, nonce: str | None) -> Request:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.callback, "code_verifier": VERIFIER,
            "client_id": self.client_id, **self.key.assertion(self.client_id, self.server.url),
        }  # fmt: skip
        proof = self.key.proof("POST", f"{self.server.url}{self.token}", nonce=nonce)
        return Request("POST", self.token, urlencode(form), {**FORM, **self.host, "DPoP": proof})

    def _send(self, request: Request) -> requests.Response:
        return requests.request(
            request.method, urljoin(self.server.url, request.path), data=request.body, headers=request.headers,
            timeout=30,
        )  # fmt: skip
