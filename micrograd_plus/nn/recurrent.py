"""Recurrent layers: RNN, LSTM and GRU read a sequence step by step, and carry a state from each step to the next.

The same weights serve every step, so a gradient adds up over all of them: backpropagation through time. Here one layer
in one direction is one row of RECURRENT_TABLE, for all steps together. What doesn't wait for the step before is done
for all steps at once (the products with the inputs, and the gradients of the weights); only the state has to go step
by step.

The sizes, as PyTorch has them: T steps, N sequences in a batch, I input features, H hidden features, G gates (1, 4 or
3 of them, their weights one below the other in weight_ih and weight_hh).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.differentiate import gradients
from ..engine.graph import Node, Op, Structural
from ..engine.tensor import Tensor, concatenate, stack
from ..engine.twin import ValueArray
from . import functional as F  # noqa: N812 - PyTorch's habit
from . import init
from .checks import true_or_false, whole_number
from .module import Module

# -- sequences of different lengths ----------------------------------------------------------------------------


class Packing:
    """Where the real steps of a padded batch are, in the order of PyTorch's PackedSequence.

    Longest sequence first: then those that still run at step t are the first n of the batch, a slice. `steps` has a
    pair (rows, n) for each step t: its rows among all real ones, and n.

    >>> packing = Packing(3, 2, np.array([1, 3]))
    >>> packing.steps
    [(slice(0, 2, None), 2), (slice(2, 3, None), 1), (slice(3, 4, None), 1)]
    >>> packing.pack(np.arange(6).reshape(3, 2, 1)).ravel().tolist()
    [1, 0, 3, 5]
    """

    def __init__(self, n_steps: int, batch: int, lengths: np.ndarray | None = None):
        self.order: Any = slice(None)  # of the sequences; as they are where all have the same length
        self.places: Any = None  # of the real steps, as an index into (T, N)
        counts = [batch] * n_steps
        if lengths is not None:
            _check_lengths(lengths, n_steps, batch)
            self.order = np.argsort(-lengths, kind="stable")
            times, sequences = np.nonzero(np.arange(n_steps)[:, None] < lengths[self.order])
            self.places = times, self.order[sequences]
            counts = np.bincount(times, minlength=n_steps).tolist()
        stops = np.cumsum(counts).tolist()
        self.steps = [(slice(stop - n, stop), n) for stop, n in zip(stops, counts, strict=True)]

    def pack(self, padded: np.ndarray) -> np.ndarray:
        """The real rows of (T, N, F): (all of them, F)."""
        return padded.reshape(-1, padded.shape[-1]) if self.places is None else padded[self.places]

    def unpack(self, rows: np.ndarray, padded: np.ndarray) -> None:
        """Write the rows to their places in (T, N, F), and 0 behind each sequence's end."""
        if self.places is None:
            padded[...] = rows.reshape(padded.shape)
        else:
            padded[...] = 0
            padded[self.places] = rows


def _check_lengths(lengths: np.ndarray, n_steps: int, batch: int) -> None:
    if lengths.shape != (batch,) or lengths.dtype.kind not in "iu":
        raise ValueError(
            f"lengths: one whole number for each of the {batch} sequences of the batch is needed, got shape "
            f"{lengths.shape} of {lengths.dtype}"
        )
    if batch and (lengths.min() < 1 or lengths.max() > n_steps):
        raise ValueError(
            f"lengths must be from 1 to {n_steps}, the steps that the input has; got {lengths.min()} to "
            f"{lengths.max()}: leave empty sequences out, or pad the input to the longest"
        )


