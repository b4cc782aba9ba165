"""500 random programs: eager, scalar twin, compiled, PyTorch, finite differences agree; numbers changed in place.

The nightly run is `python -m tests.programs --count 20000 --seed 1`. Here hypothesis makes the decisions and shrinks
them; a failure shows the program as a script.
"""

import sys
from importlib.util import find_spec

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from programs import words
from programs.__main__ import main
from programs.checking import Disagreement, Stats, check
from programs.generator import Pool, program, random_draw
from programs.program import Program, Start, Step
from programs.shrinking import smallest_failure
from programs.updates import Change, Plan, Session, change_gradients, check_compiled_updates, check_updates, plan

from micrograd_plus import Tensor
from micrograd_plus.engine import ops

TORCH, NUMBA = find_spec("torch") is not None, find_spec("numba") is not None
# derandomize: the same programs in each run, so that a failure is somebody's change and not luck; other seeds at night.
QUICKLY = settings(
    deadline=None, derandomize=True, database=None, phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip


@st.composite
def programs(draw, scalars):
    return program(lambda n: draw(st.integers(0, n - 1)) if n > 1 else 0, scalars=scalars)


@st.composite
def plans(draw, scalars):
    choose = lambda n: draw(st.integers(0, n - 1)) if n > 1 else 0
    return plan(choose, program(choose, most=20, scalars=scalars))


@settings(QUICKLY, max_examples=250)
@given(programs(scalars=False))
def test_programs_of_tensors(made):
    check(made, Stats(), torch=TORCH)


@settings(QUICKLY, max_examples=130)
@given(programs(scalars=True))
def test_programs_of_values(made):
    check(made, Stats(), torch=TORCH)


@pytest.mark.skipif(not NUMBA, reason="numba isn't installed")
@settings(QUICKLY, max_examples=20)
@given(programs(scalars=True))
def test_programs_by_numba(made):
    check(made, Stats(), numba=True, torch=TORCH)


@settings(QUICKLY, max_examples=70)
@given(plans(scalars=False))
def test_tensors_changed_in_place(made):
    check_updates(made, Stats())
    check_compiled_updates(made, Stats())


@settings(QUICKLY, max_examples=30)
@given(plans(scalars=True))
def test_values_changed_in_place(made):
    check_updates(made, Stats())
    check_compiled_updates(made, Stats())


# -- the tests of the tests ------------------------------------------------------------------------------------


def test_every_row_is_a_word():
    """A new pointwise row is one by itself; another one needs a line in words.py, or a reason in NOT_HERE."""
    assert {word.row for word in words.WORDS.values()} | set(words.NOT_HERE) == words.rows_to_cover()


def test_every_word_comes():
    """What is never proposed, or never found good, would not be tested."""
    stats = Stats()
    for seed in range(150):
        stats.words.update(step.word for step in program(random_draw(seed)).steps)
    assert set(stats.words) == set(words.WORDS)


@pytest.mark.skipif(not TORCH, reason="PyTorch isn't installed")
def test_every_word_is_known_in_torch():
    from programs.in_torch import IN_TORCH

    assert set(IN_TORCH) | {"sign"} == set(words.WORDS)


def test_a_wrong_slope_is_found_and_shown_in_a_short_script(monkeypatch):
    monkeypatch.setattr(ops.tanh, "rules", (lambda y, x: 1 - y,))
    checked = lambda made: check(made, Stats(), torch=False)
    for seed in range(30):
        made = program(random_draw(seed), scalars=False)
        try:
            checked(made)
        except Disagreement as error:
            message = smallest_failure(made, checked, str(error))
            break
    assert "t0 = mg.tanh(a)" in message
    assert "t1" not in message
    exec(message[message.index("import numpy") :], {"print": lambda *shown: None})


def test_a_graph_that_keeps_no_numbers_is_found(monkeypatch):
    """What the tests of changes are for: without the frozen arrays, a view of .data changes the past."""
    a = Start("leaf", (3,), (0.5, -1.0, 2.0))
    made = Program([a], [Step("mul", (0, 0), (), "{0} * {1}")], outputs=[1], shapes=[(3,), (3,)])
    late = Plan(made, [Change(0, "v = a.data"), Change(1, "v *= 2.0")], [])
    check_updates(late, Stats())
    monkeypatch.setattr(Tensor, "_frozen", lambda self: self._array)
    with pytest.raises(Disagreement, match=r"a\.grad after the first backward"):
        check_updates(late, Stats())


@pytest.mark.parametrize("word", ["maximum", "minimum", "max of two", "min of two"])
def test_two_variables_that_tie_are_never_taken_for_smooth(word):
    """Whatever they are nudged by: a program in 20,000 would fail at its kink, where each of them is right."""
    for seed in range(500):
        pool = Pool(Program([Start("fixed", (), (0.5,))] * 2, [], [], []), seed)
        assert pool.add(word, (0, 1)) is None
        assert pool.add(word, (0, 0)) == 2  # one variable with itself: no nudge parts them


def test_gradients_that_share_memory_are_found():
    a, b = (Start("leaf", (2,), (0.5, -1.0)) for _ in range(2))
    made = Program([a, b], [Step("add", (0, 1), (), "{0} + {1}")], outputs=[2], shapes=[(2,)] * 3)
    session = Session(Plan(made, [], [("a", "a.grad *= 2.0")]), Stats())
    session.forward().backward()
    session.leaves[1].grad = session.leaves[0].grad
    with pytest.raises(Disagreement, match="changed b"):
        change_gradients(session)


def test_the_nightly_run(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tests.programs", "--count", "4", "--seed", "3"])
    assert main() == 0
    shown = capsys.readouterr().out
    assert "programs 3000000 to 3000003" in shown
    assert "4 programs, " in shown
    assert "0 failures" in shown


def test_the_nightly_run_ends_with_its_results_at_ctrl_c_and_fails_if_a_program_did(monkeypatch, capsys):
    def one_program(draw):
        if seeds.pop() == 2:
            raise KeyboardInterrupt
        return program(draw, most=5)

    seeds = [2, 1, 0]
    monkeypatch.setattr("programs.__main__.program", one_program)
    monkeypatch.setattr(ops.itself, "rules", (lambda y, x: 2,))
    monkeypatch.setattr(ops.add, "rules", (lambda y, a, b: 2, lambda y, a, b: 1))
    monkeypatch.setattr(sys, "argv", ["tests.programs", "--count", "9", "--seed", "0"])
    assert main() == 1
    shown = capsys.readouterr().out
    assert "stopped at program 2" in shown
    assert "2 failures" in shown
    assert "def f(" in shown
