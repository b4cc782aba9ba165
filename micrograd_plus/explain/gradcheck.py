"""Is a gradient right? Backward's numbers beside numbers that need no rule: differences of the function itself.

    analytic    what backward() gives
    numeric     (f(x + h) - f(x - h)) / 2h, the central difference. Its step h is the cube root of the precision:
                smaller, and rounding in f drowns the difference; larger, and the curve bends between the two points
    complex     Im f(x + ih) / h: no difference, so no rounding, and h may be 1e-20 (Squire and Trapp, 1998). It needs
                an f that runs on complex numbers

Where they differ, the likely mistake is named. Nothing of yours is changed: `.data` and `.grad` are put back.
"""

from __future__ import annotations

import cmath
import inspect
import math
import random
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from ..engine import maths
from ..engine.arithmetic import Arithmetic
from ..engine.graph import Many, Node, Op, gradients, no_grad, order
from ..engine.value import Value
from .code import input_names

EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10}
RTOL = {"float64": 1e-5, "float32": 1e-3, "float16": 3e-2}
ATOL = {"float64": 1e-8, "float32": 1e-5, "float16": 1e-2}


@dataclass
class Check:
    """One number of one input: what backward() gives for it, and what differences give.

    verdict: "ok", "wrong", "kink" (no derivative here, and the analytic one lies between the slopes on both sides) or
    "not finite". complex: the complex step's number, or None. error: |analytic - numeric| / the larger of them.
    """

    name: str
    index: tuple
    analytic: float
    numeric: float
    verdict: str = "ok"
    complex: float | None = None
    note: str = ""

    @property
    def where(self) -> str:
        """The input's name, with the place in it: weight[2, 0]."""
        return self.name + (f"[{', '.join(map(str, self.index))}]" if self.index else "")

    @property
    def error(self) -> float:
        """The relative error."""
        size = max(abs(self.analytic), abs(self.numeric))
        return abs(self.analytic - self.numeric) / size if size else 0.0


