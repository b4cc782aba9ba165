"""Value: a float that remembers how it was made."""

from __future__ import annotations

import operator
from collections.abc import Callable, KeysView
from numbers import Real
from typing import Any

from . import ops
from .arithmetic import Arithmetic
from .edges import Careful, at_the_edge
from .graph import Many, Node, Op, Operand, backward
from .recording import _recording, inside_grad, is_recording, no_grad

_ABSENT = object()  # an operand that isn't there (None could be one that a user passed by mistake)


class Value(Node, Arithmetic):
    """A number that remembers how it was made, so that `backward()` can tell how the result depends on it.

    data: a real number (int, float, NumPy scalar …), kept as a Python float. label: a name for pictures.
    requires_grad: False for a number that is not to be differentiated. TypeError for anything that isn't real.

    >>> a = Value(2.0, label="a")
    >>> b = Value(-3.0, label="b")
    >>> c = (a * b + 10).tanh()
    >>> c.backward()
    >>> round(a.grad, 6), round(b.grad, 6)
    (-0.004023, 0.002682)
    """

    # The operands a and b stand in slots of their own and not in a tuple, and so do their slopes: one object a node
    # for Python's garbage collector to visit, not three, and that is where most of a large graph's time would go.
    __slots__ = ("_data", "a", "b", "slope_a", "slope_b")

    _data: float
    grad: float
    settings: dict = {}  # noqa: RUF012 - no op on Values has any; only read
    no_gradient = 0.0

    def __init__(self, data: Any, *, label: str = "", requires_grad: bool = True):
        if isinstance(data, Value):
            watcher = is_recording()
            if watcher.__class__ is bool or not watcher.is_number(data, self):
                raise TypeError(
                    f"this is a Value already: {data!r}. Use it as it is, or .detach() for a copy of its number"
                )
            data = data._data
        if requires_grad is not True and requires_grad is not False:
            raise TypeError(f"Value: requires_grad is True or False, got {requires_grad!r}")
        self._data = as_float(data, "Value")
        self.label = label
        self.requires_grad = requires_grad
        self.op = self.a = self.b = self.slope_a = self.slope_b = self.hooks = None
        self.grad = 0.0
        if is_recording().__class__ is not bool:
            is_recording().born(self)

    def apply(self, op: Op, a: Any, b: Any = _ABSENT, *more: Any, **settings: Any) -> Any:
        """Compute y = op(a, b), and remember the operands and the slopes at this moment."""
        if more:
            return _apply_ternary(op, (a, b, *more))
        if isinstance(a, Value):
            x = a._data
        else:
            x = as_operand(op, a)
            a = a if a.__class__ is int else x  # a NumPy float32 among the operands would round second derivatives
        if b is _ABSENT:
            b = None
        elif isinstance(b, Value):
            z = b._data
        elif b.__class__ is float:
            z = b
        else:
            z = as_operand(op, b)
            if z is NotImplemented:
                return z
            b = b if b.__class__ is int else z
        if x is NotImplemented:
            return x
        y = _new(Value)
        y.op, y.a, y.b, y.grad, y.label, y.hooks, y.requires_grad = op, a, b, 0.0, "", None, True
        try:
            if b is None:
                y._data = data = op.forward(x)
                if data.__class__ is not float:
                    y._data = data = as_float(data, f"the result of `{op.name}`")
                y.slope_a = op.rules[0](data, x) if a.requires_grad else None
                y.slope_b = None
            else:
                y._data = data = op.forward(x, z)
                if data.__class__ is not float:
                    y._data = data = as_float(data, f"the result of `{op.name}`")
                y.slope_a = op.rules[0](data, x, z) if isinstance(a, Value) and a.requires_grad else None
                y.slope_b = op.rules[1](data, x, z) if isinstance(b, Value) and b.requires_grad else None
        except (ArithmeticError, ValueError):  # 1/0, log(0), exp(1000) …: once more, with IEEE's answers
            xs, nodes = ((x,), (a,)) if b is None else ((x, z), (a, b))
            y._data, slopes = _at_the_edge(op, xs, nodes)
            y.slope_a, y.slope_b = (*slopes, None)[:2]
        if is_recording() is not True or (y.slope_a is None and y.slope_b is None):
            return _as_asked(y, op, (a,) if b is None else (a, b))
        return y

    def apply_many(self, op: Many, operands: tuple, **settings: Any) -> Value:
        """Compute y = op(operands): one node with any number of inputs."""
        xs = [x._data if isinstance(x, Value) else as_number(op, x) for x in operands]
        data, slope = op.forward(xs), op.rules[0]
        slopes = [
            slope(1.0, data, xs, i) if isinstance(x, Value) and x.requires_grad else None
            for i, x in enumerate(operands)
        ]
        return _node_of_many(op, operands, data, tuple(slopes))

    @property
    def data(self) -> float:
        """The number. Changing it changes no slope: the gradient is that of the forward pass that ran."""
        if is_recording() is not True and is_recording().__class__ is not bool:  # in two steps: the first is quick
            is_recording().read(self, ".data")
        return self._data

    @data.setter
    def data(self, number: Any) -> None:
        if is_recording() is not True and is_recording().__class__ is not bool:
            is_recording().read(self, ".data = ...")
        self._data = number if number.__class__ is float else as_float(number, "Value.data")

    @property
    def operands(self) -> tuple:
        """What the op was applied to, in order: Values and plain numbers; empty for a leaf."""
        return () if self.op is None else (self.a,) if self.b is None else (self.a, self.b)

    @property
    def slopes(self) -> tuple:
        """The local derivative for each operand, taken when this was computed; None for a plain number."""
        return () if self.op is None else (self.slope_a,) if self.b is None else (self.slope_a, self.slope_b)

    def push(self) -> None:
        """The chain rule: input.grad += slope × self.grad, for each input."""
        if self.slope_a is not None:
            self.a.grad += self.slope_a * self.grad
        if self.slope_b is not None:
            self.b.grad += self.slope_b * self.grad

    def backward(self, gradient: float | None = None) -> None:
        """Fill in `.grad` of every Value that this one was made from: d(self)/d(value), times `gradient` (or 1).

        Leaves add up over calls (clear them with `zero_grad()`); the others start afresh. Nothing is freed, so
        there is no `retain_graph` to remember. Changing `.data` afterwards changes no slope: the gradient is that of
        the forward pass that ran. RuntimeError for a Value that no differentiable Value went into.
        """
        if not self.requires_grad:
            raise RuntimeError(
                "backward() on a Value with requires_grad=False: nothing that it was made from is tracked"
            )
        backward(self, 1.0 if gradient is None else self.as_gradient(gradient, "backward"))

    def as_gradient(self, g: Any, who: str) -> float:
        """`g` as a float."""
        return as_float(g, who)

    def ones(self) -> float:
        """The gradient of a number for itself."""
        return 1.0

    def is_stale(self) -> bool:
        """Whether the op would give another number or slope by now: a Value keeps these, not what it saw."""
        op: Any = self.op
        token = _recording.set(True)  # nobody looks on
        try:
            now = op(self.operands) if isinstance(op, Many) else op(*self.operands)
        except ValueError:  # it isn't real any more
            return True
        finally:
            _recording.reset(token)
        pairs = [(self._data, now._data), *zip(self.slopes, now.slopes, strict=True)]
        return any(_differ(before, after) for before, after in pairs if before is not None and after is not None)

    def detach(self) -> Value:
        """The same number, cut off from the graph."""
        with no_grad():
            return self.apply(ops.itself, self)

    def item(self) -> float:
        """The number, as a Python float."""
        return self.data

    # -- names that the micrograd lecture uses ---------------------------------------------------------------

    @property
    def _prev(self) -> KeysView[Node]:
        return dict.fromkeys(self.inputs).keys()  # like a set, in the order of the operands

    @property
    def _op(self) -> str:
        if self.op is None:
            return ""
        if self.op.name == "pow" and not isinstance(self.b, Value):
            return f"**{self.b}"
        return self.op.symbol

    def _backward(self) -> None:
        self.push()

    # -- as a number --------------------------------------------------------------------------------------------

    # fmt: off
    def __bool__(self) -> bool: return _compare(operator.ne, self, 0.0)
    def __format__(self, spec: str) -> str: return format(self._data, spec) if spec else repr(self)
    def __lt__(self, other: Any) -> bool: return _compare(operator.lt, self, other)
    def __le__(self, other: Any) -> bool: return _compare(operator.le, self, other)
    def __gt__(self, other: Any) -> bool: return _compare(operator.gt, self, other)
    def __ge__(self, other: Any) -> bool: return _compare(operator.ge, self, other)
    # fmt: on

    def __float__(self) -> float:
        if inside_grad.get():
            raise TypeError(
                "float() of a Value inside grad(f) would lose its gradient (math.sin and the like call it): "
                "use mg.sin(x) or x.sin(); x.item() if you mean the bare number"
            )
        if is_recording().__class__ is not bool:
            is_recording().read(self, "float()")
        return self._data

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self._data}, grad={self.grad}{label})"


