"""Numbers changed in place, between operations, between forward and backward, and after: never silently wrong.

While the program runs, changes are made where its user could make them. At each operation, the numbers that its
operands hold at that moment are written down. The reference is the same program on copies: there, an operand that was
changed is x with these numbers in place of its own, as if a constant were added to it, so that its gradient goes on to
x as ever. So whoever changes what, the gradient has to be that of the numbers that each operation saw; or the change is
refused by an error.
"""

from __future__ import annotations

import re
import warnings
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import micrograd_plus as mg
from micrograd_plus import Unary, optim
from micrograd_plus.engine.graph import order

from .checking import CLOSE, Disagreement, Stats, compare
from .program import Literal, Program, evaluated
from .runners import Run, called, function_of, grads_of, largest_in, number, starts_of, twin
from .words import Draw

# {x}: a leaf, a start without gradient, or a result. v and seen: arrays that were taken out of Tensors before; given:
# those that Tensors were made of.
OF_TENSORS = [
    "{x}.data += 0.25", "{x}.data *= 0.5", "{x}.data[...] = 0.3", "{x}.data = {x}.data * 0.5 + 0.1",
    "{x}.data[..., :1] = -0.4", "v = {x}.data", "v *= 0.75", "v = {x}.data[...]; v += 0.125", "v = {x}.data.T",
    "v[...] = 0.2", "np.add({x}.data, 0.5, out={x}.data)", "{x}.data.sort()", "{x}.data.fill(0.7)",
    "given[{x!r}][...] = 9.0", "constant *= 0.5", "seen = {x}.numpy()", "seen[...] = 5.0", "{x}[...] = 5.0",
    "np.asarray({x})[...] = 5.0", "{x}.detach().data[...] = 5.0", "{x}.grad = np.full({x}.shape, 0.5)",
    "sgd.step()", "adam.step()", "momentum.step()",
    "{x}.descend(np.full({x}.shape, 0.1))", "{x}.data -= 0.1 * ({x}.grad if {x}.grad is not None else 1.0)",
]  # fmt: skip
OF_VALUES = [
    "{x}.data += 0.25", "{x}.data = 0.3", "{x}.data *= -0.5", "{x}.grad = 0.5", "sgd.step()", "adam.step()",
    "momentum.step()", "{x}.data -= 0.1 * {x}.grad",
]  # fmt: skip
OF_GRADS = [
    "{x}.grad[...] = 7.0", "{x}.grad *= 2.0", "{x}.grad += 1.0", "{x}.grad = None", "{x}.zero_grad()",
    "{x}.grad = np.full({x}.shape, 0.5)", "g = {x}.grad; g -= 3.0", "clip([{x}], 0.1)",
]  # fmt: skip
GRADS_OF_VALUES = ["{x}.grad *= 2.0", "{x}.grad = 0.5", "{x}.zero_grad()"]


@dataclass(frozen=True)
class Change:
    """A line of Python that is run before step `at` (after the forward pass, where there are no more steps)."""

    at: int
    line: str


@dataclass
class Plan:
    """A program, changes of numbers in order, and changes of gradients (whose, and how) after the backward pass."""

    program: Program
    changes: list[Change]
    grads: list[tuple[str, str]]

    def text(self) -> str:
        made = "".join(f"before t{c.at}: {c.line}\n" for c in self.changes)
        return f"{made}after backward(): {[line for _, line in self.grads]}\n\n{self.program.snippet()}"


def plan(draw: Draw, program: Program) -> Plan:
    lines, lines_of_grads = (OF_VALUES, GRADS_OF_VALUES) if program.scalars else (OF_TENSORS, OF_GRADS)
    n, changes = len(program.starts), []
    nodes = [i for i in range(len(program.shapes)) if i >= n or program.starts[i].kind != "array"]
    for _ in range(1 + draw(8)):
        at = draw(len(program.steps) + 1)
        known = [i for i in nodes if i < n + at]
        line = lines[draw(len(lines))]
        x = nodes[draw(known.index(0) + 1)] if "given" in line else known[draw(len(known))]
        changes.append(Change(at, line.format(x=program.name(x))))
    grads = []
    for _ in range(draw(4)):
        whose = program.name(nodes[draw(len(nodes) if draw(2) else 1)])
        grads.append((whose, lines_of_grads[draw(len(lines_of_grads))].format(x=whose)))
    return Plan(program, sorted(changes, key=lambda change: change.at), grads)


