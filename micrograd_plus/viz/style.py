"""Colours, light and dark: Okabe and Ito's, which colour-blind people can tell apart; each kind has a border too."""

from __future__ import annotations

FONT = "Helvetica"  # the one that the layout engine knows the width of

# kind: (fill, fill in the dark); `line` and `text` are the borders, arrows and letters, `ground` what all stands on.
# fmt: off
COLOURS = {
    "ground":    ("#ffffff", "#16191d"),
    "text":      ("#1b1f23", "#e8eaed"),
    "line":      ("#5f6b76", "#9aa5b1"),
    "faint":     ("#6a737d", "#a3adb8"),
    "parameter": ("#fdebc8", "#4d3a12"),
    "input":     ("#e6e9ed", "#343a42"),
    "op":        ("#d6e8f7", "#17384f"),
    "output":    ("#f6dcea", "#542a42"),
    "fold":      ("#dff0ea", "#123f35"),
    "cluster":   ("#f7f8fa", "#1e2329"),
    "forward":   ("#0072b2", "#56b4e9"),
    "backward":  ("#d55e00", "#f0954c"),
}
# fmt: on
THEMES = ("auto", "light", "dark")


def colours(dark: bool = False) -> dict[str, str]:
    """The colours of one theme, by what they are for."""
    return {name: pair[dark] for name, pair in COLOURS.items()}


def css(theme: str = "auto") -> str:
    """A style sheet for a drawing's SVG: `theme` is "light", "dark", or "auto" for what the reader's system has."""
    if theme == "auto":
        return f"{_variables(False)} @media (prefers-color-scheme: dark) {{ {_variables(True)} }} {_RULES}"
    return f"{_variables(theme == 'dark')} {_RULES}"


def _variables(dark: bool) -> str:
    return ".mgp{" + "".join(f"--{name}:{value};" for name, value in colours(dark).items()) + "}"


_KINDS = "parameter input op output fold".split()
_RULES = (
    "".join(f".mgp .{kind} :is(polygon,path,ellipse){{fill:var(--{kind})}}" for kind in _KINDS)
    + ".mgp .graph>polygon{fill:var(--ground)}"
    + ".mgp .node :is(polygon,polyline,path,ellipse){stroke:var(--line)}.mgp .node polyline{stroke-width:1}"
    + ".mgp .edge path{stroke:var(--line)}.mgp .edge polygon{stroke:var(--line);fill:var(--line)}"
    + ".mgp .cluster :is(polygon,path){fill:var(--cluster);stroke:var(--faint)}"
    + ".mgp text,.mgp .node text{fill:var(--text)}.mgp :is(.edge,.cluster) text,.mgp .graph>text{fill:var(--faint)}"
    + ".mgp .positive path{stroke:var(--forward)}.mgp .negative path{stroke:var(--backward)}"
)