@dataclass
class GradCheck:
    """What gradcheck found. True where all is right, so that `assert gradcheck(f, x)` reads well; prints as a table."""

    checks: list[Check] = field(default_factory=list)
    total: int = 0  # how many numbers the inputs have
    hints: list[str] = field(default_factory=list)
    why_not_complex: str = ""  # why the complex step could not be taken
    title: str = "gradcheck"
    broken: bool = False  # backward() itself failed: nothing could be compared

    def __bool__(self) -> bool:
        return not self.wrong and not self.broken

    @property
    def passed(self) -> bool:
        """Whether no number is wrong."""
        return bool(self)

    @property
    def wrong(self) -> list[Check]:
        """The checks that failed, the worst first."""
        bad = [c for c in self.checks if c.verdict not in ("ok", "kink")]
        return sorted(bad, key=lambda c: -c.error if c.error == c.error else -math.inf)

    def __str__(self) -> str:
        table = [] if self.broken else self._table()
        return "\n".join([self._heading(), *table, *(f"- {hint}" for hint in self.hints)])

    __repr__ = __str__

    def _heading(self) -> str:
        some = f"{len(self.checks):,}" + (f" of {self.total:,}" if len(self.checks) < self.total else "")
        errors = [c.error for c in self.checks if c.verdict == "ok"]
        if self.broken:
            return f"{self.title} FAILED: backward() does not get through"
        if self.wrong:
            return f"{self.title} FAILED: {len(self.wrong):,} wrong, {some} numbers checked"
        worst = f", largest relative error {max(errors):.1e}" if errors else ""
        return f"{self.title} passed: {some} numbers checked{worst}"

    def _table(self, most: int = 12) -> list[str]:
        """One line an input, its worst number: the wrong ones first."""
        worst: dict[str, Check] = {}
        for check in self.wrong + sorted(self.checks, key=lambda c: (c.verdict == "ok", -c.error)):
            worst.setdefault(check.name, check)
        with_complex = any(c.complex is not None for c in self.checks)
        lines = [["input", "analytic", "numeric", *(["complex step"] if with_complex else []), "rel. error", "verdict"]]
        for c in list(worst.values())[:most]:
            also = [f"{c.complex:.9g}" if c.complex is not None else ""] if with_complex else []
            lines.append([c.where, f"{c.analytic:.9g}", f"{c.numeric:.9g}", *also, f"{c.error:.1e}", c.verdict])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = ["  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines]
        more = len(worst) - most
        return [*text, f"… and {more} more inputs"] if more > 0 else text


def gradcheck(
    f: Callable, *inputs: Any, rtol: float | None = None, atol: float | None = None, sample: int = 200, seed: int = 0
) -> GradCheck:
    """Compare the gradient of f at the inputs with differences of f.

    f: a function of Values or Tensors that gives Values or Tensors (one, or a list of them); a module, of which the
    parameters are checked too; or a row of the table (which needs no inputs: it is checked at a few points).
    inputs: Values, Tensors, or floats and float arrays that become such, and lists of them; anything else (integer
    labels, text) is handed to f as it is. rtol, atol: what counts as equal (fit for the dtype unless given).
    sample: about so many numbers are checked at most, chosen with `seed`. ValueError for an f that gives other numbers
    when it is called again (dropout), or not finite ones; TypeError for one that gives no Value or Tensor.

    >>> from micrograd_plus import Unary, tanh
    >>> bool(gradcheck(lambda a, b: (a * b).tanh(), 0.5, -2.0))
    True
    >>> wrong = Unary("wrong", tanh.forward, lambda y, x: 1 - x * x)
    >>> print(gradcheck(wrong, 0.5).hints[0])
    x: the slope is right with y and x exchanged: the rule is called as slope(y, x, …), y first
    """
    return _gradcheck(f, inputs, rtol, atol, sample, seed)


def gradgradcheck(
    f: Callable, *inputs: Any, rtol: float | None = None, atol: float | None = None, sample: int = 200, seed: int = 0
) -> GradCheck:
    """Like gradcheck, for second derivatives: the gradient of f's gradient against differences of the gradient.

    >>> bool(gradgradcheck(lambda a, b: a**3 * b, 0.5, -2.0))
    True
    """
    return _gradcheck(f, inputs, rtol, atol, sample, seed, second=True)


def _gradcheck(
    f: Callable, inputs: tuple, rtol: float | None, atol: float | None, sample: int, seed: int, second: bool = False,
    find: bool = True,
) -> GradCheck:  # fmt: skip
    problem = _Problem(f, inputs, seed, second)
    try:
        result = GradCheck(total=sum(map(problem.size, problem.leaves)))
        result.title = "gradgradcheck" if second else "gradcheck"
        try:
            analytic = problem.analytic()
        except ValueError as error:  # f itself ran before: it is a rule that gives something impossible
            result.broken = True
            result.hints = [f"{error}. Where shapes differ, a rule forgot to add up the axes that were broadcast"]
            return result
        tolerance = (
            RTOL[problem.dtype] if rtol is None else rtol,
            ATOL[problem.dtype] if atol is None else atol,
        )
        for k, places in problem.chosen(sample, seed).items():
            shape = getattr(problem.leaves[k], "shape", ())
            for place in places:
                check = _checked(problem, k, place, analytic[k], tolerance)
                check.name, check.index = problem.names[k], _index(place, shape)
                check.note = check.note and f"{check.where}: {check.note}"
                result.checks.append(check)
        _add_complex(problem, result)
        result.hints = [c.note for c in result.checks if c.note]
        if result.wrong:
            result.hints += _hints(problem, result, analytic, tolerance)
            if find and not isinstance(f, Op):
                result.hints += _wrong_rows(problem)
        return result
    finally:
        problem.put_back()


# -- the function, as one number that can be evaluated anywhere ---------------------------------------------------


class _Problem:
    """f at its inputs, as one number: its outputs times fixed weights, added up.

    leaves: what is varied. The inputs are copies; a module's parameters are its own, and put_back() restores them.
    """

    def __init__(self, f: Callable, inputs: tuple, seed: int, second: bool):
        self.f, self.second = f, second
        self.row = f if isinstance(f, Op) and f.pointwise else None
        self.inputs = _points_of(self.row) if self.row is not None and not inputs else list(inputs)
        self.inputs = [_each(x, lambda part: _as_leaf(part, self.inputs)) for x in self.inputs]
        parameters = dict(f.named_parameters()) if hasattr(f, "named_parameters") else {}
        self.names, self.leaves = _named_leaves(f, self.inputs)
        self.of_inputs = len(self.leaves)  # the others are parameters
        for name, p in parameters.items():
            if p.requires_grad:
                self.leaves.append(p)
                self.names.append(name)
        if not self.leaves:
            raise TypeError(
                "gradcheck: there is nothing to differentiate: give f Values, Tensors, floats or float arrays"
            )
        self.kept = [(leaf, _numbers(leaf), leaf.grad) for leaf in self.leaves]
        self.dtype = min((_dtype(leaf) for leaf in self.leaves), key=lambda name: int(name[5:]))
        self.rng = random.Random(seed)
        self.drawn: dict[str, list[float]] = {}  # weights of the outputs, drawn once
        self.analytic_pass = False
        self.at = [_widened(numbers) for _, numbers, _ in self.kept]
        self.precision = EPSILON["float64"]
        try:
            self._settle()
        except BaseException:
            self.put_back()
            raise

    def _settle(self) -> None:
        """Look at f once: its outputs, whether it is repeatable, how precisely it computes."""
        first, again = self.value(self.at), self.value(self.at)
        if first != again and (first == first or again == again):
            raise ValueError(
                f"gradcheck: f gives different numbers each time ({first:.6g}, then {again:.6g}), so it has no "
                "derivative to check. Is there dropout or noise in it? Call model.eval(), or seed it inside f"
            )
        if not math.isfinite(first):
            raise ValueError(f"gradcheck: f gives {first} at these inputs: there is no slope to compare. Move them")

    def size(self, leaf: Any) -> int:
        """How many numbers a leaf has."""
        return getattr(leaf, "size", 1)

    def put_back(self) -> None:
        """The leaves as they were, to the very objects."""
        for leaf, numbers, grad in self.kept:
            _put(leaf, numbers)
            leaf.grad = grad

    def outputs(self, numbers: list | None) -> list[Any]:
        """f's outputs with the leaves at these numbers (or as they were)."""
        for k, (leaf, own, _) in enumerate(self.kept):
            _put(leaf, own if numbers is None else numbers[k])
        y = self.f(*self.inputs)
        if not self.second:
            return _flat(y)
        return gradients(self._weighted(_flat(y), "inner"), self.leaves)

    def _weighted(self, outputs: list, which: str = "outer") -> Any:
        """Σ weight × output: so that a mistake in any of them shows. A single number has weight 1."""
        sizes = [getattr(y, "size", 1) for y in outputs]
        if which not in self.drawn:
            self.drawn[which] = [1.0] if sizes == [1] else [self.rng.uniform(0.5, 1.5) for _ in range(sum(sizes))]
        weights, total, start = self.drawn[which], 0.0, 0
        for y, n in zip(outputs, sizes, strict=True):
            part = weights[start : start + n]
            start += n
            if not hasattr(y, "shape"):
                total = total + y * part[0]
            else:
                import numpy as np

                dtype = y.dtype if self.analytic_pass else np.float64
                total = total + (y * np.array(part, dtype).reshape(y.shape)).sum()
        return total

    @property
    def weights(self) -> list[float]:
        """What each number of the outputs is multiplied by."""
        return self.drawn["outer"]

    def value(self, numbers: list) -> float:
        """The one number, with the leaves at these numbers."""
        with nullcontext() if self.second else no_grad():
            try:
                outputs = self.outputs(numbers)
            except (ArithmeticError, ValueError):
                if numbers is self.at:
                    raise
                return math.nan  # a step further f isn't defined
        plain: list = [y.numpy() if hasattr(y, "numpy") else getattr(y, "data", y) for y in outputs]
        kinds = {str(y.dtype) for y in plain if hasattr(y, "dtype")}
        self.precision = max([EPSILON.get(kind, EPSILON["float64"]) for kind in kinds], default=EPSILON["float64"])
        total = self._weighted(plain)
        return float(total)

    def analytic(self) -> list:
        """What backward() gives each leaf; nothing in the graph keeps a trace of it."""
        self.analytic_pass = True
        try:
            total = self._weighted(self.outputs(None))
        finally:
            self.analytic_pass = False
        self.root = total
        if not isinstance(total, Node) and not self.second:
            raise TypeError(f"gradcheck: f must give Values or Tensors, it gave {type(total).__name__}")
        if not isinstance(total, Node) or not total.requires_grad:  # nothing leads back: a constant, or cut off
            return [None] * len(self.leaves)
        nodes = order(total)
        before = [node.grad for node in nodes]
        try:
            for leaf in self.leaves:
                leaf.grad = leaf.no_gradient
            total.backward()  # type: ignore[attr-defined]
            return [leaf.grad for leaf in self.leaves]
        finally:
            for node, grad in zip(nodes, before, strict=True):
                node.grad = grad

    def moved(self, k: int, place: int, to: float) -> list:
        """All numbers, with one of them at another place."""
        numbers = list(self.at)
        if hasattr(numbers[k], "shape"):
            changed = numbers[k].copy()
            changed.flat[place] = to
            numbers[k] = changed
        else:
            numbers[k] = to
        return numbers

    def along(self, k: int, place: int) -> Callable[[float], float]:
        """The function of one number alone."""
        return lambda to: self.value(self.moved(k, place, to))

    def number(self, k: int, place: int) -> float:
        """Where that number is."""
        numbers = self.at[k]
        return float(numbers.flat[place]) if hasattr(numbers, "shape") else numbers

    def chosen(self, sample: int, seed: int) -> dict[int, list[int]]:
        """Which numbers of which leaves are checked: all, or about `sample` of them, some of each leaf."""
        sizes = [self.size(leaf) for leaf in self.leaves]
        rng = random.Random(seed)
        leaves: Iterable[int] = range(len(sizes))
        if len(sizes) > sample:
            leaves = sorted(rng.sample(range(len(sizes)), sample))
        share = min(1.0, sample / max(1, sum(sizes)))
        return {k: sorted(rng.sample(range(sizes[k]), math.ceil(share * sizes[k]))) for k in leaves}


def _points_of(row: Op) -> list:
    """Inputs for a row that came without: a few numbers of both signs, where it and its differences are finite."""
    points = []
    for start in (0.4, 1.3, 2.2, -0.6, -1.7):
        xs = [start + 0.37 * i for i in range(row.arity or 1)]
        try:
            if math.isfinite(float(row(*xs))):
                points.append(xs)
        except (ArithmeticError, ValueError, TypeError):
            continue
    if not points:
        raise ValueError(f"gradcheck: `{row.name}` is finite at none of the usual points: give it inputs")
    from ..engine.tensor import Tensor

    return [Tensor(list(column)) for column in zip(*points, strict=True)]


def _as_leaf(x: Any, among: list) -> Any:
    """A copy of the input that can be varied; what can't be (labels …) as it is."""
    if isinstance(x, Value):
        return Value(x.data, label=x.label, requires_grad=x.requires_grad)
    if isinstance(x, Node):
        return type(x)(x.numpy(), requires_grad=x.requires_grad, label=x.label)  # type: ignore[call-arg,attr-defined]
    with_arrays = any(hasattr(other, "shape") for other in among)
    if isinstance(x, float) and not with_arrays:
        return Value(x)
    if isinstance(x, float) or getattr(getattr(x, "dtype", None), "kind", "") == "f":
        from ..engine.tensor import Tensor

        return Tensor(x)
    return x


def _named_leaves(f: Callable, inputs: list) -> tuple[list[str], list]:
    """The inputs that are varied, and a name for each: its label, or what f calls it."""
    called: list[str] = []
    rule: Any = f.rules[0] if isinstance(f, Op) and f.pointwise else getattr(f, "forward", f)
    try:
        parameters = list(inspect.signature(rule).parameters.values())[1 if isinstance(f, Op) and f.pointwise else 0 :]
        called = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):  # a built-in function that doesn't say
        pass
    named = []
    for i, x in enumerate(inputs):
        base, parts = called[i] if i < len(called) else f"input {i}", _flat_parts(x)
        for place, part in enumerate(parts):
            if isinstance(part, Node) and part.requires_grad:
                default = f"{base}[{place}]" if isinstance(x, (list, tuple)) else base
                named.append((part.label or default, part))
    names = [name for name, _ in named]
    if len(set(names)) < len(names):  # a label that was given twice
        names = [f"{name} ({i})" for i, name in enumerate(names)]
    return names, [part for _, part in named]


