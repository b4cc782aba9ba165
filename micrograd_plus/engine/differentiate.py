"""grad(f): from a function to the function that computes its derivative, any number of times."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from . import graph, ops
from .graph import Node
from .recording import _recording, inside_grad, is_recording
from .value import Value, as_float


def value_and_grad(f: Callable, argnums: int | tuple[int, ...] = 0) -> Callable:
    """A function that gives both f(*args) and its gradient for the argument(s) `argnums`.

    Numbers and arrays in: numbers and arrays out. Values or Tensors in: nodes out, which can be differentiated
    again. f must give one number. ValueError if it gives more, TypeError if it gives something else.

    >>> value_and_grad(lambda x: x**3)(2.0)
    (8.0, 12.0)
    """

    @wraps(f)
    def both(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        places = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        if any(not 0 <= i < len(args) for i in places):
            raise ValueError(f"grad: argnums={argnums}, but the function was called with {len(args)} arguments")
        outer = inside_grad.get() or any(isinstance(x, Node) for x in args)
        of_arrays = any(isinstance(args[i], (list, tuple)) or hasattr(args[i], "shape") for i in places)
        args = tuple(_variable(x, of_arrays) if i in places else x for i, x in enumerate(args))
        wanted = [args[i] for i in places]
        tokens = _recording.set(is_recording() or True), inside_grad.set(True)
        try:
            y = f(*args, **kwargs)
            if not isinstance(y, Node):  # a constant
                as_float(y, "grad: the function's result")
            if getattr(y, "size", 1) != 1:
                raise ValueError(f"grad: the function must give one number, it gave shape {y.shape}: reduce it first")
            slopes = graph.gradients(y, wanted) if isinstance(y, Node) else [0.0 * x.ones() for x in wanted]
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
