"""Every exercise of the catalogue: tested by existing."""

import json

import pytest

from micrograd_plus.exercises.catalogue import LESSONS, all_exercises
from micrograd_plus.exercises.exercise import KINDS, Exercise, filled
from micrograd_plus.exercises.marking import check
from micrograd_plus.exercises.plain import agree, plain
from micrograd_plus.exercises.reference import reference, telling_seed
from micrograd_plus.exercises.report import FAILED, NOT_ATTEMPTED, PASSED

SEEDS = (None, "Ada", 7)


def _by_id(exercise: Exercise) -> str:
    return f"{exercise.lesson:02}-{exercise.id}"


every_exercise = pytest.mark.parametrize("exercise", all_exercises().values(), ids=_by_id)
every_wrong_idea = pytest.mark.parametrize(
    ("exercise", "wrong"),
    [(e, wrong) for e in all_exercises().values() for wrong in e.wrong],
    ids=lambda part: _by_id(part) if isinstance(part, Exercise) else part.name,
)


@every_exercise
def test_it_says_what_it_is(exercise):
    assert exercise.id.isidentifier()
    assert exercise.id == exercise.id.lower()
    assert exercise.kind in KINDS
    assert 2 <= exercise.minutes <= (60 if exercise.judging else 10)
    assert exercise.lesson in LESSONS
    assert len(exercise.hints) == 3
    assert all(len(hint) > 15 for hint in exercise.hints)
    assert len(set(exercise.hints)) == 3
    assert len(exercise.why) > 15
    assert len(exercise.task) > 15
    assert exercise.title


@every_exercise
def test_a_first_hint_and_the_advice_keep_the_answer_to_themselves(exercise):
    right = exercise.right if isinstance(exercise.right, str) else " ".join(exercise.right)
    if len(right) > 6:
        for text in (*exercise.hints[:2], *(wrong.advice for wrong in exercise.wrong)):
            assert right.strip("\"'") not in text


@every_exercise
def test_unsolved_it_is_not_attempted(exercise):
    assert check(exercise, exercise.run(exercise.start)).state == NOT_ATTEMPTED
    assert check(exercise, ...).state == NOT_ATTEMPTED


@every_exercise
@pytest.mark.parametrize("seed", SEEDS)
def test_its_solution_passes(exercise, seed):
    report = check(exercise, exercise.run(exercise.solution), seed)
    assert report.state == PASSED, str(report)
    assert report.score == report.out_of > 0
    assert not report.mistakes
    json.dumps(report.to_dict())


@every_wrong_idea
@pytest.mark.parametrize("seed", SEEDS)
def test_each_wrong_idea_fails_and_is_named(exercise, wrong, seed):
    report = check(exercise, exercise.run(filled(exercise.code, wrong.fill)), seed)
    assert report.state not in (PASSED, NOT_ATTEMPTED), str(report)
    assert report.mistakes == (wrong.name,), str(report)
    assert wrong.advice in str(report.messages)
    assert report.score < report.out_of


@every_exercise
def test_there_are_wrong_ideas_and_all_are_told_apart(exercise):
    assert len(exercise.wrong) >= 2 or exercise.bug, "give at least two wrong ideas"
    assert len({wrong.name for wrong in exercise.wrong}) == len(exercise.wrong)
    for wrong in exercise.wrong:
        assert wrong.name == wrong.name.strip(" .")
        assert len(wrong.advice) > 10
    if not exercise.judging:
        assert reference(exercise, telling_seed(exercise, "None")).told_apart()


@pytest.mark.parametrize("exercise", [e for e in all_exercises().values() if e.kind == "predict"], ids=_by_id)
def test_what_is_to_be_predicted_is_what_comes_out(exercise):
    assert exercise.truth, "give truth=…, which runs it"
    assert agree(plain(exercise.truth()), plain(exercise.run(exercise.solution)), exercise.tolerance)


@pytest.mark.parametrize("exercise", [e for e in all_exercises().values() if e.forward], ids=_by_id)
@pytest.mark.parametrize("seed", SEEDS)
def test_right_gradients_are_those_of_nudging(exercise, seed):
    known = reference(exercise, telling_seed(exercise, str(seed)))
    for right, nudged in zip(known.right, known.nudged, strict=True):
        assert agree(right["value"], nudged, 1e-4)


def test_there_are_enough_of_them_and_of_each_kind():
    of_lessons = [e for e in all_exercises().values() if 1 <= e.lesson <= 14]
    assert len(of_lessons) >= 40
    assert {e.lesson for e in all_exercises().values()} == set(LESSONS)
    for kind in KINDS:
        assert sum(e.kind == kind for e in of_lessons) >= 3


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("which_move", "step()"),
        ("which_move", "optimizer.step()"),
        ("four_moves", ["forward()", "loss", "loss.backward()", "optimizer.step()"]),
        ("four_moves", "forward -> loss -> backward() -> step()"),
        ("kite_order", "y r q p"),
        ("kite_order", ["y", "r", "q", "p", "a"]),
        ("a_thousandfold", "Adam, RMSprop"),
        ("a_thousandfold", "RMSprop and Adam"),
        ("the_seventh_patient", "missing from optimizer"),
        ("capacity_without_noise", "below 0.001"),
        ("float32_gradient", "np.float32"),
        ("knows_nothing", 2.302585),
        ("logits_raised", 0.70538),
    ],
)
def test_right_in_other_words_is_right(id, answer):
    assert check(all_exercises()[id], answer).ok


@pytest.mark.parametrize(("id", "answer"), [("knows_nothing", 2.28), ("knows_nothing", 2.31), ("logits_raised", 0.704)])
def test_two_decimals_are_two_decimals(id, answer):
    assert check(all_exercises()[id], answer).state == FAILED


def test_what_is_partly_filled_in_is_an_attempt():
    assert check(all_exercises()["kite_order"], ["y", "r", "q", ...]).state == FAILED
