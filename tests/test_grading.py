"""Grading: right, wrong, blank and hostile submissions; what they get, and that nobody else is disturbed by them."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from urllib.parse import unquote

import pytest

from micrograd_plus.classroom import grading, sandbox
from micrograd_plus.classroom.assignment import make
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
        "",
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
        ("slip", UNREADABLE, "outside of its folder"),
        ("broken", UNREADABLE, "can't be unpacked"),
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


# -- accidents in one cell, and what comes after ---------------------------------------------------------------


RIGHT_ENGINE = (Path(__file__).parents[1] / "examples" / "course" / "ps2_backpropagation.py").read_text()
RIGHT_ENGINE = RIGHT_ENGINE[RIGHT_ENGINE.index("class MyValue") :]
RIGHT_ENGINE = RIGHT_ENGINE[: RIGHT_ENGINE.index("# %%")]


def test_a_full_memory_does_not_cost_what_comes_after_it(tmp_path):
    hoard = "big = []\nwhile True: big.append(bytearray(10**7))"
    for path in (
        written(tmp_path / "a.ipynb", solved(hoard)),
        written(tmp_path / "b.py", "\n".join([IMPORT, hoard, RIGHT, GRADE_MUL, MINUS])),
    ):
        result = run_file(path, memory=300_000_000)
        assert [report.ok for report in result.reports] == [True, True], str(result)
        if any("ended Python itself in line 3" in problem for problem in result.problems):
            assert sys.version_info >= (3, 14)  # which can die of it where earlier ones raise; the marks are the same
            continue
        assert sum("MemoryError" in problem for problem in result.problems) == 1
        assert "It used more than 0.3 GB of memory." in result.problems


def test_slow_cells_do_not_cost_what_comes_after_them(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "CELLS_IN_TIME", 1)
    monkeypatch.setattr(sandbox, "STARTING", 1.5)
    endless = "while True: pass"
    path = written(tmp_path / "a.ipynb", notebook(IMPORT, *[endless] * 8, RIGHT, GRADE_MUL, MINUS))
    result = run_file(path, timeout=0.5)
    assert [report.ok for report in result.reports] == [True, True], str(result)


def test_a_full_memory_is_also_seen_in_the_parts_of_an_answer(tmp_path):
    hoard = "big = []\nwhile True: big.append(bytearray(10**6))"
    deep = "ex.grade('engine', MyValue, points=10)"
    alone = run_file(written(tmp_path / "a.ipynb", notebook(IMPORT, RIGHT_ENGINE, deep)), memory=300_000_000)
    after = run_file(written(tmp_path / "b.ipynb", notebook(IMPORT, hoard, RIGHT_ENGINE, deep)), memory=300_000_000)
    assert len(alone.reports[0].cases) > 3
    assert [case.ok for case in after.reports[0].cases] == [case.ok for case in alone.reports[0].cases]


def test_several_places_that_end_python_are_left_out(tmp_path):
    path = written(tmp_path / "a.ipynb", notebook(IMPORT, "import os; os._exit(0)", "os._exit(1)", RIGHT, GRADE_MUL))
    result = run_file(path)
    assert [report.ok for report in result.reports] == [True]
    assert result.state == STOPPED
    end = "import os\nos._exit(1)"
    path = written(tmp_path / "b.ipynb", notebook(IMPORT, end, end, RIGHT, GRADE_MUL, MINUS))
    assert run_file(path).ok


def test_who_kills_themselves_is_not_only_told_of_memory(tmp_path):
    result = run_file(written(tmp_path / "a.ipynb", solved("import os; os.kill(os.getpid(), 9)")))
    assert result.ok
    assert "sent that to itself, or the machine's memory was full" in result.problems[0]


def test_a_folder_that_grows_too_large_is_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "DISK", 30_000_000)
    monkeypatch.setattr(sandbox, "LOOK", 0.05)
    files = "import time\nfor i in range(8): open(f'f{i}', 'wb').write(bytes(9_000_000))\ntime.sleep(60)"
    result = run_file(written(tmp_path / "a.ipynb", solved(files)))
    assert (result.state, result.ok) == (STOPPED, True)
    assert "since its files had more than 30 MB" in result.problems[0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_multiprocessing_starts_no_program_either(tmp_path):
    text = (
        "import multiprocessing, time\n"
        "process = multiprocessing.get_context('spawn').Process(target=time.sleep, args=(1,))\nprocess.start()"
    )
    result = run_file(written(tmp_path / "a.ipynb", solved(text)))
    assert result.ok
    assert "It tried to start other programs. That is refused while it is graded." in result.problems


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs signals")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP", "SIGKILL"])
def test_nothing_is_left_running_when_grading_is_ended(tmp_path, number):
    started = tmp_path / "started"
    written(tmp_path / "in" / "ada.ipynb", solved())
    written(tmp_path / "in" / "bob.ipynb", solved("import time\nopen('running', 'w').close()\ntime.sleep(60)"))
    (tmp_path / "tmp").mkdir()
    code = (
        "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # ignored where the tests run under nohup
        "from micrograd_plus.classroom.grading import grade_folder\n"
        f"grade_folder('in', csv='g.csv', timeout=100, jobs=1, progress=lambda line: open({str(started)!r}, 'w'))"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": str(Path.cwd())}
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment)
    try:
        _wait_for(started.exists)
        _wait_for(lambda: list((tmp_path / "tmp").glob("*/*/running")))
        assert _children(tmp_path)
        process.send_signal(getattr(signal, number))
        process.wait(20)
        _wait_for(lambda: not _children(tmp_path))
    finally:
        process.kill()
        process.wait()
    if number != "SIGKILL":
        assert list((tmp_path / "tmp").iterdir()) == []
        assert "ada,6,6" in (tmp_path / "g.csv").read_text()


def _wait_for(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def _children(folder):
    """Whether there are processes of submissions whose temporary folders are in this one."""
    listed = subprocess.run(["ps", "-ww", "-eo", "stat,args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if f"{folder}/tmp" in line and not line.startswith("Z")]


def test_caches_of_the_teacher_are_copied_and_not_changed(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if sys.platform.startswith("linux"):
        written(tmp_path / "cache" / "matplotlib" / "fonts.json", "{}")
    look = (
        "import os, pathlib\ncache = pathlib.Path(os.environ['XDG_CACHE_HOME'])\n"
        "fonts = cache / 'matplotlib' / 'fonts.json'\nassert fonts.read_text() == '{}'\nfonts.write_text('changed')"
    )
    result = run_file(written(tmp_path / "a.ipynb", solved(look)))
    assert result.ok
    if sys.platform.startswith("linux"):
        assert not result.problems
        assert (tmp_path / "cache" / "matplotlib" / "fonts.json").read_text() == "{}"
    outside = written(tmp_path / "b.ipynb", solved(f"open({str(tmp_path / 'cache' / 'new')!r}, 'w')"))
    assert "write or delete files outside" in " ".join(run_file(outside).problems)


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


def test_a_syntax_error_is_said_first(tmp_path):
    text = f"{IMPORT}\n{RIGHT}\nex.check('mul_backward' mul_backward)\n"
    path = written(tmp_path / "in" / "a.py", text)
    result = run_file(path)
    assert (result.state, result.reports) == (UNREADABLE, ())
    assert re.match(
        r"a\.py, line 4: this is no valid Python: .*\(ex\.check\('mul_backward' mul_back", result.problems[0]
    )
    assert "the cell" not in result.problems[0]
    for name in ("a.py", "a.ipynb"):
        path.unlink()
        path = written(tmp_path / "in" / name, text if name == "a.py" else notebook(IMPORT, "pass", text))
        with pytest.raises(
            GradingError, match=r"(line 4|code cell 3): this is no valid Python.* Apart from that, no sub"
        ):
            quiet(tmp_path / "in")
    path = written(tmp_path / "magic.py", f"%matplotlib inline\n{text}")
    assert "magic.py, line 5" in run_file(path).problems[0]


def test_await_in_a_cell_is_called_by_its_name(tmp_path):
    for result in (
        run_file(written(tmp_path / "a.ipynb", solved("import asyncio\nawait asyncio.sleep(0)"))),
        run_file(written(tmp_path / "a.py", f"{IMPORT}\nimport asyncio\nawait asyncio.sleep(0)\n{MINUS}")),
    ):
        assert result.ok
        assert "`await` outside of a function is for notebooks alone" in result.problems[0]
        assert re.search(r"line [23]\b.*await asyncio.sleep\(0\)", result.problems[0])


def test_numbers_that_json_does_not_have_become_texts(tmp_path):
    result = run_file(written(tmp_path / "a.py", f"{IMPORT}\nanswer = float('nan')\n{MINUS[11:]}"))
    found = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert found["reports"][0]["cases"][0]["got"] == "nan"


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


def test_a_page_says_what_you_get_only_of_ideas(tmp_path):
    wrong = "def mul_backward(a, b, upstream):\n    return missing"
    written(tmp_path / "in" / "ada.ipynb", notebook(IMPORT, wrong, GRADE_MUL))
    for name in ("bob", "cid"):
        forgotten = notebook(IMPORT, "def mul_backward(a, b, upstream):\n    return b, a", GRADE_MUL)
        written(tmp_path / "in" / f"{name}.ipynb", forgotten)
    result = quiet(tmp_path / "in", feedback=tmp_path)
    page = (tmp_path / "ada.html").read_text()
    next_one = re.search(r'<p class="next">(.*?)</p>', page)[1]
    assert "what you get if" not in next_one
    assert "NameError: name &#x27;missing&#x27; is not defined" in next_one
    written(tmp_path / "text" / "ada.ipynb", notebook(IMPORT, MINUS.replace("2\n", "'two'\n", 1)))
    quiet(tmp_path / "text", feedback=tmp_path / "text_pages")
    next_one = re.search(r'<p class="next">(.*?)</p>', (tmp_path / "text_pages" / "ada.html").read_text())[1]
    assert "what you get if" not in next_one
    assert "is asked for" in next_one
    assert "what you get if upstream is forgotten" in (tmp_path / "bob.html").read_text()
    assert [(mistake.name, mistake.students) for mistake in result.mistakes()] == [
        ("upstream is forgotten", ("bob", "cid"))
    ]
    assert [fault.students for fault in result.faults("mul_backward")] == [("ada",)]
    index = (tmp_path / "index.html").read_text()
    top = index[: index.index("Where the class went wrong")]
    assert re.search(r"2 ×</td><td>upstream is forgotten", top)
    assert "ada" not in top
    assert "NameError" in index


def test_a_page_on_an_unreadable_file_says_what_to_do(tmp_path):
    written(tmp_path / "in" / "ada.ipynb", solved()[:150])
    (tmp_path / "in" / "bob.zip").write_bytes(b"PK nothing")
    (tmp_path / "in" / "cid").mkdir()
    written(tmp_path / "in" / "dan.ipynb", solved())
    quiet(tmp_path / "in", feedback=tmp_path / "f", assignment=written(tmp_path / "ps1.py", ASSIGNMENT))
    for name in ("ada", "bob", "cid"):
        page = (tmp_path / "f" / f"{name}.html").read_text()
        assert re.search(r"<strong>Next:</strong>.*hand it in again.*\.ipynb", page)
        assert "Look next" not in page
        assert "<section>" not in page
        assert "raised an error" not in page
    assert "Nothing has to be gone over again" in (tmp_path / "f" / "index.html").read_text()


def test_a_screen_that_can_not_show_a_name_ends_nothing(tmp_path):
    written(tmp_path / "in" / "李.ipynb", solved())
    written(tmp_path / "in" / "ada.ipynb", solved())
    for error in (UnicodeEncodeError("ascii", "李", 0, 1, "no"), BrokenPipeError(), ValueError("closed")):

        def failing(line, error=error):
            raise error

        result = quiet(tmp_path / "in", progress=failing, csv=tmp_path / "g.csv")
        assert not result.stopped
        assert len(re.findall(",6,6", (tmp_path / "g.csv").read_text())) == 2


def test_what_is_done_is_written_before_an_error_is_raised(tmp_path, monkeypatch):
    for name in "abc":
        written(tmp_path / "in" / f"{name}.ipynb", solved())
    judged = grading._judged

    def failing(submission, *arguments, **settings):
        if submission.student == "b":
            raise RuntimeError("a fault of ours")
        return judged(submission, *arguments, **settings)

    monkeypatch.setattr(grading, "_judged", failing)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        quiet(tmp_path / "in", csv=tmp_path / "g.csv", feedback=tmp_path / "f", jobs=1)
    assert "a,6,6" in (tmp_path / "g.csv").read_text()
    assert (tmp_path / "f" / "a.html").exists()


def test_written_answers_are_noted_for_a_source_and_for_the_notebook_made_of_it(tmp_path):
    text = ASSIGNMENT[: ASSIGNMENT.index('# %%\nex.grade("minus"')]
    answer = "# ### BEGIN SOLUTION\n# Because.\n# ### END SOLUTION\n"
    written_one = f'# %% [markdown] answer="why" points=3\n# Why?\n#\n{answer}'
    source = written(tmp_path / "set" / "ps1.py", text + written_one)
    written(tmp_path / "in" / "ada.ipynb", solved())
    for assignment in (source, *make(source, tmp_path / "made")):
        assert "why (3)" in " ".join(quiet(tmp_path / "in", assignment=assignment).notes)


def test_why_an_exercise_is_not_graded(tmp_path):
    written(tmp_path / "a.ipynb", notebook(IMPORT, RIGHT, GRADE_MUL, "ex.check('minus', 2)"))
    written(tmp_path / "b.ipynb", notebook(IMPORT, RIGHT, GRADE_MUL, "ex.check('minus', 2)"))
    written(tmp_path / "c.ipynb", notebook(IMPORT, RIGHT, GRADE_MUL))
    written(tmp_path / "d.ipynb", notebook(IMPORT, RIGHT, GRADE_MUL, "ex.check('kite_order', 2)"))
    assert quiet(tmp_path).notes == (
        "Not graded, since few submissions have it: kite_order.",
        "Not graded, since no points are said for it: minus.",
    )


def test_what_is_no_submission_is_noted(tmp_path):
    folder = tmp_path / "in"
    written(folder / "ada.ipynb", solved())
    written(folder / "readme.txt", "x")
    written(folder / "task.pdf", "x")
    written(folder / "Bo Li_77_assignsubmission_file_essay.docx", "x")
    (folder / "link").symlink_to(tmp_path)
    written(folder / "cid" / "ps1.ipynb", solved())
    (folder / "cid" / "data").symlink_to(tmp_path)
    result = quiet(folder, feedback=folder / "feedback")
    assert [one.name for one in result.students] == ["ada", "Bo Li", "cid"]
    assert "readme.txt, task.pdf" in " ".join(result.notes)
    assert "link" in " ".join(result.notes)
    assert "data" in " ".join(result.students[2].notes)
    again = quiet(folder, feedback=folder / "feedback")
    assert [one.name for one in again.students] == ["ada", "Bo Li", "cid"]


def test_pages_of_students_who_are_gone_are_removed(tmp_path):
    written(tmp_path / "in" / "ada.ipynb", solved())
    gone = written(tmp_path / "in" / "bob.ipynb", solved())
    own = written(tmp_path / "f" / "mine.html", "kept")
    quiet(tmp_path / "in", feedback=tmp_path / "f")
    assert (tmp_path / "f" / "bob.html").exists()
    gone.unlink()
    quiet(tmp_path / "in", feedback=tmp_path / "f")
    assert sorted(path.name for path in (tmp_path / "f").glob("*.html")) == ["ada.html", "index.html", "mine.html"]
    assert own.read_text() == "kept"


def test_data_beside_the_assignment_is_there_for_everybody(tmp_path):
    source = written(tmp_path / "set" / "ps1.py", ASSIGNMENT)
    written(tmp_path / "set" / "data.csv", "1")
    written(tmp_path / "set" / "solutions.ipynb", "secret")
    text = solved("import os\nassert open('data.csv').read() == '1'\nassert not os.path.exists('solutions.ipynb')")
    written(tmp_path / "in" / "ada.ipynb", text)
    written(tmp_path / "in" / "bob" / "work" / "ps1.ipynb", text)
    written(tmp_path / "in" / "cid" / "ps1.ipynb", solved("assert open('data.csv').read() == '2'"))
    written(tmp_path / "in" / "cid" / "data.csv", "2")
    for one in quiet(tmp_path / "in", assignment=source).students:
        assert one.problems == ()


def test_gradescope_is_not_for_a_class(tmp_path):
    for name in ("ada", "bob", "cid"):
        written(tmp_path / "flat" / f"{name}.ipynb", solved())
        written(tmp_path / "deep" / name / "ps1.ipynb", solved())
    assignment = written(tmp_path / "ps1.py", ASSIGNMENT)
    for folder in ("flat", "deep"):
        with pytest.raises(GradingError, match="several students"):
            quiet(tmp_path / folder, assignment=assignment, gradescope=tmp_path / "results.json")
    written(tmp_path / "flat" / "ps1.ipynb", solved())
    quiet(tmp_path / "flat", assignment=assignment, gradescope=tmp_path / "results.json")
    assert "4 files; graded: ps1.ipynb" in json.loads((tmp_path / "results.json").read_text())["output"]
    (tmp_path / "flat" / "ps1.ipynb").unlink()
    written(tmp_path / "submission_metadata.json", "{}")  # Gradescope's: all of it is by one student
    assert quiet(tmp_path / "flat", assignment=assignment, gradescope=tmp_path / "results.json").everyone == 1


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
        return {submission.student: submission.place for submission in found.submissions}


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
    assert whose(tmp_path, "ps1") == {"ada": "ps1 (1).ipynb"}
    assert whose(ada, one=True) == {"ada": "ps1 (1).ipynb"}
    os.utime(old, (1.2e9, 1.2e9))
    assert whose(tmp_path, "ps1") == {"ada": "ps1.ipynb"}
    draft = written(ada / "draft.ipynb", solved())
    os.utime(draft, (1.3e9, 1.3e9))
    assert whose(tmp_path, "ps1") == {"ada": "ps1.ipynb"}
    assert whose(tmp_path) == {"ada": "draft.ipynb"}
    script = written(ada / "draft.py", MINUS)
    os.utime(script, (1.4e9, 1.4e9))
    assert whose(tmp_path) == {"ada": "draft.py"}


def test_copies_have_the_name_of_what_they_were_copied_from(tmp_path):
    for name in ("ps1 (1)", "ps1(2)", "ps1-1", "ps1 copy", "ps1 - Copy", "ps1-Copy1", "ps1 - Copy (2)"):
        folder = tmp_path / name
        os.utime(written(folder / "ada" / f"{name}.ipynb", solved()), (1e9, 1e9))
        written(folder / "ada" / "newer.ipynb", solved())
        assert whose(folder, "ps1") == {"ada": f"{name}.ipynb"}
    folder = tmp_path / "canvas"
    written(folder / "ada_12_34_ps1-1.ipynb", solved())
    written(folder / "ada_12_35_other.ipynb", solved())
    assert whose(folder, "ps1") == {"ada": "ada_12_34_ps1-1.ipynb"}
    written(tmp_path / "set" / "ada" / "ps1-2.ipynb", solved())
    written(tmp_path / "set" / "ada" / "z.ipynb", solved())
    assert whose(tmp_path / "set", "ps1-2") == {"ada": "ps1-2.ipynb"}


def test_which_of_several_files_is_graded_is_said(tmp_path):
    for name, day, answer in (("ps1", 1e9, 3), ("ps1 (1)", 1.1e9, 2)):
        path = written(tmp_path / "in" / "ada" / f"{name}.ipynb", notebook(IMPORT, f"answer = {answer}", MINUS[11:]))
        os.utime(path, (day, day))
    result = quiet(tmp_path / "in", csv=tmp_path / "g.csv", feedback=tmp_path / "f", assignment=_minus(tmp_path))
    said = "2 files; graded: ps1 (1).ipynb."
    assert (result.students[0].score, result.students[0].notes) == (2, (said,))
    assert said in (tmp_path / "g.csv").read_text()
    assert said in (tmp_path / "f" / "ada.html").read_text()
    assert said in (tmp_path / "f" / "index.html").read_text()


def _minus(folder):
    return written(folder / "ps1.py", MINUS)


def test_the_newest_in_a_zip_is_taken(tmp_path):
    with zipfile.ZipFile(tmp_path / "ada.zip", "w") as packed:
        packed.writestr(zipfile.ZipInfo("new.ipynb", (2026, 2, 1, 0, 0, 0)), solved())
        packed.writestr(zipfile.ZipInfo("old.ipynb", (2026, 1, 1, 0, 0, 0)), solved())
    (tmp_path / "in").mkdir()
    (tmp_path / "ada.zip").rename(tmp_path / "in" / "ada.zip")
    assert whose(tmp_path / "in") == {"ada": "new.ipynb"}


def test_moodles_folders_of_one_student_are_put_together(tmp_path):
    written(tmp_path / "ina_12345_assignsubmission_file" / "ps1.ipynb", solved())
    written(tmp_path / "ina_12345_assignsubmission_onlinetext" / "onlinetext.html", "see the file")
    assert whose(tmp_path) == {"ina": "ps1.ipynb"}
    written(tmp_path / "tom_1_assignsubmission_file" / "data.txt", "1")
    written(tmp_path / "tom_1_assignsubmission_other" / "data.txt", "2")
    written(tmp_path / "tom_1_assignsubmission_other" / "ps1.py", MINUS)
    assert whose(tmp_path)["tom"] == "ps1.py"


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


def test_the_limit_of_a_zip_is_said_as_it_is(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped(a="x" * 4_000_000))
    with pytest.raises(UnfitZip, match=r"\(3 MB\)"):
        unpack(tmp_path / "a.zip", tmp_path, most_bytes=3_000_000)


def test_names_in_a_zip_may_be_utf_8_without_saying_so(tmp_path):
    data = zipped(**{"Zo\u00eb/ps1.ipynb": solved()})
    flagged = bytearray(data)
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(sign) + place
        assert flagged[at + 1] & 0x08
        flagged[at + 1] &= ~0x08
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "all.zip").write_bytes(bytes(flagged))
    unpack(tmp_path / "in" / "all.zip", tmp_path)
    assert (tmp_path / "Zo\u00eb" / "ps1.ipynb").exists()


def test_names_of_pages_are_safe_and_all_different():
    names = unique_file_names(["../../etc", "a/b", "a b", "A-B", "index", "", "é" * 200, "nul", "..."])
    assert len({name.casefold() for name in names.values()}) == len(names)
    assert all(re.fullmatch(r"[\w.-]+", name) and not name.startswith(".") for name in names.values())
    assert max(map(len, names.values())) < 70
    assert "index" not in names.values()
    assert names["nul"] == "student-nul"
