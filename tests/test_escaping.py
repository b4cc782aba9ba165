"""Text that a user gives is shown as text: no tag, attribute, DOT statement, command or line of code gets out of it.

Each picture and page is drawn twice: with harmless texts, and with the texts of EVIL in their place. Read by a real
parser, the second has to be made of the same tags, attributes and statements as the first.
"""

import ast
import builtins
import contextlib
import csv
import html
import html.parser
import io
import random
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt

import micrograd_plus as mg
from micrograd_plus import Tensor, Unary, Value, cli, draw, exercises, nn, plots, step_through, training
from micrograd_plus.classroom.calls import GradedCall
from micrograd_plus.classroom.csv_file import csv_text
from micrograd_plus.classroom.pages import write_pages
from micrograd_plus.classroom.results import ClassResult, FileResult
from micrograd_plus.exercises.report import Case, Report
from micrograd_plus.explain import diagnose, formula, paths, to_python, trace_backward, walkthrough, wrong_orders
from micrograd_plus.explain.typed import ExpressionError, evaluate

ROOM = Path(mg.__file__).parent

EVIL = {
    "script": '"><script>alert(1)</script>',
    "single quotes": "'><img src=x onerror=alert(1)>",
    "attribute": '" onload="alert(1)" x="',
    "end of a script": "</script><script>alert(1)//",
    "comment": "<!--",
    "cdata": "]]><script>alert(1)</script>",
    "entity": "&lt;b&gt; &#60;b&#62; &",
    "template": "${alert(1)} `alert(1)` {{x}} {x}",
    "record": r"a|<p0> b} | {c \N \G \l",
    "dot": '"]; evil [label="x',
    "html label": "<<b>x</b>>",
    "backslash": "a\\",
    "two lines": "a\nb\r\nc\u2028d\x0be\x85f",
    "nul": "a\x00b",
    "control": "\x07\x08\x7f\x9b2J",
    "terminal": "\x1b[2J\x1b]0;title\x07",
    "surrogate": "\ud800 \udfff",
    "no character": "\ufffe\uffff",
    "bidi": "\u202eevil\u2066\u200f",
    "latex": r"\input{x} $x$ \end{aligned} % _ ^ ~",
    "code": "x = __import__('os').system('false')",
    "call": "x(); raise SystemExit",
    "empty": "",
    "blank": "  ",
    "long": "w" * 3000,
}
HARMLESS = [f"name{i}" for i in range(len(EVIL))]
evil = pytest.mark.parametrize("text", EVIL.values(), ids=EVIL)


