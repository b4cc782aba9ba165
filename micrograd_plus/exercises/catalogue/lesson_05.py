"""Exercises of lesson 05: why the order matters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong

Graph = dict[str, list[str]]  # the inputs of each box, by name

_DIAMOND: Graph = {"y": ["c", "d"], "c": ["b"], "d": ["b"], "b": ["a"], "a": []}
_SHORTCUT: Graph = {"y": ["p", "s"], "p": ["r"], "r": ["s"], "s": ["a"], "a": []}


def _drawn_graph(random: Random) -> tuple[str, Graph]:
    """A graph of six boxes, named and written down in any order: what nobody uses is an input of y."""
    boxes = ["a", *random.sample("bcdpqrstuvw", 4)]
    inputs: Graph = {"a": []}
    for i, box in enumerate(boxes[1:], start=1):
        inputs[box] = random.sample(boxes[:i], min(i, 2))
    used = {x for given in inputs.values() for x in given}
    inputs["y"] = [box for box in boxes if box not in used]
    shuffled = random.sample(sorted(inputs), len(inputs))
    return "y", {box: inputs[box] for box in shuffled}


def _in_words(ordering: Callable[[str, Graph], Any], root: str, inputs: Graph) -> Any:
    """What is to be said of an order. A graph has several right ones, so the lists themselves can't be compared."""
    given = ordering(root, inputs)
    if not isinstance(given, (list, tuple)) or ... in given:
        return ... if isinstance(given, (list, tuple)) else given
    boxes = [str(box) for box in given]
    strange = [box for box in dict.fromkeys(boxes) if box not in inputs]
    missing = [box for box in inputs if box not in boxes]
    twice = [box for box in inputs if boxes.count(box) > 1]
    met = [box for box in dict.fromkeys(boxes) if box in inputs]
    early = [box for i, box in enumerate(met) if any(x not in met[:i] for x in inputs[box])]
    faults = (
        ("no boxes of this graph", strange),
        ("missing", missing),
        ("more than once", twice),
        ("before an input of its own", early),
    )
    said = [f"{what}: {', '.join(which)}" for what, which in faults if which]
    return "; ".join(said) or "each box once, after its inputs"


def _ready(may_push: Callable[[str, list[str], list[str]], Any], pushed: list[str], inputs: Graph) -> Any:
    """The boxes that may push next. Whole lists tell wrong ideas apart; a single True or False hardly would."""
    found = []
    for box in (box for box in inputs if box not in pushed):
        users = [user for user in inputs if box in inputs[user]]
        verdict = may_push(box, users, list(pushed))
        if verdict is ... or verdict is None:
            return verdict
        found += [box] if verdict else []
    return found


def _without_a(order: Any) -> Any:
    """The order without the leaf a, which may stand at its end: it has nothing to push. A text is taken by letters."""
    if isinstance(order, str):
        order = [letter for letter in order if letter.isalpha()]
    if not isinstance(order, (list, tuple)):
        return order
    untouched = all(box is ... for box in order[1:])
    return ... if untouched else [box for box in order if box is ... or box != "a"]


def _gradients_of_the_diamond(backward: Callable[[Any], Any], a_number: float) -> list[float]:
    """Those of c, d, b and a, after a backward pass of one's own."""
    from ...engine import Value

    a = Value(a_number)
    b = a * 2
    c = b * 3
    d = b + 1
    backward(c * d)
    return [c.grad, d.grad, b.grad, a.grad]


_VISIT_ONCE = "if box not in done:\n    done.add(box)\n"
_INPUTS_THEN_BOX = _VISIT_ONCE + "    for x in inputs[box]:\n        visit(x)\n    ordered.append(box)"
_BOX_THEN_INPUTS = _VISIT_ONCE + "    ordered.append(box)\n    for x in inputs[box]:\n        visit(x)"
_EACH_INPUT = _VISIT_ONCE + "    for x in inputs[box]:\n        visit(x)\n        ordered.append(x)"

_ONCE = "if node not in done:\n    done.add(node)\n"
_LEAVING = _ONCE + "    for x in node.inputs:\n        visit(x)\n    ordered.append(node)"
_ENTERING = _ONCE + "    ordered.append(node)\n    for x in node.inputs:\n        visit(x)"
_PUSHING = "node.push()\nfor x in node.inputs:\n    visit(x)"

