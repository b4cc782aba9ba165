"""Python's operators and the named methods, for whatever an Op applies to.

A class that says what the application of an op becomes (`apply`) gets all of these for nothing. Methods of the
same names as PyTorch's. `==` is not overloaded: nodes are compared by identity, and can be keys of a dict.
"""

from __future__ import annotations

from typing import Any, Self

from . import ops
from .graph import Operand

# NumPy's functions that are ops here, and its operators with an array on either side: `np.exp(x)`, `array < x`.
NUMPYS: dict[str, Any] = {
    name: getattr(ops, name)
    for name in "exp expm1 log log1p sqrt sin cos tan sinh cosh tanh arctan sign maximum minimum".split()
} | {
    "add": ops.add, "subtract": ops.sub, "multiply": ops.mul, "divide": ops.div, "power": ops.pow_,
    "float_power": ops.pow_, "negative": ops.neg, "absolute": ops.abs_,
}  # fmt: skip
OPERATORS = {
    "less": ("__lt__", "__gt__"), "less_equal": ("__le__", "__ge__"), "greater": ("__gt__", "__lt__"),
    "greater_equal": ("__ge__", "__le__"), "matmul": ("__matmul__", "__rmatmul__"),
}  # fmt: skip


class Arithmetic(Operand):
    """`+ - * / **` with an operand or a number on either side, and x.exp(), x.tanh() …"""

    __slots__ = ()

    # fmt: off
    def __add__(self, other: Any) -> Self: return self.apply(ops.add, self, other)
    def __radd__(self, other: Any) -> Self: return self.apply(ops.add, other, self)
    def __sub__(self, other: Any) -> Self: return self.apply(ops.sub, self, other)
    def __rsub__(self, other: Any) -> Self: return self.apply(ops.sub, other, self)
    def __mul__(self, other: Any) -> Self: return self.apply(ops.mul, self, other)
    def __rmul__(self, other: Any) -> Self: return self.apply(ops.mul, other, self)
    def __truediv__(self, other: Any) -> Self: return self.apply(ops.div, self, other)
    def __rtruediv__(self, other: Any) -> Self: return self.apply(ops.div, other, self)
    def __pow__(self, other: Any) -> Self: return self.apply(ops.pow_, self, other)
    def __rpow__(self, other: Any) -> Self: return self.apply(ops.pow_, other, self)
    def __neg__(self) -> Self: return self.apply(ops.neg, self)
    def __pos__(self) -> Self: return self
    def __abs__(self) -> Self: return self.apply(ops.abs_, self)

    def abs(self) -> Self: return self.apply(ops.abs_, self)
    def exp(self) -> Self: return self.apply(ops.exp, self)
    def expm1(self) -> Self: return self.apply(ops.expm1, self)
    def log(self) -> Self: return self.apply(ops.log, self)
    def log1p(self) -> Self: return self.apply(ops.log1p, self)
    def sqrt(self) -> Self: return self.apply(ops.sqrt, self)
    def sin(self) -> Self: return self.apply(ops.sin, self)
    def cos(self) -> Self: return self.apply(ops.cos, self)
    def tan(self) -> Self: return self.apply(ops.tan, self)
    def sinh(self) -> Self: return self.apply(ops.sinh, self)
    def cosh(self) -> Self: return self.apply(ops.cosh, self)
    def tanh(self) -> Self: return self.apply(ops.tanh, self)
    def arctan(self) -> Self: return self.apply(ops.arctan, self)
    def erfc(self) -> Self: return self.apply(ops.erfc, self)
    def sigmoid(self) -> Self: return self.apply(ops.sigmoid, self)
    def softplus(self) -> Self: return self.apply(ops.softplus, self)
    def silu(self) -> Self: return self.apply(ops.silu, self)
    def gelu(self) -> Self: return self.apply(ops.gelu, self)
    def relu(self) -> Self: return self.apply(ops.relu, self)
    def sign(self) -> Self: return self.apply(ops.sign, self)
    def step(self) -> Self: return self.apply(ops.step, self)
    def pow(self, exponent: Any) -> Self: return ops.pow_(self, exponent)
    def leaky_relu(self, negative_slope: Any = 0.01) -> Self: return ops.leaky_relu(self, negative_slope)
    def elu(self, alpha: Any = 1.0) -> Self: return ops.elu(self, alpha)
    def maximum(self, other: Any) -> Self: return ops.maximum(self, other)
    def minimum(self, other: Any) -> Self: return ops.minimum(self, other)
    # fmt: on

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """np.exp(x), np.maximum(x, 0), array * x …: NumPy asks, and gets the op of the same meaning."""
        name = ufunc.__name__
        if method == "__call__" and not kwargs:
            if name in NUMPYS:
                return NUMPYS[name](*inputs)
            if name in OPERATORS:  # self is on the right where NumPy's array stood on the left
                on_the_left, on_the_right = OPERATORS[name]
                if inputs[0] is self:
                    return getattr(self, on_the_left)(inputs[1])
                return getattr(self, on_the_right)(inputs[0])
        raise TypeError(
            f"np.{name} can't follow the gradient of a {type(self).__name__}: use its own operators and methods; "
            ".data gives the bare numbers"
        )

    def clip(self, min: Any = None, max: Any = None) -> Self:
        """The value held between min and max (either may be left out)."""
        if min is None and max is None:
            raise ValueError("clip needs min or max, or both: x.clip(0, 1)")
        return ops.clip(self, float("-inf") if min is None else min, float("inf") if max is None else max)

    clamp = clip
