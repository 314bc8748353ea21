"""Rauthy with its state in PostgreSQL. This module logs Alice in and asks for codes as Rauthy's own page would.

Rauthy signs with EdDSA or RSA only: access tokens are signed with EdDSA here, which costs about as much as our ES256,
and ID tokens with RS256, as ours are. It rotates each refresh token.
"""

import base64
import hashlib
import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests

from bench import servers
from bench.cases import FORM, MOST_CODES, NONCE, App, Case, code_in, same
from bench.load import Request
from bench.peers import CALLBACK, SECRET, proof
from bench.peers.database import over_tcp
from bench.peers.programs import Program, run
from bench.servers import Server
from bench.signing import VERIFIER, s256

PROGRAM = Program("Rauthy", "BENCH_RAUTHY", "rauthy", "https://github.com/sebadob/rauthy/releases")
_ROOT = "/auth/v1"
_TOKEN, _AUTHORIZE = f"{_ROOT}/oidc/token", f"{_ROOT}/oidc/authorize"
_SCOPES = ["openid", "accounts:read"]
#: Rauthy's client secrets have 64 characters.
_SECRET = "aSecretOfABenchmark" + "0" * 45
# For this grant type, Rauthy reads the secret from the form only.
_SERVICE = Request(
    "POST", _TOKEN,
    urlencode({"grant_type": "client_credentials", "client_id": "service", "client_secret": _SECRET}), FORM,
)  # fmt: skip
_NONCE = NONCE.replace(" ", "-")  # Rauthy accepts no spaces in it
_EMAIL, _PASSWORD = "alice@demo.test", "correct-horse-demo"


def version() -> str:
    assert PROGRAM.path
    return run(PROGRAM.path, "--version").split()[-1]


@contextmanager
def serving(directory: Path) -> Iterator[tuple[Server, list[Case]]]:
    """Runs the server. The first call creates tables, keys, clients and Alice."""
    assert PROGRAM.path
    port = servers.free_port()
    with over_tcp(directory, "rauthy") as (database, address):
        _write(directory, port, address)
        is_new = not (directory / "hiqlite").exists()
        command = [str(PROGRAM.path), "serve", "--config-file", str(directory / "rauthy.toml")]
        ready = Request("GET", f"{_ROOT}/health")
        if is_new:
            with servers.started(command, ready, {}, port):
                pass
        with servers.started(command, _SERVICE, {}, port) as start:
            server = Server(port, start, database)
            yield server, _cases(server)


def _write(directory: Path, port: int, address: str) -> None:
    """Writes the configuration, and the rows that Rauthy creates at its first start."""
    host_and_port, _, name = address.partition("/")
    host, _, database_port = host_and_port.partition(":")
    first, second = servers.free_port(), servers.free_port()
    encryption_key = "benchmark/" + base64.b64encode(b"a key of a benchmark, 32 bytes..").decode()
    settings: dict[str, dict[str, Any]] = {
        "bootstrap": {"bootstrap_dir": str(directory / "bootstrap")},
        "cluster": {
            "node_id": 1, "nodes": [f"1 localhost:{first} localhost:{second}"], "data_dir": str(directory / "hiqlite"),
            "secret_raft": SECRET, "secret_api": SECRET,
        },
        "database": {
            "hiqlite": False, "pg_host": host, "pg_port": int(database_port), "pg_user": name, "pg_password": SECRET,
            "pg_db_name": name, "pg_tls_no_verify": True, "pg_max_conn": 20,
        },
        # A refresh token may be used at once. A client's token names it in `sub` (RFC 9068 §2.2).
        "access": {
            "disable_refresh_token_nbf": True, "cookie_mode": "danger-insecure", "client_credentials_map_sub": True,
        },
        "encryption": {"keys": [encryption_key], "key_active": "benchmark"},
        "events": {"email": "admin@demo.test", "generate_token_issued": False},
        "email": {"rauthy_admin_email": "admin@demo.test"},
        "hashing": {"argon2_m_cost": 32768, "argon2_t_cost": 1, "argon2_p_cost": 2, "max_hash_threads": 2},
        "logging": {"level": "error", "level_access": "off"},
        "pow": {"difficulty": 10},
        "server": {
            "listen_address": "127.0.0.1", "port_http": port, "scheme": "http", "pub_url": f"localhost:{port}",
            "http_workers": servers.WORKERS, "metrics_enable": False, "proxy_mode": False, "trusted_proxies": [],
        },
        "webauthn": {"rp_id": "localhost", "rp_origin": f"http://localhost:{port}", "rp_name": "Benchmark"},
    }  # fmt: skip
    # JSON's strings, numbers, lists and booleans are TOML's as well.
    lines = [
        line
        for table, values in settings.items()
        for line in (f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()), "")
    ]
    (directory / "rauthy.toml").write_text("\n".join(lines))
    rows = {
        "scopes": [{"name": "accounts:read"}],
        "users": [
            {
                "email": _EMAIL, "given_name": "Alice", "family_name": "Archer", "password": {"Plain": _PASSWORD},
                "roles": ["user"], "enabled": True, "email_verified": True,
            },
        ],
        "clients": [
            _client("service", ["client_credentials"]),
            _client("web", ["authorization_code", "refresh_token"]),
        ],
    }  # fmt: skip
    (directory / "bootstrap").mkdir(exist_ok=True)
    for kind, values in rows.items():
        (directory / f"bootstrap/{kind}.json").write_text(json.dumps(values))


