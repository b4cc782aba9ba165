"""From a tape to a program: a plain Python text of NumPy calls, without a loop, run again and again.

Three functions are written: `prepare` (what hangs on the arguments alone: checks of labels and the like), `forward`,
and `backward`, one for each set of outputs that gradients start from. Their variables are names of one dict, `space`:

    p leaves    x arguments    c constants    r random numbers    n numbers
    v results that are new arrays in each call    k what a row keeps    b, g memory that stays; g gradients
"""

from __future__ import annotations

import re
from collections import ChainMap, Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..engine.graph import Many, Op
from ..engine.tensor import _fitting
from .array_rules import forward_of, pull_of
from .array_tape import ArrayTape, Guard, Slot, Step
from .followed import detached
from .sharing import root_of, share
from .variables import TAKEN, Text, Var, Writer


class Program(Writer):
    """The program of a tape: its texts, and the functions that they are."""

    def __init__(self, tape: ArrayTape):
        super().__init__()
        self.tape = tape
        self.texts: dict[str, str] = {}
        self.var: dict[int, Var] = {}  # by slot
        self.kept: dict[int, Any] = {}  # what a row's writer keeps for the way back
        self.grads: dict[int, Var] = {}
        self.steps = self._needed()
        self.made_by = {step.y: step for step in self.steps}
        self.uses = Counter(slot for step in self.steps for slot in step.reads)
        self.uses.update([*tape.outputs, *(guard.slot for guard in tape.guards)] * 2)
        given = [slot for slot in tape.given if slot is not None]
        self.inputs = [*tape.leaves, *given]  # slots
        for letter, slots in (("p", tape.leaves), ("x", given), ("c", tape.constants), ("r", tape.draws)):
            for slot in slots:
                self.var[slot] = Var(f"{letter}{slot}", *tape.like[slot], tape.constants.get(slot))
        self.space.update({f"c{slot}": value for slot, value in tape.constants.items()})
        self._write_both_forward(given)
        self._backward: dict[tuple, Callable] = {}

    def _needed(self) -> list[Step]:
        """The steps that an output or a guard depends on."""
        wanted = {*self.tape.outputs, *(guard.slot for guard in self.tape.guards)}
        found = []
        for step in reversed(self.tape.steps):
            if step.y in wanted or step.shape is not None:
                wanted.update(step.reads)
                found.append(step)
        return found[::-1]

    # -- forward -------------------------------------------------------------------------------------------------------

    def _write_both_forward(self, given: list[int]) -> None:
        self.early = {*self.tape.constants, *given}  # the slots that hang on the arguments alone
        self.prepares, forwards = Text(), Text()
        early_values: dict = {}
        late_values = ChainMap({}, early_values)  # `prepare`, which runs first, must not read what `forward` computes
        self.may_turn_back = False  # whether `forward` may find out that the tape doesn't hold
        for part in self._parts():
            slots = list(part.reads) if isinstance(part, Step) else [part.slot]
            early = not getattr(part, "tracked", False) and self.early.issuperset(slots)
            self.now, self.values = (self.prepares, early_values) if early else (forwards, late_values)
            if isinstance(part, Guard):
                self._write_guard(part)
            else:
                self._write_step(part)
                if early:
                    self.early.add(part.y)
            self.may_turn_back |= not early and (isinstance(part, Guard) or part.shape is not None)
        self.now, self.values = forwards, late_values
        pairs = zip(self.tape.outputs, self.tape.plain, strict=True)
        result = f"({''.join(self._handed_out(slot, plain) + ', ' for slot, plain in pairs)})"
        self.forward_lines = [*forwards.lines, result]
        self.prepare = self._made(self.prepares, "prepare", [self.var[slot].name for slot in given], "True")
        loaded = [self.var[slot].name for slot in (*self.tape.leaves, *self.tape.draws)]
        self.forward = self._made(forwards, "forward", loaded, result)

    def _parts(self) -> list:
        """Steps and guards in the order in which they were recorded."""
        place = {id(step): i for i, step in enumerate(self.tape.steps)}
        return sorted(
            [*self.steps, *self.tape.guards], key=lambda x: x.after - 0.5 if isinstance(x, Guard) else place[id(x)]
        )

    def _made(self, text: Text, name: str, arguments: list[str], result: str, own: bool = False) -> Callable:
        source = text.source(name, arguments, result, own)
        self.texts[name] = source
        exec(compile(source, f"<{name} of a compiled function>", "exec"), self.space)
        return np.errstate(all="ignore")(self.space[name])  # as Tensor.apply does

    def _write_guard(self, guard: Guard) -> None:
        name = self._value_of(guard.slot)
        if guard.how is bool:
            self.write(f"if {'not ' if guard.answer else ''}{name}: return")
        else:
            self.write(f"if not {self.bound(guard.holds, 'same')}({name}): return")

    def _write_step(self, step: Step) -> None:
        if step.function is detached:
            self.var[step.y] = self.variable(step.operands[0])
            return
        special = None if step.host or step.shape is not None else forward_of(step.function)  # type: ignore[arg-type]
        self.floats = self.tape.like[step.y][1]
        var = special(self, step) if special is not None else None
        self.var[step.y] = var = self._write_call(step) if var is None else var
        if step.shape is not None:
            self.write(f"if {var.name}.shape != {step.shape}: return")

    def _write_call(self, step: Step) -> Var:
        """Any row, by its own rule; any function of NumPy's."""
        operands = [self.text(x) for x in step.operands]
        settings = [f"{key}={self.text(value)}" for key, value in step.settings.items()]
        name = self.result(step)
        function: Any = step.function
        called, left = function, name
        if not step.host:
            called = row_forward(function)
            if isinstance(function, Many):
                operands = [f"({''.join(x + ', ' for x in operands)})"]
            if function.keeps:
                left = f"{name}, k{step.y}"
                self.now.assigned.add(f"k{step.y}")
        word = str(getattr(function, "name", None) or getattr(function, "__name__", "f"))
        self.write(f"{left} = {self.bound(called, word)}({', '.join(operands + settings)})")
        return Var(name, *self.tape.like[step.y])

    def _handed_out(self, slot: int, plain: bool) -> str:
        """An output: a copy, if the program writes to its memory again, or somebody else may."""
        var = self.var[slot]
        name = self._value_of(slot)
        stays = plain or name != var.name or name[0] != "v"
        return f"{self.bound(own_copy, 'own')}({name})" if stays else name

    # -- backward ------------------------------------------------------------------------------------------------------

    def backward(self, seeded: tuple[bool, ...]) -> Callable:
        """A function of the gradients at these outputs; it gives those of all tracked inputs, None for nothing."""
        if seeded not in self._backward:
            self._backward[seeded] = self._write_backward(seeded)
        return self._backward[seeded]

    def _write_backward(self, seeded: tuple[bool, ...]) -> Callable:
        values, self.values = self.values, self.values.copy()
        self.now, self.grads = Text(), {}
        self.owned: dict[int, str] = {}  # by slot, the memory that holds its sum of gradients and nobody else's
        self.spare: set[str] = set()  # memory that holds one gradient's only part, and may be written over
        seeds = [f"seed{i}" for i, there in enumerate(seeded) if there]
        for i, slot in enumerate(self.tape.outputs):
            if seeded[i]:
                self.receive(slot, Var(f"seed{i}", *self.tape.like[slot]))
        for step in self._on_the_way_back():
            if step.y in self.grads:
                self._write_pulls(step)
        found = [self._own_gradient(slot) for slot in self.inputs if slot in self.tape.tracked]
        self.values = values
        self._share_memory([*self.now.lines, *found])
        name = f"backward{len(self._backward) or ''}"
        return self._made(self.now, name, seeds, f"[{', '.join(found)}]", own=True)

    def _share_memory(self, backward: list[str]) -> None:
        """Where there is one output, there is one `backward`, and all that is ever computed is known now."""
        if len(self.tape.outputs) == 1:
            early = set(re.findall(r"[A-Za-z_]\w*", " ".join(self.prepares.lines)))
            kept = {id(root_of(self.space.get(name))) for name in early}
            may = {id(array) for array in self.memories if array.nbytes} - kept
            share(self.space, may, self.forward_lines, backward)

    def _on_the_way_back(self) -> list[Step]:
        """The tracked steps, users first; in eager's order where there is one, so that sums come out the same."""
        steps = [step for step in self.steps if step.tracked]
        place = {slot: i for i, slot in enumerate(self.tape.order)}
        if all(step.y in place for step in steps):
            steps.sort(key=lambda step: place[step.y])
        return steps[::-1]

    def _write_pulls(self, step: Step) -> None:
        special = pull_of(step.function)  # type: ignore[arg-type]
        self.floats = self.tape.like[step.y][1]
        for i, x in enumerate(step.operands):
            if isinstance(x, Slot) and x.number in self.tape.tracked:
                g = self.grads[step.y]
                same_kind = self.like(x)[1] == g.dtype
                part = special(self, step, i, g) if special is not None and same_kind else None
                part = self._write_pull(step, i, g) if part is None else part
                if part is not TAKEN:
                    self.receive(x.number, part)

    def _write_pull(self, step: Step, i: int, g: Var) -> Var:
        """Any row, by its own pull-back."""
        op: Any = step.function
        g = self.whole(g, self.like(step)[0])
        y = f"k{step.y}" if op.keeps else self._value_of(step.y)
        operands = "".join(f"{self.text(x)}, " for x in step.operands)
        settings = ", ".join(f"{key!r}: {self.text(value)}" for key, value in step.settings.items())
        pull = self.bound(row_pull(op, i), f"{op.name}_pull_{i}")
        return self.new(f"{pull}({g.name}, {y}, ({operands}), {{{settings}}})", *self.like(step.operands[i]))

    def receive(self, slot: int, part: Var) -> None:
        """The gradient at a slot grows by `part`."""
        before = self.grads.get(slot)
        if before is None:
            self.grads[slot] = part
            return
        out = before if self.owned.get(slot) == before.name else self.memory(*self.tape.like[slot], "g")
        self.owned[slot] = out.name
        self.write(f"{self.bound(np.add, 'add')}({before.name}, {part.name}, {out.name})")
        self.grads[slot] = out

    def own_sum(self, slot: int) -> Var:
        """The gradient at a slot, in memory that may be added to where it stands."""
        before = self.grads.get(slot)
        if before is None or self.owned.get(slot) != before.name:
            sum_ = self.grads[slot] = self.memory(*self.tape.like[slot], "g")
            self.owned[slot] = sum_.name
            text = "0" if before is None else before.name
            self.write(f"{self.bound(np.copyto, 'copyto')}({sum_.name}, {text})")
        return self.grads[slot]

    def _own_gradient(self, slot: int) -> str:
        """A gradient to hand out: memory of its own, that no later call writes to."""
        if slot not in self.grads:
            return "None"
        shape, dtype = self.tape.like[slot]
        g = self.whole(self.grads[slot], shape)
        if g.name in self.unshared:
            return g.name
        return f"{self.bound(own_copy, 'own')}({g.name}, {self.bound(dtype, str(dtype))})"

    # -- for the rows' writers -----------------------------------------------------------------------------------------

    unshared: frozenset[str] | set[str] = frozenset()

    def unshared_one(self, text: str, shape: tuple, dtype: Any) -> Var:
        """A new array in each call, that nobody else has: a gradient that can be handed out as it is."""
        var = self.new(text, shape, dtype)
        self.unshared = {*self.unshared, var.name}
        return var

    def like(self, x: Slot | Step) -> tuple[tuple, Any]:
        """The shape and dtype of a slot, or of a step's result."""
        return self.tape.like[x.number if isinstance(x, Slot) else x.y]

    def variable(self, x: Slot) -> Var:
        """The variable of a slot; it may be smaller than the slot."""
        return self.var[x.number]

    def result(self, step: Step) -> str:
        """The name of a step's result, where that is a new array in each call."""
        self.now.assigned.add(f"v{step.y}")
        return f"v{step.y}"

    def operands(self, step: Step) -> list | None:
        """Variables and numbers; None where they aren't all of one kind of float."""
        dtype = self.like(step)[1]
        xs = [self.variable(x) if isinstance(x, Slot) else x for x in step.operands]
        kinds = {x.dtype for x in xs if isinstance(x, Var)} - {np.dtype(bool)}
        fit = kinds == {dtype} and dtype.kind == "f" and all(isinstance(x, (Var, int, float)) for x in xs)
        return xs if fit else None

    def whole_operand(self, step: Step, i: int) -> Var:
        """The variable of operand i, in its whole shape."""
        return self.whole(self.variable(step.operands[i]), self.like(step.operands[i])[0])

    def whole_operands(self, step: Step) -> list | None:
        """The same of all operands; None where they aren't all of the result's kind."""
        xs = [self.whole_operand(step, i) if isinstance(x, Slot) else x for i, x in enumerate(step.operands)]
        dtype = self.like(step)[1]
        fit = dtype.kind == "f" and all(x is None or (isinstance(x, Var) and x.dtype == dtype) for x in xs)
        return xs if fit else None

    def may_write_over(self, step: Step) -> Var | None:
        """The operand of a step with one, if nobody else needs what stands there: not even its own pull-back."""
        slot = step.operands[0].number
        x, maker = self.var[slot], self.made_by.get(slot)
        if maker is None or x.memory is None or self.uses[slot] > 1 or x.shape != self.like(step)[0]:
            return None
        return x if getattr(maker.function, "name", "") == "linear" and x.name[0] == "b" else None

    def set_early(self, name: str, text: str, slot: Any) -> str:
        """Assign a variable, in `prepare` if it hangs on a slot that is known there."""
        target = self.prepares if not isinstance(slot, Slot) or slot.number in self.early else self.now
        target.assigned.add(name)
        target.lines.append(f"{name} = {text}")
        return name

    def _value_of(self, slot: int) -> str:
        return self.whole(self.var[slot], self.tape.like[slot][0]).name

    def text(self, x: Any) -> str:
        """An operand or a setting as source text."""
        if isinstance(x, Slot):
            return self._value_of(x.number)
        if x is None or x.__class__ in (int, bool, str) or (x.__class__ is float and np.isfinite(x)):
            return repr(x)
        if x.__class__ is tuple:
            return f"({''.join(self.text(part) + ', ' for part in x)})"
        if x.__class__ is list:
            return f"[{', '.join(map(self.text, x))}]"
        if x.__class__ is dict:
            return f"{{{', '.join(f'{key!r}: {self.text(part)}' for key, part in x.items())}}}"
        if x.__class__ is slice:
            return f"{self.bound(slice, 'slice')}({self.text(x.start)}, {self.text(x.stop)}, {self.text(x.step)})"
        return self.bound(x, str(x) if isinstance(x, np.dtype) else getattr(x, "__name__", "setting"))

    def __str__(self) -> str:
        """The whole program."""
        numbers = [f"{name} = {x!r}" for name, x in self.numbers.items()]
        return "\n\n\n".join((["\n".join(numbers)] if numbers else []) + list(self.texts.values()))


