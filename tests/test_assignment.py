"""Assignments: what students get of a teacher's file, what they never get, and what a teacher is told."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from micrograd_plus.classroom import AssignmentError, UnreadableFile, code_cells, graded_calls, make
from micrograd_plus.classroom.calls import written_answers
from micrograd_plus.classroom.grading import grade_folder
from micrograd_plus.classroom.notebook_files import parsed, plain_python
from micrograd_plus.classroom.percent import cells_of, with_magics
from micrograd_plus.classroom.problem_set import read

ROOT = Path(__file__).parent.parent
COURSE = ROOT / "examples" / "course"

SOURCE = '''\
# %% [markdown]
# # Problem set 1
#
# A product.

# %%
try:
    from micrograd_plus import exercises as ex
except ImportError:
    # %pip install -q micrograd_plus
    from micrograd_plus import exercises as ex

# %%
def mul_backward(a, b, upstream):
    """The gradients of a and b."""
    ### BEGIN SOLUTION
    return b * upstream, a * upstream
    ### END SOLUTION

# %%
ex.check("mul_backward", mul_backward)
### BEGIN HIDDEN TESTS
secret_seed = 4711
### END HIDDEN TESTS
ex.grade("mul_backward", mul_backward, points=3)

# %%
v_grad = ...
### BEGIN SOLUTION
v_grad = 2.0
### END SOLUTION

# %% tags=["predict"]
ex.grade("minus", v_grad, 1.5)

# %% [markdown] answer="why" points=2
# ### BEGIN SOLUTION
# Because the minus turns the sign, and so does -2.
# ### END SOLUTION
'''


@pytest.fixture(autouse=True)
def trials(request, monkeypatch):
    """Without the trial that `make` gives each problem set, which takes a second, but where a test asks for it."""
    if "tried" not in request.fixturenames:
        monkeypatch.setattr("micrograd_plus.classroom.assignment._rehearse", lambda path, problem_set: None)


@pytest.fixture
def tried():
    """The problem sets are run before they are made, as they are for everybody else."""


@pytest.fixture
def ps1(tmp_path):
    path = tmp_path / "ps1.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def cells_in(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def text_of(path):
    return "\n\n".join("".join(cell["source"]) for cell in cells_in(path))


# -- what students get -----------------------------------------------------------------------------------------


def test_students_get_stubs_and_nothing_of_the_solutions(ps1, tmp_path):
    (made,) = make(ps1, tmp_path / "out", "student")
    assert made == tmp_path / "out" / "ps1.ipynb"
    raw = made.read_text(encoding="utf-8")
    for given_away in ("b * upstream", "2.0", "the minus turns", "secret_seed", "SOLUTION", "HIDDEN"):
        assert given_away not in raw
    sources = ["".join(cell["source"]) for cell in cells_in(made)]
    assert sources[2] == (
        'def mul_backward(a, b, upstream):\n    """The gradients of a and b."""\n    # YOUR CODE HERE\n    ...'
    )
    assert sources[3] == 'ex.check("mul_backward", mul_backward)\nex.grade("mul_backward", mul_backward, points=3)'
    assert sources[4] == "v_grad = ...", "where the line above has dots, nothing is added"
    assert sources[6] == "*Your answer here.*"


def test_a_commented_magic_is_one_again(ps1, tmp_path):
    (made,) = make(ps1, tmp_path / "out")
    assert "except ImportError:\n    %pip install -q micrograd_plus\n    from" in text_of(made)


def test_a_notebook_is_a_notebook(ps1, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    for kind in ("student", "instructor", "nbgrader"):
        made = make(ps1, tmp_path / kind, kind)[0]
        notebook = nbformat.read(made, as_version=4)
        nbformat.validate(notebook)
        assert notebook.metadata.kernelspec.name == "python3"
        assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert cells_in(make(ps1, tmp_path / "s")[0])[5]["metadata"] == {"tags": ["predict"]}


@pytest.mark.parametrize("source", [*COURSE.glob("*.py"), *(ROOT / "notebooks/src").glob("*.py")], ids=lambda p: p.stem)
def test_cells_are_those_that_jupytext_finds(source):
    jupytext = pytest.importorskip("jupytext")
    text = source.read_text(encoding="utf-8")
    theirs = [(cell.cell_type, cell.source) for cell in jupytext.reads(text, fmt="py:percent").cells]
    assert [(cell.kind, with_magics(cell.source)) for cell in cells_of(text)] == theirs


def test_the_ids_of_cells_stay_when_others_are_added(ps1, tmp_path):
    (first,) = make(ps1, tmp_path / "one")
    ps1.write_text(SOURCE.replace("# %%\ntry", "# %% [markdown]\n# Hello.\n\n# %%\ntry"), encoding="utf-8")
    (second,) = make(ps1, tmp_path / "two")
    before, after = ([cell["id"] for cell in cells_in(made)] for made in (first, second))
    named = [name for name in before if not name.startswith("cell-")]
    assert named == ["mul_backward-answer", "mul_backward", "minus-answer", "minus", "why"]
    assert [name for name in after if not name.startswith("cell-")] == named


@pytest.mark.parametrize("kind", ["student", "instructor", "nbgrader", "gradescope"])
def test_the_same_source_gives_the_same_files(ps1, tmp_path, kind):
    first, second = (make(ps1, tmp_path / out, kind)[0].read_bytes() for out in ("one", "two"))
    assert first == second


def test_marks_are_found_however_they_are_written(ps1, tmp_path):
    careless = SOURCE.replace("### BEGIN SOLUTION", "#begin solution").replace("### END SOLUTION", "## End Solutions:")
    ps1.write_text(careless, encoding="utf-8")
    assert "b * upstream" not in text_of(make(ps1, tmp_path / "student")[0])
    assert "### BEGIN SOLUTION" in text_of(make(ps1, tmp_path / "nbgrader", "nbgrader")[0]), "as nbgrader knows them"


def test_a_cell_with_nothing_left_is_not_handed_out(ps1, tmp_path):
    hidden = '# %%\n### BEGIN HIDDEN TESTS\nex.grade("minus", v_grad, points=1)\n### END HIDDEN TESTS\n'
    ps1.write_text(SOURCE.replace('# %% tags=["predict"]\nex.grade("minus", v_grad, 1.5)\n', hidden), encoding="utf-8")
    assert [cell["id"] for cell in cells_in(make(ps1, tmp_path / "out")[0])][-2:] == ["minus-answer", "why"]


def test_dots_right_below_a_solution_are_its_stub(ps1, tmp_path):
    ps1.write_text(SOURCE.replace("    ### END SOLUTION\n", "    ### END SOLUTION\n    return ...\n"), encoding="utf-8")
    cell = cells_in(make(ps1, tmp_path / "out")[0])[2]
    assert "".join(cell["source"]).split("\n")[2:] == ["    return ..."]


@pytest.mark.parametrize(
    ("above", "below"),
    [
        ("y = upstream  # wait for it...", ""),
        ("y = 'and so on ...'", ""),
        ("y = table[..., 0]", ""),
        ("# look at a and b ...", "# ... and so on"),
    ],
)
def test_dots_that_are_no_code_are_no_stub(ps1, tmp_path, above, below):
    source = SOURCE.replace("    ### BEGIN SOLUTION", f"    {above}\n    ### BEGIN SOLUTION", 1)
    ps1.write_text(source.replace("    ### END SOLUTION", f"    ### END SOLUTION\n    {below}", 1), encoding="utf-8")
    assert "    # YOUR CODE HERE\n    ..." in text_of(make(ps1, tmp_path / "out")[0])


@pytest.mark.parametrize("above", ["y = ...  # yours", "y, z = ..., ...", "y = [... for i in a]", "y = f(a, ...)"])
def test_dots_in_any_place_of_a_value_are_a_stub(ps1, tmp_path, above):
    source = SOURCE.replace("    ### BEGIN SOLUTION", f"    %time\n    {above}\n    ### BEGIN SOLUTION", 1)
    ps1.write_text(source, encoding="utf-8")
    assert "YOUR CODE HERE" not in text_of(make(ps1, tmp_path / "out")[0])


def test_solutions_right_below_each_other_share_a_stub(ps1, tmp_path):
    more = "    ### END SOLUTION\n    ### BEGIN SOLUTION\n    return 0, 0\n    ### END SOLUTION\n"
    ps1.write_text(SOURCE.replace("    ### END SOLUTION\n", more, 1), encoding="utf-8")
    assert text_of(make(ps1, tmp_path / "out")[0]).count("# YOUR CODE HERE\n    ...") == 1


def test_dots_in_prose_are_no_answer(ps1, tmp_path):
    source = SOURCE.replace("points=2\n", "points=2\n# Explain in three steps ...\n")
    ps1.write_text(source, encoding="utf-8")
    assert text_of(make(ps1, tmp_path / "out")[0]).endswith("Explain in three steps ...\n*Your answer here.*")


def test_several_cells_to_fill_in_above_one_that_is_graded(ps1, tmp_path):
    helper = "# %%\n### BEGIN SOLUTION\nhelper = 3\n### END SOLUTION\n\n"
    ps1.write_text(SOURCE.replace("# %%\ndef mul", f"{helper}# %%\ndef mul"), encoding="utf-8")
    names = [cell["id"] for cell in cells_in(make(ps1, tmp_path / "out")[0])]
    assert names[2:5] == ["mul_backward-answer", "mul_backward-answer-2", "mul_backward"]


# -- what teachers get -----------------------------------------------------------------------------------------


def test_teachers_get_the_solutions_and_a_table_of_points(ps1, tmp_path):
    (made,) = make(ps1, tmp_path / "out", "instructor")
    assert made.name == "ps1_solutions.ipynb", "never to be taken for the students' copy"
    text = text_of(made)
    assert "return b * upstream, a * upstream" in text
    assert "| minus | 1.5 |" in text
    assert "| why (written answer) | 2 |" in text
    assert "| **In all** | **6.5** |" in text


def test_nbgrader_is_told_what_is_what(ps1, tmp_path):
    made, config = make(ps1, tmp_path, "nbgrader")
    assert made == tmp_path / "source" / "ps1" / "ps1.ipynb"
    said = {cell["id"]: cell["metadata"].get("nbgrader") for cell in cells_in(made)}
    assert said["cell-01"] is None
    assert said["mul_backward"] == {
        "schema_version": 3, "grade_id": "mul_backward", "grade": True, "solution": False, "locked": True,
        "task": False, "points": 3,
    }  # fmt: skip
    assert said["mul_backward-answer"] == {
        "schema_version": 3, "grade_id": "mul_backward-answer", "grade": False, "solution": True, "locked": False,
        "task": False,
    }  # fmt: skip
    assert said["minus"]["points"] == 1.5
    assert (said["why"]["grade"], said["why"]["solution"], said["why"]["locked"]) == (True, True, False)
    text = config.read_text(encoding="utf-8")
    config.write_text(text + "# mine\n", encoding="utf-8")
    make(ps1, tmp_path, "nbgrader", overwrite=True)
    assert config.read_text(encoding="utf-8").endswith("# mine\n"), "a teacher's own configuration is left alone"


def test_the_zip_for_gradescope_can_be_run(ps1, tmp_path):
    (made,) = make(ps1, tmp_path / "out", "gradescope")
    with zipfile.ZipFile(made) as archive:
        assert sorted(archive.namelist()) == ["ps1.py", "run_autograder", "setup.sh"]
        for name in ("run_autograder", "setup.sh"):
            assert archive.getinfo(name).external_attr >> 16 & 0o111 == 0o111, f"{name} may be run"
            assert b"\r" not in archive.read(name)


def test_the_zip_for_gradescope_holds_no_solution(ps1, tmp_path):
    hidden = '### BEGIN HIDDEN TESTS\nex.grade("minus", v_grad, 1.5)\n### END HIDDEN TESTS\n'
    ps1.write_text(SOURCE.replace('ex.grade("minus", v_grad, 1.5)\n', hidden), encoding="utf-8")
    with zipfile.ZipFile(make(ps1, tmp_path / "out", "gradescope")[0]) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
        packed = tmp_path / "packed" / "ps1.py"
        archive.extract("ps1.py", packed.parent)
    for given_away in ("b * upstream", "v_grad = 2.0", "the minus turns", "secret_seed"):
        assert given_away not in everything
    assert graded_calls(packed) == [("mul_backward", "mul_backward", 3.0), ("minus", "v_grad", 1.5)]
    answers = [cell.options for cell in cells_of(packed.read_text(encoding="utf-8")) if cell.kind == "markdown"]
    assert answers == [{"answer": "why", "points": 2.0}], "which people read"


def test_what_is_in_the_zip_for_gradescope_marks_as_the_source_does(tmp_path):
    source = COURSE / "ps1_slopes_and_graphs.py"
    with zipfile.ZipFile(make(source, tmp_path / "out", "gradescope")[0]) as archive:
        archive.extract(source.name, tmp_path / "packed")
    handed_in = tmp_path / "submission"
    handed_in.mkdir()
    text = source.read_text(encoding="utf-8").replace("return b * upstream, a * upstream", "return b, a")
    (handed_in / "ada.py").write_text(text, encoding="utf-8")
    marked = [
        grade_folder(handed_in, assignment=assignment, progress=lambda line: None)
        for assignment in (source, tmp_path / "packed" / source.name)
    ]
    by_source, by_packed = ([(r.exercise, r.score, r.out_of) for r in m.students[0].reports] for m in marked)
    assert by_packed == by_source
    assert marked[1].notes == marked[0].notes != ()


@pytest.mark.skipif(sys.platform == "win32", reason="Gradescope runs a shell")
@pytest.mark.parametrize("grader_works", [True, False])
def test_run_autograder_calls_the_grader_and_always_leaves_a_result(ps1, tmp_path, grader_works):
    home = tmp_path / "auto grader"
    with zipfile.ZipFile(make(ps1, tmp_path / "out", "gradescope")[0]) as archive:
        archive.extractall(home / "source")
    grader = home / "venv" / "bin" / "micrograd-plus"
    grader.parent.mkdir(parents=True)
    writes = 'printf "%s\\n" "$@" > "$AUTOGRADER/asked"\n[ $1 = grade ] && echo "{}" > "$6"\nexit 1'
    grader.write_text(f"#!/bin/sh\n{writes if grader_works else 'exit 2'}\n")
    grader.chmod(0o755)
    done = subprocess.run(
        ["bash", home / "source" / "run_autograder"], env={**os.environ, "AUTOGRADER": str(home)}, timeout=60
    )
    assert done.returncode == 0
    results = (home / "results" / "results.json").read_text()
    if grader_works:
        asked = (home / "asked").read_text().splitlines()
        assert asked[:4] == ["grade", f"{home}/submission", "--assignment", f"{home}/source/ps1.py"]
        assert asked[4:6] == ["--gradescope", f"{home}/results/results.json"]
        assert results == "{}\n"
    else:
        assert json.loads(results)["score"] == 0
        assert "not your fault" in json.loads(results)["output"]


def test_a_folder_is_made_as_a_whole(ps1, tmp_path):
    folder = tmp_path / "course"
    folder.mkdir()
    for name in ("b_second.py", "a_first.py", "_notes.py"):
        (folder / name).write_text(SOURCE, encoding="utf-8")
    assert [path.name for path in make(folder, tmp_path / "out")] == ["a_first.ipynb", "b_second.ipynb"]
    with pytest.raises(AssignmentError, match="no Python file"):
        make(tmp_path / "out", tmp_path / "again")


# -- what a teacher is told ------------------------------------------------------------------------------------

GRADE = 'ex.grade("mul_backward", mul_backward, points=3)'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    ### END SOLUTION\n", "", "line 16: BEGIN SOLUTION without an END SOLUTION in the same cell"),
        ("    ### BEGIN SOLUTION\n", "", "line 17: END SOLUTION without a BEGIN SOLUTION"),
        (
            "    ### END SOLUTION",
            "    ### BEGIN SOLUTION",
            "line 18: BEGIN SOLUTION inside of the SOLUTION that begins in line 16",
        ),
        ("    ### END SOLUTION", "    ### END HIDDEN TESTS", "line 18: END HIDDEN TESTS inside of the SOLUTION"),
        ("v_grad = 2.0", "v_grad = 2.0  ### BEGIN SOLUTION", "line 30: a mark stands on a line of its own"),
        (GRADE, f"{GRADE};", "line 25: ex.grade must be the last line of its cell"),
        (GRADE, f"{GRADE}  ; # done", "without a semicolon"),
        (GRADE, f"{GRADE}\nprint('done')", "must be the last line"),
        (GRADE, f"mark = {GRADE}", "by itself"),
        (GRADE, f"print({GRADE})", "by itself"),
        (GRADE, f"{GRADE}\n{GRADE}", "line 26: a second ex.grade in one cell"),
        (GRADE, GRADE.replace("mul_backward", "mul_bakward", 1), "Did you mean 'mul_backward'"),
        (GRADE, GRADE.replace("3", "three"), "line 25: ex.grade('mul_backward', …): write the points out as a number"),
        (GRADE, GRADE.replace(", points=3", ""), "write the points out"),
        (GRADE, GRADE.replace("3", "True"), "write the points out"),
        (GRADE, GRADE.replace("3", "0"), "points=0.0; give a number above 0"),
        (GRADE, GRADE.replace("3", "1e999"), "points=inf"),
        (GRADE, 'ex.grade("mul_backward", points=3)', "say what is to be looked at"),
        (GRADE, GRADE.replace('"mul_backward"', "name"), "write the id of the exercise out"),
        ('ex.check("mul_backward"', 'ex.check("no_such_thing"', "line 21: ex.check: there is no exercise"),
        (
            '"minus", v_grad',
            '"mul_backward", v_grad',
            "line 34: 'mul_backward' is graded a second time (first in line 21)",
        ),
        (
            'answer="why"',
            'answer="minus"',
            "line 37: the written answer 'minus' has the name of the exercise that is graded in line 34. Choose",
        ),
        (
            '# %% [markdown] answer="why"',
            '# %% [markdown] answer="why" points=1\n# ### BEGIN SOLUTION\n# x\n# ### END SOLUTION\n'
            '# %% [markdown] answer="why"',
            "there is a written answer 'why' in line 37 already. Choose another name",
        ),
        (
            '"minus", v_grad',
            '"minus", v_gard',
            "line 34: ex.grade looks at v_gard, which no cell defines. Did you mean v_grad",
        ),
        ('"minus", v_grad', '"minus", abs(nothing_like_it)', "looks at nothing_like_it, which no cell defines."),
        ('answer="why" points=2', 'answer="why"', "line 37: the written answer 'why': write the points out"),
        ("points=2", "points=true", "line 37: the written answer 'why': write the points out"),
        ('answer="why" points=2', "", "line 37: a written answer needs a header"),
        ('answer="why"', 'answer="why not?"', "line 37: answer='why not?' is no name"),
        ("# A product.", "# ### BEGIN HIDDEN TESTS\n# x\n# ### END HIDDEN TESTS", "HIDDEN TESTS belong in a cell"),
        ("v_grad = 2.0", "v_grad = (2.0", "is no valid Python"),
        (
            "v_grad = ...\n### BEGIN SOLUTION\n",
            "v_grad = (\n### BEGIN SOLUTION\n1\n)\n",
            "once its solution is taken out",
        ),
        (
            "### END SOLUTION\n\n# %% tags",
            '### END SOLUTION\nex.grade("minus", v_grad, 1)\n\n# %% tags',
            "cell as a solution",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_nothing_is_written(ps1, tmp_path, old, new, said):
    assert SOURCE.count(old) >= 1
    ps1.write_text(SOURCE.replace(old, new, 1), encoding="utf-8")
    for kind in ("student", "nbgrader"):
        with pytest.raises(AssignmentError) as error:
            make(ps1, tmp_path / "out", kind)
        assert said in str(error.value)
        assert str(error.value).startswith("ps1.py, line ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "mark",
    [
        "### SOLUTION BEGIN",
        "### BEGIN SOLUTON",
        "# begin-solution",
        "#BEGIN_SOLUTION",
        "### BEGINSOLUTION",
        "### START SOLUTION",
        "## Begin the solution",
        "### BEGIN HIDEN TESTS",
        "### HIDDEN TESTS BEGIN",
        "### SOLUTION",
        "x = 1  # SOLUTION",
        "x = 1  ### END SOLUTON",
    ],
)
def test_what_is_nearly_a_mark_is_refused(ps1, tmp_path, mark):
    ps1.write_text(SOURCE.replace("    ### BEGIN SOLUTION", f"    {mark}", 1), encoding="utf-8")
    with pytest.raises(AssignmentError, match=r"ps1\.py, line 16: .* looks like a mark, but is none"):
        make(ps1, tmp_path / "out")


def test_what_is_nearly_a_mark_is_refused_in_prose(ps1, tmp_path):
    for mark in ("# ### SOLUTION BEGIN", "# SOLUTION BEGIN"):
        ps1.write_text(SOURCE.replace("# ### BEGIN SOLUTION", mark, 1), encoding="utf-8")
        with pytest.raises(AssignmentError, match=r"line 37: .* looks like a mark"):
            make(ps1, tmp_path / "out")


@pytest.mark.parametrize(
    "comment",
    [
        "# Your solution",
        "# the end",
        "# where it begins",
        "# One solution is to begin at the end.",
        "x = 1  # a solution",
    ],
)
def test_what_is_only_a_comment_is_left_alone(ps1, tmp_path, comment):
    commented = SOURCE.replace("    ### BEGIN SOLUTION", f"    {comment}\n    ### BEGIN SOLUTION", 1)
    ps1.write_text(commented, encoding="utf-8")
    assert comment in text_of(make(ps1, tmp_path / "out")[0])


@pytest.mark.parametrize(
    ("given", "also"),
    [
        ("mul_backward", ""),
        ("lambda a, b, up: mul_backward(a, b, up)", ""),
        ("Engine.mul", "# %%\nclass Engine:\n    def mul(a, b, up): return ...\n\n"),
        ("helper.mul", "# %%\nimport os.path as helper\n\n"),
        ("mul", "# %%\nfrom math import *\n\n"),
    ],
)
def test_names_that_are_defined_anywhere_are_fine(ps1, tmp_path, given, also):
    source = SOURCE.replace('ex.grade("mul_backward", mul_backward', f'ex.grade("mul_backward", {given}')
    ps1.write_text(also + source, encoding="utf-8")
    assert make(ps1, tmp_path / "out")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"x = 1\n", "there are no cells"),
        ("# %%\nx = '\xe4'\n".encode("latin-1"), "line 2 has a character that isn't"),
        ("# %%\nx = ...\n".encode("utf-16"), "UTF-16"),
        (b"# %%\nx = 1\n", "nothing left for students to do"),
        (b"# %%\nx = 1  # and so on ...\n", "nothing left for students to do"),
        (b'# %%\nv_grad = ...\n\n# %%\nex.check("minus", v_grad)\n', "no cell ends with ex.grade"),
    ],
)
def test_files_that_are_no_problem_set(tmp_path, data, said):
    path = tmp_path / "ps1.py"
    path.write_bytes(data)
    with pytest.raises(AssignmentError, match=said):
        make(path, tmp_path / "out")


# -- the trial before it is made -------------------------------------------------------------------------------


def test_right_solutions_are_made(tried, ps1, tmp_path):
    assert make(ps1, tmp_path / "out")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "return b * upstream, a * upstream",
            "return b, a",
            "line 21: the solution of 'mul_backward' earns 0.75 of its 3 points. mul_backward(a=2, b=3, upstream=5): "
            "expected [15, 10], got [3, 2]. ",
        ),
        ("return b * upstream", "return undefined * upstream", "name 'undefined' is not defined"),
        ("v_grad = 2.0", "v_grad = 3.0", "line 34: the solution of 'minus' earns 0 of its 1.5 points. "),
        ("v_grad = 2.0", "raise ValueError('oh')", "'minus' earns 0 of its 1.5 points. "),
        (
            "v_grad = ...\n### BEGIN SOLUTION\nv_grad = 2.0\n### END SOLUTION",
            "v_grad = 2.0",
            "line 31: what students get earns 1.5 of 1.5 points of 'minus' before they have done anything",
        ),
        (
            "    ### END SOLUTION\n",
            "    ### END SOLUTION\n    return b * upstream, a * upstream\n",
            "what students get earns 3 of 3 points of 'mul_backward'",
        ),
        (
            "    ### END SOLUTION\n",
            "    ### END SOLUTION\n    return b, a\n",
            "what students get earns 0.75 of 3 points of 'mul_backward'",
        ),
    ],
)
def test_wrong_solutions_and_points_for_nothing_are_refused(tried, ps1, tmp_path, old, new, said):
    assert SOURCE.count(old) == 1
    ps1.write_text(SOURCE.replace(old, new), encoding="utf-8")
    for kind in ("student", "gradescope"):
        with pytest.raises(AssignmentError) as error:
            make(ps1, tmp_path / "out", kind)
        assert said in str(error.value)
        assert str(error.value).startswith("ps1.py, line ")
        assert "ex.hint" not in str(error.value), "this is read by a teacher"
        assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()
    assert make(ps1, tmp_path / "out", check=False)


def test_a_set_without_solutions_in_it_can_be_made(tried, ps1, tmp_path):
    ps1.write_text('# %%\nv_grad = ...\n\n# %%\nex.grade("minus", v_grad, points=1)\n', encoding="utf-8")
    assert make(ps1, tmp_path / "out")


def test_the_trial_finds_the_data_that_lies_beside_the_source(tried, ps1, tmp_path):
    ps1.write_text(SOURCE.replace("v_grad = 2.0", "v_grad = float(open('data.csv').read())"), encoding="utf-8")
    (tmp_path / "data.csv").write_text("2.0")
    assert make(ps1, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv", "out", "ps1.py"]


def test_the_example_course_stands_its_trial(tried, tmp_path):
    assert len(make(COURSE, tmp_path / "out")) == 3


def test_what_is_there_is_never_written_over_unasked(ps1, tmp_path):
    (made,) = make(ps1, tmp_path / "out")
    made.write_text("a teacher's changes")
    second = tmp_path / "course"
    second.mkdir()
    for name in ("ps0.py", "ps1.py"):
        (second / name).write_text(SOURCE, encoding="utf-8")
    with pytest.raises(AssignmentError, match=r"ps1\.ipynb is there already.*overwrite"):
        make(second, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["ps1.ipynb"], "all of it or nothing"
    assert made.read_text() == "a teacher's changes"
    make(second, tmp_path / "out", overwrite=True)
    assert "mul_backward" in made.read_text(encoding="utf-8")


def test_nothing_half_written_is_left_where_writing_fails(ps1, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("micrograd_plus.classroom.assignment.os.replace", full)
    with pytest.raises(AssignmentError, match="No space left on device"):
        make(ps1, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_cannot_be_written_to(ps1, tmp_path):
    with pytest.raises(AssignmentError, match="can't be written to"):
        make(ps1, ps1)
    with pytest.raises(AssignmentError, match="no such file"):
        make(tmp_path / "ps7.py", tmp_path)
    with pytest.raises(AssignmentError, match="There are student, instructor, nbgrader, gradescope"):
        make(ps1, tmp_path, "otter")
    with pytest.raises(AssignmentError, match=r"is a Python file \(\.py\)"):
        make(make(ps1, tmp_path / "out")[0], tmp_path)


# -- reading what students hand in -----------------------------------------------------------------------------


def test_calls_are_found_in_a_source_and_in_the_notebook_made_of_it(ps1, tmp_path):
    found = [("mul_backward", "mul_backward", None), ("mul_backward", "mul_backward", 3.0), ("minus", "v_grad", 1.5)]
    assert graded_calls(SOURCE) == found
    assert graded_calls(code_cells(ps1)) == graded_calls(ps1) == found
    assert graded_calls(code_cells(make(ps1, tmp_path / "out")[0])) == found


@pytest.mark.parametrize(
    "source",
    [
        'from micrograd_plus.exercises import grade\ngrade("minus", x + 1, points=2)',
        'import micrograd_plus as mg\nmg.exercises.grade("minus", x + 1, points=2)',
        'import micrograd_plus.exercises as tasks\ntasks.grade(id="minus", answer=x + 1, points=2)',
        '%matplotlib inline\nif True:\n    ex.grade("minus", x + 1, 2)',
        '# %%\nx = (\n\n# %%\n!ls\nex.grade("minus", x + 1, points=2)',
    ],
)
def test_calls_are_found_however_they_are_written(source):
    assert graded_calls(source) == [("minus", "x + 1", 2.0)]


def test_calls_are_found_in_the_order_of_the_lines():
    source = 'if True:\n    ex.grade("a", x, points=1)\nex.grade("b", x, points=1)\ndef f():\n    ex.check("c", x)'
    assert [call.exercise for call in graded_calls(source)] == ["a", "b", "c"]


def test_written_answers_are_found_in_a_source_and_in_the_notebooks_made_of_it(ps1, tmp_path):
    assert written_answers(ps1) == [("why", 2.0)]
    for kind in ("student", "instructor", "nbgrader"):
        assert written_answers(make(ps1, tmp_path / kind, kind)[0]) == [("why", 2.0)]


@pytest.mark.parametrize("metadata", [None, 3, {}, {"micrograd_plus": 3}, {"micrograd_plus": {"answer": 3}}])
def test_odd_metadata_is_no_written_answer(tmp_path, metadata):
    path = tmp_path / "odd.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": "", "metadata": metadata}]}))
    assert written_answers(path) == []


def test_what_is_no_call_of_an_exercise_is_not_counted():
    assert (
        graded_calls('quiz.check("minus", 3)\ngrade("minus", 3, points=2)\nex.hint("minus")\nex.grade(name, 3)') == []
    )
    assert graded_calls('ex.check("minus", 3, points=2)') == [("minus", "3", None)], "only ex.grade gives points"
    assert graded_calls("ex.check_engine(MyValue)") == [("engine", "MyValue", None)]
    assert graded_calls("ex.check_engine(MyValue, stages='add')\nex.check_engine(MyValue, upto='mul')") == []
    assert graded_calls('ex.grade("minus", ' + "+".join(["x"] * 2000) + ", points=2)")[0].points == 2


@pytest.mark.parametrize(
    ("cell", "plain"),
    [
        ("%matplotlib inline\nx = 1", "pass  # %matplotlib inline\nx = 1"),
        ("try:\n    x\nexcept NameError:\n    !ls", "try:\n    x\nexcept NameError:\n    pass  # !ls"),
        ("%pip install \\\n   numpy\nx = 1", "pass  # %pip install \\\n   pass  # numpy\nx = 1"),
        ("%%time\nx = 1", "pass  # %%time\nx = 1"),
        ("%%bash\nls | wc", "pass  # %%bash\npass  # ls | wc"),
        ("x?\n?y\nx = 1", "pass  # x?\npass  # ?y\nx = 1"),
        ("files = !ls\nx = 1", "pass  # files = !ls\nx = 1"),
        ("x = (7\n% 2)", "x = (7\n% 2)"),
        ("%time x\ny = (7\n% 2\n!= 3)", "pass  # %time x\ny = (7\n% 2\n!= 3)"),
        ("%matplotlib inline\nx = 'a\fb'", "pass  # %matplotlib inline\nx = 'a\fb'"),
    ],
)  # fmt: skip
def test_lines_for_ipython_become_comments(tmp_path, cell, plain):
    path = tmp_path / "handed_in.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": cell.splitlines(keepends=True)}]}))
    assert code_cells(path) == [plain]
    if "numpy" not in plain:
        assert parsed(plain) is not None


def test_python_files_are_read_with_and_without_cells(tmp_path):
    path = tmp_path / "handed_in.py"
    path.write_bytes(b"x = 1\r\ny = 2\r\n")
    assert code_cells(path) == ["x = 1\ny = 2"]
    header = "# ---\n# jupyter:\n#   kernelspec: python3\n# ---\n\n"
    path.write_text(header + "# %% Slopes at y=f(x)\nx = 1\n\n# %% [markdown]\n# text\n\n#%%\n\n# %%\ny = 2\n")
    assert code_cells(path) == ["x = 1", "y = 2"]
    path.write_text("numbers = [\n    # %time is not asked for\n    1,\n]\n")
    assert code_cells(path) == ["numbers = [\n    # %time is not asked for\n    1,\n]"]
    path.write_bytes("# -*- coding: latin-1 -*-\nname = 'Zo\xeb'\n".encode("latin-1"))
    assert "Zoë" in code_cells(path)[0]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.ipynb", b'{"cells": [', "is broken.*line 1.*hand it in again"),
        ("a.ipynb", b"[1, 2]", "no list of cells"),
        ("a.ipynb", b'{"cells": [3]}', "no list of cells"),
        ("a.ipynb", b'{"cells": [{"cell_type": "code", "source": {"x": 1}}]}', "source of a cell is not text"),
        ("a.ipynb", b'{"nbformat": 3, "worksheets": []}', "old format 3"),
        ("a.ipynb", b"[" * 200_000, "nested too deeply|is broken"),
        ("a.ipynb", b'{"cells": ' + b"1" * 5000 + b"}", "is broken|no list of cells"),
        ("a.ipynb", '{"cells": []}'.encode("utf-16"), "UTF-16"),
        ("a.ipynb", b'{"cells": "\xe4"}', "not saved as UTF-8: line 1"),
        ("a.ipynb", b"  \n", "is empty"),
        ("a.py", b"\x00\x01\x02", "no text"),
        ("a.py", b"# coding: martian\nx = 1\n", "an encoding that isn't known"),
        ("a.docx", b"x", "neither a notebook"),
    ],
)
def test_files_that_cannot_be_read_say_why(tmp_path, capfd, name, data, said):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UnreadableFile) as error:
        code_cells(path)
    assert re.search(said, str(error.value))
    assert str(error.value).startswith(name)
    assert capfd.readouterr() == ("", "")


def test_a_missing_or_huge_file_or_a_folder(tmp_path, monkeypatch):
    with pytest.raises(UnreadableFile, match="No such file"):
        code_cells(tmp_path / "gone.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    with pytest.raises(UnreadableFile, match="is a folder"):
        code_cells(tmp_path / "folder.ipynb")
    (tmp_path / "huge.py").write_text("x = 1\n")
    monkeypatch.setattr("micrograd_plus.classroom.notebook_files.LARGEST", 3)
    with pytest.raises(UnreadableFile, match="clear its outputs"):
        code_cells(tmp_path / "huge.py")


def test_a_students_doubtful_code_is_read_in_silence(capfd):
    assert parsed("x = '\\d'\nif x is 3:\n    pass") is not None
    assert parsed("(" * 100_000) is None
    assert parsed("x = '\0'") is None
    assert capfd.readouterr() == ("", "")


def test_nothing_heavy_is_loaded_to_make_an_assignment(ps1, tmp_path):
    code = (
        "import sys; from micrograd_plus.classroom import make; make(sys.argv[1], sys.argv[2]); "
        "heavy = {'numpy', 'matplotlib', 'nbformat', 'jupytext', 'IPython', 'wasmtime'}; "
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, ps1, tmp_path / "out"], capture_output=True, text=True, timeout=120, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, "")


# -- the example course ----------------------------------------------------------------------------------------

SETS = sorted(COURSE.glob("*.py"))
IDS = [source.stem for source in SETS]


def reports(cells):
    """What each `ex.grade` says when the cells are run one after the other, as in a notebook."""
    names, found = {}, []
    for cell in map(plain_python, cells):
        if graded_calls([cell]) and "ex.grade(" in cell:
            found.append(eval(cell, names))
        else:
            exec(cell, names)
    return found


def code_of(source, which):
    return [getattr(part, which) for part in read(source).parts if part.kind == "code"]


@pytest.fixture(params=SETS, ids=IDS)
def problem_set(request):
    return request.param


def test_the_course_has_three_sets_that_can_be_made():
    assert [stem[:3] for stem in IDS] == ["ps1", "ps2", "ps3"]
    for source in SETS:
        made = read(source)
        assert 4 <= len(made.graded) <= 6
        assert 20 <= made.points <= 40
        stated = re.search(r"\*About \d+ minutes · (\d+) points", made.parts[0].open)
        assert float(stated[1]) == made.points
        for heading, graded in zip(re.findall(r"## Task \d.*\((\d+) points\)", made.text), made.graded, strict=True):
            assert float(heading) == graded.points, graded.graded


def test_the_solutions_of_the_course_earn_everything(problem_set, capfd):
    found = reports(code_of(problem_set, "full"))
    assert [report for report in found if not report.ok] == []
    assert sum(report.score for report in found) == sum(p.points for p in read(problem_set).graded if p.kind == "code")
    assert capfd.readouterr().err == ""


def test_the_course_left_open_earns_nothing_and_counts_as_not_attempted(problem_set, tmp_path):
    (made,) = make(problem_set, tmp_path)
    found = reports(code_cells(made))
    assert len(found) == sum(part.kind == "code" for part in read(problem_set).graded)
    assert {report.state for report in found if report.exercise != "engine"} == {"not_attempted"}
    assert {report.score for report in found} == {0.0}


def test_the_page_on_the_course_says_what_is_there():
    text = (COURSE / "README.md").read_text(encoding="utf-8")
    for source in SETS:
        made = read(source)
        minutes = re.search(r"\*About (\d+) minutes", made.parts[0].open)[1]
        assert f"({source.name})" in text
        assert f"| {minutes} | {made.points:g} |" in text
    for path in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (COURSE / path).exists(), path