def _client(name: str, flows: list[str]) -> dict[str, Any]:
    return {
        "id": name, "secret": {"Plain": _SECRET}, "redirect_uris": [CALLBACK], "enabled": True, "flows_enabled": flows,
        "access_token_alg": "EdDSA", "id_token_alg": "RS256", "auth_code_lifetime": 300, "access_token_lifetime": 3600,
        "scopes": _SCOPES, "default_scopes": _SCOPES, "challenges": ["S256"], "force_mfa": False,
    }  # fmt: skip


def _cases(server: Server) -> list[Case]:
    web = _App(server)
    tokens = web.tokens()
    access_token = {"jwks": f"{_ROOT}/oidc/certs", "algorithm": "EdDSA", "issuer": f"{server.url}{_ROOT}/"}
    proof.claims(server, proof.answer(server, _SERVICE)["access_token"], **access_token)
    alice = proof.claims(server, tokens["access_token"], **access_token)["sub"]
    found = proof.claims(server, tokens["id_token"], **{**access_token, "algorithm": "RS256"})
    assert (found["sub"], found["nonce"]) == (alice, _NONCE)
    refreshed = proof.answer(server, web.refresh(tokens["refresh_token"]))
    proof.claims(server, refreshed["access_token"], **access_token)
    introspect = Request(
        "POST", f"{_ROOT}/oidc/introspect", urlencode({"token": refreshed["access_token"]}), web.headers
    )
    proof.is_active(server, introspect)
    return [
        Case("metadata", same(Request("GET", f"{_ROOT}/.well-known/openid-configuration"))),
        Case("JWKS", same(Request("GET", f"{_ROOT}/oidc/certs"))),
        Case("client_credentials", same(_SERVICE)),
        Case("code for tokens", web.exchanges, most=MOST_CODES),
        Case("refresh, rotating", web.refreshes, most=MOST_CODES),
        Case("introspection", same(introspect)),
    ]


class _App(App):
    """An app. Alice's browser has logged in once; Rauthy asks for no consent."""

    def __init__(self, server: Server) -> None:
        super().__init__(server, "web", CALLBACK, authorize=_AUTHORIZE, token=_TOKEN, secret=_SECRET)
        self._asked = {
            "client_id": "web", "redirect_uri": CALLBACK, "scopes": _SCOPES, "nonce": _NONCE,
            "code_challenge": s256(VERIFIER), "code_challenge_method": "S256",
        }  # fmt: skip
        session = self._post("/oidc/session").json()
        self.browser.headers["x-csrf-token"] = session["csrf_token"]
        challenge = self._post("/pow").text
        login = {"email": _EMAIL, "password": _PASSWORD, "pow": _solved(challenge)}
        self._code(self._post("/oidc/authorize", {**login, **self._asked}))

    def code(self) -> str:
        return self._code(self._post("/oidc/authorize/refresh", self._asked))

    def _code(self, answer: requests.Response) -> str:
        assert answer.status_code == 202, answer.text
        return code_in(answer.headers["Location"])

    def _post(self, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        answer = self.browser.post(f"{self.server.url}{_ROOT}{path}", json=body, timeout=30)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return answer


def _solved(challenge: str) -> str:
    """The proof of work that Rauthy wants before it verifies a password: a hash that begins with enough zero bits."""
    bits = int(challenge.split(":")[1])
    tries = (f"{challenge}{number}" for number in itertools.count())
    return next(one for one in tries if not int.from_bytes(hashlib.sha256(one.encode()).digest()) >> (256 - bits))
