"""Marking: what a report says of every sort of answer. (The exercises themselves: test_exercises.py.)"""

import contextlib
import dataclasses
import io
import json
import re
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import pytest

from micrograd_plus import Tensor, Value
from micrograd_plus import exercises as ex
from micrograd_plus.exercises import calling
from micrograd_plus.exercises.calling import call_safely
from micrograd_plus.exercises.gathering import gathering
from micrograd_plus.exercises.marking import collect, judge
from micrograd_plus.exercises.plain import BLANK, agree, plain, shape
from micrograd_plus.exercises.progress import FILE, Progress
from micrograd_plus.exercises.report import SHOWN, Case, Grade, Report, shown

np = pytest.importorskip("numpy")


def right(a, b, upstream):
    return b * upstream, a * upstream


def report_on(answer, **options):
    with contextlib.redirect_stdout(io.StringIO()):
        return ex.check("mul_backward", answer, **options)


# -- what learners see ---------------------------------------------------------------------------------------


def test_a_right_answer_passes_and_says_why_it_is_right(capsys):
    report = ex.check("mul_backward", right)
    assert report.ok
    assert report
    assert (report.state, report.score, report.out_of) == ("passed", 4, 4)
    said = " ".join(capsys.readouterr().out.split())
    assert said == f"mul_backward: passed (4 of 4 right). {report.message}"


def test_a_wrong_idea_is_named_with_input_expected_nudged_and_got(capsys):
    report = ex.check("mul_backward", lambda a, b, upstream: (b, a))
    said = capsys.readouterr().out
    case = report.wrong[0]
    assert case.name == "mul_backward(a=2, b=3, upstream=5)"
    assert (case.expected, case.got, case.mistake) == ([15.0, 10.0], [3.0, 2.0], "upstream is forgotten")
    assert case.nudged == pytest.approx([15.0, 10.0])
    assert "Your [3, 2] is what you get if upstream is forgotten." in " ".join(said.split())
    assert report.mistakes == ("upstream is forgotten",)
    assert case.advice == "A local slope says how y changes. How much does y matter for the result?"
    assert report_on(lambda a, b, upstream: print()).wrong[0].advice == ""  # a fault, no idea
    assert "and 2 more like it" in said  # one reason is told once
    assert said.count("expected") == 1


def test_what_is_to_be_predicted_is_not_given_away(capsys):
    report = ex.check("minus", 77)
    assert report.state == "failed"
    assert report.wrong[0].expected is None
    assert "2" not in capsys.readouterr().out.replace("of 2", "")


@pytest.mark.parametrize("answer", [..., (..., ...), [...], lambda a, b, upstream: ...])
def test_dots_are_not_attempted(answer):
    assert report_on(answer).state == "not_attempted"
    assert report_on(answer).score == 0


def test_a_function_without_a_body_is_not_attempted():
    def documented(a, b, upstream):
        """The gradients of a and b."""

    def dots(a, b, upstream): ...

    def passed(a, b, upstream):
        pass

    for empty in (documented, dots, passed):
        assert report_on(empty).state == "not_attempted"


def test_not_implemented_is_not_attempted():
    def later(a, b, upstream):
        raise NotImplementedError

    assert report_on(later).state == "not_attempted"


def test_a_forgotten_return_a_sign_an_order_and_a_shape_are_named_everywhere():
    assert report_on(lambda a, b, upstream: print()).mistakes == ("nothing is returned",)
    assert report_on(lambda a, b, upstream: (-b * upstream, -a * upstream)).mistakes == (
        "the sign is the other way round",
    )
    one_number = report_on(lambda a, b, upstream: b * upstream)
    assert one_number.mistakes == ("the shape is another one",)
    assert one_number.wrong[0].why == "It has 1 number, and 2 are asked for."
    assert report_on(lambda a, b, upstream: "ab").mistakes == ("it is of another kind",)


def test_an_attempt_that_changes_nothing_is_an_attempt():
    def push(self):
        for _, slope in zip(self.inputs, self.slopes, strict=True):
            self.grad += slope

    with contextlib.redirect_stdout(io.StringIO()):
        report = ex.check("mend_push", push)
    assert report.state == "failed"
    assert "nothing is changed by it" in report.mistakes