class ValueOfMany(Value):
    """A Value made from more than two operands: they stand in a tuple."""

    __slots__ = ("_operands", "_slopes")

    _operands: tuple
    _slopes: tuple

    @property
    def operands(self) -> tuple:
        """What the op was applied to, in order."""
        return self._operands

    @property
    def slopes(self) -> tuple:
        """The local derivative for each operand; None for a plain number."""
        return self._slopes

    def push(self) -> None:
        """The chain rule, for as many inputs as there are."""
        for x, slope in zip(self._operands, self._slopes, strict=True):
            if slope is not None:
                x.grad += slope * self.grad


_new = Value.__new__


def _differ(a: float, b: float) -> bool:
    return a != b and (a == a or b == b)  # nan is what it was


def _as_asked(y: Value, op: Op, operands: tuple) -> Value:
    """y without its origin where nothing is to be recorded; shown to who watches."""
    watcher = is_recording()
    if not watcher or y.slopes.count(None) == len(y.slopes):
        y = Value(y._data, requires_grad=False)
    if watcher.__class__ is not bool:
        watcher.made(op, operands, y, {})
    return y


def _node_of_many(op: Op, operands: tuple, data: float, slopes: tuple) -> Value:
    y = ValueOfMany(data)
    y.op, y._operands, y._slopes = op, operands, slopes
    plain = is_recording() is True and slopes.count(None) < len(slopes)
    return y if plain else _as_asked(y, op, operands)


