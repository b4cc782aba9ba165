"""Build your own Value: right engines pass, each wrong one is caught at its stage, and its mistake is named."""

import html
import json
import math
import re
import threading
from fractions import Fraction

import pytest
from engines_zoo.wrong import CLOSURES, MUL, OVERWRITTEN, TABLE, WRONG, engine_class, source

from micrograd_plus import Value
from micrograd_plus import exercises as ex
from micrograd_plus.exercises.engines import STAGES, check_engine, collect_engine, judge_engine
from micrograd_plus.exercises.engines.ideas import RIGHT, foretold, right_numbers
from micrograd_plus.exercises.engines.known import IDEAS
from micrograd_plus.exercises.engines.picture import difference, picture_of, right_things
from micrograd_plus.exercises.engines.programs import Program
from micrograd_plus.exercises.engines.stages import PROGRAMS, chosen
from micrograd_plus.exercises.gathering import gathering

RIGHT_ENGINES = ["closures", "slopes", "classes", "table", "tape"]
ALL = [*STAGES, "rpow"]


def found(report):
    """The stage that fails and the mistake that is named."""
    case = report.wrong[0]
    return case.name.partition(":")[0], case.mistake


def judged(number_class, **options):
    return judge_engine(collect_engine(number_class, **options), picture=False)


def the_class(engine, old="", new=""):
    return engine_class(source(engine, old, new))


# ---- right engines ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", RIGHT_ENGINES)
def test_right_engines_of_five_styles_pass_all_stages(engine):
    report = judged(the_class(engine))
    assert report.state == "passed", str(report)
    assert report.score == report.out_of == len(STAGES)


def test_our_own_value_passes_everything():
    assert judged(Value, stages=ALL).ok


def test_what_only_looks_unusual_is_not_wrong():
    """Sets for the walk alone, fractions, NumPy's numbers, a recursion limit that was raised."""
    assert judged(the_class(CLOSURES, "self.inputs = inputs", "self.inputs = set(inputs)")).ok
    exact = the_class(CLOSURES, "self.data = float(data)", "self.data = Fraction(data)")
    exact.__init__.__globals__["Fraction"] = Fraction
    assert judged(exact, stages="add mul chain reuse order constants sub neg div reflected twice").ok
    numpy = pytest.importorskip("numpy")
    single = the_class(CLOSURES, "self.data = float(data)", "self.data = numpy.float32(data)")
    single.__init__.__globals__["numpy"] = numpy
    assert judged(single, stages=[s for s in STAGES if s != "deep"]).ok


def test_an_engine_without_some_operations_passes_the_stages_that_it_has():
    """The first engine of lesson 06 has only these."""
    text = source(CLOSURES)
    for method in ("__rsub__", "__neg__", "__truediv__", "__rtruediv__", "__pow__", "log", "relu"):
        text = text.replace(f"def {method}", f"def not_{method.strip('_')}")
    small = engine_class(text)
    assert judged(small, stages="add mul chain reuse order constants sub tanh exp deep twice").ok
    assert found(judged(small)) == ("neg", "__neg__ is missing")


MICROGRAD_LACKS = {
    "tanh": "tanh is missing",
    "exp": "exp is missing",
    "log": "log is missing",
    "rpow": "__rpow__ is missing",
}
MICROGRAD_FAILS = {
    **MICROGRAD_LACKS,
    "deep": "the walk calls itself for each input (recursion)",
    "twice": "inner boxes keep their gradients from the backward() before",
}


@pytest.mark.parametrize("stage", ALL)
def test_micrograd_passes_every_stage_but_those_that_it_truly_fails(stage):
    engine = pytest.importorskip("micrograd.engine")
    report = judged(engine.Value, stages=[stage])
    if stage in MICROGRAD_FAILS:
        assert found(report) == (stage, MICROGRAD_FAILS[stage])
    else:
        assert report.ok, str(report)


# ---- wrong engines ---------------------------------------------------------------------------------------------------


