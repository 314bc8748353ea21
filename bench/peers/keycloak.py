"""Keycloak as its documentation says for production, but without TLS and as a single node.

It is built for PostgreSQL, with local caches. There are two realms, because Keycloak decides per realm whether a
refresh token can be used once (`ROTATING`) or often (`KEEPING`). Access tokens are signed with ES256 and ID tokens with
RS256, as ours are. Its log of events is off, which is the default.
"""

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from bs4 import BeautifulSoup

from bench import servers
from bench.cases import AUTHORIZE, DEVICES, FORM, LOGIN, LOGIN_CONNECTIONS, MOST_CODES, NONCE, App, Case, code_in, same
from bench.load import CONNECTIONS, Request
from bench.peers import CALLBACK, SECRET, proof
from bench.peers.database import over_tcp
from bench.peers.programs import Program, run
from bench.servers import Server, basic, client_credentials

PROGRAM = Program("Keycloak", "BENCH_KEYCLOAK", "kc.sh", "https://www.keycloak.org/downloads")
KEEPING, ROTATING = "keeping", "rotating"
EMAIL, PASSWORD = "alice@demo.test", "a password of a benchmark"
# The Java virtual machine compiles code after it has run some thousand times.
_WARM_UP = 6


def version() -> str:
    assert PROGRAM.path
    return (PROGRAM.path.parents[1] / "version.txt").read_text().split()[-1]


@contextmanager
def serving(directory: Path) -> Iterator[tuple[Server, list[Case]]]:
    """Runs a copy of the distribution, because Keycloak's build step changes it. The first call creates the copy, the
    tables and the realms.
    """
    assert PROGRAM.path
    port, home = servers.free_port(), directory / "distribution"
    with over_tcp(directory, "keycloak") as (database, address):
        environment = {
            "KC_DB_URL": f"jdbc:postgresql://{address}", "KC_DB_USERNAME": "keycloak",
            "KC_DB_PASSWORD": SECRET, "KC_LOG_LEVEL": "warn",
        }  # fmt: skip
        command = [
            str(home / "bin/kc.sh"), "start", "--optimized", "--http-enabled=true", "--http-host=127.0.0.1",
            f"--http-port={port}", f"--hostname=http://localhost:{port}",
        ]  # fmt: skip
        token = client_credentials(f"{_at(KEEPING)}/token", "service", SECRET)
        if not home.exists():
            shutil.copytree(PROGRAM.path.parents[1], home, symlinks=True)
            (home / "data/import").mkdir(parents=True)
            for name in (KEEPING, ROTATING):
                (home / f"data/import/{name}-realm.json").write_text(json.dumps(_realm(name)))
            run(home / "bin/kc.sh", "build", "--db=postgres", "--cache=local", **environment)
            with servers.started([*command, "--import-realm"], token, environment, port):
                pass
        with servers.started(command, token, environment, port) as start:
            server = Server(port, start, database, warm_up=_WARM_UP)
            yield server, _cases(server)


def _at(realm: str) -> str:
    return f"/realms/{realm}/protocol/openid-connect"


def _realm(name: str) -> dict[str, Any]:
    def keys(provider: str, **config: str) -> dict[str, Any]:
        return {
            "name": provider,
            "providerId": provider,
            "config": {"priority": ["100"], **{name: [value] for name, value in config.items()}},
        }

    def client(client_id: str, **fields: Any) -> dict[str, Any]:
        algorithms = {"access.token.signed.response.alg": "ES256", "id.token.signed.response.alg": "RS256"}
        return {
            "clientId": client_id, "enabled": True, "protocol": "openid-connect", "fullScopeAllowed": False,
            "attributes": algorithms | fields.pop("attributes", {}), **fields,
        }  # fmt: skip

    app = {
        "standardFlowEnabled": True, "redirectUris": [CALLBACK],
        "attributes": {"pkce.code.challenge.method": "S256"},
    }  # fmt: skip
    service = {"standardFlowEnabled": False, "serviceAccountsEnabled": True}
    return {
        "realm": name, "enabled": True, "sslRequired": "none", "revokeRefreshToken": name == ROTATING,
        "accessTokenLifespan": 3600, "accessCodeLifespan": 600, "ssoSessionIdleTimeout": 3600,
        "components": {
            "org.keycloak.keys.KeyProvider": [
                keys("ecdsa-generated", ecdsaEllipticCurveKey="P-256"), keys("rsa-generated", keySize="2048"),
                keys("hmac-generated", algorithm="HS512"), keys("aes-generated"),
            ]
        },
        "clients": [
            client("web", secret=SECRET, consentRequired=True, protocolMappers=[_introspects("web")], **app),
            client("mobile", publicClient=True, **app),
            client("service", secret=SECRET, **service),
        ],
        "users": [
            {
                "username": "alice", "email": EMAIL, "emailVerified": True, "firstName": "Alice", "lastName": "Example",
                "enabled": True, "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}],
            }
        ],
    }  # fmt: skip


def _introspects(client_id: str) -> dict[str, Any]:
    """Adds this client to the audience of a token, because only a client of the audience can introspect it."""
    return {
        "name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
        "config": {"included.client.audience": client_id, "access.token.claim": "true", "id.token.claim": "false"},
    }  # fmt: skip


