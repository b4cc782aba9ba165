"""Grading: right, wrong, blank and hostile submissions; what they get, and that nobody else is disturbed by them."""

import csv
import io
import json
import os
import re
import time
import zipfile
from pathlib import Path
from urllib.parse import unquote

import pytest

from micrograd_plus.classroom import sandbox
from micrograd_plus.classroom.grading import grade_folder, run_file
from micrograd_plus.classroom.results import GRADED, MISSING, STOPPED, UNREADABLE
from micrograd_plus.classroom.submissions import GradingError, found_in, unique_file_names
from micrograd_plus.classroom.unpacking import UnfitZip, unpack
from micrograd_plus.exercises.catalogue import find
from micrograd_plus.exercises.exercise import filled

ASSIGNMENT = """\
# %%
from micrograd_plus import exercises as ex

# %%
def mul_backward(a, b, upstream):
    ### BEGIN SOLUTION
    return b * upstream, a * upstream
    ### END SOLUTION

# %%
ex.grade("mul_backward", mul_backward, points=4)

# %%
ex.grade("minus", answer, points=2)

# %% [markdown] answer="why" points=3
# Why?
"""

IMPORT = "from micrograd_plus import exercises as ex"
RIGHT = "def mul_backward(a, b, upstream):\n    return b * upstream, a * upstream"
GRADE_MUL = 'ex.grade("mul_backward", mul_backward, points=4)'
MINUS = 'answer = 2\nex.grade("minus", answer, points=2)'


def notebook(*cells):
    """The text of a notebook with these code cells."""
    made = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": c} for c in cells]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


def solved(before="pass", mul=RIGHT):
    """A notebook with both exercises, and something else in its second cell."""
    return notebook(IMPORT, before, mul, GRADE_MUL, MINUS)


def body(code):
    """The solution, with other code in the function."""
    return solved(mul=f"def mul_backward(a, b, upstream):\n    {code}")


def zipped(**files):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return held.getvalue()


# -- a class ---------------------------------------------------------------------------------------------------

