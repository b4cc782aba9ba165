"""To ONNX: a file that other programs run (onnxruntime, browsers, phones), without Python and without this package.

The forward pass is recorded on an example, row by row of the tables, and each row is written as operators of ONNX. So
it works for any Module that computes with Tensors, not for a list of layers. Needs the packages onnx and onnxruntime:
`pip install "micrograd_plus[onnx]"`.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ...engine.graph import Node, Operand, no_grad
from ...engine.tensor import Tensor
from ...nn.module import Module
from ...nn.scalar import MLP, Layer, Neuron
from ...training.whole import write_whole
from .batches import Sized, for_any_size, for_one_size
from .errors import OneSizeOnly
from .errors import OnnxError as OnnxError
from .recording import arrays_in, in_place_of, record, where
from .translation import Translation
from .writer import DTYPES, kind_of

# Operators as of December 2023: onnxruntime 1.17 and later. 17 brought LayerNormalization, 18 the reductions that are
# used here, 20 Gelu.
OPSET, IR_VERSION = 20, 9
PROBES = (5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43)  # sizes of a batch to record with: unusual as other sizes
ACCURATE = 1e-3  # what is further off than this was translated wrongly; float32 alone brings some 1e-7 to 1e-5


@dataclass(frozen=True)
class Exported:
    """What to_onnx wrote.

    inputs, outputs: the shape of each by its name, "batch" where any size will do. any_batch: whether it will; if not,
    why_one_size says why. difference: the largest distance of an output of onnxruntime from the model's own, relative
    to numbers above 1; None where onnxruntime isn't installed, so that the file was checked but not run.
    """

    path: Path
    inputs: dict[str, tuple]
    outputs: dict[str, tuple]
    any_batch: bool
    why_one_size: str
    difference: float | None

    def __str__(self) -> str:
        shapes = lambda part: ", ".join(f"{n} ({', '.join(map(str, s))})" for n, s in part.items())
        lines = [f"{self.path}: {shapes(self.inputs)} → {shapes(self.outputs)}"]
        lines += [f"for this size of the batch alone: {self.why_one_size}"] * (not self.any_batch)
        run = "onnxruntime is not installed: not run" if self.difference is None else (
            f"run in onnxruntime: at most {self.difference:.1e} from the model's own numbers")  # fmt: skip
        return "\n".join([*lines, run])

    __repr__ = __str__


def to_onnx(model: Module, example: Any, path: str | PathLike, *, overwrite: bool = False) -> Exported:
    """Write what `model` computes as an ONNX file, check it, and run it once beside the model.

    example: what the model is called with, an array or a Tensor; a tuple for several arguments, a dict for keywords.
    Whole numbers stay whole (int64), floats become float32 in the file, whatever the model computes with. What is no
    array (None, True, 3) stays in the program as it is. path: ends in .onnx; overwrite=True replaces a file of that
    name, in one move and only when the new one has been checked.

    Parameters are called as in state_dict(), except where a layer wants them otherwise (the gates of LSTM and GRU are
    sorted, and say so in their name); nodes are called after the modules that they were made in. The first axis of the
    inputs is taken for the batch: the pass is recorded at two sizes of it, and where both are the same program, the
    file holds for any. Otherwise it holds for the example's sizes, a warning says why, and so does the result.

    The model is to be in eval() mode. A scalar nn.MLP, Layer or Neuron is written as its to_sequential(), for a batch
    of samples. What the forward pass decides by numbers in the input (if x.sum() > 0) stays as in the example: a
    warning says where.

    Returns an Exported. OnnxError (a ValueError) for what can't be written, with all unsupported parts at once;
    FileExistsError; ImportError without the package onnx. An error leaves no file, and an old one as it was.

    >>> from micrograd_plus import nn
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).eval()
    >>> print(to_onnx(model, np.zeros((1, 4)), "model.onnx"))  # doctest: +SKIP
    model.onnx: x (batch, 4) → output (batch, 3)
    run in onnxruntime: at most 3.0e-08 from the model's own numbers
    """
    path = _checked_path(path, overwrite)
    onnx = _onnx()
    name = type(model).__name__ if isinstance(model, Module) else ""
    model = _as_arrays(model)
    _refuse_training(model)
    args, kwargs = _arguments(example)
    call = Example(args, kwargs, _input_names(model, args, kwargs))
    why = ""
    try:
        translation, proto, difference = _written(onnx, model, call, name, _for_any_batch(model, call))
    except OneSizeOnly as reason:
        why = str(reason)
        translation, proto, difference = _written(onnx, model, call, name, _for_the_example(model, call), why)
    for scope in translation.sized.program.asked:
        _warn(
            f"to_onnx: {where(scope)} goes on by numbers of the input (if …): the file holds for inputs that answer as "
            "this example does"
        )
    if why:
        _warn(f"to_onnx: {path.name} holds for inputs of the example's shapes alone: {why}")
    write_whole(path, [proto.SerializeToString()])
    shapes = lambda part: {info.name: tuple(d.dim_param or d.dim_value for d in info.type.tensor_type.shape.dim)
                           for info in part}  # fmt: skip
    return Exported(path, shapes(proto.graph.input), shapes(proto.graph.output), not why, why, difference)


def _onnx() -> Any:
    try:
        return import_module("onnx")
    except ImportError as error:
        raise ImportError(
            'to_onnx needs the package onnx (and onnxruntime, to run the file): pip install "micrograd_plus[onnx]"'
        ) from error


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=3)


def _description(name: str, why: str) -> str:
    text = f"{name}, written by micrograd_plus. Numbers are float32; parameters are named as in the model's state_dict."
    return f"{text} It holds for these shapes alone: {why}." if why else f"{text} The batch may have any size."


# -- what is given -------------------------------------------------------------------------------------------------


def _checked_path(path: str | PathLike, overwrite: bool) -> Path:
    path = Path(path)
    if path.suffix != ".onnx":
        raise OnnxError(f"to_onnx: the path must end in .onnx, by which other programs know the format; got {path}")
    if path.is_dir():
        raise OnnxError(f"to_onnx: {path} is a folder: give the path of a file in it, {path / 'model.onnx'}")
    if path.exists() and not overwrite:
        raise FileExistsError(f"to_onnx: {path} exists: give another path, or overwrite=True to replace it")
    return path


def _as_arrays(model: Any) -> Module:
    """The model; a network of single neurons as the same network on arrays."""
    if isinstance(model, MLP):
        return model.to_sequential().eval()
    if isinstance(model, Layer | Neuron):
        from ...nn.convert import as_sequential

        neurons = [model] if isinstance(model, Neuron) else model.neurons
        weights = [[w.data for w in n.w] for n in neurons]
        return as_sequential([(weights, [n.b.data for n in neurons], neurons[0].activation)]).eval()
    if not isinstance(model, Module):
        raise OnnxError(
            f"to_onnx: a model is an nn.Module, got {type(model).__name__}. For a function write a Module whose "
            "forward calls it"
        )
    if any(isinstance(p, Node) and not isinstance(p, Tensor) for p in model.parameters()):
        raise OnnxError(
            f"to_onnx: {type(model).__name__} holds single numbers (Values), and a file holds arrays. Give the model "
            "of Tensors (the one that a scalar twin was made of); an nn.MLP, Layer or Neuron may be given as it is"
        )
    return model


def _refuse_training(model: Module) -> None:
    """OnnxError for modules in training mode that compute something else there. Nothing has run yet."""
    found = [
        f"{path or 'the model'} ({type(module).__name__})"
        for path, module in model.named_modules()
        if module.training and (_drops(module) or getattr(module, "track_running_stats", False))
    ]
    if found:
        raise OnnxError(
            f"to_onnx: {', '.join(found)} computes otherwise in training mode (dropout drops, batch norm measures): "
            "call model.eval() first"
        )


def _drops(module: Module) -> bool:
    p = vars(module).get("p", vars(module).get("dropout"))
    return isinstance(p, (int, float)) and p > 0


def _arguments(example: Any) -> tuple[tuple, dict[str, Any]]:
    """The arguments and keywords of the call, with lists of numbers as arrays."""
    args, kwargs = (), {}
    if isinstance(example, dict):
        kwargs = {str(key): _as_given(x) for key, x in example.items()}
    else:
        args = tuple(_as_given(x) for x in (example if isinstance(example, tuple) else (example,)))
    pieces = list(arrays_in((args, kwargs)))
    if not pieces:
        raise OnnxError(
            f"to_onnx: there is no array in the example {example!r:.80}: give what the model is called with"
        )
    for x in pieces:
        if isinstance(x, Operand) and not isinstance(x, Tensor):
            raise OnnxError(f"to_onnx: the example holds a {type(x).__name__}: give an array, or a Tensor")
        if x.dtype.kind not in "fiub":
            raise OnnxError(f"to_onnx: the example has an array of {x.dtype}: give real numbers or booleans")
        if 0 in x.shape:
            raise OnnxError(f"to_onnx: the example has an array of shape {x.shape}: give one with numbers in it")
    return args, kwargs


def _as_given(x: Any) -> Any:
    if isinstance(x, list) and not any(isinstance(part, (np.ndarray, Node)) for part in x):
        return np.asarray(x)
    if isinstance(x, np.generic):
        return np.asarray(x)
    return type(x)([_as_given(part) for part in x]) if isinstance(x, (tuple, list)) else x


def _input_names(model: Module, args: tuple, kwargs: dict[str, Any]) -> list[str]:
    """A name for each array of the arguments: that of forward's parameter, numbered where there are several in it."""
    try:
        bound = inspect.signature(model.forward).bind(*args, **kwargs).arguments
    except TypeError as error:
        raise OnnxError(
            f"to_onnx: {type(model).__name__}.forward can't be called with this example: {error}. Several arguments "
            "are a tuple, keywords a dict"
        ) from None
    names = []
    for name, x in bound.items():
        pieces = len(list(arrays_in(x)))
        names += [name] if pieces == 1 else [f"{name}_{i}" for i in range(pieces)]
    return names