def _cases(server: Server) -> list[Case]:
    path, issuer = _at(KEEPING), f"{server.url}/realms/{KEEPING}"
    web, mobile = _App(server, KEEPING, "web", SECRET), _App(server, ROTATING, "mobile")
    service = client_credentials(f"{path}/token", "service", SECRET)
    web.code()  # Alice allows it
    tokens = web.tokens()
    access_token = {"jwks": f"{path}/certs", "algorithm": "ES256", "issuer": issuer}
    proof.claims(server, proof.answer(server, service)["access_token"], **access_token)
    user = proof.claims(server, tokens["access_token"], **access_token)["sub"]
    found = proof.claims(server, tokens["id_token"], **{**access_token, "algorithm": "RS256"})
    assert (found["sub"], found["nonce"]) == (user, NONCE)
    proof.claims(server, proof.answer(server, web.refresh(tokens["refresh_token"]))["access_token"], **access_token)
    introspect = Request(
        "POST", f"{path}/token/introspect", urlencode({"token": tokens["access_token"]}),
        {**FORM, **basic("web", SECRET)},
    )  # fmt: skip
    proof.is_active(server, introspect)
    for to_the_app in (web.authorizations(1), web.log_ins(1)):
        assert code_in(proof.status(server.port, to_the_app[0]).headers["Location"])
    kept = cache(lambda: [web.refresh(tokens["refresh_token"]) for tokens in web.devices(DEVICES)])
    return [
        Case("metadata", same(Request("GET", f"/realms/{KEEPING}/.well-known/openid-configuration"))),
        Case("JWKS", same(Request("GET", f"{path}/certs"))),
        Case("client_credentials", same(service)),
        Case("code for tokens", web.exchanges, most=MOST_CODES),
        Case("refresh, not rotating", lambda n: list(islice(cycle(kept()), n))),
        Case(
            "refresh, rotating",
            lambda n: [mobile.refresh(tokens["refresh_token"]) for tokens in mobile.devices(n)],
            most=MOST_CODES,
        ),
        Case("introspection", same(introspect)),
        Case(AUTHORIZE, web.authorizations),
        Case(LOGIN, web.log_ins, most=200, connections=LOGIN_CONNECTIONS),
    ]


class _App(App):
    """An app. Its user logs in once in `browser`. Each of `devices` is a separate browser."""

    status_of_authorization = 302

    def __init__(self, server: Server, realm: str, client_id: str, secret: str = "") -> None:
        path = _at(realm)
        super().__init__(
            server, client_id, CALLBACK, authorize=f"{path}/auth", token=f"{path}/token", secret=secret, scope="openid"
        )
        self.browser = _Browser()

    def code(self) -> str:
        return self._visit(self.browser)

    def exchanges(self, n: int) -> list[Request]:
        """Keycloak refuses some codes if one session gets several at the same time, so each code has its own."""
        return [self.exchange(code) for code in self._many(self._code_of_a_new_session, n)]

    def devices(self, n: int) -> list[dict[str, str]]:
        """The tokens of n sessions."""

        def log_in(_: int) -> dict[str, str]:
            return proof.answer(self.server, self.exchange(self._code_of_a_new_session()))

        with ThreadPoolExecutor(CONNECTIONS) as pool:
            return list(pool.map(log_in, range(n)))

    def _code_of_a_new_session(self) -> str:
        with _Browser() as browser:
            return self._visit(browser)

    def log_ins(self, n: int) -> list[Request]:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            return list(pool.map(lambda _: self._log_in(), range(n)))

    def _log_in(self) -> Request:
        """The login form, filled in, of a browser without a login."""
        with _Browser() as browser:
            form, fields = _form(browser.get(f"{self.server.url}{self.authorize}", timeout=30))
            cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)
        address = urlsplit(form)
        headers = {**FORM, "Host": f"localhost:{self.server.port}", "Cookie": cookies}
        return Request("POST", f"{address.path}?{address.query}", urlencode(fields), headers, expect=302)

    def _visit(self, browser: requests.Session) -> str:
        """Logs in and allows the app if the pages ask for it. Returns the code."""
        response = browser.get(f"{self.server.url}{self.authorize}", allow_redirects=False, timeout=30)
        for _ in range(8):
            target = response.headers.get("Location", "")
            if target.startswith(CALLBACK):
                return code_in(target)
            if target:
                response = browser.get(target, allow_redirects=False, timeout=30)
            else:
                action, fields = _form(response)
                response = browser.post(action, fields, allow_redirects=False, timeout=30)
        raise AssertionError("Keycloak's pages redirect in a loop.")


class _Browser(requests.Session):
    """Treats localhost as a secure context, as browsers do, because Keycloak's cookies are `Secure`."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        response = super().send(request, **options)
        for cookie in self.cookies:
            cookie.secure = False
        return response


def _form(page: requests.Response) -> tuple[str, dict[str, str]]:
    """The URL to which the page's form is sent, and the fields that Alice fills in."""
    form = BeautifulSoup(page.text, "html.parser").select_one("form")
    assert form is not None, f"{page.status_code}: {page.text[:2000]}"
    fields = {str(field["name"]): str(field.get("value", "")) for field in form.select("input[type=hidden][name]")}
    if form.select_one("input[type=password]"):
        fields |= {"username": "alice", "password": PASSWORD}
    else:
        fields["accept"] = "Yes"
    return urljoin(page.url, str(form["action"])), fields
