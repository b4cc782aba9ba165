"""save and load: a model's numbers in a file, and what belongs to them."""

from __future__ import annotations

import copy
import operator
import os
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..data.arguments import generator, got, whole
from ..engine import Node
from ..nn import Module
from .contents import checked, kind, of_history
from .files import CheckpointError, Numbers, Tree, read_file, write_file
from .history import History
from .scopes import all_or_nothing, uninterrupted


@dataclass
class Saved:
    """What is in a file.

    state: the model's numbers by name, as `state_dict()` gives them. optimizer: the optimiser's state, as its
    `state_dict()` gives it; step, seed and history as they were given to `save`; each None where the file has none.
    metadata: the file's other texts, {"format": "pt"} in one of PyTorch's. training: what `fit` needs besides to go
    on, in a file of Checkpoint(…, resume=True).
    """

    state: Numbers
    optimizer: dict[str, Any] | None = None
    step: int | None = None
    seed: int | None = None
    history: History | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    training: Tree | None = field(default=None, repr=False)


def save(
    model_or_state: Module | Mapping[str, Any],
    path: str | os.PathLike,
    *,
    optimizer: Any = None,
    step: int | None = None,
    seed: int | None = None,
    history: History | None = None,
) -> None:
    """Write all numbers of a model, or of a state_dict, into a .safetensors file; `load` reads it.

    optimizer (or its state_dict), step, seed and history are kept beside them. Folders are made if needed; the file is
    replaced at once when all is written, so whenever the program is killed, the old or the new one is whole. ValueError
    or TypeError for what can't be kept, OSError where the file can't be written: then an older one stays as it was.

    Nothing is pickled, so nothing in such a file (https://github.com/huggingface/safetensors) can run. PyTorch reads
    it: `model.load_state_dict(safetensors.torch.load_file(path))`; of a file with an optimiser drop the names that
    begin with "training.".

    >>> import os, tempfile
    >>> from micrograd_plus import nn
    >>> model = nn.MLP(2, [3, 1], seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     save(model, path, step=100)
    ...     other = nn.MLP(2, [3, 1])
    ...     saved = load(path, other)
    >>> other.state_dict() == model.state_dict(), saved.step
    (True, 100)
    """
    path = named(path)
    numbers = model_or_state.state_dict() if isinstance(model_or_state, Module) else model_or_state
    if not isinstance(numbers, Mapping):
        raise TypeError(f"save takes a model, or a dict of numbers by name; {got(numbers)}")
    if any(isinstance(number, Mapping) for number in numbers.values()):
        raise TypeError(
            "save takes a dict of numbers by name, with no dict in it; an optimiser goes beside the model, as in "
            "save(model, path, optimizer=optimizer)"
        )
    if history is not None and not isinstance(history, History):
        raise TypeError(f"history is what fit returns, a History; {got(history)}")
    tree: dict[str, Any] = {
        "optimizer": optimizer.state_dict() if hasattr(optimizer, "state_dict") else optimizer,
        "step": None if step is None else whole("step", step, example=100, least=0),
        "seed": None if seed is None else _seed(seed),
        "history": None if history is None else of_history(history),
    }
    tree = {name: thing for name, thing in tree.items() if thing is not None}
    checked(tree)  # what is written can be read
    write_file(path, {name: n.data if isinstance(n, Node) else n for name, n in numbers.items()}, tree)


def load(path: str | os.PathLike, model: Module | None = None, *, optimizer: Any = None) -> Saved:
    """What is in a .safetensors file; its numbers are put into the model and the optimiser, if these are given.

    Reads what `save` and Checkpoint wrote, and other programs' files: PyTorch's numbers of the same architecture have
    the same names. Each of the model's arrays keeps its own dtype, as in PyTorch; bfloat16, which NumPy doesn't have,
    is read as float32, exactly.

    CheckpointError (a ValueError) for a file that is damaged, was altered, or belongs to another model or optimiser;
    nothing is changed then. FileNotFoundError, PermissionError … where it can't be opened.

    >>> import tempfile
    >>> from micrograd_plus import nn, optim
    >>> model = nn.MLP(2, [3, 1], seed=0)
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, f"{folder}/m.safetensors", optimizer=optimizer, seed=7)
    ...     optimizer.param_groups[0]["lr"] = 0.5
    ...     saved = load(f"{folder}/m.safetensors", model, optimizer=optimizer)
    >>> optimizer.param_groups[0]["lr"], saved.seed, saved.history
    (0.1, 7, None)
    """
    if model is not None and not isinstance(model, Module):
        raise TypeError(f"load takes a path, and then a model to put the numbers into; {got(model)}")
    if optimizer is not None and not hasattr(optimizer, "param_groups"):
        raise TypeError(f"load takes optimizer=, the optimiser to put its state into; {got(optimizer)}")
    path = Path(path)
    numbers, tree, texts = read_file(path)
    try:
        fields = checked(tree or {})
        saved = Saved(numbers, metadata=texts, **fields)
        with all_or_nothing(model, optimizer), uninterrupted():
            if model is not None:
                model.load_state_dict(numbers)
            if optimizer is not None:
                put_into_optimizer(optimizer, saved.optimizer)
    except Exception as error:
        raise CheckpointError(f"{path} can't be used: {error}") from error
    return saved


def named(path: str | os.PathLike) -> Path:
    """The path of a file to be written. ValueError for one that doesn't say what it is."""
    path = Path(path)
    if path.suffix != ".safetensors":
        folder = ", a folder: name the file in it" if path.is_dir() else ""
        raise ValueError(f"numbers are kept in a file that ends in .safetensors, got {path.name!r}{folder}")
    return path


def _seed(seed: Any) -> int:
    generator(seed)  # refuses what can't be one
    return operator.index(seed)


def put_into_optimizer(optimizer: Any, state: dict[str, Any] | None) -> None:
    """Load a state from a file. ValueError, and nothing changed, where it isn't one of this optimiser."""
    if state is None:
        raise ValueError("there is no optimiser in it: it was written without optimizer=optimizer")
    state, params = copy.deepcopy(state), []
    for group, saved in zip(optimizer.param_groups, state["param_groups"], strict=False):  # it counts them itself
        params += group["params"]
        for name, value in saved.items():
            if name in group and name != "params" and kind(value) != kind(group[name]):
                raise ValueError(f"the optimiser's {name} is {reprlib.repr(value)} in it, and here {group[name]!r}")
            if name not in group and not (name == "initial_lr" and kind(value) == kind(0.1)):  # a schedule's base
                raise ValueError(f"it is of another optimiser: this one has no setting {name!r}")
    for position, memory in state["state"].items():
        like: Any = params[position] if position < len(params) else None
        for name, value in memory.items():
            if hasattr(value, "astype") and hasattr(like, "dtype") and value.dtype != like.dtype:
                memory[name] = value.astype(like.dtype)  # PyTorch's rule: what is remembered is as the parameter is
    optimizer.load_state_dict(state)
