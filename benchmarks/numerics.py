"""python -m benchmarks.numerics [--points 400] [--out docs/numerics.md]: how exact each row is, beside 50 digits.

Every operation is computed at the same inputs by micrograd_plus (on Values, and on Tensors of each dtype), by PyTorch
where it is installed, and by mpmath with 50 digits, which takes each input as the exact number that it is. The error
is counted in ulp, "units in the last place": the distance to the next number of the dtype at the exact result. A result
that is rounded as well as possible is half an ulp off.
"""

# ruff: noqa: E501 - tables read best in lines

from __future__ import annotations

import argparse
import math
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mpmath
import numpy as np

from micrograd_plus import Tensor, Value, nn
from micrograd_plus.engine import ops

mp = mpmath.mp.clone()  # a context of our own: nobody else's digits change
mp.dps = 50
mpf, INF, NAN = mp.mpf, math.inf, math.nan
DTYPES = {"float64": np.float64, "float32": np.float32, "float16": np.float16}

# -- what is exact -----------------------------------------------------------------------------------------------------
# Written so that no digits cancel at 50 digits, however large or small the number is.


def over(a: Any, b: Any) -> Any:
    """a / b, as IEEE 754 has it where b is 0."""
    if b != 0:
        return mpf(a) / b
    return mp.nan if a == 0 or mp.isnan(a) else mp.sign(a) * mp.inf


def sigmoid(x: Any) -> Any:
    e = mp.exp(-abs(x))
    return (1 if x >= 0 else e) / (1 + e)


def log1p(x: Any) -> Any:
    if abs(x) < mpf("1e-30"):
        return x - x * x / 2 + x**3 / 3
    with mp.workdps(90):
        return log(1 + x)


def softplus(x: Any) -> Any:
    return max(x, 0) + log1p(mp.exp(-abs(x)))


def log(x: Any) -> Any:
    return mp.log(x) if x > 0 else -mp.inf if x == 0 else mp.nan


def power(a: Any, b: Any) -> Any:
    if a == 0:
        return mpf(1) if b == 0 else mpf(0) if b > 0 else mp.inf
    with mp.workdps(400):  # b may be 1e300, and each of its digits counts
        exponent = b * mp.log(a)
    return mp.exp(exponent) if abs(exponent) < 1e6 else mp.inf if exponent > 0 else mpf(0)


def erfc(x: Any) -> Any:
    if abs(x) < 1e-30:
        return 1 - 2 * x / mp.sqrt(mp.pi)
    return mp.erfc(x) if abs(x) < 40 else mpf(2 if x < 0 else 0)


def normal_cdf(x: Any) -> Any:
    return erfc(-x / mp.sqrt(2)) / 2


def normal_pdf(x: Any) -> Any:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def share(a: Any, b: Any) -> Any:
    return mpf(1) if a > b else mpf(0) if a < b else mpf(0.5)


def floored(x: Any) -> Any:
    return max(x, mpf(-100))  # PyTorch's floor under the logarithms of bce