def test_a_change_of_a_name_alone_is_an_attempt_and_another_place_of_the_import_is_none():
    exercise = next(exercise for exercise in ex.list(lesson=3) if exercise.id == "tanh_backward")
    for start, state in (
        (exercise.start, "not_attempted"),
        (exercise.start.replace("y = ", "z = ").replace("(y)", "(z)"), "failed"),
    ):
        typed = {}
        exec(f"import math\n{start}", typed)
        with contextlib.redirect_stdout(io.StringIO()):
            report = ex.check(exercise, typed[exercise.name])
        assert report.state == state, str(report)


def test_a_word_that_is_none_of_the_choices_is_told_which_there_are():
    with contextlib.redirect_stdout(io.StringIO()):
        report = ex.check("which_move", "optimiser")
    assert "Write one of 'backward', 'forward', 'loss', 'step'" in report.wrong[0].why


def test_a_word_that_is_one_of_the_choices_is_not_called_another_word():
    verdicts = ex.list(lesson=13)[1]
    answers = verdicts.run(verdicts.solution)
    wrong = dict.fromkeys(answers, "overfits")
    with contextlib.redirect_stdout(io.StringIO()):
        report = ex.check(verdicts, wrong)
    assert report.wrong
    assert "another word is written" not in report.mistakes


def test_an_answer_that_cannot_be_used_is_not_called_code_that_stopped():
    with contextlib.redirect_stdout(io.StringIO()):
        report = ex.check("choose_h", "small")
    assert "It can't be used as it is" in report.wrong[0].why


def test_one_right_case_in_four_earns_a_quarter():
    grade = ex.grade("mul_backward", lambda a, b, upstream: (b, a), points=6)
    assert grade.score == 1.5
    assert 0 < grade.score < grade.out_of == 6


def test_an_error_is_shown_with_the_line_that_raised_it():
    def broken(a, b, upstream):
        return a / 0, b

    report = report_on(broken)
    assert report.state == "error"
    assert report.mistakes == ("ZeroDivisionError is raised",)
    assert "in broken, line" in report.wrong[0].why
    assert "return a / 0, b" in report.wrong[0].why
    assert "/" not in report.wrong[0].why.partition("in broken")[0].replace("a / 0", "")  # no path of a file


def test_the_wrong_number_of_arguments_is_said():
    assert "takes 2 positional arguments" in report_on(lambda a, b: a).wrong[0].why


def test_exit_does_not_end_the_notebook():
    report = report_on(lambda a, b, upstream: sys.exit(3))
    assert report.state == "error"
    assert "exit() was called" in report.wrong[0].why


def test_what_is_printed_is_shown_and_nothing_else_is(capsys):
    def talking(a, b, upstream):
        print("a is", a)
        print("careful", file=sys.stderr)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        return 0, 0

    report = ex.check("mul_backward", talking)
    out, err = capsys.readouterr()
    assert err == ""
    assert report.printed == "a is 2.0\ncareful\n"
    assert "Your code printed:\n    a is 2.0\n    careful" in out
    ex.grade("mul_backward", talking, points=1)
    assert capsys.readouterr() == ("", "")


def test_endless_printing_is_kept_short():
    def chatter(a, b, upstream):
        while True:
            print("x" * 1000)

    report = report_on(chatter, timeout=0.3)
    assert report.state == "timeout"
    assert len(report.printed) < 30_000
    assert "more lines" in str(report) or len(report.printed_lines) <= 12


def test_an_object_that_says_yes_to_everything_gets_nothing():
    class Yes(float):
        def __eq__(self, other):
            return True

        __hash__ = None
        __lt__ = __le__ = __gt__ = __ge__ = __eq__

    class YesList(list):
        __eq__ = Yes.__eq__
        __hash__ = None

    assert report_on(lambda a, b, upstream: Yes(0.0)).score == 0
    assert report_on(lambda a, b, upstream: (Yes(0.0), Yes(0.0))).score == 0
    assert report_on(lambda a, b, upstream: YesList([0.0, 0.0])).score == 0


def test_values_tensors_arrays_and_lists_are_all_answers():
    for make in (Value, np.float32, np.float64, int, Tensor):
        assert report_on(lambda a, b, upstream, make=make: [make(b * upstream), make(a * upstream)]).ok
    assert report_on(lambda a, b, upstream: np.array([b * upstream, a * upstream])).ok
    assert report_on(lambda a, b, upstream: Tensor([b * upstream, a * upstream])).ok


