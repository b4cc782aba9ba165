"""Three kinds of mistake that cosmic-ray has no operator for, in its own terms (a parso tree is changed in place)."""

from collections.abc import Iterator
from typing import Any

import parso
from cosmic_ray.operators.operator import Example, Operator

SWAPS = {"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=", "|=": "&=", "&=": "|=", "//=": "/=", "**=": "*="}


class SwapAugmented(Operator):
    """`x += y` becomes `x -= y`."""

    def mutation_positions(self, node: Any) -> Iterator:
        """One for each augmented assignment."""
        if node.type == "operator" and node.value in SWAPS:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """The node with the other sign."""
        node.value = SWAPS[node.value]
        return node

    @classmethod
    def examples(cls) -> tuple:
        """What cosmic-ray asks of an operator."""
        return (Example("x += 1", "x -= 1"),)


class SwapIn(Operator):
    """`x in y` becomes `x not in y`, and the other way round."""

    def mutation_positions(self, node: Any) -> Iterator:
        """One for each `in` of a comparison (that of a loop is none)."""
        if node.type == "comparison":
            for op in node.children[1::2]:
                if op.get_code().split() in (["in"], ["not", "in"]):
                    yield op.start_pos, op.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """The comparison with its opposite."""
        places = [i for i, op in enumerate(node.children) if op.get_code().split() in (["in"], ["not", "in"])]
        opposite = " not in" if node.children[places[index]].get_code().split() == ["in"] else " in"
        node.children[places[index]] = parso.parse(opposite)
        return node

    @classmethod
    def examples(cls) -> tuple:
        """What cosmic-ray asks of an operator."""
        return (Example("x in y", "x not in y"),)


class DeleteStatement(Operator):
    """A statement that does something (a call, an assignment) becomes `pass`."""

    def mutation_positions(self, node: Any) -> Iterator:
        """One for each assignment and each call that stands alone."""
        alone = node.type in ("atom_expr", "power") and node.parent.type == "simple_stmt"
        if (alone and node.children[-1].type == "trailer") or (node.type == "expr_stmt" and not _only_declares(node)):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """`pass`, at the same indentation."""
        return parso.python.tree.Keyword("pass", node.start_pos, prefix=node.get_first_leaf().prefix)

    @classmethod
    def examples(cls) -> tuple:
        """What cosmic-ray asks of an operator."""
        return (Example("f(x)", "pass"), Example("x = 1", "pass"))


def _only_declares(node: Any) -> bool:
    """`x: int` without a value."""
    return node.children[1].type == "annassign" and "=" not in [c.get_code().strip() for c in node.children[1].children]


OURS = {kind.__name__: kind for kind in (SwapAugmented, SwapIn, DeleteStatement)}
