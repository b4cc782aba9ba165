"""The words in PyTorch: what a program means there. Its operands come as float64 (or bool) tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from .program import Literal, Program, Step, evaluated, size, weight

torch.set_num_threads(1)


def run(program: Program) -> tuple[float, list[np.ndarray | None]]:
    """The result, and the gradients of the leaves (None for other starts)."""
    variables = [torch.tensor(s.array, requires_grad=s.kind == "leaf") for s in program.starts]
    for step in program.steps:
        with torch.set_grad_enabled(not step.alone):
            y = _computed(step, [_tensor(x, variables) for x in step.operands])
        variables.append(y.detach() if step.alone else y)
    total = torch.zeros((), dtype=torch.float64)
    for i in program.outputs:
        shape = program.shapes[i]
        weights = np.linspace(0.5, weight(i), size(shape)).reshape(shape) if shape else np.array(weight(i))
        total = total + (variables[i] * torch.from_numpy(weights)).sum()
    total.backward()
    leaves = zip(program.starts, variables, strict=False)
    grads = [None if s.kind != "leaf" or x.grad is None else x.grad.numpy() for s, x in leaves]
    return total.item(), grads


def _tensor(x: Any, variables: list) -> torch.Tensor:
    if not isinstance(x, Literal):
        return variables[x]
    value = np.asarray(x.value)
    return torch.from_numpy(value if value.dtype == bool else value.astype(float))


def _computed(step: Step, operands: list) -> torch.Tensor:
    settings = dict(step.settings)
    return IN_TORCH[step.word](*operands, **settings)


def _together(row: Any) -> Any:
    """A function of operands that are broadcast first: some of PyTorch's need that."""
    return lambda *xs: row(*torch.broadcast_tensors(*xs))


def _axes(x: torch.Tensor, axis: Any) -> tuple:
    return tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)


def _prod(x: torch.Tensor, axis: Any, keepdims: bool) -> torch.Tensor:
    for a in sorted((a % max(x.ndim, 1) for a in _axes(x, axis)), reverse=True):
        x = x.prod(a, keepdim=keepdims)
    return x


def _norm(x: torch.Tensor, axis: Any, keepdims: bool) -> torch.Tensor:
    return torch.linalg.vector_norm(x, dim=axis, keepdim=keepdims)


def _spread(name: str) -> Any:
    def computed(x: torch.Tensor, axis: Any, keepdims: bool, correction: int) -> torch.Tensor:
        return getattr(x, name)(dim=axis, keepdim=keepdims, correction=correction)

    return computed


def _getitem(x: torch.Tensor, index: str) -> torch.Tensor:
    """By the places that NumPy finds: PyTorch has no negative steps."""
    places = np.arange(x.numel()).reshape(x.shape)[evaluated(f"np.index_exp[{index}]")]
    return x.reshape(-1)[torch.tensor(places.copy())]


def _put(x: torch.Tensor, shape: tuple, index: str) -> torch.Tensor:
    places = np.arange(size(shape)).reshape(shape)[evaluated(index)]
    flat = torch.zeros(size(shape), dtype=x.dtype)
    return flat.index_add(0, torch.tensor(places.ravel().copy()), x.reshape(-1)).reshape(shape)


def _pad(x: torch.Tensor, widths: Any, value: float) -> torch.Tensor:
    pairs = np.broadcast_to(widths, (x.ndim, 2)).tolist()[::-1]
    return functional.pad(x, [n for pair in pairs for n in pair], value=value)


def _where(c: torch.Tensor, a: torch.Tensor, b: torch.Tensor, sign: str, number: float) -> torch.Tensor:
    return torch.where(eval(f"c {sign} number"), a, b)


def _sum(*xs: torch.Tensor) -> torch.Tensor:
    return sum(xs[1:], xs[0])


def _clip(x: torch.Tensor, low: str, high: str) -> torch.Tensor:
    return x.clamp(eval(low), eval(high))


def _squeeze(x: torch.Tensor, axis: int) -> torch.Tensor:
    return x.squeeze(axis)