def _each(x: Any, change: Callable) -> Any:
    """change(x), or a list of the same for each part of a list."""
    return [_each(part, change) for part in x] if isinstance(x, (list, tuple)) else change(x)


def _flat_parts(x: Any) -> list:
    return [p for part in x for p in _flat_parts(part)] if isinstance(x, (list, tuple)) else [x]


def _flat(y: Any) -> list:
    """The outputs of f in one list."""
    if isinstance(y, (list, tuple)):
        return [part for item in y for part in _flat(item)]
    if isinstance(y, dict):
        return _flat(list(y.values()))
    if isinstance(y, (Node, int, float)) or hasattr(y, "dtype"):
        return [y]
    raise TypeError(f"gradcheck: f must give Values or Tensors, it gave {type(y).__name__}")


# A leaf's numbers are read and put where it keeps them: through `.data` an array would be copied, and whoever holds the
# old one would no longer see the leaf's.


def _numbers(leaf: Any) -> Any:
    return leaf._data if isinstance(leaf, Value) else leaf._array


def _put(leaf: Any, numbers: Any) -> None:
    if isinstance(leaf, Value):
        leaf._data = numbers
    else:
        leaf._array = numbers


def _dtype(leaf: Any) -> str:
    return str(getattr(leaf, "dtype", "float64"))