EXERCISES = [
    Exercise(
        id="kite_order",
        lesson=5,
        minutes=4,
        kind="predict",
        title="Who pushes when",
        task=(
            "In which order must the boxes of this graph push?\n\n"
            "    p = a * 3\n    q = p + a\n    r = q * p\n    y = q * r\n\n"
            "Make a drawing on paper, if it helps."
        ),
        code='kite_order = ["y", ____, ____, ____]',
        right=('"r"', '"q"', '"p"'),
        wrong=[
            Wrong(
                "the boxes are taken level by level",
                ('"q"', '"r"', '"p"'),
                "Somebody else uses q as well, one arrow further from y. Has that box pushed by then?",
            ),
            Wrong(
                "one way is followed to its end first",
                ('"q"', '"p"', '"r"'),
                "Which boxes use q? Look for their turns in your list.",
            ),
            Wrong(
                "the boxes push in the order in which they were computed",
                ('"p"', '"q"', '"r"'),
                "What does p have to give at its turn? Gradients start at the result.",
            ),
            Wrong(
                "only one of the two users of p is waited for",
                ('"r"', '"p"', '"q"'),
                "Write down every line in which p occurs on the right-hand side.",
            ),
            Wrong(
                "a box pushes although none of its users but one has a gradient",
                ('"p"', '"r"', '"q"'),
                "p comes right after y here. Does y use p at all?",
            ),
        ],
        measure=_without_a,
        hints=(
            "For each box, list its users: the lines in which it stands on the right-hand side.",
            "A box comes after the last of its users. Which one is used by y alone?",
            'After "y" comes the box that only y uses; then the one that only these two use; then the rest.',
        ),
        why="r is used by y; q by r and y; p by q and r. Each waits for the last of its users.",
        truth=lambda: _order_of_the_kite(),
    ),
    Exercise(
        id="may_push",
        lesson=5,
        minutes=5,
        kind="write a rule",
        title="Ready or not",
        task=(
            "There is another way to a right order: ask again and again which box is ready. Say when one may push. "
            "`users` are the boxes that use it, `pushed` the boxes that have pushed already. Return True or False. "
            "(The report speaks of graphs: `y = ['c', 'd']` means that `y` was made from `c` and `d`.)"
        ),
        code='''
            def may_push(box, users, pushed):
                """Whether the gradient of this box is complete."""
                return ____
        ''',
        right="all(user in pushed for user in users)",
        wrong=[
            Wrong(
                "a box without users must wait",
                "len(users) > 0 and all(user in pushed for user in users)",
                "The result has no users. Then nobody ever begins.",
            ),
            Wrong(
                "the users are counted, but not looked at",
                "len(pushed) >= len(users)",
                "Enough boxes have pushed; but are they the right ones?",
            ),
            Wrong(
                "one user is enough",
                "any(user in pushed for user in users)",
                "A box with two users gets two parts. What is its gradient after the first?",
            ),
            Wrong(
                "the whole list is looked for inside of the other list",
                "users in pushed",
                "`users in pushed` asks whether one item of `pushed` is that list. Ask for each user by itself.",
            ),
            Wrong(
                "it is asked whether the box itself has pushed",
                "box not in pushed",
                "That says whether it would be the first time, not whether all has arrived. Who brings it something?",
            ),
        ],
        cases=[
            ([], _DIAMOND),
            (["y"], _DIAMOND),
            (["y", "c"], _DIAMOND),
            (["y", "c", "d"], _DIAMOND),
            (["y"], _SHORTCUT),
        ],
        measure=_ready,
        say="which may push next, after {}, in {{{}}}",
        hints=(
            "The result has no users, so it may push at once. And a box with two users?",
            "Go through the users one by one. Is each of them in `pushed`?",
            "Python's all(… for user in users) is True if every one is, and also if there is none.",
        ),
        why="A gradient is complete when every user has pushed its part. With no users, there is nothing to wait for.",
    ),
    Exercise(
        id="factors_swapped",
        lesson=5,
        minutes=4,
        kind="predict",
        title="What happens if the factors are swapped",
        task=(
            "This is the graph with the shortcut:\n\n"
            "    b = a * 2\n    c = b * 3\n    d = c + 1\n    y = d * b\n\n"
            "You write `y = b * d` in place of `y = d * b`. The number is the same. How many of the six orders of "
            "lesson 05 (leaves first, recursion, depth first, breadth first, path by path, users first) give a wrong "
            "gradient now? It was three: leaves first, recursion and breadth first."
        ),
        code="wrong_orders_now = ____",
        right="4",
        wrong=[
            Wrong(
                "the factors are thought to make no difference",
                "3",
                "They make none for the number y. But some ideas go to the first input first: where do they go now?",
            ),
            Wrong(
                "swapping is thought to mend one of them",
                "2",
                "Level by level, b is still one arrow away from y. And recursion still calls it twice.",
            ),
            Wrong(
                "path by path is counted among the wrong ones",
                "5",
                "It passes on only what has just arrived, along each path by itself. Which path would it lose?",
            ),
            Wrong(
                "even users first is counted among the wrong ones",
                "6",
                "That order waits for all users, however a line is written.",
            ),
        ],
        hints=(
            "Which ideas look at the first input first? Walk through each with a finger.",
            "Three stay wrong, and two are right on every graph. One is left: follow it from y.",
            "Depth first takes the first input of y, and that is b now. Has everybody pushed to b by then?",
        ),
        why=(
            "Depth first now goes to b at once, before d, and is wrong as well. Whether it is right depends on how a "
            "product is written: that is luck."
        ),
        truth=lambda: _wrong_with_the_factors_swapped(),
    ),
    Exercise(
        id="inputs_first",
        lesson=5,
        minutes=8,
        kind="write a loop",
        title="A topological order of your own",
        task=(
            "Write `visit`, so that `inputs_first` lists the names of all boxes that `root` was made from: each one "
            "once, and after all of its inputs. `inputs[box]` lists the inputs of a box."
        ),
        code='''
            def inputs_first(root, inputs):
                """The names of all boxes, each after its inputs."""
                done, ordered = set(), []

                def visit(box):
                    ____

                visit(root)
                return ____
        ''',
        right=(_INPUTS_THEN_BOX, "ordered"),
        wrong=[
            Wrong(
                "a box is put down before its inputs",
                (_BOX_THEN_INPUTS, "ordered"),
                "At which moment are all inputs of a box surely in the list: when visit comes to it, or later?",
            ),
            Wrong(
                "nobody remembers which boxes are done",
                ("for x in inputs[box]:\n    visit(x)\nordered.append(box)", "ordered"),
                "A box with two users is visited twice. What is `done` there for?",
            ),
            Wrong(
                "the list is turned round",
                (_INPUTS_THEN_BOX, "ordered[::-1]"),
                "That is the order of the backward pass. Here the inputs are to come first.",
            ),
            Wrong(
                "boxes are put down on the way in, and the list is turned round",
                (_BOX_THEN_INPUTS, "ordered[::-1]"),
                "On a chain it is right. Try the diamond on paper: the second user of b comes before b.",
            ),
            Wrong(
                "the inputs are put down in place of the box",
                (_EACH_INPUT, "ordered"),
                "The result is nobody's input. Who puts it into the list?",
            ),
        ],
        cases=[("y", _DIAMOND), ("y", _SHORTCUT)],
        draw=_drawn_graph,
        drawn=1,
        measure=_in_words,
        say="inputs_first({}, {{{}}})",
        hints=(
            "To put a box into the list, put its inputs in first. `visit` may call itself.",
            "Three steps: is it done already? Then visit each of its inputs. And only after that the box itself.",
            "if box not in done: note it there; for x in inputs[box]: visit(x); at last put … into ordered.",
        ),
        why="visit leaves a box only when all of its inputs are in the list, and `done` keeps it from coming twice.",
    ),
    Exercise(
        id="backward_stops",
        lesson=5,
        minutes=5,
        kind="find the bug",
        title="A backward pass that stops",
        task=(
            "With this backward pass only the boxes right below the result get a gradient; all others stay at 0. "
            "Find the bug. (Each box has `.inputs`, `.grad` and `.push()`.)"
        ),
        code='''
            def backward(root):
                """Fill in the gradients of all boxes that root was made from."""
                done, ordered = set(), []

                def visit(node):
                    ____

                root.grad = 1.0
                visit(root)
                for node in ____:
                    node.push()
        ''',
        bug=(_LEAVING, "ordered"),
        right=(_LEAVING, "reversed(ordered)"),
        wrong=[
            Wrong(
                "a box pushes before all of its users have pushed",
                (_ENTERING, "ordered"),
                "Now the result is first, but b comes before d. In which list does a box come after all its users?",
            ),
            Wrong(
                "nothing is pushed from the result",
                (_LEAVING, "ordered[-2::-1]"),
                "Does the result have its 1, and does it push? Who must be the first to push?",
            ),
            Wrong(
                "a box pushes each time that one of its users calls it",
                (_PUSHING, "ordered"),
                "At its second turn, b pushes what it has by then. Part of that was pushed before.",
            ),
            Wrong(
                "the boxes go through their turns twice",
                (_LEAVING, "ordered + ordered"),
                "What arrived in the first round is pushed in the second; and the result has pushed twice.",
            ),
            Wrong(
                "only the result and its inputs push",
                (_LEAVING, "[root, *root.inputs]"),
                "That goes one level further. The graph may have a hundred.",
            ),
        ],
        cases=[(1.0,)],
        draw=lambda random: (random.choice([2.0, 3.0, 4.0, 5.0, -2.0, -3.0, 2.5, 1.5]),),
        measure=_gradients_of_the_diamond,
        say="gradients of c, d, b, a in the diamond, a = {}",
        hints=(
            "Print the order in which the boxes push. Who is the first, and what does it have to give?",
            "`ordered` has the inputs before their users. In which order must the boxes push?",
            "The list is right. Only the last loop goes through it from the wrong end.",
        ),
        why="A topological order has the inputs first. On the way back the users come first: the same list, reversed.",
    ),
]


def _order_of_the_kite() -> Sequence[str]:
    from ...engine import Value
    from ...engine.graph import order

    a = Value(2.0)
    p = a * 3
    q = p + a
    r = q * p
    y = q * r
    names = {p: "p", q: "q", r: "r", y: "y"}
    return [names[node] for node in reversed(order(y)) if node in names]


def _wrong_with_the_factors_swapped() -> int:
    from ...engine import Value
    from ...explain import wrong_orders

    b = Value(1.0) * 2
    d = b * 3 + 1
    return sum(tried.verdict == "wrong" for tried in wrong_orders(b * d))