def _apply_ternary(op: Op, operands: tuple) -> Any:
    xs = tuple(x._data if isinstance(x, Value) else as_operand(op, x) for x in operands)
    if NotImplemented in xs:
        return NotImplemented
    operands = tuple(x if isinstance(x, (Value, int)) else number for x, number in zip(operands, xs, strict=True))
    try:
        data = op.forward(*xs)
        slopes = tuple(
            rule(data, *xs) if isinstance(x, Value) and x.requires_grad else None
            for x, rule in zip(operands, op.rules, strict=True)
        )
    except (ArithmeticError, ValueError):
        data, slopes = _at_the_edge(op, xs, operands)
    return _node_of_many(op, operands, float(data), slopes)


def _at_the_edge(op: Op, xs: tuple, operands: tuple) -> tuple[float, tuple]:
    """Value and slopes where Python's floats raise: infinities as IEEE has them; an error where nothing is real."""
    y, careful = Careful(at_the_edge(op.name, op.forward, xs)), [Careful(x) for x in xs]
    slopes = tuple(
        float(rule(y, *careful)) if isinstance(x, Value) and x.requires_grad else None
        for x, rule in zip(operands, op.rules, strict=True)
    )
    return float(y), slopes


def as_float(x: Any, who: str) -> float:
    """The number x as a Python float; an error that names `who` for whatever isn't one real number."""
    if x.__class__ is float:
        return x
    if isinstance(x, Operand):
        raise TypeError(f"{who}: a {type(x).__name__} and Values don't mix in one graph; .item() gives its number")
    if isinstance(x, Real) or (hasattr(x, "ndim") and x.ndim == 0 and hasattr(x, "item") and not _is_text(x)):
        try:
            return float(x)
        except OverflowError:
            raise OverflowError(f"{who}: a number of more than 308 digits is too large for a float") from None
        except (TypeError, ValueError):
            pass
    raise TypeError(f"{who} needs a real number, got {_describe(x)}")


def as_number(op: Op, x: Any) -> float:
    """A plain operand as a float; TypeError that names the op."""
    return as_float(x, f"`{op.name}`")


def as_operand(op: Op, x: Any) -> Any:
    """A plain operand as a float; NotImplemented for an object that may know itself what to do with a Value."""
    if isinstance(x, Operand):
        return NotImplemented
    if isinstance(x, (Real, str, bytes, complex, list, tuple, dict, set)) or x is None or hasattr(x, "dtype"):
        return as_number(op, x)
    return NotImplemented


def _is_text(x: Any) -> bool:
    return getattr(getattr(x, "dtype", None), "kind", "") in "USOc"


def _describe(x: Any) -> str:
    if isinstance(x, str):
        return f"str {x!r}; convert it first: float({x!r})"
    if isinstance(x, complex) or getattr(getattr(x, "dtype", None), "kind", "") == "c":
        return f"complex {x!r}; use its real part, or abs() of it"
    if hasattr(x, "shape") and x.shape != ():
        return f"an array of shape {x.shape}; use Tensor for arrays"
    if isinstance(x, (list, tuple)):
        return f"a {type(x).__name__}; use Tensor for arrays, or a list of Values: [Value(x) for x in …]"
    return f"{type(x).__name__} {x!r}"[:120]


def _compare(how: Callable, a: Value, b: Any) -> Any:
    if hasattr(b, "dtype") and not isinstance(b, Operand):  # NumPy's scalars, not its arrays
        b = as_float(b, "a comparison with a Value")
    elif not isinstance(b, (Value, Real)):
        return NotImplemented
    outcome = how(a._data, b._data if isinstance(b, Value) else b)
    if is_recording().__class__ is not bool:
        is_recording().compared(how, a, b, outcome)
    return outcome