def test_other_seeds_give_other_numbers_and_the_same_seed_the_same():
    def names(seed):
        return [case.name for case in ex.grade("mul_backward", lambda *numbers: 0, seed=seed).cases]

    assert names("Ada") == names("Ada") != names("Alan")
    assert names("Ada")[:2] == names("Alan")[:2]  # the first two are for everybody


def test_each_call_gets_fresh_arguments():
    exercise = ex.Exercise(
        id="sorted_copy",
        lesson=1,
        minutes=2,
        kind="write a loop",
        title="t",
        task="t",
        code="def sorted_copy(numbers):\n    ____",
        right="return sorted(numbers)",
        wrong=[ex.Wrong("it is not sorted", "return numbers", "Look.")],
        hints=("a", "b", "c"),
        why="because",
        cases=[([3.0, 1.0],)],
    )

    def changing(numbers):
        numbers.sort()
        return numbers

    for _ in range(2):
        assert ex.check(exercise, changing).ok
    assert exercise.cases == [([3.0, 1.0],)]
    assert ex.check(exercise, lambda numbers: numbers).mistakes == ("it is not sorted",)


def test_an_answer_of_several_blanks_has_a_case_for_each():
    exercise = ex.Exercise(
        id="pair",
        lesson=1,
        minutes=2,
        kind="predict",
        title="t",
        task="t",
        code='pair = {"rows": ____, "columns": ____}',
        right=("2", "3"),
        wrong=[ex.Wrong("rows and columns are swapped", ("3", "2"), "Which comes first?")],
        hints=("a", "b", "c"),
        why="because",
    )
    half = ex.check(exercise, {"rows": 2, "columns": ...})
    assert [(case.name, case.ok) for case in half.cases] == [("rows", True), ("columns", False)]
    assert half.score == 1
    assert half.mistakes == ("a blank is left",)
    assert ex.check(exercise, {"rows": 3, "columns": 2}).mistakes == ("rows and columns are swapped",)
    assert ex.check(exercise, {"rows": ..., "columns": ...}).state == "not_attempted"
    assert ex.check(exercise, 5).state == "failed"


def test_draws_at_which_two_ideas_coincide_are_rejected():
    drawn = []

    def draw(random):
        drawn.append(float(random.choice([0, 2, 2, 3])))  # at 0 and at 2 the ideas coincide, at 3 they don't
        return (drawn[-1],)

    exercise = ex.Exercise(
        id="square",
        lesson=1,
        minutes=2,
        kind="write a rule",
        title="t",
        task="t",
        code="def square(x):\n    return ____",
        right="x * x",
        wrong=[ex.Wrong("x is doubled", "x + x", "Look."), ex.Wrong("x is kept", "x", "Look.")],
        hints=("a", "b", "c"),
        why="because",
        draw=draw,
        drawn=1,
    )
    for seed in range(20):
        assert ex.check(exercise, lambda x: x + x, seed=seed).wrong[0].name == "square(3)"
    assert {0.0, 2.0, 3.0} == set(drawn)


def test_an_exercise_of_one_s_own_is_known_by_its_id_once_it_was_used(capsys):
    exercise = two_sided("x", ("it is doubled", "2 * x"), cases=[(1.0,)])
    ex.check(exercise, lambda x: 2 * x)
    ex.hint("two_sided", 1)
    assert capsys.readouterr().out.endswith("Hint 1 of 3: a\n")
    with pytest.raises(ValueError, match="already"):
        ex.check(dataclasses.replace(exercise, id="minus"), lambda x: x)


def test_unknown_ids_say_what_there_is():
    with pytest.raises(KeyError, match="Did you mean 'mul_backward'"):
        ex.check("mul_bckward", right)
    with pytest.raises(KeyError, match=r"ex.list\(\) shows all"):
        ex.hint("zzzzzzz")


def test_points_below_zero_are_refused():
    with pytest.raises(ValueError, match="from 0 up"):
        ex.grade("minus", 2, points=-1)


# -- what a review found -------------------------------------------------------------------------------------


def quietly(id, answer, **options):
    with contextlib.redirect_stdout(io.StringIO()):
        return ex.check(id, answer, **options)