# -- the cells: how one step's state comes from the one before -------------------------------------------------
#
# `step` is the formula, for any operands: the twin and grad(f) compute with it. `run` and `back` are the same for
# NumPy alone, over all steps; R is the number of all real steps of all sequences.
#
# run:  from_x (G, R, H) is x @ weight_ih.T + bias_ih, and may be written over; `states` (S, N, H) holds the first
#       states (h; for an LSTM h and c), in the end the last. weight is (G, H, H), to be multiplied from the right, bias
#       (G, 1, H). Gives the state behind each step and the one before it, both (R, H), and for each step what else
#       `back` needs.
# back: d_y (R, H) is the gradient of the states behind each step; d_states holds that of the last states, in the end
#       that of the first. weight is (G · H, H). Gives the gradients of the products with x and with h: (R, G · H) both.
#
# Measured (float32, N = 32, H = 48 and 64): `run` with a block of memory for each gate takes 0.7 of the time it takes
# with the gates side by side, since NumPy then works on long rows. In `back` they are side by side: there it is one
# product with the weights that counts. A few small arrays a step are as fast as large ones for all steps.


def _sigmoid_(x: np.ndarray) -> None:
    """sigmoid in place: 1/2 + tanh(x/2) / 2, which overflows nowhere."""
    half = np.array(0.5, x.dtype)  # quicker than a Python 0.5
    np.multiply(x, half, out=x)
    np.tanh(x, out=x)
    np.multiply(x, half, out=x)
    np.add(x, half, out=x)


class RNNCell:
    """The simple recurrent network (Elman, 1990): h' = tanh(W x + b + W' h + b'), or relu of it."""

    gates, states = 1, 1

    def __init__(self, activation: Op):
        self.activation = activation

    def step(self, from_x: Any, states: list, weight: Any, bias: Any) -> list:
        """The next state."""
        return [self.activation(from_x + states[0] @ weight.T + bias)]

    def run(self, from_x: np.ndarray, states: np.ndarray, weight: np.ndarray, bias: Any, steps: list) -> tuple:
        """All steps."""
        h, y, before = states[0], *_two_like(from_x[0])
        sums = from_x[0] + bias[0]
        for rows, n in steps:
            before[rows] = h[:n]
            h[:n] = y[rows] = self.activation.forward(sums[rows] + h[:n] @ weight[0])
        return y, before, [y[rows] for rows, _ in steps]

    def back(
        self, d_y: np.ndarray, d_states: np.ndarray, before: np.ndarray, kept: list, weight: np.ndarray, steps: list
    ) -> tuple:
        """Backpropagation through time."""
        d_h, d_sums = d_states[0], np.empty_like(before)
        for (rows, n), h in zip(reversed(steps), reversed(kept), strict=True):
            d_h[:n] += d_y[rows]
            np.multiply(d_h[:n], self.activation.rules[0](h, h), out=d_sums[rows])
            np.dot(d_sums[rows], weight, out=d_h[:n])
        return d_sums, d_sums