# {name: (what is handed in, points for mul_backward, points for minus, state, what is said of it)}. Files that should
# survive stand outside of the submission's own folder, at {outside}.
HOSTILE = {
    "ends python": (solved("import os; os._exit(0)"), 4, 2, STOPPED, "ended Python itself in code cell 2"),
    "crashes": (solved("import ctypes; ctypes.string_at(0)"), 4, 2, STOPPED, "crashed in code cell 2"),
    "exit": (solved("exit()"), 4, 2, GRADED, "exit() was called"),
    "sys exit": (solved("import sys; sys.exit(3)"), 4, 2, GRADED, "exit() was called"),
    "interrupt": (solved("raise KeyboardInterrupt"), 4, 2, GRADED, "KeyboardInterrupt was raised"),
    "ends in the function": (body("import os; os._exit(1)"), 0, 2, STOPPED, "ended Python itself in code cell 4"),
    "endless at the top": (solved("while True: pass"), 4, 2, GRADED, "code cell 2: stopped after 1 s"),
    "endless and stubborn": (
        solved("while True:\n    try:\n        pass\n    except BaseException:\n        pass"),
        4,
        2,
        GRADED,
        "code cell 2: stopped after 1 s",
    ),
    "endless in the function": (body("while True: pass"), 0, 2, GRADED, ""),
    "endless in the function, all in one cell": (
        notebook(
            f"{IMPORT}\ndef mul_backward(*a):\n    while True: pass\n{GRADE_MUL}\nimport time\ntime.sleep(0.6)\n{MINUS}"
        ),
        0,
        2,
        GRADED,
        "",
    ),
    "memory": (solved("x = [0] * 10**10"), 4, 2, GRADED, "used more than 2 GB of memory"),
    "memory in the function": (body("return [0] * 10**10"), 0, 2, GRADED, "used more than 2 GB of memory"),
    "forks": (solved("import os\nfor _ in range(3): os.fork()"), 4, 2, GRADED, "tried to start other programs"),
    "starts programs": (
        solved("import subprocess\nsubprocess.run(['touch', '{outside}/made'])"),
        4,
        2,
        GRADED,
        "tried to start other programs",
    ),
    "shell": (solved("import os\nos.system('touch {outside}/made')"), 4, 2, GRADED, "tried to start other programs"),
    "kills": (solved("import os\nos.kill(os.getppid(), 0)"), 4, 2, GRADED, "tried to end other programs"),
    "network": (
        solved("import socket\nsocket.create_connection(('127.0.0.1', 9), 1)"),
        4,
        2,
        GRADED,
        "tried to use the network",
    ),
    "deletes": (solved("import os\nos.remove('{outside}/precious')"), 4, 2, GRADED, "write or delete files outside"),
    "deletes all": (
        solved("import shutil\nshutil.rmtree('{outside}')"),
        4,
        2,
        GRADED,
        "write or delete files outside",
    ),
    "writes": (solved("open('{outside}/made', 'w')"), 4, 2, GRADED, "write or delete files outside"),
    "moves": (solved("import os\nos.rename('{outside}/precious', 'mine')"), 4, 2, GRADED, "files outside"),
    "writes by a link": (
        solved("import os\nos.symlink('{outside}', 'link')\nopen('link/made', 'w')"),
        4,
        2,
        GRADED,
        "write or delete files outside",
    ),
    "deletes its own": (solved("import shutil, os\nshutil.rmtree(os.getcwd())"), 4, 2, GRADED, ""),
    "large file": (solved("open('big', 'wb').write(bytes(20_000_000))"), 4, 2, GRADED, "File too large"),
    "prints much": (solved("for _ in range(200): print('x' * 100_000)"), 4, 2, GRADED, ""),
    "input": (solved("name = input('Your name? ')"), 4, 2, GRADED, "nobody is there to type"),
    "threads": (
        solved("import threading, time\nthreading.Thread(target=time.sleep, args=[60]).start()"),
        4,
        2,
        GRADED,
        "",
    ),
    "no python": (solved(mul="def mul_backward(a, b upstream):"), 0, 2, GRADED, "no valid Python"),
    "checks patched": (solved("ex.grade = ex.check = lambda *args, **kwargs: 100"), 4, 2, GRADED, ""),
    "comparing patched": (
        solved(
            "import micrograd_plus.exercises.running as r, micrograd_plus.exercises.marking as m\n"
            "m.agree = r.agree = r.same = m.same = r.same_everywhere = m.same_everywhere = lambda *args: True",
            mul="def mul_backward(a, b, upstream):\n    return 17, 17",
        ),
        0,
        2,
        GRADED,
        "ValueError",
    ),
    "float patched": (
        solved(
            "import builtins\nbuiltins.float = lambda x=0: 15",
            mul="def mul_backward(a, b, upstream):\n    return 1, 1",
        ),
        0,
        0,
        GRADED,
        "TypeError",
    ),
    "always equal": (
        solved(
            "class Yes(tuple):\n    __eq__ = lambda self, other: True\n    __hash__ = None",
            mul="def mul_backward(a, b, upstream):\n    return Yes((17, 17))",
        ),
        0,
        2,
        GRADED,
        "",
    ),
    "huge answer": (body("return list(range(300_000))"), 0, 2, GRADED, ""),
    "too many points": (solved().replace("points=4", "points=400"), 4, 2, GRADED, ""),
    "cut off": (solved()[:150], 0, 0, UNREADABLE, "is broken"),
    "binary": (bytes(range(256)) * 20, 0, 0, UNREADABLE, "not saved as UTF-8"),
    "empty": (b"", 0, 0, UNREADABLE, "is empty"),
    "utf-16": (solved().encode("utf-16"), 0, 0, UNREADABLE, "UTF-16"),
}