def test_one_word_for_twelve_blanks_earns_nothing():
    for id, answer in (("twelve_verdicts", "suspect"), ("three_counters", 90), ("silent_prints", [10, 10, 10])):
        report = quietly(id, answer)
        assert report.score == 0
        assert "a dict with the names" in report.wrong[0].why


def test_a_patched_math_changes_nothing_of_what_is_right(monkeypatch):
    right_one = ex.list(lesson=3)[6]
    assert right_one.id == "sigmoid_backward"
    with monkeypatch.context() as patched:
        patched.setattr("math.exp", lambda v: 1.0)
        quietly(right_one, lambda *numbers: 0.0, seed="patched")
    assert quietly(right_one, right_one.run(right_one.solution), seed="patched").ok


def two_sided(right, *ideas, cases):
    """An exercise for a function of x."""
    return ex.Exercise(
        id="two_sided",
        lesson=1,
        minutes=2,
        kind="write a rule",
        title="t",
        task="t",
        code="def f(x):\n    return ____",
        right=right,
        wrong=[ex.Wrong(name, fill, "Look.") for name, fill in ideas],
        hints=("a", "b", "c"),
        why="because",
        cases=cases,
    )


def test_an_idea_that_fits_by_chance_is_not_named():
    ideas = ("x is doubled", "x + x"), ("x is squared", "x * x")
    exercise = two_sided("x * x * x", *ideas, cases=[(2.0,), (3.0,), (4.0,)])
    report = quietly(exercise, lambda x: {2.0: 4.0, 3.0: 9.0, 4.0: 5.0}[x])
    assert report.mistakes == ()
    assert "None of the mistakes" in report.wrong[0].why


def test_an_idea_that_a_right_answer_speaks_against_is_named_with_doubt():
    exercise = two_sided(
        "abs(x)", ("the sign is kept", "x"), ("1 is added", "abs(x) + 1"), cases=[(-2.0,), (3.0,), (0.5,)]
    )
    report = quietly(exercise, lambda x: abs(x) + 1 if x < 0 else abs(x))
    assert "if 1 is added" in report.wrong[0].why
    assert "Not all of your other answers fit that" in report.wrong[0].why


def test_an_error_of_the_same_kind_is_no_proof_and_the_own_line_is_shown():
    exercise = two_sided("x", ("it is made a text", "x + 'a'"), cases=[(1.0,), (2.0,)])

    def broken(x):
        return x[0]

    report = quietly(exercise, broken)
    assert report.mistakes == ("TypeError is raised",)
    assert "not subscriptable (in broken, line" in report.wrong[0].why
    assert quietly(exercise, lambda x: x + "a").mistakes == ("it is made a text",)


def test_the_line_is_the_learner_s_and_not_that_of_a_library():
    import random

    def shuffling(a, b, upstream):
        random.shuffle((1, 2, 3))

    assert "in shuffling, line" in report_on(shuffling).wrong[0].why


def test_numbers_that_differ_are_shown_so():
    exercise = two_sided("x", ("it is doubled", "2 * x"), cases=[(4.0621,)])
    said = str(quietly(exercise, lambda x: round(x, 3)))
    assert "4.0621" in said
    assert "4.062\n" in said


@pytest.mark.parametrize(("id", "answer", "gives_away"), [("three_calls", -6, "6"), ("minus", -2, "size is right")])
def test_what_may_not_be_shown_is_not_said_in_other_words(id, answer, gives_away):
    assert gives_away not in "".join(case.why for case in quietly(id, answer).wrong).replace("-6", "")


def test_none_for_a_number_is_not_called_a_function():
    report = quietly("which_move", None)
    assert "function" not in report.wrong[0].why
    assert report.state == "failed"


def test_dots_among_answers_are_pointed_at():
    assert quietly("one_neuron", (6, ...)).mistakes == ("a blank is left",)


def test_wrong_cases_that_are_not_shown_are_counted():
    cases = tuple(Case(f"case {n}", False, why=f"reason {n}.") for n in range(9))
    report = Report("many", "failed", cases, 9.0)
    assert "and 6 wrong in other ways" in str(report)
    assert "and 6 wrong in other ways" in report._repr_html_()


def test_huge_answers_are_cut():
    assert len(str(quietly("one_step", "x" * 10**6))) < 1500
    assert len(quietly("one_step", list(range(90_000)))._repr_html_()) < 4000
    assert "of 5,000,000 items" in quietly("one_step", [0] * 5_000_000).wrong[0].why


