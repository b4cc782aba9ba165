"""What learners and teachers call: check, hint, solution, task, grade, predict. All of it prints to stdout."""

from __future__ import annotations

import textwrap
from numbers import Real
from typing import Any

from ..engine.visible import visible
from .catalogue import find, remember
from .exercise import Exercise
from .gathering import gathering_now
from .marking import collect, judge
from .predicting import compare
from .progress import Progress
from .report import WIDTH, Grade, Report, Told


def check(id: str | Exercise, answer: Any, *, seed: object = None, timeout: float = 5.0) -> Report:
    """Look at an answer: print what is right, what isn't and probably why; return the Report.

    id: of the exercise (`ex.list()` shows them), or an Exercise of your own. answer: the function, number or text
    itself. seed: other numbers for the calls that are drawn. timeout: seconds for each call of a function.

    >>> from micrograd_plus import exercises as ex
    >>> ex.check("mul_backward", lambda a, b, upstream: (b * upstream, a * upstream)).ok
    mul_backward: passed (4 of 4 right).
    The slope of a * b with respect to a is b; the chain rule multiplies it by what comes from above.
    True
    """
    exercise = _exercise(id)
    report = _marked(exercise, answer, None, seed, timeout)
    Progress.here().note(exercise.id, report.state)
    print(report)
    return Told.of(report)


def grade(id: str | Exercise, answer: Any, points: float = 1.0, *, seed: object = None, timeout: float = 5.0) -> Grade:
    """Look at an answer and give points for it: each case that is right earns the same part of them.

    As the last line of a cell it shows as a bare number (nbgrader takes it as the points) with the reasons as HTML.
    Nothing is printed. points: what can be earned. seed: other numbers for the calls that are drawn.

    >>> from micrograd_plus import exercises as ex
    >>> ex.grade("mul_backward", lambda a, b, upstream: (b, a), points=4)
    1.0
    """
    if isinstance(points, bool) or not isinstance(points, Real) or not 0 <= points < float("inf"):
        raise ValueError(f"points is {points!r}; give what can be earned, a number from 0 up")
    return _marked(_exercise(id), answer, points, seed, timeout).graded(points)


def hint(id: str | Exercise, number: int | None = None) -> None:
    """Print a hint: a nudge first, then the method, then almost the code; each call gives the next one.

    number: 1, 2 or 3 for that one.

    >>> from micrograd_plus import exercises as ex
    >>> ex.hint("mul_backward", 1)
    Hint 1 of 3: First without upstream: if a grows by a little, what does a * b do?
    """
    exercise = _exercise(id)
    hints = exercise.hints
    if number is None:
        number = Progress.here().next_hint(exercise.id, len(hints))
    if number not in range(1, len(hints) + 1):
        raise ValueError(f"there is no hint {number!r} for {exercise.id!r}; there are {len(hints)}")
    print(f"Hint {number} of {len(hints)}: {hints[number - 1]}")


def solution(id: str | Exercise) -> None:
    """Print the code that is right, and why.

    >>> from micrograd_plus import exercises as ex
    >>> ex.solution("mul_backward")
    def mul_backward(a, b, upstream):
        \"\"\"The gradients of a and b, when y = a * b has the gradient upstream.\"\"\"
        return b * upstream, a * upstream
    <BLANKLINE>
    Why: The slope of a * b with respect to a is b; the chain rule multiplies it by what comes from above.
    """
    exercise = _exercise(id)
    print(f"{exercise.solution}\n\nWhy: {exercise.why}")


def task(id: str | Exercise) -> None:
    """Print what is asked for, and the code to start from.

    >>> from micrograd_plus import exercises as ex
    >>> ex.task("minus")
    A minus (lesson 03, 3 minutes)
    Let `k = (u - v) * t` with `u = 7`, `v = 4`, `t = -2`. What is `v.grad` after `k.backward()`?
    <BLANKLINE>
    from micrograd_plus import exercises as ex
    <BLANKLINE>
    answer = ...
    ex.check('minus', answer)
    """
    exercise = _exercise(id)
    lines = (textwrap.fill(line, WIDTH) for line in exercise.task.strip("\n").split("\n"))
    print(f"{exercise.title} (lesson {exercise.lesson:02}, {exercise.minutes} minutes)", *lines, "", sep="\n")
    imports = [*exercise.imports, "from micrograd_plus import exercises as ex", ""]
    print(*imports, *filter(None, [exercise.setup_code]), exercise.start, sep="\n")
    print(f"ex.check({exercise.id!r}, {exercise.name})")


def predict(name: str, guess: Any, actual: Any) -> Report:
    """Compare a guess with what came out: first guess, then run, then look.

    name: what was guessed, as "a.grad". guess: a number, text or list; `...` if you have none yet. actual: what it is;
    a function without arguments is called, and only after the guess was written down.

    >>> from micrograd_plus import exercises as ex
    >>> report = ex.predict("a.grad", 3.0, 6.0)
    a.grad: you guessed 3, and it is 6. That is twice your guess: is there a second path?
    """
    report = compare(name, guess, actual)
    print(visible(report.message))
    return Told.of(report)


def _exercise(id: str | Exercise) -> Exercise:
    return remember(id) if isinstance(id, Exercise) else find(id)


def _seconds(timeout: float) -> float:
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout < float("inf"):
        raise ValueError(f"timeout is {timeout!r}; give the seconds that each call may take, a number above 0")
    return timeout


def _marked(exercise: Exercise, answer: Any, points: float | None, seed: object, timeout: float) -> Report:
    timeout = _seconds(timeout)
    gathering = gathering_now()
    if gathering:
        seed, timeout = gathering.seed, gathering.timeout
    answers = collect(exercise, answer, seed, timeout)
    if gathering:
        gathering.found.append({"exercise": exercise.id, "points": points, "answers": answers})
    return judge(exercise, answers, seed)