class LSTMCell:
    """Long short-term memory (Hochreiter and Schmidhuber, 1997; with the forget gate of Gers et al., 2000).

    i, f, o = sigmoid(W x + b + W' h + b') and g = tanh(W x + b + W' h + b'), each with weights of its own, one below
    the other in the order i, f, g, o. The cell: c' = f · c + i · g. The state: h' = o · tanh(c').
    """

    gates, states = 4, 2

    @staticmethod
    def step(from_x: Any, states: list, weight: Any, bias: Any) -> list:
        """The next state and the next cell."""
        h, c = states
        i, f, g, o = _parts(from_x + h @ weight.T + bias, 4)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        return [ops.sigmoid(o) * ops.tanh(c), c]

    @staticmethod
    def run(from_x: np.ndarray, states: np.ndarray, weight: np.ndarray, bias: Any, steps: list) -> tuple:
        """All steps."""
        (h, c), (y, before), kept = states, _two_like(from_x[0]), []
        from_x += bias
        for rows, n in steps:
            before[rows], old = h[:n], c[:n].copy()
            gates = np.matmul(h[:n], weight)
            gates += from_x[:, rows]
            i, f, g, o = gates
            _sigmoid_(gates[:2])
            np.tanh(g, out=g)
            _sigmoid_(o)
            c[:n] = f * old + i * g
            tanh_c = np.tanh(c[:n])
            h[:n] = y[rows] = o * tanh_c
            kept.append((gates, old, tanh_c))
        return y, before, kept

    @staticmethod
    def back(
        d_y: np.ndarray, d_states: np.ndarray, before: np.ndarray, kept: list, weight: np.ndarray, steps: list
    ) -> tuple:
        """Backpropagation through time."""
        d_sums, side_by_side = _gradients_of(4, before)
        for (rows, n), ((i, f, g, o), c, tanh_c) in zip(reversed(steps), reversed(kept), strict=True):
            d_h, d_c, (d_i, d_f, d_g, d_o) = d_states[0, :n], d_states[1, :n], d_sums[:, rows]
            d_h += d_y[rows]
            through_o = d_h * o
            d_c += through_o - through_o * tanh_c * tanh_c  # the slope of tanh is 1 - tanh², of sigmoid s - s²
            np.multiply(d_c * g, i - i * i, out=d_i)
            np.multiply(d_c * c, f - f * f, out=d_f)
            through_i = d_c * i
            np.subtract(through_i, through_i * g * g, out=d_g)
            np.multiply(d_h * tanh_c, o - o * o, out=d_o)
            np.dot(side_by_side[rows], weight, out=d_h)
            d_c *= f
        return side_by_side, side_by_side


class GRUCell:
    """A gated recurrent unit (Cho et al., 2014): z says how much of the state stays, r how much the new one sees of it.

    r and z = sigmoid(W x + b + W' h + b'), n = tanh(W x + b + r · (W' h + b')), each with weights of its own, one below
    the other in the order r, z, n. The state: h' = (1 - z) · n + z · h. Cho et al. have W' (r · h) in n; with PyTorch's
    variant, which this is, one product with h serves all three.
    """

    gates, states = 3, 1

    @staticmethod
    def step(from_x: Any, states: list, weight: Any, bias: Any) -> list:
        """The next state."""
        (h,) = states
        (x_r, x_z, x_n), (h_r, h_z, h_n) = _parts(from_x, 3), _parts(h @ weight.T + bias, 3)
        r, z = ops.sigmoid(x_r + h_r), ops.sigmoid(x_z + h_z)
        n = ops.tanh(x_n + r * h_n)
        return [(1 - z) * n + z * h]

    @staticmethod
    def run(from_x: np.ndarray, states: np.ndarray, weight: np.ndarray, bias: Any, steps: list) -> tuple:
        """All steps."""
        h, (y, before), kept = states[0], _two_like(from_x[0]), []
        from_x[:2] += bias[:2]
        for rows, n in steps:
            before[rows] = h[:n]
            from_h = np.matmul(h[:n], weight)
            r_and_z, (r, z, inner) = from_h[:2], from_h
            r_and_z += from_x[:2, rows]
            _sigmoid_(r_and_z)
            inner += bias[2]
            new = from_x[2, rows] + r * inner
            np.tanh(new, out=new)
            h[:n] = y[rows] = new + z * (h[:n] - new)  # (1 - z) · new + z · h, with one product less
            kept.append((r, z, inner, new))
        return y, before, kept

    @staticmethod
    def back(
        d_y: np.ndarray, d_states: np.ndarray, before: np.ndarray, kept: list, weight: np.ndarray, steps: list
    ) -> tuple:
        """Backpropagation through time."""
        (d_from_h, side_by_side), d_from_new = _gradients_of(3, before), np.empty_like(before)
        for (rows, n), (r, z, inner, new) in zip(reversed(steps), reversed(kept), strict=True):
            d_h, (d_r, d_z, d_inner) = d_states[0, :n], d_from_h[:, rows]
            d_h += d_y[rows]
            d_new = d_h - d_h * z
            d_new -= d_new * new * new  # the slope of tanh is 1 - tanh², of sigmoid s - s²
            d_from_new[rows] = d_new
            np.multiply(d_new, r, out=d_inner)
            np.multiply(d_new * inner, r - r * r, out=d_r)
            np.multiply(d_h * (before[rows] - new), z - z * z, out=d_z)
            d_h *= z
            d_h += np.dot(side_by_side[rows], weight)
        from_x = side_by_side.copy()
        from_x[:, -before.shape[1] :] = d_from_new  # the product with x comes behind r
        return from_x, side_by_side


