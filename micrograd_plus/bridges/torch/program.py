"""torch_code: the whole program in PyTorch, from the imports to the training loop."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from os import PathLike, fspath
from typing import Any

from ... import nn
from ...explain.to_python import Program
from ...nn.checks import real_number, true_or_false, whole_number
from ...nn.losses import _Loss
from ...nn.module import Module
from ...training import choices
from ...training.fit import check_model
from . import words
from .converting import check_is_ours, checked
from .sharing import is_scalar, reached
from .text import RECURRENT, Call, laid_out
from .writing import RESERVED, Written, kind_of

USUAL_RATE = {"SGD": 0.1, "RMSprop": 1e-2, "Adagrad": 1e-2, "Adam": 1e-3, "AdamW": 1e-3}  # as `fit` takes them


def torch_code(
    model: Module,
    loss: str | Callable | None = None,
    optimizer: Any = "adam",
    epochs: int = 10,
    batch_size: int = 32,
    *,
    lr: float | None = None,
    weights: str | PathLike | None = None,
    data: str | PathLike = "data.safetensors",
    shuffle: bool = True,
    seed: int = 0,
    distributed: bool = False,
) -> Program:
    """The program that makes and trains this model in PyTorch, with the same words. It needs nothing of ours to run.

    loss: as `fit` takes it: a name, a function or a module; a function of your own is translated. Unless given:
        "mse" for a model that gives one number, else "cross_entropy".
    optimizer: a name, or one of optim's with its settings and groups. lr: its rate.
    weights: a .safetensors file that `training.save(model, path)` wrote: the program begins with these (for
        a network of Values save `model.to_sequential()`). Without it, with PyTorch's own first weights from `seed`.
    data: the file that the program reads: arrays called "X" and "y". For a model of several inputs they are called
        as its forward calls them (X0, X1 … where the program needs such a name itself).
        `safetensors.numpy.save_file({"X": X, "y": y}, "data.safetensors")` writes it; X in the dtype of the model (or
        whole numbers, for an Embedding).
    shuffle: False takes the samples in their order.
    distributed: a program for several processes that share each batch, to be started by torchrun.

    Returns a str that shows itself as its lines. What can't be written is named, all of it at once, by a ValueError.
    Neither torch nor the files are needed for writing it. `to_torch` makes the same model at once.

    >>> from micrograd_plus import nn
    >>> print(torch_code(nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10)), epochs=5))
    import torch
    import torch.nn.functional as F
    from safetensors.torch import load_file
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset
    <BLANKLINE>
    torch.manual_seed(0)
    arrays = load_file("data.safetensors")
    data = TensorDataset(arrays["X"], arrays["y"])
    loader = DataLoader(data, batch_size=32, shuffle=True)
    <BLANKLINE>
    model = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10)).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    <BLANKLINE>
    history = []
    model.train()
    for epoch in range(5):
        total = 0.0
        for X, y in loader:
            optimizer.zero_grad()
            output = model(X)
            loss = F.cross_entropy(output, y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        history.append(total / len(loader))
        print(f"epoch {epoch + 1}: loss {history[-1]:.6f}")
    """
    check_is_ours("torch_code", model)
    chosen = _loss(model, loss)
    epochs = whole_number("torch_code", "epochs", epochs)
    batch_size = whole_number("torch_code", "batch_size", batch_size)
    seed = whole_number("torch_code", "seed", seed, least=0)
    lr = None if lr is None else real_number("torch_code", "lr", lr, least=0)
    true_or_false("torch_code", shuffle=shuffle, distributed=distributed)
    own = {_name_of(chosen): chosen} if _is_own(chosen) else {}
    written = checked("torch_code", model, others=own)
    check_model(model)
    if written.needs_weights and weights is None:
        raise ValueError("torch_code: this model has buffers of many numbers, which stand in a file: give weights=…")
    if weights is not None and not fspath(weights).endswith(".safetensors"):
        more = ", of model.to_sequential()" if is_scalar(model) else ""
        raise ValueError(f"torch_code: weights is a .safetensors file{more}, got {fspath(weights)!r}")
    inputs = _inputs(model)
    moving = _optimizer(model, written, optimizer, lr)
    criterion = _criterion(chosen, written)
    parts = [
        *written.definitions(),
        "\n".join(_data(written, inputs, chosen, data, batch_size, shuffle, seed, distributed)),
        "\n".join(_model(written, moving, weights, distributed)),
        "\n".join(_loop(inputs, criterion, epochs, distributed)),
    ]
    n = len(parts) - 3  # two blank lines around functions and classes, one between the parts of the script
    text = "\n\n\n".join([*parts[:n], "\n\n".join(parts[n:])])
    imports = _imports(text, distributed)
    return Program("\n".join(imports) + ("\n\n\n" if n and not written.constants else "\n\n") + text)


# -- what is trained, and how ----------------------------------------------------------------------------------------


def _loss(model: Module, loss: Any) -> Any:
    """The loss function, or module."""
    if loss is None:
        layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
        one = kind_of(model) in ("Sequential", "Linear") and bool(layers) and layers[-1].out_features == 1
        one |= isinstance(model, nn.MLP) and len(model.layers[-1].neurons) == 1
        loss = "mse" if one else "cross_entropy"
    return choices.loss_of(loss)


def _is_own(loss: Any) -> bool:
    """Whether it is a function of the reader's, to be translated."""
    return inspect.isfunction(loss) and id(loss) not in words.by_identity()


def _name_of(loss: Callable) -> str:
    """What a loss of the reader's is called: not as something that the program has itself."""
    return "criterion" if loss.__name__ in RESERVED else loss.__name__


def _criterion(chosen: Any, written: Written) -> str:
    """The call that computes the loss of (output, y)."""
    if _is_own(chosen):
        return f"{_name_of(chosen)}(output, y)"
    if not (id(chosen) in words.by_identity() or isinstance(chosen, _Loss)):
        raise ValueError(
            f"torch_code: the loss {chosen!r:.60} can't be written down: give a name, one of nn's, or a function (def)"
        )
    function = choices.kind_of(chosen)
    name = words.by_identity()[id(function)]
    if name == "hinge_loss":
        written.uses.add(name)
    target = "y" if function in choices.OF_CLASSES else "y.view_as(output)"
    settings = vars(chosen) if isinstance(chosen, _Loss) else {}
    usual = inspect.signature(function).parameters
    more = []
    for key, value in settings.items():
        if key not in usual:
            continue
        if hasattr(value, "tolist"):
            more.append(f"{key}=torch.tensor({words.literal(value.tolist())}).to(output)")
        elif value != usual[key].default:
            more.append(f"{key}={words.literal(value)}")
    if more and name == "hinge_loss":
        raise ValueError("torch_code: PyTorch has no hinge loss of this kind; the mean alone is written")
    return f"{name}({', '.join(['output', target, *more])})"


def _optimizer(model: Module, written: Written, optimizer: Any, lr: float | None) -> Any:
    """The call that makes the optimiser."""
    known = ", ".join(map(repr, choices.OPTIMIZERS))
    if isinstance(optimizer, str):
        if optimizer not in choices.OPTIMIZERS:
            raise ValueError(f"torch_code: no optimizer {optimizer!r}: choose one of {known}; or give one of optim's")
        optimizer = choices.OPTIMIZERS[optimizer](model.parameters())
    else:
        optimizer = choices.optimizer_of(optimizer, model)
    kind = type(optimizer).__name__
    if kind not in USUAL_RATE or not type(optimizer).__module__.endswith("optim.optimizers"):
        raise ValueError(f"torch_code: the optimizer {kind} isn't PyTorch's: choose one of {known}")
    groups = optimizer.param_groups
    usual = {p.name: p.default for p in inspect.signature(type(optimizer).__init__).parameters.values()}

    def settings(group: dict[str, Any], form: str) -> list[str]:
        found = {key: value for key, value in group.items() if key in usual and key != "params"}
        found["lr"] = found["lr"] if lr is None else lr
        unusual = [key for key in found if key == "lr" or found[key] != usual[key]]
        return [form.format(key, words.literal(found[key])) for key in unusual]

    if len(groups) == 1 and {*map(id, groups[0]["params"])} == {*map(id, model.parameters())}:
        return Call(f"torch.optim.{kind}(", ["model.parameters()", *settings(groups[0], "{}={}")])
    if is_scalar(model):
        raise ValueError("torch_code: groups of single Values can't be written: give an optimizer of all parameters")
    names = {id(p): reached(name) for name, p in model.named_parameters()}
    listed = []
    for group in groups:
        some = Call('"params": [', [names[id(p)] for p in group["params"] if id(p) in names], "]")
        listed.append(Call("{", [some, *settings(group, '"{}": {}')], "}"))
    return Call(f"torch.optim.{kind}(", [Call("[", listed, "]")])


def _inputs(model: Module) -> list[str]:
    """What the model is given: X, or the names of its forward's arguments where there are several."""
    if kind_of(model) is not None or is_scalar(model):
        return ["X"]
    parameters = list(inspect.signature(type(model).forward).parameters.values())[1:]
    given = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in parameters if p.default is p.empty and p.kind in given]
    if RESERVED & {*names}:  # as forward(self, x, y): y are the targets
        names = [f"X{i}" for i in range(len(names))]
    return names if len(names) > 1 else ["X"]


