"""Which mistakes are put in, and where."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any

ARITHMETIC = {"Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow"}
SYNONYMS = {frozenset({"Eq", "Is"}), frozenset({"NotEq", "IsNot"})}
# Words of parso's grammar: where nothing is mutated.
NOT_CODE = {"import_from", "import_name", "raise_stmt", "assert_stmt"}
TOLD_BY_TEXT = {"decorator", "if_stmt", "expr_stmt", "argument", "atom_expr"}


@dataclass(frozen=True)
class Mutant:
    """One mistake: what `operator` makes of a place in the module."""

    module: str  # "optim/clipping.py"
    operator: str
    line: int
    text: str  # that line, as it is
    key: str  # the same for as long as the function around it stays the same
    inside: str  # the function or class that it stands in: "Adam.update"
    node: Any = field(repr=False, compare=False)  # of parso's tree
    index: int = field(repr=False, compare=False)  # which of the operator's mistakes at this node

    def source(self) -> str:
        """The module with the mistake in it. The tree is changed: only in a child, or in a tree that was read anew."""
        root = self.node.get_root_node()
        changed = _operators()[self.operator]().mutate(self.node, self.index)
        if changed is not self.node:
            siblings = self.node.parent.children
            place = next(i for i, child in enumerate(siblings) if child is self.node)
            siblings[place : place + 1] = [] if changed is None else [changed]
        return root.get_code()


def changed_lines(original: str, changed: str) -> str:
    """The lines that a mutant changes, before and after.

    >>> print(changed_lines("a = 1\\nb = 2", "a = 1\\nb = 3"))
    - b = 2
    + b = 3
    """
    lines = list(difflib.unified_diff(original.splitlines(), changed.splitlines(), n=0, lineterm=""))[3:]
    return "\n".join(f"{line[0]} {line[1:].strip()}" for line in lines if line[0] in "+-")


def mutants_of(module: str, source: str) -> list[Mutant]:
    """All mutants of a module, from its first line to its last."""
    from cosmic_ray.ast import ast_nodes, get_ast

    found, lines = [], source.splitlines()
    makers = {name: operator() for name, operator in _operators().items()}
    for node in ast_nodes(get_ast(source)):
        for name, operator in makers.items():
            for index, (start, _) in enumerate(operator.mutation_positions(node)):
                if matters(node) and not _says_little(node, name):
                    around = _around(node)
                    place = start[0] - around.start_pos[0], start[1], index
                    key = f"{module} {name} {place} {_class_of(around)} {around.get_code().strip()}"
                    key = sha256(key.encode()).hexdigest()[:16]
                    text = lines[start[0] - 1].strip()
                    found.append(Mutant(module, name, start[0], text, key, _inside(node), node, index))
    return sorted(found, key=lambda mutant: mutant.line)


def matters(node: Any) -> bool:
    """False for annotations, imports, stubs for type checkers, assertions, `__all__` and the texts of errors."""
    if node.parent is not None and node.parent.type == "parameters":  # def f(a, *, b): no operator
        return False
    child = None
    while node is not None:
        kind, text = node.type, node.get_code(include_prefix=False).strip() if node.type in TOLD_BY_TEXT else ""
        annotation = {"tfpdef": 2, "annassign": 1}.get(kind)  # x: int, of a function and of an assignment
        if kind in NOT_CODE or (annotation and child is node.children[annotation]):
            return False
        if kind == "funcdef" and child is not None and child is node.annotation:
            return False
        if (kind, text) == ("decorator", "@overload") or (kind == "if_stmt" and text.startswith("if TYPE_CHECKING")):
            return False
        if kind == "expr_stmt" and (text.startswith(("__all__", "__slots__")) or _names_a_type(node)):
            return False
        if kind == "argument" and text == "strict=True":  # of zip: an assertion
            return False
        if kind == "atom_expr" and text.startswith("warnings.warn"):
            return False
        node, child = node.parent, node
    return True


def _names_a_type(node: Any) -> bool:
    """An assignment such as Group = dict[str, Any], which only annotations use."""
    value = node.get_rhs().get_code().strip()
    return node.parent.parent.type == "file_input" and value.startswith(("dict[", "Iterable[", "TypeVar("))


def _says_little(node: Any, operator: str) -> bool:
    """< and the like between texts, or for `is`: there, all that is asked is whether two are the same."""
    kind, _, change = operator.partition("_")
    if kind != "ReplaceComparisonOperator":
        return False
    identity = change.startswith("Is")
    texts = any(child.type in ("string", "fstring") for child in node.children)
    opposites = ("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is")
    return (identity or texts) and change not in opposites


def _around(node: Any) -> Any:
    """The outermost function around the node (a class is looked into), or its statement."""
    outermost = node
    while node.parent is not None:
        is_function = node.type == "funcdef" or (node.type == "decorated" and node.children[-1].type == "funcdef")
        if is_function or (node.type == "simple_stmt" and outermost.type not in ("funcdef", "decorated")):
            outermost = node
        node = node.parent
    return outermost


def _inside(node: Any) -> str:
    names: list[str] = []
    while node is not None:
        if node.type in ("funcdef", "classdef"):
            names.insert(0, node.name.value)
        node = node.parent
    return ".".join(names)


def _class_of(node: Any) -> str:
    parent = node.search_ancestor("classdef")
    return parent.name.value if parent else ""


@cache
def _operators() -> dict[str, Any]:
    """The kinds of mistakes, by name.

    Of cosmic-ray's, not those that need arguments. Nor + for << and the like: a TypeError nearly always, killed by any
    test that comes by, so it would only flatter the rate. Nor == for `is`, which is mostly the same.
    """
    from cosmic_ray.plugins import get_operator, operator_names

    from .operators import OURS

    chosen = {}
    for name in operator_names():
        kind, _, change = name.removeprefix("core/").partition("_")
        pair = set(change.split("_"))
        if kind in ("VariableReplacer", "VariableInserter"):
            continue
        if kind == "ReplaceBinaryOperator" and len(pair & ARITHMETIC) == 1:
            continue
        if kind == "ReplaceComparisonOperator" and frozenset(pair) in SYNONYMS:
            continue
        chosen[name.removeprefix("core/")] = get_operator(name)
    return chosen | OURS
