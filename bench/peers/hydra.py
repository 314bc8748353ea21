"""Ory Hydra with JWT access tokens. This module answers its login and consent requests, and tells Hydra to remember
both.

Access tokens are signed with ES256 and ID tokens with RS256, as ours are. Client secrets are hashed with one iteration,
because the default of 25,000 would be most of the cost of a request. Hydra rotates each refresh token.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from jwt.algorithms import RSAAlgorithm

from bench import servers
from bench.cases import FORM, MOST_CODES, NONCE, OFFLINE, SCOPE, App, Case, code_in, same
from bench.load import CONNECTIONS, Request
from bench.peers import CALLBACK, SECRET, proof
from bench.peers.database import over_tcp
from bench.peers.programs import Program, run
from bench.servers import Server, client_credentials
from bench.signing import Key, rsa_key

PROGRAM = Program("Ory Hydra", "BENCH_HYDRA", "hydra", "https://www.ory.com/docs/hydra/self-hosted/install")
_AUTHORIZE, _TOKEN = "/oauth2/auth", "/oauth2/token"


def version() -> str:
    assert PROGRAM.path
    return run(PROGRAM.path, "version").split()[1].removeprefix("v")


@contextmanager
def serving(directory: Path) -> Iterator[tuple[Server, list[Case]]]:
    """Runs the server. The first call creates tables, keys and clients."""
    assert PROGRAM.path
    port, admin_port = servers.free_port(), servers.free_port()
    with over_tcp(directory, "hydra") as (database, address):
        dsn = f"postgres://hydra:{SECRET}@{address}?sslmode=disable&max_conns=20&max_idle_conns=20"
        config = directory / "hydra.json"
        is_new = not config.exists()
        config.write_text(json.dumps(_config(port, admin_port)))
        command = [str(PROGRAM.path), "serve", "all", "--dev", "--sqa-opt-out", "--config", str(config)]
        if is_new:
            run(PROGRAM.path, "migrate", "sql", "up", "--read-from-env", "--yes", DSN=dsn)
            with servers.started(command, Request("GET", "/health/ready"), {"DSN": dsn}, port):
                _register(f"http://127.0.0.1:{admin_port}/admin")
        token = client_credentials(_TOKEN, "service", SECRET, scope=SCOPE)
        with servers.started(command, token, {"DSN": dsn}, port) as start:
            server = Server(port, start, database)
            yield server, _cases(server, admin_port)


def _config(port: int, admin_port: int) -> dict[str, Any]:
    url = f"http://localhost:{port}"
    return {
        "serve": {
            "public": {"port": port, "host": "127.0.0.1", "request_log": {"disable_for_health": True}},
            "admin": {"port": admin_port, "host": "127.0.0.1"},
        },
        "log": {"level": "error"}, "sqa": {"opt_out": True},
        "urls": {"self": {"issuer": url, "public": url}, "login": f"{url}/login", "consent": f"{url}/consent"},
        "secrets": {"system": [SECRET]},
        "strategies": {"access_token": "jwt"},
        "ttl": {"auth_code": "10m", "access_token": "1h", "login_consent_request": "1h"},
        "oauth2": {"pkce": {"enforced": True}, "hashers": {"algorithm": "pbkdf2", "pbkdf2": {"iterations": 1}}},
    }  # fmt: skip


def _register(admin: str) -> None:
    """Creates the keys and the clients."""
    keys = {
        "hydra.jwt.access-token": {**Key().private_jwk, "alg": "ES256"},
        "hydra.openid.id-token": {**json.loads(RSAAlgorithm.to_jwk(rsa_key())), "alg": "RS256"},
    }
    for name, key in keys.items():
        body = {"keys": [{**key, "kid": name, "use": "sig"}]}
        requests.put(f"{admin}/keys/{name}", json=body, timeout=30).raise_for_status()
    app = {
        "redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"], "scope": f"openid {OFFLINE} {SCOPE}",
    }  # fmt: skip
    for client in (
        {"client_id": "service", "client_secret": SECRET, "grant_types": ["client_credentials"], "scope": SCOPE},
        {"client_id": "web", "client_secret": SECRET, **app},
        {"client_id": "mobile", "token_endpoint_auth_method": "none", **app},
    ):
        requests.post(f"{admin}/clients", json=client, timeout=30).raise_for_status()


def _cases(server: Server, admin_port: int) -> list[Case]:
    web, mobile = _App(server, admin_port, "web", SECRET), _App(server, admin_port, "mobile")
    service = client_credentials(_TOKEN, "service", SECRET, scope=SCOPE)
    tokens = web.tokens()
    access_token = {"jwks": "/.well-known/jwks.json", "algorithm": "ES256"}
    proof.claims(server, proof.answer(server, service)["access_token"], **access_token)
    assert proof.claims(server, tokens["access_token"], **access_token)["sub"] == "alice"
    found = proof.claims(server, tokens["id_token"], **{**access_token, "algorithm": "RS256"})
    assert (found["sub"], found["nonce"]) == ("alice", NONCE)
    refreshed = proof.answer(server, web.refresh(tokens["refresh_token"]))
    proof.claims(server, refreshed["access_token"], **access_token)
    form = urlencode({"token": refreshed["access_token"]})
    introspect = Request("POST", "/admin/oauth2/introspect", form, FORM)
    proof.is_active(server, introspect, port=admin_port)
    return [
        Case("metadata", same(Request("GET", "/.well-known/openid-configuration"))),
        Case("JWKS", same(Request("GET", "/.well-known/jwks.json"))),
        Case("client_credentials", same(service)),
        Case("code for tokens", web.exchanges, most=MOST_CODES),
        Case("refresh, rotating", mobile.refreshes, most=MOST_CODES),
        Case("introspection", same(introspect), port=admin_port),
    ]


class _App(App):
    """An app. Each code comes from a separate browser, so that several can be requested at the same time."""

    def __init__(self, server: Server, admin_port: int, client_id: str, secret: str = "") -> None:
        super().__init__(server, client_id, CALLBACK, authorize=_AUTHORIZE, token=_TOKEN, secret=secret)
        self.admin = f"http://127.0.0.1:{admin_port}/admin/oauth2/auth/requests"

    def code(self) -> str:
        with requests.Session() as browser:
            target = f"{self.server.url}{self.authorize}"
            for _ in range(8):
                answer = browser.get(target, allow_redirects=False, timeout=30)
                target = answer.headers["Location"]
                if target.startswith(CALLBACK):
                    return code_in(target)
                query = parse_qs(urlsplit(target).query)
                if challenge := query.get("login_challenge"):
                    target = self._accept("login", challenge[0], {"subject": "alice"})
                elif challenge := query.get("consent_challenge"):
                    granted = {"grant_scope": ["openid", OFFLINE, SCOPE]}
                    target = self._accept("consent", challenge[0], granted)
        raise AssertionError("Hydra's redirects form a loop.")

    def _accept(self, what: str, challenge: str, body: dict[str, Any]) -> str:
        address = f"{self.admin}/{what}/accept?{urlencode({f'{what}_challenge': challenge})}"
        answer = requests.put(address, json=body, timeout=30)
        answer.raise_for_status()
        target: str = answer.json()["redirect_to"]
        return target

    def _many(self, make: Any, n: int) -> list[Any]:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            return list(pool.map(lambda _: make(), range(n)))
