"""How a graph of Tensors is written: in NumPy's words.

A row's rules run on `Array`s, which an op can be applied to as it can be to Tensors; what comes out is text. So
pull-backs are those of the tables, as slopes are. What must be known here is how each row of shapes is said in NumPy
(`TEXTS`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from ...engine import array_ops, maths, ops
from ...engine.array_ops import ARRAY_TABLE
from ...engine.graph import Many, Node, Op
from ...engine.tensor import ArrayArithmetic
from ..chain import quiet
from ..pieces import ATOM, PRODUCT, CodeError, Name
from .names import identifier, new_name
from .terms import NumPyTerm, run_rule, times, typed_number

MOST_NUMBERS = 20  # of a constant that is written out in a line


class Array(ArrayArithmetic, Node):
    """An array as text: its term, and an array (of zeros, mostly) for its shape and dtype.

    A Node, since pull-backs then go the way that can be differentiated again: with ops alone.

    >>> x, w = Array(NumPyTerm("x"), np.zeros((5, 3))), Array(NumPyTerm("w"), np.zeros((3, 2)))
    >>> (x @ w).tanh().sum(axis=0), (x @ w).shape
    (tanh(x @ w).sum(axis=0), (5, 2))
    """

    def __init__(self, term: Any, array: Any):
        self.term = term
        self.array = np.asarray(array)

    def _array_of(self) -> np.ndarray:
        return self.array

    def numpy(self) -> Array:
        """For a rule that looks at the numbers: their text."""
        return self

    def any(self) -> bool:
        """Whether one is true can't be told from a text: the rule is written for both cases."""
        return True

    def apply(self, op: Op, *operands: Any, **settings: Any) -> Any:
        """The op's text."""
        if op.pointwise:
            term = NumPyTerm.of(op.forward(*map(_term, operands)))
        elif ARRAY_TABLE.get(op.name) is op and op.name in TEXTS:
            term = TEXTS[op.name](*operands, **settings)
        else:  # in terms of other rows
            y = op.forward(*operands, **settings)
            return y[0] if op.keeps else y
        with quiet():
            return term if isinstance(term, Array) else Array(term, op.forward(*map(_array, operands), **settings))

    def apply_many(self, op: Many, operands: tuple, **settings: Any) -> Any:
        """The text of an op that takes a sequence."""
        if ARRAY_TABLE.get(op.name) is not op or op.name not in TEXTS:
            return op.forward(operands, **settings)
        return Array(TEXTS[op.name](operands, **settings), op.forward(tuple(map(_array, operands)), **settings))

    def astype(self, dtype: Any) -> Any:
        """Itself if it has this dtype."""
        return self if self.dtype == dtype else self.apply(array_ops.astype, self, dtype=np.dtype(dtype))

    def _compared(self, how: str, other: Any) -> Array:
        compare: Callable = getattr(np.ndarray, how)
        return Array(getattr(self.term, how)(_term(other)), compare(self.array, _array(other)))

    # fmt: off
    def __lt__(self, other: Any) -> Any: return self._compared("__lt__", other)
    def __le__(self, other: Any) -> Any: return self._compared("__le__", other)
    def __gt__(self, other: Any) -> Any: return self._compared("__gt__", other)
    def __ge__(self, other: Any) -> Any: return self._compared("__ge__", other)
    def __eq__(self, other: object) -> Any: return self._compared("__eq__", other)
    def __and__(self, other: Any) -> Any: return self._compared("__and__", other)
    __hash__ = None  # type: ignore[assignment]
    # fmt: on

    def __bool__(self) -> bool:
        return bool(self.term)  # CodeError, which says why

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise CodeError("it makes an array of its input")

    def __repr__(self) -> str:
        return self.term.text


_OTHER_NAMES = {"abs": "abs_", "pow": "pow_"}
_FUNCTIONS = {name: getattr(ops, _OTHER_NAMES.get(name, name)) for name in [*vars(maths.floats), "where"]}
maths.register(Array, SimpleNamespace(**_FUNCTIONS))


def _term(x: Any) -> Any:
    """The text of an operand; a plain number stays one."""
    if isinstance(x, Array):
        return x.term
    return typed_number(x) if np.ndim(x) == 0 else NumPyTerm(_array_text(x))


def _array(x: Any) -> Any:
    return x.array if isinstance(x, Array) else x


def _array_text(x: np.ndarray) -> str:
    if x.size > MOST_NUMBERS:
        raise CodeError(f"an array of {x.size} numbers is too long for a line")
    return array_literal(x)


def array_literal(x: Any) -> str:
    """array([1.0, 2.0]), with the dtype where that isn't float64."""
    dtype = "" if x.dtype in (np.float64, np.bool, np.int64) else f', "{x.dtype}"'
    return f"array({x.tolist()}{dtype})"


# -- the rows of shapes, in NumPy's words --------------------------------------------------------------------------