HARMLESS = {
    "right": (solved(), 4, 2, GRADED, ""),
    "blank": (notebook(IMPORT, find("mul_backward").start, GRADE_MUL, "answer = ...", MINUS[11:]), 0, 0, GRADED, ""),
    "without checks": (notebook(RIGHT, "answer = 2"), 4, 2, GRADED, ""),
    "checks deleted, and one answer": (notebook(RIGHT), 4, 0, GRADED, ""),
    "twice": (notebook(IMPORT, "def mul_backward(*a): pass", GRADE_MUL, RIGHT, GRADE_MUL, MINUS), 4, 2, GRADED, ""),
    "magics": (solved("%matplotlib inline\n!pip list\ndisplay(get_ipython())"), 4, 2, GRADED, ""),
    'Zoë O\'Neill "Z"': (solved(), 4, 2, GRADED, ""),
    "=HYPERLINK(1)": (solved(), 4, 2, GRADED, ""),
    "<b>bold": (solved(), 4, 2, GRADED, ""),
}

WRONG = {f"wrong {i}": wrong for i, wrong in enumerate(find("mul_backward").wrong)}


@pytest.fixture(scope="module")
def the_class(tmp_path_factory):
    """All of them graded in one go: (result, their folder, a folder outside, lines of progress, where all of it is)."""
    room = tmp_path_factory.mktemp("class")
    folder, outside = room / "submissions", room / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "precious").write_text("kept")
    (room / "ps1.py").write_text(ASSIGNMENT)
    for name, (text, *_) in {**HOSTILE, **HARMLESS}.items():
        data = text.replace("{outside}", str(outside)).encode() if isinstance(text, str) else text
        (folder / f"{name}.ipynb").write_bytes(data)
    for name, wrong in WRONG.items():
        (folder / f"{name}.ipynb").write_text(solved(mul=filled(find("mul_backward").code, wrong.fill)))
    (folder / "latin.py").write_bytes(f"# h\xf6he\n{IMPORT}\n{RIGHT}\n{GRADE_MUL}\n{MINUS}\n".encode("latin-1"))
    (folder / "folder").mkdir()
    (folder / "folder" / "essay.docx").write_text("x")
    (folder / "nothing").mkdir()
    (folder / "slip.zip").write_bytes(zipped(**{"../../outside/made": "x", "ps1.ipynb": solved()}))
    (folder / "broken.zip").write_bytes(b"PK\x03\x04 and then nothing")
    (folder / "data.zip").write_bytes(
        zipped(**{"work/ps1.ipynb": solved("assert open('d/x.csv').read() == '1'"), "work/d/x.csv": "1"})
    )
    lines: list[str] = []
    result = grade_folder(
        folder, assignment=room / "ps1.py", csv=room / "grades.csv", feedback=room / "feedback", timeout=1,
        progress=lines.append,
    )  # fmt: skip
    return result, folder, outside, lines, room


def student(the_class, name):
    return next(one for one in the_class[0].students if one.name == name)


@pytest.mark.parametrize("name", [*HOSTILE, *HARMLESS])
def test_each_gets_its_mark(the_class, name):
    _, mul, minus, state, said = {**HOSTILE, **HARMLESS}[name]
    one = student(the_class, name)
    assert ([report.score for report in one.reports], one.state) == ([mul, minus], state), one
    assert said in " ".join(one.problems)
    assert bool(one.problems) == bool(said)
    assert one.out_of == 6


@pytest.mark.parametrize("name", WRONG)
def test_each_wrong_idea_is_named(the_class, name):
    one, wrong = student(the_class, name), WRONG[name]
    assert one.reports[0].mistakes == (wrong.name,)
    assert one.reports[0].score < 4
    assert one.reports[1].ok
    page = (the_class[4] / "feedback" / f"{name.replace(' ', '-')}.html").read_text()
    assert wrong.name in page
    assert "lesson 03" in page


