"""Draws the panels of the Grafana dashboard from its own queries, because Grafana is in no package registry."""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import requests

from tests.lib.servers import ROOT

DASHBOARD = ROOT / "deploy/grafana/countersign.json"
#: Grafana's $__rate_interval for a scrape interval of 2 seconds: four times as long, which allows for a late scrape.
RATE_INTERVAL = "15s"
_COLUMN, _ROW = 45, 30  # pixels of one unit of Grafana's grid
_COLOURS = (
    "#0b6e4f", "#3267c9", "#c9781f", "#a63d6b", "#6b5bb0", "#2b8ca3", "#8a6d1d", "#b23b32", "#5a6570", "#4c8a2e",
)  # fmt: skip
_STYLE = (
    "text{fill:#22272e}.p{fill:#fff;stroke:#d5d9de}.t{font-weight:600;font-size:13px}.a{text-anchor:end;font-size:10px}"
    ".m{text-anchor:middle;font-size:10px;fill:#5a6570}.b{text-anchor:middle;font-size:22px;font-weight:600}"
    ".n{font-size:10px}.l{stroke:#e6e9ec}.s{fill:none;stroke-width:1.5}"
)


@dataclass(frozen=True)
class Line:
    name: str
    points: list[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    title: str
    kind: str
    unit: str
    x: int
    y: int
    width: int
    height: int
    targets: list[dict[str, str]]


def rows() -> dict[str, list[Panel]]:
    """The panels of each row of the dashboard, by the row's title. `y` counts from the row."""
    found: dict[str, list[Panel]] = {}
    top = 0
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        at = panel["gridPos"]
        if panel["type"] == "row":
            title, top = panel["title"], at["y"] + at["h"]
            found[title] = []
            continue
        unit = panel["fieldConfig"]["defaults"].get("unit", "short")
        found[title].append(
            Panel(panel["title"], panel["type"], unit, at["x"], at["y"] - top, at["w"], at["h"], panel["targets"])
        )
    return found


def lines(prometheus: str, panel: Panel, began: float, ended: float) -> list[Line]:
    """The results of Prometheus for the queries of a panel."""
    found = []
    for target in panel.targets:
        query = target["expr"].replace("$__rate_interval", RATE_INTERVAL)
        step = max(1, round((ended - began) / 90))
        parameters: dict[str, Any] = {"query": query, "start": began, "end": ended, "step": step}
        answer = requests.get(f"{prometheus}/api/v1/query_range", parameters, timeout=60).json()
        assert answer["status"] == "success", (query, answer)
        for series in answer["data"]["result"]:
            points = [(at - began, float(value)) for at, value in series["values"] if math.isfinite(float(value))]
            if points:
                found.append(Line(_legend(target.get("legendFormat", ""), series["metric"]), points))
    return found


def _legend(template: str, labels: dict[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], ""), template).strip() or "all"


def draw(title: str, panels: list[tuple[Panel, list[Line]]], seconds: float) -> str:
    height = max(panel.y + panel.height for panel, _ in panels) * _ROW
    inner = "".join(_panel(panel, found, seconds) for panel, found in panels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {24 * _COLUMN} {height}" role="img" '
        f'aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="12"><style>{_STYLE}</style>'
        f'<rect width="100%" height="100%" fill="#f2f4f6"/>{inner}</svg>\n'
    )


def file_name(title: str) -> str:
    return re.sub(r"[^a-z]+", "-", title.lower()).strip("-") + ".svg"


def _panel(panel: Panel, found: list[Line], seconds: float) -> str:
    width, height = panel.width * _COLUMN - 8, panel.height * _ROW - 8
    small = min(13.0, (width - 20) / len(panel.title) * 1.75)
    head = (
        f'<g transform="translate({panel.x * _COLUMN + 4} {panel.y * _ROW + 4})">'
        f'<rect width="{width}" height="{height}" class="p"/>'
        f'<text x="10" y="18" class="t" style="font-size:{small:.3g}px">{escape(panel.title)}</text>'
    )
    inner = (
        _figure(panel, found, width, height) if panel.kind == "stat" else _chart(panel, found, width, height, seconds)
    )
    return f"{head}{inner}</g>"