class Tags(html.parser.HTMLParser):
    """Every tag with the names of its attributes, and the values of those that could run something."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found, self.text = set(), []

    def handle_starttag(self, tag, attrs):
        self.found.add((tag, *sorted(name for name, _ in attrs)))
        for name, value in attrs:
            assert not name.startswith("on"), f"<{tag} {name}={value!r}>"
            assert "javascript:" not in (value or "").lower()
            if name == "srcdoc":
                self.found |= {("srcdoc", *inner) for inner in tags_of(value)}
            if name == "src":
                assert (value or "").startswith("data:"), value

    def handle_comment(self, data):
        self.found.add(("comment",))

    def handle_decl(self, decl):
        self.found.add(("declaration", decl))

    def unknown_decl(self, data):
        raise AssertionError(data)

    def handle_data(self, data):
        self.text.append(data)


def tags_of(page):
    parser = Tags()
    parser.feed(page)
    parser.close()
    return parser.found


def shape_of_svg(svg):
    """Its tags with the names of their attributes; ParseError for what is no XML."""
    found = set()
    for element in ET.fromstring(svg).iter():
        found.add((element.tag, *sorted(element.attrib)))
        assert not any(name.lower().startswith("on") for name in element.attrib)
    return found


def statements_of(dot):
    """DOT without what stands in quotes: its statements, as a set."""
    bare = re.sub(r'"(\\.|[^"\\])*"', '""', dot, flags=re.DOTALL)
    return {line.strip() for line in bare.splitlines()}


def shown_in_terminal(text):
    """Nothing of it may move the cursor, ring, turn the line round, or hide what follows."""
    return not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", text)


# ---- what is drawn -------------------------------------------------------------------------------------------------


class Named(nn.Module):
    """A module of which the part has whatever name one likes."""

    def __init__(self, name):
        self.parts = {name: nn.Neuron(2, activation="tanh", rng=random.Random(0))}

    def forward(self, x):
        return next(iter(self.parts.values()))(x)


def labelled(*texts):
    """A graph in which leaves, results, modules and variables have these names."""
    total, names = Value(1.0, label="start"), {}
    for text in texts:
        a, b = Value(2.0, label=text), Value(-3.0)
        names[text] = b
        c = (a * b + 10).tanh()
        c.label = text
        total = total + Named(text)([a, c]) + c
    total.backward()
    return total, names


def arrays(*texts):
    w = [Tensor(np.ones((2, 3)), label=text) for text in texts]
    y = mg.sum([(x @ np.ones(3)).sum() for x in w])
    y.backward()
    return y, dict(zip(texts, w, strict=True))


def bundled(thing):
    return thing._repr_mimebundle_()["text/html"]


@evil
def test_no_statement_gets_out_of_a_dot_text(text):
    for graph in (labelled, arrays):
        assert statements_of(draw(*graph(text)).dot) == statements_of(draw(*graph("name")).dot)


@pytest.mark.parametrize("graph", [labelled, arrays])
def test_no_tag_gets_out_of_a_drawing(graph):
    picture, harmless = draw(*graph(*EVIL.values())), draw(*graph(*HARMLESS))
    assert shape_of_svg(picture.svg()) <= shape_of_svg(harmless.svg())
    for mine, theirs in ((picture.html(), harmless.html()), (bundled(picture), bundled(harmless))):
        assert tags_of(mine) <= tags_of(theirs)
    assert shown_in_terminal(str(picture))


def test_no_tag_gets_out_of_a_step_through():
    walk, harmless = step_through(*labelled(*EVIL.values())), step_through(*labelled(*HARMLESS))
    assert shape_of_svg(walk.still()) <= shape_of_svg(harmless.still())
    for mine, theirs in ((walk.html(), harmless.html()), (bundled(walk), bundled(harmless))):
        assert tags_of(mine) <= tags_of(theirs)
    script = re.search(r"<script>(.*)</script>", walk.html(), re.DOTALL)[1]
    assert not re.search(r"</?script|<!--", script, re.IGNORECASE), "JSON in a script must hold no <"


# ---- what is said: in a terminal, and in a notebook ----------------------------------------------------------------


@evil
@pytest.mark.parametrize(
    "ask",
    [
        lambda root, names: trace_backward(root, names),
        lambda root, names: trace_backward(root, names)[0],
        lambda root, names: paths(root, next(iter(names.values())), names),
        lambda root, names: wrong_orders(root, names),
        lambda root, names: diagnose(root),
        lambda root, names: formula(root, names),
        lambda root, names: walkthrough(root, names),
        lambda root, names: mg.gradcheck(lambda x: x * x, next(iter(names.values()))),
    ],
    ids=["trace", "record", "paths", "orders", "diagnose", "formula", "walkthrough", "gradcheck"],
)
def test_an_explanation(text, ask):
    found, harmless = ask(*labelled(text)), ask(*labelled("name"))
    assert shown_in_terminal(repr(found))
    assert shown_in_terminal(str(found))
    if hasattr(found, "_repr_html_"):
        assert tags_of(found._repr_html_()) <= tags_of(harmless._repr_html_())


@evil
def test_the_latex_of_a_formula(text):
    """Only a plain name is taken into LaTeX; whatever else stands in a label is left out of it."""
    pytest.importorskip("sympy")
    a, b = Value(2.0, label=text), Value(3.0, label=text[::-1])
    latex = formula((a * b).tanh(), {text: a})._repr_latex_()
    assert latex == formula((Value(2.0) * Value(3.0)).tanh())._repr_latex_() or text == EVIL["long"]


@evil
def test_what_prints_itself(text):
    report = Report("minus", "failed", (Case(text, False, text, text, text, text),), 1.0, text, text)
    model = Named(text)
    history = training.History([{"epoch": 1, "loss": 0.5, text: 1.0}], stopped=text)
    for thing in (Value(1.0, label=text), Tensor([1.0], label=text), model, model.summary(), history, report):
        assert shown_in_terminal(repr(thing))
        assert shown_in_terminal(str(thing))
    harmless = Report("minus", "failed", (Case("a", False, "a", "a", "a `b`", "a"),), 1.0, "a `b`", "a")
    assert tags_of(report._repr_html_()) <= tags_of(harmless._repr_html_())


@evil
def test_answers_and_quizzes(text, capsys):
    exercises.predict(text, text, "x")
    exercises.predict("a.grad", 1.0, text)
    exercises.check("minus", text)
    assert shown_in_terminal(capsys.readouterr().out)
    if not text.strip() or "\ud800" in text:
        with pytest.raises(ValueError, match="seed"):
            str(exercises.quiz(text))
        return
    quiz = exercises.quiz(text)
    assert shown_in_terminal(f"{quiz}{quiz!r}")


def test_a_sheet_with_a_students_name(tmp_path):
    def sheet(name, path):
        exercises.quiz(name).save(path)
        return path.read_text(encoding="utf-8")

    name = "".join(text for text in EVIL.values() if "\ud800" not in text and len(text) < 100)
    assert shape_of_svg(sheet(name, tmp_path / "a.svg")) <= shape_of_svg(sheet("Ada", tmp_path / "b.svg"))
    assert tags_of(sheet(name, tmp_path / "a.html")) <= tags_of(sheet("Ada", tmp_path / "b.html"))


def test_pages_for_a_class(tmp_path):
    """Names of students, notes and problems: a folder of submissions comes from many hands."""

    def pages(*names):
        reports = (Report("minus", "failed", (Case("a", False, "a", "a", names[0], names[0]),), 2.0, names[0]),)
        students = tuple(FileResult(name, "graded", reports, (name,), 0.0, (name,)) for name in names)
        result = ClassResult(names[0], (GradedCall("minus", "answer", 2.0),), students, len(names), (names[0],))
        folder = tmp_path / str(len(names))
        folder.mkdir()
        written = write_pages(result, folder)
        return set().union(*(tags_of(path.read_text(encoding="utf-8")) for path in written)), csv_text(result), written

    (mine, table, written), (theirs, _, _) = pages(*EVIL.values()), pages("Ada `x`", "Bob")
    assert mine <= theirs
    assert len(written) == len(EVIL) + 1
    assert {path.parent for path in written} == {tmp_path / str(len(EVIL))}
    assert all(re.fullmatch(r"[\w.-]+\.html", path.name) for path in written)
    for row in csv.reader(io.StringIO(table.removeprefix("\ufeff"), newline="")):
        assert not row[0].startswith(("=", "+", "-", "@"))


# ---- plots ---------------------------------------------------------------------------------------------------------

EVIL_IN_PLOTS = [text for text in EVIL.values() if len(text) < 60 and "\uffff" not in text and text.strip()]
EVIL_IN_PLOTS += ["$5 and $6", r"$\frac{$", "$", r"100% \$x_1^2$"]


@pytest.mark.filterwarnings("ignore:constrained_layout not applied")
@pytest.mark.parametrize("place", ["names", "title", "columns", "rows"])
def test_a_plot_shows_text_as_text(place):
    """Also between two $, where Matplotlib would read mathematics (and stop at what it can't read)."""
    n = len(EVIL_IN_PLOTS)
    one = training.History([{"epoch": 1, "loss": 1.0}])
    many = training.History([{"epoch": 1, "loss": 1.0} | dict.fromkeys(EVIL_IN_PLOTS, 0.5)])
    axes = {
        "names": lambda: plots.confusion(range(n), range(n), names=EVIL_IN_PLOTS),
        "title": lambda: plots.attention(np.eye(n), EVIL_IN_PLOTS, EVIL_IN_PLOTS, title="".join(EVIL_IN_PLOTS)),
        "columns": lambda: plots.history(many),
        "rows": lambda: plots.compare_histories(dict.fromkeys(EVIL_IN_PLOTS, one)),
    }[place]()
    file = io.StringIO()
    axes.figure.savefig(file, format="svg")
    plt.close("all")
    shape_of_svg(file.getvalue())
    texts = " ".join(re.findall(r"<!-- (.*?) -->", file.getvalue(), re.DOTALL))
    assert r"$\frac{$" in html.unescape(texts), "drawn with its letters, each as it is"
    assert "\x1b" not in texts


# ---- nothing is run ------------------------------------------------------------------------------------------------


@pytest.fixture
def spoken(monkeypatch):
    """Code that gets out of a text calls this."""
    calls = []
    monkeypatch.setattr(builtins, "evil_was_run", calls.append, raising=False)
    return calls


# fmt: off
INJECTED = [
    "evil_was_run(1)", "x); evil_was_run(1); (y", "x\nevil_was_run(1)\n", "x'''\nevil_was_run(1)\n'''",
    "{evil_was_run(1)}", 'x"); evil_was_run(1); ("', "x # \revil_was_run(1)", "x]; evil_was_run(1); [y", "x\\",
    "def", "None", "__import__", "lambda: 0",
]
# fmt: on


@pytest.mark.parametrize("text", INJECTED)
def test_no_text_becomes_a_line_of_a_program(text, spoken):
    """to_python's program, a compiled function's program and the stepper's rules hold names of the user's."""
    a, b = Value(2.0, label=text), Tensor([2.0], label=text)
    for root in (a * 3.0 + a.tanh(), (b * 3.0).sum()):
        program = to_python(root, {text: root})
        exec(compile(str(program), "<program>", "exec"), {})
    row = Unary(text, lambda x: x * x, lambda y, x: 2 * x)
    for of, x in ((lambda x: row(x) + 1, a), (lambda x: row(x).sum(), b)):
        step = mg.compile(of, backend="numpy")
        for _ in range(3):
            step(x).backward()
    ast.parse(step.source())
    formula(row)
    step_through(row(a)).html()
    assert spoken == []


# fmt: off
NO_ARITHMETIC = [
    "__import__('os')", "().__class__", "a.__class__", "a.data", "a.grad", "(lambda: a)()", "[a for a in (1,)]",
    "f'{a}'", "a if a else a", "a[0]", "{a}", "a @ a", "a // a", "a % a", "a << a", "~a", "not a", "a and a",
    "a < a",
    "'x' * 10", "b'x'", "1j", "True", "None", "...", "print(a)", "eval('a')", "exec('a')", "tanh.__globals__",
    "a.backward()", "a.__init__(3)", "a.apply(a)", "tanh(a).__class__", "(a := 2)", "await a", "yield a",
    "import os", "a = 2", "a; a", "*a", "tanh(**a)", "a\n\na", "\\", "$(id)", "`id`", "9" * 2001, "globals()",
]
# fmt: on


@pytest.mark.parametrize("text", NO_ARITHMETIC)
def test_a_typed_expression_is_arithmetic_and_nothing_else(text, spoken):
    for typed in (text, f"{text} + evil_was_run(1)", f"evil_was_run({text})", f"tanh({text}) + evil_was_run(a)"):
        with pytest.raises(ExpressionError):
            evaluate(typed, {"a": 2.0})
    assert spoken == []


def test_towers_and_nests_end_at_once():
    for text in ("9**9**9**9", "(" * 90 + "a" + ")" * 90, "-" * 900 + "a", "a" + "*a" * 900, "exp(exp(exp(exp(a))))"):
        with contextlib.suppress(ExpressionError):
            evaluate(text, {"a": 9.0})


def runs_code(tree):
    """The calls by which a text could become code: eval, exec, compile, __import__, a shell, pickle."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            shell = any(word.arg == "shell" for word in node.keywords)
            ours = called == "compile" and len(node.args) < 3  # micrograd_plus.compile records, and parses no text
            other = re.match(r"os\.(system|popen|exec|spawn)|pickle\.load|marshal\.", called)
            if (called in RUNNERS and not ours) or shell or other:
                yield called


RUNNERS = ("eval", "exec", "compile", "builtins.eval", "builtins.exec", "__import__", "sympy.sympify", "runpy.run_path")
# Where code is run, and whose: everything else in the package runs none.
RUNS_CODE = {
    "bridges/torch/converting.py": "the program that torch_code wrote of a model",
    "classroom/child.py": "a submission, in a process of its own: that is what grading is",
    "exercises/exercise.py": "the code of an exercise, which its author wrote (a learner's is called, not read)",
    "explain/formulas/latex.py": "sympify of what a rule gave, strict: text is refused",
    "tape/array_program.py": "the program of a compiled function, written from the table: see the test above",
    "tape/kernels.py": "the same, for numba",
}


def test_code_is_run_in_few_places_and_each_is_known():
    found = {
        file.relative_to(ROOM).as_posix()
        for file in ROOM.rglob("*.py")
        if not file.relative_to(ROOM).parts[0].startswith("_")
        and re.search(r"eval|exec|compile|import__|shell|os\.|pickle|sympify|runpy", file.read_text(encoding="utf-8"))
        and list(runs_code(ast.parse(file.read_text(encoding="utf-8"))))
    }
    assert found <= set(RUNS_CODE), "say in RUNS_CODE whose code it is, or do without"


# ---- the command line ----------------------------------------------------------------------------------------------


def run(capsys, *arguments):
    try:
        code = cli.main(list(arguments))
    except SystemExit as stop:
        code = stop.code
    return code, *capsys.readouterr()


@pytest.mark.parametrize("name", ["\x1b[2J.svg", "a\rb.svg", "\u202egvs.svg"], ids=ascii)
def test_the_command_line_says_names_as_text(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ("draw", "a*2", "a=3", "-o", name),
        ("draw", f"a*2 # {name}", "a=3"),
        ("draw", name, "a=3"),
        ("draw", "a", f"a={name}"),
        ("draw", "a", "a=1", "-o", f"{name}.xyz"),
        ("hint", name),
        ("quiz", name),
        ("check", name),
        ("grade", name, "--feedback", name),
    ):
        _, out, err = run(capsys, *arguments)
        assert out + err
        assert shown_in_terminal(out + err), arguments
    assert (tmp_path / name).is_file(), "the path is used as it was given"


# ---- files are written where asked, and only there -----------------------------------------------------------------


def test_save_writes_the_file_named_and_no_other(tmp_path, monkeypatch):
    """Saving again under the same name is to ask for it: a picture is made anew each time."""
    monkeypatch.chdir(tmp_path)
    root, names = labelled("w")
    for name in ("a.svg", "sub folder.d/ü -rf.html", "~.dot", "%s$HOME.svg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("old")
        draw(root, names).save(name)
        assert (tmp_path / name).read_text(encoding="utf-8") != "old"
    step_through(root, names).save("walk.html")
    exercises.quiz("Ada").save("sheet.svg")
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"a.svg", "sub folder.d/ü -rf.html", "~.dot", "%s$HOME.svg", "walk.html", "sheet.svg"}


def test_a_name_that_says_nothing_of_the_format_leaves_the_file_that_is_there(tmp_path):
    root, names = labelled("w")
    for thing in (draw(root, names), step_through(root, names), exercises.quiz("Ada")):
        path = tmp_path / "precious.py"
        path.write_text("old")
        with pytest.raises(ValueError, match=r"end in"):
            thing.save(path)
        assert path.read_text() == "old"