def _two_like(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.empty_like(x), np.empty_like(x)


def _gradients_of(n_gates: int, like: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same new memory seen twice: by gate (G, R, H), and with the gates side by side, (R, G · H)."""
    rows, size = like.shape
    side_by_side = np.empty((rows, n_gates * size), like.dtype)
    return side_by_side.reshape(rows, n_gates, size).swapaxes(0, 1), side_by_side


def _parts(x: Any, n: int) -> list:
    """The last axis in n equal parts."""
    size = x.shape[-1] // n
    return [x[:, k * size : (k + 1) * size] for k in range(n)]


# -- the rows --------------------------------------------------------------------------------------------------


class _Kept:
    """What the way back needs of the way there; and what it found, for the inputs that will ask for the same g.

    Pull-backs are asked for one input at a time, and all of them need the pass back through time: the first to ask
    makes it. An input that asks a second time has begun another backward(): then it is made anew. g itself is held, so
    that no other array can have its identity meanwhile.
    """

    def __init__(self, packing: Packing, x: np.ndarray, before: np.ndarray, steps: list):
        self.packing, self.x, self.before, self.steps = packing, x, before, steps
        self.forget()

    def forget(self) -> None:
        """Start afresh."""
        self.g: Any = None
        self.asked: set[int] = set()
        self.found: tuple = ()

    def __getstate__(self) -> dict:
        return vars(self) | {"g": None, "asked": set(), "found": ()}


def _row(name: str, cell: Any) -> Structural:
    """All steps of one layer in one direction.

    Operands: x (T, N, I), the first states (S, N, H), weight_ih, weight_hh, and both biases or none. y is
    (T + S, N, H): the output, and below it the last states. Settings: lengths (N,) or None; reverse: whether to read
    from the end.
    """

    def forward(*operands: Any, lengths: Any, reverse: bool) -> tuple:
        if any(isinstance(x, Node) for x in operands):  # such as names, in to_python
            raise TypeError("it reads a sequence step by step")
        if any(x.dtype.kind == "O" for x in operands):  # Values
            return _in_steps(cell, *operands, lengths=lengths, reverse=reverse), None
        return _at_once(cell, *operands, lengths=lengths, reverse=reverse)

    def pull_of(i: int) -> Callable:
        def pull(
            g: Any,
            kept: Any,
            x: Any,
            first: Any,
            weight_ih: Any,
            weight_hh: Any,
            bias_ih: Any = None,
            bias_hh: Any = None,
            **settings: Any,
        ) -> Any:
            operands = (x, first, weight_ih, weight_hh, *(() if bias_ih is None else (bias_ih, bias_hh)))
            if isinstance(g, Node):
                return _pull_again(cell, i, g, operands, settings)
            return _pull(cell, i, g, kept, operands, settings["reverse"])

        return pull

    return Structural(name, forward, *map(pull_of, range(6)), keeps=True, again=True)


def _at_once(cell: Any, x: Any, first: Any, w_ih: Any, w_hh: Any, *biases: Any, lengths: Any, reverse: bool) -> tuple:
    """y and what the way back needs, in NumPy."""
    n_steps, batch, _ = x.shape
    packing = Packing(n_steps, batch, lengths)
    rows, dtype = packing.pack(x), np.result_type(x, w_ih)
    from_x = np.matmul(rows, _by_gate(w_ih, cell.gates, dtype))  # of all steps, as one product
    bias_ih, bias_hh = biases or np.zeros((2, len(w_hh)), dtype)
    from_x += bias_ih.reshape(cell.gates, 1, -1)
    states = np.array(first[:, packing.order], dtype, order="C")
    weight, bias = _by_gate(w_hh, cell.gates, dtype), bias_hh.astype(dtype).reshape(cell.gates, 1, -1)
    output, before, more = cell.run(from_x, states, weight, bias, packing.steps[:: -1 if reverse else 1])
    y = np.empty((n_steps + cell.states, *states.shape[1:]), dtype)
    packing.unpack(output, y[:n_steps])
    y[n_steps:, packing.order] = states
    return y, _Kept(packing, rows, before, more)


def _by_gate(weight: np.ndarray, n_gates: int, dtype: Any) -> np.ndarray:
    """(G · H, F) as (G, F, H), to be multiplied from the right: in memory as it is read, which is a quarter quicker."""
    return np.array(weight.reshape(n_gates, -1, weight.shape[1]).swapaxes(1, 2), dtype, order="C")


def _pull(cell: Any, i: int, g: np.ndarray, kept: _Kept, operands: tuple, reverse: bool) -> np.ndarray:
    """What input i receives: a product with what the pass back through time has found."""
    if kept.g is not g or i in kept.asked:
        kept.forget()
        kept.g, kept.found = g, _through_time(cell, g, kept, operands[3], reverse)
    kept.asked.add(i)
    d_states, from_x, from_h = kept.found
    if i == 0:
        d_x = np.empty_like(operands[0])
        kept.packing.unpack(from_x.dot(operands[2]), d_x)
        return d_x
    if i == 1:
        d_first = np.empty_like(d_states)
        d_first[:, kept.packing.order] = d_states
        return d_first
    if i == 2:
        return from_x.T.dot(kept.x)
    if i == 3:
        return from_h.T.dot(kept.before)
    d_bias = from_x if i == 4 else from_h
    return np.ones(len(d_bias), d_bias.dtype).dot(d_bias)  # the sum over rows, and three times as fast


def _through_time(cell: Any, g: np.ndarray, kept: _Kept, w_hh: np.ndarray, reverse: bool) -> tuple:
    """The gradients of the first states, and of all gates at all steps."""
    packing, dtype = kept.packing, kept.before.dtype
    d_states = np.array(g[-cell.states :, packing.order], dtype, order="C")
    weight, d_y = w_hh.astype(dtype, copy=False), packing.pack(g[: -cell.states])
    steps = packing.steps[:: -1 if reverse else 1]
    return d_states, *cell.back(d_y, d_states, kept.before, kept.steps, weight, steps)


def _in_steps(
    cell: Any, x: Any, first: Any, w_ih: Any, w_hh: Any, *biases: Any, lengths: Any = None, reverse: bool = False
) -> Any:
    """The same y, one step after another with operations of the table: for Values, and to be differentiated again."""
    operands = [
        ValueArray(a) if a.__class__ is np.ndarray and a.dtype.kind == "O" else a
        for a in (x, first, w_ih, w_hh, *biases)
    ]
    x, first, w_ih, w_hh, bias_ih, bias_hh = operands if biases else [*operands, 0.0, 0.0]
    n_steps, batch, _ = x.shape
    packing = Packing(n_steps, batch, lengths)
    size = w_hh.shape[1]
    states = [first[k][packing.order] for k in range(cell.states)]
    outputs: list = [None] * n_steps
    for t in range(n_steps)[:: -1 if reverse else 1]:
        n = packing.steps[t][1]  # so many run still: the others keep their state, and their output is 0
        if n:
            new = cell.step(x[t][packing.order][:n] @ w_ih.T + bias_ih, [s[:n] for s in states], w_hh, bias_hh)
            states = [concatenate([a, s[n:]]) if n < batch else a for a, s in zip(new, states, strict=True)]
        zeros = np.zeros((batch - n, size))
        outputs[t] = states[0] if n == batch else concatenate([states[0][:n], zeros])
    y = stack([*outputs, *states])
    y = y if packing.places is None else y[:, np.argsort(packing.order)]
    return y.values if isinstance(y, ValueArray) else y


def _pull_again(cell: Any, i: int, g: Node, operands: tuple, settings: dict) -> Any:
    """The gradient of input i as a node: from the graph of the single steps, which can be differentiated again.

    Each operand is put behind a node of its own, since one Tensor may stand in two places.
    """
    if not isinstance(g, Tensor):  # a name, in to_python
        raise TypeError("it reads a sequence step by step")
    own = [ops.itself(x) if isinstance(x, Node) else x for x in operands]
    return gradients((_in_steps(cell, *own, **settings) * g).sum(), [own[i]])[0]


# fmt: off
#                       name
rnn_tanh    = _row("rnn_tanh",   RNNCell(ops.tanh))
rnn_relu    = _row("rnn_relu",   RNNCell(ops.relu))
lstm        = _row("lstm",       LSTMCell)
gru         = _row("gru",        GRUCell)
# fmt: on

RECURRENT_TABLE: dict[str, Op] = {row.name: row for row in list(globals().values()) if isinstance(row, Op)}
ops.TABLES.append(RECURRENT_TABLE)


# -- the modules -----------------------------------------------------------------------------------------------


class _Recurrent(Module):
    """What RNN, LSTM and GRU share: layers, directions, batches, and the weights with PyTorch's names."""

    row: Any  # of RECURRENT_TABLE
    cell: Any

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        *,
        dtype: Any = None,
        seed: int | None = None,
    ):
        kind = type(self).__name__
        self.input_size = whole_number(kind, "input_size", input_size)
        self.hidden_size = whole_number(kind, "hidden_size", hidden_size)
        self.num_layers = whole_number(kind, "num_layers", num_layers)
        true_or_false(kind, bias=bias, batch_first=batch_first, bidirectional=bidirectional)
        if not isinstance(proj_size, int) or proj_size:
            raise ValueError(
                f"{kind}: proj_size={proj_size!r} (a smaller output than the state) doesn't exist here: put a "
                f"Linear({hidden_size}, {proj_size}) behind the output"
            )
        F.check_probability(dropout)
        if dropout and num_layers == 1:
            warnings.warn(
                f"{kind}: dropout={dropout} acts between layers, and there is one layer only: it does nothing",
                stacklevel=2,
            )
        self.bias, self.batch_first, self.dropout, self.bidirectional = bias, batch_first, dropout, bidirectional
        self._start(np.float64 if dtype is None else dtype, init.generator(seed))

    def _start(self, dtype: Any, rng: np.random.Generator) -> None:
        """All weights and biases, evenly from ±1/sqrt(hidden_size)."""
        bound, rows = 1 / math.sqrt(self.hidden_size), self.cell.gates * self.hidden_size
        columns = self.input_size
        for suffixes in self._passes():
            shapes: dict[str, tuple] = {"weight_ih": (rows, columns), "weight_hh": (rows, self.hidden_size)}
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            for name, shape in [(kind + suffix, shapes[kind]) for suffix in suffixes for kind in self._kinds()]:
                setattr(self, name, Tensor(rng.uniform(-bound, bound, shape), dtype=dtype, label=name))
            columns = self.hidden_size * len(suffixes)  # the next layer reads this one's output

    def _passes(self) -> list[list[str]]:
        """For each layer the end of its weights' names, in each direction; flat, this is the order of the states."""
        directions = ("", "_reverse") if self.bidirectional else ("",)
        return [[f"_l{layer}{direction}" for direction in directions] for layer in range(self.num_layers)]

    def forward(self, input: Any, hx: Any = None, *, lengths: Any = None) -> Any:
        """(output, the last state). See the class for the shapes."""
        x = input if hasattr(input, "ndim") else Tensor(input, requires_grad=False)
        alone = self._check_input(x, lengths)
        if alone:
            x = x[:, None]
        elif self.batch_first:
            x = x.swapaxes(0, 1)
        n_steps, batch = x.shape[:2]
        lengths = _as_array(lengths)
        firsts = self._first_states(hx, batch, alone)
        lasts: list = []
        for layer, suffixes in enumerate(self._passes()):
            if layer and self.dropout:
                x = F.dropout(x, self.dropout, self.training)
            outputs = []
            for suffix in suffixes:
                weights = [getattr(self, f"{kind}{suffix}") for kind in self._kinds()]
                y = self.row(x, firsts[len(lasts)], *weights, lengths=lengths, reverse=suffix.endswith("_reverse"))
                outputs.append(y[:n_steps])
                lasts.append(y[n_steps:])
            x = outputs[0] if len(outputs) == 1 else concatenate(outputs, axis=2)
        output = x[:, 0] if alone else x.swapaxes(0, 1) if self.batch_first else x
        return output, self._last_states(lasts, alone)

    def _kinds(self) -> tuple[str, ...]:
        return ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if self.bias else 2]

    def _dtype(self) -> Any:
        dtype = vars(self)["weight_hh_l0"].dtype
        return float if dtype.kind == "O" else dtype  # of Values

    def _check_input(self, x: Any, lengths: Any) -> bool:
        """Whether x is one sequence without a batch; ValueError for what doesn't fit."""
        kind = type(self).__name__
        if x.ndim not in (2, 3):
            wanted = "(batch, steps, features)" if self.batch_first else "(steps, batch, features)"
            raise ValueError(
                f"{kind}: the input is {wanted}, or (steps, features) for one sequence; got shape {x.shape}"
            )
        if x.shape[-1] != self.input_size:
            raise ValueError(
                f"{kind}: the input has {x.shape[-1]} features in shape {x.shape}, but this layer was made for "
                f"input_size={self.input_size}"
            )
        if 0 in x.shape[:-1]:
            raise ValueError(
                f"{kind}: the input of shape {x.shape} has no steps or no sequences: there is nothing to read"
            )
        if x.ndim == 2 and lengths is not None:
            raise ValueError(
                f"{kind}: lengths belong to a batch, and this input of shape {x.shape} is one sequence: cut it"
            )
        return x.ndim == 2

    def _first_states(self, hx: Any, batch: int, alone: bool) -> list:
        """For each pass its first states, (S, N, H): from hx, or zeros."""
        kind, n_states = type(self).__name__, self.cell.states
        n_passes = self.num_layers * (1 + self.bidirectional)
        if hx is None:
            dtype = self._dtype()
            return [np.zeros((n_states, batch, self.hidden_size), dtype)] * n_passes
        if n_states == 1:
            given = {"h_0": hx}
        elif isinstance(hx, (tuple, list)) and len(hx) == 2:
            given = dict(zip(("h_0", "c_0"), hx, strict=True))
        else:
            raise TypeError(f"{kind}: the first states are a pair (h_0, c_0), got {type(hx).__name__}")
        wanted = (n_passes, self.hidden_size) if alone else (n_passes, batch, self.hidden_size)
        states = []
        for name, state in given.items():
            state = state if hasattr(state, "ndim") else Tensor(state, requires_grad=False)
            if state.shape != wanted:
                sizes = "(layers · directions, hidden)" if alone else "(layers · directions, batch, hidden)"
                raise ValueError(f"{kind}: {name} must have shape {wanted}, which is {sizes}; got {state.shape}")
            states.append(state[:, None] if alone else state)
        if n_states == 1:
            return [states[0][k : k + 1] for k in range(n_passes)]
        return [stack([state[k] for state in states]) for k in range(n_passes)]

    def _last_states(self, lasts: list, alone: bool) -> Any:
        """h_n, or (h_n, c_n): (layers · directions, N, H)."""
        found = []
        for k in range(self.cell.states):
            parts = [last[k : k + 1] for last in lasts] if self.cell.states > 1 else lasts
            state = parts[0] if len(parts) == 1 else concatenate(parts)
            found.append(state[:, 0] if alone else state)
        return found[0] if len(found) == 1 else tuple(found)

    def extra_repr(self) -> str:
        """The sizes, and what differs from the defaults."""
        usual = {"num_layers": 1, "nonlinearity": "tanh", "bias": True, "batch_first": False, "dropout": 0.0}
        usual["bidirectional"] = False
        differs = [f"{k}={getattr(self, k)!r}" for k, v in usual.items() if getattr(self, k, v) != v]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *differs])


