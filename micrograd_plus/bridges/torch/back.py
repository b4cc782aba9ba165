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
        have = "has" if len(reader.problems) == 1 else "have"
        raise ValueError(f"from_torch: {parts} of this {type(module).__name__} {have} no counterpart here:\n  {listed}")
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
        if module is None:
            self._problem(place, "None, which is no layer")
            return None
        kind = self._kind(module)
        if kind is None:
            self._unknown(module, place)
            return None
        if kind == "Sequential":
            made: Any = self._sequential(module, place)
        else:
            made = self._layer(module, kind, place)
        self.made[id(module)] = made
        return made

    def _sequential(self, module: Any, place: str) -> Any:
        self._changes(module, "Sequential", place)
        if other := [name for i, name in enumerate(module._modules) if name != str(i)]:
            self._problem(place, f"Sequential with a part called {other[0]!r}: make it Sequential(*itself), numbered")
        for name in [*module._parameters, *module._buffers]:
            self._problem(place, f"Sequential with {name!r}, which is no layer")
        parts = [self.read(part, _joined(place, name)) for name, part in module._modules.items()]
        made = nn.Sequential(*(nn.Identity() if part is None else part for part in parts))
        made.training = module.training
        return made

    def _changes(self, module: Any, kind: str, place: str) -> None:
        """What was hung on a module, or put into it, and would be lost."""
        hooks = [hook for name in _HOOKS for hook in getattr(module, name).values()]
        if hooks:
            named = ", ".join(getattr(hook, "__name__", type(hook).__name__) for hook in hooks)
            self._problem(place, f"{kind} with hooks ({named}), which aren't carried over: remove them first")
        if "forward" in vars(module):
            self._problem(place, f"{kind} with a forward of this one module's own")
        for name, p in module._parameters.items():
            if p is not None and (p._backward_hooks or p._post_accumulate_grad_hooks):
                self._problem(place, f"{kind}: hooks on the gradient of {name} aren't carried over: remove them first")

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
        if cls.__module__ == "torch.nn.utils.parametrize":
            named = ", ".join(module.parametrizations)
            self._problem(
                place, f"{cls.__mro__[1].__name__} with its {named} parametrized: remove_parametrizations first"
            )
            return
        parts = [(name, part) for name, part in module._modules.items() if part is not None]
        own = "" if theirs else " has a forward of its own: write the class here, and load_state_dict(its state_dict())"
        self._problem(place, f"{cls.__name__}{own}")
        for name, part in parts:  # to name all of it at once
            if not theirs or cls.__name__ in ("ModuleList", "ModuleDict"):
                self.read(part, _joined(place, name))

    def _layer(self, module: Any, kind: str, place: str) -> Any:
        before = len(self.problems)
        for name, part in module.named_modules():
            self._changes(part, type(part).__name__, _joined(place, name))
            if not type(part).__module__.startswith(("torch.nn.modules.", self.layers.__name__)):
                self._problem(_joined(place, name), f"{type(part).__name__} inside of PyTorch's {kind}")
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
            own = dict(made._state())
            differ = [f"without {name}" for name in own if name not in numbers]
            differ += [f"with {name}" for name in numbers if name not in own]
            if differ:  # by a setting that ours doesn't know: bias=False, pos_weight
                raise ValueError(f"{kind} {', '.join(differ)}")
            self._fill(made, module, numbers)
        except (ValueError, TypeError) as error:
            self._problem(place, " ".join(str(error).split()))  # in one line
            return None
        return made

    def _numbers(self, module: Any, kind: str, place: str) -> dict[str, np.ndarray]:
        found = {}
        for name, tensor in module.state_dict(keep_vars=True).items():
            try:
                found[name] = tensor.detach().cpu().numpy()
                if found[name].dtype.kind == "c":
                    self._problem(place, f"{kind}: {name} is {tensor.dtype}, and here all numbers are real")
            except (TypeError, RuntimeError, NotImplementedError) as error:
                why = f"{name} is {tensor.dtype}, which NumPy has not: module.float() first"
                if hasattr(np, str(tensor.dtype).removeprefix("torch.")):  # then it is something else: a meta device
                    why = f"{name}: {str(error).splitlines()[0]}"
                self._problem(place, f"{kind}: {why}")
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


_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def _joined(*names: str) -> str:
    return ".".join(filter(None, names))