def test_files_that_are_none_are_said_to_be_none(the_class):
    for name, state, said in (
        ("nothing", MISSING, "No file was handed in."),
        ("folder", MISSING, "There is essay.docx"),
        ("slip", MISSING, "outside of its folder"),
        ("broken", MISSING, "can't be unpacked"),
        ("latin", UNREADABLE, "line 1"),
    ):
        one = student(the_class, name)
        assert (one.state, one.score) == (state, 0)
        assert said in one.problems[0]
    assert student(the_class, "data").score == 6


def test_states_tell_why_there_are_no_points(the_class):
    def states(name):
        return [report.state for report in student(the_class, name).reports]

    assert states("blank") == ["not_attempted", "not_attempted"]
    assert states("checks deleted, and one answer") == ["passed", "not_attempted"]
    assert states("endless in the function") == ["timeout", "passed"]
    assert states("ends in the function") == ["error", "passed"]
    assert states("no python") == ["error", "passed"]
    assert states("cut off") == ["error", "error"]
    assert states("nothing") == ["not_attempted", "not_attempted"]


def test_what_lies_outside_is_untouched(the_class):
    _, folder, outside, _, room = the_class
    assert [path.name for path in outside.iterdir()] == ["precious"]
    assert (outside / "precious").read_text() == "kept"
    assert (folder / "deletes its own.ipynb").exists()
    assert not (room / "made").exists()


def test_there_is_a_line_for_each_student(the_class):
    result, _, _, lines, _ = the_class
    total = len(HOSTILE) + len(HARMLESS) + len(WRONG) + 6
    assert result.everyone == len(result.students) == len(lines) == total
    assert all(re.match(rf"{i}/{total} ", line) for i, line in enumerate(lines, start=1))
    assert any(line.endswith(" right  6 of 6") for line in lines)


def test_the_table_of_grades_can_be_read_by_a_spreadsheet(the_class):
    data = (the_class[4] / "grades.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert list(rows[0]) == ["student", "total", "out_of", "mul_backward", "minus", "state", "note"]
    by_name = {row["student"]: row for row in rows}
    assert by_name["right"] == {
        "student": "right", "total": "6", "out_of": "6", "mul_backward": "4", "minus": "2", "state": "graded",
        "note": "",
    }  # fmt: skip
    assert "'=HYPERLINK(1)" in by_name
    assert 'Zoë O\'Neill "Z"' in by_name
    assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())
    assert all("\n" not in row["note"] and len(row["note"]) < 320 for row in rows)


def test_the_teachers_page_says_where_the_class_went_wrong(the_class):
    result, _, _, _, room = the_class
    page = (room / "feedback" / "index.html").read_text()
    counted = {mistake.name: mistake for mistake in result.mistakes("mul_backward")}
    for name, wrong in WRONG.items():
        assert name in counted[wrong.name].students
        assert wrong.name in page
    assert "Written answers are yours to read" in page
    assert "&lt;b&gt;bold" in page
    assert "<b>bold" not in page
    for link in re.findall(r'href="([^"]+)"', page):
        assert (room / "feedback" / unquote(link)).is_file(), link


def test_pages_need_nothing_else_and_are_for_one_student(the_class):
    result, _, _, _, room = the_class
    pages = sorted((room / "feedback").glob("*.html"))
    assert len(pages) == len(result.students) + 1
    for page in pages:
        text = page.read_text()
        assert not re.search(r"""(?:src|href)=["']?(?:https?:|//)|url\(|<script""", text)
        assert "prefers-color-scheme: dark" in text
        assert "@media print" in text
        if page.name != "index.html":
            assert "href" not in text
    assert "There is no answer in this file" in (room / "feedback" / "checks-deleted-and-one-answer.html").read_text()


def test_everything_is_ready_for_json(the_class):
    found = json.loads(json.dumps(the_class[0].to_dict()))
    assert found["out_of"] == 6
    assert {"exercise", "name", "advice", "students"} == set(found["mistakes"][0])
    assert "submissions graded" in str(the_class[0])


