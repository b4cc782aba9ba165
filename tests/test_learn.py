"""micrograd-plus learn: the learner's copies are theirs."""

import json
import subprocess
import sys

import pytest

from micrograd_plus import cli
from micrograd_plus.cli import learn
from micrograd_plus.exercises.progress import Progress


def notebook(title):
    text = [f"# 01 · {title}\n", "\n", "*15 minutes*\n", "[`x` in y.py](../micrograd_plus/y.py#L1)"]
    code = ['ex.check("minus", answer)\n', 'ex.check("mul_backward", mul_backward)\n']
    cells = [{"cell_type": "markdown", "source": text}, {"cell_type": "code", "source": code, "outputs": []}]
    return json.dumps({"cells": cells}, ensure_ascii=False)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Two lessons as they would come in the package."""
    place = tmp_path / "package" / "cli"
    place.mkdir(parents=True)
    (tmp_path / "package" / "y.py").write_text("x = 1\n")
    lessons = tmp_path / "package" / "_notebooks"
    lessons.mkdir()
    (lessons / "01_one.ipynb").write_text(notebook("One"), encoding="utf-8")
    (lessons / "02_two.ipynb").write_text(notebook("Two"), encoding="utf-8")
    (lessons / "README.md").write_text("the map")
    monkeypatch.setattr(learn, "__file__", str(place / "learn.py"))
    return lessons


def run(capsys, *arguments):
    code = cli.main(["learn", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_lessons_are_copied_with_the_source_that_they_link_to(shipped, tmp_path, capsys):
    folder = tmp_path / "mine"
    code, out, _ = run(capsys, "--folder", str(folder), "--no-browser")
    assert code == 0
    assert "2 lessons" in out
    assert sorted(p.name for p in folder.iterdir()) == [
        ".lessons.json", "01_one.ipynb", "02_two.ipynb", "README.md", "micrograd-plus-progress.json", "source",
    ]  # fmt: skip
    assert "](source/y.py#L1)" in (folder / "01_one.ipynb").read_text(encoding="utf-8")
    assert (folder / "source" / "y.py").read_text() == "x = 1\n"


def test_what_a_learner_wrote_is_never_lost(shipped, tmp_path, capsys):
    folder = tmp_path / "mine"
    run(capsys, "--folder", str(folder), "--no-browser")
    mine = notebook("One, with notes")
    (folder / "01_one.ipynb").write_text(mine, encoding="utf-8")
    for name in ("01_one", "02_two"):
        (shipped / f"{name}.ipynb").write_text(notebook(f"{name}, mended"), encoding="utf-8")

    run(capsys, "--folder", str(folder), "--no-browser")
    assert "mended" not in (folder / "02_two.ipynb").read_text(encoding="utf-8"), "not without --update"

    _, out, _ = run(capsys, "--folder", str(folder), "--no-browser", "--update")
    assert (folder / "01_one.ipynb").read_text(encoding="utf-8") == mine
    assert "mended" in (folder / "01_one.new.ipynb").read_text(encoding="utf-8")
    assert "mended" in (folder / "02_two.ipynb").read_text(encoding="utf-8"), "an unchanged one is replaced"
    assert "01_one.new.ipynb is the new version; your 01_one.ipynb stays as it is" in out
    assert "02_two.ipynb is the new version" in out

    _, out, _ = run(capsys, "--folder", str(folder), "--no-browser", "--update")
    assert "02_two" not in out, "nothing new"
    assert (folder / "01_one.ipynb").read_text(encoding="utf-8") == mine


def test_a_deleted_lesson_comes_back(shipped, tmp_path, capsys):
    folder = tmp_path / "mine"
    run(capsys, "--folder", str(folder), "--no-browser")
    (folder / "02_two.ipynb").unlink()
    run(capsys, "--folder", str(folder), "--no-browser")
    assert (folder / "02_two.ipynb").exists()


def test_the_list_says_minutes_and_what_is_done(shipped, tmp_path, capsys):
    folder = tmp_path / "mine"
    _, out, _ = run(capsys, "--list", "--folder", str(folder))
    assert out.splitlines()[0].split() == ["01", "One", "15", "min"]
    assert not folder.exists(), "listing copies nothing"
    run(capsys, "--folder", str(folder), "--no-browser")
    (folder / "02_two.ipynb").write_text("not a notebook")
    progress = Progress.of(folder)
    progress.note("minus", "passed")
    progress.note("mul_backward", "failed")
    _, out, _ = run(capsys, "--list", "--folder", str(folder))
    assert out.splitlines()[0].endswith("15 min  1 of 2 exercises")
    progress.note("mul_backward", "passed")
    _, out, _ = run(capsys, "--list", "--folder", str(folder))
    assert out.splitlines()[0].endswith("15 min  done")
    assert out.splitlines()[1].endswith("15 min")
    assert "2 lessons, 30 minutes" in out


def test_one_lesson_is_opened_in_jupyterlab(shipped, tmp_path, capsys, monkeypatch):
    calls = []
    monkeypatch.setattr(learn.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(learn.subprocess, "run", lambda command, cwd: calls.append((command[1:], cwd)))
    folder = tmp_path / "mine"
    run(capsys, "2", "--folder", str(folder))
    assert calls == [(["-m", "jupyterlab", "02_two.ipynb"], folder)]


def test_without_jupyter_it_says_the_one_pip_line(shipped, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(learn.importlib.util, "find_spec", lambda name: None)
    code, out, _ = run(capsys, "--folder", str(tmp_path / "mine"))
    assert code == 0
    assert 'python -m pip install "micrograd_plus[notebooks]"' in out


def test_what_cannot_be_done_is_one_line(shipped, tmp_path, capsys):
    code, _, err = run(capsys, "77", "--folder", str(tmp_path / "mine"))
    assert (code, err) == (2, "micrograd-plus learn: there is no lesson 77: they go from 01 to 02\n")
    assert not (tmp_path / "mine").exists()
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, "--folder", str(tmp_path / "file"), "--no-browser")
    assert code == 2
    assert "can't be written" in err
    for file in shipped.glob("*.ipynb"):
        file.unlink()
    code, _, err = run(capsys, "--list")
    assert code == 2
    assert "no lessons are in this installation" in err


def test_the_real_lessons_are_found():
    lessons = learn.shipped()
    assert [lesson.number for lesson in lessons[:2]] == ["00", "01"]
    longest = {True: 25, False: 35}  # capstones may take longer
    assert all(10 <= lesson.minutes <= longest[lesson.number < "20"] for lesson in lessons)
    listed = subprocess.run([sys.executable, "-m", "micrograd_plus", "learn", "--list"], capture_output=True, text=True)
    assert "Two paths add" in listed.stdout
