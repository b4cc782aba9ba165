"""An ONNX graph in the making: nodes, named numbers, and what can be computed with a value of it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from ...engine import maths
from .batches import Batch
from .errors import Unsupported

# The three kinds of number in a file: whatever precision the model has, floats are written as float32, which is what
# ONNX's runtimes compute with, and whole numbers as int64.
DTYPES: dict[str, Any] = {"f": np.float32, "i": np.int64, "b": np.bool_}

FEW = 8  # whole numbers that a name lists


def kind_of(dtype: Any) -> str:
    """ "f", "i" or "b": float, whole number or boolean."""
    return {"f": "f", "b": "b"}.get(np.dtype(dtype).kind, "i")


class Wire:
    """A value in the graph: its name, and the kind of its numbers. Python's operators add nodes to the graph.

    So a rule of the table, which is only arithmetic, writes itself as ONNX operators when it is run on wires.
    """

    def __init__(self, writer: Writer, name: str, kind: str = "f"):
        self.writer, self.name, self.kind = writer, name, kind

    def _arithmetic(self, operator: str, a: Any, b: Any) -> Wire:
        kind = max((kind_in(a), kind_in(b)), key="bif".index)
        kind = "f" if operator in ("Div", "Pow") else "i" if kind == "b" else kind
        return self.writer.node(operator, [self.writer.wire(x, kind) for x in (a, b)], kind=kind)

    def _compare(self, operator: str, other: Any) -> Wire:
        kind = max((kind_in(self), kind_in(other)), key="bif".index)
        inputs = [self.writer.wire(x, kind) for x in (self, other)]
        return self.writer.node(operator, inputs, kind="b")

    def _logic(self, operator: str, other: Any) -> Wire:
        return self.writer.node(operator, [self.writer.wire(x, "b") for x in (self, other)], kind="b")

    # fmt: off
    def __add__(self, other: Any) -> Wire: return self._arithmetic("Add", self, other)
    def __radd__(self, other: Any) -> Wire: return self._arithmetic("Add", other, self)
    def __sub__(self, other: Any) -> Wire: return self._arithmetic("Sub", self, other)
    def __rsub__(self, other: Any) -> Wire: return self._arithmetic("Sub", other, self)
    def __mul__(self, other: Any) -> Wire: return self._arithmetic("Mul", self, other)
    def __rmul__(self, other: Any) -> Wire: return self._arithmetic("Mul", other, self)
    def __truediv__(self, other: Any) -> Wire: return self._arithmetic("Div", self, other)
    def __rtruediv__(self, other: Any) -> Wire: return self._arithmetic("Div", other, self)
    def __pow__(self, other: Any) -> Wire: return self._arithmetic("Pow", self, other)
    def __rpow__(self, other: Any) -> Wire: return self._arithmetic("Pow", other, self)
    def __neg__(self) -> Wire: return self.writer.node("Neg", [self], kind=self.kind)
    def __abs__(self) -> Wire: return self.writer.node("Abs", [self], kind=self.kind)
    def __lt__(self, other: Any) -> Wire: return self._compare("Less", other)
    def __le__(self, other: Any) -> Wire: return self._compare("LessOrEqual", other)
    def __gt__(self, other: Any) -> Wire: return self._compare("Greater", other)
    def __ge__(self, other: Any) -> Wire: return self._compare("GreaterOrEqual", other)
    def __eq__(self, other: object) -> Wire: return self._compare("Equal", other)  # type: ignore[override]
    def __ne__(self, other: object) -> Wire: return ~self._compare("Equal", other)  # type: ignore[override]
    def __and__(self, other: Any) -> Wire: return self._logic("And", other)
    def __or__(self, other: Any) -> Wire: return self._logic("Or", other)
    def __invert__(self) -> Wire: return self.writer.node("Not", [self.writer.wire(self, "b")], kind="b")
    __rand__, __ror__ = __and__, __or__
    __hash__ = None  # type: ignore[assignment] # == is an operator of the graph
    # fmt: on

    __array_ufunc__ = None  # so that NumPy's numbers leave the arithmetic to us: np.float64(2) * wire

    def __bool__(self) -> bool:
        raise Unsupported(
            "its rule decides something (if, and, or) by a number that isn't known while the file is written: say it "
            "with where(x > 0, a, b), maximum, & or |"
        )

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise Unsupported("its rule calls NumPy: use micrograd_plus's own exp, log, where …, which take anything")

    def __float__(self) -> float:
        raise Unsupported("its rule needs a bare number (math.exp, float …): use micrograd_plus's own functions")


def kind_in(x: Any) -> str:
    """The kind of a wire's numbers, of an array's or of a plain number."""
    if isinstance(x, Wire):
        return x.kind
    return kind_of(np.asarray(x).dtype)


class Writer:
    """A graph that grows by `node` and `constant`. `scope` and `row` say what the next nodes are called."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.initializers: dict[str, np.ndarray] = {}
        self.names: set[str] = set()
        self.scope = self.row = ""
        self.batch: tuple[str, int] = ("", 0)  # an input, and its axis that is the batch
        self._constants: dict[tuple, Wire] = {}
        self._made: dict[tuple, Any] = {}

    def node(
        self, operator: str, inputs: list, hint: str = "", *, kind: str = "f", outputs: int = 1, **attributes: Any
    ) -> Any:
        """The result of an operator of ONNX (several Wires for outputs > 1). None stands for an input left out."""
        from onnx import helper

        name = self.free(self._called(hint or operator.lower()))
        names = [name] if outputs == 1 else [self.free(f"{name}.{i}") for i in range(outputs)]
        given = ["" if x is None else self.wire(x).name for x in inputs]
        while given and not given[-1]:
            given.pop()
        self.nodes.append(helper.make_node(operator, given, names, name=name, **attributes))
        wires = [Wire(self, each, kind) for each in names]
        return wires[0] if outputs == 1 else wires

    def called(self, wire: Wire, since: int) -> Wire:
        """The result of a step, made by the nodes since then, gets the step's own name, without a hint."""
        last = self.nodes[-1] if len(self.nodes) > since else None
        if last is not None and list(last.output) == [wire.name]:
            self.names.discard(wire.name)
            wire.name = last.name = last.output[0] = self.free(f"{self.scope}/{self.row}" if self.scope else self.row)
        return wire

    def free(self, name: str) -> str:
        """The name, or where there is one such already, with a number behind it."""
        found, n = name, 1
        while found in self.names:
            n += 1
            found = f"{name}_{n}"
        self.names.add(found)
        return found

    def constant(self, x: Any, name: str = "", kind: str = "") -> Wire:
        """Numbers that are the same in every run; one and the same array is written once."""
        array = np.asarray(x)
        kind = kind or kind_of(array.dtype)
        with np.errstate(over="ignore"):  # what is too large for float32 is inf there
            array = np.array(array, DTYPES[kind], order="C")
        key = array.tobytes(), array.shape, kind, name
        if key not in self._constants:
            name = self.free(name or self._constant_name(array))
            self.initializers[name] = array
            self._constants[key] = Wire(self, name, kind)
        return self._constants[key]

    def wire(self, x: Any, kind: str = "") -> Wire:
        """x as a value of the graph, with numbers of this kind."""
        if not isinstance(x, Wire):
            return self.constant(x, kind=kind)
        if not kind or x.kind == kind:
            return x
        return self.once("Cast", x, kind=kind, to=_type(kind))

    def once(self, operator: str, x: Wire, hint: str = "", *, kind: str = "f", **attributes: Any) -> Wire:
        """A node of one input that is made once, however often it is needed."""
        key = operator, x.name, repr(sorted(attributes.items()))
        if key not in self._made:
            self._made[key] = self.node(operator, [x], hint, kind=kind, **attributes)
        return self._made[key]

    # -- shapes, which may have the size of the batch in them ------------------------------------------------------

    def reshaped(self, x: Wire, shape: tuple, hint: str = "reshape") -> Wire:
        """x in another shape."""
        return self.node("Reshape", [x, self.sizes(shape, rest=True)], hint, kind=x.kind)

    def expanded(self, x: Wire, shape: tuple) -> Wire:
        """x repeated to this shape."""
        return self.node("Expand", [x, self.sizes(shape)], "expand", kind=x.kind)

    def sizes(self, shape: tuple, rest: bool = False) -> Wire:
        """A shape as a value; rest: where the size of the batch is in it once, -1 may stand for it."""
        unknown = [n for n in shape if isinstance(n, Batch)]
        if rest and len(unknown) == 1 and 0 not in shape:
            shape, unknown = tuple([-1 if isinstance(n, Batch) else n for n in shape]), []
        if not unknown:
            return self.constant(np.array(shape, np.int64))
        return self.node("Concat", [self._size(n) for n in shape], "shape", kind="i", axis=0)

    def _size(self, n: int) -> Wire:
        if not isinstance(n, Batch):
            return self.constant(np.array([n], np.int64))
        name, axis = self.batch
        size = self.once("Shape", Wire(self, name), "batch", kind="i", start=axis, end=axis + 1)
        return size if n.times == 1 else size * np.array([n.times], np.int64)

    def _constant_name(self, array: np.ndarray) -> str:
        """A name for numbers that have none: what they are, if they are few."""
        if not array.ndim:
            return f"{array.dtype.name.rstrip('0123456789')} {array.item():g}"
        if array.ndim == 1 and array.dtype.kind == "i" and len(array) <= FEW:
            return f"[{','.join(map(str, array.tolist()))}]"
        return self._called("constant")

    def _called(self, hint: str) -> str:
        """A name for something in the step that is being written."""
        return f"{self.scope}/{self.row}.{hint}" if self.scope else f"{self.row}.{hint}"


