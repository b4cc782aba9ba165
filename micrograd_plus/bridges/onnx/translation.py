"""From the recorded program to a graph of ONNX: one step after the other, and what is constant is computed at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine import array_ops, ops
from ...engine.graph import Many, Op
from ...nn.losses import SUMMED_TABLE, fused_cross_entropy
from ...nn.module import Module
from ...tape.array_tape import Slot, Step, slots_in
from .batches import Batch, Sized, by_axis
from .calls import Call, Joined
from .errors import OnnxError, Unsupported
from .fused import FUSED
from .numpys import from_numpy
from .recording import where
from .rows import ROWS, pointwise, sum_of_many
from .writer import Wire, Writer, kind_of

LOSSES = {fused_cross_entropy, *SUMMED_TABLE.values()}
SIZE = "batch"  # what the size of the batch is called in the file


class Translation:
    """A program on its way: for each slot its numbers if they are constant, or its value in the graph."""

    def __init__(self, sized: Sized, model: Module):
        self.sized, self.writer = sized, Writer()
        self.shapes = sized.shapes
        self.kinds = {slot: kind_of(dtype) for slot, (_, dtype) in sized.program.tape.like.items() if dtype is not None}
        # Numbers and name of what is the same in every run; without the axes along which it is repeated.
        self.known: dict[int, tuple[np.ndarray, str]] = {}
        self.wires: dict[int, Any] = {}  # a Wire, or several that are Joined
        self.expands: dict[int, Any] = {}  # for a slot that repeats another one: that
        self.problems: list[str] = []
        self.buffers = {name: x for name, x in model._state() if isinstance(x, np.ndarray)}
        self._name_leaves(model)

    def _name_leaves(self, model: Module) -> None:
        tape = self.sized.program.tape
        named = {id(p): name for name, p in model.named_parameters()}
        for slot, leaf in tape.leaves.items():
            array = leaf.numpy()
            self.known[slot] = array, named.get(id(leaf)) or leaf.label or self.buffer(array) or "constant"
        for slot, constant in self.sized.constants.items():
            self.known[slot] = np.asarray(constant), self.buffer(constant)
        for name, slot in self.sized.program.inputs.items():
            self.wires[slot] = Wire(self.writer, self.writer.free(name), self.kinds[slot])
            sizes = self.shapes[slot]
            axis = next((i for i, n in enumerate(sizes) if isinstance(n, Batch) and n.times == 1), None)
            if axis is not None:
                self.writer.batch = name, axis

    def buffer(self, x: Any) -> str:
        """The name of the model's buffer that has these numbers, this module's first; "" if there is none."""
        same = [n for n, b in self.buffers.items() if b.shape == np.shape(x) and b.size and bool((b == x).all())]
        here = [n for n in same if n.rpartition(".")[0] == self.writer.scope]
        return (here or same or [""])[0]

    # -- what functions that write a row ask ----------------------------------------------------------------------

    def wire(self, slot: int, compact: bool = False) -> Wire:
        """What is in this slot, as a value of the graph. compact: a constant that is repeated may stand as it is."""
        if slot in self.known:
            array, name = self.known[slot]
            wire = self.writer.constant(array, name, kind=self.kinds[slot])
            whole = compact or np.shape(array) == self.shapes[slot]
            return wire if whole else self.writer.expanded(wire, self.shapes[slot])
        found = self.wires[slot]
        if isinstance(found, Joined):
            self.wires[slot] = found = found.whole()
        return found

    def joined(self, operand: Any) -> Joined | None:
        """What is in this slot, if it is several values that are not joined yet."""
        found = self.wires.get(operand.number) if isinstance(operand, Slot) else None
        return found if isinstance(found, Joined) else None

    def before_expand(self, operand: Any) -> Any:
        """What an operand repeats, or the operand itself."""
        return self.expands.get(operand.number, operand) if isinstance(operand, Slot) else operand

    # -- step by step ---------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Write every step. OnnxError names all those that can't be."""
        needed = self._needed()
        for step, scope in zip(self.sized.steps, self.sized.program.scopes, strict=True):
            if step.y not in needed:
                continue
            if step.function is array_ops.expand:
                self.expands[step.y] = self.before_expand(step.operands[0])
            if not self._is_known(step):
                self._write(step, scope)
        if self.problems:
            listed = "\n  ".join(dict.fromkeys(self.problems))
            raise OnnxError(f"to_onnx: some of this model has no counterpart in an ONNX file:\n  {listed}")

    def _needed(self) -> set[int]:
        """The slots that the outputs are made of: other steps were done to check something, or for nothing."""
        needed = set(self.sized.program.tape.outputs)
        for step in reversed(self.sized.steps):
            if step.y in needed:
                needed.update(step.reads)
        return needed

    def _is_known(self, step: Step) -> bool:
        """Whether the step computes with constants alone: then compute it now."""
        slots = [slot.number for slot in slots_in((step.operands, step.settings))]
        if not all(slot in self.known for slot in slots):
            return False
        if step.function is array_ops.expand:  # as it was: it is repeated where that is needed
            self.known[step.y] = self.known[slots[0]]
            return True
        if any(isinstance(n, Batch) for slot in (*slots, step.y) for n in self.shapes[slot]):
            return False
        operands, settings = (self._with_arrays(part) for part in (step.operands, step.settings))
        if step.host:
            y = step.function(*operands, **settings)
        elif isinstance(step.function, Many):
            y = step.function.forward(operands, **settings)
        else:
            y = step.row.forward(*operands, **settings)
        y = np.asarray(y[0] if not step.host and step.row.keeps else y)
        self.known[step.y] = y, self._name_of(step, slots, y)
        return True

    def _with_arrays(self, x: Any) -> Any:
        if isinstance(x, Slot):
            return np.broadcast_to(self.known[x.number][0], self.shapes[x.number])
        if isinstance(x, (tuple, list)) and type(x) in (tuple, list):
            return type(x)(map(self._with_arrays, x))
        return {key: self._with_arrays(part) for key, part in x.items()} if isinstance(x, dict) else x

    def _name_of(self, step: Step, slots: list[int], y: np.ndarray) -> str:
        """A parameter's part is called after it: "in_proj_weight[0:8]"."""
        name = self.known[slots[0]][1] if slots else ""
        if not name or (y.shape == np.shape(self.known[slots[0]][0]) and bool((y == self.known[slots[0]][0]).all())):
            return name
        if step.function is array_ops.getitem:
            index = by_axis(step.settings["index"], np.shape(self.known[slots[0]][0]))
            parts = [f"{i.start or 0}:{i.stop}" if isinstance(i, slice) else str(i) for i in index if i != slice(None)]
            return f"{name}[{','.join(parts)}]"
        return f"{name}.{getattr(step.function, 'name', getattr(step.function, '__name__', 'constant'))}"

    def _write(self, step: Step, scope: str) -> None:
        writer, function = self.writer, step.function
        name = str(getattr(function, "name", getattr(function, "__name__", function)))
        writer.scope, writer.row = scope, name
        since, kind = len(writer.nodes), self.kinds.get(step.y, "f")
        call = Call(self, writer, step.operands, dict(step.settings), self.shapes[step.y], kind)
        try:
            y = self._result(function, call)
            if isinstance(y, Wire):
                y = writer.called(writer.wire(y, kind), since)
        except Unsupported as problem:
            self.problems.append(f"`{name}` in {where(scope)}: {problem}")
            y = Wire(writer, "?", kind)
        self.wires[step.y] = y

    def _result(self, function: Any, call: Call) -> Any:
        if not isinstance(function, Op):
            return from_numpy(function, call)
        if isinstance(function, Many) and call.operands and isinstance(call.operands[0], (tuple, list)):
            call.operands = tuple(call.operands[0])  # as NumPy's part of the program has it
        if function is ops.sum_:
            return sum_of_many(call)
        if function.pointwise and not isinstance(function, Many):
            return pointwise(function, call)
        written = (ROWS | FUSED).get(function.name)
        if written is not None and _is_ours(function):
            return written(call)
        if function in LOSSES:
            raise Unsupported("a loss belongs to training: export the model that gives what the loss looks at")
        raise Unsupported(
            "no operator of ONNX is known for this row: compute it from the rows of the tables (mg.exp, mg.where, "
            "x.sum(), x @ w …), each of which has one, or do this part outside of the model"
        )

    # -- the result -----------------------------------------------------------------------------------------------

    def outputs(self) -> dict[str, tuple[str, tuple]]:
        """The outputs: name, kind and shape of each. Its value gets this name in the graph."""
        found: dict[str, tuple[str, tuple]] = {}
        program, writer = self.sized.program, self.writer
        for name, slot in zip(program.outputs, program.tape.outputs, strict=True):
            name, wire = writer.free(name), self.wire(slot)
            made_here = any(wire.name in node.output for node in writer.nodes) and wire.name not in found
            if made_here:
                self._rename(wire, name)
            else:
                writer.scope, writer.row = "", name
                from onnx import helper

                writer.nodes.append(helper.make_node("Identity", [wire.name], [name], name=f"{name}.identity"))
            found[name] = wire.kind, self.shapes[slot]
        return found

    def _rename(self, wire: Wire, new: str) -> None:
        for node in self.writer.nodes:
            for names in (node.input, node.output):
                for i, name in enumerate(names):
                    if name == wire.name:
                        names[i] = new
        wire.name = new

    def model_proto(self, name: str, description: str, opset: int, ir_version: int) -> Any:
        """The file's contents."""
        from onnx import TensorProto, helper, numpy_helper

        types = {"f": TensorProto.FLOAT, "i": TensorProto.INT64, "b": TensorProto.BOOL}
        outputs = self.outputs()
        self._drop_unused(set(outputs))
        info = lambda name, kind, shape: helper.make_tensor_value_info(name, types[kind], list(map(_dimension, shape)))
        inputs = [info(n, self.kinds[s], self.shapes[s]) for n, s in self.sized.program.inputs.items()]
        graph = helper.make_graph(
            self.writer.nodes, name, inputs, [info(n, kind, shape) for n, (kind, shape) in outputs.items()],
            [numpy_helper.from_array(x, n) for n, x in self.writer.initializers.items()], doc_string=description,
        )  # fmt: skip
        return helper.make_model(
            graph, producer_name="micrograd_plus", doc_string=description, ir_version=ir_version,
            opset_imports=[helper.make_opsetid("", opset)],
        )  # fmt: skip

    def _drop_unused(self, needed: set[str]) -> None:
        """Leave out nodes and numbers that no output needs."""
        kept: list[Any] = []
        for node in reversed(self.writer.nodes):
            if needed.intersection(node.output):
                needed.update(node.input)
                kept.append(node)
        self.writer.nodes = kept[::-1]
        self.writer.initializers = {n: x for n, x in self.writer.initializers.items() if n in needed}


def _is_ours(row: Op) -> bool:
    """Whether the row stands in one of the tables: somebody else's may have the same name."""
    return any(row is table.get(row.name) for table in (array_ops.ARRAY_TABLE, *ops.TABLES))


def _dimension(n: int) -> int | str:
    if not isinstance(n, Batch):
        return int(n)
    return SIZE if n.times == 1 else f"{n.times}*{SIZE}"
