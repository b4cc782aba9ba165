"""Optimiser race: several optimisers walk down the same loss of two numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import isfunction, signature
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ...engine import Tensor, Value, no_grad
from . import style
from .asking import numbers
from .landscape import check_function, one_number, or_nan
from .surface import box_around, draw_paths, draw_surface

FAR = 1e6  # a number beyond it has left for good
GRID = 61  # points an axis


def race(
    loss: Callable[[Any, Any], Any],
    optimizers: Mapping[str, Callable[[list], Any]],
    start: Sequence[float],
    *,
    steps: int = 100,
) -> dict[str, np.ndarray]:
    """Let each optimiser minimise a loss of two numbers from the same start: rows (x, y, loss), one a step.

    loss: a function of two Values (or, if it can't take those, two Tensors of one number). optimizers: {name: function
    of the list of parameters that makes one}, such as {"SGD": lambda p: optim.SGD(p, lr=0.1)}; each gets its own
    parameters. The first row is the start; a walk that leaves (nan, or beyond a million) ends there. TypeError or
    ValueError for what can't race.

    >>> from micrograd_plus import optim, plots
    >>> paths = plots.race(lambda x, y: x**2 + y**2, {"SGD": lambda p: optim.SGD(p, lr=0.25)}, (2.0, 4.0), steps=2)
    >>> paths["SGD"].tolist()
    [[2.0, 4.0, 20.0], [1.0, 2.0, 5.0], [0.5, 1.0, 1.25]]
    """
    check_function(loss)
    if not isinstance(optimizers, Mapping) or not optimizers:
        raise TypeError(
            'optimizers must be {name: function that makes one}, as {"SGD": lambda p: optim.SGD(p, lr=0.1)}; '
            f"got {optimizers!r:.60}"
        )
    if not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ValueError(f"steps must be a whole number, at least 1; got {steps!r}")
    begin = numbers(start)
    if begin.shape != (2,) or not np.isfinite(begin).all():
        raise ValueError(f"start must be two finite numbers, as (-1.5, 2.0); got {start!r:.60}")
    kind = _kind(loss, begin)
    return {name: _walk(loss, name, make, begin, steps, kind) for name, make in optimizers.items()}


def optimizer_race(
    loss: Callable[[Any, Any], Any],
    optimizers: Mapping[str, Callable[[list], Any]],
    start: Sequence[float],
    *,
    steps: int = 100,
    xlim: tuple[float, float] | None = None,
    ylim: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The walks of `race` (see there for loss, optimizers, start, steps) on the landscape of the loss.

    xlim, ylim: what of the plane is shown; unless given, where the walks are that didn't leave. The legend tells the
    last loss of each.

    >>> from micrograd_plus import optim, plots
    >>> ax = plots.optimizer_race(lambda x, y: x**2 + 3 * y**2, {"SGD": lambda p: optim.SGD(p, lr=0.1)}, (2, 1))
    >>> ax.get_legend().get_texts()[0].get_text()
    'SGD: 1.66e-19'
    """
    for name, limits in (("xlim", xlim), ("ylim", ylim)):
        if limits is not None and np.shape(limits) != (2,):
            raise ValueError(f"{name} must be (low, high), got {limits!r:.40}")
    walks = race(loss, optimizers, start, steps=steps)
    stayed = [walk[:, :2] for walk in walks.values() if walk[-1, 2] <= walk[0, 2]]
    low, high = box_around([next(iter(walks.values()))[:1, :2], *stayed])
    (x0, x1), (y0, y1) = xlim or (low[0], high[0]), ylim or (low[1], high[1])
    if not (x0 < x1 and y0 < y1):
        raise ValueError(f"xlim and ylim must each be (low, high); got {xlim!r} and {ylim!r}")
    xs, ys = np.linspace(x0, x1, GRID), np.linspace(y0, y1, GRID)
    values = _surface(loss, xs, ys, _kind(loss, numbers(start)))
    ax = style.axes_or_new(ax, 6.4, 4.6)
    draw_surface(ax, xs, ys, values)
    draw_paths(ax, {f"{name}: {walk[-1, 2]:.3g}": walk[:, :2] for name, walk in walks.items()})
    names = list(signature(loss).parameters)[:2] if isfunction(loss) else ["first number", "second number"]
    ax.set(xlabel=names[0], ylabel=names[1])
    style.titled(
        ax, "Optimisers on the same loss", f"from the ring, {steps} steps; the loss at the end is in the legend"
    )
    style.legend_below(ax)
    return ax


def _kind(loss: Callable, begin: np.ndarray) -> type:
    """Values if the loss takes them, else Tensors. The loss's own error if it takes neither."""
    try:
        y = loss(*map(Value, begin.tolist()))
    except (TypeError, AttributeError):
        kind: type = Tensor
        y = loss(*map(Tensor, begin))
    else:
        kind = Value
    if not hasattr(y, "backward"):
        raise TypeError(f"the loss must be made of our operations, so that it has a gradient; it gave {y!r:.60}")
    if not np.isfinite(one_number(y)):
        raise ValueError(f"the loss is {one_number(y)} at the start {begin.tolist()}: begin where it is finite")
    return kind


def _walk(loss: Callable, name: str, make: Callable, begin: np.ndarray, steps: int, kind: type) -> np.ndarray:
    """The points and losses of one optimiser, (steps + 1, 3), or fewer if it leaves."""
    if not callable(make):
        raise TypeError(f"optimizers[{name!r}] must be a function of the parameters, got {make!r:.60}")
    parameters = [kind(number) for number in begin.tolist()]
    optimizer = make(parameters)
    if not callable(getattr(optimizer, "step", None)):
        raise TypeError(
            f"optimizers[{name!r}] made {optimizer!r:.60}, which has no step(): it must return an optimiser"
        )
    rows = []
    with np.errstate(all="ignore"):
        for i in range(steps + 1):
            try:
                y = loss(*parameters)
            except (ValueError, ArithmeticError):  # it has gone where the loss isn't defined
                break
            row = [*(float(numbers(p)) for p in parameters), one_number(y)]
            if not np.isfinite(row).all() or max(map(abs, row[:2])) > FAR:
                break
            rows.append(row)
            if i < steps:
                for p in parameters:
                    p.zero_grad()
                y.backward()
                optimizer.step()
    return np.array(rows)


def _surface(loss: Callable, xs: np.ndarray, ys: np.ndarray, kind: type) -> np.ndarray:
    """The loss at each (x, y), (len(ys), len(xs)): all at once where the loss can, else one by one."""
    grid = np.meshgrid(xs, ys)
    with no_grad(), np.errstate(all="ignore"):
        try:
            found = numbers(loss(*map(Tensor, grid)))
            one = or_nan(loss, kind(xs[0]), kind(ys[0]))
            if found.shape == grid[0].shape and np.isclose(found[0, 0], one, equal_nan=True):
                return found
        except (TypeError, ValueError, AttributeError):
            pass
        return np.array([[or_nan(loss, kind(x), kind(y)) for x in xs.tolist()] for y in ys.tolist()])