# -- recording -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Example:
    """What the model is called with, and what each of the arrays in it is called."""

    args: tuple
    kwargs: dict[str, Any]
    names: list[str]

    @property
    def arrays(self) -> list[Any]:
        """The arrays and Tensors, in order."""
        return list(arrays_in((self.args, self.kwargs)))

    def of_size(self, n: int) -> Example:
        """The same with n samples: its own, again and again."""
        others: Iterator[Any] = iter([_resized(x, n) for x in self.arrays])
        args, kwargs = in_place_of((self.args, self.kwargs), others)
        return Example(args, kwargs, self.names)

    def run(self, model: Module) -> list[Any]:
        """The arrays that the model gives for it."""
        with no_grad():
            return list(arrays_in(model(*self.args, **self.kwargs)))


def _resized(x: Any, n: int) -> Any:
    array = x.numpy() if isinstance(x, Tensor) else x
    array = array[np.arange(n) % len(array)]
    return Tensor(array, requires_grad=False) if isinstance(x, Tensor) else array


def _for_any_batch(model: Module, call: Example) -> Sized:
    """The program for a batch of any size. OneSizeOnly where there is none."""
    call.run(model)  # an example that doesn't fit raises the layer's own error
    n, m = _two_sizes(model, call.arrays)
    try:
        a, b = (record(model, each.args, each.kwargs, each.names) for each in (call.of_size(n), call.of_size(m)))
    except (OnnxError, OneSizeOnly):
        raise
    except Exception as error:  # the forward pass itself refuses another size
        raise OneSizeOnly(f"another size of the first axis is refused: {_shortened(error)}") from None
    return for_any_size(a, b, n, m)


