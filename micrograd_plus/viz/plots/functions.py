"""Functions: the activation functions and their slopes; how far differences of a function are from its slope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ...engine import TABLE, Op, Unary, grad
from . import style

USUAL = ("relu", "tanh", "sigmoid", "gelu")
SETTINGS = {"leaky_relu": 0.01, "elu": 1.0}  # PyTorch's, where a row's second operand is a setting
NO_ERROR = 1e-17  # where an error of 0 is drawn: the axis is logarithmic


def activation_functions(
    *functions: str | Callable, low: float = -4.0, high: float = 4.0, slopes: bool = True, ax: Axes | None = None
) -> Axes:
    """Functions of one number from low to high and, dashed, their slopes (dy/dx), as the engine's table has them.

    functions: names of the table ("tanh"), rows of your own (`Unary`), or functions made of our operations, whose
    slope is `grad` of them. Unless given: relu, tanh, sigmoid and gelu. slopes: False leaves the slopes out. Where a
    function isn't finite (log below 0) the line has a gap, and what is steep leaves the picture. ValueError for an
    unknown name, TypeError for a row of several inputs.

    >>> from micrograd_plus import Unary, plots
    >>> cube = Unary("cube", lambda x: x**3, lambda y, x: 3 * x**2)
    >>> ax = plots.activation_functions("tanh", cube)
    >>> [line.get_label() for line in ax.lines]
    ['tanh', 'slope of tanh', 'cube', 'slope of cube']
    """
    if not all(isinstance(x, (int, float)) and abs(x) < 1e300 for x in (low, high)) or not low < high:
        raise ValueError(f"low must be below high, and both finite; got low={low!r}, high={high!r}")
    xs = np.linspace(low, high, 401)
    curves = [(name_of(f), *_curve(f, xs)) for f in functions or USUAL]
    ax = style.axes_or_new(ax)
    for i, (name, ys, dys) in enumerate(curves):
        ax.plot(xs, ys, color=style.color(ax, i), label=name)
        if slopes:
            ax.plot(xs, dys, color=style.color(ax, i), linestyle="--", linewidth=1.1, label=f"slope of {name}")
    ax.grid(alpha=0.25)
    far, (bottom, top) = max(abs(low), abs(high)), ax.get_ylim()
    ax.set_ylim(max(bottom, -1.05 * far), min(top, 1.05 * far))  # what is steep must not flatten all the rest
    ax.set(xlabel="x", ylabel="y" + (" and dy/dx" if slopes else ""), xlim=(low, high))
    what = "Activation functions" if not functions else curves[0][0] if len(curves) == 1 else "Functions"
    whose = "its slope" if len(curves) == 1 else "their slopes"
    style.titled(ax, what + (f" and {whose}" if slopes else ""))
    handles = [line for line in ax.lines if line.get_linestyle() == "-"]
    if slopes:
        handles.append(Line2D([], [], color=style.ink(ax), linestyle="--", linewidth=1.1, label="slope (dy/dx)"))
    style.legend_below(ax, handles)
    return ax


def plot_gradcheck(f: Callable, *inputs: Any, steps: int = 49, ax: Axes | None = None) -> Axes:
    """How wrong a slope is that is taken by a step h, for h from 0.1 down to 1e-16: why differences only ever check.

    Too large a step, and the curve bends between its ends; too small, and rounding drowns the difference. A central
    difference errs by h², a one-sided one by h, the complex step not by rounding at all (where f runs on complex
    numbers). The errors are relative to the slope of backward(), all inputs moved at once; 0 is drawn at 1e-17.
    f, inputs: as for explain.gradcheck. steps: how many h.

    >>> from micrograd_plus import plots
    >>> ax = plots.plot_gradcheck(lambda x: x.exp(), 1.0)
    >>> [line.get_label() for line in ax.lines]
    ['one-sided difference', 'central difference', 'complex step']
    """
    from ...explain.gradcheck import error_over_h

    if not isinstance(steps, (int, np.integer)) or steps < 2:
        raise ValueError(f"steps is the number of different h, at least 2; got {steps!r}")
    found = error_over_h(f, *inputs, steps=steps)
    curves = {"one-sided difference": found.forward, "central difference": found.central}
    if found.complex_step is not None:
        curves["complex step"] = found.complex_step
    ax = style.axes_or_new(ax)
    for i, (name, errors) in enumerate(curves.items()):
        ys = np.where(np.isfinite(errors), np.maximum(errors, NO_ERROR), np.nan)
        ax.plot(found.hs, ys, color=style.color(ax, i), linestyle=("-", "--", "-.")[i], label=name)
    ax.set(xscale="log", yscale="log", xlabel="step h (log scale)", ylabel="relative error (log scale)")
    ax.grid(alpha=0.25)
    style.titled(
        ax, "A slope by differences, next to backward()", "on the right the curve bends, on the left rounding wins"
    )
    style.legend_below(ax)
    return ax


def name_of(function: str | Callable) -> str:
    """What a legend calls it."""
    name = function if isinstance(function, str) else getattr(function, "name", getattr(function, "__name__", "y"))
    return style.as_text(name)


def _curve(function: str | Callable, xs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """y and dy/dx at each x; nan where they aren't finite."""
    f, slope = _with_slope(function)
    with np.errstate(all="ignore"):  # log below 0 and the like become gaps
        ys = _at_each(f, xs)
        dys = _at_each(slope, xs, ys)
    known = np.isfinite(ys)
    return np.where(known, ys, np.nan), np.where(known & np.isfinite(dys), dys, np.nan)


def _with_slope(function: str | Callable) -> tuple[Callable, Callable]:
    """x ↦ y, and (x, y) ↦ dy/dx: the two columns of a row of the table."""
    if isinstance(function, str):
        if function not in TABLE:
            raise ValueError(f"no operation {function!r} in the table; there are {', '.join(_drawable())}")
        function = TABLE[function]
    if isinstance(function, Op) and function.name in SETTINGS:
        row, s = function, SETTINGS[function.name]
        return (lambda x: row.forward(x, s)), (lambda x, y: row.rules[0](y, x, s))
    if isinstance(function, Unary):
        row = function
        return row.forward, lambda x, y: row.rules[0](y, x)
    if isinstance(function, Op):
        raise TypeError(
            f"`{function.name}` has several inputs, and a curve is of one: give lambda x: {function.name}(x, 1)"
        )
    if isinstance(function, type) or not callable(function):
        raise TypeError(f"a function is a name such as 'tanh', a Unary row or something to call, got {function!r:.60}")
    derivative = grad(function)
    return function, lambda x, y: derivative(x)


def _drawable() -> list[str]:
    return [name for name, row in TABLE.items() if isinstance(row, Unary) or name in SETTINGS]


def _at_each(f: Callable, xs: np.ndarray, *more: np.ndarray) -> np.ndarray:
    """f of all numbers at once, or one by one where it knows single numbers only."""
    try:
        found = np.asarray(f(xs, *more), dtype=float)
        if found.shape in ((), xs.shape):
            return np.broadcast_to(found, xs.shape)
    except (TypeError, ValueError, ArithmeticError):
        pass
    return np.array([_or_nan(f, *numbers) for numbers in zip(xs.tolist(), *map(np.ndarray.tolist, more), strict=True)])


def _or_nan(f: Callable, *numbers: float) -> float:
    try:
        return float(f(*numbers))
    except (ValueError, ArithmeticError):
        return np.nan
