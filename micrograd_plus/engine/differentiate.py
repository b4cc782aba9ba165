"""grad(f): from a function to the function that computes its derivative, any number of times.

Of second derivatives there are many: n inputs have n² of them, the Hessian. hvp() gives what the Hessian does to one
direction, for the price of a few gradients and without building it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from numbers import Real
from typing import Any

from . import ops
from .graph import Node, order
from .recording import _recording, inside_grad, is_recording
from .value import Value, as_float


def value_and_grad(f: Callable, argnums: int | tuple[int, ...] = 0) -> Callable:
    """A function that gives both f(*args) and its gradient for the argument(s) `argnums`.

    Numbers and arrays in: numbers and arrays out. Values or Tensors in: nodes out, which can be differentiated
    again. f must give one number. ValueError if it gives more, TypeError if it gives something else.

    f is differentiated by its argument alone: the same node reached by another way, as through a model, is a constant
    (see nn.functional_call). ValueError where f reaches it only so.

    >>> value_and_grad(lambda x: x**3)(2.0)
    (8.0, 12.0)
    """
    if not callable(f):
        raise TypeError(f"grad needs a function, as in grad(lambda x: x * x)(3.0); got {type(f).__name__} {f!r:.40}")
    places = (argnums,) if isinstance(argnums, int) else tuple(argnums) if isinstance(argnums, (tuple, list)) else None
    if places is None or not all(isinstance(i, int) for i in places):
        raise TypeError(f"grad: argnums is the place of an argument, or a tuple of places; got {argnums!r:.40}")

    @wraps(f)
    def both(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        if any(not 0 <= i < len(args) for i in places):
            raise ValueError(f"grad: argnums={argnums}, but the function was called with {len(args)} arguments")
        outer = bool(inside_grad.get()) or any(isinstance(x, Node) for x in args)
        of_arrays = any(isinstance(args[i], (list, tuple)) or hasattr(args[i], "shape") for i in places)
        given = [args[i] for i in places]
        args = tuple(_variable(x, of_arrays) if i in places else x for i, x in enumerate(args))
        wanted = [args[i] for i in places]
        tokens = _recording.set(is_recording() or True), inside_grad.set((*inside_grad.get(), *wanted))
        try:
            y = f(*args, **kwargs)
            if not isinstance(y, Node):  # a constant
                as_float(y, "grad: the function's result")
            if getattr(y, "size", 1) != 1:
                raise ValueError(f"grad: the function must give one number, it gave shape {y.shape}: reduce it first")
            slopes = gradients(y, wanted) if isinstance(y, Node) else [0.0 * x.ones() for x in wanted]
            if isinstance(y, Node):
                _refuse_lost_gradients(y, wanted, given, slopes)
        finally:
            _recording.reset(tokens[0])
            inside_grad.reset(tokens[1])
        if not outer:
            y, slopes = _plain(y), [_plain(s) for s in slopes]
        return y, slopes[0] if isinstance(argnums, int) else tuple(slopes)

    return both


def grad(f: Callable, argnums: int | tuple[int, ...] = 0) -> Callable:
    """The function that computes the derivative of f (the gradient, for arrays) for the argument(s) `argnums`.

    >>> from micrograd_plus import sin
    >>> f = lambda x: x**3
    >>> grad(f)(2.0), grad(grad(f))(2.0), grad(grad(grad(f)))(2.0)
    (12.0, 12.0, 6.0)
    """
    both = value_and_grad(f, argnums)

    @wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


def gradients(root: Node, wanted: Iterable[Node]) -> list[Any]:
    """d(root)/d(w) for each wanted node, as nodes: rules run on nodes build the graph of the derivative.

    TypeError for an op of which the rules don't run on nodes, RuntimeError where numbers were changed since the forward
    pass: rules on nodes read what these hold now.
    """
    wanted = list(wanted)
    stop, nodes = set(wanted), order(root)
    leads = set(wanted)  # nodes that depend on a wanted one: a gradient for any other would be work for nothing
    for node in nodes:
        for x in node.operands:
            if isinstance(x, Node) and x in leads:
                leads.add(node)
                break
    grads: dict[Node, Any] = {root: root.ones()}
    for node in reversed(nodes):
        g = grads.get(node)
        if g is None or node.op is None or node in stop or node not in leads:
            continue
        for (hook,) in node.hooks or ():
            replaced = hook(g)
            g = g if replaced is None else replaced
        _refuse_what_has_no_graph(node)
        for i, x in enumerate(node.operands):
            if isinstance(x, Node) and x in leads and x.requires_grad:
                part = x.fitting(node.op.pull(i, g, node, node.operands, node.settings))
                if isinstance(g, Node) and not isinstance(part, Node):
                    raise TypeError(
                        f"the rule of `{node.op.name}` for input {i} gives plain numbers where it is given nodes, so "
                        "the next derivative would be lost: write it with operations of the table, or say again=False"
                    )
                grads[x] = grads[x] + part if x in grads else part
    return [grads[w] if w in grads else 0.0 * w.ones() for w in wanted]


def _refuse_what_has_no_graph(node: Node) -> None:
    """An error where the derivative of this node can't be written with nodes."""
    assert node.op is not None
    if not node.op.again:
        raise TypeError(
            f"`{node.op.name}` stands for many operations (fused or compiled), so grad(f) can't build the graph "
            "of its derivative: call backward(), or write the same with elementary operations, not compiled"
        )
    if node.is_stale():
        raise RuntimeError(
            f"`{node.op.name}`: what it was computed from (or its result) was changed by .data inside f, so grad(f) "
            "would give the derivative at other numbers: compute a new node in place of it, as w - lr * g"
        )