NEVER_END = {  # by their names: these come to the end of the time, whatever it is
    "a stack that never empties", "path by path", "no visited set", "no visited set, inputs first",
    "no visited set, level by level", "backward() calls itself and pushes",
}  # fmt: skip


def test_there_are_enough_wrong_engines_and_each_is_another():
    assert len(WRONG) >= 40
    assert len({row[0] for row in WRONG}) == len({row[1:4] for row in WRONG}) == len(WRONG)


@pytest.mark.parametrize(("name", "engine", "old", "new", "stage", "mistake"), WRONG, ids=[row[0] for row in WRONG])
def test_a_wrong_engine_is_caught_and_its_mistake_named(name, engine, old, new, stage, mistake):
    report = judged(the_class(engine, old, new), timeout=1.5 if name in NEVER_END else 30)
    assert not report.ok
    assert found(report) == (stage, mistake), str(report)
    right = STAGES.index(stage)
    assert [case.ok for case in report.cases[: right + 1]] == [True] * right + [False]
    assert report.score == sum(case.ok for case in report.cases)


SAME_NUMBERS = {  # what is named where two ideas give the same numbers: {(idea, in): the other name}
    ("the slope is forgotten", "a - b"): "the sign of b's slope is forgotten, in `a - b`",
    ("the slope is forgotten", "-a"): "the sign is forgotten on the way back, in `-a`",
    ("the slope is forgotten", "relu"): "relu lets every gradient pass, also below 0",
    ("the gradient is subtracted, not added", "-a"): "the sign is forgotten on the way back, in `-a`",
    ("the gradient is subtracted, not added", "tanh"): "the sign is wrong, in tanh",
    ("the gradient is subtracted, not added", "exp"): "the sign is wrong, in exp",
    ("the gradient is subtracted, not added", "log"): "the sign is wrong, in log",
    ("the gradient is subtracted, not added", "a / b"): "the minus of b's slope is forgotten, in `a / b`",
}
OF_SUB = {
    "the slopes of a and b are swapped, in `a - b`",
    "both slopes are negative, in `a - b`",
    "the sign of b's slope is forgotten, in `a - b`",
}


def observed(idea):
    """What collect_engine would find of an engine that follows this idea."""
    programs = {}
    for stage in ALL:
        programs[stage] = []
        for program in PROGRAMS[stage]:
            seen = right_numbers(program) if program.is_long else foretold(program, idea)
            nothing = {"data": {}, "grad": {}, "error": "" if seen else "ValueError", "text": ""}
            programs[stage].append({**nothing, "says": "", "during": "", "at": "", **(seen or {})})
    return {"name": "MyValue", "stages": ALL, "programs": programs, "printed": ""}


def test_each_idea_is_recognised_by_its_numbers():
    """All at once, since it is a table against itself: an idea is named, or another with the very same numbers."""
    for idea in IDEAS:
        report = judge_engine(observed(idea), picture=False)
        if report.ok:  # the slope of a sum is 1: to forget it is no mistake
            assert idea.name == "the slope is forgotten"
            assert idea.where.endswith(("`a + b`", "left, in `a - b`"))
            continue
        mistake = found(report)[1]
        if mistake != idea.name:
            where = idea.where.split("in ")[-1].strip("`")
            assert (where == "a - b" and mistake in OF_SUB) or mistake == SAME_NUMBERS[idea.name, where]
        else:
            assert f"{idea.name}{idea.where}" in report.wrong[0].why


def test_a_mistake_that_nobody_thought_of_is_shown_without_a_name():
    odd = the_class(TABLE, "x.grad += slope * self.grad", "x.grad += slope * self.grad * 0.7")
    report = judged(odd)
    case = report.wrong[0]
    assert (case.mistake, case.expected, case.got) == (
        "",
        {"a.grad": 1.0, "b.grad": 1.0},
        {"a.grad": 0.7, "b.grad": 0.7},
    )
    assert case.why == PROGRAMS["add"][0].about


