"""The wrong ideas that people have about an engine: what each is called, and what to look at next.

A name completes the sentence "This is what you get if …". Where two ideas give the same numbers, the one further up is
named. How a gradient arrives is tried for all operations at once, then for each by itself: `where` says in which.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from . import ideas
from .ideas import RULES, Arrive, Box, Idea, Rule
from .programs import SYMBOLS
from .slips import FORWARD, slips

ADDS = "A number that is used twice receives a gradient from each place. Which sign keeps what is there already?"
WAITS = ""  # what the graph itself is about says it best


# ---- how a gradient arrives -----------------------------------------------------------------------------------------

ARRIVALS: tuple[tuple[str, str, Arrive], ...] = (
    ("the gradient is overwritten, not added", ADDS, lambda old, slope, up, y: slope * up),
    (
        "upstream is forgotten",
        "A slope speaks of one operation alone. By how much does its result matter for the end of the graph, and where "
        "is that written?",
        lambda old, slope, up, y: old + slope,
    ),
    (
        "the slope is forgotten",
        "What arrives is passed on unchanged, as in a sum. By how much does this operation change with its operand?",
        lambda old, slope, up, y: old + up,
    ),
    (
        "slope and upstream are added, not multiplied",
        "If y changes 3 times as much as x, and the result 2 times as much as y, by how much does it change with x?",
        lambda old, slope, up, y: old + slope + up,
    ),
    (
        "the gradient is subtracted, not added",
        "Look at the sign in front of the `=`.",
        lambda old, slope, up, y: old - slope * up,
    ),
    (
        "y.data is used in place of y.grad",
        "Two numbers of y are easily mixed up. Which one says how much it matters?",
        lambda old, slope, up, y: old + slope * y,
    ),
    (
        "every gradient is pushed twice",
        "Each arrow of the graph is to be walked once. What is called twice?",
        lambda old, slope, up, y: old + 2 * slope * up,
    ),
    ("the gradient is overwritten, and upstream is forgotten", ADDS, lambda old, slope, up, y: slope),
    (
        "nothing is passed back",
        "The result has its gradient, and the operands stay at 0. Is the push stored? Is it called?",
        lambda old, slope, up, y: old,
    ),
)


_SIDES = {None: "", (0,): ", for the operand on the left", (1,): ", for the operand on the right"}


def _arrivals() -> Iterator[Idea]:
    for name, advice, arrive in ARRIVALS:
        for places in (None, (0,), (1,)):
            whole = Idea(name, advice, where=_SIDES[places], arrive=arrive, places=places)
            yield whole
            for op in RULES:
                if places is None or op in ("add", "sub", "mul", "div"):
                    yield replace(whole, where=f"{whole.where}, in {_example(op)}", ops=(op,))


def _example(op: str) -> str:
    """How an operation is written: `a * b`."""
    if op in SYMBOLS:
        return f"`a {SYMBOLS[op]} b`"
    return "`-a`" if op == "neg" else f"`{op}`"


# ---- the order ------------------------------------------------------------------------------------------------------


def _depth_first(root: Box, backwards: bool = False) -> Iterator[Box]:
    visited: set[Box] = set()
    stack = [root]
    while stack:
        box = stack.pop()
        if box not in visited:
            visited.add(box)
            yield box
            stack += box.inputs if backwards else reversed(box.inputs)


def _breadth_first(root: Box) -> Iterator[Box]:
    visited, queue = {root}, [root]
    for box in queue:
        yield box
        new = [x for x in box.inputs if x not in visited]
        visited.update(new)
        queue += new


def _again(root: Box, backwards: bool = False) -> Iterator[Box]:
    stack = [root]
    while stack:
        box = stack.pop()
        yield box
        stack += box.inputs if backwards else reversed(box.inputs)


def _level_by_level_again(root: Box) -> Iterator[Box]:
    queue = [root]
    for box in queue:
        yield box
        queue += box.inputs


def _listed_again(root: Box) -> Iterator[Box]:
    """Inputs before users, reversed; but a box is listed once for each path to it."""
    listed: list[Box] = []
    stack = [(root, False)]
    while stack:
        box, inputs_are_listed = stack.pop()
        if inputs_are_listed:
            listed.append(box)
        else:
            stack += [(box, True), *((x, False) for x in reversed(box.inputs))]
        if len(listed) > ideas.MOST:
            break
    return reversed(listed)


def _one_way(root: Box, place: int) -> Iterator[Box]:
    box = root
    yield box
    while box.inputs:
        box = box.inputs[place]
        yield box


def _one_per_number(root: Box, latest: bool) -> Iterator[Box]:
    """The right order; but of boxes with the same number, only one: the first in the list, or the latest."""
    kept: dict[float, Box] = {}
    for box in ideas.order(root):
        if latest or box.data not in kept:
            kept[box.data] = box
    return (box for box in ideas.users_first(root) if kept[box.data] is box)


_SAME_NUMBER = "two boxes that hold the same number are taken for one"
_SAME_NUMBER_ADVICE = (
    "They are two nevertheless. What does your walk compare: boxes, or their numbers? Where a class has an __eq__, "
    "sets and `in` go by that."
)
_AGAIN = "boxes that were visited are visited again"
_AGAIN_ADVICE = "A box that is used in two places is met twice on the way. How often may it push, and how can you tell?"
_DEPTH = "one way is followed to its end before the other users have pushed (depth first)"

ORDERS = (
    # The same numbers come from `order` without `reversed`, and from a backward() in which nobody else pushes.
    Idea(
        "only the result's own push comes through, as when the order is not reversed",
        "Which box knows its gradient first, and so has to push first? And who pushes next?",
        walk=lambda root: iter(ideas.order(root)),
    ),
    Idea(
        "only the first operand is followed",
        "Each operation has as many ways back as it has operands.",
        walk=lambda root: _one_way(root, 0),
    ),
    Idea(
        "only the second operand is followed",
        "Each operation has as many ways back as it has operands.",
        walk=lambda root: _one_way(root, -1),
    ),
    Idea(_AGAIN, _AGAIN_ADVICE, walk=_again),
    Idea(_AGAIN, _AGAIN_ADVICE, walk=lambda root: _again(root, backwards=True)),
    Idea(_AGAIN, _AGAIN_ADVICE, walk=_level_by_level_again),
    Idea(_AGAIN, _AGAIN_ADVICE, walk=_listed_again),
    Idea(_DEPTH, WAITS, walk=_depth_first),
    Idea(_DEPTH, WAITS, walk=lambda root: _depth_first(root, backwards=True)),
    Idea("boxes are walked level by level (breadth first)", WAITS, walk=_breadth_first),
    Idea(_SAME_NUMBER, _SAME_NUMBER_ADVICE, walk=lambda root: _one_per_number(root, latest=False)),
    Idea(_SAME_NUMBER, _SAME_NUMBER_ADVICE, walk=lambda root: _one_per_number(root, latest=True)),
)

# ---- how backward() begins ------------------------------------------------------------------------------------------

BEGINNINGS = (
    Idea(
        "the result's own gradient is not set to 1",
        "By how much does y change when y grows by 1? Somebody has to write that down before the first push.",
        seed=lambda old, data: old,
    ),
    Idea(
        "backward() starts from the result's number, not from 1",
        "By how much does y change when y grows by 1?",
        seed=lambda old, data: data,
    ),
    Idea("gradients start at 1, not at 0", "Before anything has arrived, how much has arrived?", start=1.0),
    Idea("data is made a whole number", "Look at what `__init__` does to the number that it is given.", make=int),
    Idea("the sign of data is lost", "Look at what `__init__` does to the number that it is given.", make=abs),
    Idea(
        "the 1 is added to the result's old gradient",
        "The result was computed, too. What should it hold when backward() begins?",
        seed=lambda old, data: old + 1,
        fresh="none",
    ),
    Idea(
        "inner boxes keep their gradients from the backward() before",
        "Adding up over calls is meant for the leaves. What should hold for a box that was computed?",
        fresh="none",
    ),
    Idea(
        "backward() clears the leaves, too",
        "Only what was computed starts afresh. How can you tell a leaf from a box that was computed?",
        fresh="all",
    ),
    Idea(
        "the second backward() does nothing",
        "What does your engine still remember of the first call? Could it belong to the call, in place of the object?",
        again=False,
    ),
)

SETS = (
    Idea(
        "an operand that stands twice is kept once (as in a set)",
        "In a + a there are two arrows from a. Which kind of collection keeps both?",
        once=True,
    ),
)

# ---- another operation ----------------------------------------------------------------------------------------------


def _swapped(rule: Rule) -> Rule:
    """The same operation with its operands the other way round."""
    forward, (first, second) = rule
    return lambda a, b: forward(b, a), (lambda y, a, b: second(y, b, a), lambda y, a, b: first(y, b, a))


def _others() -> Iterator[Idea]:
    """Another operation, or the same with its operands swapped, is computed: with its own slopes, or the right ones."""
    for op, sign in SYMBOLS.items():
        for key, left, right in ((op, "a", "n" if op == "pow" else "b"), (f"r{op}", "2", "a")):
            meant = f"{left} {sign} {right}"
            for other, other_sign in SYMBOLS.items():
                if other != op:
                    name = f"{meant} is computed as {left} {other_sign} {right}"
                    yield from _computed(name, FORWARD, key, RULES[other])
                if other not in ("add", "mul"):  # for these, the order makes no difference
                    name = f"{meant} is computed as {right} {other_sign} {left}"
                    advice = f"Which of the two is `self` in {meant}?" if other == op else FORWARD
                    yield from _computed(name, advice, key, _swapped(RULES[other]))
            left_out = "number on the left" if key != op else "operand on the right"
            yield Idea(f"the {left_out} is left out, in `{meant}`", FORWARD, rules={key: _only(int(key != op))})


def _computed(name: str, advice: str, key: str, rule: Rule) -> Iterator[Idea]:
    forward, slopes = rule
    for these in (slopes, RULES[key if key in RULES else key.removeprefix("r")][1]):
        yield Idea(name, advice, rules={key: (forward, these)})


def _only(place: int) -> Rule:
    """The operation that gives back one of its operands."""
    return lambda *xs: xs[place], tuple(lambda y, a, b, here=here: float(here == place) for here in (0, 1))


IDEAS: tuple[Idea, ...] = (*BEGINNINGS, *slips(), *SETS, *ORDERS, *_arrivals(), *_others())
