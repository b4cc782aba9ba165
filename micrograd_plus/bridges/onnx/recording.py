"""The forward pass as a straight program: which rows, on which arrays, inside which module.

It is `compile`'s recorder that writes it down (tape/array_recorder.py); here it also notes the module of each step.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine.graph import Operand, no_grad, watched_by
from ...engine.tensor import Tensor
from ...nn import embedding, recurrent
from ...nn.module import Module
from ...tape.array_recorder import ArrayRecorder
from ...tape.array_tape import ArrayTape
from ...tape.followed import Followed, OtherKind, everything
from ...tape.recorder import CompileError
from .errors import OnnxError

CALL = Module.__call__.__code__
# Functions of ours that look at the numbers they are given in order to refuse wrong ones, and for nothing else.
ONLY_CHECK = {embedding._checked.__code__, recurrent._check_lengths.__code__}


@dataclass
class Program:
    """One forward pass: the tape, and what its slots and steps are called."""

    tape: ArrayTape
    inputs: dict[str, int]  # the slot of each input, by its name
    outputs: list[str]  # the names of the tape's outputs
    scopes: list[str]  # for each step the path of the module that it was made in ("" for the model itself)
    asked: list[str]  # modules that went on by the numbers they were given


class ScopeRecorder(ArrayRecorder):
    """The recorder of `compile`, which also notes in which module each step is made."""

    def __init__(self, model: Module):
        super().__init__(f"{type(model).__name__}.forward")
        self.paths = {id(module): path for path, module in model.named_modules()}
        self.scopes: list[str] = []
        self.went_by: list[str] = []

    def made(self, *args: Any) -> None:
        """A row of the table was applied."""
        super().made(*args)
        self._note()

    def host(self, *args: Any) -> Any:
        """NumPy computed something."""
        y = super().host(*args)
        self._note()
        return y

    def numbers(self, *args: Any) -> Any:
        """`t.numpy()`."""
        y = super().numbers(*args)
        self._note()
        return y

    def drawn(self, draw: Any) -> Any:
        """Refuse: an ONNX file is for use."""
        raise OnnxError(
            f"to_onnx: {where(self.scope())} draws random numbers, as dropout does while training. A file for use "
            "gives the same output for the same input: call model.eval() first"
        )

    def asked(self, x: Followed, how: Any) -> Any:
        """The forward pass wants to know a number, to go on by it."""
        if not any(frame.f_code in ONLY_CHECK for frame in _frames()):
            if how is everything:
                raise OnnxError(
                    f"to_onnx: {where(self.scope())} takes the numbers out of an array (int(x), x.item(), a loop over "
                    "them …), so they would stand in the file as they are in this example. Compute with the array "
                    "itself, or do this part outside of the model, and give its result as an input"
                )
            self.went_by.append(self.scope())
        return super().asked(x, how)

    def scope(self) -> str:
        """The path of the innermost module that is being called."""
        found = (self.paths.get(id(frame.f_locals["self"])) for frame in _frames() if frame.f_code is CALL)
        return next((path for path in found if path is not None), "")

    def _note(self) -> None:
        self.scopes += [self.scope()] * (len(self.steps) - len(self.scopes))


def where(scope: str) -> str:
    """A module in a message."""
    return f"module {scope!r}" if scope else "the model's own forward"


def record(model: Module, args: tuple, kwargs: dict[str, Any], names: list[str]) -> Program:
    """Run the model once on these arguments, and write down what it computes. OnnxError where that can't be followed.

    names: what each of the arrays among the arguments is called, in their order.
    """
    recorder = ScopeRecorder(model)
    pieces = list(arrays_in((args, kwargs)))
    stand_ins = iter([recorder.give_piece(x, "tensor" if isinstance(x, Tensor) else "array") for x in pieces])
    given_args, given_kwargs = in_place_of((args, kwargs), stand_ins)
    try:
        with watched_by(recorder), no_grad():
            result = model(*given_args, **given_kwargs)
    except OtherKind:
        raise OnnxError(
            f"to_onnx: {type(model).__name__} computes with single numbers (Values), and a file with arrays: compute "
            "with Tensors"
        ) from None
    except CompileError as error:
        raise OnnxError(f"to_onnx: this forward pass can't be followed: {error}") from None
    outputs = dict(_named(result, "output"))
    if not outputs:
        raise OnnxError(
            f"to_onnx: {type(model).__name__} gives {type(result).__name__}, in which there is no array: forward must "
            "return Tensors (or tuples, lists, dicts of them)"
        )
    tape = recorder.tape([_known(recorder, y) for y in outputs.values()])
    inputs = {name: slot for name, slot in zip(names, tape.given, strict=True) if slot is not None}
    return Program(tape, inputs, list(outputs), recorder.scopes, sorted(set(recorder.went_by)))


def _known(recorder: ScopeRecorder, y: Any) -> Any:
    """An output as the recorder knows it; an array that doesn't depend on the input becomes a Tensor."""
    return y if isinstance(y, (Tensor, Followed)) else Tensor(y, requires_grad=False)


def _named(result: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The arrays in what a model returned, with a name for each."""
    if isinstance(result, dict):
        for key, part in result.items():
            yield from _named(part, str(key))
    elif isinstance(result, (tuple, list)):
        for i, part in enumerate(result):
            yield from _named(part, f"{name}_{i}")
    elif isinstance(result, (Tensor, Followed, np.ndarray, np.generic)):
        yield name, result


def arrays_in(x: Any) -> Iterator[Any]:
    """The arrays and Tensors in nested tuples, lists and dicts."""
    if isinstance(x, (np.ndarray, np.generic, Operand)):
        yield x
    elif isinstance(x, (tuple, list)):
        for part in x:
            yield from arrays_in(part)
    elif isinstance(x, dict):
        yield from arrays_in(list(x.values()))


def in_place_of(x: Any, others: Iterator[Any]) -> Any:
    """The same structure with others in place of its arrays."""
    if isinstance(x, (np.ndarray, np.generic, Operand)):
        return next(others)
    if isinstance(x, (tuple, list)):
        return type(x)([in_place_of(part, others) for part in x])
    if isinstance(x, dict):
        return {key: in_place_of(part, others) for key, part in x.items()}
    return x


def _frames() -> Iterator[Any]:
    """The calls that we are in, innermost first."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back