def _widened(numbers: Any) -> Any:
    """In float64: differences of float32 numbers have few digits left."""
    return numbers.astype("float64") if hasattr(numbers, "astype") else numbers


def _index(place: int, shape: tuple) -> tuple:
    index = []
    for n in reversed(shape):
        place, i = divmod(place, n)
        index.append(i)
    return tuple(reversed(index))


def _place(index: tuple, shape: tuple) -> int:
    place = 0
    for i, n in zip(index, shape, strict=True):
        place = place * n + i
    return place


# -- differences ------------------------------------------------------------------------------------------------


def _checked(problem: _Problem, k: int, place: int, gradient: Any, tolerance: tuple[float, float]) -> Check:
    x, f = problem.number(k, place), problem.along(k, place)
    shape = getattr(problem.leaves[k], "shape", ())
    if gradient is None:
        analytic = 0.0
    elif getattr(gradient, "shape", ()) != shape:
        analytic = math.nan  # a gradient of another shape: the hint says so
    else:
        analytic = float(gradient.flat[place]) if shape or hasattr(gradient, "flat") else float(gradient)
    h = problem.precision ** (1 / 3) * max(1.0, abs(x))
    numeric, noise = _central(f, x, h, problem.precision)
    check = Check("", (), analytic, numeric)
    rtol, atol = tolerance

    def equal() -> bool:
        return abs(analytic - check.numeric) <= atol + rtol * max(abs(analytic), abs(check.numeric)) + noise

    if equal():
        return check
    check.numeric, noise = _refined(f, x, h, problem.precision)
    if equal():
        return check
    if not (math.isfinite(analytic) and math.isfinite(check.numeric)):
        check.verdict = "not finite"
        return check
    left, right = _one_sided(f, x, h, problem.precision)
    if left is None or right is None:
        check.verdict = "wrong"
    else:
        slack = rtol * max(abs(left), abs(right)) + atol + 1e-4 * abs(left - right)
        between = min(left, right) - slack <= analytic <= max(left, right) + slack
        check.verdict = "kink" if between else "wrong"
        check.note = f"a kink: the slope is {left:.4g} on the left and {right:.4g} on the right, {analytic:.4g} " + (
            "is as good as any between" if between else "does not lie between"
        )
    return check


