"""The demo and the command line, as a user meets them; the wheel, built and run from an empty folder."""

import re
import subprocess
import sys
import sysconfig
from html.parser import HTMLParser
from pathlib import Path

import pytest

from micrograd_plus.cli import main
from micrograd_plus.demo import runs
from micrograd_plus.demo.page import MARK

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, unpacked where pip would put it, and nothing else of ours."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=300)
    (file,) = folder.glob("*.whl")
    site = folder / "site"
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(site), str(file)]
    subprocess.run(install, check=True, capture_output=True, timeout=300)
    return site


def run_from(site, *arguments, cwd, timeout=170):
    environment = {"PYTHONPATH": str(site), "PATH": sysconfig.get_path("scripts"), "MPLCONFIGDIR": str(cwd)}
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout)


class _Checker(HTMLParser):
    def __init__(self):
        super().__init__()
        self.images, self.addresses, self.open = [], [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.addresses += [v for k, v in attributes.items() if k in ("src", "href", "srcset")]
        if tag == "img":
            self.images.append(attributes)
        if tag not in ("img", "meta", "source", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_demo_from_the_wheel(wheel, tmp_path):
    where = run_from(wheel, "-c", "import micrograd_plus; print(micrograd_plus.__file__)", cwd=tmp_path)
    assert where.stdout.startswith(str(wheel)), where.stdout + where.stderr
    done = run_from(wheel, "-m", "micrograd_plus", "demo", "--out", "my page", "--seed", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Same weights, same losses" in done.stdout
    accuracy = float(re.search(r"([\d.]+)% of the held-out digits", done.stdout)[1])
    assert accuracy >= 97
    written = tmp_path / "my page" / "index.html"
    assert str(written) in done.stdout

    text = written.read_text(encoding="utf-8")
    checker = _Checker()
    checker.feed(text)
    assert checker.open == []
    assert len(checker.images) == 6
    assert all(len(image["alt"]) > 30 for image in checker.images)
    inside = ("data:image/png;base64,", "data:image/svg+xml;base64,")
    assert all(address.startswith(inside) for address in checker.addresses)  # nothing from outside
    outside_frames = re.sub(r'srcdoc="[^"]*"', "", text)
    assert "<script" not in outside_frames
    assert len(text) < 1_000_000
    assert outside_frames.count("<svg") == 2, "the folded graph, and a neuron opened"
    assert "layers.0 · Layer" in text
    assert "w0*x0" in text
    assert "srcdoc=" in text, "the stepper"
    for words in ("Two moons", "Handwritten digits", "mistakes", "Forward", "Backward", "CC BY 4.0", f"{accuracy}%"):
        assert words in text


def test_the_readme_runs_from_the_wheel_and_draws_without_any_program(wheel, tmp_path):
    code = """
import doctest, os, shutil, sys
assert shutil.which("dot") is None
print(doctest.testfile(sys.argv[1], module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE))
"""
    script = tmp_path / "readme.py"
    script.write_text(code)
    environment = {"PYTHONPATH": str(wheel), "PATH": "", "MPLCONFIGDIR": str(tmp_path), "MPLBACKEND": "Agg"}
    command = [sys.executable, str(script), str(ROOT / "README.md")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=170)
    assert "failed=0" in done.stdout, done.stdout + done.stderr
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "<iframe" not in (tmp_path / "step.html").read_text(encoding="utf-8")


def test_the_lessons_come_with_the_wheel(wheel, tmp_path):
    done = run_from(wheel, "-m", "micrograd_plus", "learn", "--no-browser", "--folder", "mine", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lesson = (tmp_path / "mine" / "04_two_paths_add.ipynb").read_text(encoding="utf-8")
    (link,) = re.findall(r"\]\((source/[^)#]+)#L\d+\)", lesson)
    assert (tmp_path / "mine" / link).exists(), "a link to the source leads to a copy of it"


def test_both_engines_learn_the_moons_alike():
    run = runs.train_moons(seed=3)
    assert run.difference < 1e-9
    assert run.scalar_losses[-1] < 0.1 * run.scalar_losses[0]
    assert run.accuracy == 1.0


def test_the_same_seed_gives_the_same_run(monkeypatch):
    monkeypatch.setattr(runs, "STEPS", 5)
    first, second = runs.train_moons(seed=3), runs.train_moons(seed=3)
    assert first.scalar_losses == second.scalar_losses


def test_a_page_of_the_demo_is_replaced_and_another_is_not(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("micrograd_plus.demo.train_moons", lambda seed: (_ for _ in ()).throw(KeyboardInterrupt))
    other = tmp_path / "mine"
    other.mkdir()
    (other / "index.html").write_text("my own page")
    assert main(["demo", "--out", str(other)]) == 2
    assert (other / "index.html").read_text() == "my own page"
    message = capsys.readouterr().err
    assert "not a page of this demo" in message
    assert message.count("\n") == 1

    ours = tmp_path / "ours"
    assert main(["demo", "--out", str(ours)]) == 130  # stopped by Ctrl-C
    assert (ours / "index.html").read_text() == MARK
    assert main(["demo", "--out", str(ours)]) == 130  # and may be started again


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["demo", "--out", "{file}/inside"], "can't write"),
        (["demo", "--seed", "x"], "'x' is not a whole number"),
        (["demo", "--seed", "-1"], "'-1' is not a whole number"),
        (["demo", "--colour"], "unrecognized arguments: --colour"),
        (["dmeo"], "invalid choice: 'dmeo'"),
    ],
)
def test_a_bad_option_is_one_clear_line_and_exit_code_2(arguments, words, tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("")
    try:
        code = main([a.format(file=file) for a in arguments])
    except SystemExit as stop:
        code = stop.code
    message = capsys.readouterr().err
    assert code == 2
    assert words in message
    assert message.count("\n") == 1


def test_without_a_command_it_says_what_there_is(capsys):
    assert main([]) == 0
    assert "micrograd-plus demo" in capsys.readouterr().out


def test_the_installed_command():
    command = Path(sysconfig.get_path("scripts")) / "micrograd-plus"
    done = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("micrograd_plus 0.")
