"""The edges of arithmetic: what Python's floats refuse, a Value answers as IEEE 754 has it, and NumPy after it."""

import math
import operator

import numpy as np
import pytest

from micrograd_plus import Value
from micrograd_plus.engine.edges import Careful, at_the_edge

inf, nan = math.inf, math.nan
NUMBERS = (0.0, -0.0, 0.5, 1.0, -1.0, 2.0, 3.0, -3.0, -2.5, 1e200, -1e200, 1e-300, -1e-300, inf, -inf, nan)
OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow}


def same(a, b):
    """Equal to an ulp or so, with the sign of a zero; nan is nan."""
    return a != a if b != b else math.isclose(a, b, rel_tol=1e-15) and math.copysign(1, a) == math.copysign(1, b)


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize("a", NUMBERS)
def test_two_careful_floats_answer_as_numpy_does(sign, a):
    for b in NUMBERS:
        with np.errstate(all="ignore"):
            want = float(OPERATORS[sign](np.float64(a), np.float64(b)))
        for x, y in ((Careful(a), Careful(b)), (a, Careful(b)), (Careful(a), b)):
            got = OPERATORS[sign](x, y)
            assert same(got, want), f"{a} {sign} {b}: {got}, wanted {want}"
            assert type(got) is Careful  # so that the next step of a rule is careful, too


def test_a_careful_float_stays_careful_with_a_minus():
    assert type(-Careful(0.0)) is Careful
    assert 1 / -Careful(0.0) == -inf


def test_what_is_no_number_answers_for_itself():
    for how in OPERATORS.values():
        assert how(Careful(2.0), np.array([2.0, 4.0])).shape == (2,)
        assert isinstance(how(Careful(2.0), Value(3.0)), Value)


@pytest.mark.parametrize(
    ("name", "x", "want"),
    [
        ("exp", 1000.0, inf),
        ("exp", -1000.0, 0.0),
        ("sinh", 1000.0, inf),
        ("sinh", -1000.0, -inf),
        ("cosh", -1000.0, inf),
        ("log", 0.0, -inf),
        ("log1p", -1.0, -inf),
    ],
)
def test_functions_at_the_edge(name, x, want):
    assert getattr(Value(x), name)().data == want


def test_what_is_not_real_is_refused_with_its_number():
    with pytest.raises(ValueError, match=r"`log` of \(-1\) is not a real number"):
        Value(-1.0).log()
    with pytest.raises(ValueError, match=r"`pow` of \(-8, 0.5\) is not a real number"):
        Value(-8.0) ** 0.5


def test_a_whole_number_that_no_float_holds_is_refused():
    with pytest.raises(OverflowError, match="`mul`: a whole number of more than 308 digits"):
        at_the_edge("mul", operator.mul, [2.0, 10**400])