def hvp(func: Callable, inputs: Any, v: Any) -> tuple[Any, Any]:
    """func(*inputs), and the Hessian of func there times the vector v: how the gradient changes along v.

    H v = d/dε ∇f(x + ε v) at ε = 0 = ∇ (∇f(x) · v), the gradient of a number, so H is never built (Pearlmutter, "Fast
    exact multiplication by the Hessian", 1994). As torch.autograd.functional.hvp.

    func: a function that gives one number. inputs: a number, an array or a node; or a tuple of them, one an argument.
    v: numbers of the same shapes, in a tuple where inputs is one; so is the product. Numbers and arrays in: numbers and
    arrays out. Values or Tensors in: nodes out. ValueError for a v of other shapes, and for a func that gives more than
    one number. For the parameters of a model: see nn.functional_call.

    >>> hvp(lambda x, y: x**2 * y, (3.0, 5.0), (1.0, 0.0))  # the Hessian there is [[10, 6], [6, 0]]
    (45.0, (10.0, 6.0))
    """
    several = isinstance(inputs, tuple)
    xs, vs = _as_pairs(inputs, v) if several else _as_pairs((inputs,), (v,))
    places = tuple(range(len(xs)))
    value_and_slopes = value_and_grad(func, places)
    value: Any = None

    def slope_along_v(*xs: Any) -> Any:
        nonlocal value
        value, slopes = value_and_slopes(*xs)
        return ops.sum_([_dot(slope, v) for slope, v in zip(slopes, vs, strict=True)])

    product = grad(slope_along_v, places)(*xs)
    if not any(isinstance(part, Node) for part in product):
        value = _plain(value)
    return value, product if several else product[0]


def hessian(func: Callable, inputs: Any) -> Any:
    """All second derivatives of func at inputs, a row for each number in them: hvp along each axis in turn.

    inputs: as for hvp. Of one number: a number. Of one array or Tensor x: shape (*x.shape, *x.shape). Of a tuple: a
    tuple of tuples of these, where [i][j] is d²f / d(inputs[i]) d(inputs[j]), of shape (*inputs[i].shape,
    *inputs[j].shape). n numbers take n products: for small n. func is called for each: it gives the same each time, so
    a model with dropout is in eval(). As torch.autograd.functional.hessian.

    >>> hessian(lambda x: x[0] ** 2 * x[1], [3.0, 5.0]).tolist()
    [[10.0, 6.0], [6.0, 0.0]]
    """
    if not isinstance(inputs, tuple):
        return hessian(func, (inputs,))[0][0]
    shapes = [_shape(x) for x in inputs]
    if unknown := [shape for shape in shapes if not isinstance(shape, tuple)]:
        raise TypeError(f"hessian: inputs is a number, an array or a node, or a tuple of these; got {unknown[0]}")
    zeros = tuple(_zeros(shape) for shape in shapes)

    def rows_of(i: int) -> tuple:
        if not shapes[i]:
            return hvp(func, inputs, (*zeros[:i], 1.0, *zeros[i + 1 :]))[1]
        from .tensor import stack

        rows: list[list] = [[] for _ in inputs]  # of the blocks beside each other
        for place in range(zeros[i].size):
            axis = zeros[i].copy()
            axis.flat[place] = 1.0
            for block, row in zip(rows, hvp(func, inputs, (*zeros[:i], axis, *zeros[i + 1 :]))[1], strict=True):
                block.append(row)
        sizes = [shapes[i] + shape for shape in shapes]
        return tuple(stack(b).reshape(size) if b else _zeros(size) for b, size in zip(rows, sizes, strict=True))

    return tuple(rows_of(i) for i in range(len(inputs)))


