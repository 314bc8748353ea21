"""What is asked of a server, as lists of requests that are made before the clock starts."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import requests

from bench.load import CONNECTIONS, Request
from bench.servers import Server, registration_token
from bench.signing import VERIFIER, Key, s256
from tests.flows import person

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SCOPE = "accounts:read"


@dataclass(frozen=True, slots=True)
class Case:
    """`make(n)` gives n requests; `most` where they do not live long enough to make more."""

    name: str
    make: Callable[[int], list[Request]]
    most: int | None = None


def _same(request: Request) -> Callable[[int], list[Request]]:
    return lambda n: [request] * n


def bare_view() -> list[Case]:
    return [Case("a bare Django view", _same(Request("GET", "/")))]


def countersign(server: Server, data_dir: Path) -> list[Case]:
    clients = json.loads((data_dir / "clients.json").read_text())
    web = {**FORM, **basic("demo-web", clients["demo-web"]["client_secret"])}
    service = {**FORM, **basic("demo-service", clients["demo-service"]["client_secret"])}
    tokens = _web_app(server, web)
    refresh = urlencode({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    api = "/api/v1/accounts"
    fapi = _Fapi(
        server, Key(), "", par="/oauth/par", token="/oauth/token", userinfo="/oauth/userinfo"
    ).registered(registration_token(data_dir))  # fmt: skip
    return [
        Case("metadata", _same(Request("GET", "/.well-known/oauth-authorization-server"))),
        Case("JWKS", _same(Request("GET", "/oauth/jwks"))),
        Case("client_credentials", _same(Request("POST", "/oauth/token", "grant_type=client_credentials", service))),
        Case("refresh, not rotating", _same(Request("POST", "/oauth/token", refresh, web))),
        Case("API: list of 3 accounts", _same(Request("GET", api, headers=bearer))),
        *fapi.cases(),
        Case("FAPI: API with DPoP", lambda n: fapi.calls(api, n, scope=f"openid {SCOPE}")),
    ]


def node_oidc_provider(server: Server, client: Key, service_secret: str) -> list[Case]:
    """`resource` asks it for a JWT access token; its UserInfo wants an opaque one."""
    resource = {"resource": f"{server.url}/api"}
    service = urlencode({"grant_type": "client_credentials", "scope": SCOPE, **resource})
    fapi = _Fapi(server, client, "fapi", par="/request", token="/token", userinfo="/me", extra=resource)
    return [
        Case("metadata", _same(Request("GET", "/.well-known/openid-configuration"))),
        Case("JWKS", _same(Request("GET", "/jwks"))),
        Case(
            "client_credentials",
            _same(Request("POST", "/token", service, {**FORM, **basic("service", service_secret)})),
        ),
        *fapi.cases(),
    ]


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"}


def _web_app(server: Server, headers: dict[str, str]) -> dict[str, str]:
    """Alice allows the demo's web app; its tokens."""
    redirect_uri = "http://localhost:3000/callback"
    query = {
        "client_id": "demo-web", "redirect_uri": redirect_uri, "response_type": "code", "scope": SCOPE,
        "code_challenge": s256(VERIFIER), "code_challenge_method": "S256",
    }  # fmt: skip
    came_back = person.answer(f"{server.url}/oauth/authorize?{urlencode(query)}", returns_to=redirect_uri)
    form = {
        "grant_type": "authorization_code", "code": _code(came_back), "redirect_uri": redirect_uri,
        "code_verifier": VERIFIER,
    }  # fmt: skip
    response = requests.post(f"{server.url}/oauth/token", form, headers=headers, timeout=30)
    response.raise_for_status()
    tokens: dict[str, str] = response.json()
    return tokens


def _code(url: str) -> str:
    return parse_qs(urlsplit(url).query)["code"][0]


class _Fapi:
    """A client of the FAPI 2.0 Security Profile, and Alice, who has allowed it once, in her browser.

    `extra` goes with a request for a token of the API.
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
        """At a server that knows no client yet (RFC 7591)."""
        self.callback = "https://app.example/callback"
        metadata = {
            "client_name": "Benchmark", "redirect_uris": [self.callback], "scope": f"openid {SCOPE}",
            "grant_types": ["authorization_code", "refresh_token"], "security_profile": "fapi2",
            "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [self.key.public_jwk]},
        }  # fmt: skip
        bearer = {"Authorization": f"Bearer {initial_access_token}"}
        response = requests.post(f"{self.server.url}/oauth/register", json=metadata, headers=bearer, timeout=30)
        assert response.status_code == 201, response.text
        self.client_id = response.json()["client_id"]
        return self

    def cases(self) -> list[Case]:
        return [
            Case("FAPI: PAR", lambda n: [self._push() for _ in range(n)]),
            # A code lives for 60 s.
            Case("FAPI: code for tokens", self._exchanges, most=400),
            Case("FAPI: UserInfo with DPoP", lambda n: self.calls(self.userinfo, n, scope="openid")),
        ]

    def calls(self, path: str, n: int, *, scope: str) -> list[Request]:
        """With one access token, each with a proof of its own."""
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
        self._allowed()  # from here on nobody has to be asked
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
        return _code(
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