def _shortened(error: Exception, most: int = 120) -> str:
    text = str(error)
    return text if len(text) <= most else f"{text[:most]}…"


def _for_the_example(model: Module, call: Example) -> Sized:
    return for_one_size(record(model, call.args, call.kwargs, call.names))


def _two_sizes(model: Module, arrays: list) -> tuple[int, int]:
    """Two sizes that nothing else has. OneSizeOnly where the inputs have no first axis in common."""
    firsts = {x.shape[0] if x.ndim else None for x in arrays}
    if None in firsts:
        raise OneSizeOnly("an input of it is a single number, which has no axes")
    if len(firsts) > 1:
        raise OneSizeOnly("its inputs have first axes of different sizes, so that is no batch")
    taken = {n for p in model.parameters() for n in p.shape} | {n for x in arrays for n in x.shape[1:]}
    n, m, *_ = [size for size in PROBES if size not in taken] + [101, 103]
    return n, m


# -- writing and checking ------------------------------------------------------------------------------------------


def _written(
    onnx: Any, model: Module, call: Example, name: str, sized: Sized, why: str = ""
) -> tuple[Translation, Any, float | None]:
    """The translated program, the file's contents, checked, and how far from the model's numbers it is."""
    translation = Translation(sized, model)
    translation.run()
    proto = translation.model_proto(name, _description(name, why), OPSET, IR_VERSION)
    try:
        onnx.checker.check_model(proto, full_check=True)
    except Exception as error:
        raise OnnxError(f"to_onnx: what was written is no valid ONNX, which is a bug of to_onnx: {error}") from error
    return translation, proto, _difference(proto, model, call, [] if why else [1, 2, 3])