def _call(function: str, x: Any, *arguments: str) -> NumPyTerm:
    return NumPyTerm(f"{function}({', '.join([_text(x), *arguments])})")


def _method(x: Any, name: str, *arguments: str) -> NumPyTerm:
    return NumPyTerm(f"{x.term.within(ATOM)}.{name}({', '.join(arguments)})")


def _text(x: Any) -> str:
    return NumPyTerm.of(_term(x)).text


def _reduced(name: str) -> Callable:
    def text(x: Any, axis: Any, keepdims: bool) -> NumPyTerm:
        return _method(x, name, *_axis(axis), *["keepdims=True"] * keepdims)

    return text


def _function(name: str) -> Callable:
    def text(x: Any, axis: Any, keepdims: bool = False) -> NumPyTerm:
        return _call(name, x, *_axis(axis), *["keepdims=True"] * keepdims)

    return text


def _axis(axis: Any) -> list[str]:
    if isinstance(axis, tuple) and len(axis) == 1:
        axis = axis[0]
    return [] if axis is None else [f"axis={axis}"]


def _sum_to(x: Any, shape: tuple) -> Any:
    new = tuple(range(x.ndim - len(shape)))
    x = x.sum(axis=new) if new else x
    stretched = tuple(a for a, (n, small) in enumerate(zip(x.shape, shape, strict=True)) if small == 1 != n)
    return x.sum(axis=stretched, keepdims=True) if stretched else x


def _reshape(x: Any, shape: tuple) -> Any:
    return x if x.shape == tuple(shape) else _method(x, "reshape", *map(str, shape))


def _transpose(x: Any, axes: tuple) -> NumPyTerm:
    if axes == tuple(range(len(axes)))[::-1]:
        return NumPyTerm(f"{x.term.within(ATOM)}.T")
    return _method(x, "transpose", *map(str, axes))


def _matmul(a: Any, b: Any) -> NumPyTerm:
    before, after = NumPyTerm.of(_term(a)), NumPyTerm.of(_term(b))
    return NumPyTerm(f"{before.within(PRODUCT)} @ {after.within(PRODUCT + 1)}", PRODUCT)


def _linear(x: Any, weight: Any, bias: Any = None) -> Any:
    y = x @ weight.T if isinstance(x, Array) else _matmul(x, weight.T)
    return y if bias is None else y + bias


def _index(index: tuple) -> str:
    return ", ".join(map(_index_part, index))


def _index_part(i: Any) -> str:
    if isinstance(i, slice):
        text = ":".join("" if part is None else str(part) for part in (i.start, i.stop, i.step))
        return text.removesuffix(":") if i.step is None else text
    return "..." if i is Ellipsis else _array_text(i) if isinstance(i, np.ndarray) else repr(i)


def _joined(name: str) -> Callable:
    return lambda xs, axis, **_: NumPyTerm(f"{name}([{', '.join(map(_text, xs))}], axis={axis})")


TEXTS: dict[str, Callable] = {
    **{name: _reduced(name) for name in ("sum", "mean", "max", "min", "prod")},
    "expand": lambda x, shape: _call("broadcast_to", x, str(shape)),
    "sum_to": _sum_to,
    "cumsum": lambda x, axis: _method(x, "cumsum", *_axis(axis)),
    "reshape": _reshape,
    "transpose": _transpose,
    "flip": lambda x, axis: _call("flip", x, *_axis(axis)),
    "getitem": lambda x, index: NumPyTerm(f"{x.term.within(ATOM)}[{_index(index)}]"),
    "put": lambda x, shape, index: _call("put", x, str(shape), f"s_[{_index(index)}]"),
    "pad": lambda x, widths, value: _call("pad", x, str(widths), f"constant_values={value!r}"),
    "astype": lambda x, dtype: _method(x, "astype", f'"{dtype}"'),
    "matmul": _matmul,
    "linear": _linear,
    **{name: _function(name) for name in ("softmax", "log_softmax", "logsumexp")},
    "concatenate": _joined("concatenate"),
    "stack": _joined("stack"),
    "einsum": lambda xs, inputs, output: NumPyTerm(
        f'einsum("{",".join(inputs)}->{output}", {", ".join(map(_text, xs))})'
    ),
}


