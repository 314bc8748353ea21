"""Reports: the lines of all rules about the site or about one client."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from oauth.conf import conf
from oauth.conformance_report import enforced, rules, system_checks
from oauth.conformance_report.line import Line, Outcome, Standard, Verdict, not_applicable
from oauth.conformance_report.registry import ClientJudge, Rule, SiteJudge
from oauth.models import Client

_ORDER = {standard: position for position, standard in enumerate(Standard)}


@dataclass(frozen=True)
class Report:
    """`about` is the issuer or a client ID; `name` is “This site” or the client's name."""

    about: str
    name: str
    lines: tuple[Line, ...]

    def count(self, verdict: Verdict) -> int:
        return Counter(line.verdict for line in self.lines)[verdict]

    def unmet(self, *, recommendations: bool) -> list[Line]:
        """The unmet lines: requirements or, with `recommendations`, recommendations."""
        return [line for line in self.lines if line.verdict == Verdict.UNMET and (line.is_required or recommendations)]


def report_on_site(standards: Collection[Standard] = ()) -> Report:
    """`standards` selects standards; empty means all. Runs one query, for the signing keys."""
    decided = frozenset(one for rule in rules.SITE_RULES for one in rule.covers)
    lines = [_line(rule, rule.judge()) for rule in rules.SITE_RULES]
    lines += enforced.lines(without=decided)
    lines += system_checks.lines()
    return Report(conf.ISSUER, "This site", _chosen(lines, standards))


def report_on_client(client: Client, standards: Collection[Standard] = ()) -> Report:
    """Runs no query. A client with another security profile is measured against FAPI 2.0 only if `standards` includes
    it.
    """
    lines = [_line(rule, _judged(rule, client, standards)) for rule in rules.CLIENT_RULES]
    return Report(client.client_id, client.shown_name, _chosen(lines, standards))


def reports_on(clients: Iterable[Client], standards: Collection[Standard] = ()) -> Iterator[Report]:
    return (report_on_client(client, standards) for client in clients)


def _judged(rule: Rule[ClientJudge], client: Client, standards: Collection[Standard]) -> Outcome:
    is_of_another_profile = (rule.standard == Standard.FAPI and not client.is_fapi2) or (
        rule.standard == Standard.MESSAGE_SIGNING and not client.signs_messages
    )
    if is_of_another_profile and rule.standard not in standards:
        return not_applicable(
            f"The client's security_profile is {client.security_profile}. "
            f"`--standard {rule.standard.value}` shows what it lacks."
        )
    return rule.judge(client)


def _line(rule: Rule[ClientJudge] | Rule[SiteJudge], outcome: Outcome) -> Line:
    return Line(
        rule.standard,
        rule.section,
        rule.text,
        outcome.verdict,
        outcome.reason,
        outcome.change,
        rule.is_required,
        enforced.files(rule.covers),
    )


def _chosen(lines: Iterable[Line], standards: Collection[Standard]) -> tuple[Line, ...]:
    kept = [line for line in lines if not standards or line.standard in standards]
    return tuple(sorted(kept, key=lambda line: (_ORDER[line.standard], _numbers(line.section))))


@cache
def _numbers(section: str) -> list[int]:
    """ "§5.3.2.1, code" -> [5, 3, 2, 1], so that §10 follows §9."""
    return [int(number) for number in re.findall(r"\d+", section.partition(",")[0].partition(" ")[0])]
