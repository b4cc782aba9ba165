"""Names for a program: the learner's own, made into Python's."""

from __future__ import annotations

import builtins
import itertools
import keyword
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from ...engine.graph import Node
from ..reading import Reading

LONGEST_NAME = 40
# What a step without a name is called: a product, a sum, a quotient, what a neuron gives (hidden); t for all others.
LETTERS = {"mul": "p", "matmul": "p", "add": "s", "sub": "s", "sum": "s", "linear": "s", "div": "q"} | dict.fromkeys(
    "tanh sigmoid relu leaky_relu elu gelu silu softplus".split(), "h"
)


def identifiers(
    nodes: Iterable[Node], reading: Reading, reserved: set[str], others: Iterable[str] = ()
) -> dict[Node, str]:
    """A name of its own for each of the nodes: the learner's, or a letter and a number.

    reserved: names that are left alone. A variable that is called so gets a _ behind it, as PEP 8 advises; so do
    Python's keywords and its own functions. others: names that letters keep clear of.

    >>> from micrograd_plus import Value
    >>> a, b = Value(2.0, label="w[0,1]"), Value(3.0, label="lambda")
    >>> root = (a * b).tanh() * a
    >>> reading = Reading(root)
    >>> list(identifiers(reading.nodes, reading, set()).values())
    ['w_0_1', 'lambda_', 'loss', 'p', 'h']
    """
    nodes = list(nodes)
    reserved = {*keyword.kwlist, *dir(builtins), *reserved}
    taken = set(reserved)
    called: dict[Node, str] = {}
    short = _short_paths(reading)
    for node in nodes:
        name = identifier(short.get(node) or reading.own_names.get(node, ""))
        if name:
            called[node] = new_name(f"{name}_" if name in reserved else name, taken)
    if reading.root not in called:
        called[reading.root] = new_name("loss", taken)
    taken.update(others)
    letters = {x: "x" if x.op is None else LETTERS.get(x.op.name, "t") for x in nodes if x not in called}
    many = Counter(letters.values())
    numbers = {letter: itertools.count(1) for letter in many}
    for node, letter in letters.items():
        if many[letter] == 1 and letter not in taken:
            called[node] = letter
        else:
            called[node] = next(name for n in numbers[letter] if (name := f"{letter}{n}") not in taken)
    return called


def identifier(label: str) -> str:
    """A label as a Python name; "" if nothing of it can be used.

    >>> identifier("w[0,1]"), identifier("2nd try"), identifier("#")
    ('w_0_1', 'v2nd_try', '')
    """
    text = unicodedata.normalize("NFKC", label)  # as Python reads names: so that two of them can't become one
    text = "".join(letter if f"a{letter}".isidentifier() else " " for letter in text)
    text = re.sub("[ _]+", "_", text)[:LONGEST_NAME].strip("_")
    return unicodedata.normalize("NFKC", text if text.isidentifier() or not text else f"v{text}")


def new_name(name: str, taken: set[str]) -> str:
    """This name, or with a number behind it if it is taken; it is taken from now on."""
    if name in taken:
        name = next(new for n in itertools.count(2) if (new := f"{name}_{n}") not in taken)
    taken.add(name)
    return name


def gradient_names(called: Mapping[Node, str]) -> dict[Node, str]:
    """d_w for w; d_w_ if somebody has called another node d_w."""
    taken = set(called.values())
    d = {}
    for node, name in called.items():
        d[node] = f"d_{name}"
        while d[node] in taken:
            d[node] += "_"
        taken.add(d[node])
    return d


def _short_paths(reading: Reading) -> dict[Node, str]:
    """A parameter's path without the words in its middle, where that is enough: layers.0.neurons.1.w.2 is w.0.1.2."""
    short: dict[Node, str] = {}
    for node, path in reading.parameters.items():
        parts = path.split(".")
        words = [part for part in parts if not part.isdigit()]
        short[node] = ".".join([*words[-1:], *(part for part in parts if part.isdigit())])
    count = Counter(short.values())
    return {node: name for node, name in short.items() if count[name] == 1}