def _central(f: Callable, x: float, h: float, precision: float) -> tuple[float, float]:
    """The central difference, and how far rounding in f may have moved it."""
    above, below = x + h, x - h
    high, low = f(above), f(below)
    # above - below, and not 2h: what was really added, after rounding
    return (high - low) / (above - below), 4 * precision * max(abs(high), abs(low)) / h


def _refined(f: Callable, x: float, h: float, precision: float) -> tuple[float, float]:
    """The difference where two neighbouring steps agree best: for a curve much wider or much narrower than usual."""
    found = [_central(f, x, h * 10.0**-k, precision) for k in range(-1, 6)]
    best = (math.nan, 0.0)
    least = math.inf
    for (one, _), (two, noise) in pairwise(found):
        if abs(one - two) + noise < least:
            least, best = abs(one - two) + noise, (two, abs(one - two) + noise)
    # An estimate of its own error that is as large as the slope says nothing: then the usual step's number is shown.
    return best if least < 1e-2 * abs(best[0]) + 1e-6 else (found[1][0], found[1][1])


def _one_sided(f: Callable, x: float, h: float, precision: float) -> tuple[float | None, float | None]:
    """The slopes to the left and to the right if they stay apart as the step shrinks: a kink. (None, None): smooth."""
    here = f(x)

    def sides(step: float) -> tuple[float, float]:
        return (here - f(x - step)) / step, (f(x + step) - here) / step

    wide, narrow = sides(h), sides(h / 100)
    apart, noise = abs(narrow[1] - narrow[0]), 8 * precision * max(abs(here), 1e-300) / (h / 100)
    if apart > 0.5 * abs(wide[1] - wide[0]) and apart > 10 * noise:
        return narrow
    return None, None


# -- the complex step -------------------------------------------------------------------------------------------


class _Complex:
    """A complex number for rules to run on: comparisons look at its real part, |x| is -x on the left of 0."""

    def __init__(self, z: complex):
        self.z = z

    # fmt: off
    def __add__(self, other: Any) -> Any: return _Complex(self.z + _z(other))
    def __sub__(self, other: Any) -> Any: return _Complex(self.z - _z(other))
    def __rsub__(self, other: Any) -> Any: return _Complex(_z(other) - self.z)
    def __mul__(self, other: Any) -> Any: return _Complex(self.z * _z(other))
    def __truediv__(self, other: Any) -> Any: return _Complex(self.z / _z(other))
    def __rtruediv__(self, other: Any) -> Any: return _Complex(_z(other) / self.z)
    def __pow__(self, other: Any) -> Any: return _power(self, other)
    def __rpow__(self, other: Any) -> Any: return _power(other, self)
    def __neg__(self) -> Any: return _Complex(-self.z)
    def __abs__(self) -> Any: return -self if self.z.real < 0 else self
    def __lt__(self, other: Any) -> bool: return self.z.real < _z(other).real
    def __le__(self, other: Any) -> bool: return self.z.real <= _z(other).real
    def __gt__(self, other: Any) -> bool: return self.z.real > _z(other).real
    def __ge__(self, other: Any) -> bool: return self.z.real >= _z(other).real
    # fmt: on
    __radd__, __rmul__ = __add__, __mul__


