"""Stop at the first number that isn't finite, and say where it was born, from what, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..engine.graph import Node, Op, Watcher, is_recording, watched_by
from ..engine.recording import runs_at_once
from .births import birth, birth_of_gradient, name_in_message
from .chain import contributions
from .finite import is_bad, numbers_of, summary
from .places import Line, line_text, module_at_work, user_line


class AnomalyError(RuntimeError):
    """A number that isn't finite, caught where it was born. Its parts are `.what`, `.why`, `.do` and `.where`."""

    def __init__(self, what: str, why: str = "", do: str = "", where: str = ""):
        self.what, self.why, self.do, self.where = what, why, do, where
        parts = (("line", where), ("why", why), ("what to do", do))
        super().__init__("\n".join([what, *(f"  {name}: {text}" for name, text in parts if text)]))

    def __reduce__(self) -> tuple:
        return type(self), (self.what, self.why, self.do, self.where)


def detect_anomaly(function: Callable | None = None, *, allow_inf: bool = False) -> Any:
    """Stop at the first nan or infinity, forward or backward, at the line that made it: a context, or a decorator.

    allow_inf: let infinities pass and stop at nan alone, for code that means them (a mask of -inf before a softmax).
    Raises AnomalyError, which names the operation, its operands with their numbers, and the line. It looks at every
    result, so the computation is slower: use it to find a fault, not to train. Put `backward()` inside as well. Inside
    no_grad() nothing is watched. Everything is as before on leaving. TypeError for an argument that is no function.

    >>> from micrograd_plus import Value
    >>> p = Value(0.0, label="p")
    >>> with detect_anomaly():
    ...     loss = -p.log()
    Traceback (most recent call last):
    micrograd_plus.explain.anomaly.AnomalyError: `log` gave -inf, from p = 0
      line: <doctest micrograd_plus.explain.anomaly.detect_anomaly[2]>:2: loss = -p.log()
      why: the logarithm goes to minus infinity at 0
      what to do: add a small constant, log(x + 1e-12), or use a loss that starts from logits, as cross_entropy does
    """
    if function is not None and not callable(function):
        raise TypeError(
            f"detect_anomaly takes a function (as a decorator) or nothing, got {function!r:.60}: it watches where it "
            "stands, so write `with detect_anomaly():`, or detect_anomaly(allow_inf=True) to stop at nan alone"
        )
    if function is not None:
        runs_at_once(function, "detect_anomaly")
    context = _watching(allow_inf)
    return context if function is None else context(function)


@contextmanager
def _watching(allow_inf: bool) -> Iterator[None]:
    if is_recording() is False:  # inside no_grad(): a watcher would switch the recording on again
        yield
        return
    with watched_by(_Guard(allow_inf)):
        yield


class _Guard(Watcher):
    """The watcher behind detect_anomaly: it looks at every result and every gradient."""

    def __init__(self, allow_inf: bool):
        self.allow_inf = allow_inf
        # By id, because a node held here could never be freed. An id that is used again belongs to a new node, which
        # was shown to `made` and so has its own entry.
        self.lines: dict[int, Line | None] = {}

    def made(self, op: Op, operands: tuple, y: Node, settings: dict) -> None:
        """Raise if y isn't finite; note the line that made it."""
        self.lines[id(y)] = line = user_line()
        if is_bad(numbers_of(y), self.allow_inf):
            story = birth(op, operands, tuple(map(numbers_of, operands)), numbers_of(y), name_in_message)
            raise AnomalyError(*story, where=_with_module(line_text(line), module_at_work()))

    def pushed(self, node: Node) -> None:
        """Raise if one of the inputs got a gradient that isn't finite."""
        where = line_text(self.lines.get(id(node)))
        if is_bad(node.grad, self.allow_inf):
            what = f"the gradient {summary(node.grad)} arrived at {name_in_message(node)}"
            why = "it was given to backward() so, or a hook returned it: the steps before it were finite"
            raise AnomalyError(what, why, "look at the argument of backward(), and at the hooks", where)
        for x in node.inputs:
            if x.requires_grad and is_bad(x.grad, self.allow_inf):
                raise self._at_input(node, x, where)

    def _at_input(self, node: Node, x: Node, where: str) -> AnomalyError:
        """What to say of a gradient that isn't finite, at an input of `node`, which has a finite one."""
        for i, input_, part in contributions(node, node.grad):
            if input_ is x and is_bad(part, self.allow_inf):
                return AnomalyError(*birth_of_gradient(node, i, node.grad, part, name_in_message), where=where)
        op: Any = node.op
        what = f"the gradient of {name_in_message(x)} is {summary(x.grad)}, though `{op.name}` adds a finite part"
        why = "an earlier backward() left it there, or the parts add up to more than a float can hold"
        return AnomalyError(what, why, "call zero_grad() before backward(), or lower the learning rate", where)


def _with_module(where: str, module: str) -> str:
    return f"{where}  [in {module}]" if where and module else where or module