# -- one file --------------------------------------------------------------------------------------------------


def written(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_file_is_looked_at(tmp_path, capfd):
    path = written(
        tmp_path / "a.py", f"{IMPORT}\nprint('hello')\n1 / 0\n{RIGHT}\nex.check('mul_backward', mul_backward)"
    )
    result = run_file(path)
    assert result.ok
    assert result.state == GRADED
    assert [report.exercise for report in result.reports] == ["mul_backward"]
    assert result.problems == ("line 3: ZeroDivisionError: division by zero (line 3: 1 / 0)",)
    assert capfd.readouterr() == ("", "")
    assert [other.name for other in tmp_path.iterdir()] == ["a.py"]


def test_cells_of_a_python_file_are_cells(tmp_path):
    text = f"# %%\n{IMPORT}\n\n# %%\nx = 1 / 0\nanswer = 3\n\n# %%\n{MINUS}\n\n# %%\ndef broken(:\n"
    result = run_file(written(tmp_path / "a.py", text))
    assert result.ok
    assert result.problems == (
        "the cell in line 5: ZeroDivisionError: division by zero (line 5: x = 1 / 0)",
        "the cell in line 13: this is no valid Python: invalid syntax (line 13: def broken(:)",
    )


def test_files_beside_it_can_be_read_and_imported(tmp_path):
    written(tmp_path / "helper.py", "VALUE = 2")
    written(tmp_path / "data.txt", "2")
    text = (
        f"{IMPORT}\nimport helper\nassert int(open('data.txt').read()) == helper.VALUE\nex.check('minus', helper.VALUE)"
    )
    result = run_file(written(tmp_path / "a.py", text))
    assert result.ok
    assert not result.problems


def test_secrets_of_this_process_are_not_passed_on(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "abc")
    text = (
        f"{IMPORT}\nimport os, pathlib\nanswer = 2 if 'SECRET_TOKEN' not in os.environ else 0\n"
        f"ex.check('minus', answer)\nassert str(pathlib.Path.home()) != {str(Path.home())!r}"
    )
    result = run_file(written(tmp_path / "a.py", text))
    assert result.ok
    assert not result.problems


def test_what_no_signal_can_stop_is_stopped_and_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "CELLS_IN_TIME", 1)
    monkeypatch.setattr(sandbox, "STARTING", 2.0)
    path = written(tmp_path / "a.ipynb", solved("sum(range(10**13))"))  # one long step inside of Python itself
    begun = time.monotonic()
    result = run_file(path, timeout=0.5)
    assert time.monotonic() - begun < 30
    assert result.state == STOPPED
    assert re.fullmatch(r"It was stopped after \d+ s in code cell 2\.", result.problems[0])
    assert result.ok


def test_without_a_file_or_an_exercise(tmp_path):
    assert run_file(tmp_path / "none.py").state == MISSING
    result = run_file(written(tmp_path / "a.py", "x = 1"))
    assert (result.state, result.reports, result.ok) == (GRADED, (), False)
    assert "broken" in run_file(written(tmp_path / "a.ipynb", "{")).problems[0]


def test_exercises_can_be_named(tmp_path):
    path = written(tmp_path / "a.py", f"{RIGHT}\nanswer = 3")
    result = run_file(path, exercises=["minus", "mul_backward"])
    assert [(report.exercise, report.ok) for report in result.reports] == [("minus", False), ("mul_backward", True)]


def test_less_memory_can_be_given(tmp_path):
    result = run_file(written(tmp_path / "a.ipynb", solved("x = bytes(300_000_000)")), memory=250_000_000)
    assert "It used more than 0.25 GB of memory." in result.problems
    assert result.ok


# -- what is graded --------------------------------------------------------------------------------------------


def quiet(folder, **settings):
    return grade_folder(folder, **{"progress": lambda line: None, "timeout": 2, **settings})


