"""THE TABLE: one row an operation, its value and its local derivatives ("slopes").

Its vocabulary:

    y        what the operation gives
    x        the input of an operation with one input;  a, b  of one with two;  xs  of one with any number
    dy/da    the slope: by how much y changes for a small change of a, all else fixed
    g        d(root)/dy: what arrives at y on the way back (only in rows that aren't pointwise)
    m        the elementary functions for whatever type x has (maths.py)

A rule is only arithmetic, so each row is read four ways. With numbers or arrays it computes. With nodes it builds
the graph of the derivative (a slope may use other ops of the table). With symbols it writes itself down, and the
tests prove each smooth row: diff(y) - slope == 0. With names it can become a line of a compiled program.

A rule must be pure: it speaks of y and its inputs only. A number that may change is an input (`s` of leaky_relu), not a
variable of the cell around it: a Value takes its slopes when it is computed, a Tensor when it is differentiated.

Where a function has a kink, the slope there is PyTorch's choice, and the comment beside the row says it.
A row of your own, in your own notebook, is complete as it is:

>>> from micrograd_plus import Unary, Value, exp, log, sigmoid
>>> softplus2 = Unary("softplus2", lambda x: log(1 + exp(x)), lambda y, x: sigmoid(x))
>>> x = Value(0.0)
>>> softplus2(x).backward(); x.grad
0.5
"""

from __future__ import annotations

import math

from . import maths as m
from .graph import Binary, Many, Node, Op, Ternary, Unary

SQRT2, PHI0 = math.sqrt(2), 1 / math.sqrt(2 * math.pi)  # PHI0: the bell curve's height at 0


def _pow_slope_a(y, a, b):
    constant = is_zero(b)  # x**0 is 1 everywhere: slope 0, also at 0
    if isinstance(b, Node):  # beside b = 0 the slope isn't 0, which the next derivative asks for
        constant = constant & is_zero(a)
    if constant.__class__ is bool:
        return 0 if constant else b * a ** (b - 1)
    less = where(constant, 1, b - 1) if isinstance(a, Node) else b - 1  # 0**-1 has infinite slopes, though unused
    return where(constant, 0, b * a**less)


def _pow_slope_b(y, a, b):
    constant = is_zero(a) & (b >= 0)  # 0**b stays 0 when b grows: slope 0, not 0 * log(0)
    if isinstance(y, Node):  # log(0) has infinite slopes, though unused
        a = where(constant, 1.0, a)
    log_a = log(where(a >= 0, a, math.nan))
    return where(constant, 0, y * log_a)


# fmt: off
#                        name          y =                               dy/dx =
itself     = Unary("itself",           lambda x: x,                      lambda y, x: 1)
neg        = Unary("neg",              lambda x: -x,                     lambda y, x: -1)
exp        = Unary("exp",              m.exp,                            lambda y, x: y)
expm1      = Unary("expm1",            m.expm1,                          lambda y, x: exp(x))
log        = Unary("log",              m.log,                            lambda y, x: 1 / x)
log1p      = Unary("log1p",            m.log1p,                          lambda y, x: 1 / (1 + x))
sqrt       = Unary("sqrt",             m.sqrt,                           lambda y, x: 0.5 / y)               # at 0: inf
sin        = Unary("sin",              m.sin,                            lambda y, x: cos(x))
cos        = Unary("cos",              m.cos,                            lambda y, x: -sin(x))
tan        = Unary("tan",              m.tan,                            lambda y, x: 1 + y * y)
sinh       = Unary("sinh",             m.sinh,                           lambda y, x: cosh(x))
cosh       = Unary("cosh",             m.cosh,                           lambda y, x: sinh(x))
tanh       = Unary("tanh",             m.tanh,                           lambda y, x: 1 - y * y)
arctan     = Unary("arctan",           m.arctan,                         lambda y, x: 1 / (1 + x * x))
erfc       = Unary("erfc",             m.erfc,                           lambda y, x: -2 * SQRT2 * PHI0 * exp(-x * x))
sigmoid    = Unary("sigmoid",          m.sigmoid,                        lambda y, x: y * sigmoid(-x))         # 1 - y, with all its digits
softplus   = Unary("softplus",         m.softplus,                       lambda y, x: sigmoid(x))
silu       = Unary("silu",             lambda x: x * sigmoid(x),         lambda y, x: sigmoid(x) + y * sigmoid(-x))
gelu       = Unary("gelu",             lambda x: x * normal_cdf(x),      lambda y, x: normal_cdf(x) + x * normal_pdf(x))
relu       = Unary("relu",             m.relu,                           lambda y, x: step(x), symbol="ReLU")  # at 0: 0
abs_       = Unary("abs",              m.abs_,                           lambda y, x: sign(x))               # at 0: 0
sign       = Unary("sign",             m.sign,                           lambda y, x: 0)                     # at 0: 0
step       = Unary("step",             m.step,                           lambda y, x: 0)                     # at 0: 0

