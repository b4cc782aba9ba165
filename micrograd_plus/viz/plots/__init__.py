"""The pictures of training, as matplotlib Axes.

Every function draws on `ax`, or on a new small figure where `ax` is None, and returns the Axes. None calls `plt.show()`
or changes matplotlib's settings: text is in the colours of the current style, so that
`with plt.style.context("dark_background"):` around a call gives a dark picture. A picture changes nothing: weights,
gradients, train/eval mode and hooks are afterwards what they were.

    the data and the answers   decision_boundary, predictions_1d, confusion, image_grid, attention
    how training goes          Live (while it runs), history, compare_histories, update_ratio, animate_training
    inside the model           weights, activations, gradients, gradient_flow
    where training walks       loss_landscape, optimizer_race, lr_finder
    functions                  activation_functions, plot_gradcheck

`show(ax, alt="…")` gives a picture its description, in a notebook. `race` and `lr_sweep` give the numbers that two of
the pictures are drawn from.
"""

from .animation import Animation, animate_training
from .attending import attention
from .boundary import decision_boundary
from .functions import activation_functions, plot_gradcheck
from .histories import compare_histories, history, update_ratio
from .inside import activations, gradient_flow, gradients, weights
from .landscape import loss_landscape
from .live import Live
from .race import optimizer_race, race
from .rates import Sweep, lr_finder, lr_sweep
from .results import confusion, image_grid, predictions_1d
from .showing import Picture, show

__all__ = [
    "Animation",
    "Live",
    "Picture",
    "Sweep",
    "activation_functions",
    "activations",
    "animate_training",
    "attention",
    "compare_histories",
    "confusion",
    "decision_boundary",
    "gradient_flow",
    "gradients",
    "history",
    "image_grid",
    "loss_landscape",
    "lr_finder",
    "lr_sweep",
    "optimizer_race",
    "plot_gradcheck",
    "predictions_1d",
    "race",
    "show",
    "update_ratio",
    "weights",
]