def test_without_an_assignment_the_class_says_what_is_graded(tmp_path):
    written(tmp_path / "a.ipynb", solved())
    written(tmp_path / "b.ipynb", notebook(IMPORT, RIGHT, GRADE_MUL))
    written(tmp_path / "c.ipynb", notebook(IMPORT, MINUS.replace("points=2", "points=50")))
    written(tmp_path / "d.ipynb", solved() + " ")
    written(tmp_path / "e.ipynb", notebook(IMPORT, "ex.grade('no_such', 1, points=7)\nex.grade('v_mean', 1, points=7)"))
    result = quiet(tmp_path)
    assert {call.exercise: call.points for call in result.graded} == {"mul_backward": 4, "minus": 2}
    assert [one.score for one in result.students] == [6, 4, 2, 6, 0]
    assert result.students[1].reports[1].state == "not_attempted"


def test_checks_alone_are_worth_a_point_each(tmp_path):
    written(
        tmp_path / "a.ipynb", notebook(IMPORT, RIGHT, "ex.check('mul_backward', mul_backward)", "ex.check('minus', 3)")
    )
    result = quiet(tmp_path)
    assert (result.students[0].score, result.out_of) == (1, 2)


def test_each_student_gets_other_numbers_from_a_seed(tmp_path):
    told = "def mul_backward(a, b, upstream):\n    return 0, a * 1000 + b"
    for name in ("ada", "bob"):
        written(tmp_path / f"{name}.ipynb", notebook(IMPORT, told, GRADE_MUL))

    def cases(**settings):
        return [[case.name for case in one.reports[0].cases] for one in quiet(tmp_path, **settings).students]

    one, other = cases(seed=1)
    assert one != other
    assert cases(seed=1) == [one, other]
    assert cases(seed=2) != [one, other]
    alike = cases()
    assert alike[0] == alike[1]


ENGINE = """
class MyValue:
    def __init__(self, data, inputs=()):
        self.data, self.grad, self.inputs = data, 0.0, inputs

    def __add__(self, other):
        return MyValue(self.data + other.data, (self, other))

    def __mul__(self, other):
        return MyValue(self.data * other.data, (self, other))

    def backward(self):
        self.grad = 1.0
        for x in self.inputs:
            x.grad = self.grad
"""


def test_a_page_shows_the_smallest_graph_that_goes_wrong_and_where(tmp_path):
    written(tmp_path / "in" / "ada.ipynb", notebook(IMPORT, ENGINE, "ex.grade('engine', MyValue, points=10)"))
    result = quiet(tmp_path / "in", feedback=tmp_path)
    assert 0 < result.students[0].score < 10
    page = (tmp_path / "ada.html").read_text()
    assert re.search(r'<img alt="[^"]{20,}"[^>]* src="data:image/svg\+xml;base64,', page)
    assert "lesson 06" in page
    index = (tmp_path / "index.html").read_text()
    assert "Your " not in index
    assert result.mistakes()[0].name in index


def test_gradescope_gets_its_results(tmp_path):
    written(tmp_path / "submission" / "helper.py", "X = 1")
    written(
        tmp_path / "submission" / "ps1.ipynb",
        solved("import helper\n1 / 0", mul="mul_backward = lambda a, b, u: (b, a)"),
    )
    assignment = written(tmp_path / "ps1.py", ASSIGNMENT)
    quiet(tmp_path / "submission", assignment=assignment, gradescope=tmp_path / "results.json")
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["score"] == sum(test["score"] for test in results["tests"]) < 6
    assert [test["max_score"] for test in results["tests"]] == [4, 2]
    assert [test["status"] for test in results["tests"]] == ["failed", "passed"]
    assert "upstream is forgotten" in results["tests"][0]["output"]
    assert "ZeroDivisionError" in results["output"]