#                        name          y =                               dy/da =                             dy/db =
add        = Binary("add",             lambda a, b: a + b,               lambda y, a, b: 1,                  lambda y, a, b: 1,                 symbol="+")
sub        = Binary("sub",             lambda a, b: a - b,               lambda y, a, b: 1,                  lambda y, a, b: -1,                symbol="-")
mul        = Binary("mul",             lambda a, b: a * b,               lambda y, a, b: b,                  lambda y, a, b: a,                 symbol="*")
div        = Binary("div",             lambda a, b: a / b,               lambda y, a, b: 1 / b,              lambda y, a, b: -y / b,            symbol="/")
pow_       = Binary("pow",             m.pow_,                           _pow_slope_a,                        _pow_slope_b,                      symbol="**")  # x**0: 0
maximum    = Binary("maximum",         m.maximum,                        lambda y, a, b: share(a, b),        lambda y, a, b: share(b, a))       # a tie: half each
minimum    = Binary("minimum",         m.minimum,                        lambda y, a, b: share(b, a),        lambda y, a, b: share(a, b))       # a tie: half each
leaky_relu = Binary("leaky_relu",      lambda x, s: where(x > 0, x, s * x),              lambda y, x, s: where(x > 0, 1, s),        lambda y, x, s: where(x > 0, 0, x))              # at 0: s
elu        = Binary("elu",             lambda x, s: where(x > 0, x, s * expm1(below(x))), lambda y, x, s: where(x > 0, 1, s * exp(below(x))),   lambda y, x, s: where(x > 0, 0, expm1(below(x))))  # at 0: s

#                        name          y =                               one slope an input
where      = Ternary("where",          m.where,                          lambda y, c, a, b: 0,               lambda y, c, a, b: where(c, 1.0, 0.0),   lambda y, c, a, b: where(c, 0.0, 1.0))
clip       = Ternary("clip",           lambda x, lo, hi: minimum(maximum(x, lo), hi),    # at lo and hi: 1, they count as inside
                                       lambda y, x, lo, hi: where((x >= lo) & (x <= hi), 1.0, 0.0),  lambda y, x, lo, hi: where((x < lo) & (lo <= hi), 1.0, 0.0),  lambda y, x, lo, hi: where(maximum(x, lo) > hi, 1.0, 0.0))

#                        name          y =                               what input i receives
sum_       = Many("sum",               lambda xs: _add_up(xs),           lambda g, y, xs, i: g, broadcasts=True)
# fmt: on


def share(a, b):
    """The slope of maximum(a, b) for a: 1 where a is larger, 0 where b is, half where they tie."""
    return where(a > b, 1.0, where(a < b, 0.0, 0.5))


def is_zero(x):
    """Whether x is 0; written so because == of two nodes asks whether they are the same node."""
    return (x >= 0) & (x <= 0)


def below(x):
    """The smaller of x and 0: keeps exp from overflowing on the side that isn't used."""
    return minimum(x, 0.0)


def normal_pdf(x):
    """The bell curve: the density of the standard normal distribution."""
    return PHI0 * exp(-0.5 * x * x)


def normal_cdf(x):
    """The area under the bell curve left of x."""
    return 0.5 * erfc(-x / SQRT2)


def _add_up(xs):
    total = 0.0  # from left to right: Python's own sum() of floats rounds differently from version to version
    for x in xs:
        total = total + x
    return total


TABLE: dict[str, Op] = {row.name: row for row in list(globals().values()) if isinstance(row, Op)}
TABLES = [TABLE]  # whoever has a table of rows adds it here, as nn/losses.py does