def test_of_two_mistakes_the_first_is_named_first():
    text = source(CLOSURES, "self.grad += other.data * y.grad", "self.grad = other.data * y.grad")
    text = text.replace("other.grad += self.data * y.grad", "other.grad = self.data * y.grad")
    both = engine_class(text.replace("(1 - t * t)", "(1 - t)"))
    assert found(judged(both)) == ("reuse", OVERWRITTEN)
    assert found(judged(both, stages="tanh"))[0] == "tanh"


def test_forgotten_brackets_explain_all_numbers_with_upstream_inside_or_outside():
    for name in ("a ** n: no brackets round n - 1", "a ** n: no brackets round n - 1, in a slope"):
        row = next(row for row in WRONG if row[0] == name)
        assert "not all of your" not in judged(the_class(*row[1:4])).wrong[0].why


def test_a_named_mistake_that_does_not_explain_everything_says_so():
    """a * b forgets upstream on the right where that is 5, and nowhere else."""
    old = "other.grad += self.data * y.grad"
    case = judged(the_class(CLOSURES, old, "other.grad += self.data * (1 if y.grad == 5 else y.grad)")).wrong[0]
    assert case.mistake == "upstream is forgotten"
    assert "in `a * b` (here; not all of your other numbers fit that)." in case.why
    assert "not all" not in judged(the_class(CLOSURES, old, "other.grad += self.data")).wrong[0].why


# ---- what is seen of a class -----------------------------------------------------------------------------------------


def test_observations_are_plain_and_can_travel():
    number_class = the_class(*WRONG[0][1:4])
    observations = json.loads(json.dumps(collect_engine(number_class)))
    assert judge_engine(observations) == judge_engine(collect_engine(number_class))


class Yes(float):
    """A number that equals everything."""

    def __eq__(self, other):
        return True

    __hash__ = float.__hash__

    def __sub__(self, other):
        return Yes(0)

    __rsub__ = __sub__

    def __abs__(self):
        return Yes(0)


def test_an_object_that_says_yes_to_everything_gets_nothing():
    class Liar:
        def __init__(self, data):
            self.data, self.grad = Yes(data), Yes(7)

        def __add__(self, other):
            return Liar(0)

        def backward(self):
            pass

    report = judged(Liar, stages="add")
    assert not report.ok
    assert report.wrong[0].got == {"y.data": 0.0}


def test_a_text_is_no_number():
    texts = the_class(
        CLOSURES,
        "        for node in reversed(nodes):\n",
        "        for node in reversed(nodes):\n            node.grad = '1.0'\n",
    )
    report = judged(texts, stages="add")
    assert found(report)[0] == "add"
    after = the_class(
        CLOSURES,
        "            node.push()",
        "            node.push()\n        for x in self.inputs:\n            x.grad = '1.0'",
    )
    report = judged(after, stages="add")
    assert found(report) == ("add", "grad is no number")
    assert "a.grad is a str" in report.wrong[0].why


def test_fresh_objects_for_each_program_and_nothing_else_is_asked_of_the_class():
    made = []

    class Counting(the_class(CLOSURES)):
        def __init__(self, data, inputs=()):
            super().__init__(data, inputs)
            made.append(self)

    Counting.__add__.__globals__["MyValue"] = Counting
    assert judged(Counting, stages="add mul").ok
    assert len(made) == len(set(map(id, made))) == 6


def test_what_the_class_prints_is_caught_and_shown(capsys):
    loud = the_class(CLOSURES, "        self.grad = 1.0\n", "        print('here I am')\n        self.grad = 2.0\n")
    report = judged(loud, stages="add")
    assert capsys.readouterr() == ("", "")
    assert "here I am" in str(report)