class Hostile:
    def __getattr__(self, name):
        raise RuntimeError(name)


class BadStr(Exception):  # noqa: N818
    def __str__(self):
        raise SystemExit


class SlowStr(Exception):  # noqa: N818
    def __str__(self):
        return str(loop())


def raising(error):
    def raises(a, b, upstream):
        raise error

    return raises


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Hostile(), id="hostile"),
        lambda a, b, upstream: Hostile(),
        raising(BadStr()),
        raising(SlowStr()),
        lambda a, b, upstream: sys.stdout.close(),
        lambda a, b, upstream: 10**400,
        lambda a, b, upstream: (n for n in [1, 2]),
    ],
)
def test_whatever_an_answer_does_there_is_a_report(answer, capsys):
    assert report_on(answer, timeout=0.3).score == 0
    assert capsys.readouterr().err == ""


def test_guesses_of_any_kind_are_compared(capsys):
    endless = []
    endless.append(endless)
    for guess in (10**400, endless, Hostile()):
        assert ex.predict("x", guess, 1.0).state == "failed"
    assert ex.predict("x", 0, 1e-4).state == "failed"  # a gradient that is nearly 0 is not 0


def test_what_was_set_for_all_of_python_is_put_back():
    import signal

    def setting(a, b, upstream):
        sys.setrecursionlimit(60)
        sys.settrace(lambda *event: None)

    limit = sys.getrecursionlimit()
    trace = sys.gettrace()
    signal.setitimer(signal.ITIMER_REAL, 60.0)
    try:
        report_on(setting)
        assert 50 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    assert sys.getrecursionlimit() == limit
    assert sys.gettrace() is trace


@pytest.mark.parametrize("timeout", [None, -1, 0, float("inf"), "soon"])
def test_a_timeout_that_is_none_is_refused(timeout):
    with pytest.raises(ValueError, match="above 0"):
        ex.check("minus", 2, timeout=timeout)


def test_lists_of_what_there_is_not_are_refused():
    with pytest.raises(ValueError, match="write a loop"):
        ex.list(kind="loop")
    with pytest.raises(ValueError, match="0 to 16, or 20 to 29"):
        ex.list(lesson="03")


def test_what_task_prints_can_be_run(capsys):
    for exercise in ex.list():
        ex.task(exercise)
        said = capsys.readouterr().out
        code = said[re.search(r"^(import|from) ", said, flags=re.M).start() :]
        exec(code, {"__name__": "typed"})
        assert "not attempted" in capsys.readouterr().out


# -- hints, solutions, lists ---------------------------------------------------------------------------------


def test_hints_come_one_after_the_other(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("micrograd_plus.exercises.progress._hints_given", {})
    for _ in range(4):
        ex.hint("minus")
    assert [line[:11] for line in capsys.readouterr().out.splitlines()] == ["Hint 1 of 3"] + [
        f"Hint {n} of 3" for n in (2, 3, 3)
    ]
    with pytest.raises(ValueError, match="there are 3"):
        ex.hint("minus", 4)


def test_solution_shows_code_that_passes(capsys):
    ex.solution("mul_backward")
    code = capsys.readouterr().out.partition("\nWhy: ")[0]
    found = {}
    exec(code, found)
    assert report_on(found["mul_backward"]).ok


def test_task_shows_what_to_start_from(capsys):
    ex.task("mul_backward")
    said = capsys.readouterr().out
    assert "return ..." in said
    assert "ex.check('mul_backward', mul_backward)" in said
    assert "b * upstream" not in said


def test_the_list_is_a_table_of_a_lesson_or_a_kind():
    assert {exercise.lesson for exercise in ex.list(lesson=3)} == {3}
    assert {exercise.kind for exercise in ex.list(kind="write a rule")} == {"write a rule"}
    assert "mul_backward" in repr(ex.list())
    assert repr(ex.list()[:2]).count("\n") == 2
    assert len(repr(ex.list()[0])) < 100
    assert ex.list()._repr_html_().count("<tr>") == len(ex.list()) + 1
    json.dumps(ex.list().to_dict())


# -- predict -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("guess", "state", "says"),
    [
        (6, "passed", "and so it is"),
        (3.0, "failed", "second path"),
        (12, "failed", "half of your guess"),
        (-6, "failed", "grow or fall"),
        (7, "failed", "you guessed 7, and it is 6."),
        (..., "not_attempted", "guess first"),
    ],
)
def test_a_guess_is_compared(guess, state, says, capsys):
    assert ex.predict("a.grad", guess, Value(6.0)).state == state
    assert says in capsys.readouterr().out


