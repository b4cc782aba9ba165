"""The commands for learners and teachers: exercises, task, hint, solution, check, quiz, assignment, grade."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from micrograd_plus import cli
from micrograd_plus.exercises.progress import FILE, Progress

WRONG = """
from micrograd_plus import exercises as ex

def mul_backward(a, b, upstream):
    return b, a

ex.check("mul_backward", mul_backward)
answer = 2
ex.check("minus", answer)
"""
RIGHT = WRONG.replace("return b, a", "return b * upstream, a * upstream")


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    try:
        return cli.main(list(map(str, arguments)))
    except SystemExit as stopped:
        return stopped.code


def said_as_json(capsys):
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)


# -- exercises, task, hint, solution -------------------------------------------------------------------------


def test_the_exercises_are_listed(capsys):
    assert run("exercises", "--lesson", 3) == 0
    said = capsys.readouterr().out
    assert "mul_backward" in said
    assert "which_move" not in said
    assert run("exercises", "--json") == 0
    assert len(said_as_json(capsys)) >= 40


def test_task_hint_and_solution(capsys):
    assert run("task", "mul_backward") == 0
    assert "return ..." in capsys.readouterr().out
    assert run("solution", "mul_backward") == 0
    assert "return b * upstream, a * upstream" in capsys.readouterr().out
    assert run("hint", "mul_backward", 2) == 0
    said = capsys.readouterr().out
    assert said.startswith("Hint 2 of 3: ")
    assert "The next one: micrograd-plus hint mul_backward" in said
    for command in ("task", "hint", "solution"):
        assert run(command, "mul_backward", "--json") == 0
        assert said_as_json(capsys)["exercise"] == "mul_backward"


def test_hints_go_on_from_call_to_call(capsys):
    numbers = []
    for _ in range(4):
        run("hint", "minus", "--json")
        numbers.append(said_as_json(capsys)["number"])
    assert numbers == [1, 2, 3, 3]


def test_a_lesson_that_there_is_not(capsys):
    assert run("exercises", "--lesson", 99) == 2
    assert "0 to 16, or 20 to 29" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="a shell of Unix")
def test_output_that_nobody_reads_to_its_end_is_no_error():
    command = f"{sys.executable} -m micrograd_plus exercises --json | head -c 10"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""


@pytest.mark.parametrize("command", ["task", "hint", "solution"])
def test_an_unknown_exercise_is_one_line_and_code_2(command, capsys):
    assert run(command, "mul_bckward") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"micrograd-plus {command}: there is no exercise 'mul_bckward'. Did you mean 'mul_backward'")
    assert err.count("\n") == 1


# -- check ---------------------------------------------------------------------------------------------------


def test_a_file_is_marked_and_the_exit_code_says_how(own_folder, capsys):
    file = own_folder / "mine.py"
    file.write_text(WRONG)
    assert run("check", file) == 1
    said = capsys.readouterr().out
    assert "what you get if upstream is forgotten" in " ".join(said.split())
    assert said.rstrip().endswith("1 of 2 passed. Next: mul_backward (micrograd-plus hint mul_backward)")
    file.write_text(RIGHT)
    assert run("check", file) == 0
    assert capsys.readouterr().out.rstrip().endswith("2 of 2 passed.")
    assert {id: entry["state"] for id, entry in Progress.here().read().items()} == {
        "minus": "passed",
        "mul_backward": "passed",
    }
    assert sorted(path.name for path in own_folder.iterdir()) == sorted([FILE, "mine.py"])


def test_check_as_json(own_folder, capsys):
    (own_folder / "mine.py").write_text(WRONG)
    assert run("check", "mine.py", "--json") == 1
    found = said_as_json(capsys)
    assert [report["state"] for report in found["reports"]] == ["failed", "passed"]
    assert found["reports"][0]["mistakes"] == ["upstream is forgotten"]


def test_an_answer_without_a_check_is_found_by_the_name_of_the_exercise(own_folder, capsys):
    (own_folder / "mine.py").write_text("def mul_backward(a, b, upstream):\n    return b * upstream, a * upstream\n")
    assert run("check", "mine.py", "-e", "mul_backward") == 0
    assert "mul_backward: passed" in capsys.readouterr().out
    assert run("check", "mine.py") == 2
    assert "calls no check" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.py", None, "there is no such file"),
        ("broken.ipynb", b'{"cells": [', "broken"),
        ("empty.py", b"", "empty"),
        ("wide.py", "ex = 'é'".encode("utf-16"), "UTF-8"),
    ],
)
def test_files_that_cannot_be_read_are_one_line_and_code_2(own_folder, capsys, name, content, says):
    if content is not None:
        (own_folder / name).write_bytes(content)
    assert run("check", name) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert err.count("\n") == 1


def test_a_notebook_is_marked(own_folder, capsys):
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": WRONG}]
    (own_folder / "mine.ipynb").write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    assert run("check", "mine.ipynb") == 1
    assert "1 of 2 passed" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name == "nt", reason="signals of Unix")
def test_watching_marks_again_when_the_file_is_saved_and_ends_with_ctrl_c(own_folder):
    file = own_folder / "mine.py"
    file.write_text(WRONG)
    command = [sys.executable, "-u", "-m", "micrograd_plus", "check", str(file), "--watch", "--timeout", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        end = threading.Timer(90, watching.kill)  # what doesn't come would be waited for without an end
        end.start()
        lines = iter(watching.stdout.readline, "")
        assert any("1 of 2 passed" in line for line in lines)
        assert "waiting" in next(lines)
        file.write_text(RIGHT)
        os.utime(file, (time.time() + 5, time.time() + 5))
        assert any("2 of 2 passed" in line for line in lines)
        assert "waiting" in next(lines)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(timeout=20) == 0
        end.cancel()
        assert watching.stderr.read() == ""


# -- quiz ----------------------------------------------------------------------------------------------------


def test_a_quiz_is_shown_and_written_without_its_answers(own_folder, capsys):
    assert run("quiz", "Ada", "--level", 3) == 0
    assert "Fill in" in capsys.readouterr().out
    assert run("quiz", "Ada", "Alan", "--level", 2, "--out", "sheets.html", "--key", "key.html") == 0
    assert "written: sheets.html" in capsys.readouterr().out
    assert "Alan" in (own_folder / "sheets.html").read_text(encoding="utf-8")
    assert (own_folder / "key.html").stat().st_size > (own_folder / "sheets.html").stat().st_size / 2
    assert run("quiz", "Ada", "--json") == 0
    assert said_as_json(capsys)[0]["blanks"]


@pytest.mark.parametrize("arguments", [("",), ("Ada", "--out", "sheet.docx"), ("Ada", "--out", "no/such/dir/a.html")])
def test_quizzes_that_cannot_be_made_are_code_2(arguments, capsys):
    assert run("quiz", *arguments) == 2
    assert capsys.readouterr().err.startswith("micrograd-plus quiz: ")


def test_a_name_that_the_terminal_cannot_show_is_shown_otherwise():
    command = [sys.executable, "-m", "micrograd_plus", "quiz", "李"]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    assert b"\\u674e" in done.stdout


def test_a_level_that_there_is_not(capsys):
    assert run("quiz", "Ada", "--level", 9) == 2


# -- assignment and grade: from the source to the feedback ---------------------------------------------------


def test_a_course_is_copied_handed_out_filled_in_and_graded(own_folder, capsys):
    assert run("assignment", "example", "course") == 0
    assert run("assignment", "make", "course", "out") == 0
    assert sorted(path.name for path in (own_folder / "out").iterdir()) == [
        "ps1_slopes_and_graphs.ipynb",
        "ps2_backpropagation.ipynb",
        "ps3_training.ipynb",
    ]
    handed_out = (own_folder / "out" / "ps1_slopes_and_graphs.ipynb").read_text(encoding="utf-8")
    assert "BEGIN SOLUTION" not in handed_out
    assert run("assignment", "make", "course", "teacher", "--format", "instructor") == 0
    capsys.readouterr()

    submitted = own_folder / "submitted"
    submitted.mkdir()
    (submitted / "blank.ipynb").write_text(handed_out, encoding="utf-8")
    solved = (own_folder / "teacher" / "ps1_slopes_and_graphs_solutions.ipynb").read_text(encoding="utf-8")
    (submitted / "ada.ipynb").write_text(solved, encoding="utf-8")
    (submitted / "torn.ipynb").write_text(solved[:1000], encoding="utf-8")
    source = own_folder / "course" / "ps1_slopes_and_graphs.py"
    code = run("grade", "submitted", "--assignment", source, "--csv", "grades.csv", "--feedback", "feedback")
    assert code == 0
    said = capsys.readouterr().out
    assert "3/3" in said
    marks = (own_folder / "grades.csv").read_text(encoding="utf-8").splitlines()
    by_name = {line.split(",")[0]: line.split(",")[1:3] for line in marks[1:]}
    assert by_name["ada"][0] == by_name["ada"][1] != "0"
    assert float(by_name["blank"][0]) == float(by_name["torn"][0]) == 0
    assert (own_folder / "feedback" / "index.html").exists()


def test_nothing_is_overwritten_unasked(own_folder, capsys):
    assert run("assignment", "example", "course") == 0
    (own_folder / "course" / "README.md").write_text("mine")
    assert run("assignment", "example", "course") == 0
    assert "all of it is there already" in capsys.readouterr().out
    assert (own_folder / "course" / "README.md").read_text() == "mine"
    assert run("assignment", "make", "course", "out") == 0
    assert run("assignment", "make", "course", "out") == 2
    assert run("assignment", "make", "course", "out", "--overwrite", "--json") == 0


def test_a_solution_that_is_wrong_is_not_handed_out_unless_asked(own_folder, capsys):
    source = own_folder / "ps.py"
    source.write_text(
        "# %%\nfrom micrograd_plus import exercises as ex\n\n# %%\nanswer = ...\n### BEGIN SOLUTION\nanswer = -2\n"
        '### END SOLUTION\n\n# %%\nex.grade("minus", answer, points=2)\n'
    )
    assert run("assignment", "make", source, "out") == 2
    assert "earns 0 of its 2 points" in capsys.readouterr().err
    assert not (own_folder / "out").exists()
    assert run("assignment", "make", source, "out", "--no-check") == 0


def test_what_cannot_be_graded_is_one_line_and_code_2(own_folder, capsys):
    assert run("grade", "nowhere") == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert run("assignment", "make", "nowhere.py", "out") == 2
    assert "there is no such file" in capsys.readouterr().err
    assert run("grade", own_folder, "--timeout", "soon") == 2


def test_grade_as_json_keeps_its_progress_out_of_it(own_folder, capsys):
    (own_folder / "submitted").mkdir()
    (own_folder / "submitted" / "ada.py").write_text(WRONG)
    assert run("grade", "submitted", "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["students"][0]["score"] == 1.25
    assert "ada" in err


def test_help_says_what_grading_protects_from(capsys):
    assert run("grade", "--help") == 0
    said = capsys.readouterr().out
    assert "protects from accidents" in said
    assert "not from attackers" in said
    assert "container without a network" in said