def _figure(panel: Panel, found: list[Line], width: int, height: int) -> str:
    middle = f'x="{width / 2:g}"'
    return "".join(
        f'<text {middle} y="{height / 2 + 8 + 40 * number:g}" class="b">{_value(line.points[-1][1], panel.unit)}</text>'
        f'<text {middle} y="{height / 2 + 26 + 40 * number:g}" class="m">{escape(line.name)}</text>'
        for number, line in enumerate(found)
    )


def _chart(panel: Panel, found: list[Line], width: int, height: int, seconds: float) -> str:
    found = found[: len(_COLOURS)]
    legend_rows = min(5, len(found))
    left, right, top, bottom = 52, width - 10, 30, height - 30 - 14 * legend_rows
    most = _round_up(max((value for line in found for _, value in line.points), default=1.0))
    parts = []
    for part in (0, 0.5, 1):
        y = bottom - part * (bottom - top)
        parts.append(f'<path d="M{left} {y:g}H{right}" class="l"/>')
        parts.append(f'<text x="{left - 5}" y="{y + 4:g}" class="a">{_value(most * part, panel.unit)}</text>')
    for minute in range(0, int(seconds // 60) + 1, 2):
        x = left + minute * 60 / seconds * (right - left)
        anchor = ' style="text-anchor:end"' if x > right - 15 else ""
        parts.append(f'<text x="{x:.0f}" y="{bottom + 13}" class="m"{anchor}>{minute} min</text>')
    for number, line in enumerate(found):
        path = "L".join(
            f"{left + at / seconds * (right - left):.0f} {bottom - value / most * (bottom - top):.0f}"
            for at, value in line.points
        )
        colour = _COLOURS[number]
        parts.append(f'<path d="M{path}" stroke="{colour}" class="s"/>')
        x, y = 10 + number // 5 * (width - 20) / 2, bottom + 22 + number % 5 * 14
        room = int(width / 2 / 6.4) if len(found) > 5 else int(width / 6.4)
        name = line.name if len(line.name) <= room else f"{line.name[: room - 1]}…"
        parts.append(f'<rect x="{x:g}" y="{y:g}" width="9" height="9" fill="{colour}"/>')
        parts.append(f'<text x="{x + 14:g}" y="{y + 8:g}" class="n">{escape(name)}</text>')
    return "".join(parts)


def _round_up(value: float) -> float:
    """Rounds up to a number whose half has few digits, too."""
    if value <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 3, 4, 5, 6, 8, 10) if step * power >= value * 0.999)


def _value(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "s":
        if value >= 120:
            return f"{value / 60:.3g} min"
        return f"{value:.3g} s" if value >= 1 or not value else f"{value * 1000:.3g} ms"
    return f"{value:.4g}" + ("/s" if unit in ("reqps", "ops") else "")


def wait_for_scrapes(prometheus: str, servers: int) -> bool:
    answer = requests.get(f"{prometheus}/api/v1/query", {"query": "sum(up)"}, timeout=10).json()
    result = answer["data"]["result"]
    return bool(result) and float(result[0]["value"][1]) == servers


def write(folder: Path, prometheus: str, began: float, ended: float) -> dict[str, list[Line]]:
    """Draws all rows into the folder. Returns the lines of each panel by its title."""
    by_panel: dict[str, list[Line]] = {}
    for title, panels in rows().items():
        found = [(panel, lines(prometheus, panel, began, ended)) for panel in panels]
        by_panel |= {panel.title: one for panel, one in found}
        (folder / file_name(title)).write_text(draw(title, found, ended - began))
    return by_panel
