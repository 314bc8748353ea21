"""`make bench ARGS="--growth"` measures whether a request costs more when there are more rows.

Two Countersign servers are measured alternately: one has a thousand rows of each kind, the other a million, or as many
millions as `--scale` says. The requests are spread over all rows, and come from equally many clients and users on both.
"""

import json
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import requests

from bench import cases, load, report, servers
from bench.cases import FORM, Case
from bench.load import Request
from bench.report import Figures
from bench.servers import Server, basic
from bench.signing import VERIFIER, s256

SMALL = 0.001  # of a million rows of each kind
#: The most entries of one account: more of them are spread over other accounts.
LONGEST_HISTORY = 1_000_000
DIFFERENT_CLIENTS, DIFFERENT_PEOPLE = 500, 10
PAGE = 200
FIRST_PAGE, LAST_PAGE = "API: first page of an account", "API: last page of an account"
_CALLBACK = "https://app.scale.test/callback"

# Adds this number of entries to Alice's oldest account. It bypasses the ledger's checks, which would take an hour and
# are not measured here.
_LONG_HISTORY = """
WITH account AS (SELECT id, currency, last_seq, posted_minor FROM bank_account WHERE id = %(account)s),
posted AS (
  INSERT INTO ledger_transaction (id, currency, kind, description, created_at)
  SELECT gen_random_uuid(), account.currency, 'deposit', 'Tap ' || n, now()
    FROM account, generate_series(1, %(number)s) n RETURNING id),
numbered AS (SELECT id, row_number() OVER () AS n FROM posted)
INSERT INTO ledger_entry (transaction_id, account_id, currency, amount_minor, account_seq, balance_after_minor,
                          counterparty_name, counterparty_iban, booked_at)
SELECT numbered.id, account.id, account.currency, 1, account.last_seq + n, account.posted_minor + n, '', '', now()
  FROM numbered, account
"""
_AFTER_IT = """
UPDATE bank_account SET last_seq = last_seq + %(number)s, posted_minor = posted_minor + %(number)s
 WHERE id = %(account)s
"""


def run(directory: Path, *, large: float, rounds: int, number: int, only: Sequence[str]) -> dict[str, dict[str, float]]:
    """Case -> CPU in µs per request with few rows, with `large` million rows, and the ratio; each is the median of the
    rounds.

    A round measures the two servers directly after each other. The machine's speed changes from minute to minute, so
    the ratio within a round is more reliable than the ratio of two medians.
    """
    costs: dict[tuple[str, float], list[float]] = {}
    with ExitStack() as stack:
        started = {}
        for scale in (SMALL, large):
            server = stack.enter_context(servers.countersign(directory / f"rows-{scale}", scale=scale))
            started[scale] = server, list(_cases(server, directory / f"rows-{scale}", scale))
        for turn in range(rounds):
            for place, case in enumerate(started[SMALL][1]):
                if not any(one in case.name for one in only):
                    continue
                for scale in (SMALL, large) if turn % 2 else (large, SMALL):
                    server, found = started[scale]
                    measured = _measure(server, found[place], number)
                    costs.setdefault((case.name, scale), []).append(report.cost(measured))
                    print(f"{scale:g} million rows: {case.name}: {costs[case.name, scale][-1]:.0f} µs", file=sys.stderr)
    figures = {name: _compared(costs[name, SMALL], many) for (name, scale), many in costs.items() if scale == large}
    first, last = (costs.get((page, large)) for page in (FIRST_PAGE, LAST_PAGE))
    if first and last:
        figures["last page, to the first"] = _compared(first, last)
    return figures


def _compared(few: list[float], many: list[float]) -> dict[str, float]:
    ratios = [one / other for one, other in zip(many, few, strict=True)]
    return {
        "few_rows_us": statistics.median(few),
        "many_rows_us": statistics.median(many),
        "ratio": statistics.median(ratios),
    }


def print_table(figures: dict[str, dict[str, float]], *, large: float) -> None:
    print(
        "CPU of server and database in µs per request, with few rows of each kind and with many:"
        " medians of the rounds, and the median of the rounds' ratios."
    )
    print(f"{'case':34}{SMALL * 1_000_000:10,.0f}{large * 1_000_000:12,.0f}{'ratio':>8}")
    for name, one in figures.items():
        print(f"{name:34}{one['few_rows_us']:10.0f}{one['many_rows_us']:12.0f}{one['ratio']:8.2f}")


def _measure(server: Server, case: Case, number: int) -> Figures:
    number = min(number, case.most or number)
    # As many requests as are measured, so that each client has been used before: the first request of a client costs
    # more.
    load.run(server.port, case.make(number))
    _, server_us, database_us = server.asked(case.make(number))
    return {"server_us": server_us, "database_us": database_us}


