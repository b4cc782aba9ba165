"""Checks of how large the gradients are."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..finite import numbers_of
from .case import Case
from .measures import root_mean_square, sum_of_squares
from .report import INFO, WARNING, Finding
from .units import relus

LAYER_RATIO = 1e-5  # between the gradients of the first and the last layer; Adam copes with what is above
MANY_LAYERS = 3  # fewer layers can't make a gradient vanish step by step
UNDERFLOW_SHARE = 0.5  # of a gradient's numbers: a few tiny ones do no harm


def zero_gradients(case: Case) -> Iterator[Finding]:
    """A loss above 0 of which every gradient is exactly 0."""
    found = [case.gradients[p] for p in case.weights if case.gradients.get(p) is not None]
    if found and not any(sum_of_squares(g) for g in found) and numbers_of(case.root) != 0:
        idle = any(layer.idle_share == 1 for layer in relus(case))  # with enough samples dead_relu says so
        yield Finding(
            "zero_gradients", INFO if idle else WARNING, "every gradient is exactly 0, though the loss isn't",
            "a flat operation (step, sign, a comparison, a ReLU below 0, zeros times zeros) lets nothing through",
            "look for such an operation, and for weights that all start at 0; at a minimum all is well",
        )  # fmt: skip


def vanishing_or_exploding(case: Case) -> Iterator[Finding]:
    """A gradient that shrinks, or grows, from layer to layer on its way back."""
    if len(case.layers) < MANY_LAYERS:
        return
    (first, early), *_, (last, late) = case.layers.items()
    # What the optimiser gets is what is too small; it isn't what is too large, since in a network that explodes the
    # signal grows on its way forward as much as the gradient on its way back, so all layers' weights get as much.
    small, large = root_mean_square(map(case.gradients.get, early)), root_mean_square(map(case.gradients.get, late))
    arriving, starting = root_mean_square(case.arriving(early)), root_mean_square(case.arriving(late))
    if 0 < small < LAYER_RATIO * large:
        yield Finding(
            "vanishing_gradient", WARNING,
            f"the gradient vanishes on its way back: {last} gets about {large:.1e}, {first} only {small:.1e}",
            "each layer multiplies it by its slopes and weights, and here they make it smaller each time",
            "use ReLU in place of sigmoid or tanh, larger initial weights (nn.init), or fewer layers",
        )  # fmt: skip
    elif 0 < starting < LAYER_RATIO * arriving < math.inf:
        yield Finding(
            "exploding_gradient", WARNING,
            f"the gradient explodes on its way back: about {starting:.1e} arrives at {last}, {arriving:.1e} at {first}",
            "each layer multiplies it by its weights, and here they make it larger each time",
            "use smaller initial weights (nn.init), clip the gradients, or scale the inputs to about -1 to 1",
        )  # fmt: skip


def underflow(case: Case) -> Iterator[Finding]:
    """Gradients too small for a float16 or float32."""
    for p in case.weights:
        g = case.gradients.get(p)
        if g is not None and getattr(g, "dtype", None) in ("float16", "float32"):
            import numpy as np

            tiny = ((g != 0) & (np.abs(g) < np.finfo(g.dtype).tiny)).mean()
            if tiny > UNDERFLOW_SHARE:
                yield Finding(
                    "gradient_underflow", WARNING,
                    f"{tiny:.0%} of {case.name(p)}'s gradient is too small for {g.dtype}",
                    f"below {np.finfo(g.dtype).tiny:.0e} it loses its digits, and then becomes 0",
                    "compute in float64, or multiply the loss by 1000 and divide the learning rate by as much",
                )  # fmt: skip