def test_gradescope_gets_results_for_an_empty_submission_too(tmp_path):
    (tmp_path / "submission").mkdir()
    assignment = written(tmp_path / "ps1.py", ASSIGNMENT)
    quiet(tmp_path / "submission", assignment=assignment, gradescope=tmp_path / "results.json")
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["score"] == 0
    assert "No file was handed in" in results["output"]


def test_after_ctrl_c_what_is_done_is_kept(tmp_path):
    for name in "abcdef":
        written(tmp_path / "in" / f"{name}.ipynb", solved("import time; time.sleep(1)" if name > "a" else "pass"))

    def interrupted(line):
        raise KeyboardInterrupt

    result = quiet(tmp_path / "in", progress=interrupted, csv=tmp_path / "grades.csv", feedback=tmp_path, jobs=1)
    assert result.stopped
    assert [one.name for one in result.students] == ["a"]
    assert len((tmp_path / "grades.csv").read_text().splitlines()) == 2
    assert "stopped before the end" in (tmp_path / "index.html").read_text()


@pytest.mark.parametrize(
    ("files", "settings", "said"),
    [
        ({}, {}, "nothing was handed in"),
        ({"in/a.py": "x = 1"}, {}, "Say what is graded"),
        ({"in/a.py": MINUS}, {"assignment": "none.py"}, "can't be read"),
        ({"in/a.py": MINUS, "e.py": "x = 1"}, {"assignment": "e.py"}, "no ex.grade"),
        ({"in/a.py": MINUS, "u.py": "ex.grade('no_such', 1, points=1)"}, {"assignment": "u.py"}, "no_such"),
        ({"in/a.py": MINUS}, {"csv": "in"}, "is a folder"),
        ({"in/a.py": MINUS}, {"feedback": "in/a.py"}, "can't be written"),
    ],
)
def test_what_can_not_be_graded_is_said_before_anything_is_run(tmp_path, monkeypatch, files, settings, said):
    (tmp_path / "in").mkdir()
    for name, text in files.items():
        written(tmp_path / name, text)
    monkeypatch.setattr(sandbox, "run", None)
    with pytest.raises(GradingError, match=said):
        quiet(tmp_path / "in", **{name: tmp_path / path for name, path in settings.items()})


def test_a_table_that_can_not_be_replaced_is_kept_beside_it(tmp_path, monkeypatch):
    written(tmp_path / "in" / "a.ipynb", solved())

    def locked(source, target):
        raise PermissionError(13, "it is open")

    monkeypatch.setattr(os, "replace", locked)
    with pytest.raises(GradingError, match=r"grades\.new\.csv"):
        quiet(tmp_path / "in", csv=tmp_path / "grades.csv")
    assert "a,6,6" in (tmp_path / "grades.new.csv").read_text()


# -- who handed in what ----------------------------------------------------------------------------------------


def whose(path, assignment="", one=False):
    with found_in(path, assignment, one) as found:
        return {submission.student: submission.place for submission in found}


def test_layouts_of_learning_platforms_are_known(tmp_path):
    moodle = tmp_path / "moodle"
    written(moodle / "Ada Lovelace_12_assignsubmission_file_" / "ps1.ipynb", solved())
    written(moodle / "Alan Turing_13_assignsubmission_file_ps1.py", MINUS)
    written(moodle / "Sam Li_14_assignsubmission_file_" / "ps1.py", MINUS)
    written(moodle / "Sam Li_15_assignsubmission_file_" / "ps1.py", MINUS)
    assert list(whose(moodle)) == ["Ada Lovelace", "Alan Turing", "Sam Li (14)", "Sam Li (15)"]
    canvas = tmp_path / "canvas"
    written(canvas / "lovelaceada_123_456_ps1-1.ipynb", solved())
    written(canvas / "turingalan_LATE_124_457_ps1.py", MINUS)
    assert list(whose(canvas)) == ["lovelaceada", "turingalan"]
    course = tmp_path / "course"
    written(course / "submitted" / "ada" / "ps1" / "ps1.ipynb", solved())
    written(course / "submitted" / "ada" / "ps2" / "ps2.ipynb", solved())
    written(course / "source" / "ps1.ipynb", solved())
    assert whose(course, "ps1") == {"ada": "ps1/ps1.ipynb"}
    assert whose(course, "ps2") == {"ada": "ps2/ps2.ipynb"}