def _joined(*xs: torch.Tensor, axis: int) -> torch.Tensor:
    return torch.cat(xs, axis)


def _bce(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    x, t = torch.broadcast_tensors(x, t)  # before the log: 0 in front of an empty target would give 0 · ∞ for nothing
    return -(t * x.log() + (1 - t) * (1 - x).log())


def _bce_with_logits(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    return functional.softplus(x, threshold=1000) - x * t


def _elu(x: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
    return torch.where(x > 0, x, s * torch.expm1(torch.minimum(x, torch.zeros_like(x))))


# fmt: off
THE_SAME = "exp expm1 log log1p sqrt sin cos tan sinh cosh tanh arctan erfc sigmoid relu abs sign neg".split()
IN_TORCH: dict[str, Any] = {name: getattr(torch, name) for name in [*THE_SAME, "add", "sub", "mul", "div", "pow"]} | {
    "itself":         torch.clone,
    "softplus":       lambda x: functional.softplus(x, threshold=1000),
    "silu":           functional.silu,
    "gelu":           functional.gelu,
    "step":           lambda x: (x > 0).to(x.dtype),
    "maximum":        torch.maximum,
    "minimum":        torch.minimum,
    "leaky_relu":     lambda x, s: torch.where(x > 0, x, s * x),
    "elu":            _elu,
    "clip":           lambda x, low, high: torch.minimum(torch.maximum(x, low), high),
    "squared_error":  lambda x, t: (x - t) ** 2,
    "hinge":          lambda x, t: torch.relu(1 - t * x),
    "bce":            _bce,
    "bce_with_logits": _bce_with_logits,
    "a whole power":  lambda x, n: x ** n,
    "where":          _where,
    "where by a mask": torch.where,
    "clip method":    _clip,
    "if":             lambda a, b: a if a > b else b * 0.5,
    "max of two":     lambda a, b: max(a, b),
    "min of two":     lambda a, b: min(a, b),
    "sum of several": _sum,
    "detach":         lambda x: x.detach(),
    "sum":            lambda x, axis, keepdims: x.sum(_axes(x, axis), keepdim=keepdims),
    "mean":           lambda x, axis, keepdims: x.mean(_axes(x, axis), keepdim=keepdims),
    "max":            lambda x, axis, keepdims: x.amax(_axes(x, axis), keepdim=keepdims),
    "min":            lambda x, axis, keepdims: x.amin(_axes(x, axis), keepdim=keepdims),
    "prod":           _prod,
    "var":            _spread("var"),
    "std":            _spread("std"),
    "norm":           _norm,
    "logsumexp":      lambda x, axis, keepdims: torch.logsumexp(x, _axes(x, axis), keepdim=keepdims),
    "cumsum":         lambda x, axis: x.cumsum(axis),
    "softmax":        lambda x, axis: x.softmax(axis),
    "log_softmax":    lambda x, axis: x.log_softmax(axis),
    "flip":           lambda x, axis: x.flip(_axes(x, axis)),
    "squeeze":        _squeeze,
    "unsqueeze":      lambda x, axis: x.unsqueeze(axis),
    "flatten":        lambda x: x.flatten(),
    "reshape":        lambda x, shape: x.reshape(shape),
    "permute":        lambda x, axes: x.permute(axes),
    "transpose":      lambda x, a, b: x.transpose(a, b),
    "T":              lambda x: x.permute(tuple(range(x.ndim)[::-1])),
    "expand":         lambda x, shape: x.expand(shape),
    "sum_to":         lambda x, shape: x.sum_to_size(shape),
    "getitem":        _getitem,
    "put":            _put,
    "pad":            _pad,
    "astype":         lambda x: x.double(),
    "matmul":         torch.matmul,
    "linear":         lambda x, w, b=None: x @ w.T if b is None else x @ w.T + b,
    "concatenate":    _joined,
    "stack":          lambda *xs, axis: torch.stack(xs, axis),
    "einsum":         lambda *xs, formula: torch.einsum(formula, *xs),
}
# fmt: on
