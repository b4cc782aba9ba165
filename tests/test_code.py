"""Rules as source text: what a reader sees, and the same numbers in JavaScript as in Python."""

import itertools
import json
import math
import operator
import shutil
import subprocess

import numpy as np
import pytest

from micrograd_plus import Binary, Many, Ternary, Unary, Value, exp, log, maximum, sigmoid, where
from micrograd_plus.engine import maths
from micrograd_plus.engine.array_ops import ARRAY_TABLE
from micrograd_plus.engine.graph import order
from micrograd_plus.engine.ops import TABLE
from micrograd_plus.explain.code import (
    VOCABULARY,
    CodeError,
    Name,
    expression,
    input_names,
    rule_keys,
    rule_texts,
    rules_as_javascript,
)

inf, nan = math.inf, math.nan
POINTWISE = [row for row in TABLE.values() if row.pointwise]

# ---- the text ------------------------------------------------------------------------------------------------

TEXTS = [
    # rule                                          names    Python                                JavaScript
    (lambda a, b: a - (b - a), "ab", "a - (b - a)", "a - (b - a)"),
    (lambda a, b: a - b - a, "ab", "a - b - a", "a - b - a"),
    (lambda a, b: a + (b + a), "ab", "a + (b + a)", "a + (b + a)"),
    (lambda a, b: a / (b * a), "ab", "a / (b * a)", "a / (b * a)"),
    (lambda a, b: (a + b) * 2, "ab", "(a + b) * 2", "(a + b) * 2"),
    (lambda a, b: 1 - a * b, "ab", "1 - a * b", "1 - a * b"),
    (lambda a, b: -(a + b), "ab", "-(a + b)", "-(a + b)"),
    (lambda a, b: -a * b, "ab", "-a * b", "-a * b"),
    (lambda a, b: -(a * b), "ab", "-(a * b)", "-(a * b)"),
    (lambda a: operator.neg(-a), "a", "-(-a)", "-(-a)"),
    (lambda a: a - -1, "a", "a - -1", "a - -1"),
    (lambda a: (-a) ** 2, "a", "(-a)**2", "m.pow(-a, 2)"),
    (lambda a: -(a**2), "a", "-a**2", "-m.pow(a, 2)"),
    (lambda a: 2**-a, "a", "2**-a", "m.pow(2, -a)"),
    (lambda a, b: (a**b) ** a, "ab", "(a**b)**a", "m.pow(m.pow(a, b), a)"),
    (lambda a, b: a ** (b**a), "ab", "a**b**a", "m.pow(a, m.pow(b, a))"),
    (lambda a, b: a ** (b - 1), "ab", "a**(b - 1)", "m.pow(a, b - 1)"),
    (lambda a: abs(a) * -3.0, "a", "abs(a) * -3.0", "m.abs(a) * -3.0"),
    (lambda a, b: where((a > 0) & (b <= 1), a, -b), "ab", "a if a > 0 and b <= 1 else -b", "a > 0 && b <= 1 ? a : -b"),
    (lambda a, b: where(a > 0, a, b) + 1, "ab", "(a if a > 0 else b) + 1", "(a > 0 ? a : b) + 1"),
    (lambda a: where((a == 0) | (a != a), 1, inf), "a", "1 if a == 0 or a != a else inf",
     "a === 0 || a !== a ? 1 : Infinity"),
    (lambda a: where(where(a > 0, a, 1) > 2, 0, nan), "a", "0 if (a if a > 0 else 1) > 2 else nan",
     "(a > 0 ? a : 1) > 2 ? 0 : NaN"),
    (lambda a: (a > 1) * 2, "a", "(a > 1) * 2", "(a > 1) * 2"),
    (lambda a: a > 1, "a", "a > 1", "Number(a > 1)"),
    (lambda a: 3, "a", "3", "3"),
    (lambda a: -inf, "a", "-inf", "-Infinity"),
    (lambda a: True, "a", "True", "Number(true)"),
    (lambda a: np.float64(2) * a, "a", "2.0 * a", "2.0 * a"),
    (lambda a: np.maximum(a, np.float64(0)) + np.exp(a), "a", "maximum(a, 0.0) + exp(a)",
     "m.maximum(a, 0.0) + m.exp(a)"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "names", "python", "javascript"), TEXTS, ids=[text for _, _, text, _ in TEXTS])
