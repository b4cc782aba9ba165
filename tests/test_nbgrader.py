"""A round trip through the real nbgrader, and its traps. Skipped where nbgrader isn't installed."""

import csv
import html
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from micrograd_plus import exercises as ex
from micrograd_plus.classroom import make
from micrograd_plus.classroom.nbgrader_format import cell_names
from micrograd_plus.classroom.problem_set import read
from micrograd_plus.exercises.catalogue import find
from micrograd_plus.exercises.exercise import filled

pytestmark = pytest.mark.skipif(find_spec("nbgrader") is None, reason="needs nbgrader (the extra classroom)")

ROOT = Path(__file__).parent.parent
PS1 = ROOT / "examples" / "course" / "ps1_slopes_and_graphs.py"
NAME = PS1.stem

CHEAT = """\
class AlwaysEqual(tuple):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0

def {name}(*args): return AlwaysEqual((1.0, 1.0))
"""
LOOP = "def {name}(*args):\n    while True: pass\n"
NOISY = """\
import sys, warnings
_right = {name}
def {name}(*args):
    warnings.warn("something odd")
    print("to stderr", file=sys.stderr)
    print("to stdout")
    return _right(*args)
"""


def nbgrader(folder, *arguments):
    """Run nbgrader in a folder. It calls `alembic` by PATH, so the folder of this Python's programs is put in front."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


# -- the students ----------------------------------------------------------------------------------------------


def tasks():
    """{id of the exercise: the code that solves it}, of all that a program can mark."""
    parts = read(PS1).parts
    answers = {name: part.full for name, part in zip(cell_names(parts), parts, strict=True) if name.endswith("-answer")}
    return {name.removesuffix("-answer"): re.sub(r" *### .* SOLUTION\n?", "", full) for name, full in answers.items()}


def functions():
    return [id for id in tasks() if find(id).cases or find(id).draw]


def right():
    """Everything right; the first function warns, and prints to stdout and stderr."""
    answers = tasks()
    noisy = functions()[0]
    return {**answers, noisy: f"{answers[noisy]}\n{NOISY.format(name=find(noisy).name)}"}


def mistaken():
    """The first wrong idea of each exercise."""
    return {id: filled(find(id).code, find(id).wrong[0].fill) for id in tasks()}


def hostile():
    """An object that equals everything, an endless loop, and the rest left open."""
    cheated, loops = functions()[:2]
    return {cheated: CHEAT.format(name=find(cheated).name), loops: LOOP.format(name=find(loops).name)}


STUDENTS = {"right": right, "mistaken": mistaken, "blank": dict, "hostile": hostile}


def hand_in(folder, student, answers):
    """Fill the answers into the released notebook, as a student would."""
    place = folder / "submitted" / student / NAME
    place.mkdir(parents=True)
    notebook = json.loads((folder / "release" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        exercise = cell["id"].removesuffix("-answer")
        if cell["id"].endswith("-answer") and exercise in answers:
            cell["source"] = answers[exercise]
    (place / f"{NAME}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


# -- the round trip --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The folder of a course after all of nbgrader's steps."""
    folder = tmp_path_factory.mktemp("course")
    make(PS1, folder, "nbgrader")
    nbgrader(folder, "generate_assignment", NAME, "--create")
    for student, answers in STUDENTS.items():
        hand_in(folder, student, answers())
    nbgrader(folder, "autograde", NAME, "--create")
    nbgrader(folder, "generate_feedback", NAME)
    nbgrader(folder, "export", "--to", "grades.csv")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def marks(course):
    """{student: {exercise: points}}."""
    code = (
        "import json\n"
        "from nbgrader.api import Gradebook\n"
        "with Gradebook('sqlite:///gradebook.db') as book:\n"
        "    print(json.dumps({s.student.id: {g.name: g.score for g in s.notebooks[0].grades}\n"
        f"                      for s in book.assignment_submissions({NAME!r})}}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=course,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(done.stdout)


def points():
    return {part.graded: part.points for part in read(PS1).graded if part.kind == "code"}


def feedback(course, student):
    return (course / "feedback" / student / NAME / f"{NAME}.html").read_text(encoding="utf-8")


def test_students_get_no_solution(course):
    released = (course / "release" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8")
    assert "SOLUTION" not in released
    assert "HIDDEN" not in released
    assert "NotImplementedError" not in released
    code = "\n".join("".join(cell["source"]) for cell in json.loads(released)["cells"] if cell["cell_type"] == "code")
    for exercise in tasks():
        fills = find(exercise).right
        for fill in [fills] if isinstance(fills, str) else fills:
            assert fill not in code, exercise
    assert "slopes along a path are multiplied" not in released, "the model answer"


def test_right_answers_get_full_marks_whatever_they_print(marks):
    assert {name: marks["right"][name] for name in points()} == points()


def test_wrong_answers_get_the_points_of_the_cases_that_are_right(marks):
    for exercise, most in points().items():
        wrong = find(exercise).run(mistaken()[exercise])
        assert marks["mistaken"][exercise] == ex.grade(exercise, wrong, points=most).score < most


def test_nothing_done_and_nothing_right_get_nothing(marks):
    assert {name: marks["blank"][name] for name in points()} == dict.fromkeys(points(), 0.0)
    assert {name: marks["hostile"][name] for name in points()} == dict.fromkeys(points(), 0.0)


def test_the_feedback_names_the_mistake(course):
    page = html.unescape(re.sub(r"<[^>]+>", "", feedback(course, "mistaken")))
    for exercise in tasks():
        assert find(exercise).wrong[0].name in page, exercise
        assert find(exercise).wrong[0].advice in page
    assert "did not end in time" in feedback(course, "hostile")
    assert "not attempted" in feedback(course, "blank")


def test_the_exported_table_has_everyone(course):
    with open(course / "grades.csv", newline="", encoding="utf-8") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(STUDENTS)
    assert float(rows["right"]["score"]) == sum(points().values())
    assert {float(row["max_score"]) for row in rows.values()} == {read(PS1).points}


# -- its traps, one by one: the rule that nbgrader gives marks by ----------------------------------------------


SCORING = """\
import json, sys, nbformat
from nbgrader.utils import determine_grade

def points(cell):
    try:
        return determine_grade(nbformat.from_dict(cell))[0]
    except ValueError as error:
        return str(error)

print(json.dumps([points(cell) for cell in json.load(sys.stdin)]))
"""


def scored(*cells):
    """The points that nbgrader gives each graded cell; a cell is (its outputs, its points). Its error as a text."""
    graded = {"grade": True, "solution": False}
    given = [
        {"cell_type": "code", "source": "", "outputs": outputs, "metadata": {"nbgrader": {**graded, "points": points}}}
        for outputs, points in cells
    ]
    command = [sys.executable, "-W", "ignore", "-c", SCORING]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout)


def shown(text):
    return {"output_type": "execute_result", "data": {"text/plain": text}, "metadata": {}, "execution_count": 1}


def swapped(a, b, upstream):
    return a * upstream, b * upstream


def test_what_is_no_number_gets_full_marks_so_a_grade_shows_as_one():
    report = ex.grade("mul_backward", swapped, points=3)
    as_text, as_number = scored(([shown(str(report))], 3), ([shown(repr(report))], 3))
    assert as_text == 3, "the trap: a friendly text as the cell's result"
    assert as_number == report.score < 3
    assert "a and b are swapped" in report._repr_html_()


def test_any_stderr_gets_nothing_so_a_grade_writes_none(capfd):
    noise = {"output_type": "stream", "name": "stderr", "text": "UserWarning: something odd"}
    assert scored(([noise, shown("3.0")], 3)) == [0], "the trap: a warning in a cell that is right"
    namespace = {"mul_backward": lambda a, b, upstream: (b * upstream, a * upstream)}
    exec(NOISY.format(name="mul_backward"), namespace)
    assert ex.grade("mul_backward", namespace["mul_backward"], points=3).score == 3
    assert capfd.readouterr() == ("", "")


def test_more_than_the_most_stops_nbgrader_so_a_grade_never_is():
    most = (0.1, 1 / 3, 2.675, 7)
    wrong = [([shown(repr(ex.grade("mul_backward", swapped, points=points)))], points) for points in most]
    right = [([shown(repr(ex.grade("minus", 2.0, points=points)))], points) for points in most]
    trap, *given = scored(([shown("3.5")], 3), *wrong, *right)
    assert "greater than maximum" in trap
    assert all(0 <= mark < points for mark, points in zip(given, most, strict=False))
    assert given[len(most) :] == list(most)
