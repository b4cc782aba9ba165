"""The words that programs are made of: every row of the tables, how it is written, and what it may be applied to.

A pointwise row is covered by standing in its table. A row of another kind needs a line in `WORDS`;
`tests/test_programs.py` fails for a row that is neither in a word nor in `NOT_HERE`, with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import micrograd_plus as mg
from micrograd_plus.engine.array_ops import ARRAY_TABLE
from micrograd_plus.engine.graph import Op
from micrograd_plus.engine.ops import TABLE
from micrograd_plus.nn.losses import LOSS_TABLE

from .program import Literal

Draw = Callable[[int], int]  # draw(n): a whole number from 0 to n - 1, whoever chooses it

MOST = 24  # numbers in a result: the twin has a Value for each
NUMBERS = ["2", "0.5", "-1.0", "3", "1.5", "-0.25", "1", "0", "np.float64(0.75)", "0.1", "np.float32(0.5)", "-2"]
PYTHONS = [text for text in NUMBERS if "np." not in text]  # Python's sum() would round in float32 before we see it
KEEP = [False, True]


@dataclass
class Word:
    """texts: ways to write it. choose(draw, pool): operands and settings that fit, or None where nothing does."""

    row: str
    texts: list[str]
    choose: Callable[[Draw, Any], tuple[tuple, dict] | None]
    scalars: bool = False  # also in programs of Values


def literal(x: Any) -> Literal:
    """An array, written out."""
    x = np.asarray(x)
    if x.size == 0:
        return Literal(f"np.zeros({x.shape})")
    return Literal(f"np.array({x.tolist()})")


# -- pointwise rows: any operands that broadcast ---------------------------------------------------------------

# An operand where the row is defined: squared and raised above 0, or brought between -1 and 1, or between 0 and 1.
NEEDS = {
    "log": ["positive"], "sqrt": ["positive"], "log1p": ["positive"], "pow": ["positive", "any"],
    "div": ["any", "positive"], "tan": ["small"], "elu": ["any", "positive"], "leaky_relu": ["any", "positive"],
    "bce": ["probability", "any"], "cosh": ["small"], "sinh": ["small"], "exp": ["small"],
}  # fmt: skip


def operand(draw: Draw, pool: Any, need: str = "any", fits: Callable | None = None) -> int | None:
    """A variable of the pool; where `need` says so, led to where the row is defined by steps of its own."""
    i = pool.pick(draw, fits)
    if i is None or need == "any" or draw(8) == 7:  # now and then without: it may be there already
        return i
    if need == "positive":
        return pool.add("add", (pool.add("mul", (i, i)), Literal("0.5")))
    return pool.add("sigmoid" if need == "probability" else "tanh", (i,))


def pointwise(row: Op) -> Callable:
    needs = NEEDS.get(row.name, [])

    def choose(draw: Draw, pool: Any) -> tuple[tuple, dict] | None:
        n = row.arity or 1
        at = draw(n)  # this operand is a variable for sure
        first = operand(draw, pool, (needs + ["any"] * n)[at])
        if first is None:
            return None
        shape, chosen = pool.shape(first), {at: first}
        for i in range(n):
            if i not in chosen:
                chosen[i] = other(draw, pool, shape, (needs + ["any"] * n)[i])
                if chosen[i] is None:
                    return None
                shape = pool.broadcast(shape, chosen[i])
        return tuple(chosen[i] for i in range(n)), {}

    return choose


def other(draw: Draw, pool: Any, shape: tuple, need: str) -> Any:
    """Something that broadcasts with `shape`: a variable (perhaps the same), a number, an array."""
    kind = draw(6)
    if kind == 4:
        return Literal(NUMBERS[draw(len(NUMBERS))])
    if kind == 5 and not pool.scalars:
        return an_array(draw, shape)
    return operand(draw, pool, need, lambda i: pool.broadcasts(shape, i))


def an_array(draw: Draw, shape: tuple) -> Literal:
    """An array that broadcasts with `shape`: some of its axes left out in front, some of size 1."""
    shape = shape[draw(len(shape) + 1) :]
    shape = tuple(1 if draw(4) == 3 else n for n in shape)
    return literal(np.round(np.linspace(0.5, 1.5 + draw(3), math.prod(shape)).reshape(shape), 2))


OPERATORS = {
    "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}", "pow": "{0} ** {1}", "neg": "-{0}",
    "abs": "abs({0})",
}  # fmt: skip
UFUNCS = {"add": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "pow": "power", "neg": "negative"}
UFUNCS |= {name: name for name in "exp log sqrt sin cos tanh arctan sign maximum minimum expm1 log1p".split()}


def ways_to_write(row: Op) -> list[str]:
    """As an operator, by its public name, by NumPy's ufunc; else out of the table."""
    places = ", ".join(f"{{{i}}}" for i in range(row.arity or 1))
    ways = [OPERATORS[row.name]] if row.name in OPERATORS else []
    ways.append(f"mg.{row.name}({places})" if getattr(mg, row.name, None) is row else f"TABLES[{row.name!r}]({places})")
    return ways + ([f"np.{UFUNCS[row.name]}({places})"] if row.name in UFUNCS else [])


