"""Draws the figures of `make bench ARGS="--json FILE"`: `python -m bench.chart FILE > docs/images/performance.svg`."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

from bench.cases import LOGIN
from bench.document import START
from bench.report import COUNTERSIGN, DOT, DRF, FORMANCE, HYDRA, KEYCLOAK, NODE, RAUTHY, SIMPLEJWT, cost

_COLOURS = {
    COUNTERSIGN: "#0b6e4f", NODE: "#8a8f98", KEYCLOAK: "#4d7ea8", HYDRA: "#b5651d", RAUTHY: "#8c3b4a",
    FORMANCE: "#6b8e23", DOT: "#c9a227", SIMPLEJWT: "#7a6fb0", DRF: "#b8bcc4",
}  # fmt: skip
_LEFT, _WIDTH, _BAR, _GAP = 230, 620, 13, 14


def svg(figures: dict[str, dict[str, float]]) -> str:
    """Draws the cases that at least one other server also has. The length of a server's bar is its CPU time. A bar that
    would make the others too short is truncated; the number beside it is the full value.
    """
    ours = (name.partition(": ")[2] for name in figures if name.startswith(f"{COUNTERSIGN}: "))
    cases = [case for case in ours if case != START]
    groups = [(case, _bars(figures, case)) for case in cases]
    groups = [(case, bars) for case, bars in groups if len(bars) > 1]
    longest = max(
        value for case, bars in groups for name, value in bars if name == COUNTERSIGN and not case.startswith(LOGIN)
    )
    legend, y = _legend(name for name in _COLOURS if any(name == one for _, bars in groups for one, _ in bars))
    parts = []
    for case, bars in groups:
        parts.append(f'<text x="{_LEFT - 10}" y="{y + _BAR - 2}" text-anchor="end">{escape(case)}</text>')
        for name, value in bars:
            width = min(value, longest) / longest * (_WIDTH - 90)
            parts.append(f'<rect x="{_LEFT}" y="{y}" width="{width:.0f}" height="{_BAR - 2}" fill="{_COLOURS[name]}"/>')
            parts.append(f'<text x="{_LEFT + width + 5:.0f}" y="{y + _BAR - 3}" class="n">{value:,.0f}</text>')
            y += _BAR
        y += _GAP
    title = "CPU of server and database, in µs per request; lower is better"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH} {y + 24}" role="img" '
        f'aria-label="{title}" font-family="system-ui, sans-serif" font-size="12">'
        f"<style>text{{fill:#22272e}}.n{{font-size:10px}}</style>"
        f'<rect width="100%" height="100%" fill="#fff"/>{legend}{"".join(parts)}'
        f'<text x="{_LEFT}" y="{y + 12}">{title}</text></svg>\n'
    )


def _legend(names: Iterable[str]) -> tuple[str, int]:
    """The names with their colours, in as many lines as they need, and the height below them."""
    parts, x, y = [], _LEFT, 12
    for name in names:
        width = 30 + 7 * len(name)
        if x + width > _LEFT + _WIDTH:
            x, y = _LEFT, y + 18
        parts.append(f'<rect x="{x}" y="{y}" width="11" height="11" fill="{_COLOURS[name]}"/>')
        parts.append(f'<text x="{x + 16}" y="{y + 10}">{escape(name)}</text>')
        x += width
    return "".join(parts), y + 28


def _bars(figures: dict[str, dict[str, float]], case: str) -> list[tuple[str, float]]:
    return [(name, cost(figures[f"{name}: {case}"])) for name in _COLOURS if f"{name}: {case}" in figures]


if __name__ == "__main__":
    sys.stdout.write(svg(json.loads(Path(sys.argv[1]).read_text())))