def test_what_comes_out_is_computed_only_after_a_guess():
    ran = []
    ex.predict("x", ..., lambda: ran.append(1))
    assert not ran
    assert ex.predict("x", 1, lambda: ran.append(1) or 1.0).ok


# -- nbgrader's traps, as far as Python shows them -----------------------------------------------------------


def test_a_grade_shows_as_its_bare_number_with_reasons_beside_it():
    grade = ex.grade("mul_backward", lambda a, b, upstream: (b, a), points=3)
    assert isinstance(grade, Grade)
    assert float(repr(grade)) == grade.score == 0.75
    assert "upstream is forgotten" in grade._repr_html_()
    assert repr(ex.grade("mul_backward", ..., points=3)) == "0.0"
    assert repr(ex.grade("mul_backward", right, points=3)) == "3.0"


def test_html_is_escaped_and_the_picture_has_its_words():
    case = Case("<script>", False, "<b>", "&", "a < b", "<i>")
    page = Report("<x>", "failed", (case,), 1.0, "<m>", "<p>", "<svg xmlns='http://www.w3.org/2000/svg'/>", '"alt"')
    shown_html = page._repr_html_()
    for tag in ("<script", "<b>", "<i>", "<m>", "<p>&"):
        assert tag not in shown_html
    assert 'alt="&quot;alt&quot;"' in shown_html
    assert "<code>a.grad</code>" in Report("x", "failed", message="Look at `a.grad`.")._repr_html_()


def test_a_report_that_was_printed_shows_its_picture_only(monkeypatch):
    pytest.importorskip("IPython")
    displayed = []
    monkeypatch.setattr("IPython.display.display", displayed.append)
    report = report_on(lambda *numbers: 0)
    report._ipython_display_()
    assert displayed == []
    report._ipython_display_()
    assert "not yet" in displayed[0].data


def test_a_failed_report_raises_for_pytest():
    with pytest.raises(AssertionError, match="upstream is forgotten"):
        report_on(lambda a, b, upstream: (b, a)).raise_for_failure()
    assert report_on(right).raise_for_failure().ok


def test_at_most_so_many_reasons_are_shown():
    cases = tuple(Case(f"case {n}", False, why=f"reason {n}.") for n in range(9))
    said = str(Report("many", "failed", cases, 9.0))
    assert said.count("why") == SHOWN


# -- the two halves ------------------------------------------------------------------------------------------


def test_what_is_collected_can_be_sent_and_is_judged_elsewhere():
    exercise = ex.list(lesson=3)[1]
    answers = json.loads(json.dumps(collect(exercise, lambda a, b, upstream: (b, a), seed=5)))
    assert judge(exercise, answers, seed=5).mistakes == ("upstream is forgotten",)


def test_gathering_writes_down_all_checks_with_its_own_seed(capsys):
    with gathering(seed=5) as found:
        ex.check("minus", 2)
        ex.grade("mul_backward", right, points=3, seed=99)
    ex.check("minus", 2)
    assert [(entry["exercise"], entry["points"]) for entry in found] == [("minus", None), ("mul_backward", 3)]
    exercise = ex.list(lesson=3)[1]
    assert judge(exercise, found[1]["answers"], seed=5).ok


# -- calling -------------------------------------------------------------------------------------------------


def loop():
    while True:
        pass


def stubborn():
    while True:
        with contextlib.suppress(Exception):
            loop()


@pytest.mark.parametrize("function", [loop, stubborn])
def test_an_endless_loop_is_stopped(function):
    assert call_safely(function, timeout=0.2).timed_out


def test_an_endless_loop_is_stopped_where_there_are_no_signals():
    found = []
    thread = threading.Thread(target=lambda: found.append(call_safely(loop, timeout=0.2)), daemon=True)
    thread.start()
    thread.join(20)
    assert found[0].timed_out