# -- other rows: settings that fit a shape ---------------------------------------------------------------------


def an_axis(draw: Draw, shape: tuple) -> int:
    n = max(len(shape), 1)  # of a single number, axis 0 is meant
    axis = draw(n)
    return axis - n if draw(3) == 2 else axis


def some_axes(draw: Draw, shape: tuple) -> Any:
    """None, one axis, or several of them."""
    if not shape or not (kind := draw(3)):
        return None
    if kind == 1 or len(shape) == 1:
        return an_axis(draw, shape)
    chosen = [a for a in range(len(shape)) if draw(2)]
    return tuple(a - len(shape) if draw(3) == 2 else a for a in chosen) or None


def reduction(row: str, empty: bool = True, **more: list) -> Word:
    """A word with axis and keepdims. empty: whether it has a result where there are no numbers to reduce."""
    texts = [f"{{0}}.{row}(axis={{axis}}, keepdims={{keepdims}}" + "".join(f", {k}={{{k}}}" for k in more) + ")"]

    def choose(draw: Draw, pool: Any) -> tuple[tuple, dict] | None:
        i = pool.pick(draw, lambda i: empty or pool.size(i))
        if i is None:
            return None
        settings = {"axis": some_axes(draw, pool.shape(i)), "keepdims": KEEP[draw(2)]}
        return (i,), settings | {name: values[draw(len(values))] for name, values in more.items()}

    return Word(row, texts, choose)


def along(row: str, text: str, draw_axis: Callable = an_axis) -> Word:
    """A word with one axis."""

    def choose(draw: Draw, pool: Any) -> tuple[tuple, dict] | None:
        i = pool.pick(draw)
        return None if i is None else ((i,), {"axis": draw_axis(draw, pool.shape(i))})

    return Word(row, [text], choose)


def shaped(row: str, text: str, settings: Callable) -> Word:
    """A word of one operand, with settings(draw, shape) (None where it does not fit)."""

    def choose(draw: Draw, pool: Any) -> tuple[tuple, dict] | None:
        i = pool.pick(draw)
        found = settings(draw, pool.shape(i)) if i is not None else None
        return None if found is None else ((i,), found)

    return Word(row, [text], choose)


def new_shape(draw: Draw, shape: tuple) -> dict:
    """Another shape for as many numbers; one size may be -1."""
    n, sizes = math.prod(shape), []
    for _ in range(draw(3)):
        divisors = [k for k in range(1, n + 1) if n % k == 0] or [0]
        sizes.append(divisors[draw(len(divisors))])
        n = n // sizes[-1] if sizes[-1] else 1
    sizes.append(n)
    sizes = sizes[::-1] if draw(2) else sizes
    if draw(3) == 2 and 0 not in sizes:
        sizes[draw(len(sizes))] = -1
    return {"shape": tuple(sizes)}


def new_order(draw: Draw, shape: tuple) -> dict:
    axes, left = [], list(range(len(shape)))
    while left:
        axes.append(left.pop(draw(len(left))))
    return {"axes": tuple(a - len(axes) if draw(4) == 3 else a for a in axes)}


def two_axes(draw: Draw, shape: tuple) -> dict | None:
    return {"a": an_axis(draw, shape), "b": an_axis(draw, shape)} if shape else None


def larger(draw: Draw, shape: tuple) -> dict:
    """To what it can be expanded: axes of size 1 repeated, new ones in front."""
    sizes = [(0, 2, 3)[draw(3)] if n == 1 and draw(2) else n for n in shape]
    front = [1 + draw(3) for _ in range(draw(3))]
    kept = [-1 if n == have and draw(3) == 2 else n for n, have in zip(sizes, shape, strict=True)]
    return {"shape": (*front, *kept)}


def smaller(draw: Draw, shape: tuple) -> dict:
    """To what it can be summed, the reverse of broadcasting."""
    return {"shape": tuple(1 if draw(2) else n for n in shape[draw(len(shape) + 1) :])}


