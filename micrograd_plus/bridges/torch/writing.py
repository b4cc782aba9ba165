"""A model of ours, written down in PyTorch: its classes, the line that makes it, and the names of its numbers."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable
from typing import Any

import numpy as np

from ... import nn
from ...engine.graph import Node
from ...nn.module import Module
from . import words
from .functions import Translation
from .sharing import afterwards, is_scalar, things_in
from .text import ATTENDING, RECURRENT, Call, alike, flat, in_file_order, indented, laid_out, one_line, texts_of_layers

CAUSAL = {"is_causal", "tgt_is_causal", "memory_is_causal", "**"}
MOST_WRITTEN = 64  # numbers of a buffer that are written out in the program
FEW = 8  # numbers of a parameter of the reader's own that are


class Written:
    """The text of a model: `definitions()` stand before it, `making()` are the lines that make it.

    others: functions that are written along, by name. numbers: {PyTorch's name: array} of all that the model holds.
    problems: what can't be written.
    """

    def __init__(self, model: Module, others: dict[str, Callable] | None = None):
        self.model = model
        self.problems: list[str] = []
        self.numbers: dict[str, np.ndarray] = {}
        self.tracked: dict[str, bool] = {}  # requires_grad, by the same names
        self.helpers: set[str] = set()  # of layers.py
        self.functions: dict[str, Translation] = {}
        self.constants: dict[str, Any] = {}
        self.uses: set[str] = set()
        self.needs_weights = False  # without their file, some buffers can't be filled
        self._texts: dict[tuple[type, str], str] = {}  # name of a class, by what was written for it
        self._classes: list[str] = []
        self._methods: dict[type, dict[str, Translation]] = {}
        self._open: list[int] = []  # modules that are being written: one inside itself has no text
        self._known = {name for module in model.modules() for name in vars(module)}
        self._taken = {*RESERVED, *texts_of_layers()}
        for name, function in (others or {}).items():
            self._function(name, function)
        for module in model.modules():
            if kind_of(module) is None and not is_scalar(module):
                self._read(type(module))
        keywords = set().union(*(t.keywords for t in self._translations()))
        self._causal, self._lengths = bool(keywords & CAUSAL), bool(keywords & {"lengths", "**"})
        self.line = self._expression(model, "", "")
        hooked = [name for name, p in model.named_parameters() if p.hooks]
        self.problems += [f"{name}: hooks on its gradient aren't carried over: remove them first" for name in hooked]
        self.after = afterwards(self)

    def _translations(self) -> list[Translation]:
        return [*self.functions.values(), *(t for methods in self._methods.values() for t in methods.values())]

    # -- the reader's own code -------------------------------------------------------------------------------------

    def _read(self, cls: Any) -> None:
        """forward, and the methods that it calls, in PyTorch's words."""
        if cls in self._methods:
            return
        methods = self._methods[cls] = {}
        if cls.__module__.startswith("micrograd_plus.nn."):
            self.problems.append(f"{cls.__name__} is ours alone: PyTorch has no such layer")
            return
        if cls.__call__ is not Module.__call__:
            self.problems.append(f"{cls.__name__} has a __call__ of its own: write it as forward")
        waiting = ["forward"] if cls.forward is not Module.forward else []
        while waiting:
            name = waiting.pop(0)
            function = inspect.getattr_static(cls, name)
            if not inspect.isfunction(function):
                self.problems.append(f"{cls.__name__}.{name} is a {type(function).__name__}: write it as a method")
                continue
            translation = methods[name] = Translation(function, self._known)
            self._note(translation, f"{cls.__name__}.")
            new = [n for n in sorted(translation.own) if n not in methods and n not in waiting and _is_code(cls, n)]
            waiting += new

    def _note(self, translation: Translation, where: str = "") -> None:
        self.problems += [where + problem for problem in translation.problems]
        self.uses |= translation.uses
        for used in translation.uses & set(texts_of_layers()):
            self.helpers.add(used)
        for name, value in translation.constants.items():
            if name in RESERVED or self.constants.setdefault(name, value) != value:
                self.problems.append(f"{where}{translation.name}: there are two things called {name}: rename one")
        for name, function in translation.helpers.items():
            self._function(name, function)

    def _function(self, name: str, function: Callable) -> None:
        if name in self.functions:
            if self.functions[name].function is not function:
                self.problems.append(f"there are two functions called {name}: rename one")
            return
        if name in self._taken:
            self.problems.append(f"a function called {name}, which the program uses itself: rename it")
        self.functions[name] = translation = Translation(function, self._known, name)
        self._note(translation)

    # -- modules ---------------------------------------------------------------------------------------------------

    def _problem(self, place: str, what: str) -> None:
        self.problems.append(f"{place or type(self.model).__name__}: {what}")

    def _expression(self, module: Any, place: str, prefix: str) -> Any:
        """The text that makes this module."""
        if not isinstance(module, Module):
            return self._of_a_function(module, place)
        if id(module) in self._open:
            self._problem(place, f"{type(module).__name__} contains itself")
            return "..."
        if module._forward_hooks:
            self._problem(place, "forward hooks aren't carried over: remove them first")
        if "forward" in vars(module):
            self._problem(place, f"this {type(module).__name__} has a forward of its own: write a class with it")
        self._open.append(id(module))
        try:
            if is_scalar(module):
                return self._of_scalars(module, place, prefix)
            kind = kind_of(module)
            if kind == "Sequential":
                return self._sequential(module, place, prefix)
            if kind is None:
                return self._own_class(module, place, prefix)
            return self._layer(module, kind, place, prefix)
        finally:
            self._open.pop()

    def _of_a_function(self, function: Any, place: str) -> str:
        there = words.by_identity().get(id(function), "")
        module = words.MODULES.get(there.split(".")[-1])
        if module is None:
            name = getattr(function, "__name__", type(function).__name__)
            self._problem(place, f"the function {name} in a Sequential: make it a Module with a forward")
            return "..."
        return module

    def _layer(self, layer: Module, kind: str, place: str, prefix: str) -> Call:
        """One of our layers: PyTorch's of the same name, with the same settings."""
        self._keep(layer, prefix)
        for problem in odd(layer, kind):
            self._problem(place, f"{kind}: {problem}")
        arguments, settings = words.settings_of(kind, layer)
        usual = defaults_of(kind, arguments)
        parts = [self._setting(place, kind, key, value) for key, value in arguments.items()]
        for key, value in settings.items():
            if key == "activation":
                text = self._activation(value, place)
                if text != '"relu"':
                    parts.append(f"activation={text}")
            elif key in words.ALWAYS_NAMED.get(kind, ()) or value != usual[key]:
                parts.append(f"{key}={self._setting(place, kind, key, value)}")
        parts += [words.MORE[kind]] if kind in words.MORE else []
        ours = kind in words.OURS_ALONE
        ours |= self._causal and kind in ATTENDING
        ours |= self._lengths and kind in RECURRENT
        if ours:
            self.helpers.add(kind)
        return Call(f"{kind if ours else f'nn.{kind}'}(", parts)

    def _setting(self, place: str, kind: str, key: str, value: Any) -> str:
        try:
            return words.literal(value)
        except TypeError as error:
            self._problem(place, f"{kind}: {key}: {error}")
            return "..."

    def _activation(self, function: Any, place: str) -> str:
        if isinstance(function, Module):
            return flat(self._expression(function, f"{place}.activation", f"{place}.activation."))
        there = words.by_identity().get(id(function))
        if there in ("F.relu", "F.gelu"):
            return f'"{there[2:]}"'
        if there is None:
            self._problem(place, f"the activation {getattr(function, '__name__', function)!s:.60} has no counterpart")
            return "..."
        if there == "F.softplus":
            return words.MODULES["softplus"]
        self.uses.add(there.split(".")[0])
        return there

    def _sequential(self, module: Any, place: str, prefix: str) -> Call:
        parts = []
        for name, part in vars(module).items():
            if name.isdigit():
                parts.append(self._expression(part, _joined(place, name), f"{prefix}{name}."))
            elif isinstance(part, (Module, Node)):
                self._problem(_joined(place, name), "a Sequential with more than its numbered parts: write a class")
        return Call("nn.Sequential(", alike(parts, "*"))

    def _of_scalars(self, module: Any, place: str, prefix: str) -> Any:
        """Neurons of single numbers: Linear layers with the same weights."""
        layers = module.layers if isinstance(module, nn.MLP) else [module]
        rows: list[tuple[nn.Linear, str]] = []
        seen: set[int] = set()
        for layer in layers:
            neurons = layer.neurons if isinstance(layer, nn.Layer) else [layer]
            if len({n.activation for n in neurons}) > 1:
                self._problem(place, "neurons of one layer with different activations: a Linear layer has one for all")
            if len({p.requires_grad for n in neurons for p in n.parameters()}) > 1:
                self._problem(place, "a layer with some of its numbers frozen: in a Linear layer it's all or none")
            values = [id(p) for n in neurons for p in n.parameters()]
            if len({*values}) < len(values) or seen & {*values}:
                self._problem(place, "a Value that is used for two weights: those of a Linear layer are apart")
            seen |= {*values}
            linear = nn.Linear(len(neurons[0].w), len(neurons), seed=0)
            linear.weight.data = np.array([[w.data for w in n.w] for n in neurons])
            linear.bias.data = np.array([n.b.data for n in neurons])  # type: ignore[union-attr]
            linear.requires_grad_(neurons[0].b.requires_grad)
            rows.append((linear, neurons[0].activation))
        parts: list[Any] = []
        for linear, activation in rows:
            parts.append(self._layer(linear, "Linear", place, f"{prefix}{len(parts)}."))
            if activation != "linear":
                parts.append(words.MODULES[activation])
        return Call("nn.Sequential(", parts)

    def _own_class(self, module: Module, place: str, prefix: str) -> str:
        """A class of the reader's: what it holds, as it is now, and its translated methods."""
        cls = type(module)
        methods = self._methods[cls]
        used = set().union(*(t.own for t in methods.values())) if methods else set()
        lines = []
        for name, value in vars(module).items():
            if name in ("training", "_composed", "_forward_hooks"):
                continue
            line = self._attribute(name, value, name in used, _joined(place, name), f"{prefix}{name}")
            if line is not None:
                lines.append(line)
        for name in sorted(used - vars(module).keys() - methods.keys() - {*dir(Module)}):
            if _is_code(cls, name):
                continue  # which is known to be a problem
            if hasattr(cls, name):  # a setting of the class
                lines.append(self._attribute(name, getattr(cls, name), True, _joined(place, name), "") or "")
            else:
                self._problem(place, f"self.{name} is used in forward, and isn't an attribute of this {cls.__name__}")
        doc = one_line(cls.__dict__.get("__doc__"))
        body = [f'    """{doc}"""\n'] if doc else []
        body.append("\n".join(["    def __init__(self):", "        super().__init__()", *lines]) + "\n")
        body += [indented(methods[name].text) + "\n" for name in self._in_order(methods)]
        text = "\n".join(body)
        if (cls, text) not in self._texts:
            name = self._texts[cls, text] = self._free(cls.__name__)
            self._classes.append(f"class {name}(nn.Module):\n{text}")
        return f"{self._texts[cls, text]}()"

    def _in_order(self, methods: dict[str, Translation]) -> list[str]:
        """The methods as they stand in their class."""
        line = lambda name: methods[name].function.__code__.co_firstlineno
        return sorted(methods, key=line)

    def _free(self, name: str) -> str:
        """A name for a class that nothing else has."""
        if not name.isidentifier() or keyword.iskeyword(name):
            name = "Model"
        number, chosen = 1, name
        while chosen in self._taken or chosen in self._texts.values() or chosen in self.functions:
            number += 1
            chosen = f"{name}{number}"
        return chosen

    # -- attributes ------------------------------------------------------------------------------------------------

    def _attribute(self, name: str, value: Any, used: bool, place: str, full: str) -> str | None:
        """The line of __init__ for one attribute; None for what the forward pass has no use for."""
        if not name.isidentifier() or keyword.iskeyword(name):
            self._problem(place, "no name for an attribute in PyTorch")
            return None
        if name in OF_MODULES and name not in vars(Module):
            self._problem(place, f"PyTorch's modules have a method called {name}: rename the attribute")
            return None
        before = f"        self.{name} = "
        inside = [thing for _, thing in things_in(value)]
        if isinstance(value, np.ndarray):
            return self._buffer(name, value, used, place, full)
        if any(isinstance(thing, (Module, Node)) for thing in inside):
            return laid_out(before, self._held(value, place, full))
        if not used:
            return None
        if (there := words.by_identity().get(id(value))) is not None:  # self.activation = F.relu
            if there == "F.softplus":
                return before + words.MODULES["softplus"]
            self.uses.add(there.split(".")[0])
            return before + there
        if any(isinstance(thing, np.ndarray) for thing in inside):
            self._problem(place, "arrays in a list: make each an attribute")
            return None
        try:
            return before + words.literal(value)
        except TypeError:
            self._problem(place, f"self.{name} is used in forward, and a {type(value).__name__} can't be written down")
            return None

    def _held(self, value: Any, place: str, full: str) -> Any:
        """A module, a parameter, or a list or dict of either."""
        if isinstance(value, Module):
            return self._expression(value, place, f"{full}.")
        if isinstance(value, Node):
            return self._parameter(value, place, full)
        kinds = {isinstance(thing, Module) for _, thing in things_in(value)}
        if len(kinds) > 1 or not all(isinstance(thing, (Module, Node)) for _, thing in things_in(value)):
            self._problem(place, "a list or dict with modules and other things in it: keep them apart")
            return "..."
        what = "Module" if kinds.pop() else "Parameter"
        if isinstance(value, dict):
            wrong = [key for key in value if not str(key).isidentifier()]
            if wrong:
                self._problem(place, f"the key {wrong[0]!r} in a dict of modules: PyTorch takes names alone")
            pairs = ((str(key), self._held(item, f"{place}.{key}", f"{full}.{key}")) for key, item in value.items())
            return Call(f"nn.{what}Dict({{", [Call(f'"{key}": ', [item], "") for key, item in pairs], "})")
        parts = [self._held(item, f"{place}.{i}", f"{full}.{i}") for i, item in enumerate(value)]
        same = alike(parts, "")
        return Call(f"nn.{what}List(", same) if same is not parts else Call(f"nn.{what}List([", parts, "])")

    def _parameter(self, node: Any, place: str, full: str) -> str:
        if node.op is not None:
            self._problem(place, "computed from something else, so it is no parameter: detach() it, or make it afresh")
            return "..."
        numbers = np.asarray(node.data)
        self.numbers[full], self.tracked[full] = numbers, node.requires_grad
        shape = ", ".join(map(str, numbers.shape))
        first = numbers.flat[0] if numbers.size else 0
        if (numbers == first).all() and first in (0, 1) and numbers.shape:
            return f"nn.Parameter(torch.{'ones' if first else 'zeros'}({shape}))"
        if numbers.size <= FEW:
            return f"nn.Parameter(torch.tensor({words.literal(numbers.astype(float).tolist())}))"
        mean, spread = numbers.mean(), numbers.std()
        around = f"{mean:.2g} + " if abs(mean) > spread else ""  # drawn afresh, as widely as here
        return f"nn.Parameter({around}{spread:.2g} * torch.randn({shape}))"

    def _buffer(self, name: str, array: np.ndarray, used: bool, place: str, full: str) -> str | None:
        kept = not name.startswith("_")
        if array.dtype.kind not in "fiub":
            self._problem(place, f"an array of dtype {array.dtype}: PyTorch has numbers alone")
            return None
        if not kept and not used:
            return None
        if kept:
            self.numbers[full] = array
        if array.size > MOST_WRITTEN:
            if not kept:
                self._problem(place, f"an array of {array.size} numbers that isn't saved: call it {name.lstrip('_')!r}")
            text = f"torch.zeros({', '.join(map(str, array.shape))}, dtype=torch.{array.dtype})"
            if array.any():
                self.needs_weights = True
        else:
            text = f"torch.tensor({words.literal(array.tolist())}, dtype=torch.{array.dtype})"
            text = text.replace(", dtype=torch.bool)", ")").replace(
                ", dtype=torch.int64)", ")"
            )  # seen from the numbers
        text = text.replace(", dtype=torch.float32)", ")")  # the usual one
        more = "" if kept else ", persistent=False"
        return f'        self.register_buffer("{name}", {text}{more})'

    def _keep(self, layer: Module, prefix: str) -> None:
        """The numbers of one of our layers: PyTorch has them under the same names."""
        for name, thing in layer._state():
            self.numbers[prefix + name] = np.asarray(thing.data if isinstance(thing, Node) else thing)
            if isinstance(thing, Node):
                self.tracked[prefix + name] = thing.requires_grad

    @property
    def dtype(self) -> np.dtype:
        """The dtype of most of its parameters; float32 where there are none."""
        sizes: dict[np.dtype, int] = {}
        for name in self.tracked or self.numbers:
            array = self.numbers[name]
            if array.dtype.kind == "f":
                sizes[array.dtype] = sizes.get(array.dtype, 0) + array.size
        return max(sizes, key=sizes.__getitem__) if sizes else np.dtype(np.float32)

    @property
    def cast(self) -> str:
        """What makes PyTorch's float32 this model's dtype."""
        return {"float32": "", "float64": ".double()", "float16": ".half()"}.get(str(self.dtype), "")

    # -- all of it ---------------------------------------------------------------------------------------------------

    def definitions(self, helpers: bool = True) -> list[str]:
        """What stands before the model's line: constants, PyTorch's missing layers, functions, classes."""
        blocks = []
        if self.constants:
            blocks.append("\n".join(f"{name} = {words.literal(value)}" for name, value in self.constants.items()))
        if helpers:
            blocks += in_file_order(self.helpers)
            if "hinge_loss" in self.uses:
                blocks.append(words.HINGE.strip())
        blocks += [translation.text for translation in reversed(self.functions.values())]
        return [*blocks, *(text.rstrip() for text in self._classes)]

    def making(self) -> list[str]:
        """The lines that make the model."""
        return [laid_out("model = ", self.line, self.cast), *self.after]


OF_MODULES = set(  # methods that PyTorch's modules have and ours have not: an attribute would hide them
    """
    T_destination add_module bfloat16 buffers call_super_init compile cpu cuda double dump_patches float get_buffer
    get_extra_state get_parameter get_submodule half ipu mtia named_buffers named_children register_buffer
    register_module register_parameter set_extra_state set_submodule share_memory to to_empty type xpu
    """.split()
)
RESERVED = set(
    """
    torch nn F math os dist model optimizer loader sampler data arrays history epoch total output loss load_file
    DataLoader TensorDataset DistributedSampler DistributedDataParallel X y hinge_loss pack_padded_sequence
    pad_packed_sequence inputs mean
    """.split()
)


def kind_of(module: Module) -> str | None:
    """Which of our layers this is, by the forward that it runs; None for a class of the reader's own."""
    cls: Any
    for cls in type(module).__mro__:
        if cls.__name__ in (*words.LAYERS, "Sequential") and getattr(nn, cls.__name__, None) == cls:
            return cls.__name__ if type(module).forward is cls.forward else None
    return None


def defaults_of(kind: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What PyTorch's layer takes for each setting unless told: from ours, whose defaults are the same."""
    usual = {name: p.default for name, p in inspect.signature(getattr(nn, kind).__init__).parameters.items()}
    if "Pool" in kind and "stride" in usual:
        usual["stride"] = arguments["kernel_size"]
    if kind == "MultiheadAttention":
        usual["kdim"] = usual["vdim"] = arguments["embed_dim"]
    return usual


def odd(layer: Any, kind: str) -> list[str]:
    """What of a layer was changed by hand into something that its constructor doesn't make."""
    if not kind.startswith("Transformer"):
        return []
    parts = getattr(layer, "_modules", vars(layer))
    named = lambda kind: [part for part in parts.values() if type(part).__name__ == kind]
    problems = []
    dropped = [part.p for part in named("Dropout")] + [part.dropout for part in named("MultiheadAttention")]
    if len({*dropped}) > 1:
        problems.append(f"its dropouts are {sorted({*dropped})}: PyTorch's layer takes one for all")
    norms = [part for name, part in parts.items() if name.startswith("norm") and name != "norm_first"]
    if named("LayerNorm") != norms or len({norm.eps for norm in norms}) > 1:
        problems.append("its norms are no LayerNorms, or differ: PyTorch's layer takes one kind")
    return problems


def _is_code(cls: type, name: str) -> bool:
    """Whether self.name is a method or property of the reader's own."""
    thing = inspect.getattr_static(cls, name, None)
    return (
        not hasattr(Module, name)
        and (callable(thing) or isinstance(thing, (property, staticmethod, classmethod)))
        and id(thing) not in words.by_identity()
    )


def _joined(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
