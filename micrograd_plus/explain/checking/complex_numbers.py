"""Complex numbers that the rules of the table run on, and what stands in for a Value while they do."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from ...engine import maths
from ...engine.arithmetic import Arithmetic
from ...engine.graph import Many, Node, Op
from ...engine.value import Value


class Complex:
    """A complex number for rules to run on: comparisons look at its real part, |x| is -x on the left of 0."""

    def __init__(self, z: complex):
        self.z = z

    # fmt: off
    def __add__(self, other: Any) -> Any: return Complex(self.z + as_complex(other))
    def __sub__(self, other: Any) -> Any: return Complex(self.z - as_complex(other))
    def __rsub__(self, other: Any) -> Any: return Complex(as_complex(other) - self.z)
    def __mul__(self, other: Any) -> Any: return Complex(self.z * as_complex(other))
    def __truediv__(self, other: Any) -> Any: return Complex(self.z / as_complex(other))
    def __rtruediv__(self, other: Any) -> Any: return Complex(as_complex(other) / self.z)
    def __pow__(self, other: Any) -> Any: return _power(self, other)
    def __rpow__(self, other: Any) -> Any: return _power(other, self)
    def __neg__(self) -> Any: return Complex(-self.z)
    def __abs__(self) -> Any: return -self if self.z.real < 0 else self
    def __lt__(self, other: Any) -> bool: return self.z.real < as_complex(other).real
    def __le__(self, other: Any) -> bool: return self.z.real <= as_complex(other).real
    def __gt__(self, other: Any) -> bool: return self.z.real > as_complex(other).real
    def __ge__(self, other: Any) -> bool: return self.z.real >= as_complex(other).real
    # fmt: on
    __radd__, __rmul__ = __add__, __mul__


def as_complex(x: Any) -> complex:
    """x as one of Python's complex numbers."""
    return x.z if isinstance(x, Complex) else complex(x)


def _power(a: Any, b: Any) -> Complex:
    a, b = as_complex(a), as_complex(b)
    if b.imag == 0 and b.real.is_integer() and abs(b.real) < 100:
        return Complex(a ** int(b.real))  # exact, where exp(b log a) would round
    return Complex(a**b)


def _unknown(*xs: Any) -> Any:
    raise TypeError("erfc (and so gelu) is not known for complex numbers")


def _smooth(function: Callable) -> Callable:
    return lambda x: Complex(function(x.z))


maths.register(
    Complex,
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
        relu=lambda x: x if x > 0 else Complex(0j),
        step=lambda x: 1.0 if x > 0 else 0.0,
        sign=lambda x: float(x > 0) - float(x < 0),
        maximum=lambda a, b: a if as_complex(a).real >= as_complex(b).real else b,
        minimum=lambda a, b: a if as_complex(a).real <= as_complex(b).real else b,
    ),
)


class ComplexValue(Arithmetic):
    """What stands in for a Value while f runs on complex numbers: the same methods, no graph."""

    __slots__ = ("number",)

    def __init__(self, number: Any):
        self.number = number

    def apply(self, op: Op, *operands: Any, **settings: Any) -> Any:
        """op of these, as a number without a graph."""
        return ComplexValue(op.forward(*map(bare, operands)))

    def apply_many(self, op: Many, operands: tuple, **settings: Any) -> Any:
        """The same for an op of any number of operands."""
        return ComplexValue(op.forward([bare(x) for x in operands]))

    # fmt: off
    def __lt__(self, other: Any) -> bool: return bool(self.number < bare(other))
    def __le__(self, other: Any) -> bool: return bool(self.number <= bare(other))
    def __gt__(self, other: Any) -> bool: return bool(self.number > bare(other))
    def __ge__(self, other: Any) -> bool: return bool(self.number >= bare(other))
    # fmt: on


def bare(x: Any) -> Any:
    """The number in a Value, or in what stands in for one; other numbers as they are."""
    if isinstance(x, ComplexValue):
        return x.number
    if isinstance(x, Node):
        if not isinstance(x, Value):
            raise TypeError("arrays are not run on complex numbers here")
        return x.data  # a number of the world around f
    return x
