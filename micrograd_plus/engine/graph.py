"""Nodes, the order in which they are visited, and the chain rule.

This file knows no operation by name, no NumPy and no picture. Its words:

- an **operand** is what an operation is applied to: a plain number, an array, or a node;
- a **node** is an operand that remembers: its `data`, its `grad`, the `op` that made it and that op's
  `operands` (a tuple, so that order and repetition are kept: `a + a` has two edges). A **leaf** has no op;
- an **op** is one row of the table in `ops.py`: how to compute `y`, and one local derivative an input.

Backpropagation is three sentences, and each is written once:

1. visit every node after all the nodes that use it (`order`, reversed);
2. at each node, push: `input.grad += slope * node.grad` (`push`, in `value.py` and `tensor.py`);
3. leaves accumulate, all other nodes start afresh (`backward`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from . import copying
from .edges import Careful, at_the_edge
from .recording import Watcher as Watcher
from .recording import inside_grad as inside_grad
from .recording import is_recording as is_recording
from .recording import no_grad as no_grad
from .recording import watched_by as watched_by


class Op:
    """One elementary operation: a row of the table.

    `forward` computes y from numbers; `rules[i]` says how y answers to its i-th input. An op is also the
    function that users call: on plain numbers it computes, on nodes it also remembers.

    >>> from micrograd_plus import Value, tanh
    >>> tanh(0.0)
    0.0
    >>> tanh(Value(0.0))
    Value(data=0.0, grad=0.0)
    """

    arity: int | None = None  # how many inputs it has; None: as many as it is given
    pointwise = True  # y has the shape of its inputs, and `rules` are slopes
    again = True  # the rules work on nodes too: it can be differentiated any number of times
    keeps = False  # forward returns (y, kept): the rules read `kept` where others read y

    def __init__(self, name: str, forward: Callable, *rules: Callable, symbol: str | None = None):
        for rule in (forward, *rules):
            if not callable(rule):
                raise TypeError(f"op {name!r}: a rule is a function, as lambda y, x: 1 - y * y; got {rule!r}")
        if self.arity is not None and len(rules) != self.arity:
            raise TypeError(f"op {name!r} has {self.arity} inputs, so it needs {self.arity} slopes, got {len(rules)}")
        self.name = name
        self.forward = forward
        self.rules = rules
        self.symbol = symbol or name  # what a picture writes in the op's box

    def __call__(self, *operands: Any, **settings: Any) -> Any:
        """y: a plain number from plain numbers, a node if one of the operands is a node."""
        if self.arity is not None and len(operands) != self.arity:
            raise TypeError(f"`{self.name}` takes {self.arity} operand(s), got {len(operands)}")
        refused = False
        for x in operands:
            if isinstance(x, Operand):
                y = x.apply(self, *operands, **settings)
                if y is not NotImplemented:
                    return y
                refused = True
        if refused:
            raise TypeError(f"`{self.name}` can't be applied to {_kinds(operands)} together: convert one of them first")
        try:
            y = self.forward(*operands, **settings)
        except (ArithmeticError, ValueError):
            if not all(isinstance(x, (int, float)) for x in operands):
                raise
            y = at_the_edge(self.name, self.forward, operands)
        except TypeError as error:
            raise TypeError(f"`{self.name}` can't be applied to {_kinds(operands)}: {error}") from error
        return y[0] if self.keeps else y

    def pull(self, i: int, g: Any, y: Any, xs: tuple, settings: dict) -> Any:
        """What input i receives when y receives g (arrays or nodes): the chain rule for one edge."""
        try:
            slope = self.rules[i](y, *xs)
        except (ArithmeticError, ValueError):  # a plain number among them at an edge: 1/0, log(0)
            slope = self.rules[i](y, *[Careful(x) if isinstance(x, (int, float)) else x for x in xs])
        return g if slope.__class__ is int and slope == 1 else g * slope

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def __deepcopy__(self, memo: dict) -> Op:
        return self  # a rule is shared, never copied

    def __reduce__(self) -> tuple:
        return copying.row_reduced(self)


def _kinds(operands: tuple) -> str:
    """The types of the operands, for an error: (float, str)."""
    return f"({', '.join(type(x).__name__ for x in operands)})"


class Unary(Op):
    """A row with one input: `Unary(name, y = f(x), dy/dx = slope(y, x))`.

    >>> from micrograd_plus import Value
    >>> cube = Unary("cube", lambda x: x * x * x, lambda y, x: 3 * x * x)
    >>> x = Value(2.0)
    >>> cube(x).backward()
    >>> x.grad
    12.0
    """

    arity = 1

    def __init__(self, name: str, forward: Callable, slope: Callable, symbol: str | None = None):
        super().__init__(name, forward, slope, symbol=symbol)


class Binary(Op):
    """A row with two inputs: `Binary(name, y = f(a, b), dy/da = slope(y, a, b), dy/db = slope(y, a, b))`.

    >>> from micrograd_plus import Value
    >>> area = Binary("area", lambda a, b: a * b, lambda y, a, b: b, lambda y, a, b: a)
    >>> width = Value(2.0)
    >>> area(width, 5.0).backward()
    >>> width.grad
    5.0
    """

    arity = 2

    def __init__(self, name: str, forward: Callable, slope_a: Callable, slope_b: Callable, symbol: str | None = None):
        super().__init__(name, forward, slope_a, slope_b, symbol=symbol)


class Ternary(Op):
    """A row with three inputs, and three slopes.

    >>> slopes = (lambda y, x, w, b: w), (lambda y, x, w, b: x), (lambda y, x, w, b: 1.0)
    >>> line = Ternary("line", lambda x, w, b: x * w + b, *slopes)
    >>> line(2.0, 3.0, 1.0)
    7.0
    """

    arity = 3

    def __init__(self, name: str, forward: Callable, *slopes: Callable, symbol: str | None = None):
        super().__init__(name, forward, *slopes, symbol=symbol)


class Many(Op):
    """A row with any number of inputs, given as one sequence: forward(xs), and rule(g, y, xs, i) for input i.

    >>> add_up = Many("add_up", lambda xs: sum(xs), lambda g, y, xs, i: g)
    >>> add_up([1.0, 2.0, 3.0])
    6.0
    """

    pointwise = False

    def __init__(self, name: str, forward: Callable, rule: Callable, broadcasts: bool = False):
        super().__init__(name, forward, rule)
        self.broadcasts = broadcasts  # operands of different shapes are made equal first

    def __call__(self, xs: Iterable, **settings: Any) -> Any:
        """y from a sequence of operands."""
        if not hasattr(xs, "__iter__") or isinstance(xs, (str, bytes)):
            raise TypeError(f"`{self.name}` takes a list of operands, as in [a, b]; got {type(xs).__name__}")
        xs = tuple(xs)
        for x in xs:
            if isinstance(x, Operand):
                return x.apply_many(self, xs, **settings)
        try:
            return self.forward(xs, **settings)
        except TypeError as error:
            raise TypeError(f"`{self.name}` can't be applied to {_kinds(xs[:8])}: {error}") from error

    def pull(self, i: int, g: Any, y: Any, xs: tuple, settings: dict) -> Any:
        """What input i receives when y receives g."""
        return self.rules[0](g, y, xs, i, **settings)


class Structural(Op):
    """A row of which y has another shape than its inputs: rules are pull-backs `lambda g, y, *xs, **settings`.

    >>> from micrograd_plus import Tensor
    >>> total = Structural("total", lambda x: x.sum(), lambda g, y, x: g * (x * 0 + 1))
    >>> x = Tensor([1.0, 2.0])
    >>> total(x).backward()
    >>> x.grad
    array([1., 1.])
    """

    pointwise = False

    def __init__(
        self,
        name: str,
        forward: Callable,
        *rules: Callable,
        symbol: str | None = None,
        keeps: bool = False,
        again: bool | None = None,
    ):
        super().__init__(name, forward, *rules, symbol=symbol)
        self.keeps = keeps
        self.again = not keeps if again is None else again  # whether the rules work on nodes too

    def pull(self, i: int, g: Any, y: Any, xs: tuple, settings: dict) -> Any:
        """What input i receives when y receives g."""
        return self.rules[i](g, y, *xs, **settings)


class Operand:
    """Whatever an Op can be applied to in place of plain numbers: it says what the application becomes."""

    __slots__ = ()

    def apply(self, op: Op, *operands: Any, **settings: Any) -> Any:
        """Apply `op` to `operands` (this one among them). NotImplemented where another operand must decide."""
        raise NotImplementedError

    def apply_many(self, op: Many, operands: tuple, **settings: Any) -> Any:
        """Apply an op that takes a sequence of operands."""
        raise NotImplementedError


class Node(Operand):
    """A number, or an array of numbers, that remembers how it was made."""

    __slots__ = ("grad", "hooks", "label", "made_in", "op", "requires_grad")

    data: Any
    grad: Any
    op: Op | None
    label: str
    requires_grad: bool
    settings: dict  # which operation of its kind `op` is: the axis of a sum, the shape of a reshape
    hooks: list[tuple[Callable]] | None
    # (module, its arguments, the call inside that gave the same node): nn.Module notes it on what its call returns, and
    # pictures fold by it. On all other nodes the slot stays empty, since filling it would cost each of them time.
    made_in: tuple

    no_gradient: Any = None  # what `.grad` is before anything arrives

    @property
    def operands(self) -> tuple:
        """What `op` was applied to, in order: nodes and plain numbers."""
        raise NotImplementedError

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The nodes among the operands, in order, repeated where they are used twice."""
        return tuple(x for x in self.operands if isinstance(x, Node))

    def push(self) -> None:
        """The chain rule at this node: each input's `grad` grows by slope × this node's `grad`."""
        raise NotImplementedError

    def ones(self) -> Any:
        """The gradient of this node for itself: 1 for each number."""
        raise NotImplementedError

    def is_stale(self) -> bool:
        """Whether somebody has changed the numbers of this node, or of its operands, since it was computed."""
        raise NotImplementedError

    def opened(self) -> Node:
        """The node whose graph shows how this one came about: itself, unless one node stands for a whole graph."""
        return self

    def zero_grad(self) -> None:
        """Forget the gradient, so that the next backward() starts from nothing."""
        self.grad = self.no_gradient

    def register_hook(self, hook: Callable) -> Callable[[], None]:
        """Call `hook(grad)` when this node's gradient is complete; what it returns (if anything) replaces it.

        Returns a function that removes the hook. A leaf's hook sees what one backward() brings, as in PyTorch.

        >>> from micrograd_plus import Value
        >>> a = Value(3.0)
        >>> remove = a.register_hook(lambda g: g * 10)
        >>> (a * 2).backward(); a.grad
        20.0
        """
        if not callable(hook):
            raise TypeError(f"register_hook needs a function of the gradient, got {hook!r}")
        entry = (hook,)  # an object of its own: the same hook may be registered twice
        watcher = is_recording()
        node = self if watcher.__class__ is bool else watcher.hooked(self)
        node.hooks = [*(node.hooks or []), entry]

        def remove() -> None:
            node.hooks = [e for e in node.hooks or [] if e is not entry] or None

        return remove

    def as_gradient(self, g: Any, who: str) -> Any:
        """`g` as a gradient for this node; TypeError or ValueError naming `who` if it can't be one."""
        raise NotImplementedError

    def fitting(self, part: Any) -> Any:
        """A contribution to this node's gradient, in this node's dtype."""
        return part

    def __deepcopy__(self, memo: dict) -> Node:
        return copying.copied(self._to_copy(), memo)

    def __reduce__(self) -> tuple:
        return copying.reduced(self._to_copy())

    def _to_copy(self) -> list[Node]:
        nodes = order(self)
        if not set(inside_grad.get()).isdisjoint(nodes):
            raise TypeError(
                "a copy of f's argument, or of what was computed of it, has no gradient inside grad(f): use the node "
                "itself, or .detach() if you mean the bare numbers"
            )
        return nodes


