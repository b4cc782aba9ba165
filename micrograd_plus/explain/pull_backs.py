"""What the pull-backs of arrays do, in words: what an input receives, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..engine.graph import Node
from ..engine.ops import sum_ as add_up
from .reading import number_text
from .words import called, plain_operand

if TYPE_CHECKING:
    from .trace import Record

# For each row of arrays (what the input receives, why) of each input, or once for all inputs: those of
# engine/array_ops.py first, and then those of the layers. {g} is the gradient that comes from above, {y} the node, {x}
# this input, {xs[0]} … the operands.
_LIKE_SUM = ("{g}, repeated", "each number went into one sum, with slope 1")
_MOVED = ("{g}, each number put back in its place", "the numbers were only moved: slope 1")
_CHOSEN = "only the number that was chosen decides; where several tie, they share"
_LINEAR = "{y} is linear in {x}"
_EVERY_STEP = "the same {x} served every step: gradients add up through time"


def _normalised(less: str, why: str | None) -> tuple[tuple[str, str | None], ...]:
    """What x, weight and bias of a normalisation receive."""
    return (
        ("{g} × the weight / the spread" + less, why),
        ("{g} × the normalised numbers, added up over all that met it", "each weight scaled one feature everywhere"),
        ("{g}, added up over all that met it", "the same {x} was added everywhere"),
    )


_RECURRENT = (
    (
        "{g}, brought back step by step, through the gates and {xs[2]}",
        "each step shaped its own state and all later ones",
    ),
    ("{g}, brought back through all steps", "all steps began with {x}"),
    ("the inputs of all steps, weighted by the gradients at the gates", _EVERY_STEP),
    ("the states before all steps, weighted by the gradients at the gates", _EVERY_STEP),
    ("the gradients at the gates, added up over all steps", _EVERY_STEP),
    ("the gradients at the gates, added up over all steps", _EVERY_STEP),
)
PULL_BACKS: dict[str, tuple[tuple[str, str | None], ...]] = {
    "expand": (("the sum of {g} over {repeated}", "because {x} was repeated (expand): each copy's gradient counts"),),
    "sum_to": (_LIKE_SUM,),
    "sum": (_LIKE_SUM,),
    "mean": (("{g} / {count}, repeated", "each of {count} numbers counts 1/{count} in a mean"),),
    "max": (("{g} where {x} is largest, 0 elsewhere", _CHOSEN),),
    "min": (("{g} where {x} is smallest, 0 elsewhere", _CHOSEN),),
    "prod": (("{g} × the product of all the other numbers", None),),
    "cumsum": (("{g} summed up from the far end", "a number is part of its own running sum and of all later ones"),),
    "var": (("{g} × each number's distance from the mean × a constant", "far from the mean counts more"),),
    "std": (("{g} × each number's distance from the mean, over {y} × a constant", "far from the mean counts more"),),
    "norm": (("{g} × {x} / {y}", "the length grows fastest along {x} itself"),),
    "logsumexp": (("{g} × softmax({x})", None),),
    "softmax": (("{y} × ({g} − the sum of {g} × {y})", "the shares add up to 1, so one grows at the others' cost"),),
    "log_softmax": (("{g} − softmax × the sum of {g}", "raising one number lowers the others' shares"),),
    "reshape": (_MOVED,),
    "transpose": (_MOVED,),
    "flip": (_MOVED,),
    "getitem": (("{g} put back where it was taken from, 0 elsewhere", "what was not taken does not change {y}"),),
    "put": (("{g} at the places where {x} was put", None),),
    "pad": (("{g} without the border", "the border is no part of {x}"),),
    "astype": (("{g} as {x_dtype}", None),),
    "matmul": (
        ("{g} @ {xs[1]}.mT", "each number of {x} met a row of {xs[1]}"),
        ("{xs[0]}.mT @ {g}", "each number of {x} met a column of {xs[0]}; over the rows, gradients add up"),
    ),
    "linear": (
        ("{g} @ {xs[1]}", "each feature of {x} met a column of {xs[1]}"),
        ("{g}.T @ {xs[0]}", "each weight met one feature of every sample: gradients add up over the batch"),
        ("the sum of {g} over the batch", "the same {x} was added for every sample"),
    ),
    "concatenate": (("its own part of {g}", "{x} is one part of {y}"),),
    "stack": (("its own part of {g}", "{x} is one part of {y}"),),
    "einsum": (("{g} multiplied with the other inputs, summed over what {x} doesn't have", None),),
    "cross_entropy": (
        ("{g} × (softmax({x}) − target) for each sample", "probability given minus wanted; a mean shares it out"),
    ),
    "convolution": (
        ("each number of {g} × the filter that made it, added up where that filter looked", "filters overlap"),
        ("the patches of {xs[0]} that it met, weighted by {g} and added up", "the same filter served every place"),
        ("the sum of {g} over the batch and all places", "the same {x} was added everywhere"),
    ),
    "convolution_input": (
        ("the convolution of {g} with {xs[1]}", _LINEAR),
        ("the patches of {g}, weighted by {xs[0]}", _LINEAR),
    ),
    "convolution_weight": (
        ("the convolution of {xs[1]} with {g}", _LINEAR),
        ("each number of {xs[0]} × {g}, added up where the filter looked", _LINEAR),
    ),
    "max_pool": (
        (
            "{g} where {x} is the largest of its window, 0 elsewhere",
            "only the largest decides; where several tie, the first",
        ),
    ),
    "avg_pool": (("{g} / the size of a window, given to each number in it", "each counts the same in a mean"),),
    "avg_pool_input": (("the mean of {g} over each window", _LINEAR),),
    "layer_norm": _normalised(
        ", less its mean and its part along the normalised numbers",
        "to shift or stretch a whole sample changes nothing in {y}",
    ),
    "rms_norm": _normalised(
        ", less its part along the normalised numbers", "to stretch a whole sample changes nothing in {y}"
    ),
    "group_norm": _normalised(
        ", less its mean and its part along the normalised numbers",
        "to shift or stretch a whole group changes nothing in {y}",
    ),
    "batch_norm": _normalised(
        ", while training less its mean and its part along the normalised numbers",
        "to shift or stretch a whole channel of the batch changes nothing in {y}; in use, mean and spread are fixed",
    ),
    "embedding": (
        (
            "for each row the sum of {g} where it was looked up, 0 where nowhere",
            "what was not looked up does not change {y}",
        ),
    ),
    "add_rows": (("the row of {g} to which it was added", "each row went into one sum, with slope 1"),),
    "attention": (
        (
            "for values {g}, by the weights; for queries and keys what the softmax passes on of it",
            "each query took a weighted mean of the values; to look more at one key is to look less at the others",
        ),
    ),
    "rnn_tanh": _RECURRENT,
    "rnn_relu": _RECURRENT,
    "lstm": _RECURRENT,
    "gru": _RECURRENT,
}
# What the rows of the layers compute, in one line and with their own letters.
VALUES = {
    "convolution": "each filter slid over the input: at every place the sum of its numbers × those under it, + bias",
    "max_pool": "the largest number of each window",
    "avg_pool": "the mean of each window",
    "layer_norm": "(x − mean)/√(variance + eps)·weight + bias, mean and variance of each sample",
    "rms_norm": "x/√(mean of x² + eps)·weight, the mean of each sample",
    "group_norm": "(x − mean)/√(variance + eps)·weight + bias, mean and variance of each group of channels",
    "batch_norm": "(x − mean)/√(variance + eps)·weight + bias, mean and variance of each channel",
    "embedding": "the rows that stand at these indices",
    "attention": "softmax(query @ keyᵀ·scale + mask) @ value",
    "rnn_tanh": "h' = tanh(W·x + b + W'·h + b'), step by step",
    "rnn_relu": "h' = relu(W·x + b + W'·h + b'), step by step",
    "lstm": "c' = f·c + i·g and h' = o·tanh(c'), step by step; i, f, o = sigmoid(…), g = tanh(W·x + b + W'·h + b')",
    "gru": "h' = (1 − z)·n + z·h, step by step; r, z = sigmoid(W·x + b + W'·h + b'), n = tanh(W·x + b + r·(W'·h + b'))",
}


def in_words(row: str, i: int, y: str, names: list[str]) -> str | None:
    """What input i of a row receives when y receives g, for inputs of these names; None where there are no words.

    >>> in_words("max_pool", 0, "y", ["x"])
    'g where x is the largest of its window, 0 elsewhere'
    """
    words = PULL_BACKS.get(row)
    template = words[min(i, len(words) - 1)][0] if words else None
    if template is None:
        return None
    return template.format(g="g", y=y, x=names[i], xs=names, count="n", repeated="its copies", x_dtype="its own dtype")


def what_is_received(r: Record) -> str:
    """What this input receives, where there is no slope: "t.grad, repeated"."""
    op: Any = r.node.op
    settings = r.node.settings
    template = _words(r)[0]
    if template is None and "scale" in settings:  # a loss and its mean in one node: nn/losses.py
        template = f"{{g}} × {number_text(settings['scale'])} × the slope of `{op.name}` at each number"
    return _filled(template or f"{{g}} through the pull-back of `{op.name}`", r)


def reason(r: Record) -> str | None:
    """Why it receives that; None where there is a slope, and where nothing needs to be said."""
    template = _words(r)[1]
    return None if template is None else _filled(template, r)


def _words(r: Record) -> tuple[str | None, str | None]:
    """(what is received, why) as templates; None for what is not said."""
    if r.slope is not None:
        return None, None
    if r.node.op is add_up:
        return "{g}", "each goes into the sum with slope 1"
    words = PULL_BACKS.get(r.node.op.name, ((None, None),))  # type: ignore[union-attr]
    return words[min(r.position, len(words) - 1)]


def _filled(template: str, r: Record) -> str:
    """A template of PULL_BACKS with this edge's names and shapes."""
    name = lambda x: called(x, r.reading) if isinstance(x, Node) else str(plain_operand(x))
    x: Any = r.input
    y: Any = r.node
    return template.format(
        g=f"{name(y)}.grad",
        y=name(y),
        x=name(x),
        xs=[name(other) for other in y.operands],
        x_dtype=x.dtype,
        count=x.size // max(y.size, 1),
        repeated=_repeated(x.shape, y.shape),
    )


def _repeated(small: tuple, large: tuple) -> str:
    """The axes along which `small` was repeated to become `large`: "the batch (axis 0)"."""
    new = len(large) - len(small)
    axes = [a for a, n in enumerate(large) if a < new or (small[a - new] == 1 != n)]
    if axes == [0] and len(large) > 1:
        return "the batch (axis 0)"
    if len(axes) == len(large):
        return "all its copies"
    return f"ax{'is' if len(axes) == 1 else 'es'} {', '.join(map(str, axes))}"