def _type(kind: str) -> int:
    from onnx import TensorProto

    return {"f": TensorProto.FLOAT, "i": TensorProto.INT64, "b": TensorProto.BOOL}[kind]


# -- the elementary functions, for wires ---------------------------------------------------------------------------


def _of_one(operator: str) -> Callable:
    return lambda x: x.writer.node(operator, [x.writer.wire(x, "f")])


def _keeping_kind(operator: str) -> Callable:
    return lambda x: x.writer.node(operator, [x], kind=x.kind)


def _of_two(operator: str) -> Callable:
    def both(a: Any, b: Any) -> Wire:
        return (a if isinstance(a, Wire) else b)._arithmetic(operator, a, b)

    return both


def choose(condition: Wire, a: Any, b: Any) -> Wire:
    """a where the condition holds, b elsewhere."""
    writer = condition.writer
    kind = max((kind_in(a), kind_in(b)), key="bif".index)
    return writer.node("Where", [writer.wire(condition, "b"), writer.wire(a, kind), writer.wire(b, kind)], kind=kind)


# fmt: off
FUNCTIONS = SimpleNamespace(
    exp=_of_one("Exp"), log=_of_one("Log"), sqrt=_of_one("Sqrt"), sin=_of_one("Sin"), cos=_of_one("Cos"),
    tan=_of_one("Tan"), sinh=_of_one("Sinh"), cosh=_of_one("Cosh"), tanh=_of_one("Tanh"), arctan=_of_one("Atan"),
    sigmoid=_of_one("Sigmoid"), softplus=_of_one("Softplus"), relu=_keeping_kind("Relu"), abs=abs,
    sign=_keeping_kind("Sign"), pow=_of_two("Pow"), maximum=_of_two("Max"), minimum=_of_two("Min"), where=choose,
    expm1=lambda x: _of_one("Exp")(x) - 1.0,
    log1p=lambda x: _of_one("Log")(1.0 + x),
    erfc=lambda x: 1.0 - _of_one("Erf")(x),
    step=lambda x: x.writer.wire(x > 0, "f"),
)
# fmt: on
maths.register(Wire, FUNCTIONS)