def test_a_time_limit_leaves_nothing_behind():
    import signal

    before = signal.getsignal(signal.SIGALRM)
    assert call_safely(lambda: 5, timeout=0.05).value == 5
    assert signal.getsignal(signal.SIGALRM) is before
    time.sleep(0.1)  # no alarm goes off afterwards
    with calling._by_tracing(5.0):
        pass
    assert call_safely(lambda: 6).value == 6


def test_an_error_that_cannot_say_itself_is_still_an_error():
    class BrokenError(Exception):
        def __str__(self):
            raise ValueError

    def raising():
        raise BrokenError

    assert call_safely(raising).error == "BrokenError"


class LoopsInTheEnd:
    def __del__(self):
        loop()


def test_an_alarm_inside_of_a_del_is_no_noise(capsys):
    def dropping():
        LoopsInTheEnd()
        loop()

    assert call_safely(dropping, timeout=0.2).timed_out
    assert capsys.readouterr() == ("", "")


def test_a_time_that_is_over_at_once_disturbs_nobody_later():
    for _ in range(200):
        assert call_safely(loop, timeout=1e-9).timed_out
    time.sleep(0.3)


def test_ctrl_c_is_the_learner_s_own():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call_safely(interrupted)


# -- plain values --------------------------------------------------------------------------------------------


def test_plain_values():
    assert plain((1, np.float32(2), True, None, "x", {3: ...})) == [1.0, 2.0, True, None, "x", {"3.0": BLANK}]
    assert plain(np.eye(2)) == [[1.0, 0.0], [0.0, 1.0]]
    assert plain(np.bool_(True)) is True
    assert plain({2.0, 1.0}) == [1.0, 2.0]
    assert plain(np.float64(3)) == 3.0
    assert plain(object()) == "<object>"
    assert plain(Value(2.0)) == 2.0
    assert plain(Tensor([[1.0]])) == [[1.0]]


def test_agreement():
    nan = float("nan")
    assert agree(nan, nan)
    assert not agree(nan, 1.0)
    assert agree(float("inf"), float("inf"))
    assert not agree([1.0], [1.0, 2.0])
    assert not agree([1.0], 1.0)
    assert not agree("a", 1.0)
    assert not agree(None, 0.0)
    assert agree(" Yes", "yes")
    assert agree({"a": 1.0}, {"a": 1.0 + 1e-9})
    assert not agree({"a": 1.0}, {"b": 1.0})


def test_shapes():
    assert shape([[1.0, 2.0]]) == (1, 2)
    assert shape([[1.0], [1.0, 2.0]]) is None
    assert shape(["a"]) is None
    assert shape([]) == (0,)


def test_numbers_are_shown_with_four_digits():
    assert shown([1 / 3, -2.0, 1e-9, float("nan"), float("inf"), True, None]) == (
        "[0.3333, -2, 1e-09, nan, inf, True, None]"
    )


# -- progress ------------------------------------------------------------------------------------------------


def test_progress_is_kept_only_where_there_is_a_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ex.check("minus", 2)
    assert list(tmp_path.iterdir()) == []
    Progress.here().start()
    ex.check("minus", -2)
    assert Progress.here().read()["minus"]["state"] == "failed"
    ex.check("minus", 2)
    ex.check("minus", -2)
    assert Progress.here().read()["minus"]["state"] == "passed"  # once passed, always passed
    ex.hint("minus")
    ex.hint("minus")
    assert Progress.here().read()["minus"]["hints"] == 2
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert "passed" in repr(ex.list(lesson=3))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"exercises": 3}', '{"exercises": {"minus": 5}}', "\x00"])
def test_a_broken_progress_file_counts_as_empty(tmp_path, monkeypatch, capsys, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / FILE).write_text(text)
    ex.check("minus", 2)
    ex.hint("minus")
    assert Progress.here().read()["minus"]["state"] == "passed"


# -- without NumPy -------------------------------------------------------------------------------------------


def test_scalar_exercises_work_without_numpy():
    program = textwrap.dedent("""
        import sys
        sys.modules["numpy"] = None
        from micrograd_plus import exercises as ex
        from micrograd_plus.exercises.marking import check
        for exercise in ex.list():
            if not exercise.numpy:
                assert check(exercise, exercise.run(exercise.solution)).ok, exercise.id
        print(sum(not exercise.numpy for exercise in ex.list()))
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 20