# -- the parts of the script -------------------------------------------------------------------------------------------


def _data(
    written: Written, inputs: list[str], loss: Any, path: Any, batch_size: int, shuffle: bool, seed: int, shared: bool
) -> list[str]:
    targets = 'arrays["y"]'
    if not _is_own(loss) and choices.kind_of(loss) not in choices.OF_CLASSES:
        targets += {"float64": ".double()", "float16": ".half()"}.get(str(written.dtype), ".float()")
    named = [f'arrays["{name}"]' for name in inputs]
    lines = [
        f"torch.manual_seed({words.literal(seed)})",
        f"arrays = load_file({words.literal(fspath(path))})",
        f"data = TensorDataset({', '.join([*named, targets])})",
    ]
    if not shared:
        return [*lines, f"loader = DataLoader(data, batch_size={batch_size}, shuffle={shuffle})"]
    return [
        'dist.init_process_group("gloo")  # "nccl" where each process has a graphics card',
        *lines,
        f"sampler = DistributedSampler(data, shuffle={shuffle})  # each process gets its share",
        f"loader = DataLoader(data, batch_size={batch_size} // dist.get_world_size(), sampler=sampler)",
    ]


def _model(written: Written, optimizer: Any, weights: Any, shared: bool) -> list[str]:
    loading = [] if weights is None else [f"model.load_state_dict(load_file({words.literal(fspath(weights))}))"]
    lines = [*written.making(), *loading, laid_out("optimizer = ", optimizer)]
    wrapped = "model = DistributedDataParallel(model)  # takes the mean of all processes' gradients in backward()"
    return [*lines, wrapped] if shared else lines


