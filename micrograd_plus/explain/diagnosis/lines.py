"""Which line of the learner's made each node, noted while the loss is computed."""

from __future__ import annotations

from ...engine.graph import Node, Op
from ..finite import is_bad, numbers_of
from ..places import Line, user_line


class Lines:
    """A watcher that notes the line and the op that made each node."""

    def __init__(self) -> None:
        self.made_at: dict[int, Line | None] = {}  # by id, see detect_anomaly; only nodes with an op may be looked up
        self.spoilt: dict[Node, tuple[Line | None, Op]] = {}  # results without gradient, and so leaves: these are held

    def made(self, op: Op, operands: tuple, y: Node) -> None:
        """Note where y was made."""
        self.made_at[id(y)] = line = user_line()
        if y.op is None and is_bad(numbers_of(y)):
            self.spoilt[y] = line, op

    def pushed(self, node: Node) -> None:
        """Nothing to note on the way back."""
