"""Exercises of lesson 15: how engines get fast."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong

# -- how often Python runs the lines of a compiled function ----------------------------------------------------


def _times_run(f: Callable[..., Any], calls: Iterable[Any]) -> int:
    """How often Python runs a function in these calls, when it is compiled. (A counter would be seen by compile.)"""
    from ...tape import compile

    def telling(argument: Any) -> Any:
        print("once more")
        return f(argument)

    printed, step = io.StringIO(), compile(telling, backend="numpy")
    with redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for argument in calls:
            step(argument)
    return printed.getvalue().count("once more")


def _runs_for_two_lengths() -> int:
    from ...engine import Value

    w = Value(2.0)
    lists = [[float(k)] * length for length in (3, 4) for k in range(100)]
    return _times_run(lambda numbers: sum(w * n for n in numbers), lists)


def _runs_of_three() -> dict[str, int]:
    from ...engine import Value

    w, rng = Value(2.0), Random(0)

    def bent(x: float) -> Any:
        v = w * x
        return v.log() if v > 1 else v - 1

    def noisy(x: float) -> Any:
        return w * (x + rng.random())

    calls = [0.1, 0.2, 0.3, 0.4, 0.45, 3.0, 4.0, 5.0, 6.0, 7.0]
    return {
        "always the same way": _times_run(lambda x: (w * x).tanh(), calls),
        "an if: five times one way, five times the other": _times_run(bent, calls),
        "a random number is drawn inside": _times_run(noisy, calls),
    }


def _blocks_of_a_chain() -> int:
    from ...engine import Value
    from ...tape import compile

    w = Value(0.5)

    def chain(x: Any) -> Any:
        for _ in range(500):
            x = (w * x).tanh()
        return x

    step = compile(chain, backend="numpy")
    step(1.0), step(1.0)
    return len(step.plans[0].blocks)


# -- a condition that can be on a tape -------------------------------------------------------------------------


def _compiled(mended: Callable[..., Any], w: float, xs: list[float]) -> Any:
    """What the compiled function gives for each x."""
    from ...engine import Value
    from ...tape import compile

    weight = Value(w)
    step = compile(lambda x: mended(weight, x), backend="numpy")
    return [step(x) for x in xs]


def _around_the_bend(random: Random) -> tuple[float, list[float]]:
    """A weight, and inputs for which w * x is below 1 or above it, also where x itself is on the other side of 1."""
    w = random.choice([0.5, 0.6, 1.6, 2.0])
    between = [round(1 / w + (1 - 1 / w) * part, 2) for part in (0.25, 0.5, 0.75)]
    return w, random.sample([0.1, 0.2, 3.0, 4.0, *between], 7)


# -- compiled once, or again and again -------------------------------------------------------------------------


def _training_and_runs(train: Callable[..., Any]) -> dict[str, Any]:
    """The losses of a training on four numbers in three epochs, and how often Python ran the lines of the loss."""
    from ...engine import Value

    w = Value(2.0)

    def loss(x: float) -> Any:
        print("once more")
        return (w * x - 1.0) ** 2

    def update() -> None:
        w.data -= 0.1 * w.grad
        w.zero_grad()

    printed = io.StringIO()
    with redirect_stdout(printed):
        losses = train(loss, update, [0.5, 1.0, 1.5, 2.0], 3)
    return {"losses": losses, "times that Python ran the lines of loss": printed.getvalue().count("once more")}


def _lines(before: str, in_epoch: str, call: str) -> str:
    """A training loop, with a line before it, one in each epoch, and the call of the loss."""
    inner = f"for x in numbers:\n    value = {call}\n    value.backward()\n    update()\n    losses.append(value.data)"
    body = "\n".join(f"    {line}" for line in (in_epoch + "\n" + inner).strip().split("\n"))
    return f"{before}\nfor _ in range(epochs):\n{body}".strip()


_COMPILE = 'step = mg.compile(loss, backend="numpy")'


def _gradient_of_lanes() -> float:
    from ...engine import Value
    from ...tape import vmap

    w = Value(3.0)
    results = vmap(lambda x: w * x, backend="numpy")([1.0, 2.0, 4.0])
    sum(results).backward()
    return w.grad


EXERCISES = [
    Exercise(
        id="recordings",
        lesson=15,
        minutes=4,
        kind="predict",
        title="Two lengths",
        task=(
            "`weighted = mg.compile(lambda numbers: sum(w * n for n in numbers))` is called 100 times with lists of 3 "
            "numbers, and then 100 times with lists of 4. How many times does Python run the lines of "
            "the function itself?"
        ),
        code="runs = ____",
        right="4",
        wrong=[
            Wrong(
                "one tape is expected for both lengths, or one recording for each tape",
                "2",
                "Has a tape for 3 numbers as many lines as one for 4? And how often did Python run the "
                "lines of `answer`?",
            ),
            Wrong(
                "the second look is expected only once, for the whole function",
                "3",
                "Before a tape is trusted, the engine looks a second time. Does that hold for the second tape, too?",
            ),
            Wrong(
                "every call is held to run the lines",
                "200",
                "That is what happens without compile. What does a replay run?",
            ),
        ],
        hints=(
            "Can a tape for 3 numbers take 4?",
            "Look at the first example with `answer` again: five calls, and how often did Python run its lines?",
            "Two tapes, and each of them is recorded … times before it is trusted.",
        ),
        why=(
            "A list of another length is another tape, and each tape is recorded twice: once, and to see "
            "that it is the same."
        ),
        truth=_runs_for_two_lengths,
        numpy=True,
    ),
    Exercise(
        id="on_a_tape",
        lesson=15,
        minutes=4,
        kind="fill a blank",
        title="A condition that can be on a tape",
        task=(
            "A function with the condition `v.data > 1` can't be compiled: `v.data` is a plain number, and a tape "
            "would keep that of the first call for ever. (It is `frozen` in lesson 15.) Mend it: write a condition "
            "that can be on a tape."
        ),
        code='''
            def mended(w, x):
                """Half of w * x if that is above 1, else all of it."""
                v = w * x
                return v * 0.5 if ____ else v
        ''',
        right="v > 1",
        wrong=[
            Wrong(
                "a plain number is taken out of the Value",
                "v.data > 1",
                "The engine can't see where a plain number comes from. What was compared in `bent`?",
            ),
            Wrong(
                "the input is compared, not w * x",
                "x > 1",
                "This can be on a tape. But read the text of the function: what has to be above 1?",
            ),
            Wrong(
                "the condition is the wrong way round", "v < 1", "Which of the two is halved, the large or the small?"
            ),
            Wrong(
                "the weight is compared, not w * x", "w > 1", "Read the text of the function: what has to be above 1?"
            ),
        ],
        cases=[(2.0, [0.1, 0.2, 0.3, 0.8, 3.0, 4.0])],
        draw=_around_the_bend,
        drawn=1,
        measure=_compiled,
        say="mended(w={}, x), compiled, for x in {}",
        hints=(
            "`bent` has an `if` too, and could be compiled. What does it compare?",
            "A comparison of a Value is noted as a guard. One of a plain number isn't, as nobody sees "
            "where it is from.",
            "Compare v with 1, and nothing that was taken out of v.",
        ),
        why="The Value itself is compared, so that the tape can have a guard.",
        numpy=True,
    ),
    Exercise(
        id="blocks_of_a_chain",
        lesson=15,
        minutes=3,
        kind="predict",
        title="A long chain",
        task=(
            "500 neurons stand one after the other, each with one input, and each fed by the one before. The tape has "
            "1,000 lines, `w * x` and `tanh` in turn. How many blocks will its plan have?"
        ),
        code="blocks = ____",
        right="1000",
        wrong=[
            Wrong(
                "everything of the same kind is put into one block",
                "2",
                "All 500 tanh in one array: at what time would all their inputs be known?",
            ),
            Wrong(
                "each neuron is taken as one block",
                "500",
                "A block is one kind of operation. How many kinds are there in a neuron?",
            ),
            Wrong(
                "the whole chain is taken as one block",
                "1",
                "The operations in a block must not need each other. Do these?",
            ),
        ],
        hints=(
            "Which of them could be done at the same time?",
            "A box has to wait for its inputs. Give each its level: one more than the highest among its inputs.",
            "In a chain each box is on a level of its own. How many boxes are there?",
        ),
        why=(
            "Each waits for the one before, so there are 1,000 levels with one operation each. Arrays of one number "
            "gain nothing: here the NumPy backend is slower than the graph. "
            "(numba goes from block to block at hardly any cost.)"
        ),
        truth=_blocks_of_a_chain,
        numpy=True,
    ),
    Exercise(
        id="silent_prints",
        lesson=15,
        minutes=5,
        kind="predict",
        title="Silent prints",
        task=(
            "Three functions of a number have a `print` as their first line. Each is compiled, and called ten times "
            "with ten different numbers. How many lines does each of them print? The second one has an `if` and goes "
            "one way in the first five calls, the other way in the last five. The third one adds "
            "`rng.random()` to its input."
        ),
        code="""
            printed = {
                "always the same way": ____,
                "an if: five times one way, five times the other": ____,
                "a random number is drawn inside": ____,
            }
        """,
        right=("2", "4", "10"),
        wrong=[
            Wrong(
                "every call is held to run the lines",
                ("10", "10", "10"),
                "Most of the calls are replays. Which of your lines does a replay run?",
            ),
            Wrong(
                "one tape is expected to do for both ways",
                ("2", "2", "10"),
                "A tape has no `if`. What happens when its guard says that it doesn't hold?",
            ),
            Wrong(
                "a tape is expected to be trusted after one recording",
                ("1", "2", "10"),
                "What does the engine do to find out whether the same comes out again?",
            ),
            Wrong(
                "the random number is expected to be frozen",
                ("2", "4", "2"),
                "Then each later call would get the noise of an earlier one. What did the engine do with `noisy`?",
            ),
            Wrong(
                "the print is expected to be on the tape",
                ("10", "10", "2"),
                "A tape is made of operations on numbers. Is a print among them?",
            ),
        ],
        hints=(
            "A print is heard when Python runs the lines: while recording, and where nothing is compiled.",
            "Count the tapes of each function, and how often each of them is recorded. Which function can have none?",
            "One tape, recorded twice; two tapes, each recorded twice; and one that is run as it is, each time.",
        ),
        why=(
            "Each way through a function is a tape, and each tape is recorded twice; replays print nothing. What draws "
            "random numbers is run as it is."
        ),
        truth=_runs_of_three,
        numpy=True,
    ),
    Exercise(
        id="compiled_and_slow",
        lesson=15,
        minutes=5,
        kind="find the bug",
        title="Compiled, and still slow",
        task=(
            "The loss is compiled here, and the losses are right. But in three epochs of four numbers Python runs the "
            "lines of `loss` six times, where two would be enough. Find the bug. (`update()` does the step.)"
        ),
        code='''
            def train(loss, update, numbers, epochs):
                """The losses of a training; loss is a function of one number."""
                losses = []
                ____
                return losses
        ''',
        bug=_lines("", _COMPILE, "step(x)"),
        right=_lines(_COMPILE, "", "step(x)"),
        wrong=[
            Wrong(
                "no call replays a tape",
                _lines(_COMPILE, "", "loss(x)"),
                "Python ran the lines in each of the 12 calls. Which function is called in the inner loop, and since "
                "when does it exist?",
            ),
            Wrong(
                "the tape is made with the first number, and used with nothing else",
                _lines(_COMPILE, "", "step(numbers[0])"),
                "A replay runs on the numbers that it is given. Which ones does it get?",
            ),
        ],
        measure=_training_and_runs,
        reveal=True,
        hints=(
            "Where does a compiled function keep its tapes? And what becomes of it when the next epoch begins?",
            "Compile once; call what you got as often as you like.",
            "One line is in the wrong place: that with mg.compile. Where is it reached only once?",
        ),
        why=(
            "Each call of mg.compile gives a new function without tapes. Made once, before the loop, it keeps its tape."
        ),
        numpy=True,
    ),
    Exercise(
        id="gradient_of_lanes",
        lesson=15,
        minutes=3,
        kind="predict",
        title="One weight, three lanes",
        task=(
            "`w = Value(3.0)`, and `results = mg.vmap(lambda x: w * x)([1.0, 2.0, 4.0])`. "
            "What is `w.grad` after `sum(results).backward()`?"
        ),
        code="gradient = ____",
        right="7",
        wrong=[
            Wrong(
                "the lanes overwrite each other's gradient, and the last one stays",
                "4",
                "Three paths lead from w to the sum. What happens to the slopes of several paths?",
            ),
            Wrong("each lane is given a weight of its own", "[1, 2, 4]", "All lanes share w. And it has one gradient."),
            Wrong(
                "the mean over the lanes is taken",
                "7 / 3",
                "Nothing here divides by the number of lanes.",
            ),
            Wrong(
                "the results are taken in place of their slopes",
                "21",
                "That is the sum itself. How does it change with w?",
            ),
        ],
        hints=(
            "Forget the lanes: what would a loop over the three numbers give?",
            "The sum is w * 1 + w * 2 + w * 4. Each lane is a path from w to it.",
            "Add the slopes of the three paths: 1 + …",
        ),
        why="A weight is used in every lane, so its gradients add up over the lanes: 1 + 2 + 4.",
        truth=_gradient_of_lanes,
        numpy=True,
    ),
]
