"""The report of an import or a dry run: counts, clients that need changes, and scopes without a mapping."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

MOST_CLIENTS_IN_TEXT = 200


@dataclass(frozen=True)
class Finding:
    """A difference between a client and DOT's application. `fix` says what to do."""

    what: str
    fix: str


@dataclass(frozen=True)
class ClientReport:
    client_id: str
    name: str
    #: "works", "sessions only" (no new logins), "disabled", or "not imported".
    state: str
    findings: tuple[Finding, ...] = ()


@dataclass
class Report:
    source: str
    is_dry_run: bool
    counts: Counter[str] = field(default_factory=Counter)
    clients: list[ClientReport] = field(default_factory=list)
    #: Scope without a mapping -> the number of live tokens with it.
    unmapped_scopes: Counter[str] = field(default_factory=Counter)
    #: The reasons why `--apply` would refuse to run.
    blocked_by: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        plain = {"counts": dict(self.counts), "unmapped_scopes": dict(self.unmapped_scopes)}
        return {**vars(self), **plain, "clients": [asdict(client) for client in self.clients]}

    def to_text(self) -> Iterable[str]:
        yield f"{'Dry run: nothing was written.' if self.is_dry_run else 'Import'} Source: {self.source}"
        yield ""
        width = max((len(name) for name in self.counts), default=0)
        for name, count in sorted(self.counts.items()):
            yield f"  {name:<{width}}  {count:>10,}"
        yield from self._scopes()
        yield from self._clients()
        for note in self.notes:
            yield f"Note: {note}"
        for reason in self.blocked_by:
            yield f"Before --apply: {reason}"
        yield f"{self.seconds:.1f} seconds"

    def _scopes(self) -> Iterable[str]:
        if not self.unmapped_scopes:
            return
        yield ""
        yield "Scopes of live tokens without a mapping. Map each to scopes of this site in the --mapping file:"
        yield "  [scopes]"
        for name, count in sorted(self.unmapped_scopes.items()):
            yield f'  "{name}" = []  # {count:,} tokens'

    def _clients(self) -> Iterable[str]:
        if not self.clients:
            return
        yield ""
        yield "Clients that need changes:"
        for client in self.clients[:MOST_CLIENTS_IN_TEXT]:
            yield f"  {client.client_id} ({client.name}): {client.state}"
            for finding in client.findings:
                yield f"    - {finding.what} {finding.fix}"
        if (left := len(self.clients) - MOST_CLIENTS_IN_TEXT) > 0:
            yield f"  … and {left:,} more: --json lists all."
        yield ""