def test_exit_and_odd_errors_are_only_a_wrong_answer():
    class Leaves:
        def __init__(self, data):
            raise SystemExit

    assert judged(Leaves, stages="add").state == "error"

    class Unspeakable(Exception):  # noqa: N818
        def __str__(self):
            raise Unspeakable

    raises = the_class(CLOSURES, "nodes = self.order()", "raise Unspeakable")
    raises.backward.__globals__["Unspeakable"] = Unspeakable
    assert judged(raises, stages="add").state == "error"


class Silent(type):
    """Asked for anything, the class raises an error, even when asked for its name."""

    def __getattribute__(cls, name):
        raise RuntimeError(f"no {name} here")


class Endless(type):
    @property
    def __name__(cls):
        while True:
            pass


def test_a_class_that_does_not_tell_its_name_is_only_a_wrong_answer(capsys):
    class Mute(metaclass=Silent):  # in here, since pytest asks all that stands in a module for its doctests
        def __init__(self, data):
            self.data = data

    for odd in (Mute, Endless("Odd", (the_class(CLOSURES),), {})):
        report = check_engine(odd, timeout=0.3)
        assert report.state in ("failed", "error", "timeout", "passed")
        assert "your class" in str(report) or report.wrong
    assert capsys.readouterr().err == ""


def test_an_endless_loop_is_stopped_in_a_thread_too():
    row = next(row for row in WRONG if row[0] == "a stack that never empties")
    reports = []
    thread = threading.Thread(target=lambda: reports.append(judged(the_class(*row[1:4]), timeout=0.3, stages="add")))
    thread.start()
    thread.join()
    assert reports[0].state == "timeout"
    assert reports[0].mistakes == ("a loop never ends",)


def test_after_the_time_is_over_nothing_more_is_run():
    row = next(row for row in WRONG if row[0] == "a stack that never empties")
    programs = collect_engine(the_class(*row[1:4]), timeout=0.2, stages="add mul")["programs"]
    assert [seen["error"] for seen in programs["add"]] == ["Timeout"]
    assert programs["mul"] == []


# ---- not attempted ---------------------------------------------------------------------------------------------------


class Dots:
    def __init__(self, data): ...

    def __add__(self, other): ...

    def backward(self): ...


class Passes:
    def __init__(self, data):
        self.data, self.grad = data, 0.0

    def __add__(self, other):
        """The sum."""
        pass

    def __mul__(self, other):
        raise NotImplementedError

    def backward(self):
        pass


class DotsInside:
    def __init__(self, data):
        self.data, self.grad = data, 0.0

    def __add__(self, other):
        return DotsInside(self.data + ...)


class Nothing:
    pass


@pytest.mark.parametrize("blank", [Dots, Passes, DotsInside, Nothing, ..., None], ids=str)
@pytest.mark.parametrize("stages", [None, "add", "mul"])
def test_dots_are_not_attempted(blank, stages):
    if blank is DotsInside and stages == "mul":
        return
    report = judged(blank, stages=stages)
    assert report.state == "not_attempted", str(report)
    assert report.score == 0


def test_what_is_half_written_is_attempted():
    half = the_class(CLOSURES, "self.grad += other.data * y.grad", "self.grad += ...")
    report = judged(half)
    assert (report.state, found(report)) == ("failed", ("mul", "there are still dots"))

    class OnlyInit:
        def __init__(self, data):
            self.data, self.grad = data, 0.0

    blank = judged(OnlyInit)
    assert (blank.state, blank.message) == ("not_attempted", "OnlyInit can't compute yet. Begin with `a + b`.")


def test_a_stage_that_is_right_counts_although_an_earlier_one_is_not():
    engine = the_class(CLOSURES, "self.grad += y.grad\n            other.grad -= y.grad", "self.grad += y.grad")
    report = judged(engine)
    wrong = [case.name.partition(":")[0] for case in report.wrong]
    assert wrong[0] == "sub"
    assert "tanh" not in wrong
    assert report.graded(17).score == 17 - len(wrong) > 10
    assert str(report).count("why") == 1  # only the first is spoken of


