"""The whole check of a function: all its numbers compared, the complex step beside them, and the mistake named."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

from ...engine.graph import Many, Node, Op, order
from ..code import input_names
from .compare import compared
from .complex_step import complex_slopes
from .hints import hints_for, not_checked
from .problem import Problem
from .result import GradCheck

RTOL = {"float64": 1e-5, "float32": 1e-3, "float16": 3e-2}
ATOL = {"float64": 1e-8, "float32": 1e-5, "float16": 1e-2}
MOST_ROWS = 50  # operations of a graph that are checked alone, to find the one that is wrong

WEIGHTED = (
    "right for the sum of the outputs, but wrong with the outputs weighted differently (each times a number from 0.5 "
    "to 1.5): the table is for those weights"
)


@dataclass(frozen=True)
class Options:
    """How strictly, and how many numbers: the arguments of gradcheck, with its defaults."""

    rtol: float | None = None
    atol: float | None = None
    sample: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        for name, tolerance in (("rtol", self.rtol), ("atol", self.atol)):
            if tolerance is not None and not (isinstance(tolerance, Real) and 0 <= tolerance < math.inf):
                raise ValueError(f"gradcheck: {name} is a number of at least 0, or None; got {tolerance!r:.40}")
        for name, number, least in (("sample", self.sample, 1), ("seed", self.seed, 0)):
            if not isinstance(number, int) or number < least:
                raise ValueError(f"gradcheck: {name} is a whole number of at least {least}; got {number!r:.40}")


def check(f: Callable, inputs: tuple, options: Options, second: bool = False, search: bool = True) -> GradCheck:
    """Compare f's gradient with differences. second: its gradient's gradient. search: for the operation at fault."""
    problem = Problem(f, inputs, options.seed, second)
    search = search and not isinstance(f, Op)
    try:
        result = _checked(problem, options, search)
        # A rule may be right for the sum of the outputs alone, for one that forgets g: so once more, with weights.
        if not result.failed and problem.draw_weights():
            weighted = _checked(problem, options, search)
            if weighted.failed:
                weighted.hints.insert(0, WEIGHTED)
                return weighted
        return result
    finally:
        problem.put_back()


def _checked(problem: Problem, options: Options, search: bool) -> GradCheck:
    """The check with the outputs weighted as they are now."""
    title = "gradgradcheck" if problem.second else "gradcheck"
    result = GradCheck(total=sum(map(problem.size, problem.leaves)), title=title)
    try:
        analytic = problem.analytic()
    except ValueError as error:  # f itself ran before: it is a rule that gives something impossible
        result.broken = True
        result.hints = [f"{error}. Where shapes differ, a rule forgot to add up the axes that were broadcast"]
        return result
    rtol = RTOL[problem.dtype] if options.rtol is None else options.rtol
    atol = ATOL[problem.dtype] if options.atol is None else options.atol
    for k, places in problem.chosen(options.sample, options.seed).items():
        result.checks += [compared(problem, k, place, analytic[k], (rtol, atol)) for place in places]
    _add_complex(problem, result)
    result.hints = [c.note for c in result.checks if c.note] + not_checked(result)
    if result.wrong:
        result.hints += hints_for(problem, result, analytic, (rtol, atol))
        if search:
            result.hints += _wrong_rows(problem)
    return result


def _add_complex(problem: Problem, result: GradCheck) -> None:
    slopes, result.why_not_complex = complex_slopes(problem)
    for c in result.checks:
        if c.verdict != "not finite":
            c.complex = slopes.get(c.name)


def _wrong_rows(problem: Problem) -> list[str]:
    """Which operations of f's graph fail when each is checked alone, at the numbers it met there."""
    found = []
    seen: set[tuple[Op, str]] = set()
    for node in order(problem.root) if isinstance(problem.root, Node) else ():
        if node.op is None or (node.op, repr(node.settings)) in seen or len(seen) > MOST_ROWS:
            continue
        seen.add((node.op, repr(node.settings)))
        result = _checked_alone(node)
        if result is not None and result.failed:
            which = ", ".join(dict.fromkeys(c.name for c in result.wrong))
            found.append(f"found in the operation `{node.op.name}`, whose rule is wrong for its input {which}")
    return found


def _checked_alone(node: Node) -> GradCheck | None:
    op: Any = node.op
    xs = [x.detach() if isinstance(x, Node) else x for x in node.operands]  # type: ignore[attr-defined]
    for x, own, name in zip(xs, node.operands, input_names(op, len(xs)), strict=False):
        if isinstance(own, Node):
            x.requires_grad, x.label = own.requires_grad, name
    f = op if op.pointwise else (lambda *ys: op(*ys, **node.settings))
    if isinstance(op, Many):
        f = lambda *ys: op(ys, **node.settings)
    try:
        return check(f, tuple(xs), Options(sample=20), search=False)
    except Exception:  # it can't be checked alone: no more is known
        return None
