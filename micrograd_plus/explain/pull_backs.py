"""What the pull-backs of arrays do, in words: what an input receives, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..engine.graph import Node
from ..engine.ops import sum_ as add_up
from .reading import number_text
from .words import called, plain_operand

if TYPE_CHECKING:
    from .trace import Record

# For each row of engine/array_ops.py (what the input receives, why) of each input, or once for all inputs.
# {g} is the gradient that comes from above, {y} the node, {x} this input, {xs[0]} … the operands.
_LIKE_SUM = ("{g}, repeated", "each number went into one sum, with slope 1")
_MOVED = ("{g}, each number put back in its place", "the numbers were only moved: slope 1")
_CHOSEN = "only the number that was chosen decides; where several tie, they share"
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
}


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