def test_the_text_of_a_rule_with_as_few_parentheses_as_are_needed(rule, names, python, javascript):
    assert expression(rule, *names) == python
    assert expression(rule, *names, language="javascript") == javascript


@pytest.mark.parametrize("numbers", [(0.7, -1.3, 2.5), (-0.4, 3.0, 0.2), (2.0, 2.0, 2.0)])
@pytest.mark.parametrize("row", POINTWISE, ids=lambda row: row.name)
def test_the_python_text_computes_what_the_rule_computes(row, numbers):
    """To the last bit: the parentheses are where the rule's are."""
    xs = [abs(x) if row.name in ("log", "log1p", "sqrt", "pow") else x for x in numbers[: row.arity]]
    names, value, slopes = rule_texts(row)
    y = row.forward(*xs)
    scope = {**vars(maths), "abs": abs, **dict(zip(names, xs, strict=True)), "y": y}
    assert eval(value, scope) == y
    for slope, rule in zip(slopes, row.rules, strict=True):
        assert eval(slope, scope) == rule(y, *xs)


def test_a_number_of_its_own_and_a_sequence_can_be_arguments():
    assert expression(lambda g, xs, i: g * xs[i], "g", ["a", "b"], 1) == "g * b"
    assert rule_texts(TABLE["sum"], count=3, language="javascript")[1] == "0.0 + a + b + c"


def test_names_of_inputs_are_the_rules_own():
    assert input_names(TABLE["tanh"]) == ["x"]
    assert input_names(TABLE["pow"]) == ["a", "b"]
    assert input_names(TABLE["where"]) == ["c", "a", "b"]
    assert input_names(ARRAY_TABLE["linear"]) == ["x", "weight", "bias"]
    assert input_names(TABLE["sum"], 12)[-1] == "x11"
    assert input_names(Unary("anything", lambda *xs: xs[0], lambda *xs: 1)) == ["x"]


def endless(x):
    return endless(x)


BAD = [
    (lambda x: x if x > 0 else 0, r"if, and.*where\(x > 0, a, b\)"),
    (lambda x: max(x, 0.0), "maximum"),
    (lambda x: math.sin(x), r"its number at once \(math.sin.*micrograd_plus's own"),
    (lambda x: int(x), "its number at once"),
    (lambda x: x % 2, "unsupported operand"),
    (lambda x: "text", "only numbers and names.*str 'text'"),
    (lambda x: (x, x), "only numbers and names.*tuple"),
    (lambda x: [1] * x, "only numbers and names.*list"),
    (lambda x: x.nothing, "nothing"),
    (lambda x, z: x, "argument"),
    (lambda x: endless(x), "recursion"),
]


@pytest.mark.parametrize("language", ["python", "javascript"])
@pytest.mark.parametrize(("rule", "message"), BAD)
def test_a_rule_that_is_no_expression_is_refused_with_the_way_out(rule, message, language):
    with pytest.raises(CodeError, match=f"can't be written as one expression: .*{message}"):
        expression(rule, "x", language=language)


def test_refusals_name_the_row():
    with pytest.raises(CodeError, match="`hard`: this rule can't be written"):
        rules_as_javascript([Unary("hard", lambda x: 1.0 if x else 0.0, lambda y, x: 0)])
    with pytest.raises(CodeError, match="`matmul` is a row of arrays"):
        rule_texts(ARRAY_TABLE["matmul"])
    with pytest.raises(CodeError, match=r"`sum` takes any number of inputs: say how many \(count=3\)"):
        rules_as_javascript([TABLE["sum"]])
    with pytest.raises(TypeError, match="a row of the table or a node is needed, got str"):
        rules_as_javascript(["tanh"])
    with pytest.raises(ValueError, match="'python', 'javascript', not 'basic'"):
        expression(lambda x: x, "x", language="basic")


