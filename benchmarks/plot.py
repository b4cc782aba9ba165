"""The plot of the ratios: points on a logarithmic scale, as an SVG that is readable on light and on dark pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from .measure import Spread
from .report import Comparison, figure

LEFT, WIDTH, RIGHT = 200, 400, 150  # pixels: names, the scale, figures
ROW, HEAD, FOOT = 21, 46, 34
STYLE = """
svg { font: 13px Helvetica, Arial, sans-serif; }
.page { fill: #ffffff } text { fill: #24292f } .title { font-weight: bold } .quiet { fill: #57606a }
.grid { stroke: #d8dee4 } .one { stroke: #57606a; stroke-width: 1.5 } .theirs { fill: #8c959f; stroke: #8c959f }
.ours { fill: #0969da; stroke: #0969da } line { stroke-width: 1 } .range { stroke-width: 3; opacity: 0.45 }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117 } text { fill: #e6edf3 } .quiet { fill: #9198a1 } .grid { stroke: #30363d }
.one { stroke: #9198a1 } .theirs { fill: #767e88; stroke: #767e88 } .ours { fill: #58a6ff; stroke: #58a6ff }
}
"""


def plot(comparisons: Sequence[Comparison]) -> str | None:
    """A panel for each comparison with a ratio of speeds; None where there is none."""
    panels = [(c, rows) for c in comparisons if not c.costs and (rows := _rows(c))]
    if not panels:
        return None
    parts, top = [], 0
    for comparison, rows in panels:
        parts.append(f'<g transform="translate(0 {top})">{_panel(comparison, rows)}</g>')
        top += HEAD + ROW * len(rows) + FOOT
    size = f'width="{LEFT + WIDTH + RIGHT}" height="{top}" viewBox="0 0 {LEFT + WIDTH + RIGHT} {top}"'
    background = '<rect class="page" width="100%" height="100%"/>'
    style = f"<style>{STYLE}</style>"
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', style, background, *parts, "</svg>\n"])


def _rows(comparison: Comparison) -> dict[str, Spread]:
    """The ratios to the first reference, its own 1 among them."""
    reference, ratios = comparison.against[0], comparison.ratios()
    if reference not in comparison.measured.times:
        return {}
    return {name: ratios.get((name, reference), Spread(1, 1, 1)) for name in comparison.measured.times}


def _panel(comparison: Comparison, rows: dict[str, Spread]) -> str:
    """Names on the left, points on a scale of whole decades, figures on the right."""
    first = math.floor(math.log10(min(found.low for found in rows.values())))
    last = max(math.ceil(math.log10(max(found.high for found in rows.values()))), first + 1)

    def x(number: float) -> float:
        return LEFT + WIDTH * (math.log10(number) - first) / (last - first)

    bottom = HEAD + ROW * len(rows)
    parts = [
        f'<text class="title" x="12" y="24">{escape(comparison.title)}</text>',
        f'<text class="quiet" x="{LEFT}" y="{bottom + 28}">times as fast as {escape(comparison.against[0])}</text>',
    ]
    for power in range(first, last + 1):
        at, kind = x(10.0**power), "one" if power == 0 else "grid"
        parts.append(f'<line class="{kind}" x1="{at:.1f}" x2="{at:.1f}" y1="{HEAD - 8}" y2="{bottom}"/>')
        label = f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"
        parts.append(f'<text class="quiet" x="{at:.1f}" y="{bottom + 13}" text-anchor="middle">{label}</text>')
    for i, (name, found) in enumerate(rows.items()):
        y, kind = HEAD + ROW * i + 6, "ours" if name.startswith("here") else "theirs"
        middle, low, high = map(x, found)
        parts += [
            f'<text x="{LEFT - 14}" y="{y + 4.5}" text-anchor="end">{escape(name)}</text>',
            f'<line class="range {kind}" x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>',
            f'<circle class="{kind}" cx="{middle:.1f}" cy="{y}" r="4.5"/>',
            f'<text class="quiet" x="{LEFT + WIDTH + 24}" y="{y + 4.5}">{figure(found.middle)}</text>',
        ]
    return "\n".join(parts)