def _as_array(lengths: Any) -> Any:
    """The lengths as an array that stays as it is now."""
    if lengths is None:
        return None
    if hasattr(lengths, "plain"):  # an array that a compiled function is given
        return lengths.plain()
    return np.array(lengths.numpy() if hasattr(lengths, "numpy") else lengths)


class RNN(_Recurrent):
    """A simple recurrent network (Elman, 1990): h_t = tanh(weight_ih @ x_t + bias_ih + weight_hh @ h_(t-1) + bias_hh).

    PyTorch's arguments, sizes and names of weights. x: (steps, batch, input_size); (batch, steps, input_size) with
    batch_first=True; (steps, input_size) without a batch. Returns (output, h_n): the last layer's state at every step,
    in x's shape with hidden_size features (twice as many where bidirectional), and the last state of every layer and
    direction, (num_layers · directions, batch, hidden_size). hx: the first states, in h_n's shape; zeros without.

    lengths: (batch,) whole numbers, for sequences that were padded to the same number of steps; it stands for PyTorch's
    pack_padded_sequence. Behind a sequence's end the output is 0, h_n is the state of its last real step, and the
    reverse direction starts there.

    nonlinearity: "tanh" or "relu". dropout: between layers. seed: for weights of its own; they start evenly from
    ±1/sqrt(hidden_size). ValueError for sizes, states and lengths that don't fit.

    >>> rnn = RNN(3, 5, batch_first=True, seed=0)
    >>> output, h_n = rnn(np.ones((2, 4, 3)), lengths=[4, 2])
    >>> output.shape, h_n.shape
    ((2, 4, 5), (1, 2, 5))
    >>> bool((output[1, 1].numpy() == h_n[0, 1].numpy()).all()), float(output[1, 2:].numpy().max())
    (True, 0.0)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        *,
        dtype: Any = None,
        seed: int | None = None,
    ):
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
        self.nonlinearity = nonlinearity
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size,
            dtype=dtype, seed=seed,
        )  # fmt: skip

    @property
    def row(self) -> Any:
        """The row that computes it."""
        return rnn_tanh if self.nonlinearity == "tanh" else rnn_relu

    cell = RNNCell


class LSTM(_Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997): beside the state a cell, which gates write and read.

    Arguments and shapes as RNN (without nonlinearity). Returns (output, (h_n, c_n)); hx is (h_0, c_0). The formula:
    see LSTMCell.

    >>> output, (h_n, c_n) = LSTM(3, 5, num_layers=2, seed=0)(np.ones((4, 2, 3)))
    >>> output.shape, h_n.shape, c_n.shape
    ((4, 2, 5), (2, 2, 5), (2, 2, 5))
    """

    row, cell = lstm, LSTMCell


class GRU(_Recurrent):
    """A gated recurrent unit (Cho et al., 2014): two gates decide how much of the state stays, and is seen.

    Arguments, shapes and result as RNN (without nonlinearity). The formula, PyTorch's: see GRUCell.

    >>> output, h_n = GRU(3, 5, bidirectional=True, seed=0)(np.ones((4, 2, 3)))
    >>> output.shape, h_n.shape
    ((4, 2, 10), (2, 2, 5))
    """

    row, cell = gru, GRUCell