def test_a_name_is_not_a_key_and_shows_its_text():
    name = Name("x")
    assert repr(name) == "x"
    with pytest.raises(TypeError, match="unhashable"):
        hash(name)


# ---- keys ----------------------------------------------------------------------------------------------------


def test_rows_of_one_name_have_a_key_each():
    mine = Unary("tanh", lambda x: 2 * x, lambda y, x: 2)
    a = Value(1.0)
    y = a.tanh() + mine(a) + a.tanh()
    keys = rule_keys(order(y))
    assert a not in keys
    assert sorted(set(keys.values())) == ["add", "tanh", "tanh #2"]
    assert {keys[node] for node in keys if node.op is mine} in ({"tanh #2"}, {"tanh"})
    text = rules_as_javascript(order(y))
    assert text.count("m.tanh(x)") == 1
    assert text.count("(x) => 2 * x") == 1


def test_sums_are_listed_once_for_each_number_of_inputs():
    add_up = TABLE["sum"]
    a = Value(1.0)
    total = add_up([add_up([a, a]), a, add_up([a, 3])])
    assert set(rule_keys(order(total)).values()) == {"sum(2)", "sum(3)"}


# ---- the same numbers in JavaScript ------------------------------------------------------------------------------


def run_javascript(code, folder):
    """What `code` (a JavaScript expression that gives text) gives: in node, else in a browser without a window."""
    if node := shutil.which("node"):
        (folder / "run.js").write_text(f"console.log({code})")
        command = [node, str(folder / "run.js")]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not browser:
        pytest.skip("neither node nor chromium is here to run JavaScript")
    page = folder / "page.html"
    page.write_text(f"<meta charset=utf-8><pre id=out></pre><script>out.textContent = {code}</script>")
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    command = [browser, *flags.split(), f"--user-data-dir={folder / 'profile'}", "--dump-dom", page.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    return shown.partition('<pre id="out">')[2].partition("</pre>")[0]


def numbers_of_javascript(rules, calls, folder):
    """Every call's value and slopes in JavaScript, as floats: calls are (key, inputs)."""
    calls = [(key, [repr(float(x)).replace("inf", "Infinity").replace("nan", "NaN") for x in xs]) for key, xs in calls]
    listed = json.dumps(calls).replace("<", "\\u003c")  # one of the keys is </script>
    code = f"""(() => {{
      const rules = {rules};
      const text = (v) => Object.is(v, -0) ? "-0.0" : typeof v === "number" ? String(v) : "not a number: " + typeof v;
      return {listed}.map(([key, texts]) => {{
        const xs = texts.map(Number), y = rules[key].forward(...xs);
        return [y, ...rules[key].slopes.map((slope) => slope(y, ...xs))].map(text).join(" ");
      }}).join(String.fromCharCode(10));
    }})()"""
    lines = run_javascript(code, folder).strip().splitlines()
    assert len(lines) == len(calls)
    return [[float(number) for number in line.split()] for line in lines]


def numbers_of_python(op, xs):
    """The value and the slopes of a Value; None where Python refuses."""
    try:
        y = op(list(map(Value, xs))) if isinstance(op, Many) else op(*map(Value, xs))
    except ValueError:
        return None
    return [y.data, *map(float, y.slopes)]


def same(ours, theirs, rel=1e-12):
    """Equal to rounding, the sign of zero included; infinities and not-a-number in the same places."""
    if ours != ours or theirs != theirs:
        return ours != ours and theirs != theirs
    if ours == 0 or math.isinf(ours):
        return (ours == theirs and math.copysign(1, ours) == math.copysign(1, theirs)) or 0 < abs(theirs) < 1e-320
    return math.isclose(ours, theirs, rel_tol=rel, abs_tol=1e-320)  # the smallest numbers have few digits


GRIDS = {
    1: [0.0, -0.0, inf, -inf, nan, 5e-324, 1e-300, -1e-300, 1e-17, -1e-9, 0.3, -0.3, 0.5, 1.0, -1.0, 1.5, 1.9999, 2.0,
        2.0001, -2.0, 3.7, -5.9, 11.0, 20.0, 26.0, -26.0, 27.5, 40.0, 100.0, -100.0, 709.0, 711.0, -745.0, -800.0,
        1e6, 1e22, 1e154, -1e200, 1e308],
    2: [0.0, -0.0, inf, -inf, nan, 1e-300, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 3.0, -7.0, 0.1, 40.0, -1e3, 1e200],
    3: [0.0, -0.0, inf, -inf, nan, 0.5, -0.5, 1.0, 2.0, -1e200],
}  # fmt: skip


@pytest.fixture(scope="module")
def on_a_grid(tmp_path_factory):
    """For each row: (inputs, numbers in JavaScript) over its grid, all computed in one run."""
    rows = [*POINTWISE, *OWN]
    keys = rule_keys(rows)
    calls = [(row, xs) for row in rows for xs in itertools.product(GRIDS[row.arity], repeat=row.arity)]
    folder = tmp_path_factory.mktemp("javascript")
    found = numbers_of_javascript(rules_as_javascript(rows), [(keys[row], xs) for row, xs in calls], folder)
    results = {}
    for (row, xs), numbers in zip(calls, found, strict=True):
        results.setdefault(row, []).append((xs, numbers))
    return results


OWN = [
    Unary("softplus2", lambda x: log(1 + exp(x)), lambda y, x: sigmoid(x)),
    Unary("squared relu", lambda x: maximum(x, 0) ** 2, lambda y, x: 2 * maximum(x, 0)),
    Unary("</script>", lambda this: 1 / this, lambda y, this: -y * y),
    Binary("kernel", lambda m, new: exp(-((m - new) ** 2)), lambda y, m, new: -2 * (m - new) * y,
           lambda y, m, new: 2 * (m - new) * y),
    Ternary("lerp", lambda a, b, t: a + (b - a) * t, lambda y, a, b, t: 1 - t, lambda y, a, b, t: t,
            lambda y, a, b, t: b - a),
]  # fmt: skip


@pytest.mark.parametrize("row", [*POINTWISE, *OWN], ids=lambda row: row.name)
def test_javascript_has_pythons_numbers(row, on_a_grid):
    for xs, theirs in on_a_grid[row]:
        ours = numbers_of_python(row, xs)
        if ours is None:
            assert theirs[0] != theirs[0], f"{row.name}{xs}: Python refuses, JavaScript says {theirs[0]}"
            continue
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            assert same(a, b), f"{row.name}{xs}, {'slope of' if i else 'value,'} {i}: Python {a!r}, JavaScript {b!r}"


def test_sums_and_erfc_in_javascript(tmp_path):
    add_up = TABLE["sum"]
    total = add_up([Value(0.1), Value(0.2), Value(-0.0), 4])
    rows = [TABLE["erfc"], total]
    xs = [x / 64 for x in range(-7 * 64, 27 * 64)]
    calls = [("erfc", [x]) for x in xs] + [("sum(4)", [0.1, 0.2, -0.0, 4])]
    *found, summed = numbers_of_javascript(rules_as_javascript(rows), calls, tmp_path)
    assert summed == [0.1 + 0.2 + 4, 1, 1, 1, 1]
    for x, (y, _) in zip(xs, found, strict=True):
        assert same(math.erfc(x), y), x


def test_the_vocabulary_is_that_of_the_engine():
    """A function added to maths.py needs a line there."""
    assert set(VOCABULARY) == set(vars(maths.floats))


def test_the_text_can_stand_in_a_page():
    text = rules_as_javascript(OWN)
    assert "</script" not in text
    assert r'"\u003c/script>"' in text


def test_values_know_nothing_of_names():
    """The library of names is theirs alone."""
    with pytest.raises(TypeError, match="no exp, log, tanh … is known for Value"):
        maths.tanh(Value(1.0))