def _as_pairs(inputs: tuple, v: Any) -> tuple[tuple, tuple]:
    """The inputs and the vector, each a tuple, if their shapes are equal."""
    if not isinstance(v, tuple) or len(v) != len(inputs):
        given = f"a tuple of {len(v)}" if isinstance(v, tuple) else type(v).__name__
        raise ValueError(f"hvp: inputs is a tuple of {len(inputs)}, so v is a tuple with a part for each; got {given}")
    for i, (x, part) in enumerate(zip(inputs, v, strict=True)):
        if _shape(x) != _shape(part):
            raise ValueError(
                f"hvp: v has a number for each number of the inputs: input {i} has shape {_shape(x)}, but v has "
                f"{_shape(part)} there"
            )
    return inputs, v


def _shape(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        if any(isinstance(part, Node) for part in x):
            raise TypeError("hvp: many Values or Tensors stand in a tuple, as tuple(model.parameters()), and so do v's")
        import numpy as np

        try:
            return np.shape(x)
        except ValueError:
            raise ValueError("hvp: the lists have unequal lengths, so they don't form an array") from None
    return getattr(x, "shape", () if isinstance(x, (Real, Node)) else type(x).__name__)


def _zeros(shape: tuple) -> Any:
    if not shape:
        return 0.0
    import numpy as np

    return np.zeros(shape)


def _dot(a: Any, b: Any) -> Any:
    """The sum of the products, of numbers or arrays."""
    product = a * b
    return product.sum() if hasattr(product, "sum") and hasattr(product, "shape") else product


def _refuse_lost_gradients(y: Node, wanted: list, given: list, slopes: list) -> None:
    """An error where f's result y doesn't depend on a wanted variable, though it looks so.

    given: what the variables stand for. Only a slope that is a constant can mean that nothing leads to its variable.
    """
    pairs = [
        (x, own) for x, own, s in zip(wanted, given, slopes, strict=True) if not getattr(s, "requires_grad", False)
    ]
    nodes = set(order(y)) if any(isinstance(own, Node) for _, own in pairs) else set()
    for x, own in pairs:
        if isinstance(x, Value) != isinstance(y, Value):
            raise TypeError(
                f"grad: the function was given a {type(x).__name__} and gave a {type(y).__name__}: the two kinds of "
                "graph don't mix, so the gradient is lost on the way (at to_values()?). Use one kind throughout"
            )
        if x not in nodes and not nodes.isdisjoint(_stands_for(own)):
            raise ValueError(
                "grad: the result doesn't depend on the argument, but on the same node reached from elsewhere (a "
                "model, a variable outside), which counts as a constant: use the argument itself, "
                "nn.functional_call(model, parameters, x) for a model's parameters, or backward()"
            )


def _stands_for(x: Any) -> list[Node]:
    """The node x, and where grad(f) made it in place of another (in grad(grad(f))), that one too."""
    found = []
    while isinstance(x, Node):
        found.append(x)
        x = x.operands[0] if x.op is ops.itself else None
    return found


def _variable(x: Any, of_arrays: bool) -> Node:
    """x as a node of its own, so that nothing but this argument is differentiated, whatever x is elsewhere."""
    if isinstance(x, Node):
        if not x.requires_grad:
            return type(x)(x.data)  # type: ignore[call-arg]
        token = _recording.set(is_recording() or True)
        try:
            return x.apply(ops.itself, x)
        finally:
            _recording.reset(token)
    if of_arrays:
        from .tensor import Tensor  # at first use: Values alone need no NumPy

        return Tensor(x)
    return Value(x)


def _plain(x: Any) -> Any:
    if not isinstance(x, Node):
        return x
    return x.data if isinstance(x, Value) or x.ndim else x.item()  # type: ignore[attr-defined]