def some_padding(draw: Draw, shape: tuple) -> dict | None:
    if not shape:
        return None
    value = (0.0, 1.5)[draw(2)]
    return {"widths": tuple((draw(2), draw(3)) for _ in shape) if draw(2) else draw(3), "value": value}


def an_index(draw: Draw, shape: tuple) -> dict:
    """An index of any kind: integers, slices (steps and ends of any sign), None, Ellipsis, lists, masks."""
    kind = draw(4)
    if kind == 3 and shape and math.prod(shape):  # a mask, of the whole or of the first axes
        axes = shape[: 1 + draw(len(shape))]
        mask = np.array([draw(2) == 1 for _ in range(math.prod(axes))]).reshape(axes)
        return {"index": f"np.array({mask.tolist()})"}
    parts: list[str] = []
    lists = 1 + draw(3) if kind == 2 else 0  # lists of one length are looked up together
    for n in shape:
        if draw(6) == 5:
            parts.append("None")
        if draw(8) == 7 and "..." not in parts:
            parts.append("...")
            break
        parts.append(_part_of_index(draw, n, lists if lists and draw(2) else 0))
    if not parts or draw(8) == 7:
        parts.append("None" if "..." in parts or not draw(2) else "...")
    return {"index": ", ".join(parts)}


def _part_of_index(draw: Draw, n: int, lists: int) -> str:
    if lists and n:
        numbers = [draw(n) - (n if draw(3) == 2 else 0) for _ in range(lists)]  # they may repeat
        return str(numbers) if draw(2) else f"np.array({numbers})"
    if n and draw(3) == 2:
        return str(draw(n) - (n if draw(3) == 2 else 0))
    ends = [str(draw(n + 2) - (n + 1 if draw(3) == 2 else 0)) if draw(2) else "" for _ in range(2)]
    return f"{ends[0]}:{ends[1]}" + (f":{(1, 2, -1, -2, 3)[draw(5)]}" if draw(2) else "")


def put_back(draw: Draw, pool: Any) -> tuple[tuple, dict] | None:
    """Zeros of a larger shape, with the operand added at an index of its first axis (which may repeat)."""
    i = pool.pick(draw, lambda i: pool.shape(i) and pool.shape(i)[0])
    if i is None:
        return None
    n, *rest = pool.shape(i)
    where = tuple(draw(n + 1) for _ in range(n))
    index = f"(np.array({list(where)}),)" if draw(2) else f"(slice({n}, 0, -1),)"
    return (i,), {"shape": (n + 1, *rest), "index": index}


# -- words of several operands ---------------------------------------------------------------------------------


def a_product(draw: Draw, pool: Any) -> tuple[tuple, dict] | None:
    """a @ b: two variables that fit, or one with its own transpose, or with an array on either side."""
    a = pool.pick(draw, lambda i: pool.shape(i))
    if a is None:
        return None
    shape = pool.shape(a)
    kind = draw(4)
    if kind == 0 and len(shape) > 1:
        turned = pool.add("transpose", (a,), {"a": -2, "b": -1}, "{0}.swapaxes({a}, {b})")
        return ((a, turned) if draw(2) else (turned, a)), {}
    if kind == 1:
        return (a, _matrix(draw, (shape[-1], 2))), {}
    if kind == 2:
        return (_matrix(draw, (2, shape[-2] if len(shape) > 1 else shape[0])), a), {}
    b = pool.pick(draw, lambda i: pool.shape(i) and _fits_after(shape, pool.shape(i)))
    return None if b is None else ((a, b), {})


def _fits_after(a: tuple, b: tuple) -> bool:
    if a[-1] != (b[-2] if len(b) > 1 else b[0]):
        return False
    try:
        return len(np.broadcast_shapes(a[:-2], b[:-2])) < 4
    except ValueError:
        return False


def _matrix(draw: Draw, shape: tuple) -> Literal:
    shape = shape if draw(3) else (shape[0],) if shape[0] != 2 or shape[1:] == (2,) else (shape[-1],)
    return literal(np.round(np.linspace(-0.5, 1.0, math.prod(shape)).reshape(shape), 2))


def a_linear_layer(draw: Draw, pool: Any) -> tuple[tuple, dict] | None:
    x = pool.pick(draw, lambda i: pool.shape(i))
    if x is None:
        return None
    weight = pool.pick(draw, lambda i: len(pool.shape(i)) == 2 and pool.shape(i)[1] == pool.shape(x)[-1])
    if weight is None:
        return None
    bias = pool.pick(draw, lambda i: pool.shape(i) == pool.shape(weight)[:1]) if draw(2) else None
    return ((x, weight) if bias is None else (x, weight, bias)), {}