class Arrays:
    """Lines for Tensors. called: what each node is called; names: the caller's variables, for arrays of data."""

    library = "numpy"
    imports = {  # noqa: RUF012
        name: name
        for name in """exp expm1 log log1p sqrt sin cos tan sinh cosh tanh arctan sign maximum minimum where inf nan
        add array broadcast_to concatenate einsum flip pad s_ stack vectorize zeros""".split()
    }
    definitions = {  # noqa: RUF012
        "sigmoid": """
def sigmoid(x):
    e = exp(-abs(x))  # never overflows
    return where(x >= 0, 1, e) / (1 + e)
""",
        "softplus": """
def softplus(x):  # log(1 + exp(x)), never overflows
    return maximum(x, 0) + log1p(exp(-abs(x)))
""",
        "relu": """
def relu(x):
    return maximum(x, 0)
""",
        "step": """
def step(x):  # the slope of relu
    return (x > 0).astype(x.dtype)
""",
        "softmax": """
def softmax(x, axis=None):
    e = exp(x - x.max(axis=axis, keepdims=True))  # never overflows
    return e / e.sum(axis=axis, keepdims=True)
""",
        "log_softmax": """
def log_softmax(x, axis):
    x = x - x.max(axis=axis, keepdims=True)
    return x - log(exp(x).sum(axis=axis, keepdims=True))
""",
        "logsumexp": """
def logsumexp(x, axis=None, keepdims=False):  # never overflows
    top = x.max(axis=axis, keepdims=True)
    y = log(exp(x - top).sum(axis=axis, keepdims=True)) + top
    return y if keepdims else y.squeeze(axis)
""",
        "erfc": """
def erfc(x):
    return vectorize(math.erfc)(x)
""",
        "put": """
def put(x, shape, index):  # zeros, with x added at index
    y = zeros(shape, x.dtype)
    add.at(y, index, x)
    return y
""",
    }
    reserved = {*vars(maths.floats), *imports, *definitions, "math"}  # noqa: RUF012

    def __init__(self, called: Mapping[Node, str], nodes: list[Node], names: Mapping[str, Any]):
        self.called = called
        self.names = names
        self.data: list[tuple[str, np.ndarray]] = []  # arrays that are no nodes: arguments too
        taken = {*called.values(), *self.reserved}
        for node in nodes:
            for x in node.operands:
                x = self._constant(x, node.op)
                if isinstance(x, np.ndarray) and x.ndim and self._data_name(x) is None:
                    self.data.append((new_name(_variable(x, names) or "data", taken), x))

    def forward(self, node: Any) -> str:
        """What is on the right of `y =`."""
        xs = self._operands(node)
        arguments = (xs,) if isinstance(node.op, Many) else xs
        y = run_rule(node, NumPyTerm, lambda: _piece(node.op(*arguments, **node.settings)))
        text = y.text.removeprefix("0.0 + ") if isinstance(node.op, Many) else y.text
        return f"({text}) * 1.0" if y.truth else text

    def received(self, node: Any, i: int, g: str) -> Any:
        """What operand i receives when the gradient of `node` is called g; None if it isn't tracked."""
        x, op = node.operands[i], node.op
        if not (isinstance(x, Node) and x.requires_grad):
            return None
        xs, y = self._operands(node), _stand_in(node, self.called[node])
        if op.pointwise:
            return times(run_rule(node, NumPyTerm, op.rules[i], y.term, *map(_term, xs)), NumPyTerm(g))
        pull = lambda: _piece(op.pull(i, _stand_in(node, g), y, xs, node.settings))
        return run_rule(node, NumPyTerm, pull)

    def seed(self, root: Any) -> Any:
        """The gradient of the root for itself; an array, since numbers have no .sum() and the like."""
        return NumPyTerm(array_literal(np.ones(root.shape, root.dtype)))

    def literal(self, leaf: Any) -> str:
        """A leaf's numbers."""
        return array_literal(leaf)

    def _operands(self, node: Any) -> tuple:
        return tuple(self._operand(self._constant(x, node.op)) for x in node.operands)

    def _constant(self, x: Any, op: Op | None) -> Any:
        """An array of a pointwise op as small as it may be: what broadcasting made of it, NumPy makes by itself."""
        if not isinstance(x, np.ndarray) or op is None or not op.pointwise or _variable(x, self.names):
            return x
        return _without_repetitions(x)

    def _operand(self, x: Any) -> Any:
        if isinstance(x, Node):
            return _stand_in(x, self.called[x])
        if not isinstance(x, np.ndarray) or not x.ndim:
            return x
        return Array(NumPyTerm(str(self._data_name(x))), x)

    def _data_name(self, x: np.ndarray) -> str | None:
        return next((name for name, array in self.data if _same(array, x)), None)


def _stand_in(x: Any, name: str) -> Array:
    return Array(NumPyTerm(name), np.zeros(x.shape, x.dtype))


def _piece(y: Any) -> Name:
    return NumPyTerm.of(_term(y))


def _without_repetitions(x: np.ndarray) -> Any:
    """The smallest array that broadcasts to this one, or a number."""
    for axis in range(x.ndim):
        first = x.take([0], axis) if x.shape[axis] else x
        x = first if _same(np.broadcast_to(first, x.shape), x) else x
    while x.ndim and x.shape[0] == 1:
        x = x[0]
    return x if x.ndim else x.item()


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def _variable(x: np.ndarray, names: Mapping[str, Any]) -> str:
    """The caller's name of an array with these numbers."""
    for name, thing in list(names.items()):
        if not str(name).startswith("_") and isinstance(thing, np.ndarray) and np.array_equal(thing, x):
            return identifier(str(name))
    return ""