def numbers_of(x: Any) -> Any:
    """A copy of what it holds now, taken without its noticing."""
    return x._data if isinstance(x, mg.Value) else x._array.copy() if isinstance(x, mg.Tensor) else np.array(x)


class Session:
    """A plan carried out; what each operand held when it was used is written down."""

    def __init__(self, made: Plan, stats: Stats):
        self.plan, self.program, self.stats = made, made.program, stats
        program = made.program
        self.starts = starts_of(program, mg.Value if program.scalars else mg.Tensor)
        given = {}
        if not program.scalars:
            for i, start in enumerate(program.starts):
                if start.kind != "array":
                    given[program.name(i)] = array = start.array
                    self.starts[i] = mg.Tensor(array, requires_grad=start.kind == "leaf")
        self.names = {program.name(i): x for i, x in enumerate(self.starts)}
        self.leaves = [x for x in self.starts if getattr(x, "requires_grad", False)]
        arrays = [x for x in self.starts if isinstance(x, np.ndarray)]
        self.tools = {
            "np": np, "given": given, "v": np.ones(1), "seen": np.ones(1), "constant": (arrays or [np.ones(1)])[0],
            "sgd": optim.SGD(self.leaves, lr=0.1), "momentum": optim.SGD(self.leaves, lr=0.1, momentum=0.9),
            "adam": optim.Adam(self.leaves, lr=0.1), "clip": optim.clip_grad_norm_,
        }  # fmt: skip
        self.saw: list[list] = []

    def forward(self) -> Any:
        """The result; numbers are changed on the way, and once more at its end."""
        program, names, n = self.program, self.names, len(self.program.starts)
        for i, step in enumerate(program.steps):
            self.change(i)
            self.saw.append(
                [None if isinstance(x, Literal) else numbers_of(names[program.name(x)]) for x in step.operands]
            )
            with mg.no_grad() if step.alone else nullcontext():
                names[program.name(n + i)] = evaluated(program.expression(step), names)
        self.saw.append([numbers_of(names[program.name(i)]) for i in program.outputs])
        root = sum(evaluated(program.weighted(i), names) for i in program.outputs)
        self.change(len(program.steps))
        return root

    def change(self, at: int) -> None:
        for change in self.plan.changes:
            if change.at == at:
                self.run(change.line)

    def run(self, line: str) -> None:
        """Make the change. If it is refused, nothing has changed."""
        before = {name: numbers_of(x) for name, x in self.names.items()}
        try:
            exec(line, self.tools, self.names)
        except (ValueError, TypeError, IndexError) as error:
            self.stats.refused += 1
            for name, numbers in before.items():
                if not np.array_equal(numbers, numbers_of(self.names[name]), equal_nan=True):
                    raise Disagreement(f"{line!r} raised {error!r}, and yet it changed {name}") from error
        for name in ("v", "seen", "g"):  # variables of the user's own
            if name in self.names:
                self.tools[name] = self.names.pop(name)

    def reference(self) -> Run:
        """The same on copies."""
        program, n = self.program, len(self.program.starts)
        starts = starts_of(program, mg.Value if program.scalars else mg.Tensor)
        names = {program.name(i): x for i, x in enumerate(starts)}

        def seen(operands: Any, saw: list) -> dict:
            """The variables, of which these operands hold what they held."""
            pairs = [
                (program.name(x), numbers) for x, numbers in zip(operands, saw, strict=True) if numbers is not None
            ]
            return names | {name: as_seen(names[name], numbers) for name, numbers in pairs}

        for i, step in enumerate(program.steps):
            with mg.no_grad() if step.alone else nullcontext():
                names[program.name(n + i)] = evaluated(program.expression(step), seen(step.operands, self.saw[i]))
        variables = seen(program.outputs, self.saw[-1])
        root = sum(evaluated(program.weighted(i), variables) for i in program.outputs)
        root.backward()
        return Run(number(root), grads_of(starts), largest_in(root))