def test_a_method_that_forgets_its_return_is_not_a_blank_one():
    forgets = the_class(CLOSURES, "y = MyValue(self.data + other.data, (self, other))", "return None")
    assert found(judged(forgets, stages="add")) == ("add", "the result is not returned")


# ---- an engine that isn't one's own ----------------------------------------------------------------------------------


def borrowed_classes():
    from micrograd_plus import Tensor

    class MyValue(Value):
        pass

    class Wraps:
        """Its own class at the start; the first sum is a Value."""

        def __init__(self, data):
            self.value = Value(data)
            self.data, self.grad = self.value.data, 0.0

        def __add__(self, other):
            return self.value + other.value

    return [Value, lambda x: Value(x), MyValue, Tensor, Wraps]


@pytest.mark.parametrize("place", range(5))
def test_the_exercise_refuses_the_librarys_own_numbers(place, capsys):
    report = ex.check("engine", borrowed_classes()[place])
    assert (report.state, report.score, report.out_of) == ("failed", 0, len(STAGES))
    assert report.mistakes == ("the engine is the library's, not your own",)
    assert "micrograd_plus" in report.wrong[0].why
    assert "17" not in report.headline
    assert repr(ex.grade("engine", borrowed_classes()[place], points=5)) == "0.0"
    capsys.readouterr()


def test_value_may_be_looked_at_as_a_demonstration_but_is_no_answer(capsys, tmp_path, monkeypatch):
    noted = []
    monkeypatch.setattr("micrograd_plus.exercises.engines.Progress.note", lambda self, *what: noted.append(what))
    assert check_engine(Value).ok
    assert noted == []
    assert check_engine(the_class(CLOSURES)).ok
    assert noted == [("engine", "passed")]
    assert ex.check("engine", the_class(CLOSURES)).ok
    capsys.readouterr()


# ---- what people see -------------------------------------------------------------------------------------------------


def test_the_report_shows_the_smallest_graph_the_numbers_and_the_reason(capsys):
    number_class = the_class(CLOSURES, "other.grad += y.grad", "other.grad = y.grad")
    report = check_engine(number_class)
    assert capsys.readouterr().out == f"{report}\n"
    lines = str(report).split("\n")
    assert lines[:5] == [
        "engine: not yet (14 of 17 right).",
        "  reuse: y = a + a; y.backward()   with a = 3",
        "    expected   a.grad = 2",
        "    by nudging a.grad = 2",
        "    got        a.grad = 1",
    ]
    assert lines[5].startswith("    why        Your a.grad = 1 is what you get if the gradient is overwritten, not")
    assert lines[-1] == "Right so far: add, mul, chain."


def test_the_picture_has_the_right_numbers_and_theirs():
    number_class = the_class(CLOSURES, "other.grad += y.grad", "other.grad = y.grad")
    report = judge_engine(collect_engine(number_class))
    assert report.picture.startswith("<svg")
    assert "yours: grad 1" in report.picture
    assert report.picture.count('class="edge') == 2
    assert report.alt.split("\n")[1:] == [
        "y = a + a   data 6   grad 1",
        "  a   data 3   grad 2   yours: grad 1",
        "  a   see above",
    ]
    mark = report.picture[: report.picture.index("</style>")].rpartition("}.")[2]
    box = mark.split("#")[1].split(" ")[0]
    assert f'id="{box}"' in report.picture
    assert "--backward" in mark


def test_numbers_that_differ_late_are_written_so_that_they_differ():
    """A slope of tanh by nudging too far: -1.439748 for -1.439767."""
    sloppy = the_class(CLOSURES, "(1 - t * t)", "(math.tanh(self.data + 0.01) - math.tanh(self.data - 0.01)) / 0.02")
    report = judge_engine(collect_engine(sloppy))
    expected, _, got = [line.split(" = ")[-1] for line in str(report).split("\n") if "a.grad = " in line][:3]
    assert expected != got
    assert f"yours: grad {got}" in report.alt
    assert f"yours: grad {got}" in html.unescape(report.picture)
    assert difference((1.0, 1.0), (2 / 3, 0.66668)) == "yours: grad 0.66668"
    assert difference((1.0, 1.1), (2.0, 1 / 3)) == "yours: data 1.1, grad 0.3333"