def to_join(draw: Draw, pool: Any) -> tuple[tuple, dict] | None:
    """Some of equal shapes but for one axis; the same one may come twice; arrays among them."""
    first = pool.pick(draw, lambda i: pool.shape(i))
    if first is None:
        return None
    shape = pool.shape(first)
    axis = an_axis(draw, shape)
    cut = lambda s: s[: axis % len(shape)] + s[axis % len(shape) + 1 :]
    alike = lambda i: len(pool.shape(i)) == len(shape) and cut(pool.shape(i)) == cut(shape)
    return _several(draw, pool, first, alike), {"axis": axis}


def to_stack(draw: Draw, pool: Any) -> tuple[tuple, dict] | None:
    first = pool.pick(draw)
    shape = pool.shape(first)
    axis = draw(len(shape) + 1) - (len(shape) + 1 if draw(3) == 2 else 0)
    return _several(draw, pool, first, lambda i: pool.shape(i) == shape), {"axis": axis}


def to_add_up(draw: Draw, pool: Any) -> tuple[tuple, dict] | None:
    first = pool.pick(draw)
    return _several(draw, pool, first, lambda i: pool.shape(i) == pool.shape(first)), {}


def _several(draw: Draw, pool: Any, first: int, fits: Callable) -> tuple:
    chosen: list = [first]
    for _ in range(draw(4)):
        kind = draw(5)
        chosen.append(
            Literal(PYTHONS[draw(len(PYTHONS))]) if kind == 4 and pool.shape(first) == ()
            else literal(np.full(pool.shape(first), 0.5 + draw(3))) if kind == 4
            else pool.pick(draw, fits)
        )  # fmt: skip
    return tuple(chosen[::-1] if draw(2) else chosen)


def a_formula(draw: Draw, pool: Any) -> tuple[tuple, dict] | None:
    """einsum: each axis gets a letter, axes of one size may share it; some letters are kept."""
    chosen = tuple(pool.pick(draw) for _ in range(1 + draw(3)))
    letters: dict[str, int] = {}
    terms = []
    for i in chosen:
        term = ""
        for n in pool.shape(i):
            known = [c for c, size in letters.items() if size == n and c not in term]
            term += known[draw(len(known))] if known and draw(4) else chr(ord("a") + len(letters))
            letters[term[-1]] = n
        terms.append(term)
    kept = [c for c in letters if draw(2)]
    if math.prod(letters.values()) > 200 or len(kept) > 4:
        return None
    kept = kept[::-1] if draw(2) else kept
    return chosen, {"formula": ",".join(terms) + "->" + "".join(kept)}


def a_choice(draw: Draw, pool: Any) -> tuple[tuple, dict] | None:
    """where(condition, a, b), the condition a comparison."""
    a = pool.pick(draw)
    b = other(draw, pool, pool.shape(a), "any")
    if b is None:
        return None
    shape = pool.broadcast(pool.shape(a), b)
    c = pool.pick(draw, lambda i: pool.broadcasts(shape, i))
    if c is None:
        return None
    settings = {"sign": (">", "<", ">=", "<=")[draw(4)], "number": (0, 0.3)[draw(2)]}
    return ((c, a, b) if draw(2) else (c, b, a)), settings


def a_choice_by_a_mask(draw: Draw, pool: Any) -> tuple[tuple, dict] | None:
    """where(mask, a, b), the mask an array of truth values."""
    a = pool.pick(draw)
    b = other(draw, pool, pool.shape(a), "any")
    if b is None:
        return None
    shape = pool.broadcast(pool.shape(a), b)
    shape = shape[draw(len(shape) + 1) :]
    mask = np.array([draw(2) == 1 for _ in range(math.prod(shape))], dtype=bool).reshape(shape)
    return (Literal(f"np.array({mask.tolist()}, dtype=bool).reshape({shape})"), a, b), {}


def between(draw: Draw, pool: Any) -> tuple[tuple, dict] | None:
    low, high = [("None", "-1.0", "0.0"), ("1.0", "0.5", "None")]
    a, b = draw(3), draw(3)
    return (pool.pick(draw),), {"low": low[a], "high": "1.0" if low[a] == "None" else high[b]}


def of_one(draw: Draw, pool: Any) -> tuple[tuple, dict] | None:
    return (pool.pick(draw),), {}


