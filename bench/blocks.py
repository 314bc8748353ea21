"""`make bench ARGS="--blocks"` counts the blocks of tables and indexes that a request reads, with a thousand rows of
each kind and with a million.

Unlike a time, a count is the same on a busy machine. One process without a server makes the requests one at a time,
each for another user, on a database that `demo_seed --scale` has filled.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.servers import ROOT, prepare
from bench.signing import VERIFIER, s256

SCALES = (0.001, 0.1, 1.0)  # of a million rows of each kind
REQUESTS = 20
_SCOPES = ["openid", "accounts:read", "transactions:read", "transfers:read", "transfers:write"]
_LOOKED_AT = """
SELECT sum(heap_blks_read + heap_blks_hit + coalesce(idx_blks_read + idx_blks_hit, 0)) FROM pg_statio_user_tables"""


def run(directory: Path) -> dict[str, dict[str, float]]:
    """Case -> the blocks that a request reads, by the number of users."""
    figures: dict[str, dict[str, float]] = {}
    for scale in SCALES:
        data_dir = directory / f"rows-{scale}"
        environment = prepare(data_dir, scale)
        command = [sys.executable, "-m", "bench.blocks", str(round(scale * 1_000_000))]
        done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        for name, blocks in json.loads(done.stdout.splitlines()[-1]).items():
            figures.setdefault(name, {})[f"{scale * 1_000_000:.0f}"] = blocks
    return figures


def print_table(figures: dict[str, dict[str, float]]) -> None:
    print("Blocks of tables and indexes that a request reads, by the number of users.")
    sizes = [f"{scale * 1_000_000:.0f}" for scale in SCALES]
    print(f"{'case':34}" + "".join(f"{size:>12}" for size in sizes) + f"{'ratio':>8}")
    for name, one in figures.items():
        row = "".join(f"{one[size]:12.1f}" for size in sizes)
        print(f"{name:34}{row}{one[sizes[-1]] / one[sizes[0]]:8.2f}")


def _measure(people: int) -> dict[str, float]:
    """Must run in a process in which Django is set up."""
    from django.db import connection

    def looked_at() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
            cursor.execute("SELECT 1")
            cursor.execute(_LOOKED_AT)
            return int(cursor.fetchone()[0])

    figures = {}
    numbers = [block * 1000 + 1 for block in range(0, people // 1000, max(1, people // 1000 // (2 * REQUESTS)))]
    numbers = (numbers or [1]) * (2 * REQUESTS)
    for name, make in _cases():
        for number in numbers[:REQUESTS]:
            make(number)()  # warms up query plans and caches
        asked = [make(number) for number in numbers[:REQUESTS]]
        before = looked_at()
        for ask in asked:
            answer = ask()
            assert answer.status_code < 400, (name, answer.status_code, answer.content[:500])
        figures[name] = (looked_at() - before) / REQUESTS
    return figures


def _cases() -> Iterator[tuple[str, Callable[[int], Callable[[], Any]]]]:
    """Each case makes a request for the user with this number. Its preparation is not counted."""
    from django.test import Client as Browser

    from accounts.models import User
    from banking.notation.iban import from_number
    from demo.seed import scale
    from oauth.conf import conf
    from oauth.models import Authorization, Client
    from oauth.tokens.claims import AccessTokenClaims
    from oauth.tokens.signing import sign_access_token

    host = {"host": conf.ISSUER.partition("://")[2]}
    browser = Browser(headers=host)

    def of_client(path: str, form: Callable[[int], dict[str, str]]) -> Callable[[int], Callable[[], Any]]:
        def make(number: int) -> Callable[[], Any]:
            secret = f"{scale.client_id(number)}:{urlencode({'': scale.client_secret(number)})[1:]}"
            basic = {"authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}
            body = urlencode(form(number))
            return lambda: browser.post(path, body, content_type="application/x-www-form-urlencoded", headers=basic)

        return make

    def with_token(ask: Callable[[int, dict[str, str]], Any]) -> Callable[[int], Callable[[], Any]]:
        def make(number: int) -> Callable[[], Any]:
            return lambda: ask(number, {"authorization": f"Bearer {tokens[number]}"})

        tokens = _Tokens(lambda number: _token(number))
        return make

    def _token(number: int) -> str:
        from django.utils import timezone

        now = timezone.now()
        client = Client.objects.get(client_id=scale.client_id(number))
        user_id, until = scale.user_id(number), now + timedelta(minutes=5)
        allowed = Authorization.objects.create(user_id=user_id, client=client, scopes=_SCOPES, expires_at=until)
        claims: dict[str, Any] = {
            "issuer": conf.ISSUER, "subject": str(user_id), "audience": conf.audiences[:1],
            "client_id": client.client_id, "scopes": frozenset(_SCOPES), "issued_at": now, "expires_at": until,
            "jti": str(allowed.pk), "authorization_id": str(allowed.pk), "auth_time": now,
        }  # fmt: skip
        return sign_access_token(AccessTokenClaims(**claims), algorithm=conf.SIGNING_ALGORITHM)

    def page(path: str) -> Callable[[int, dict[str, str]], Any]:
        return lambda number, bearer: browser.get(
            path.format(account=scale.account_id(_account_of(number))), headers=bearer
        )

    def authorize(number: int) -> Callable[[], Any]:
        somebody = Browser(headers=host)
        somebody.force_login(User.objects.get(pk=scale.user_id(number)))
        query = {
            "response_type": "code", "client_id": scale.client_id(number), "scope": "accounts:read",
            "redirect_uri": "https://app.scale.test/callback", "code_challenge": s256(VERIFIER),
            "code_challenge_method": "S256",
        }  # fmt: skip
        return lambda: somebody.get("/oauth/authorize", query)

    def transfer(number: int, bearer: dict[str, str]) -> Any:
        account = _account_of(number)
        body = {
            "source_account_id": str(scale.account_id(account)), "reference": "Blocks",
            "destination": {"scheme": "iban", "identifier": from_number(account + 1), "name": "Person"},
            "amount": {"currency": "GBP", "minor_units": 1},
        }  # fmt: skip
        headers = {**bearer, "idempotency-key": os.urandom(16).hex()}
        return browser.post("/api/v1/transfers", json.dumps(body), content_type="application/json", headers=headers)

    def refresh(number: int) -> dict[str, str]:
        return {"grant_type": "refresh_token", "refresh_token": scale.refresh_token(number)}

    yield "refresh, not rotating", of_client("/oauth/token", refresh)
    yield "introspection", of_client("/oauth/introspect", lambda number: {"token": scale.refresh_token(number)})
    yield "authorize, consent page", authorize
    yield "API: list of accounts", with_token(page("/api/v1/accounts"))
    yield "API: page of transactions", with_token(page("/api/v1/accounts/{account}/transactions"))
    yield "API: page of transfers", with_token(page("/api/v1/transfers"))
    yield "API: transfer", with_token(transfer)


def _account_of(number: int) -> int:
    """Only the first ten of each thousand users have an account."""
    return number // 1000 * 10 + number % 1000


class _Tokens(dict[int, str]):
    def __init__(self, make: Callable[[int], str]) -> None:
        self._make = make

    def __missing__(self, number: int) -> str:
        self[number] = self._make(number)
        return self[number]


if __name__ == "__main__":
    from contextlib import ExitStack

    from demo import environment

    people = int(sys.argv[1])
    with ExitStack() as stack:
        sys.argv = ["manage.py", "blocks"]
        environment.enter(stack)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django

        django.setup()
        print(json.dumps(_measure(people)))
