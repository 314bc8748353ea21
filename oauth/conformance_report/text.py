"""Reports for a terminal and for programs."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from oauth.conformance_report.line import Line, Verdict
from oauth.conformance_report.report import Report

_WIDTH_OF_VERDICT = 15
_WIDTH_OF_SECTION = 16


def as_text(report: Report, *, only_unmet: bool = False) -> Iterator[str]:
    """Lines of text: a heading with counts, then each standard with its rules."""
    counts = ", ".join(f"{report.count(verdict)} {verdict.label}" for verdict in Verdict)
    yield f"{report.name} ({report.about}): {counts}"
    shown = report.unmet(recommendations=True) if only_unmet else list(report.lines)
    for standard, lines in groupby(shown, key=lambda line: line.standard):
        yield f"  {standard.label}"
        for line in lines:
            yield from _one(line)


def _one(line: Line) -> Iterator[str]:
    verdict = line.verdict.label.upper() if line.verdict == Verdict.UNMET else line.verdict.label
    optional = "" if line.is_required else " (recommended)"
    yield f"    {verdict:{_WIDTH_OF_VERDICT}}{line.section:{_WIDTH_OF_SECTION}} {line.rule}{optional}"
    indent = " " * (5 + _WIDTH_OF_VERDICT + _WIDTH_OF_SECTION)
    yield f"{indent}{line.reason}"
    if line.change:
        yield f"{indent}Change: {line.change}"
    if line.enforced_in:
        yield f"{indent}Code: {', '.join(line.enforced_in)}"


def as_json(report: Report) -> dict[str, Any]:
    """The report as JSON, for `--json`. The names of verdicts and standards must never change."""
    return {
        "about": report.about,
        "name": report.name,
        "counts": {verdict.value: report.count(verdict) for verdict in Verdict},
        "lines": [
            {
                "standard": line.standard.value,
                "section": line.section,
                "rule": line.rule,
                "verdict": line.verdict.value,
                "is_required": line.is_required,
                "reason": line.reason,
                "change": line.change,
                "enforced_in": list(line.enforced_in),
            }
            for line in report.lines
        ],
    }