def own_copy(x: Any, dtype: Any = None) -> Any:
    """A copy; a plain number as it is."""
    return np.array(x, dtype=dtype) if isinstance(x, np.ndarray) or dtype is not None else x


def row_forward(op: Op) -> Callable:
    """A row's forward rule, giving an array in all cases."""

    def keeping(*xs: Any, **settings: Any) -> tuple:
        y, kept = op.forward(*xs, **settings)
        return as_array(y, xs), kept

    def forward(*xs: Any, **settings: Any) -> Any:
        y = op.forward(*xs, **settings)
        return y if y.__class__ is np.ndarray and y.dtype.kind != "b" else as_array(y, xs)

    return keeping if op.keeps else forward


def as_array(y: Any, xs: Iterable) -> np.ndarray:
    """What eager makes of a row's result: an array of numbers."""
    if y.__class__ in (float, int, bool):  # the rule has chosen a number: where(1 > 0, 1, x)
        like = next((x for x in xs if isinstance(x, np.ndarray)), np.empty(()))
        return np.full(like.shape, y, like.dtype)
    y = np.asarray(y)
    return y.astype(np.asarray(next(iter(xs))).dtype) if y.dtype.kind == "b" else y


def row_pull(op: Op, i: int) -> Callable:
    """A row's pull-back for input i, in the shape and dtype of that input."""

    def pull(g: Any, y: Any, xs: tuple, settings: dict) -> Any:
        part, want = op.pull(i, g, y, xs, settings), xs[i]
        if part.__class__ is not np.ndarray or part.shape != want.shape or part.dtype is not want.dtype:
            part = _fitting(part, want, op, i)
        return part

    return pull