def as_seen(x: Any, numbers: Any) -> Any:
    """x with other numbers: a constant was added to it, so its gradient goes on as it is."""
    if isinstance(x, np.ndarray):
        return numbers
    if np.array_equal(numbers_of(x), numbers):
        return x
    return Unary("as seen", lambda old: numbers, lambda y, old: 1)(x)


def check_updates(made: Plan, stats: Stats) -> None:
    """Disagreement if a gradient isn't that of the forward pass that ran."""
    session = Session(made, stats)
    try:
        root = session.forward()
        expected = session.reference()
        if np.isfinite(expected.largest):
            stats.note("changed in place", _two_backward_passes(session, root, expected))
            if not made.program.scalars and not _has_a_spread_of_nothing(root):
                opened = twin(root, session.starts)
                stats.note("twin, changed in place", compare(made.program, "twin", expected, opened))
    except Exception as error:
        if "is not a real number" not in str(error):  # by the changed numbers, the program has left its domain
            raise Disagreement(f"{type(error).__name__}: {error}\n{made.text()}") from error


def _has_a_spread_of_nothing(root: Any) -> bool:
    """Whether a change made numbers equal of which the std is taken: 0, or 1e-16 where another order rounds the mean.

    That is a kink, and both slopes are right. (The generator draws no kinks, but doesn't know what changes do.)
    """
    return any(node.op is not None and node.op.name == "std" and np.any(node.data < 1e-9) for node in order(root))


def _two_backward_passes(session: Session, root: Any, expected: Run) -> float:
    """Each adds the expected gradients to what stands there, whatever was done to it in between."""
    worst = abs(number(root) - expected.y) / expected.largest
    if not worst <= CLOSE:
        raise Disagreement(f"the result is {number(root)}, on copies {expected.y}")
    for which in ("first", "second"):
        before = grads_of(session.starts)
        root.backward()
        for name, old, new, now in zip(session.names, before, expected.grads, grads_of(session.starts), strict=False):
            if new is not None:
                now_wanted = new if old is None else old + new
                differs = np.abs(now - now_wanted).max(initial=0.0) / max(expected.largest, _top(old))
                if not differs <= CLOSE:
                    raise Disagreement(f"{name}.grad after the {which} backward(): {now}, before {old}, it adds {new}")
                worst = max(worst, float(differs))
        if which == "first":
            change_gradients(session)
    return worst


def _top(x: Any) -> float:
    return 1.0 if x is None else float(np.abs(x).max(initial=1.0))


def change_gradients(session: Session) -> None:
    """Gradients changed in place: nobody else's gradient is changed by it."""
    for whose, line in session.plan.grads:
        others = {name: x for name, x in session.names.items() if x is not session.names[whose] and hasattr(x, "grad")}
        before = grads_of(list(others.values()))
        session.run(line)
        for name, old, now in zip(others, before, grads_of(list(others.values())), strict=True):
            if (old is None) != (now is None) or not np.array_equal(old, now, equal_nan=old is not None):
                raise Disagreement(f"{line!r} changed {name}.grad, too: {old} is now {now}")


def _eager_on_copies(program: Program, starts: list) -> Run:
    copies = [type(x)(numbers_of(x), requires_grad=x.requires_grad) if hasattr(x, "op") else x.copy() for x in starts]
    root = called(program, function_of(program, copies), copies)
    root.backward()
    return Run(number(root), grads_of(copies), largest_in(root))


def check_compiled_updates(made: Plan, stats: Stats) -> None:
    """The same of a compiled function: what it was given is changed between its replay and backward()."""
    program = made.program
    session = Session(replace(made, grads=[(x, line) for x, line in made.grads if not x.startswith("t")]), stats)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            step = mg.compile(function_of(program, session.starts), backend="numpy")
            for _ in range(2):
                called(program, step, session.starts)
            worst = 0.0
            for _ in range(2):  # the second time, on what the changes have left
                expected = _eager_on_copies(program, session.starts)
                root = called(program, step, session.starts)
                for change in made.changes:
                    if not re.search(r"\bt\d", change.line):
                        session.run(change.line)
                if np.isfinite(expected.largest):
                    worst = max(worst, _two_backward_passes(session, root, expected))
    except Exception as error:
        if "is not a real number" in str(error):
            return
        raise Disagreement(f"compiled: {type(error).__name__}: {error}\n{made.text()}") from error
    stats.note("compiled, changed in place", worst)