def _z(x: Any) -> complex:
    return x.z if isinstance(x, _Complex) else complex(x)


def _power(a: Any, b: Any) -> _Complex:
    a, b = _z(a), _z(b)
    if b.imag == 0 and b.real.is_integer() and abs(b.real) < 100:
        return _Complex(a ** int(b.real))  # exact, where exp(b log a) would round
    return _Complex(a**b)


def _unknown(*xs: Any) -> Any:
    raise TypeError("erfc (and so gelu) is not known for complex numbers")


def _smooth(function: Callable) -> Callable:
    return lambda x: _Complex(function(x.z))


maths.register(
    _Complex,
    SimpleNamespace(
        **{name: _smooth(getattr(cmath, name)) for name in "exp log sqrt sin cos tan sinh cosh tanh".split()},
        arctan=_smooth(cmath.atan),
        # near 0 exp(x) - 1 and log(1 + x) lose digits: the real part by Python's functions, the small rest beside it
        expm1=_smooth(lambda z: complex(math.expm1(z.real), math.exp(z.real) * math.sin(z.imag))),
        log1p=_smooth(lambda z: complex(math.log1p(z.real), math.atan2(z.imag, 1 + z.real))),
        sigmoid=lambda x: 1 / (1 + maths.exp(-x)) if x >= 0 else maths.exp(x) / (1 + maths.exp(x)),
        softplus=lambda x: maths.log1p(maths.exp(-abs(x))) + maths.relu(x),
        abs=abs,
        erfc=_unknown,
        pow=_power,
        relu=lambda x: x if x > 0 else _Complex(0j),
        step=lambda x: 1.0 if x > 0 else 0.0,
        sign=lambda x: float(x > 0) - float(x < 0),
        maximum=lambda a, b: a if _z(a).real >= _z(b).real else b,
        minimum=lambda a, b: a if _z(a).real <= _z(b).real else b,
    ),
)


class _ComplexValue(Arithmetic):
    """What stands in for a Value while f runs on complex numbers: the same methods, no graph."""

    __slots__ = ("number",)

    def __init__(self, number: Any):
        self.number = number

    def apply(self, op: Op, *operands: Any, **settings: Any) -> Any:
        return _ComplexValue(op.forward(*map(_bare, operands)))

    def apply_many(self, op: Many, operands: tuple, **settings: Any) -> Any:
        return _ComplexValue(op.forward([_bare(x) for x in operands]))

    # fmt: off
    def __lt__(self, other: Any) -> bool: return bool(self.number < _bare(other))
    def __le__(self, other: Any) -> bool: return bool(self.number <= _bare(other))
    def __gt__(self, other: Any) -> bool: return bool(self.number > _bare(other))
    def __ge__(self, other: Any) -> bool: return bool(self.number >= _bare(other))
    # fmt: on


def _bare(x: Any) -> Any:
    if isinstance(x, _ComplexValue):
        return x.number
    if isinstance(x, Node):
        if not isinstance(x, Value):
            raise TypeError("arrays are not run on complex numbers here")
        return x.data  # a number of the world around f
    return x


def _complex_slope(problem: _Problem, k: int) -> float:
    """d/d(input k) by the complex step; an error where f doesn't run on complex numbers."""
    h = 1e-20
    steps = [h if number == k else 0.0 for number in range(len(problem.leaves))]
    return _imaginary(problem, steps) / h


def _imaginary(problem: _Problem, steps: list[float]) -> float:
    """The imaginary part of f with each input moved by i × its step."""
    instead = {
        id(leaf): _ComplexValue(_Complex(complex(number, step)))
        for leaf, number, step in zip(problem.leaves, problem.at, steps, strict=True)
    }
    y = problem.f(*(_each(x, lambda part: instead.get(id(part), part)) for x in problem.inputs))
    return sum(w * _z(_bare(part)).imag for w, part in zip(problem.weights, _flat_parts(y), strict=True))


def _why_not_complex(problem: _Problem) -> str:
    """Why the complex step can't be tried at all; empty where it can."""
    if problem.second:
        return "a gradient can't be run on complex numbers here"
    if any(not isinstance(x, Value) for x in problem.leaves):
        return "it is for functions of single numbers (Values), not of arrays"
    if len(problem.leaves) > problem.of_inputs:
        return "the parameters of a module can't be made complex"
    return ""


