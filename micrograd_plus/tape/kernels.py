"""The table's rules and loops.py, compiled by numba into one kernel: two functions, forward and backward.

The kernel of the whole table is compiled once on a machine, which takes some ten seconds, and is kept in the user's
cache folder: a later process has it in half a second. Rows that a user has made get a kernel of their own.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np

from ..engine import maths, ops
from ..engine.graph import Many, Op
from ..explain.code import expression
from ..explain.pieces import CodeError


@dataclass(frozen=True)
class Row:
    """A row of the table in a kernel: the numbers that its rule and its slopes have there."""

    rule: int
    slopes: tuple[int, ...]


@dataclass(eq=False)
class Kernel:
    """forward and backward are those of loops.py; rows: what they know."""

    rows: dict[Op, Row]
    forward: Callable
    backward: Callable


def kernel_for(rows: Iterable[Op]) -> Kernel:
    """A kernel that knows these rows, but for those that can't be written as one expression, or not for numba.

    >>> from micrograd_plus.engine.ops import TABLE
    >>> kernel_for([TABLE["tanh"]]) is kernel_for([TABLE["exp"]])  # that of the whole table
    True
    """
    return _kernel_for(tuple(dict.fromkeys(rows)))


@cache
def _kernel_for(rows: tuple[Op, ...]) -> Kernel:
    standard = standard_rows()
    if all(row in standard or not _is_expression(row) for row in rows):
        return _kernel_of(standard)
    try:
        return _kernel_of(rows)
    except numba.core.errors.NumbaError:  # a rule that Python can compute, and numba can't
        return _kernel_of(standard)


@cache
def standard_rows() -> tuple[Op, ...]:
    """The rows of numbers in all tables: the engine's, and the losses'."""
    return tuple(row for table in ops.TABLES for row in table.values() if _is_expression(row))


@cache
def _kernel_of(rows: tuple[Op, ...]) -> Kernel:
    rules = _Rules()
    known = {row: rules.row(row) for row in rows if _is_expression(row)}
    text = _loops() + rules.source()
    try:
        module = _compiled(text, _kept(text))
    except numba.core.errors.NumbaError:
        raise
    except Exception:  # a cache that can't be written, or can't be read any more, must not stop anybody from computing
        module = _compiled(text.replace("cache=True", "cache=False"), None)
    return Kernel(known, module.forward, module.backward)


def _loops() -> str:
    return files(__package__).joinpath("loops.py").read_text(encoding="utf-8")


def _compiled(text: str, file: Path | None) -> Any:
    """The text as a module, compiled by numba, or read from what was kept beside its file."""
    module = ModuleType(_name(text))
    sys.modules[module.__name__] = module  # by this name numba finds what belongs to a function that it has kept
    exec(compile(text, str(file or f"<{module.__name__}>"), "exec"), module.__dict__)
    # An empty program: all that has to be done once is done here.
    none, numbers, buffers = np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros((4, 1))
    module.forward(none, none, none, numbers, buffers)
    module.backward(none, none, none, numbers, numbers, buffers)
    return module


# -- the rules as text -----------------------------------------------------------------------------------------

# What numba knows of engine/maths.py's functions, and by which name; the others are Python, which it compiles as it is.
_KNOWN = {name: f"math.{f.__name__}" for name, f in vars(maths.floats).items() if f.__module__ == "math"}
_KNOWN |= {"sign": "numpy.sign", "abs": "abs"}


@cache
def _is_expression(row: Op) -> bool:
    if isinstance(row, Many) or not row.pointwise or not 1 <= len(row.rules) <= 3:
        return False
    try:
        _texts(row)
    except CodeError:
        return False
    return True


def _texts(row: Op) -> tuple[str, list[str]]:
    """The value and the slopes for lane i, as loops.py has it."""
    names = [f"xs[{k}, i]" for k in range(len(row.rules))]
    return expression(row.forward, *names), [expression(rule, "values[y + i]", *names) for rule in row.rules]


@dataclass
class _Rules:
    """The rules and slopes that a kernel has, by their text: two rows with the same slope share it."""

    rules: dict[str, int] = field(default_factory=dict)
    slopes: dict[str, int] = field(default_factory=dict)

    def row(self, row: Op) -> Row:
        """Put a row in."""
        rule, slopes = _texts(row)
        numbers = tuple(self.slopes.setdefault(slope, len(self.slopes)) for slope in slopes)
        return Row(self.rules.setdefault(rule, len(self.rules)), numbers)

    def source(self) -> str:
        """The functions that the rules call, and the two that loops.py lacks."""
        lines = ["\n\n# -- written by kernels.py, from the table\n", "import math\n", "import numpy\n"]
        lines += ["from micrograd_plus.engine.maths import floats\n", "inf, nan = math.inf, math.nan"]
        lines += [f"{name} = {_KNOWN.get(name, f'compiled(floats.{name})')}" for name in vars(maths.floats)]
        lines += _chosen("forward_rule(rule, m, y, values, xs)", "rule", "values[y + i] = {}", self.rules)
        head, part = "backward_rule(slope, m, y, values, grads, xs)", "xs[3, i] = grads[y + i] * ({})"
        lines += _chosen(head, "slope", part, self.slopes)
        return "\n".join(lines) + "\n"


def _chosen(head: str, which: str, statement: str, texts: dict[str, int]) -> list[str]:
    """A function that does one of these statements, for each lane i."""
    lines = ["\n", "@compiled", f"def {head}:"]
    for text, number in texts.items():
        lines += [f"    {'elif' if number else 'if'} {which} == {number}:"]
        lines += ["        for i in range(m):", f"            {statement.format(text)}"]
    return lines


# -- the disk ----------------------------------------------------------------------------------------------------


def cache_folder() -> Path:
    """Where kernels are kept: in NUMBA_CACHE_DIR if that is set, else where the system keeps a user's caches."""
    if folder := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(folder) / "micrograd_plus"
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "micrograd_plus"


def _name(text: str) -> str:
    """Another name for each other text, and for other functions in engine/maths.py, which numba compiles with it."""
    both = text + inspect.getsource(maths)
    return f"micrograd_plus_kernel_{hashlib.sha256(both.encode()).hexdigest()[:16]}"


def _kept(text: str) -> Path:
    """The text in a file in the cache folder: numba keeps what it compiled beside it, for as long as it is the same."""
    file = cache_folder() / f"{_name(text)}.py"
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, suffix=".tmp", delete=False) as part:
            part.write(text)
        os.replace(part.name, file)  # all at once: another process may be reading it
    return file