def test_a_wrong_number_without_a_name_is_said_to_be_wrong_before_any_backward():
    rounds = the_class(CLOSURES, "self.data = float(data)", "self.data = round(float(data), 2)")
    why = judged(rounds).wrong[0].why
    assert why.startswith("The number itself is wrong, before any backward(). Begin with `c = a ** 3`")
    assert "arrives" not in why
    later = the_class(CLOSURES, "math.tanh(self.data)", "math.tanh(self.data) * 0.9")
    assert "Begin with `y = a.tanh()`" in judged(later).wrong[0].why


def test_no_picture_where_there_are_no_numbers_to_compare(monkeypatch):
    assert judged(the_class(CLOSURES, "def __radd__", "def radd")).picture == ""
    monkeypatch.setenv("MICROGRAD_PLUS_LAYOUT", "text")
    svg, words = picture_of(Program("y = a + a", {"a": 3.0}), {"a": "yours: grad 1"})
    assert svg == ""
    assert "yours: grad 1" in words


def test_gradients_of_boxes_inside_are_their_own_affair_but_are_drawn():
    keeps = next(row for row in WRONG if row[0] == "inner boxes are kept")
    report = judge_engine(collect_engine(the_class(*keeps[1:4])))
    assert report.wrong[0].expected == {"a.grad": -35.0, "b.grad": 20.0}
    assert "u = a*b   data -7   grad 5   yours: grad 10" in report.alt


def test_an_engine_that_keeps_no_gradients_inside_is_judged_by_its_leaves():
    report = judge_engine(collect_engine(the_class("classes", "return g, g", "return g, 2 * g")))
    assert (report.wrong[0].expected, report.wrong[0].got) == ({"b.grad": 1.0}, {"b.grad": 2.0})
    assert "yours" not in next(line for line in report.alt.split("\n") if line.startswith("y = "))


def test_every_message_is_whole_sentences_and_gives_no_code():
    for idea in IDEAS:
        assert not idea.advice or idea.advice[-1] in ".?"
        assert "+=" not in idea.advice
        assert idea.name == idea.name.strip(" .")
    for stage in ALL:
        assert all(program.about[-1] in ".?" for program in PROGRAMS[stage])


# ---- the programs themselves -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ALL)
def test_right_numbers_agree_with_nudging_and_with_our_own_value(stage):
    for program in PROGRAMS[stage]:
        right = right_numbers(program)
        if not program.has_kink:
            for leaf, slope in program.nudged().items():
                assert math.isclose(slope, right["grad"][leaf], rel_tol=1e-6, abs_tol=1e-6), program.title
        if not program.is_long:
            assert foretold(program, RIGHT) == right
        ours = right_things(program)
        assert {name: thing.data for name, thing in ours.items()} == pytest.approx(right["data"])
        assert {name: thing.grad for name, thing in ours.items()} == pytest.approx(right["grad"])


@pytest.mark.parametrize("method", ["__mul__", "__add__", "apply", "backward"])
def test_a_change_to_our_own_value_changes_no_verdict(monkeypatch, method):
    """Lesson 06 exchanges methods of a class; whoever does that to Value hears that it is wrong now."""
    with monkeypatch.context() as patch:
        patch.setattr(Value, method, lambda *operands: Value(7.0))
        assert not judged(Value, stages="add mul").ok
        assert judged(the_class(CLOSURES), stages="add mul chain").ok
        wrong = judge_engine(collect_engine(the_class(CLOSURES, MUL, MUL.replace("other.data *", "2 *"))))
        assert (wrong.wrong[0].expected, wrong.wrong[0].got) == ({"a.grad": -3.5}, {"a.grad": 2.0})
        if method in ("__mul__", "__add__"):  # the ops are drawn, whatever the operators have become
            assert "data -7   grad 1" in wrong.alt
            assert wrong.picture.startswith("<svg")
        else:  # no picture is better than a wrong one
            assert wrong.picture == wrong.alt == ""
    assert judged(Value).ok


