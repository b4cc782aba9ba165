"""The wrong ideas that people have about a small graph: each says which steps it does in another way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import prod

from .program import Line, Numbers, Program, Rule, Steps, Use, data, grad, products, slope, values


@dataclass(frozen=True)
class Idea:
    """A wrong idea.

    name: completes "This is what you get if …", the same in all quizzes. says: the same with the names of this quiz.
    advice: what to look at next. steps: those that it does in another way. wide: it is made of narrower ideas, and is
    said only where it explains more than each of them.
    """

    name: str
    says: str
    advice: str
    steps: Steps
    wide: bool = False


def ideas_of(program: Program, blanks: tuple[str, ...]) -> list[Idea]:
    """All wrong ideas that this program gives room for.

    >>> y = Line("y", "mul", ("a", "b"))
    >>> [idea.says for idea in ideas_of(Program({"a": 2.0, "b": 3.0}, (y,)), ("y.data", "dy/da"))]
    ['y = a*b is taken for a sum', 'a and b are swapped', 'the slope of + is used at y = a*b',
     "y's value is given in place of the slope", 'upstream is forgotten', 'the slope is forgotten',
     'slopes are added along the way, not multiplied']
    """
    return [
        *(idea for line in program.lines for idea in _of_line(line)),
        *_of_minus_signs(program),
        *_of_products(program),
        *_of_answers(program, blanks),
        *_of_the_way_back(program, blanks),
        *_of_several_paths(program),
    ]


# ---- one line: its value and its slopes -----------------------------------------------------------------------------


def _of_line(line: Line) -> Iterator[Idea]:
    rules = {"add": _of_sum, "sub": _of_difference, "mul": _of_product, "pow": _of_power, "relu": _of_relu}
    yield from rules.get(line.op, _of_curve)(line)


def _of_sum(line: Line) -> Iterator[Idea]:
    yield Idea(
        "a sum is taken for a product",
        f"{line.name} = {line.expression} is taken for a product",
        "Read the sign in the box once more.",
        {data(line.name): lambda now: prod(line.numbers(now))},
    )
    yield Idea(
        "the slope of * is used at +",
        f"the slope of * is used at {line.name} = {line.expression}",
        "By how much does a sum grow when one of its numbers grows by 1?",
        _other_operand(line),
    )


def _of_difference(line: Line) -> Iterator[Idea]:
    left, right = _words(line)
    yield Idea(
        "the operands are swapped",
        f"{left} and {right} are swapped",
        f"In {line.expression}, which number is taken away from which?",
        {data(line.name): lambda now: line.numbers(now)[1] - line.numbers(now)[0]},
    )
    if isinstance(line.operands[1], str):
        yield Idea(
            "the minus is forgotten",
            f"the minus of {line.expression} is forgotten",
            f"When {right} grows, does {line.name} grow or shrink?",
            {line.slope_name(1): lambda now: 1.0},
        )


def _of_product(line: Line) -> Iterator[Idea]:
    left, right = _words(line)
    yield Idea(
        "a product is taken for a sum",
        f"{line.name} = {line.expression} is taken for a sum",
        "Read the sign in the box once more.",
        {data(line.name): lambda now: sum(line.numbers(now))},
    )
    if left != right:
        yield Idea(
            "the operands are swapped",
            f"{left} and {right} are swapped",
            f"Hold {right} fixed and let {left} grow by 1: by how much does {line.name} grow?",
            _own_operand(line),
        )


def _of_power(line: Line) -> Iterator[Idea]:
    x, n = str(line.operands[0]), float(line.operands[1])
    yield Idea(
        "the power is taken for a product",
        f"{line.expression} is taken for {x} times {n:g}",
        f"{line.expression} multiplies {x} by itself.",
        {data(line.name): lambda now: now[data(x)] * n},
    )
    yield Idea(
        "the factor in front of the power is forgotten",
        f"the factor in front is forgotten in the slope of {line.expression}",
        "The slope of a power has two parts: a factor, and a power that is one lower.",
        {line.slope_name(0): lambda now: now[data(x)] ** (n - 1)},
    )
    yield Idea(
        "the exponent stays as it was",
        f"the exponent stays as it was in the slope of {line.expression}",
        "The slope of a power has two parts: a factor, and a power that is one lower.",
        {line.slope_name(0): lambda now: n * now[data(x)] ** n},
    )


def _of_relu(line: Line) -> Iterator[Idea]:
    x = str(line.operands[0])
    yield Idea(
        "relu lets a negative number pass",
        f"relu lets the negative {x} pass",
        "Look at the picture of relu left of 0: how high is it there, and how steep?",
        {data(line.name): lambda now: now[data(x)]},
    )
    yield Idea(
        "relu lets a gradient pass where it is flat",
        f"relu lets a gradient pass though {x} is negative",
        "Look at the picture of relu left of 0: how high is it there, and how steep?",
        {line.slope_name(0): lambda now: 1.0},
    )


def _of_curve(line: Line) -> Iterator[Idea]:
    x = data(str(line.operands[0]))
    y = data(line.name)
    with_input: dict[str, Rule] = {
        "exp": lambda now: now[x],
        "tanh": lambda now: 1 - now[x] ** 2,
        "sigmoid": lambda now: now[x] * (1 - now[x]),
    }
    yield Idea(
        "the input is put in place of the output",
        f"the input of {line.op} is put in place of its output",
        f"The slope of {line.op} is written with what comes out of it: which box holds that number?",
        {line.slope_name(0): with_input[line.op]},
    )
    if line.op == "tanh":
        yield Idea(
            "the square is forgotten",
            "the square is forgotten in the slope of tanh",
            "Compare with the formula of the slope of tanh, letter by letter.",
            {line.slope_name(0): lambda now: 1 - now[y]},
        )


def _of_minus_signs(program: Program) -> Iterator[Idea]:
    """The two slips of a - b that give a + b: which of them it is depends on the sign of b."""
    now = values(program)
    for line in program.lines:
        if line.op != "sub":
            continue
        right = _words(line)[1]
        if line.numbers(now)[1] < 0:
            yield Idea(
                "a negative number is taken away as if it were positive",
                f"{right} is taken away as if it were positive",
                f"In {line.expression}, {right} has a minus sign of its own: when a debt is taken away, is there more "
                "or less than before?",
                {data(line.name): partial(_without_the_sign, line)},
            )
        else:
            yield Idea(
                "a difference is taken for a sum",
                f"{line.name} = {line.expression} is taken for a sum",
                "Read the sign in the box once more.",
                {data(line.name): partial(_sum, line)},
            )


def _of_products(program: Program) -> Iterator[Idea]:
    """Of several products, one that is done wrongly may stand alone, or all are done so."""
    lines = [line for line in program.lines if line.op == "mul" and len(set(line.operands)) == 2]
    if len(lines) > 1:
        yield Idea(
            "the operands are swapped",
            "the operands of * are swapped",
            "Of a product, hold one number fixed and let the other grow by 1: by how much does the product grow?",
            {name: rule for line in lines for name, rule in _own_operand(line).items()},
            wide=True,
        )


# ---- another number than the one that is asked for ------------------------------------------------------------------


def _of_answers(program: Program, blanks: tuple[str, ...]) -> Iterator[Idea]:
    for use in program.arrows:
        name = use.line.name
        if use.slope in blanks and use.line.op == "mul":  # of a gradient the same is: the slope is forgotten
            yield Idea(
                "the slope of + is used at *",
                f"the slope of + is used at {name} = {use.line.expression}",
                f"Let {use.line.operands[use.i]} grow by 1 and hold the rest fixed: by how much does {name} grow?",
                {use.slope: lambda now: 1.0},
            )
        if use.slope in blanks and use.line.op not in ("exp", "relu"):  # there they may be equal
            yield Idea(
                "the value is given in place of the slope",
                f"{name}'s value is given in place of the slope",
                "A slope says by how much the result of this one box grows when one of its inputs grows by 1.",
                {use.slope: partial(_of, data(name))},
            )
        if use.slope in blanks and name != program.root:
            yield Idea(
                "the gradient is given in place of the slope",
                f"{name}'s gradient is multiplied into the slope",
                f"A local slope knows only its own arrow, nothing of what comes after {name}.",
                {use.slope: partial(_slope_times_gradient, use)},
            )
    for name in program.names:
        # Where the result is a product of it, the other number's slope is its value: the operands are swapped.
        in_product = program.lines[-1].op == "mul" and name in program.lines[-1].operands
        itself = f"{name} itself" if name == program.root else name
        if grad(name) in blanks and not in_product:
            yield Idea(
                "the value is given in place of the gradient",
                f"{name}'s value is given in place of its gradient",
                f"A gradient says by how much {program.root} grows when {itself} grows by a little.",
                {grad(name): partial(_of, data(name))},
            )
    if grad(program.root) in blanks:
        yield Idea(
            "the result is taken to have no gradient",
            f"{program.root} is taken to have no gradient of its own",
            f"The way back begins at {program.root}: when {program.root} itself grows by a little, by how much does "
            f"{program.root} grow?",
            {grad(program.root): lambda now: 0.0},
        )


# ---- the way back ---------------------------------------------------------------------------------------------------


def _of_the_way_back(program: Program, blanks: tuple[str, ...]) -> Iterator[Idea]:
    names = [name for name in program.names if name != program.root]
    yield Idea(
        "upstream is forgotten",
        "upstream is forgotten",
        "The slope of the arrow is there. What arrives at the box that the arrow leads to?",
        {grad(name): partial(_slopes_alone, program, name) for name in names},
    )
    yield Idea(
        "the slope is forgotten",
        "the slope is forgotten",
        "A gradient is multiplied on each arrow that it goes back along. By what?",
        {grad(name): partial(_upstream_alone, program, name) for name in names if grad(name) in blanks},
    )
    yield Idea(
        "slopes are added, not multiplied",
        "slopes are added along the way, not multiplied",
        "One wheel turns twice as fast as the next, and that three times as fast as a third: how do the two combine?",
        {grad(name): partial(_added, program, name) for name in names},
    )


def _of_several_paths(program: Program) -> Iterator[Idea]:
    shared = [name for name in program.names if len(program.uses(name)) > 1]
    if shared:
        words = " and ".join(shared)
        yield Idea(
            "the gradient is overwritten, not added",
            f"the gradient of {words} is overwritten by what arrives last, not added to",
            f"Count the arrows that leave {words}: something arrives along each of them.",
            {grad(name): partial(_last_alone, program, name) for name in shared},
        )
    for name in shared:
        yield from _of_forgotten_paths(program, name)
        if name not in program.leaves:
            yield from _of_early_push(program, name)


def _of_forgotten_paths(program: Program, name: str) -> Iterator[Idea]:
    uses = program.uses(name)
    for k, use in enumerate(uses):
        if len(uses) == 2 and (k == 0 or uses[0].line is use.line):
            continue  # the first path lost: the last one has overwritten it, see above; a + a: the two are alike
        yield Idea(
            "a path is forgotten",
            f"{name}'s path through {use.line.name} is forgotten",
            f"Follow every arrow that leaves {name} as far as {program.root}.",
            {grad(name): partial(_without, program, name, k)},
        )


def _of_early_push(program: Program, name: str) -> Iterator[Idea]:
    line = next(line for line in program.lines if line.name == name)
    yield Idea(
        "a gradient is passed on too early",
        f"{name} passes its gradient on too early, before all of it has arrived",
        f"Which boxes use {name}? Only when all of them are done may {name} hand on what it has.",
        {grad(str(x)): partial(_with_early, program, str(x), name) for x in line.operands if isinstance(x, str)},
    )


# ---- the rules of all these -----------------------------------------------------------------------------------------


def _words(line: Line) -> list[str]:
    return [x if isinstance(x, str) else f"{x:g}" for x in line.operands]


def _own_operand(line: Line) -> Steps:
    return {line.slope_name(i): partial(_of, data(x)) for i, x in enumerate(line.operands) if isinstance(x, str)}


def _other_operand(line: Line) -> Steps:
    return {
        line.slope_name(i): partial(_operand, line, 1 - i) for i, x in enumerate(line.operands) if isinstance(x, str)
    }


def _of(name: str, now: Numbers) -> float:
    return now[name]


def _operand(line: Line, i: int, now: Numbers) -> float:
    return line.numbers(now)[i]


def _sum(line: Line, now: Numbers) -> float:
    return sum(line.numbers(now))


def _without_the_sign(line: Line, now: Numbers) -> float:
    left, right = line.numbers(now)
    return left - abs(right)


def _slope_times_gradient(use: Use, now: Numbers) -> float:
    return slope(use, now) * now[grad(use.line.name)]


def _slopes_alone(program: Program, name: str, now: Numbers) -> float:
    return sum(now[use.slope] for use in program.uses(name))


def _upstream_alone(program: Program, name: str, now: Numbers) -> float:
    """What arrives is handed on as it is; at a minus its sign is kept, that is another idea."""
    uses = program.uses(name)
    return sum(now[grad(use.line.name)] * (now[use.slope] if use.line.op == "sub" else 1.0) for use in uses)


def _added(program: Program, name: str, now: Numbers) -> float:
    """Slope + upstream on each path; the slope alone on the arrow into the result, where nothing comes before it."""
    uses = program.uses(name)
    return sum(now[use.slope] + (0.0 if use.line.name == program.root else now[grad(use.line.name)]) for use in uses)


def _last_alone(program: Program, name: str, now: Numbers) -> float:
    return products(program, name, now)[-1]


def _without(program: Program, name: str, k: int, now: Numbers) -> float:
    parts = products(program, name, now)
    return sum(parts[:k] + parts[k + 1 :])


def _with_early(program: Program, name: str, early: str, now: Numbers) -> float:
    """`early` hands on the first product that arrived, and what comes later is never handed on."""
    arrived = products(program, early, now)[0]
    return sum(
        now[use.slope] * (arrived if use.line.name == early else now[grad(use.line.name)]) for use in program.uses(name)
    )