def _cases(server: Server, data_dir: Path, scale: float) -> Iterator[Case]:
    known = json.loads((data_dir / "clients.json").read_text())
    rows = int(scale * 1_000_000)
    numbers = cycle(range(1, rows + 1, max(1, rows // DIFFERENT_CLIENTS)))
    service = {**FORM, **basic("demo-service", known["demo-service"]["client_secret"])}

    def alice() -> cases.App:
        """Logs in again, because old transactions need a recent login."""
        return cases.app_of_alice(server, data_dir, scope="openid accounts:read transactions:read")

    def of_clients(
        path: str, form: Callable[[int], dict[str, str]], expect: int = 200
    ) -> Callable[[int], list[Request]]:
        return lambda n: [
            Request("POST", path, urlencode(form(one)), {**FORM, **_basic(one)}, expect) for one in islice(numbers, n)
        ]

    token_request = Request("POST", "/oauth/token", f"grant_type=client_credentials&scope={cases.SCOPE}", service)
    yield Case("client_credentials", lambda n: [token_request] * n)
    yield Case("refresh, not rotating", of_clients("/oauth/token", _refresh))
    yield Case("introspection", of_clients("/oauth/introspect", lambda one: {"token": _refresh(one)["refresh_token"]}))
    yield Case("PAR", of_clients("/oauth/par", lambda _: _PUSHED, expect=201))
    yield Case("code for tokens", lambda n: alice().exchanges(n), most=cases.MOST_CODES)
    people = [block * 1000 + 1 for block in range(0, rows // 1000, max(1, rows // 1000 // DIFFERENT_PEOPLE))]
    if len(people) < DIFFERENT_PEOPLE:
        people = list(range(1, DIFFERENT_PEOPLE + 1))
    yield Case("API: list of accounts", lambda n: _lists(server, people[:DIFFERENT_PEOPLE], n))
    account = _long_history(server, alice().tokens()["access_token"], min(rows, LONGEST_HISTORY))
    last = _last_page(server, account, alice)
    for name, path in ((FIRST_PAGE, f"{account}?limit={PAGE}"), (LAST_PAGE, last)):
        yield Case(name, lambda n, path=path: [Request("GET", path, headers=_bearer(alice()))] * n)  # type: ignore[misc]  # the default binds the loop variable


_PUSHED = {
    "response_type": "code", "redirect_uri": _CALLBACK, "scope": f"openid {cases.SCOPE}",
    "code_challenge": s256(VERIFIER), "code_challenge_method": "S256",
}  # fmt: skip


def _basic(number: int) -> dict[str, str]:
    """The Authorization header of a client that `demo_seed --scale` has made."""
    return basic(f"scale-{number:07d}", f"secret%20of%20scale-{number:07d}")


def _refresh(number: int) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": f"refresh token of scale-{number:07d}"}


def _lists(server: Server, people: list[int], n: int) -> list[Request]:
    tokens = []
    for one in people:
        headers = {**FORM, **_basic(one)}
        answer = requests.post(f"{server.url}/oauth/token", urlencode(_refresh(one)), headers=headers, timeout=30)
        tokens.append(answer.json()["access_token"])
    return [
        Request("GET", "/api/v1/accounts", headers={"Authorization": f"Bearer {token}"})
        for token in islice(cycle(tokens), n)
    ]


def _bearer(alice: cases.App) -> dict[str, str]:
    return {"Authorization": f"Bearer {alice.tokens()['access_token']}"}


def _long_history(server: Server, token: str, entries: int) -> str:
    """Adds the missing entries. Returns the path of the account's transactions."""
    bearer = {"Authorization": f"Bearer {token}"}
    account = requests.get(f"{server.url}/api/v1/accounts", headers=bearer, timeout=30).json()["data"][0]["id"]
    assert server.database
    with psycopg.connect(server.database.url) as connection:
        connection.execute("SET session_replication_role = replica")
        (there,) = connection.execute("SELECT last_seq FROM bank_account WHERE id = %s", [account]).fetchone() or (0,)
        missing = {"account": account, "number": max(entries - there, 0)}
        connection.execute(_LONG_HISTORY, missing)
        connection.execute(_AFTER_IT, missing)
    with psycopg.connect(server.database.url, autocommit=True) as connection:
        # Otherwise autovacuum would do this at some time during the measurement.
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return f"/api/v1/accounts/{account}/transactions"


def _last_page(server: Server, path: str, alice: Callable[[], cases.App]) -> str:
    """Follows the cursors to the last page, as an app would."""
    with requests.Session() as session:
        following, page = f"{path}?limit={PAGE}", ""
        while following:
            page = following
            answer = session.get(f"{server.url}{page}", timeout=30)
            if answer.status_code == 401:
                session.headers.update(_bearer(alice()))
                continue
            cursor = answer.json()["next_cursor"]
            following = f"{path}?{urlencode({'limit': PAGE, 'cursor': cursor})}" if cursor else ""
    return page
