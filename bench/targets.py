"""The targets, which are maximum costs, compared with the figures of a run: `make bench ARGS="--targets"`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bench.cases import AUTHORIZE, AUTHORIZE_ACCOUNTS, LIST, LOGIN, PAGE, TRANSFER, TRANSFER_SAME, TRANSFER_TO_ONE
from bench.report import BARE, COUNTERSIGN, DOT, DRF, NODE, SIMPLEJWT, Figures, cost

DOCUMENT = "docs/performance.md"
LIMITS, TRANSFERS = f"{DOCUMENT}#what-limits-them", f"{DOCUMENT}#a-transfer"


@dataclass(frozen=True, slots=True)
class Results:
    """The figures of one run. `writes_us` is the cost of inserting the rows of a transfer, `flood` the figure of
    `--logins`.
    """

    figures: Mapping[tuple[str, str], Figures]
    writes_us: float
    flood: float

    def cost_us(self, case: str, server: str = COUNTERSIGN) -> float | None:
        found = self.figures.get((server, case))
        return cost(found) if found else None

    def figure(self, case: str, name: str) -> float | None:
        found = self.figures.get((COUNTERSIGN, case))
        return found[name] if found else None

    def to(self, server: str, case: str) -> float | None:
        """The ratio of Countersign's cost to the other server's in the same case."""
        return _ratio(self.cost_us(case), self.cost_us(case, server))

    def to_bare(self, case: str) -> float | None:
        return _ratio(self.cost_us(case), self.cost_us("a bare Django view", BARE))


@dataclass(frozen=True, slots=True)
class Target:
    """`see` links to the reason why the target is missed, or names the command that measures it."""

    what: str
    at_most: float
    unit: str
    measured: Callable[[Results], float | None]
    see: str = LIMITS

    def row(self, results: Results) -> str:
        """The target as a row of a Markdown table."""
        found = self.measured(results)
        if found is None:
            return f"| {self.what} | {self.at_most:,g} {self.unit} |  | not measured | {self.see} |"
        verdict, see = ("hit", "") if found <= self.at_most else ("**missed**", self.see)
        return f"| {self.what} | {self.at_most:,g} {self.unit} | {_number(found)} {self.unit} | {verdict} | {see} |"


def table(results: Results) -> Iterator[str]:
    yield "| target | at most | measured | verdict | see |"
    yield "| --- | --- | --- | --- | --- |"
    for target in TARGETS:
        yield target.row(results)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _ratio(value: float | None, other: float | None) -> float | None:
    return value / other if value is not None and other else None


def _to(server: str, case: str, at_most: float) -> Target:
    return Target(f"{case}, to {server}", at_most, "x", lambda results: results.to(server, case))


def _elsewhere(what: str, at_most: float, unit: str, command: str) -> Target:
    return Target(what, at_most, unit, lambda _: None, command)


TARGETS = [
    Target("transfer with a JWT, to a bare view", 12, "x", lambda results: results.to_bare(TRANSFER), TRANSFERS),
    Target(
        "transfer with a JWT, to the same rows written by pgbench", 2.5, "x",
        lambda results: _ratio(results.cost_us(TRANSFER), results.writes_us), TRANSFERS,
    ),
    Target(
        "transfer between the same two accounts, to distinct accounts", 3, "x",
        lambda results: _ratio(results.cost_us(TRANSFER_SAME), results.cost_us(TRANSFER)), TRANSFERS,
    ),
    Target(
        "p50 of transfers to one account, to distinct accounts", 1.5, "x",
        lambda results: _ratio(results.figure(TRANSFER_TO_ONE, "p50_ms"), results.figure(TRANSFER, "p50_ms")),
        TRANSFERS,
    ),
    Target("list of accounts, server's CPU", 1_400, "µs", lambda results: results.figure(LIST, "server_us")),
    Target("page of transactions, server's CPU", 3_850, "µs", lambda results: results.figure(PAGE, "server_us")),
    _to(NODE, AUTHORIZE, 1),
    _to(NODE, AUTHORIZE_ACCOUNTS, 1),
    Target("authorize, consent remembered: statements", 4, "", lambda results: results.figure(AUTHORIZE, "statements")),
    Target("login: statements", 15, "", lambda results: results.figure(LOGIN, "statements")),
    Target("login: CPU", 60_000, "µs", lambda results: results.cost_us(LOGIN)),
    Target("p95 of tokens during 200 logins a second, to before", 2, "x", lambda results: results.flood),
    _to(DOT, "client_credentials", 0.1),
    _to(NODE, "client_credentials", 0.8),
    _to(NODE, "refresh, no ID token", 1),
    _to(NODE, "refresh, not rotating", 0.9),
    _to(NODE, "refresh, rotating", 0.9),
    _to(DOT, "refresh, rotating", 0.15),
    _to(NODE, "code for tokens", 0.9),
    _to(DOT, "code for tokens", 0.15),
    _to(NODE, "introspection", 1),
    _to(NODE, "FAPI: PAR", 1),
    _to(NODE, "client_credentials, DPoP", 1),
    _to(DRF, LIST, 1.5),
    _to(SIMPLEJWT, LIST, 0.6),
    Target("keys, to a bare view", 1.3, "x", lambda results: results.to_bare("JWKS")),
    Target("metadata, to a bare view", 1.3, "x", lambda results: results.to_bare("metadata")),
    _elsewhere("any case, 1,000,000 rows of each kind to 1,000", 1.15, "x", '`make bench ARGS="--growth"`'),
    _elsewhere("p95 of tokens while a million expired rows go", 1.2, "x", '`make bench ARGS="--cleanup"`'),
    _elsewhere("a worker's memory after 200,000 requests, to 20,000", 1.05, "x", '`make bench ARGS="--memory"`'),
]  # fmt: skip
