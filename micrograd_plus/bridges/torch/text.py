"""How a program looks: expressions laid out in lines, docstrings, and the texts of layers.py."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

WIDTH = 100
CONTAINERS = ("nn.Sequential(", "nn.ModuleList(", "nn.ModuleDict(", "nn.ParameterList(", "nn.ParameterDict(")
RECURRENT = ("RNN", "LSTM", "GRU")
ATTENDING = ("MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer")


class Call:
    """An expression with brackets: head + parts, with commas between them + tail. Long ones get a line a part."""

    def __init__(self, head: str, parts: list[Any], tail: str = ")"):
        self.head, self.parts, self.tail = head, parts, tail

    def flat(self) -> str:
        """All of it in one line."""
        return self.head + ", ".join(map(flat, self.parts)) + self.tail


def flat(expression: Any) -> str:
    """The text of an expression, in one line."""
    return expression.flat() if isinstance(expression, Call) else expression


def laid_out(before: str, expression: Any, after: str = "") -> str:
    """`before` + expression + `after`, each line at most WIDTH letters where that is possible.

    >>> print(laid_out("x = ", Call("f(", ["a", "b"])))
    x = f(a, b)
    """
    line = before + flat(expression) + after
    if len(line) <= WIDTH or not isinstance(expression, Call) or not expression.parts:
        return line
    if not expression.tail:  # the name of a dict's item
        return laid_out(before + expression.head, expression.parts[0], after)
    indent = before[: len(before) - len(before.lstrip())] + "    "
    together = indent + ", ".join(map(flat, expression.parts))
    if len(together) <= WIDTH and not expression.head.startswith(CONTAINERS):
        return "\n".join([before + expression.head, together, indent[4:] + expression.tail + after])
    parts = [laid_out(indent, part, ",") for part in expression.parts]
    return "\n".join([before + expression.head, *parts, indent[4:] + expression.tail + after])


def alike(parts: list[Any], star: str) -> list[Any]:
    """Three or more parts that are made by the same text: [Block() for _ in range(4)]."""
    if len(parts) < 3 or len({*map(flat, parts)}) > 1:
        return parts
    return [f"{star}[{flat(parts[0])} for _ in range({len(parts)})]"]


def indented(text: str) -> str:
    """The lines of a function as those of a method."""
    return "\n".join(f"    {line}" if line.strip() else "" for line in text.splitlines())


def one_line(doc: Any) -> str:
    """The first line of a docstring, if it can stand in quotes."""
    line = inspect.cleandoc(doc).splitlines()[0] if isinstance(doc, str) and doc.strip() else ""
    return "" if '"' in line or "\\" in line else line


def texts_of_layers() -> dict[str, str]:
    """What layers.py defines: {name: text}. It is read, not imported: that would need torch."""
    if not _TEXTS:
        source = Path(__file__).with_name("layers.py").read_text(encoding="utf-8")
        for node in ast.parse(source).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                _TEXTS[node.name] = ast.get_source_segment(source, node) or ""
    return _TEXTS


_TEXTS: dict[str, str] = {}


def in_file_order(names: set[str]) -> list[str]:
    """The texts of these, and of what they need, as they stand in layers.py."""
    texts = texts_of_layers()
    needed = {*names, *(["WithLengths"] if names & {*RECURRENT} else [])}
    needed |= {"causal_mask"} if names & {*ATTENDING} else set()
    return [text for name, text in texts.items() if name in needed]
