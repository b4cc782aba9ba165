"""The graph that went wrong, drawn: the right numbers in its boxes, and the learner's where theirs differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...engine import ops
from ...engine.graph import Node
from ...engine.value import Value
from ..report import number
from .ideas import right_numbers
from .programs import Program

# Boxes in which something differs have a thick border in the colour of gradients, besides their fourth row.
_MARK = ".mgp #{id} :is(polygon,path){{stroke:var(--backward);stroke-width:3}}"


def picture_of(program: Program, yours: Mapping[str, str]) -> tuple[str, str]:
    """The program's last graph as SVG text, and in words; SVG "" where no picture can be had.

    Both are "" where our own Value gives other numbers than the right ones, because somebody has changed it.

    yours: what to write below a box, by name ("yours: grad 1").
    """
    from ...explain.reading import Reading
    from ...viz.drawing import Drawing
    from ...viz.layout import LayoutError
    from ...viz.scheme import Scheme, scheme_of
    from ...viz.tree import tree

    try:
        things = right_things(program)
    except Exception:  # a method of Value was exchanged, and may raise anything
        return "", ""
    if not _are_right(things, program):
        return "", ""
    root = things[[step for step in program.steps if step.op == "backward"][-1].operands[0]]  # type: ignore[index]
    for name, thing in things.items():
        thing.label = name
    reading = Reading(root)
    texts = {node: yours[node.label] for node in reading.nodes if node.label in yours}
    words = f"The graph, with the right numbers, and yours where they differ:\n{_with_yours(tree(reading), texts)}"

    def make(coarser: int) -> Scheme:
        scheme = scheme_of(reading, coarser=coarser)
        for box in scheme.boxes:
            node = reading.nodes[int(box.id[1:])]
            if node in texts:
                box.rows = (*box.rows, texts[node])
        scheme.caption = "right numbers, and yours where they differ; on an arrow: the local slope"
        return scheme

    try:
        svg = Drawing(make, words).svg()
    except (LayoutError, ImportError):
        return "", words
    marked = "".join(_MARK.format(id=f"v{k}") for k, node in enumerate(reading.nodes) if node in texts)
    return svg.replace("</style>", f"{marked}</style>", 1), words


def right_things(program: Program) -> dict[str, Any]:
    """The program run on our own Value: every name's Value at the end.

    The ops themselves are called, since `*` and the others may have been exchanged for an exercise.
    """
    return program.run(Value, lambda step, xs: ops.TABLE[step.op](*xs), Value.backward)


def _are_right(things: Mapping[str, Any], program: Program) -> bool:
    right = right_numbers(program)
    return all(
        close(right["data"][name], thing.data) and close(right["grad"][name], thing.grad)
        for name, thing in things.items()
    )


def _with_yours(text: str, texts: Mapping[Node, str]) -> str:
    """The indented text, with what differs at the end of a node's line."""
    lines = []
    for line in text.split("\n"):
        own = [said for node, said in texts.items() if line.lstrip().startswith((f"{node.label} ", f"{node.label} ="))]
        lines.append(f"{line}   {own[0]}" if own and "see above" not in line else line)
    return "\n".join(lines)


def difference(data: tuple[float, Any], grad: tuple[float, Any] | None) -> str:
    """What is written below a box: "yours: data 4, grad 1"; "" where nothing differs. Pairs: (right, theirs)."""
    found = []
    for word, pair in (("data", data), ("grad", grad)):
        if pair is not None and not close(*pair):
            found.append(f"{word} {_written(*pair)}")
    return f"yours: {', '.join(found)}" if found else ""


def _written(right: float, theirs: Any) -> str:
    """Their number, with as many digits as it needs to look different from the right one."""
    if not isinstance(theirs, (int, float)):
        return str(theirs)
    digits = next((n for n in (4, 7) if number(right, n) != number(theirs, n)), 17)
    return number(theirs, digits)


def close(right: float, theirs: Any) -> bool:
    """Whether they are equal but for rounding; float32 will do."""
    if not isinstance(theirs, (int, float)):
        return False
    return abs(right - theirs) <= 1e-5 * max(1.0, abs(right))
