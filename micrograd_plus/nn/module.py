"""Module: something with parameters that can be called. It knows no layer, and needs no NumPy."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import CellType
from typing import Any

from ..engine.graph import Node, Operand, order
from ..engine.visible import visible


class Module:
    """The base of every network: parameters are found by walking its attributes, lists and dicts.

    Write `forward(self, x)` in a subclass, keep Values, Tensors or other modules as attributes, and call it. Leaf
    Values and Tensors are parameters; NumPy arrays are buffers: saved, not trained (unless named with a leading
    underscore: those are the module's own affair). A single number is a setting, Python's or NumPy's: not saved.

    >>> from micrograd_plus import Value
    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.intercept = Value(2.0), Value(1.0)
    ...     def forward(self, x):
    ...         return self.slope * x + self.intercept
    >>> Line()(3.0), [name for name, _ in Line().named_parameters()]
    (Value(data=7.0, grad=0.0), ['slope', 'intercept'])
    """

    training = True  # False after eval(): dropout and the like behave as in use
    is_summary_row = False  # True: summary() counts this module as one, however many there are in it
    _forward_hooks: tuple[Callable, ...] = ()
    _composed: bool | None = None  # whether there are modules in it, found out once: an empty slot is slow to ask

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What calling the module computes."""
        raise NotImplementedError(f"{type(self).__name__} needs a method forward(self, x) that says what it computes")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The output of forward, shown to the hooks."""
        y = self.forward(*args, **kwargs) if kwargs else self.forward(*args)  # no dict where there is nothing in it
        if self._forward_hooks:
            for hook in self._forward_hooks:
                replaced = hook(self, args, y)
                y = y if replaced is None else replaced
        if not isinstance(y, Node):
            _note_call(y, self, args)
        elif y.op is not None and not (args and y is args[0]):  # an input handed through was made elsewhere
            if self._composed is None:
                self._composed = bool(self.children())
            y.made_in = (self, args, getattr(y, "made_in", None) if self._composed else None)
        return y

    def register_forward_hook(self, hook: Callable) -> Callable[[], None]:
        """Call `hook(module, args, output)` after each forward; what it returns (if anything) replaces the output.

        Returns a function that removes the hook.
        """
        if not callable(hook):
            raise TypeError(f"register_forward_hook takes a function hook(module, args, output), got {hook!r:.40}")
        self._forward_hooks = (*self._forward_hooks, hook)

        def remove() -> None:
            self._forward_hooks = tuple(h for h in self._forward_hooks if h is not hook)

        return remove

    # -- what it is made of --------------------------------------------------------------------------------------

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all modules in it, with their names ("" for this one), each once."""
        seen: set[int] = set()
        for name, thing in _walk(self, prefix, seen):
            if isinstance(thing, Module):
                yield name, thing

    def modules(self) -> list[Module]:
        """This module and all modules in it."""
        return [module for _, module in self.named_modules()]

    def children(self) -> list[Module]:
        """The modules directly in this one."""
        found = [thing for key, value in vars(self).items() for _, thing in _flat(value, key)]
        return [thing for thing in found if isinstance(thing, Module)]

    def named_parameters(self) -> Iterator[tuple[str, Any]]:
        """Every parameter with its name ("0.weight"), each once, in the order in which the attributes were set."""
        for name, thing in _walk(self, "", set()):
            if isinstance(thing, Node) and thing.op is None:
                yield name, thing

    def parameters(self) -> list[Any]:
        """Every parameter: Values or Tensors, what an optimiser changes."""
        return [p for _, p in self.named_parameters()]

    def lost_parameters(self) -> list[str]:
        """Attributes that were computed, as in Tensor(…) * 0.1, and so are no parameters: nothing would train them."""
        known = {id(p) for p in self.parameters()}
        lost = []
        for name, thing in _walk(self, "", set()):
            computed = isinstance(thing, Node) and thing.op is not None
            if computed and not any(id(leaf) in known for leaf in order(thing)):
                lost.append(name)
        return lost

    def zero_grad(self) -> None:
        """Forget all gradients: without this they add up from one backward() to the next."""
        for p in self.parameters():
            p.grad = p.no_gradient  # p.zero_grad(), without a call for each

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Freeze (False) or thaw (True) all parameters: a frozen one gets no gradient."""
        if not isinstance(requires_grad, bool):
            raise TypeError(f"requires_grad_ takes True or False, got {requires_grad!r:.40}")
        for p in self.parameters():
            p.requires_grad = requires_grad
        return self

    def train(self, mode: bool = True) -> Module:
        """Switch to training: dropout drops, batch norm measures."""
        if not isinstance(mode, bool):
            raise TypeError(f"train() takes True or False, got {mode!r:.40}: data goes into the training loop, or fit")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Switch to use: the same input gives the same output."""
        return self.train(False)

    def apply(self, function: Callable[[Module], Any]) -> Module:
        """Call `function(module)` on every module in this one, inner ones first."""
        if not callable(function):
            raise TypeError(f"apply takes a function of a module, got {type(function).__name__} {function!r:.40}")
        for module in reversed(self.modules()):
            function(module)
        return self

    # -- saving and loading ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All numbers, by name: floats for Values, arrays (copies) for Tensors and buffers."""
        return {name: _copied(_numbers(thing)) for name, thing in self._state()}

    def load_state_dict(self, state: dict[str, Any], strict: bool = True) -> Module:
        """Take over the numbers of `state`. ValueError names every missing, unexpected and misshapen key.

        With strict=False what is missing or unexpected is passed over; a wrong shape is still an error. Nothing is
        changed when there is an error.
        """
        if not isinstance(state, Mapping):
            raise TypeError(
                f"load_state_dict takes numbers by their names, as state_dict() gives them; got {type(state).__name__}"
            )
        own, new = dict(self._state()), {}
        problems = []
        if strict:
            there = {id(own[name]) for name in own if name in state}  # what is shared has another name as well
            problems += [f"missing: {name}" for name in own if name not in state and id(own[name]) not in there]
            problems += [f"unexpected: {name}" for name in state if name not in own]
        for name in [name for name in own if name in state]:
            have, want = _shape(state[name]), _shape(own[name])
            if have != want:
                problems.append(f"wrong shape: {name} is {want} here, {have} in the state")
                continue
            try:
                new[name] = _converted(state[name], own[name])
            except (TypeError, ValueError):
                problems.append(f"not numbers: {name} is {state[name]!r:.60} in the state")
            except FloatingPointError:
                problems.append(f"numbers that {own[name].dtype}, which {name} is here, has no place for")
        if problems:
            listed = "\n  ".join(problems)
            raise ValueError(f"this state doesn't fit {type(self).__name__}:\n  {listed}")
        for name, numbers in new.items():
            if isinstance(own[name], Node):
                own[name].data = numbers
            else:
                own[name][...] = numbers
        return self

    def _state(self) -> Iterator[tuple[str, Any]]:
        names: set[str] = set()
        for name, thing in _walk(self, "", set(), repeat=True):
            if (isinstance(thing, Node) and thing.op is None) or _is_array(thing):
                if name in names:
                    raise ValueError(
                        f"{type(self).__name__} has two parameters (or arrays) of the name {name!r}: one would be lost "
                        "in a state_dict. Give the entries of its dicts names that differ as texts, without dots"
                    )
                names.add(name)
                yield name, thing

    def scalar_twin(self) -> Any:
        """A copy whose every weight is a Value: the same code, computed number by number.

        Its output, loss and gradients agree with this module's to rounding; its graph shows every scalar step.
        Parameters of Values stay what they are. Tensors need NumPy, so this does too.
        """
        from ..engine.twin import ValueArray  # at first use: Values alone need no NumPy

        self._refuse_functions_that_hold_it()
        memo: dict[int, Any] = {}
        for name, p in self.named_parameters():
            if hasattr(p, "numpy"):
                memo[id(p)] = twin = ValueArray.leaves(p.numpy(), label=name)
                for v in twin.values.flat:
                    v.requires_grad = p.requires_grad
        return copy.deepcopy(self, memo)

    def _refuse_functions_that_hold_it(self) -> None:
        """TypeError for a lambda (or an inner function) that would go on with this module's own parameters."""
        parts = {id(thing) for _, thing in _walk(self, "", set())}
        for name, module in self.named_modules():
            for key, thing in [item for start, value in vars(module).items() for item in _flat(value, start)]:
                cells = getattr(thing, "__closure__", None) or ()
                if any(cell != CellType() and id(cell.cell_contents) in parts for cell in cells):  # not an empty one
                    raise TypeError(
                        f"scalar_twin() copies the module, but {f'{name}.{key}'.lstrip('.')} is a function that holds "
                        "the module itself or a parameter, and would go on with its Tensors: make it a method"
                    )

    # -- how it looks -----------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands in the brackets of this module's repr."""
        return ""

    def __repr__(self) -> str:
        found = [item for key, value in vars(self).items() for item in _flat(value, key)]
        parts = [f"({visible(name)}): {thing!r}" for name, thing in found if isinstance(thing, Module)]
        inner = [part.replace("\n", "\n  ") for part in parts]
        if not inner:
            return f"{type(self).__name__}({self.extra_repr()})"
        return f"{type(self).__name__}(\n  " + "\n  ".join(inner) + "\n)"

    def summary(self, *example: Any) -> Summary:
        """A table of the layers and their number of parameters; with an example input also the shapes.

        >>> from micrograd_plus.nn import MLP
        >>> print(MLP(3, [4, 4, 1]).summary())
        layer          kind    parameters
        layers.0       Layer           16
        layers.1       Layer           20
        layers.2       Layer            5
        MLP                            41
        """
        return Summary(self, example)


def functional_call(module: Module, parameters: dict[str, Any], args: Any = ()) -> Any:
    """What module(*args) gives with these parameters in place of its own: a function of them, for grad, hvp, hessian.

    parameters: Values, Tensors or arrays by their names, as named_parameters() has them; those left out are the
    module's own. args: a tuple, or the one argument. During the call the module holds them (other threads wait for
    their turn to do the same); then it is as it was, running statistics included. ValueError for names that the module
    doesn't have, and for other shapes. As torch.func.functional_call.

    >>> from micrograd_plus import Value, grad
    >>> from micrograd_plus.nn import Neuron
    >>> neuron = Neuron(1, nonlin=False)
    >>> grad(lambda w: functional_call(neuron, {"w.0": w}, [3.0]) ** 2)(2.0) == 2 * 3.0 * (2.0 * 3.0 + neuron.b.data)
    True
    """
    if not isinstance(module, Module):
        raise TypeError(f"functional_call takes a module, then its parameters by name; got {module!r:.40}")
    if not isinstance(parameters, Mapping):
        raise TypeError(f"functional_call takes a dict of parameters by name, got {parameters!r:.40}")
    with _EXCHANGING:
        own = dict(module._state())
        for name, p in parameters.items():
            if not isinstance(own.get(name), Node):
                raise ValueError(f"functional_call: {type(module).__name__} has no parameter {name!r}: {_listed(own)}")
            if _shape(p) != _shape(own[name]):
                raise ValueError(f"functional_call: {name} has shape {_shape(own[name])}, and is given {_shape(p)}")
        with _holding(module, {id(own[name]): p for name, p in parameters.items()}):
            return module(*(args if isinstance(args, tuple) else (args,)))


_EXCHANGING = threading.RLock()  # one exchange at a time


@contextmanager
def _holding(module: Module, others: dict[int, Any]) -> Iterator[None]:
    """Meanwhile `others` stand where the parameters with these ids are; then everything is back where it was."""
    attributes = [(vars(part), dict(vars(part))) for part in module.modules()]
    arrays = [(thing, thing.copy()) for _, thing in module._state() if not isinstance(thing, Node)]
    undo: list[tuple] = []
    try:
        for now, _ in attributes:
            _exchanged(now, others, undo)
        yield
    finally:
        for holder, key, thing in reversed(undo):
            holder[key] = thing
        for now, before in attributes:  # a forward may have set some
            for name in now.keys() - before.keys():
                del now[name]
            now.update(before)
        for array, numbers in arrays:
            if array.flags.writeable:
                array[...] = numbers


def _exchanged(thing: Any, others: dict[int, Any], undo: list[tuple]) -> Any:
    """What stands in place of `thing`. Lists and dicts stay, as others may hold them: their entries are exchanged."""
    if id(thing) in others:
        return others[id(thing)]
    if isinstance(thing, tuple):
        parts = [_exchanged(part, others, undo) for part in thing]
        same = all(a is b for a, b in zip(parts, thing, strict=True))
        return thing if same else type(thing)(*parts) if hasattr(thing, "_fields") else tuple(parts)
    holder = thing.values.reshape(-1) if isinstance(thing, Operand) and hasattr(thing, "values") else thing
    if isinstance(thing, (list, dict)) or holder is not thing:  # the latter is a scalar twin's array of Values
        for key, part in list(holder.items() if isinstance(thing, dict) else enumerate(holder)):
            new = _exchanged(part, others, undo)
            if new is not part:
                undo.append((holder, key, part))
                holder[key] = new
    return thing


def _listed(state: dict[str, Any]) -> str:
    names = [name for name, thing in state.items() if isinstance(thing, Node)]
    return "its parameters are " + ", ".join(names[:12]) + (" …" if len(names) > 12 else "")


class Summary:
    """The table that `Module.summary` gives: print it."""

    def __init__(self, model: Module, example: tuple):
        shapes: dict[int, str] = {}
        if example:
            from ..engine.graph import no_grad

            def note(module: Module, args: tuple, y: Any) -> None:
                shapes[id(module)] = str(_shape(y))

            removers = [module.register_forward_hook(note) for module in model.modules()]
            modes = [(module, module.training) for module in model.modules()]
            try:
                with no_grad():
                    model.eval()(*example)
            finally:
                for module, training in modes:
                    module.training = training
                for remove in removers:
                    remove()
        layers: list[tuple[str, Module]] = []
        for name, module in model.named_modules():
            inside = any(name.startswith(f"{row}.") for row, _ in layers[-1:])
            if name and not inside and (module.is_summary_row or not module.children()):
                layers.append((name, module))
        self.rows = [(name, type(m).__name__, shapes.get(id(m), ""), _n_parameters(m)) for name, m in layers]
        self.total = _n_parameters(model)
        self.name = type(model).__name__
        self.has_shapes = bool(shapes)

    def __str__(self) -> str:
        rows = [("layer", "kind", "output shape", "parameters"), *self.rows, (self.name, "", "", self.total)]
        keep = (0, 1, 2, 3) if self.has_shapes else (0, 1, 3)
        texts = [[f"{row[i]:,}" if isinstance(row[i], int) else str(row[i]) for i in keep] for row in rows]
        widths = [max(len(text[i]) for text in texts) for i in range(len(keep))]
        widths[0] = max(widths[0], 12)
        lines = []
        for text in texts:
            cells = [t.ljust(w) for t, w in zip(text[:-1], widths[:-1], strict=True)] + [text[-1].rjust(widths[-1])]
            lines.append(visible("   ".join(cells).rstrip()).replace("\n", "\\n"))
        return "\n".join(lines)

    __repr__ = __str__


def _n_parameters(module: Module) -> int:
    return sum(getattr(p, "size", 1) for p in module.parameters())


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """What an attribute holds: itself, or what is in its lists and dicts, with dotted names."""
    if isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from _flat(item, f"{name}.{i}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}")
    else:
        yield name, value


def _walk(module: Module, prefix: str, seen: set[int], repeat: bool = False) -> Iterator[tuple[str, Any]]:
    """Modules, nodes and buffers in `module`, itself first; each once, or if `repeat` under all the names it has."""
    if id(module) in seen:
        return
    seen.add(id(module))
    yield prefix, module
    for key, attribute in vars(module).items():
        for name, thing in _flat(attribute, key):
            full = f"{prefix}.{name}" if prefix else name
            if isinstance(thing, Module):
                yield from _walk(thing, full, seen, repeat)
            elif isinstance(thing, Node):
                if repeat or id(thing) not in seen:
                    seen.add(id(thing))
                    yield full, thing
            elif isinstance(thing, Operand) and hasattr(thing, "values"):  # a scalar twin's array of Values
                for index, v in enumerate(thing.values.flat):
                    if repeat or id(v) not in seen:
                        seen.add(id(v))
                        yield f"{full}.{index}", v
            elif _is_array(thing) and not key.startswith("_"):
                yield full, thing
    if repeat:
        seen.remove(id(module))  # only a module inside itself is passed over


def _is_array(thing: Any) -> bool:
    """Whether it is a NumPy array. A single number of NumPy's is none: it can't be changed where it stands."""
    return hasattr(thing, "setflags") and hasattr(thing, "__setitem__")


def _note_call(output: Any, module: Module, args: tuple) -> None:
    """Note on the nodes of a list, dict or twin array which call made them, unless a call inside has done so."""
    output = list(output.values()) if isinstance(output, dict) else output
    parts = output if output.__class__ in (list, tuple) else output.values.flat if hasattr(output, "values") else ()
    for i, node in enumerate(parts):
        if not isinstance(node, Node) or node.op is None:
            continue
        inner = getattr(node, "made_in", None)
        if inner is None or i == 0:  # the first also tells of the calls around: that is how the whole model is found
            node.made_in = (module, args, inner)
        else:
            return


def _numbers(thing: Any) -> Any:
    return thing.data if isinstance(thing, Node) else thing


def _copied(data: Any) -> Any:
    return data.copy() if hasattr(data, "copy") else float(data)


def _converted(numbers: Any, like: Any) -> Any:
    """A copy of the numbers as `like` has them: a float for a Value, else an array of its dtype."""
    if not hasattr(like, "dtype"):
        return float(_numbers(numbers))
    import numpy as np

    array = np.asarray(_numbers(numbers))
    with np.errstate(over="raise", invalid="raise", under="ignore"):  # 1e300 to float32, nan to a whole number
        converted = np.array(array, dtype=like.dtype)  # in two steps: PyTorch's tensors know no copy=
    if array.dtype.kind not in "biuf" or (like.dtype.kind in "iub" and not np.array_equal(converted, array)):
        raise FloatingPointError  # a half, cut to a whole number
    return converted


def _shape(thing: Any) -> tuple:
    if isinstance(thing, tuple) and thing and getattr(thing[0], "shape", None):
        return tuple(thing[0].shape)  # (output, state) of a recurrent layer, (output, weights) of attention
    if isinstance(thing, (list, tuple)):
        return (len(thing), *_shape(thing[0])) if thing else (0,)
    return tuple(getattr(thing, "shape", ()))