def _add_complex(problem: _Problem, result: GradCheck) -> None:
    result.why_not_complex = _why_not_complex(problem)
    if result.why_not_complex:
        return
    try:
        slopes = {name: _complex_slope(problem, k) for k, name in enumerate(problem.names)}
    except Exception as error:  # whatever f does with numbers that it wasn't written for
        result.why_not_complex = f"f doesn't run on complex numbers: {error}"
        return
    for check in result.checks:
        if check.verdict != "not finite":
            check.complex = slopes[check.name]


# -- which mistake is it? -------------------------------------------------------------------------------------


def _hints(problem: _Problem, result: GradCheck, analytic: list, tolerance: tuple[float, float]) -> list[str]:
    """For each input with wrong numbers, the first explanation that fits all of them."""
    hints = []
    for k, name in enumerate(problem.names):
        checks = [c for c in result.checks if c.name == name]
        wrong = [c for c in checks if c.verdict not in ("ok", "kink")]
        if not wrong:
            continue
        shape, got = getattr(problem.leaves[k], "shape", ()), getattr(analytic[k], "shape", ())
        hint = f"gradient of shape {got} for an input of shape {shape}: a sum over the broadcast axes is missing"
        if got == shape or analytic[k] is None:
            hint = _explained(problem, k, checks, wrong, analytic, tolerance)
        hints.append(f"{name}: {hint}")
    return hints


def _explained(
    problem: _Problem, k: int, checks: list[Check], wrong: list[Check], analytic: list, tolerance: tuple
) -> str:
    def fits(pairs: Iterable[tuple[float, float]]) -> bool:
        return all(_close(a, b, tolerance) for a, b in pairs)

    if any(c.verdict == "not finite" for c in wrong):
        return (
            "not finite: the slope, or f a small step away, is inf or nan (a pole, or the edge of where f is defined)"
        )
    if fits((c.analytic, 0.0) for c in checks):
        return (
            "backward() brings nothing, though f changes with it: the path isn't recorded (.data, .item(), float(), "
            "detach() or no_grad() on the way), or the slope is 0 by mistake"
        )
    if (exchanged := _as_if_exchanged(problem, k, wrong)) is not None and fits(exchanged):
        return "the slope is right with y and x exchanged: the rule is called as slope(y, x, …), y first"
    for other, name in enumerate(problem.names):
        if other != k and len(problem.leaves) > 1 and _same_as_other(problem, wrong, other, fits):
            return f"this is the gradient of {name}: two slopes (or two inputs) are exchanged"
    if (transposed := _as_if_transposed(problem, k, analytic, wrong)) is not None and fits(transposed):
        return "right when transposed: a .T is missing, or one too many"
    if len(problem.weights) > 1 and fits(_without_upstream(problem, k, wrong)):
        return "right without what arrives from above: the rule forgets to multiply by g"
    ratios = [c.analytic / c.numeric for c in wrong if c.numeric]
    if ratios and fits((ratio, ratios[0]) for ratio in ratios) and (factor := _factor(ratios)):
        return factor
    worst = wrong[0] if len(wrong) == 1 else max(wrong, key=lambda c: c.error)
    return f"{len(wrong)} of {len(checks)} wrong, the worst at {worst.where}: no usual mistake fits"


def _close(a: float, b: float, tolerance: tuple[float, float]) -> bool:
    rtol, atol = tolerance
    return abs(a - b) <= 10 * (atol + rtol * max(abs(a), abs(b)))


def _factor(ratios: list[float]) -> str:
    ratio = ratios[0]
    if abs(ratio + 1) < 1e-3:
        return "the sign is wrong: analytic = -numeric"
    known = {2.0: "2 × numeric: a factor 2 too many, or one path counted twice",
             0.5: "½ × numeric: a factor 2 is missing, or one of two paths"}  # fmt: skip
    for factor, text in known.items():
        if abs(ratio - factor) < 1e-3:
            return f"a factor is wrong: analytic = {text}"
    # One number alone always has a ratio; several with the same one tell of a factor.
    return f"a factor is wrong: analytic = {ratio:.4g} × numeric, everywhere" if len(ratios) > 1 else ""


def _as_if_exchanged(problem: _Problem, k: int, wrong: list[Check]) -> list[tuple[float, float]] | None:
    """(slope with y and x exchanged, numeric) of a row; None for what is no row of the table."""
    if problem.row is None or problem.second or len(problem.inputs) != problem.row.arity or problem.row.arity != 1:
        return None
    pairs = []
    weights = problem.weights
    for c in wrong:
        place = c.index[-1] if c.index else 0
        x = problem.number(k, place)
        try:
            slope = float(problem.row.rules[0](x, float(problem.row.forward(x))))
        except (ArithmeticError, ValueError, TypeError):
            return None
        pairs.append((slope * (weights[place] if len(weights) > 1 else 1.0), c.numeric))
    return pairs


