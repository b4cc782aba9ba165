"""The graphs of the quizzes: their shapes by level, and the numbers that are put into them."""

from __future__ import annotations

from .program import Line, Program

LEVELS = (1, 2, 3, 4, 5)
TITLES = {
    1: "one operation",
    2: "a chain",
    3: "used twice",
    4: "the order counts",
    5: "curves and neurons",
}

# Each line is "name operation operand operand"; what no line makes is a number to start from.
SHAPES: dict[int, tuple[str, ...]] = {
    1: ("y mul a b", "y add a b", "y sub a b"),
    2: (
        "p mul a b; y mul p c",
        "p add a b; y mul p c",
        "p mul a b; q add p c; y mul q 2",
        "p mul a b; q add p c; y mul q 3",
        "p mul a 3; q add p b; y mul q c",
    ),
    3: (
        "p add a b; q mul p a; y mul q c",
        "p mul a b; q add p a; y mul q c",
        "p mul a b; q add a c; y mul p q",
        "p mul a a; q add p b; y mul q c",
        "p mul a b; q mul a c; r add p q; y mul r 2",
    ),
    4: (
        "p sub a b; q mul p c; r sub q p; y mul r 2",
        "p sub a b; q pow p 2; r add q p; y mul r c",
        "p add a b; q pow p 3; r sub q p; y mul r c",
        "p sub a b; q relu p; r mul a c; s add q r; y mul s 2",
        "p mul a b; q relu a; r add p q; y mul r c",
    ),
    5: (
        "p mul w x; q add p b; y tanh q",
        "p mul w x; q add p b; y sigmoid q",
        "p mul w x; q add p b; r tanh q; s sub r t; y pow s 2",
        "p mul w1 x1; q mul w2 x2; r add p q; s add r b; y tanh s",
        "p mul a b; q exp p; y mul q a",
    ),
}

_WHOLE = tuple(float(n) for n in (2, 3, 4, 5, 6, 7, -2, -3, -4, -5, -6))
_SMALL = tuple(float(n) for n in (2, 3, 4, 5, -2, -3, -4, -5, 1, -1))
_HALVES = (0.5, 1.5, -0.5, -1.5)
_CURVED = (0.5, 1.0, 1.5, 2.0, -0.5, -1.0, -1.5, -2.0, 3.0, -3.0)
NUMBERS = {1: _WHOLE + _HALVES, 2: _WHOLE, 3: _SMALL + _HALVES, 4: _SMALL, 5: _CURVED}


def program_of(shape: str) -> tuple[tuple[str, ...], tuple[Line, ...]]:
    """The names to start from, and the lines, of a shape.

    >>> program_of("p mul a 3; y add p b")
    (('a', 'b'), (Line(name='p', op='mul', operands=('a', 3.0)), Line(name='y', op='add', operands=('p', 'b'))))
    """
    lines = tuple(_line(*text.split()) for text in shape.split(";"))
    made = {line.name for line in lines}
    used = dict.fromkeys(x for line in lines for x in line.operands if isinstance(x, str))
    return tuple(name for name in used if name not in made), lines


def _line(name: str, op: str, *operands: str) -> Line:
    return Line(name, op, tuple(float(x) if x.isdigit() else x for x in operands))


def with_numbers(shape: str, numbers: list[float]) -> Program:
    """The program of a shape that starts from these numbers."""
    names, lines = program_of(shape)
    return Program(dict(zip(names, numbers, strict=True)), lines)
