"""from_torch: a model of PyTorch's as ours, for the layers that both have."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from ... import nn
from ...engine.tensor import Tensor
from ...nn import functional
from ...nn.module import Module
from .. import needed
from . import words
from .writing import odd


def from_torch(module: Any) -> Module:
    """Our model with the weights of a torch.nn.Module: the same outputs, under the same names.

    Taken are the layers that both have, in Sequentials as deep as you like, with weights, buffers, dtypes, what is
    frozen, each module's mode (train, eval), and parameters that are shared. Weights are copied.

    A class of somebody's own has a forward in PyTorch's words, which isn't translated: write the class here, with the
    same attributes, and let it `load_state_dict(module.state_dict())`.

    ValueError names all that has no counterpart, each with its place: "layers.3: BatchNorm3d". ModuleNotFoundError
    where torch isn't installed.

        model = from_torch(torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.Tanh()))
    """
    torch = needed("torch", "from_torch")
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"from_torch takes a torch.nn.Module, got {type(module).__name__}")
    reader = _Reader(torch)
    model = reader.read(module, "")
    if reader.problems:
        parts = "1 part" if len(reader.problems) == 1 else f"{len(reader.problems)} parts"
        listed = "\n  ".join(reader.problems)
        raise ValueError(f"from_torch: {parts} of this {type(module).__name__} have no counterpart here:\n  {listed}")
    return model


class _Reader:
    """Reads a module and all that is in it; what is shared is read once."""

    def __init__(self, torch: Any):
        from . import layers

        self.torch, self.layers = torch, layers
        self.problems: list[str] = []
        self.made: dict[int, Module] = {}
        self.tensors: dict[int, Tensor] = {}

    def _problem(self, place: str, what: str) -> None:
        self.problems.append(f"{place}: {what}" if place else what)

    def read(self, module: Any, place: str) -> Any:
        """Our module; None where there is none, which is noted."""
        if id(module) in self.made:
            return self.made[id(module)]
        kind = self._kind(module)
        if kind is None:
            self._unknown(module, place)
            return None
        if module._forward_hooks or module._forward_pre_hooks:
            self._problem(place, f"{kind} with hooks, which aren't carried over: remove them first")
        if kind == "Sequential":
            parts = [self.read(part, _joined(place, name)) for name, part in module._modules.items()]
            made: Any = nn.Sequential(*(part or nn.Identity() for part in parts))
            made.training = module.training
        else:
            made = self._layer(module, kind, place)
        self.made[id(module)] = made
        return made

    def _kind(self, module: Any) -> str | None:
        """The name of our layer: for PyTorch's own, and for those that to_torch made."""
        cls = type(module)
        if cls is self.torch.nn.Sequential:
            return "Sequential"
        for source in (self.torch.nn, self.layers):
            if cls.__name__ in words.LAYERS and getattr(source, cls.__name__, None) is cls:
                return cls.__name__
        return None

    def _unknown(self, module: Any, place: str) -> None:
        cls = type(module)
        theirs = cls.__module__.startswith("torch.")
        parts = list(module._modules.items())
        own = "" if theirs else " has a forward of its own: write the class here, and load_state_dict(its state_dict())"
        self._problem(place, f"{cls.__name__}{own}")
        for name, part in parts:  # to name all of it at once
            if not theirs or cls.__name__ in ("ModuleList", "ModuleDict"):
                self.read(part, _joined(place, name))

    def _layer(self, module: Any, kind: str, place: str) -> Any:
        before = len(self.problems)
        for name, only in words.ONLY.get(kind, {}).items():
            if (value := getattr(module, name)) is not only and value != only:
                self._problem(place, f"{kind} with {name}={value!r:.40}")
        if kind in ("Softmax", "LogSoftmax") and module.dim is None:
            self._problem(place, f"{kind} without dim: say which axis")
        if kind == "Softplus" and module.threshold < 20:
            self._problem(place, f"Softplus with threshold={module.threshold}")
        for problem in odd(module, kind):
            self._problem(place, f"{kind}: {problem}".replace("PyTorch's layer", "ours"))
        numbers = self._numbers(module, kind, place)
        if len(self.problems) > before:
            return None
        try:
            made = self._made(module, kind, numbers, place)
        except (ValueError, TypeError) as error:
            self._problem(place, str(error))
            return None
        self._fill(made, module, numbers)
        return made

    def _numbers(self, module: Any, kind: str, place: str) -> dict[str, np.ndarray]:
        found = {}
        for name, tensor in module.state_dict(keep_vars=True).items():
            try:
                found[name] = tensor.detach().cpu().numpy()
            except (TypeError, RuntimeError, NotImplementedError):
                self._problem(place, f"{kind}: {name} is {tensor.dtype}, which NumPy has not: module.float() first")
        return found

    def _made(self, module: Any, kind: str, numbers: dict[str, np.ndarray], place: str) -> Any:
        arguments, settings = words.settings_of(kind, module)
        options = arguments | settings
        known = inspect.signature(getattr(nn, kind).__init__).parameters
        if "activation" in options:
            options["activation"] = self._activation(options["activation"], place)
        if "dtype" in known:
            floats = [array.dtype for array in numbers.values() if array.dtype.kind == "f"]
            options["dtype"] = floats[0] if floats else np.float32
        if "seed" in known:
            options["seed"] = 0  # of its own: nothing is drawn
        return getattr(nn, kind)(**options)

    def _activation(self, function: Any, place: str) -> Any:
        """Of a Transformer's layer: a function, or a module."""
        if isinstance(function, self.torch.nn.Module):
            return self.read(function, f"{place}.activation") or functional.relu
        name = getattr(function, "__name__", "")
        places = (self.torch.nn.functional, self.torch)
        if name in words.FUNCTIONAL and any(getattr(there, name, None) is function for there in places):
            return getattr(functional, name)
        raise ValueError(f"the activation {name or function!r:.60} isn't one of ours")

    def _fill(self, made: Any, module: Any, numbers: dict[str, np.ndarray]) -> None:
        made.load_state_dict(numbers)
        there = dict(module.named_parameters(remove_duplicate=False))
        for name, mine in list(made._state()):
            if name not in there:
                continue
            mine.requires_grad = there[name].requires_grad
            known = self.tensors.setdefault(id(there[name]), mine)
            if known is not mine:  # a parameter that is shared
                *path, last = name.split(".")
                owner = made
                for piece in path:
                    owner = getattr(owner, piece)
                setattr(owner, last, known)
        modes = {name: part.training for name, part in module.named_modules()}
        for name, part in made.named_modules():
            part.training = modes.get(name, module.training)


def _joined(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