def order(root: Node) -> list[Node]:
    """Every node that `root` was made from, inputs before what they make, `root` last.

    Iterative (a deep graph must not meet Python's recursion limit) and linear in the number of edges.
    Why an order at all: a node may push only when its own gradient is complete, so after all its users.
    """
    met: set[Node] = set()
    ordered: list[Node] = []
    stack: list[Node | None] = [root]
    while stack:
        node = stack.pop()
        if node is None:  # all that the node below was waiting for is in order
            ordered.append(stack.pop())  # type: ignore[arg-type]
        elif node not in met:
            met.add(node)
            stack.append(node)
            stack.append(None)
            for x in node.operands:
                if isinstance(x, Node) and x not in met:
                    if x.op is None:  # a leaf waits for nothing
                        met.add(x)
                        ordered.append(x)
                    else:
                        stack.append(x)
    return ordered


def backward(root: Node, gradient: Any) -> None:
    """Fill in d(root)/d(node), times `gradient`, as `.grad` of every node that root was made from.

    Leaves accumulate over calls (that is what a mini-batch in parts needs; `zero_grad()` clears them); all other
    nodes start afresh. Nothing is freed, so there is no `retain_graph`: calling it again adds the same again.
    RuntimeError inside grad(f), which could not differentiate the plain numbers that this leaves in `.grad`.
    """
    if inside_grad.get():
        raise RuntimeError(
            "backward() inside grad(f) leaves plain numbers in .grad, and f's derivative would be lost there: take "
            "the inner derivative with grad(g)(x), or call backward() outside of grad(f)"
        )
    nodes = order(root)
    before: dict[Node, Any] = {}  # what leaves with hooks held: their hooks see this pass alone
    for node in nodes:
        if node.op is not None:
            node.grad = node.no_gradient
        elif node.hooks:
            before[node], node.grad = node.grad, node.no_gradient
        elif node.grad is None:  # PyTorch's way to clear it
            node.grad = node.no_gradient
    root.grad = gradient if root.grad is None else root.grad + gradient
    try:
        _push_all(nodes, before)
    finally:  # a hook failed, or Ctrl-C: no leaf loses what it had
        for leaf, grad in before.items():
            leaf.grad = grad


def _push_all(nodes: list[Node], before: dict[Node, Any]) -> None:
    watcher = None if is_recording().__class__ is bool else is_recording()
    for node in reversed(nodes):
        if node.hooks and node.grad is not None:
            for (hook,) in node.hooks:
                replaced = hook(node.grad)
                if replaced is not None:
                    node.grad = node.as_gradient(replaced, "a gradient hook")
        if before and (earlier := before.pop(node, None)) is not None:
            node.grad = earlier if node.grad is None else earlier + node.grad
        if node.op is not None and node.grad is not None:
            node.push()
            if watcher is not None:
                watcher.pushed(node)
