"""Inside the trained network: its graph folded by layers, one neuron opened, and an expression to step through."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import Value
from ..nn import MLP, hinge_loss, l2_penalty
from ..viz import draw, step_through
from ..viz.layout import LayoutError


def folded_graph(model: MLP, X: np.ndarray, y: np.ndarray) -> str:
    """The loss of all points, drawn layer by layer: HTML."""
    scores = [model(point) for point in X.tolist()]
    loss = hinge_loss(scores, y.tolist()) + 1e-4 * l2_penalty(model)
    loss.backward()
    return _picture(draw(loss, {"loss": loss, "network": model}))


def one_neuron(model: MLP, point: np.ndarray) -> str:
    """The neuron of the first layer that answers loudest to one point, every multiplication: HTML."""
    model.zero_grad()
    x = [Value(number, label=f"x{i}", requires_grad=False) for i, number in enumerate(point.tolist())]
    neuron = max(model.layers[0].neurons, key=lambda neuron: neuron(x).data)
    answer = neuron(x)
    answer.label = "answer"
    answer.backward()
    return _picture(draw(answer, {"neuron": neuron}))


def stepper() -> str:
    """The backward pass of a small expression, one arrow at a time: HTML."""
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    c = (a * b + 6.9).tanh()
    c.label = "c"
    c.backward()
    return step_through(c)._repr_mimebundle_()["text/html"]


def _picture(drawing: Any) -> str:
    try:
        return drawing.svg()
    except LayoutError as error:  # the page is worth having without it too
        return f"<pre>{drawing}</pre><p>{error}</p>"
