"""Which line of the learner's made each node, noted while the loss is computed."""

from __future__ import annotations

from ...engine.graph import Node, Op, Watcher
from ..finite import is_bad, numbers_of
from ..places import Line, user_line


class Lines(Watcher):
    """A watcher that notes the line and the op that made each node."""

    def __init__(self) -> None:
        # By id, because a node held here could never be freed. Look up only nodes that have an op: each of them was
        # shown to `made`, while a leaf may have the id of a node that is gone.
        self.made_at: dict[int, Line | None] = {}
        self.spoilt: dict[Node, tuple[Line | None, Op]] = {}  # not finite, without gradient and so without an op

    def made(self, op: Op, operands: tuple, y: Node, settings: dict) -> None:
        """Note where y was made."""
        self.made_at[id(y)] = line = user_line()
        if y.op is None and is_bad(numbers_of(y)):
            self.spoilt[y] = line, op
