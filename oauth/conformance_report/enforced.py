"""Rules that the code enforces for every client and configuration, from `enforced.json`."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from oauth.conformance_report.line import Line, Standard, Verdict

# Prefix of a rule's ID -> its standard, longer prefixes first.
_STANDARDS = (
    ("FAPI 2.0 Message Signing ", Standard.MESSAGE_SIGNING),
    ("FAPI 2.0 ", Standard.FAPI),
    ("RFC 9700 ", Standard.RFC_9700),
    ("ASVS 9.", Standard.ASVS_9),
    ("ASVS 10.", Standard.ASVS_10),
)


@dataclass(frozen=True, slots=True)
class EnforcedRule:
    """A row of docs/security.md. `id` is, for example, "RFC 9700 §4.8"; `test` fails without the code in `file`."""

    id: str
    title: str
    file: str
    test: str

    @property
    def standard(self) -> Standard | None:
        return next((standard for start, standard in _STANDARDS if self.id.startswith(start)), None)

    @property
    def section(self) -> str:
        """The part of the ID after the name of the standard, such as "§4.8" or "10.4.11, consent"."""
        start = "ASVS " if self.id.startswith("ASVS") else next(s for s, _ in _STANDARDS if self.id.startswith(s))
        return self.id.removeprefix(start)


@cache
def rules() -> tuple[EnforcedRule, ...]:
    rows = json.loads(Path(__file__).with_name("enforced.json").read_text())
    return tuple(rule for row in rows if (rule := EnforcedRule(**row)).standard)


@cache
def files(ids: tuple[str, ...]) -> tuple[str, ...]:
    """The files that enforce these rules, without duplicates."""
    return tuple(dict.fromkeys(rule.file for rule in rules() if rule.id in ids))


def lines(*, without: frozenset[str]) -> list[Line]:
    """A line for each rule that is not decided by a function in `rules/`."""
    return [
        Line(
            rule.standard,
            rule.section,
            f"{rule.title}.",
            Verdict.MET,
            f"The code enforces this rule for every client that it concerns; {rule.test} proves it.",
            enforced_in=(rule.file,),
        )
        for rule in rules()
        if rule.id not in without and rule.standard
    ]
