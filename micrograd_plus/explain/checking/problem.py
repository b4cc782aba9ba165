"""A function at its inputs as one number that can be computed with any of them moved."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from ...engine.differentiate import gradients
from ...engine.graph import Node, Op, no_grad, order
from ...engine.value import Value
from .differences import central
from .inputs import as_leaf, each, named_leaves, outputs_of, points_of

EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10}


class Problem:
    """f at its inputs, as one number: its outputs added up, or times weights once draw_weights() was called.

    leaves: what is varied, with names. The inputs are copies; a module's parameters are its own, and put_back()
    restores them from `originals`. here: the numbers at which f is checked, in float64. drawn: the weights.
    """

    def __init__(self, f: Callable, inputs: tuple, seed: int, second: bool):
        self.f, self.second = f, second
        self.row = f if isinstance(f, Op) and f.pointwise else None
        self.inputs = points_of(self.row) if self.row is not None and not inputs else list(inputs)
        self.inputs = [each(x, lambda part: as_leaf(part, self.inputs)) for x in self.inputs]
        parameters = dict(f.named_parameters()) if hasattr(f, "named_parameters") else {}
        self.names, self.leaves = named_leaves(f, self.inputs)
        self.of_inputs = len(self.leaves)  # the others are parameters
        for name, p in parameters.items():
            if p.requires_grad:
                self.leaves.append(p)
                self.names.append(name)
        if not self.leaves:
            raise TypeError(
                "gradcheck: there is nothing to differentiate: give f Values, Tensors, floats or float arrays. "
                "Whole numbers are handed to f as they are, like labels: write 3.0 in place of 3"
            )
        self.originals = [(leaf, _numbers(leaf), leaf.grad) for leaf in self.leaves]
        self.dtype = min((_dtype(leaf) for leaf in self.leaves), key=lambda name: int(name[5:]))
        self.rng = random.Random(seed)
        self.drawn: dict[str, list[float]] = {}  # weights of the outputs: 1 each to begin with
        self.analytic_pass = False
        self.here = [_widened(numbers) for _, numbers, _ in self.originals]
        self.precision = EPSILON["float64"]
        try:
            self._settle()
        except BaseException:
            self.put_back()
            raise

    def _settle(self) -> None:
        """Look at f once: its outputs, whether it is repeatable, how precisely it computes."""
        first, again = self.value(self.here), self.value(self.here)
        if first != again and (first == first or again == again):
            raise ValueError(
                f"gradcheck: f gives different numbers each time ({first:.6g}, then {again:.6g}), so it has no "
                "derivative to check. Is there dropout or noise in it? Call model.eval(), or seed it inside f"
            )
        if not math.isfinite(first):
            raise ValueError(f"gradcheck: f gives {first} at these inputs: there is no slope to compare. Move them")

    def size(self, leaf: Any) -> int:
        """How many numbers a leaf has."""
        return getattr(leaf, "size", 1)

    def put_back(self) -> None:
        """The leaves as they were, to the very objects."""
        for leaf, numbers, grad in self.originals:
            _put(leaf, numbers)
            leaf.grad = grad

    def outputs(self, numbers: list | None) -> list[Any]:
        """f's outputs with the leaves at these numbers (or as they were)."""
        for k, (leaf, own, _) in enumerate(self.originals):
            _put(leaf, own if numbers is None else numbers[k])
        y = self.f(*self.inputs)
        if not self.second:
            return outputs_of(y)
        return gradients(self._weighted(outputs_of(y), "inner"), self.leaves)

    def _weighted(self, outputs: list, which: str = "outer") -> Any:
        """Σ weight × output."""
        sizes = [getattr(y, "size", 1) for y in outputs]
        if not sizes:
            raise ValueError("gradcheck: f gave an empty list: there is no output to differentiate")
        weights, total, start = self.drawn.setdefault(which, [1.0] * sum(sizes)), 0.0, 0
        for y, n in zip(outputs, sizes, strict=True):
            part = weights[start : start + n]
            start += n
            if not hasattr(y, "shape"):
                total = total + y * part[0]
            else:
                import numpy as np

                dtype = y.dtype if self.analytic_pass else np.float64
                total = total + (y * np.array(part, dtype).reshape(y.shape)).sum()
        return total

    def draw_weights(self) -> bool:
        """Weight the outputs differently from now on, at random. False where there is but one: nothing changes."""
        several = [which for which, weights in self.drawn.items() if len(weights) > 1]
        for which in several:
            self.drawn[which] = [self.rng.uniform(0.5, 1.5) for _ in self.drawn[which]]
        if several:
            self._settle()  # noise that cancels in the sum shows here
        return bool(several)

    @property
    def weights(self) -> list[float]:
        """What each number of the outputs is multiplied by."""
        return self.drawn["outer"]

    def value(self, numbers: list) -> float:
        """The one number, with the leaves at these numbers."""
        with nullcontext() if self.second else no_grad():
            try:
                outputs = self.outputs(numbers)
            except (ArithmeticError, ValueError, TypeError):  # a TypeError: (-1e-6)**0.5 is complex
                if numbers is self.here:
                    raise
                return math.nan  # a step further f isn't defined
        plain: list = [y.numpy() if hasattr(y, "numpy") else getattr(y, "data", y) for y in outputs]
        kinds = {str(y.dtype) for y in plain if hasattr(y, "dtype")}
        self.precision = max([EPSILON.get(kind, EPSILON["float64"]) for kind in kinds], default=EPSILON["float64"])
        total = self._weighted(plain)
        return float(total)

    def analytic(self) -> list:
        """What backward() gives each leaf, without hooks; nothing in the graph keeps a trace of it."""
        self.analytic_pass = True
        try:
            total = self._weighted(self.outputs(None))
        finally:
            self.analytic_pass = False
        self.root = total
        if not isinstance(total, Node) and not self.second:
            raise TypeError(f"gradcheck: f must give Values or Tensors, it gave {type(total).__name__}")
        if not isinstance(total, Node) or not total.requires_grad:  # nothing leads back: a constant, or cut off
            return [None] * len(self.leaves)
        nodes = order(total)
        before = [(node.grad, node.hooks) for node in nodes]
        try:
            for node in nodes:
                node.hooks = None
            for leaf in self.leaves:
                leaf.grad = leaf.no_gradient
            total.backward()  # type: ignore[attr-defined]
            return [leaf.grad for leaf in self.leaves]
        finally:
            for node, (grad, hooks) in zip(nodes, before, strict=True):
                node.grad, node.hooks = grad, hooks

    def moved(self, k: int, place: int, to: float) -> list:
        """All numbers, with one of them at another place."""
        numbers = list(self.here)
        if hasattr(numbers[k], "shape"):
            changed = numbers[k].copy()
            changed.flat[place] = to
            numbers[k] = changed
        else:
            numbers[k] = to
        return numbers

    def along(self, k: int, place: int) -> Callable[[float], float]:
        """The function of one number alone."""
        return lambda to: self.value(self.moved(k, place, to))

    def usual_step(self, k: int, place: int) -> float:
        """The step of a central difference: the cube root of the precision, for numbers of about 1 or larger ones."""
        return self.precision ** (1 / 3) * max(1.0, abs(self.number(k, place)))

    def difference(self, k: int, place: int) -> float:
        """The slope for that number, by a central difference."""
        x, h = self.number(k, place), self.usual_step(k, place)
        return central(self.along(k, place), x, h, self.precision)[0]

    @contextmanager
    def all_weights_one(self) -> Iterator[None]:
        """For as long as this lasts, the outputs are added up as they are."""
        weights, self.drawn["outer"] = self.weights, [1.0] * len(self.weights)
        try:
            yield
        finally:
            self.drawn["outer"] = weights

    def number(self, k: int, place: int) -> float:
        """Where that number is."""
        numbers = self.here[k]
        return float(numbers.flat[place]) if hasattr(numbers, "shape") else numbers

    def chosen(self, sample: int, seed: int) -> dict[int, list[int]]:
        """Which numbers of which leaves are checked: all, or about `sample` of them, some of each leaf."""
        sizes = [self.size(leaf) for leaf in self.leaves]
        rng = random.Random(seed)
        leaves: Iterable[int] = range(len(sizes))
        if len(sizes) > sample:
            leaves = sorted(rng.sample(range(len(sizes)), sample))
        share = min(1.0, sample / max(1, sum(sizes)))
        return {k: sorted(rng.sample(range(sizes[k]), math.ceil(share * sizes[k]))) for k in leaves}


# A leaf's numbers are read and put where it keeps them: through `.data` an array would be copied, and whoever holds the
# old one would no longer see the leaf's.


def _numbers(leaf: Any) -> Any:
    return leaf._data if isinstance(leaf, Value) else leaf._array


def _put(leaf: Any, numbers: Any) -> None:
    if isinstance(leaf, Value):
        leaf._data = numbers
    else:
        leaf._array = numbers


def _dtype(leaf: Any) -> str:
    return str(getattr(leaf, "dtype", "float64"))


def _widened(numbers: Any) -> Any:
    """In float64: differences of float32 numbers have few digits left."""
    return numbers.astype("float64") if hasattr(numbers, "astype") else numbers
