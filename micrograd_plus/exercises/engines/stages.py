"""The stages of an engine in the order in which it is built, each with a few small graphs, the smallest first."""

from __future__ import annotations

from collections.abc import Iterable

from .programs import Program

TWO = {"a": 2.0, "b": -3.5}
THREE = {"a": 2.0, "b": -3.5, "c": 5.0}
USED_TWICE = "b is used by c and by y. It may push only when both have pushed to it."
DIAMOND = "b is used by c and by d. It may push only when both have pushed to it."
SHORTCUT = "There is a short way from b to y and a long one. b has to wait for both."

KITE = {"a": 1.5, "p": 2.0, "q": 1.0}
FOUR = {"a": 1.5, "p": 2.0, "q": 2.5, "r": 7.0}


def _function(name: str, a: float) -> list[Program]:
    """The graphs for a function of one number: by itself; and with something that flows to it and beside it."""
    return [
        Program(f"y = a.{name}()", {"a": a}, f"What is the slope of {name} at {a:g}?"),
        Program(
            f"t = a.{name}()\ny = t * a",
            {"a": a},
            f"Here a reaches y on two paths, and what arrives at a.{name}() is not 1.",
        ),
        Program(
            f"t = a.{name}()\nu = t * b\ny = u * a",
            {"a": a / 2, "b": -3.0},
            f"What is the slope of {name} at {a / 2:g}? Here what arrives at a.{name}() is not 1.",
        ),
    ]


def _of_two(sign: str) -> list[Program]:
    return [
        Program(f"y = a {sign} b", {"a": 5.0, "b": -2.5}, "If a alone grows a little, what does y do? And with b?"),
        Program(
            f"c = a {sign} b\nd = c * a\ny = d * b",
            {"a": 5.0, "b": -2.5},
            f"Here a and b are used twice, and what arrives at a {sign} b is not 1.",
        ),
        Program(f"y = a {sign} a", {"a": 3.0}, "The same number on both sides: it stands in two places."),
    ]