def _difference(proto: Any, model: Module, call: Example, sizes: list[int]) -> float | None:
    """The largest difference between onnxruntime's outputs and the model's, on the example and at other sizes."""
    try:
        runtime = import_module("onnxruntime")
    except ImportError:
        return None
    session = runtime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    worst = _distance(call.run(model), _run(session, call))
    for size in sizes:
        other, ours = call.of_size(size), None
        with suppress(Exception):  # a size that the model itself refuses
            ours = other.run(model)
        if ours is not None:
            worst = max(worst, _distance(ours, _run(session, other)))
    coarsest = max(np.finfo(x.dtype).eps if x.dtype.kind == "f" else 0.0 for x in call.run(model))
    if worst < max(ACCURATE, 50 * coarsest):
        return worst
    if sizes:
        raise OneSizeOnly("for some sizes of the batch the model gives something else than for others")
    raise OnnxError(
        f"to_onnx: in onnxruntime this gives other numbers than the model (off by {worst:.2g}). Does forward give the "
        "same output each time? If it does, and its numbers fit in float32, this is a bug of to_onnx"
    )


def _run(session: Any, call: Example) -> list[np.ndarray]:
    used = {each.name for each in session.get_inputs()}
    feed = {name: _for_file(x) for name, x in zip(call.names, call.arrays, strict=True) if name in used}
    return session.run(None, feed)


def _distance(ours: list, theirs: list[np.ndarray]) -> float:
    """The largest distance of two numbers; inf for arrays of other shapes."""
    return max(_distance_of(_for_file(a), b) for a, b in zip(ours, theirs, strict=True))


def _for_file(x: Any) -> np.ndarray:
    array = np.asarray(x.numpy() if isinstance(x, Tensor) else x)
    return np.ascontiguousarray(array, DTYPES[kind_of(array.dtype)]).reshape(array.shape)


def _distance_of(a: np.ndarray, b: np.ndarray) -> float:
    """The largest |a - b|; of numbers above 1 relative to them; inf for other shapes, and where one isn't finite."""
    if a.shape != b.shape:
        return np.inf
    with np.errstate(invalid="ignore"):
        apart = np.abs(a.astype(float) - b) / np.maximum(np.abs(a), 1)
    same = (a == b) | (np.isnan(a) & np.isnan(b)) if a.dtype.kind == "f" else a == b
    return float(np.nan_to_num(np.where(same, 0.0, apart), nan=np.inf).max(initial=0.0))


__all__ = ["Exported", "OnnxError", "to_onnx"]