def _same_as_other(problem: _Problem, wrong: list[Check], other: int, fits: Callable) -> bool:
    """Whether the analytic numbers are the numeric ones of another input (of the same shape)."""
    pairs = []
    for c in wrong:
        shape = getattr(problem.leaves[other], "shape", ())
        if len(shape) != len(c.index) or any(i >= n for i, n in zip(c.index, shape, strict=True)):
            return False
        place = _place(c.index, shape)
        pairs.append((c.analytic, _difference(problem, other, place)))
    return fits(pairs)


def _difference(problem: _Problem, k: int, place: int) -> float:
    x = problem.number(k, place)
    return _central(problem.along(k, place), x, problem.precision ** (1 / 3) * max(1.0, abs(x)), problem.precision)[0]


def _as_if_transposed(problem: _Problem, k: int, analytic: list, wrong: list[Check]) -> list | None:
    gradient = analytic[k]
    if getattr(gradient, "ndim", 0) != 2 or min(gradient.shape) < 2:
        return None
    turned = gradient.T.reshape(gradient.shape)  # the same numbers, read along the other axis
    return [(float(turned[c.index]), c.numeric) for c in wrong]


def _without_upstream(problem: _Problem, k: int, wrong: list[Check]) -> list[tuple[float, float]]:
    weights, problem.drawn["outer"] = problem.weights, [1.0] * len(problem.weights)
    try:
        pairs = []
        shape = getattr(problem.leaves[k], "shape", ())
        for c in wrong:
            place = _place(c.index, shape)
            pairs.append((c.analytic, _difference(problem, k, place)))
        return pairs
    finally:
        problem.drawn["outer"] = weights


def _wrong_rows(problem: _Problem) -> list[str]:
    """Which operations of f's graph fail when each is checked alone, at the numbers it met there."""
    found = []
    seen: set[tuple[Op, str]] = set()
    for node in order(problem.root) if isinstance(problem.root, Node) else ():
        if node.op is None or (node.op, repr(node.settings)) in seen or len(seen) > 50:
            continue
        seen.add((node.op, repr(node.settings)))
        result = _checked_alone(node)
        if result is not None and not result:
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
        return _gradcheck(f, tuple(xs), None, None, 20, 0, find=False)
    except Exception:  # it can't be checked alone: no more is known
        return None


# -- the error over the step ------------------------------------------------------------------------------------


@dataclass
class ErrorOverH:
    """The data of the picture: relative errors of three ways to differentiate, for each step h.

    complex_step is None where f doesn't run on complex numbers, and why_not_complex says why. exact: the slope that the
    errors are measured against, backward()'s.
    """

    hs: list[float]
    forward: list[float]
    central: list[float]
    complex_step: list[float] | None
    exact: float
    why_not_complex: str = ""


def error_over_h(f: Callable, *inputs: Any, steps: int = 49) -> ErrorOverH:
    """How wrong differences are for steps h from 1e-1 down to 1e-16: too large, the curve bends; too small, rounding.

    The slope is that along one fixed direction: all inputs are moved by h at once. The same arguments as gradcheck's.

    >>> found = error_over_h(lambda x: x.exp(), 1.0)
    >>> smallest = min(found.central)
    >>> found.central[0] > 1e6 * smallest < found.central[-1]
    True
    >>> max(found.complex_step) < 1e-2 and found.complex_step[-1] < 1e-15
    True
    """
    problem = _Problem(f, inputs, 0, second=False)
    try:
        parts = [0.0 if g is None else float(g.sum()) if hasattr(g, "sum") else g for g in problem.analytic()]
        exact = math.fsum(parts)
        hs = [10 ** (-1 - 15 * i / (steps - 1)) for i in range(steps)]

        def error(found: float) -> float:
            return abs(found - exact) / (abs(exact) or 1.0)

        def at(h: float) -> float:
            return problem.value([x + h for x in problem.at])

        here = at(0.0)
        forward = [error((at(h) - here) / h) for h in hs]
        central = [error((at(h) - at(-h)) / (2 * h)) for h in hs]
        why = _why_not_complex(problem)
        steps_taken = None
        if not why:
            try:
                steps_taken = [error(_imaginary(problem, [h] * len(problem.leaves)) / h) for h in hs]
            except Exception as reason:  # whatever f does with numbers that it wasn't written for
                why = f"f doesn't run on complex numbers: {reason}"
        return ErrorOverH(hs, forward, central, steps_taken, exact, why)
    finally:
        problem.put_back()