def power_is_normal(info: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where a**(b - 1) neither overflows nor loses digits below the normal numbers."""
    with np.errstate(all="ignore"):
        return (a == 0) | (np.abs(np.log2(a.astype(float)) * (b.astype(float) - 1)) < info.maxexp - 2)


def steep(size: Callable) -> Callable:
    """How large a number is that goes down as exp(-x²) does: a digit lost of x² is x² times as much of the result."""
    return lambda x: abs(size(x)) * max(mpf(1), x * x)


def heaviside(x: Any) -> Any:
    return mpf(x > 0)


@dataclass(frozen=True)
class Row:
    """An operation that is applied number by number: what is exact, and where to look.

    value and slopes take mpmath's numbers. second: what the second input is, if there is one: these numbers by turns, or
    "any". within: where the first input is looked at, since elsewhere there is no real result. sizes: how large a number
    is whose ulp is the unit, for the value and each slope, where that isn't the exact result itself. unit: the same in
    words.
    """

    name: str
    value: Callable
    slopes: tuple[Callable, ...]
    second: tuple | str = ()
    within: tuple[float, float] = (-INF, INF)
    sizes: tuple = ()
    ours: Callable | None = None
    theirs: Callable | None = None
    unit: str = "the result"
    where: Callable | None = None  # of the dtype's finfo and the inputs: which of them to look at

    def __call__(self, *xs: Any) -> Any:
        """Of Tensors or Values."""
        return (self.ours or ops.TABLE[self.name])(*xs)


def of_torch(name: str) -> Callable:
    def call(*xs: Any) -> Any:
        import torch

        return getattr(torch, name, None)(*xs) if hasattr(torch, name) else getattr(torch.nn.functional, name)(*xs)

    return call


SQUARE = "the result · x²"
T01, T11, ANY = (0.0, 1.0), (-1.0, 1.0), "any"
tf = of_torch


def unary(
    name: str,
    value: Callable,
    slope: Callable,
    within: tuple = (-INF, INF),
    theirs: Any = None,
    sizes: tuple = (),
    unit: str = "the result",
) -> Row:
    return Row(name, value, (slope,), (), within, sizes, None, theirs or of_torch(name), unit=unit)


def loss(
    name: str, value: Callable, slope: Callable, targets: Any, within: tuple = (-INF, INF), their: str = ""
) -> Row:
    """A loss of one number; the second slope, that of the target, is left out: targets are given."""
    ours = lambda x, t: getattr(nn, name)(x, t, reduction="none")
    theirs = (lambda x, t: getattr(_functional(), their)(x, t, reduction="none")) if their else None
    return Row(name, value, (slope,), targets, within, (), ours, theirs)


def _functional() -> Any:
    import torch

    return torch.nn.functional


# fmt: off
ROWS = [
    unary("exp", mp.exp, mp.exp),
    unary("expm1", mp.expm1, mp.exp),
    unary("log", log, lambda x: over(1, x), (0, INF)),
    unary("log1p", log1p, lambda x: over(1, 1 + x), (-1, INF)),
    unary("sqrt", mp.sqrt, lambda x: over(mpf(0.5), mp.sqrt(x)), (0, INF)),
    unary("sin", mp.sin, mp.cos),
    unary("cos", mp.cos, lambda x: -mp.sin(x)),
    unary("tan", mp.tan, lambda x: mp.sec(x) ** 2),
    unary("sinh", mp.sinh, mp.cosh),
    unary("cosh", mp.cosh, mp.sinh),
    unary("tanh", mp.tanh, lambda x: mp.sech(x) ** 2, sizes=(None, lambda x: mpf(1)), unit="the result; slope: 1"),
    unary("arctan", mp.atan, lambda x: 1 / (1 + x * x)),
    unary("erfc", erfc, lambda x: -2 / mp.sqrt(mp.pi) * mp.exp(-x * x), sizes=(steep(erfc), steep(lambda x: mp.exp(-x * x))), unit=SQUARE),
    unary("sigmoid", sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    unary("softplus", softplus, sigmoid),
    unary("silu", lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x)), sizes=(None, sigmoid), unit="the result; slope: its first term"),
    unary("gelu", lambda x: x * normal_cdf(x), lambda x: normal_cdf(x) + x * normal_pdf(x), sizes=(steep(lambda x: x * normal_cdf(x)), steep(lambda x: max(normal_cdf(x), abs(x * normal_pdf(x))))), unit=SQUARE),
    unary("relu", lambda x: max(x, mpf(0)), heaviside),
    unary("abs", abs, mp.sign),
    Row("div", over, (lambda a, b: over(1, b), lambda a, b: over(-a, b * b)), ANY, theirs=tf("div")),
    Row("pow", power, (lambda a, b: b * power(a, b - 1) if b else mpf(0), lambda a, b: power(a, b) * log(a) if a or b < 0 else mpf(0)), ANY, (0, INF), theirs=tf("pow"), where=power_is_normal, sizes=(None, lambda a, b: b * power(a, b - 1) * max(1, abs(log(a) * (b - 1))) if a and b else mpf(0), None), unit="the result; dy/da: itself · log(a**(b-1))"),
    Row("maximum", max, (share, lambda a, b: share(b, a)), ANY, theirs=tf("maximum")),
    Row("leaky_relu", lambda x, s: x if x > 0 else s * x, (lambda x, s: mpf(1) if x > 0 else s, lambda x, s: min(x, mpf(0))), (0.01, 0.3)),
    Row("elu", lambda x, s: x if x > 0 else s * mp.expm1(x), (lambda x, s: mpf(1) if x > 0 else s * mp.exp(x), lambda x, s: mp.expm1(min(x, mpf(0)))), (1.0, 0.3)),
    loss("mse_loss", lambda x, t: (x - t) ** 2, lambda x, t: 2 * (x - t), ANY, their="mse_loss"),
    loss("l1_loss", lambda x, t: abs(x - t), lambda x, t: mp.sign(x - t), ANY, their="l1_loss"),
    loss("huber_loss", lambda x, t: min(abs(x - t), 1) * (abs(x - t) - min(abs(x - t), 1) / 2), lambda x, t: max(min(x - t, mpf(1)), mpf(-1)), ANY, their="huber_loss"),
    loss("hinge_loss", lambda x, t: max(1 - t * x, mpf(0)), lambda x, t: -t * heaviside(1 - t * x), T11),
    loss("binary_cross_entropy", lambda x, t: -(t * floored(log(x)) + (1 - t) * floored(log1p(-x))), lambda x, t: (x - t) / max(x * (1 - x), mpf(1e-12)), T01, (0, 1), "binary_cross_entropy"),
    loss("binary_cross_entropy_with_logits", lambda x, t: (1 - t) * softplus(x) + t * softplus(-x), lambda x, t: (1 - t) * sigmoid(x) - t * sigmoid(-x), T01, their="binary_cross_entropy_with_logits"),
    Row("kl_div", lambda x, t: t * (log(t) - x) if t else mpf(0), (lambda x, t: -t,), (0.0, 0.3, 1.0), (-INF, 0), (lambda x, t: t * max(abs(log(t)), abs(x)) if t else mpf(0), None), lambda x, t: nn.kl_div(x, t, reduction="none"), lambda x, t: _functional().kl_div(x, t, reduction="none"), "target · the larger of both logarithms"),
]
# fmt: on

# -- rows of numbers ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """An operation on some numbers together: what is exact for one group of them, and what an error is compared with.

    value(xs, j): number j of the result. slope(xs, j, i): its slope for number i. of(xs, j) and of_slope(xs, j, i): how
    large a number is whose ulp is the unit (that of the result itself where this is None). ours and theirs are given
    many groups, (count, n), and for cross-entropy the right classes.
    """

    name: str
    value: Callable
    slope: Callable
    ours: Callable
    theirs: Callable | None
    unit: str = "the result"
    of: Callable | None = None
    of_slope: Callable | None = None
    many: bool = False  # the result has as many numbers as there are inputs
    scalar_steps: str = ""  # why Values are measured otherwise: "in range" or "in ulp of 1"


def mean(xs: Sequence) -> Any:
    return mp.fsum(xs) / len(xs)


def squares(xs: Sequence) -> Any:
    return mp.fsum((x - mean(xs)) ** 2 for x in xs)


def norm(xs: Sequence) -> Any:
    return mp.sqrt(mp.fsum(x * x for x in xs))


def probability(xs: Sequence, i: int) -> Any:
    return 1 / mp.fsum(mp.exp(x - xs[i]) for x in xs)


def others(xs: Sequence, j: int) -> Any:
    """1 - probability(xs, j), without cancelling."""
    return mp.fsum(probability(xs, i) for i in range(len(xs)) if i != j)


def minus_log(xs: Sequence, j: int) -> Any:
    """-log(probability(xs, j)), without cancelling."""
    return over_top(xs) + (max(xs) - xs[j])


def over_top(xs: Sequence) -> Any:
    """By how much logsumexp is more than the largest number."""
    top = xs.index(max(xs))
    return log1p(mp.fsum(mp.exp(x - xs[top]) for i, x in enumerate(xs) if i != top))


def apart(xs: Sequence) -> Any:
    """How far the largest is from the smallest that counts: as exp's argument that difference is rounded."""
    return max([mpf(1), *(max(xs) - x for x in xs if max(xs) - x < 746)])


def logsumexp(xs: Sequence) -> Any:
    return over_top(xs) + max(xs)


def smoothed(xs: Sequence, j: int) -> Any:
    wanted = [mpf(0.1) / len(xs) + (1 - mpf(0.1)) * (i == j) for i in range(len(xs))]
    return mp.fsum(p * minus_log(xs, i) for i, p in enumerate(wanted))


def is_(i: int, j: int) -> int:
    return int(i == j)


WEIGHTS = [0.5, -0.375, 1.0, 0.0625]  # exact in every dtype
DIFFERENCE = "the result · largest difference"
# fmt: off
GROUPS = [
    Group("sum", lambda xs, j: mp.fsum(xs), lambda xs, j, i: mpf(1), lambda x, t: x.sum(-1), lambda x, t: x.sum(-1), "sum of |x|", lambda xs, j: mp.fsum(map(abs, xs))),
    Group("mean", lambda xs, j: mean(xs), lambda xs, j, i: 1 / mpf(len(xs)), lambda x, t: x.mean(-1), lambda x, t: x.mean(-1), "mean of |x|", lambda xs, j: mean(list(map(abs, xs)))),
    Group("cumsum", lambda xs, j: mp.fsum(xs[: j + 1]), lambda xs, j, i: mpf(i <= j), lambda x, t: x.cumsum(-1), lambda x, t: x.cumsum(-1), "sum of |x|", lambda xs, j: mp.fsum(map(abs, xs[: j + 1])), many=True),
    Group("matmul", lambda xs, j: mp.fdot(xs, WEIGHTS), lambda xs, j, i: mpf(WEIGHTS[i]), lambda x, t: x @ np.array(WEIGHTS, x.dtype), lambda x, t: x @ x.new_tensor(WEIGHTS), "sum of |products|", lambda xs, j: mp.fsum(abs(x * w) for x, w in zip(xs, WEIGHTS, strict=True))),
    Group("prod", lambda xs, j: mp.fprod(xs), lambda xs, j, i: mp.fprod(x for k, x in enumerate(xs) if k != i), lambda x, t: x.prod(-1), lambda x, t: x.prod(-1)),
    Group("var", lambda xs, j: squares(xs) / (len(xs) - 1), lambda xs, j, i: 2 * (xs[i] - mean(xs)) / (len(xs) - 1), lambda x, t: x.var(-1), lambda x, t: x.var(-1), "the result; slope: largest |x|", None, lambda xs, j, i: max(map(abs, xs)) * 2 / (len(xs) - 1)),
    Group("std", lambda xs, j: mp.sqrt(squares(xs) / (len(xs) - 1)), lambda xs, j, i: over(xs[i] - mean(xs), mp.sqrt(squares(xs) * (len(xs) - 1))), lambda x, t: x.std(-1), lambda x, t: x.std(-1), "the result; slope: largest |x| / std", None, lambda xs, j, i: over(max(map(abs, xs)), mp.sqrt(squares(xs) * (len(xs) - 1))), scalar_steps="in range"),
    Group("norm", lambda xs, j: norm(xs), lambda xs, j, i: over(xs[i], norm(xs)), lambda x, t: x.norm(dim=-1), lambda x, t: x.norm(dim=-1), scalar_steps="in range"),
    Group("logsumexp", lambda xs, j: logsumexp(xs), lambda xs, j, i: probability(xs, i), lambda x, t: x.logsumexp(-1), lambda x, t: x.logsumexp(-1), "largest |x|; slope: itself · largest difference", lambda xs, j: max(abs(logsumexp(xs)), abs(max(xs))), lambda xs, j, i: probability(xs, i) * apart(xs), scalar_steps="in ulp of 1"),
    Group("softmax", lambda xs, j: probability(xs, j), lambda xs, j, i: probability(xs, j) * (others(xs, j) if i == j else -probability(xs, i)), lambda x, t: x.softmax(-1), lambda x, t: x.softmax(-1), DIFFERENCE, lambda xs, j: probability(xs, j) * apart(xs), lambda xs, j, i: probability(xs, j) * apart(xs), many=True),
    Group("log_softmax", lambda xs, j: -minus_log(xs, j), lambda xs, j, i: others(xs, j) if i == j else -probability(xs, i), lambda x, t: x.log_softmax(-1), lambda x, t: x.log_softmax(-1), DIFFERENCE + "; slope: 1", lambda xs, j: minus_log(xs, j) * apart(xs), lambda xs, j, i: mpf(1) * apart(xs), many=True, scalar_steps="in ulp of 1"),
    Group("cross_entropy", lambda xs, j: minus_log(xs, j), lambda xs, j, i: -others(xs, j) if i == j else probability(xs, i), lambda x, t: nn.cross_entropy(x, t, reduction="none"), lambda x, t: _functional().cross_entropy(x, t, reduction="none"), DIFFERENCE, lambda xs, j: minus_log(xs, j) * apart(xs), lambda xs, j, i: (others(xs, j) if i == j else probability(xs, i)) * apart(xs)),
    Group("cross_entropy, smoothed", smoothed, lambda xs, j, i: probability(xs, i) - mpf(0.1) / len(xs) - (1 - mpf(0.1)) * is_(i, j), lambda x, t: nn.cross_entropy(x, t, label_smoothing=0.1, reduction="none"), lambda x, t: _functional().cross_entropy(x, t, label_smoothing=0.1, reduction="none"), DIFFERENCE + "; slope: 1", lambda xs, j: smoothed(xs, j) * apart(xs), lambda xs, j, i: mpf(1)),
]
# fmt: on
N = 4  # how many numbers a group has


def groups(dtype: Any, count: int, seed: int = 0) -> np.ndarray:
    """Groups of N numbers of this dtype, of all kinds that are known to hurt: (count, N)."""
    rng, info = np.random.default_rng(seed), np.finfo(dtype)
    largest, smallest = float(info.max), float(info.tiny)
    longest = math.log(largest)
    kinds: list[Callable] = [
        lambda: rng.normal(size=N),
        lambda: rng.normal(size=N) * 10,
        lambda: rng.normal(size=N) * longest / 3,
        lambda: rng.choice([-1, 1]) * (1000 + rng.normal(size=N)),  # a large mean
        lambda: rng.permutation([rng.uniform(5, longest), *rng.normal(size=N - 1)]),  # one far ahead
        lambda: rng.permutation([0.0, *-rng.uniform(5, longest, N - 1)]),  # the same, with the largest at 0
        lambda: rng.uniform(-0.2, 0.2, N) * largest,  # squares overflow
        lambda: rng.uniform(1, 9, N) * rng.choice([-1, 1], N) * smallest,  # squares underflow
        lambda: 2.0 ** rng.uniform(-9, 9, N),
        lambda: np.full(N, rng.normal()) + np.eye(N)[0] * 0.25,  # three that tie
    ]
    return np.array([kinds[k % len(kinds)]() for k in range(count)]).astype(dtype)


# -- what came out, and how far from exact --------------------------------------------------------------------------


SPECIAL = (
    "0 1e-300 1e300 5e-324 1e-310 2.3e-308 1e-45 1e-38 1.2e-38 6e-8 6.2e-5 1e-4 1e-8 1e-16 0.25 0.5 0.7 1 1.5 2 3 5 8 "
    "9.7 10.4 11.09 11.1 12 16.6 17.3 17.4 18.7 19.1 26.5 27.3 36.7 37.5 38.5 40 88.7 88.8 103.9 104 354.8 355.1 500 "
    "708 709.7 709.79 710 710.4 710.5 744.4 745 745.2 746 1000 65504 1e8 1e16 3e38 1e150 1e160 1.7e308"
)


def points(dtype: Any, count: int, within: tuple = (-INF, INF), seed: int = 0) -> np.ndarray:
    """What an operation is computed at: special numbers, and random ones over all exponents and over small intervals."""
    rng, info = np.random.default_rng(seed), np.finfo(dtype)
    special = np.array([float(word) for word in SPECIAL.split()])
    lowest, highest = math.log2(float(info.smallest_subnormal)), math.log2(float(info.max))
    wide = 2.0 ** rng.uniform(lowest, highest, count // 2)
    near = np.concatenate([rng.uniform(0, size, count // 8 + 1) for size in (1, 4, 20, 100, 750)])
    all_of_them = np.concatenate([special, wide, near])
    with np.errstate(all="ignore"):
        found = np.concatenate([[-0.0], all_of_them, -all_of_them]).astype(dtype)
    if within == (0, 1):
        found = np.concatenate([found, (1 - all_of_them[all_of_them < 1]).astype(dtype)])
    return np.unique(found[np.isfinite(found) & (found >= within[0]) & (found <= within[1])])


def ulps(got: float, want: Any, dtype: Any, of: Any = None) -> float:
    """How many units in the last place `got` is from `want`; the unit is that at `of`, or else at `want` itself.

    >>> ulps(1.0 + 2**-52, mpf(1), np.float64)
    1.0
    """
    info = np.finfo(dtype)
    if mp.isnan(want):
        return 0.0 if got != got else INF
    if got != got:
        return INF
    if mp.isinf(want) and abs(got) == INF:  # a pole: 1/-0 is -inf, and mpmath knows one zero only
        return 0.0
    beyond = 2 * mpf(2) ** (info.maxexp - 1)  # as if exponents went on: what infinity stands for
    if abs(want) >= beyond:
        want = mp.sign(want) * beyond
    if abs(got) == INF:
        got = math.copysign(1, got) * beyond
    size = abs(want) if of is None else max(abs(want), min(abs(of), beyond / 2))
    exponent = max(mp.frexp(size)[1] - 1, info.minexp) if size else info.minexp
    return float(abs(mpf(got) - want) / mpf(2) ** min(exponent - info.nmant, info.maxexp - 1 - info.nmant))


@dataclass(frozen=True)
class Worst:
    """The largest error, in ulp, and where it was found."""

    ulp: float = 0.0
    at: str = ""

    def or_(self, ulp: float, at: Callable[[], str]) -> Worst:
        return self if ulp <= self.ulp else Worst(ulp, at())


@dataclass(frozen=True)
class Measured:
    """The worst of an operation: its value, its slopes, and both where the exact number is below the normal ones."""

    value: Worst
    slope: Worst
    tiny: Worst


def _shown(*xs: float) -> str:
    return ", ".join(f"{x:.6g}" for x in xs)


def _collect(found: Iterator[tuple], dtype: Any) -> Measured:
    """found: (0 for a value or 1 for a slope, what came out, what is exact, the unit or None, the inputs)."""
    worst, tiny = [Worst(), Worst()], Worst()
    smallest = mpf(float(np.finfo(dtype).tiny))
    for which, got, want, of, at in found:
        error = ulps(got, want, dtype, of)
        if 0 < max(abs(want), abs(of or 0)) < smallest:
            tiny = tiny.or_(error, lambda at=at: _shown(*at))
        else:
            worst[which] = worst[which].or_(error, lambda at=at: _shown(*at))
    return Measured(*worst, tiny)


@cache
def _exact(row: Row, xs: tuple) -> tuple:
    numbers = [mpf(x) for x in xs]
    exact = [f(*numbers) for f in (row.value, *row.slopes)]
    sizes = row.sizes or (None,) * len(exact)
    return tuple((min(i, 1), exact[i], size and size(*numbers)) for i, size in enumerate(sizes))


def inputs_of(row: Row, dtype: Any, count: int) -> list[np.ndarray]:
    """The arrays of inputs at which a row is measured."""
    first = points(dtype, count, row.within)
    if row.within == (0, 1):
        first = np.abs(first)  # no -0 among probabilities
    if not row.second:
        return [first]
    if row.second == ANY:
        second = points(dtype, count)
        near = np.random.default_rng(1).permutation(second[np.abs(second) < 40])  # or nearly all powers would overflow
        first = np.random.default_rng(2).permutation(np.resize(first, 2 * len(first)))
        second = np.resize(np.concatenate([near, second]), len(first))
        chosen = slice(None) if row.where is None else row.where(np.finfo(dtype), first, second)
        return [first[chosen], second[chosen]]
    return [np.repeat(first, len(row.second)), np.resize(np.array(row.second, dtype), len(first) * len(row.second))]


def by_tensors(row: Callable, xs: Sequence[np.ndarray], wanted: int) -> tuple:
    """The value and the slopes, as arrays of floats."""
    tensors = [Tensor(x, requires_grad=i < wanted) for i, x in enumerate(xs)]
    y = row(*tensors)
    y.backward(np.ones(y.shape, y.dtype))
    assert y.dtype == xs[0].dtype, f"{row} gave {y.dtype}"
    return y.numpy(), [t.grad for t in tensors[:wanted]]


def by_values(row: Callable, xs: Sequence[np.ndarray], wanted: int) -> tuple:
    """The same on Values, number by number; nan where Values refuse."""
    value, slopes = np.full(len(xs[0]), NAN), [np.full(len(xs[0]), NAN) for _ in range(wanted)]
    for k, numbers in enumerate(zip(*(x.tolist() for x in xs), strict=True)):
        leaves = [Value(x, requires_grad=i < wanted) for i, x in enumerate(numbers)]
        with suppress(ValueError):  # what isn't real
            y = row(*leaves)
            y.backward()
            value[k] = y.data
            for i in range(wanted):
                slopes[i][k] = leaves[i].grad
    return value, slopes


def by_torch(row: Row, xs: Sequence[np.ndarray], wanted: int) -> tuple:
    """The same by PyTorch."""
    import torch

    tensors = [torch.tensor(x, requires_grad=i < wanted) for i, x in enumerate(xs)]
    y = row.theirs(*tensors)  # type: ignore[misc]
    y.backward(torch.ones_like(y))
    return y.detach().numpy(), [t.grad.numpy() for t in tensors[:wanted]]


def of_row(row: Row, dtype: Any, count: int, by: Callable = by_tensors) -> Measured:
    """The largest errors of a row."""
    xs, wanted = inputs_of(row, dtype, count), len(row.slopes)
    value, slopes = by(row, xs, wanted)

    def found() -> Iterator[tuple]:
        for k, numbers in enumerate(zip(*(x.tolist() for x in xs), strict=True)):
            for got, (which, want, of) in zip((value, *slopes), _exact(row, numbers), strict=True):
                yield which, float(got[k]), want, of, numbers

    return _collect(found(), dtype)


# -- groups: the result number j of group k is that with j = k % N -----------------------------------------------------


def groups_by_tensors(group: Group, xs: np.ndarray, right: np.ndarray) -> tuple:
    x = Tensor(xs)
    y = group.ours(x, right)
    assert y.dtype == xs.dtype, f"{group.name} gave {y.dtype}"
    y.backward(np.eye(N, dtype=xs.dtype)[right] if group.many else np.ones(len(xs), xs.dtype))
    return y.numpy(), x.grad


def groups_by_values(group: Group, xs: np.ndarray, right: np.ndarray) -> tuple:
    values, slopes = [], []
    for row, j in zip(xs, right, strict=True):
        x = Tensor(row[None]).to_values()
        y = group.ours(x, right[j : j + 1])
        y = y[0, j] if group.many else y[0]
        y.backward()
        values.append(y.data)
        slopes.append(x.grad[0])
    values = np.array(values)
    return np.repeat(values[:, None], N, 1) if group.many else values, np.array(slopes)


def groups_by_torch(group: Group, xs: np.ndarray, right: np.ndarray) -> tuple:
    import torch

    x = torch.tensor(xs, requires_grad=True)
    y = group.theirs(x, torch.tensor(right))  # type: ignore[misc]
    y.backward(torch.tensor(np.eye(N, dtype=xs.dtype)[right] if group.many else np.ones(len(xs), xs.dtype)))
    return y.detach().numpy(), x.grad.numpy()


def of_group(group: Group, dtype: Any, count: int, by: Callable = groups_by_tensors) -> Measured:
    """The largest errors of an operation on groups."""
    xs = groups(dtype, count)
    steps = group.scalar_steps if by is groups_by_values else ""
    if steps == "in range":
        xs = xs[(np.abs(xs) < 1e150).all(axis=1) & (np.abs(xs) > 1e-150).any(axis=1)]
    right = np.arange(len(xs)) % N
    value, slopes = by(group, xs, right)

    def found() -> Iterator[tuple]:
        for k, numbers in enumerate(xs.tolist()):
            exact, j = [mpf(x) for x in numbers], int(right[k])
            got = value[k, j] if group.many else value[k]
            of = group.of and group.of(exact, j)
            yield 0, float(got), group.value(exact, j), max(of, 1) if steps == "in ulp of 1" else of, numbers
            for i in range(N):
                of = group.of_slope and group.of_slope(exact, j, i)
                yield 1, float(slopes[k, i]), group.slope(exact, j, i), of, numbers

    return _collect(found(), dtype)


# -- the page ----------------------------------------------------------------------------------------------------------

NOTES = {
    "pow": "dy/da = b·a**(b-1): b - 1 is rounded, which counts log(a) times. Looked at where a**(b-1) is a normal number.",
    "tanh": "its slope 1 - y² has the rounding of y: right to 1 ulp of the largest slope, 1, and 0 from |x| = 19 on "
    "(float64), where it is below 1e-16. PyTorch's is the same. 1 / cosh(x)² would keep all digits; the rule that the "
    "lessons derive was preferred.",
    "arctan": "1 / (1 + x²) is 0 where x² overflows, and not 1e-309.",
    "erfc": "exp(-x²) is rounded in x², which counts x² times.",
    "gelu": "as erfc. Below -5 PyTorch's has no digits left: it adds 1 to erf.",
    "div": "-y / b has few digits where y is below the smallest normal number. PyTorch's is the same.",
    "silu": "x·sigmoid(x) has few digits where sigmoid(x) is below the smallest normal number. Its slope is 0 near x = -1.28: compared with the larger of the two terms that cancel there.",
    "sigmoid": "its slope is y·sigmoid(-x), as y·(1 - y) has no digits left where y is almost 1.",
    "binary_cross_entropy": "the slope is compared with PyTorch's definition, which doesn't grow beyond 1e12.",
    "cross_entropy": "a model that is sure and right: the loss and its slope keep their digits below 1e-16.",
    "cross_entropy, smoothed": "the slope is softmax - target, which cancels where they are nearly the same.",
    "log_softmax": "its slope 1 - softmax cancels where one number is far ahead.",
    "norm": "squares that overflow or underflow are computed again, in units of the largest number.",
    "std": "as norm.",
    "sum": "may overflow on the way, as in PyTorch; float16 is summed in float32.",
    "softplus": "PyTorch's is x itself from 20 on.",
    "mean": "overflows where the sum does, as in PyTorch; float16 is summed in float32.",
    "prod": "is multiplied from left to right: it may overflow on the way, as in PyTorch.",
}


def _pair(m: Measured | None) -> str:
    return "–" if m is None else f"{_short(m.value.ulp)} / {_short(m.slope.ulp)}"


def _short(ulp: float) -> str:
    return f"{ulp:.2f}" if ulp < 9.995 else f"{ulp:.0f}" if ulp < 1000 else f"{ulp:.0e}"


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    name: str
    unit: str
    ours: dict[str, Measured]
    theirs: dict[str, Measured | None]

    @property
    def markdown(self) -> str:
        worst = max(self.ours["float64"].value, self.ours["float64"].slope, key=lambda w: w.ulp)
        cells = [self.name, *(_pair(m) for m in (*self.ours.values(), *self.theirs.values()))]
        under = max(m.tiny.ulp for m in self.ours.values())
        unit = self.unit.replace("|", "\\|")  # or it would end the cell
        return "| " + " | ".join([*cells, worst.at or "–", _short(under), unit]) + " |"


def lines(count: int) -> Iterator[Line]:
    """Measure everything; PyTorch where it is installed."""
    with suppress(ImportError):
        import torch

        torch.set_num_threads(1)
    from importlib.util import find_spec

    found = find_spec("torch")
    for rows, of, values, torchs in (
        (ROWS, of_row, by_values, by_torch),
        (GROUPS, of_group, groups_by_values, groups_by_torch),
    ):
        for row in rows:
            ours = {"Value": of(row, np.float64, count, values)}  # type: ignore[operator]
            ours |= {name: of(row, dtype, count) for name, dtype in DTYPES.items()}  # type: ignore[operator]
            theirs = {
                name: of(row, DTYPES[name], count, torchs) if found and row.theirs else None  # type: ignore[operator]
                for name in ("float64", "float32")
            }
            yield Line(row.name, row.unit, ours, theirs)


PAGE = """# How exact each operation is

Each was computed at some {count} inputs or more: 0 and ±1, the smallest and the largest numbers of the dtype, the places
where exp overflows or underflows, and random numbers over all exponents. What is exact comes from mpmath with 50 digits,
which takes each input as the exact number that it is. Run it yourself:

```sh
python -m benchmarks.numerics --points {count} --out docs/numerics.md
```

A cell is the worst value / the worst slope, in **ulp** (units in the last place): the distance to the next number of the
dtype. A result that is rounded as well as possible is 0.5 off. In float64 an ulp is 2·10⁻¹⁶ of the number, in float32
10⁻⁷, in float16 10⁻³. The last columns: where float64 was worst; the largest error of results below the smallest normal
number (10⁻³⁰⁸, 10⁻³⁸, 6·10⁻⁵), which have fewer digits, in units of the smallest number that there is; and what the ulp
is that of, where a result of which digits have cancelled, or of a steep function, would make its own ulp a wrong measure.

{table}

{notes}

The bounds that the tests hold each line to stand in `tests/test_numerics.py`. A few conventions, tested there and in
`tests/test_table.py`: a slope at a kink is PyTorch's; norm and std have slope 0 where
they are 0; √ and log have slope ∞ at 0. Infinity and NaN go through as IEEE 754 has it. No input gives a warning.
float16 is added up in float32 and rounded once. On Values, norm and std of squares that overflow are infinite, and
logsumexp and log_softmax are right to an ulp of 1: they are computed in the scalar steps that the graph shows.

## Where there is no slope

At a kink, or where a formula would give 0 · ∞, one number has to be chosen. It is PyTorch's, here and in
`tests/test_bad_inputs.py`, which compares each; `detect_anomaly()` names the line of each inf or nan.

| where | slope |
| --- | --- |
| relu, abs, sign at 0 | 0 |
| leaky_relu at 0; elu at 0 | its small slope; 1 |
| maximum, minimum of two equal numbers | 1/2 each |
| max, min of an array: ties | shared evenly |
| clip at its edges | 1: the edge counts as inside |
| `x**0` at 0; `a**b` at (0, 0) and at (0, 2) | 0; 0 for both |
| `a**b` at a negative a | `b * a**(b - 1)` for a, nan for b |
| √ and log at 0; 1/x at 0 | ∞; -∞ |
| norm of zeros; std and var of equal numbers | 0 |
| prod with one 0 in it | the product of the others, for the 0 |
| `where(x > 0, sqrt(x), 0)` at -1 | nan: 0 · nan. Ask twice: `sqrt(where(x > 0, x, 1))` inside |
| logsumexp of -∞ alone, softmax of ∞ | nan |
| relu of nan; maximum of nan and a number | 0 (PyTorch: 1); 1/2 (PyTorch: 1) |

Measured with {versions}.
"""


def page(found: Sequence[Line], count: int) -> str:
    """The whole page as Markdown."""
    head = ["operation", "Value", *DTYPES, "PyTorch float64", "PyTorch float32", "float64's worst at", "tiny", "ulp of"]
    table = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *(line.markdown for line in found)]
    notes = [f"- **{line.name}**: {NOTES[line.name]}" for line in found if line.name in NOTES]
    packages = []
    for name in ("numpy", "mpmath", "torch"):
        with suppress(Exception):
            packages.append(f"{name} {version(name)}")
    versions = ", ".join([f"Python {platform.python_version()}", *packages])
    return PAGE.format(count=count, table="\n".join(table), notes="\n".join(notes), versions=versions)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print each line as it comes, and write the page if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.numerics", description="How exact each operation is.")
    parser.add_argument("--points", type=int, default=400, help="how many inputs at least (400)")
    parser.add_argument("--out", type=Path, metavar="FILE.md", help="write the page there")
    chosen = parser.parse_args(arguments)
    found = []
    for line in lines(chosen.points):
        print(line.markdown, flush=True)
        found.append(line)
    if chosen.out:
        chosen.out.write_text(page(found, chosen.points), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
