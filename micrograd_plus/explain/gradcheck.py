"""Is a gradient right? Backward's numbers beside numbers that need no rule: differences of the function itself.

    analytic    what backward() gives
    numeric     (f(x + h) - f(x - h)) / 2h, the central difference. Its step h is the cube root of the precision:
                smaller, and rounding in f drowns the difference; larger, and the curve bends between the two points
    complex     Im f(x + ih) / h: no difference, so no rounding, and h may be 1e-20 (Squire and Trapp, 1998). It needs
                an f that runs on complex numbers

Where they differ, the likely mistake is named. Nothing of yours is changed: `.data` and `.grad` are put back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .checking.check import Options, check
from .checking.error_over_h import error_over_h as error_over_h  # plots.gradcheck asks for it here
from .checking.result import GradCheck


def gradcheck(
    f: Callable, *inputs: Any, rtol: float | None = None, atol: float | None = None, sample: int = 200, seed: int = 0
) -> GradCheck:
    """Compare the gradient of f at the inputs with differences of f.

    f: a function of Values or Tensors that gives Values or Tensors (one, or a list of them); a module, of which the
    parameters are checked too; or a row of the table (which needs no inputs: it is checked at a few points).
    inputs: Values, Tensors, or floats and float arrays that become such, and lists of them; anything else (integer
    labels, text) is handed to f as it is. rtol, atol: what counts as equal (fit for the dtype unless given).
    Of several outputs the gradient shown is that of their sum. Then it is checked once more with the outputs weighted
    at random, which finds rules that are right for a sum alone. Hooks aren't called. Next to a pole or an edge a number
    may be "not finite": it can't be checked, and isn't counted as wrong.
    sample: about so many numbers are checked at most, chosen with `seed`. ValueError for an f that gives other numbers
    when it is called again (dropout), or not finite ones; TypeError for one that gives no Value or Tensor.

    >>> from micrograd_plus import Unary, tanh
    >>> bool(gradcheck(lambda a, b: (a * b).tanh(), 0.5, -2.0))
    True
    >>> wrong = Unary("wrong", tanh.forward, lambda y, x: 1 - x * x)
    >>> print(gradcheck(wrong, 0.5).hints[0])
    x: the slope is right with y and x exchanged: the rule is called as slope(y, x, …), y first
    """
    _need_function(f, "gradcheck")
    return check(f, inputs, Options(rtol, atol, sample, seed))


def gradgradcheck(
    f: Callable, *inputs: Any, rtol: float | None = None, atol: float | None = None, sample: int = 200, seed: int = 0
) -> GradCheck:
    """Like gradcheck, for second derivatives: the gradient of f's gradient against differences of the gradient.

    >>> bool(gradgradcheck(lambda a, b: a**3 * b, 0.5, -2.0))
    True
    """
    _need_function(f, "gradgradcheck")
    return check(f, inputs, Options(rtol, atol, sample, seed), second=True)


def _need_function(f: Any, who: str) -> None:
    if not callable(f):
        raise TypeError(
            f"{who} needs a function first, and then its inputs, got {type(f).__name__} {f!r:.60}: "
            f"{who}(lambda x: x * x, 3.0), a module, or a row of the table"
        )