@pytest.mark.parametrize("stage", ALL)
def test_the_code_of_a_program_runs_as_it_is_written(stage):
    for program in PROGRAMS[stage]:
        scope = {"MyValue": Value}
        exec(program.written("MyValue"), scope)
        numbers = right_numbers(program)["grad"]
        assert {name: scope[name].grad for name in numbers} == numbers


@pytest.mark.parametrize("stage", ALL)
def test_what_is_said_of_a_reflected_operation_has_its_number(stage):
    """y = 2 * a: "then it is a.__rmul__(2)"."""
    for program in PROGRAMS[stage]:
        for method, given in re.findall(r"a\.(__r\w+__)\((\w+)\)", program.about):
            step = next(step for step in program.steps if step.method == method)
            assert given == str(step.operands[0]), program.about


@pytest.mark.parametrize("stage", [stage for stage in ALL if stage != "deep"])
def test_boxes_with_the_same_number_are_in_one_graph_only(stage):
    """A walk that takes two of them for one fails at that graph, which is small and says so."""
    for program in PROGRAMS[stage]:
        if "same number, and are" not in program.about and stage in ("add", "mul", "chain", "reuse", "order"):
            numbers = list(right_numbers(program)["data"].values())
            assert len(set(numbers)) == len(numbers), program.title


def test_each_graph_has_only_leaves_that_are_used_and_the_smallest_come_first():
    for stage in ALL:
        sizes = [len(program.steps) for program in PROGRAMS[stage] if not program.has_kink]
        assert sizes[0] == min(sizes)
        for program in PROGRAMS[stage]:
            used = {x for step in program.steps for x in step.operands}
            assert set(program.inputs) <= used


# ---- options ---------------------------------------------------------------------------------------------------------


def test_stages_can_be_chosen():
    assert chosen("mul, add") == chosen(["mul", "add"]) == ("add", "mul")
    assert chosen(upto="chain") == ("add", "mul", "chain")
    assert chosen("rpow tanh") == ("tanh", "rpow")
    assert "rpow" not in chosen()
    with pytest.raises(ValueError, match="there is no stage 'plus'; the stages are add, mul"):
        chosen("plus")
    with pytest.raises(ValueError, match="no stage"):
        chosen(upto="nowhere")
    with pytest.raises(ValueError, match="no stage is left"):
        chosen("tanh", upto="add")


def test_an_object_in_place_of_its_class_is_refused():
    with pytest.raises(TypeError, match=r"your class itself, check_engine\(Value\)"):
        check_engine(Value(2.0))


@pytest.mark.parametrize("timeout", [0, -1, math.nan, math.inf, None, "5", 1e300])
def test_a_time_limit_that_is_none_is_refused(timeout):
    with pytest.raises(ValueError, match=r"timeout is how many seconds all graphs together may take.*above 0.*got"):
        check_engine(Value, timeout=timeout)


def test_the_shortest_time_limit_is_a_time_limit():
    assert judged(the_class(CLOSURES), timeout=1e-9).state == "timeout"


def test_partial_credit_counts_all_stages_that_were_asked_for():
    report = judged(the_class(CLOSURES, "def tanh", "def tanhh")).graded(17)
    assert repr(report) == "16.0"
    assert judged(the_class(CLOSURES)).graded(3).score == 3


def test_only_a_look_at_all_stages_is_gathered_for_a_grader(capsys):
    with gathering() as found_calls:
        check_engine(Value, stages="add")
        check_engine(Value, upto="mul")
        assert found_calls == []
        check_engine(Value)
    assert [entry["exercise"] for entry in found_calls] == ["engine"]
