"""The rows of the table as source text, in Python or JavaScript: written by running each rule on names (pieces.py).

No rule is written a second time for it: what JavaScript must know by itself is the vocabulary alone (`VOCABULARY`).
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable
from typing import Any

from ..engine.graph import Many, Node, Op, Structural
from .pieces import LANGUAGES, CodeError, Name


def expression(rule: Callable, *names: Any, language: str = "python") -> str:
    """What a rule computes, as the text of one expression in Python or JavaScript.

    names: what the rule's arguments are called; a list of names for an argument that is a sequence; a number for one
    that is to be that number. Functions are written tanh(x) in Python, and m.tanh(x) in JavaScript, where `m` is
    `maths_as_javascript()`. CodeError for a rule that can't be one expression: one with an `if`, or with math.sin.

    >>> from micrograd_plus.engine.ops import TABLE
    >>> expression(TABLE["tanh"].rules[0], "y", "x")
    '1 - y * y'
    >>> expression(TABLE["leaky_relu"].forward, "x", "s", language="javascript")
    'x > 0 ? x : s * x'
    >>> expression(lambda a, b: (a - b) ** 2, "a", "b")
    '(a - b)**2'
    """
    if language not in LANGUAGES:
        raise ValueError(f"language is one of {', '.join(map(repr, LANGUAGES))}, not {language!r}")
    kind = LANGUAGES[language]
    try:
        y = kind.of(rule(*(_named(kind, name) for name in names)))
    except Exception as error:  # whatever a user's own rule may raise on being given names
        raise CodeError(f"this rule can't be written as one expression: {error}") from error
    return f"Number({y.text})" if y.truth and language == "javascript" else y.text


def _named(kind: type[Name], name: Any) -> Any:
    if isinstance(name, str):
        return kind(name)
    return tuple(_named(kind, part) for part in name) if isinstance(name, (list, tuple)) else name


# -- rows ----------------------------------------------------------------------------------------------------


def input_names(op: Op, count: int | None = None) -> list[str]:
    """What a row calls its inputs: the words that its rules use; x, or a, b …, where they say nothing.

    count: how many inputs there are, for a row that takes any number of them.

    >>> from micrograd_plus.engine.ops import TABLE
    >>> input_names(TABLE["clip"]), input_names(TABLE["sum"], 3)
    (['x', 'lo', 'hi'], ['a', 'b', 'c'])
    """
    arity = len(op.rules) if op.arity is None and not isinstance(op, Many) else op.arity
    count = count or arity or 2
    if not isinstance(op, Many):
        skipped = ("g", "y") if isinstance(op, Structural) else ("y",)
        for rule in reversed(op.rules):
            try:
                parameters = list(inspect.signature(rule).parameters.values())[len(skipped) :]
            except (TypeError, ValueError):  # a built-in function that doesn't say
                continue
            found = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
            if len(found) >= count and len(set(found) & set(skipped)) == 0:
                return found[:count]
    return ["x"] if count == 1 else list("abcd"[:count]) if count < 5 else [f"x{i}" for i in range(count)]


def rule_texts(op: Op, count: int | None = None, language: str = "python") -> tuple[list[str], str, list[str]]:
    """A row as source text: what its inputs are called, its value, and one slope an input.

    count: how many inputs there are, for a row that takes any number of them. CodeError for a row that can't be
    written so: a row of arrays, whose pull-back is no slope; a rule with an `if` …

    >>> from micrograd_plus.engine.ops import TABLE
    >>> rule_texts(TABLE["mul"])
    (['a', 'b'], 'a * b', ['b', 'a'])
    >>> rule_texts(TABLE["sum"], count=2)
    (['a', 'b'], '0.0 + a + b', ['1.0', '1.0'])
    """
    many = isinstance(op, Many)
    if not (many or op.pointwise):
        raise CodeError(f"`{op.name}` is a row of arrays: it has pull-backs, and no slope that is one expression")
    if many and count is None:
        raise CodeError(f"`{op.name}` takes any number of inputs: say how many (count=3), or give a node of it")
    names = input_names(op, count)
    if language == "javascript" and (_TAKEN & set(names) or len(names) != len(set(names))):
        names = [f"x{i}" for i in range(len(names))]
    try:
        if many:
            places = range(len(names))
            slopes = [expression(op.rules[0], 1.0, "y", names, i, language=language) for i in places]
            return names, expression(op.forward, names, language=language), slopes
        slopes = [expression(rule, "y", *names, language=language) for rule in op.rules]
        return names, expression(op.forward, *names, language=language), slopes
    except CodeError as error:
        raise CodeError(f"`{op.name}`: {error}") from error


# -- JavaScript ----------------------------------------------------------------------------------------------

# What engine/maths.py's functions are in JavaScript. Where Math has the function, it is that one. Numbers are IEEE
# there, so that infinities need no care; not-a-number is treated as in maths.py's `floats`.
VOCABULARY: dict[str, str] = {
    name: f"Math.{name}" for name in "exp expm1 log log1p sqrt sin cos tan sinh cosh tanh abs".split()
} | {
    "arctan": "Math.atan",
    # 1**nan, 1**inf and (-1)**inf are 1 in Python and C, and NaN in JavaScript
    "pow": "(a, b) => a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : Math.pow(a, b)",
    "sigmoid": "(x) => { const e = Math.exp(-Math.abs(x)); return (x >= 0 ? 1 : e) / (1 + e); }",
    "softplus": "(x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))",
    "relu": "(x) => x > 0 || x !== x ? x : 0",
    "step": "(x) => x > 0 ? 1 : 0",
    "sign": "(x) => x !== x ? x : (x > 0 ? 1 : 0) - (x < 0 ? 1 : 0)",
    "maximum": "(a, b) => a >= b || a !== a ? a : b",
    "minimum": "(a, b) => a <= b || a !== a ? a : b",
    # Near 0 the series erf(x) = 2/sqrt(pi) exp(-x²) (x + x³ 2/3 + x⁵ 2²/(3·5) + …), all of one sign (Abramowitz and
    # Stegun 7.1.6); further out the continued fraction 7.1.14, whose 60 steps are exact to rounding from 2 upwards.
    "erfc": """(x) => {
    if (x < 0) return 2 - m.erfc(-x);
    if (x < 2) {
      let term = x, sum = x;
      for (let n = 1; n < 60; n++) { term *= 2 * x * x / (2 * n + 1); sum += term; }
      return 1 - 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
    }
    let below = x;
    for (let n = 60; n > 0; n--) below = x + n / 2 / below;
    return Math.exp(-x * x) / Math.sqrt(Math.PI) / below;
  }""",
}

# Words that an input can't be called in JavaScript, or that mean something else in a rule's text.
_TAKEN = set(
    """m y Math Number Infinity NaN undefined true false null arguments await break case catch class const continue
    debugger default delete do else enum eval export extends finally for function if implements import in instanceof
    interface let new package private protected public return static super switch this throw try typeof var void while
    with yield""".split()
)


def maths_as_javascript() -> str:
    """The vocabulary of all rules as one JavaScript object: `const m = {exp: Math.exp, …}` without the `const m =`.

    It must be called `m`: erfc calls itself by that name.
    """
    return "{\n" + "".join(f"  {name}: {source},\n" for name, source in VOCABULARY.items()) + "}"


def rule_keys(rows: Iterable[Op | Node]) -> dict[Op | Node, str]:
    """By which key `rules_as_javascript` of the same rows or nodes lists each: its op's name, mostly.

    A row of any number of inputs is listed once for each number: "sum(3)". A second row of the same name is "tanh #2".
    Leaves have no rule and are left out.

    >>> from micrograd_plus import Value
    >>> from micrograd_plus.engine.graph import order
    >>> a = Value(2.0)
    >>> list(rule_keys(order((a * a).tanh())).values())
    ['mul', 'tanh']
    """
    keys: dict[tuple[Op, int | None], str] = {}
    found: dict[Op | Node, str] = {}
    taken: set[str] = set()
    for row in rows:
        rule = _row(row)
        if rule is None:
            continue
        if rule not in keys:
            op, count = rule
            key = base = op.name if count is None else f"{op.name}({count})"
            number = 1
            while key in taken:
                number += 1
                key = f"{base} #{number}"
            keys[rule] = key
            taken.add(key)
        found[row] = keys[rule]
    return found


def rules_as_javascript(rows: Iterable[Op | Node]) -> str:
    """The rows as the text of a JavaScript object: `{"tanh": {forward: (x) => …, slopes: [(y, x) => …]}, …}`.

    rows: rows of the table, or nodes (a node's row; leaves are skipped). The keys are those of `rule_keys`. All
    numbers are doubles; where Python refuses (the logarithm of -1), JavaScript gives NaN. The text is complete in
    itself, to be used as `const rules = …;`, and safe inside of a <script>. CodeError for a row that has no such text.

    >>> from micrograd_plus.engine.ops import TABLE
    >>> rules_as_javascript([TABLE["tanh"]]).splitlines()[-3]
    '"tanh": {forward: (x) => m.tanh(x), slopes: [(y, x) => 1 - y * y]},'
    """
    rows = list(rows)
    lines = {}
    for row, key in rule_keys(rows).items():
        if key not in lines:
            lines[key] = _row_as_javascript(key, *_row(row))  # type: ignore[misc] # a row with a key is one
    body = "".join(f"{line},\n" for line in lines.values())
    return f"(() => {{\nconst m = {maths_as_javascript()};\nreturn {{\n{body}}};\n}})()"


def _row(row: Op | Node) -> tuple[Op, int | None] | None:
    """The op, and how many inputs it has if that isn't fixed; None for a leaf."""
    if isinstance(row, Node):
        if row.op is None:
            return None
        return row.op, len(row.operands) if isinstance(row.op, Many) else None
    if not isinstance(row, Op):
        raise TypeError(f"a row of the table or a node is needed, got {type(row).__name__}")
    return row, None


def _row_as_javascript(key: str, op: Op, count: int | None) -> str:
    names, value, slopes = rule_texts(op, count, language="javascript")
    inputs = ", ".join(names)
    word = json.dumps(key).replace("<", "\\u003c")  # a name with </script> in it must not end the script
    functions = ", ".join(f"({', '.join(['y', *names])}) => {slope}" for slope in slopes)
    return f"{word}: {{forward: ({inputs}) => {value}, slopes: [{functions}]}}"