PROGRAMS: dict[str, list[Program]] = {
    "add": [
        Program("y = a + b", TWO, "If a alone grows by 1, what does a + b do?"),
    ],
    "mul": [
        Program("y = a * b", TWO, "If a alone grows by 1, by how much does a * b change?"),
    ],
    "chain": [
        Program("u = a * b\ny = u + c", THREE, "u stands between a and y. What arrives at u has to come to a."),
        Program("u = a * b\ny = u * c", THREE, "y changes with u, and u with a: two slopes on the way."),
        Program("u = a + b\ny = c * u", THREE, "y changes with u, and u with a: two slopes on the way."),
        Program(
            "u = a + b\nv = u * c\nw = v * a2\ny = w + b2",
            {**THREE, "a2": 0.5, "b2": 4.0},
            "A longer way: each box passes on what it has received, times its slope.",
        ),
    ],
    "reuse": [
        Program("y = a + a", {"a": 3.0}, "a stands in two places, and each of them counts."),
        Program("y = a * a", {"a": 3.0}, "a stands in two places, and each of them counts."),
        Program("c = a + b\nd = c * a\ny = d * b", TWO, "a and b are used twice, by different boxes."),
        Program("c = a * b\nd = c + a\ny = d + b", TWO, "a and b are used twice, by different boxes."),
    ],
    "order": [
        Program("b = a * p\nc = b + q\ny = c * b", KITE, USED_TWICE),
        Program("b = a * p\nc = b + q\ny = b * c", KITE, USED_TWICE),
        Program("b = a * p\nc = b * q\nd = b + r\ny = c * d", FOUR, DIAMOND),
        Program("b = a * p\nc = b * q\nd = b + r\ny = d * c", FOUR, DIAMOND),
        Program("b = a * p\nc = b * q\nd = c + r\ny = d * b", FOUR, SHORTCUT),
        Program("b = a * p\nc = b * q\nd = c + r\ny = b * d", FOUR, SHORTCUT),
        Program(
            "c = a + b\nd = a * b\ny = c + d",
            {"a": 3.0, "b": 1.5},
            "c and d hold the same number, and are two boxes nevertheless. Both have to push.",
        ),
    ],
    "constants": [
        Program("y = a + 2", {"a": 3.0}, "The 2 is a plain number: nothing flows to it, and y still needs it."),
        Program("y = a * 2", {"a": 3.0}, "The 2 is a plain number, and it is the slope for a."),
        Program(
            "y = 2 + a", {"a": 3.0}, "Python asks the 2 first. It doesn't know your class, so then it is a.__radd__(2)."
        ),
        Program(
            "y = 2 * a", {"a": 3.0}, "Python asks the 2 first. It doesn't know your class, so then it is a.__rmul__(2)."
        ),
        Program("c = a * 0.5\nd = c + a\ny = -1 * d", {"a": 3.0}, "Numbers on either side, and a used twice."),
        Program("c = a * a\ny = c + 1", {"a": 3}, "A whole number, 3 in place of 3.0, is a number like any other."),
    ],
    "sub": _of_two("-"),
    "neg": [
        Program("y = -a", {"a": 3.0}, "If a grows by 1, what does -a do?"),
        Program("c = -a\ny = c * a", {"a": 3.0}, "Here what arrives at -a is not 1, and a is used twice."),
    ],
    "pow": [
        Program("y = a ** 2", {"a": 3.0}, "How does a square grow with its side?"),
        Program("y = a ** 3", {"a": 3.0}, "y = a * a * a has three paths from a. What is the product along each?"),
        Program("y = a ** -1", {"a": 4.0}, "1/a falls when a grows."),
        Program("c = a ** 3\ny = c * a", {"a": 0.5}, "Here what arrives at a ** 3 is not 1, and a is used twice."),
    ],
    "div": _of_two("/"),
    "reflected": [
        Program("y = 2 - a", {"a": 5.0}, "Python calls a.__rsub__(2): `self` is what stands on the right."),
        Program("y = 2 / a", {"a": 4.0}, "Python calls a.__rtruediv__(2): `self` is what stands on the right."),
        Program("c = 2 - a\nd = 3 / a\ne = c * d\ny = e * a", {"a": 5.0}, "Both together, and a used three times."),
    ],
    "tanh": _function("tanh", 0.5),
    "exp": _function("exp", 0.5),
    "log": _function("log", 3.0),
    "deep": [
        Program(
            "y = a + b\nfor _ in range(40):\n    y = y + y",
            TWO,
            "40 boxes with two arrows each make a million million paths, but only 40 boxes.",
        ),
        Program(
            "y = a + b\nfor _ in range(10_000):\n    y = y + b",
            TWO,
            "A chain of 10,000 operations, as a long loop makes it.",
        ),
    ],
    "twice": [
        Program("y = a * b\ny.backward()\ny.backward()", TWO, "Each backward() adds the same again to the leaves."),
        Program(
            "y = a * b\ny.backward()\nz = a + b\nz.backward()",
            TWO,
            "Two results: the leaves add up what comes from both.",
        ),
        Program(
            "u = a * b\ny = u * c\ny.backward()\ny.backward()",
            THREE,
            "Leaves add up over calls. u was computed: it should start from 0 in each call.",
        ),
        Program(
            "u = a * b\ny = u * c\ny.backward()\nz = u + c\nz.backward()",
            THREE,
            "u has a part in both results. What y sent to it must not be passed on a second time.",
        ),
    ],
    "relu": [
        Program("y = a.relu()", {"a": 3.0}, "Above 0, relu lets all pass."),
        Program("y = a.relu()", {"a": -2.0}, "Below 0, relu is flat."),
        Program("t = a.relu()\ny = t * a", {"a": 3.0}, "Here what arrives at a.relu() is not 1, and a is used twice."),
        Program(
            "t = a.relu()\nu = t + a\ny = u * b", {"a": -2.0, "b": -5.0}, "relu is off: only the other path counts."
        ),
        Program("y = a.relu()", {"a": 0.0}, "At 0 there is a kink, and no slope. Everybody agrees to take 0 there."),
    ],
    "rpow": [
        Program("y = 2 ** a", {"a": 3.0}, "Python calls a.__rpow__(2). The slope of 2 ** a is log(2) times itself."),
        Program("c = 2 ** a\ny = c * a", {"a": 3.0}, "Here what arrives at 2 ** a is not 1, and a is used twice."),
    ],
}
EXTRA = ("rpow",)  # looked at only when asked for: micrograd's Value and most others have no 2 ** a
STAGES: tuple[str, ...] = tuple(stage for stage in PROGRAMS if stage not in EXTRA)


def chosen(stages: str | Iterable[str] | None = None, upto: str | None = None) -> tuple[str, ...]:
    """The names of the stages asked for, in their own order: all of STAGES, those named, or those up to one.

    stages: names, as a list or in one text ("add mul chain"). ValueError for a name that there isn't.

    >>> chosen(upto="chain"), chosen("tanh add")
    (('add', 'mul', 'chain'), ('add', 'tanh'))
    """
    if stages is None:
        wanted = list(STAGES)
    elif not isinstance(stages, Iterable):
        raise TypeError(f"stages is a list of names, or one text such as 'add mul'; got {type(stages).__name__}")
    else:
        wanted = list(stages.replace(",", " ").split() if isinstance(stages, str) else stages)
    for name in [*wanted, *([] if upto is None else [upto])]:
        if not isinstance(name, str) or name not in PROGRAMS:
            raise ValueError(f"there is no stage {name!r}; the stages are {', '.join(PROGRAMS)}")
    order = list(PROGRAMS)
    last = len(order) if upto is None else order.index(upto) + 1
    picked = tuple(name for name in order[:last] if name in wanted)
    if not picked:
        raise ValueError("no stage is left to look at: name at least one, such as stages='add mul'")
    return picked
