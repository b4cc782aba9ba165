"""to_torch: a model of ours as PyTorch's, with the same weights and outputs."""

from __future__ import annotations

import itertools
import linecache
from typing import Any

import numpy as np

from ...engine.graph import Operand, no_grad
from ...nn.module import Module
from .. import needed
from .sharing import is_scalar
from .writing import Written

_NUMBERS = itertools.count(1)


def to_torch(model: Module, example: Any = None) -> Any:
    """A torch.nn.Module with the weights of `model`: the same outputs and gradients, under the same names.

    Taken over are weights, buffers, dtypes, what is frozen, the mode of each module (train, eval), and parameters that
    are shared. Weights are copied: training one leaves the other as it is. A network of Values becomes Linear layers
    with float64 numbers, which take a batch: MLP(2, [16, 1]) goes from (N, 2) to (N, 1).

    A Module of your own becomes a class with the parts that it holds now and your forward, word by word in PyTorch:
    `axis=` is `dim=`, `x.max(axis=1)` is `x.amax(dim=1)`, `h += x` is `h = h + x`. See `torch_code`, which shows the
    text. Arrays that it is called with are torch's tensors then.

    example: an input, or a tuple of inputs, on which both are run and compared, in eval mode. Of your own classes it
    is worth giving: a function may mean something else on torch's tensors than on NumPy's arrays.

    ValueError names all that can't be taken over, with its place, and where `example` shows a difference.
    ModuleNotFoundError where torch isn't installed.

        net = to_torch(model, example=X[:8])
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    """
    torch = needed("torch", "to_torch")
    check_is_ours("to_torch", model)
    written = checked("to_torch", model)
    net = _made(written)
    state = {name: torch.from_numpy(np.array(array)) for name, array in written.numbers.items()}
    net.load_state_dict(state)
    _set_modes(model, net)
    if example is not None:
        _compare(model, net, example if isinstance(example, tuple) else (example,), torch)
    return net


def check_is_ours(who: str, model: Any) -> None:
    """TypeError unless it is a module of ours."""
    if isinstance(model, type):
        raise TypeError(f"{who} takes a model, got the class {model.__name__}: make one of it first")
    if not isinstance(model, Module):
        raise TypeError(f"{who} takes a model of ours, an nn.Module; got {type(model).__name__}: {model!r:.60}")


def checked(who: str, model: Module, **options: Any) -> Written:
    """The model, written down; ValueError, which names all of it, where something of it can't be."""
    if any(
        isinstance(thing, Operand) and hasattr(thing, "values") for m in model.modules() for thing in vars(m).values()
    ):
        raise TypeError(f"{who}: a scalar twin shows every single number; take the model that it was made of")
    written = Written(model, **options)
    if written.problems:
        problems = list(dict.fromkeys(written.problems))
        parts = "1 part" if len(problems) == 1 else f"{len(problems)} parts"
        listed = "\n  ".join(problems)
        raise ValueError(f"{who}: {parts} of this {type(model).__name__} can't be written in PyTorch:\n  {listed}")
    return written


def _made(written: Written) -> Any:
    """The module that the text makes. The text is ours and that of the model's own classes, which run here anyway."""
    import math

    import torch

    from . import layers

    text = "\n\n\n".join([*written.definitions(helpers=False), "\n".join(written.making())]) + "\n"
    # Tracebacks, and inspect.getsource, find the text under this name.
    name = f"<to_torch {next(_NUMBERS)}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    names = {key: thing for key, thing in vars(layers).items() if not key.startswith("_")}
    names |= {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "math": math, "__name__": name}
    with torch.random.fork_rng(devices=[]):  # layers draw their first weights, which are replaced at once
        exec(compile(text, name, "exec"), names)
    return names["model"]


def _set_modes(model: Module, net: Any) -> None:
    """train() or eval(), for each module as it is."""
    net.train(model.training)
    there = dict(net.named_modules())
    for name, module in model.named_modules():
        if is_scalar(module) and name in there:
            there[name].train(module.training)
        elif name in there:
            there[name].training = module.training


def _compare(model: Module, net: Any, inputs: tuple, torch: Any) -> None:
    """ValueError where the two differ on this example."""
    modes = [(module, module.training) for module in model.modules()]
    modes_there = [(module, module.training) for module in net.modules()]
    arrays = [np.asarray(x.data if hasattr(x, "backward") else x) for x in inputs]
    try:
        with no_grad(), torch.no_grad():
            tensors = [torch.from_numpy(x.copy()) for x in arrays]  # a forward may change what it is given
            ours = _numbers(_called(model.eval(), [x.copy() for x in arrays]))
            theirs = _numbers(_called_there(net.eval(), tensors, type(model).__name__))
    finally:
        for module, mode in modes + modes_there:
            module.training = mode
    if len(ours) != len(theirs):
        raise ValueError(f"to_torch: on this example the model gives {len(ours)} arrays, in PyTorch {len(theirs)}")
    for a, b in zip(ours, theirs, strict=True):
        a = a.reshape(b.shape) if is_scalar(model) else a
        if apart := _apart(a, b):
            raise ValueError(
                f"to_torch: on this example the outputs {apart} ({a.shape} here, {b.shape} in PyTorch). Something in "
                f"{type(model).__name__}'s forward means something else on torch's tensors: "
                "print(bridges.torch.torch_code(model)) shows what it became"
            )


def _apart(a: np.ndarray, b: np.ndarray) -> str:
    """How two arrays differ; "" where they agree. Two nans do, and two infinities of one sign."""
    if a.shape != b.shape:
        return "have other shapes"
    limit = 1e-9 if a.dtype == b.dtype == np.float64 else 1e-5
    same = np.isclose(a, b, rtol=limit if limit == 1e-9 else 1e-4, atol=limit, equal_nan=True)
    if same.all():
        return ""
    with np.errstate(invalid="ignore"):
        worst = abs(a.astype(float) - b)[~same].max()
    return f"differ by up to {worst:.2g}" if np.isfinite(worst) else "differ: nan or inf in one of them"


def _called(model: Module, arrays: list[np.ndarray]) -> Any:
    if not is_scalar(model):
        return model(*arrays)
    return [model(row.tolist()) for row in arrays[0].reshape(-1, arrays[0].shape[-1])]


def _called_there(net: Any, tensors: list, name: str) -> Any:
    try:
        return net(*tensors)
    except Exception as error:  # whatever PyTorch says of it
        raise ValueError(
            f"to_torch: in PyTorch the forward of {name} fails on this example: {type(error).__name__}: {error}. "
            "print(bridges.torch.torch_code(model)) shows what it became. Code on NumPy's arrays is best moved out of "
            "forward: hand in its result"
        ) from error


def _numbers(output: Any) -> list[np.ndarray]:
    """The arrays in what a model gives: one, or a tuple of them."""
    if isinstance(output, tuple):
        return [array for part in output for array in _numbers(part)]
    if isinstance(output, list):
        return [np.array([_numbers(part)[0] for part in output])]
    if output is None:
        return []
    if hasattr(output, "detach") and hasattr(output, "numpy"):
        return [np.asarray(output.detach().numpy())]
    return [np.asarray(getattr(output, "data", output))]