def of_two(draw: Draw, pool: Any) -> tuple[tuple, dict] | None:
    a = pool.pick(draw, lambda i: pool.size(i) == 1)
    b = pool.pick(draw, lambda i: pool.shape(i) == pool.shape(a)) if a is not None else None
    return None if b is None else ((a, b), {})


def a_power(draw: Draw, pool: Any) -> tuple[tuple, dict] | None:
    return (pool.pick(draw),), {"n": (2, 3, 1, 0, -1, 0.5)[draw(6)]}


# fmt: off
POINTWISE = [row for row in (*TABLE.values(), *LOSS_TABLE.values()) if row.pointwise and row.name != "where"]
WORDS = {row.name: Word(row.name, ways_to_write(row), pointwise(row), scalars=True) for row in POINTWISE} | {
    # what all programs have
    "a whole power":  Word("pow",         ["{0} ** {n}"], a_power, scalars=True),
    "where":          Word("where",       ["mg.where({0} {sign} {number}, {1}, {2})"], a_choice, scalars=True),
    "where by a mask": Word("where",      ["mg.where({0}, {1}, {2})"], a_choice_by_a_mask),
    "clip method":    Word("clip",        ["{0}.clip({low}, {high})"], between, scalars=True),
    "if":             Word("where",       ["{0} if {0} > {1} else {1} * 0.5"], of_two, scalars=True),
    "max of two":     Word("where",       ["max({0}, {1})"], of_two, scalars=True),
    "min of two":     Word("where",       ["min({0}, {1})"], of_two, scalars=True),
    "sum of several": Word("sum",         ["mg.sum([{all}])", "sum([{all}])"], to_add_up, scalars=True),
    "detach":         Word("itself",      ["{0}.detach()"], of_one, scalars=True),
    # what those of Tensors have
    "sum":            reduction("sum"),
    "mean":           reduction("mean", empty=False),
    "max":            reduction("max", empty=False),
    "min":            reduction("min", empty=False),
    "prod":           reduction("prod"),
    "var":            reduction("var", empty=False, correction=[1, 0]),
    "std":            reduction("std", empty=False, correction=[1, 0]),
    "norm":           reduction("norm"),
    "logsumexp":      reduction("logsumexp", empty=False),
    "cumsum":         along("cumsum",      "{0}.cumsum({axis})"),
    "softmax":        along("softmax",     "{0}.softmax({axis})"),
    "log_softmax":    along("log_softmax", "{0}.log_softmax({axis})"),
    "flip":           along("flip",        "{0}.flip({axis})", some_axes),
    "squeeze":        along("reshape",     "{0}.squeeze({axis})"),
    "unsqueeze":      shaped("reshape",    "{0}.unsqueeze({axis})", lambda draw, shape: {"axis": draw(len(shape) + 1)}),
    "flatten":        shaped("reshape",    "{0}.flatten()", lambda draw, shape: {}),
    "reshape":        shaped("reshape",    "{0}.reshape({shape})", new_shape),
    "permute":        shaped("transpose",  "{0}.permute({axes})", new_order),
    "transpose":      shaped("transpose",  "{0}.transpose({a}, {b})", two_axes),
    "T":              shaped("transpose",  "{0}.T", lambda draw, shape: {}),
    "expand":         shaped("expand",     "{0}.expand({shape})", larger),
    "sum_to":         shaped("sum_to",     "array_ops.sum_to({0}, shape={shape})", smaller),
    "getitem":        shaped("getitem",    "{0}[{index}]", an_index),
    "put":            Word("put",          ["array_ops.put({0}, shape={shape}, index={index})"], put_back),
    "pad":            shaped("pad",        "{0}.pad({widths}, {value})", some_padding),
    "astype":         shaped("astype",     "{0}.astype(np.float64)", lambda draw, shape: {}),
    "matmul":         Word("matmul",       ["{0} @ {1}"], a_product),
    "linear":         Word("linear",       ["linear({all})"], a_linear_layer),
    "concatenate":    Word("concatenate",  ["mg.concatenate([{all}], axis={axis})"], to_join),
    "stack":          Word("stack",        ["mg.stack([{all}], axis={axis})"], to_stack),
    "einsum":         Word("einsum",       ["mg.einsum({formula!r}, {all})"], a_formula),
}
# fmt: on

# Rows that no word stands for, and why.
NOT_HERE = {
    "cross_entropy": "its targets are whole numbers: a test of its own goes over its settings (tests/test_losses.py)",
}


def rows_to_cover() -> set[str]:
    """The rows of the engine's two tables, and of the losses'."""
    return {*TABLE, *ARRAY_TABLE, *LOSS_TABLE}