def test_of_several_files_the_likely_one_is_taken(tmp_path):
    ada = tmp_path / "ada"
    old, new = written(ada / "ps1.ipynb", solved()), written(ada / "ps1 (1).ipynb", solved())
    written(ada / "helper.py", "x = 1")
    written(ada / ".ipynb_checkpoints" / "ps1-checkpoint.ipynb", solved())
    written(ada / "__MACOSX" / "ps1.ipynb", solved())
    os.utime(old, (1e9, 1e9))
    os.utime(new, (1.1e9, 1.1e9))
    assert whose(tmp_path) == {"ada": "ps1 (1).ipynb"}
    assert whose(tmp_path, "ps1") == {"ada": "ps1.ipynb"}
    assert whose(ada, one=True) == {"ada": "ps1 (1).ipynb"}


def test_a_zip_of_all_and_lists_beside_them(tmp_path):
    inner = zipped(**{"ps1.ipynb": solved()})
    (tmp_path / "all.zip").write_bytes(zipped(**{"all/ada/ps1.ipynb": solved(), "all/bob.zip": inner}))
    assert whose(tmp_path / "all.zip") == {"ada": "ps1.ipynb", "bob": "ps1.ipynb"}
    folder = tmp_path / "folder"
    written(folder / "ada.ipynb", solved())
    written(folder / "grades.csv", "x")
    written(folder / "README.md", "x")
    written(folder / ".DS_Store", "x")
    assert list(whose(folder)) == ["ada"]


def test_links_are_not_followed(tmp_path):
    written(tmp_path / "secret.ipynb", solved())
    written(tmp_path / "in" / "ada" / "ps1.py", MINUS)
    (tmp_path / "in" / "ada" / "ps1.ipynb").symlink_to(tmp_path / "secret.ipynb")
    (tmp_path / "in" / "bob").symlink_to(tmp_path)
    assert whose(tmp_path / "in") == {"ada": "ps1.py"}


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "C:\\a", "..\\a"])
def test_a_zip_never_leaves_its_folder(tmp_path, name):
    (tmp_path / "a.zip").write_bytes(zipped(**{"fine": "x", name: "x"}))
    (tmp_path / "into").mkdir()
    with pytest.raises(UnfitZip, match="outside of its folder"):
        unpack(tmp_path / "a.zip", tmp_path / "into")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.zip", "into"]


def test_zips_have_limits(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped(a="x" * 1000, b="x" * 1000))
    (tmp_path / "into").mkdir()
    with pytest.raises(UnfitZip, match="more than can be unpacked"):
        unpack(tmp_path / "a.zip", tmp_path / "into", most_bytes=1500)
    with pytest.raises(UnfitZip, match="2 files"):
        unpack(tmp_path / "a.zip", tmp_path / "into", most_files=1)
    data = bytearray(zipped(a="abcdefgh" * 100))
    data[40:44] = b"\xff\xff\xff\xff"
    (tmp_path / "a.zip").write_bytes(bytes(data))
    with pytest.raises(UnfitZip, match="can't be unpacked"):
        unpack(tmp_path / "a.zip", tmp_path / "into")


def test_names_of_pages_are_safe_and_all_different():
    names = unique_file_names(["../../etc", "a/b", "a b", "A-B", "index", "", "é" * 200, "nul", "..."])
    assert len({name.casefold() for name in names.values()}) == len(names)
    assert all(re.fullmatch(r"[\w.-]+", name) and not name.startswith(".") for name in names.values())
    assert max(map(len, names.values())) < 70
    assert "index" not in names.values()
    assert names["nul"] == "student-nul"