def _loop(inputs: list[str], criterion: str, epochs: int, shared: bool) -> list[str]:
    lines = [
        "history = []",
        "model.train()",
        f"for epoch in range({words.literal(epochs)}):",
        *(["    sampler.set_epoch(epoch)  # another order in each epoch"] if shared else []),
        "    total = 0.0",
        f"    for {', '.join([*inputs, 'y'])} in loader:",
        "        optimizer.zero_grad()",
        f"        output = model({', '.join(inputs)})",
        f"        loss = {criterion}",
        "        loss.backward()",
        "        optimizer.step()",
        "        total += loss.item()",
    ]
    if not shared:
        return [
            *lines,
            "    history.append(total / len(loader))",
            '    print(f"epoch {epoch + 1}: loss {history[-1]:.6f}")',
        ]
    return [
        *lines,
        "    mean = torch.tensor(total / len(loader), dtype=torch.float64)",
        "    dist.all_reduce(mean)  # the sum over all processes",
        "    history.append(mean.item() / dist.get_world_size())",
        "    if dist.get_rank() == 0:",
        '        print(f"epoch {epoch + 1}: loss {history[-1]:.6f}")',
        "dist.destroy_process_group()",
    ]


def _imports(text: str, shared: bool) -> list[str]:
    """What the text uses, sorted as tools sort imports."""
    uses = lambda name: re.search(rf"(?<![\w.]){name}\.[a-z]", text)
    lines = ["import math", ""] if uses("math") else []
    lines.append("import torch")
    if shared:
        lines.append("import torch.distributed as dist")
    if uses("F"):
        lines.append("import torch.nn.functional as F")
    lines += ["from safetensors.torch import load_file", "from torch import nn"]
    if shared:
        lines.append("from torch.nn.parallel import DistributedDataParallel")
    if any(f"class {kind}(WithLengths" in text for kind in RECURRENT):
        lines.append("from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence")
    lines.append("from torch.utils.data import DataLoader, TensorDataset")
    if shared:
        lines.append("from torch.utils.data.distributed import DistributedSampler")
    return lines
