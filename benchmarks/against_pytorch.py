"""(b) Training steps of small networks on arrays: forward, backward, SGD with momentum; float32, one thread.

NumPy by hand is what the arrays themselves cost: the gradients written out for this very network, no graph, no checks.
All start from the same weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from .measure import Contender, in_turn
from .report import Comparison


class Case(NamedTuple):
    """A network and its batch."""

    name: str
    batch: int
    sizes: tuple[int, ...]
    loss: str
    eager: float  # how many times as fast as PyTorch it should be
    compiled: float | None


CASES = [
    Case("moons", 100, (2, 16, 16, 1), "hinge", 4, 6),
    Case("digits", 64, (64, 128, 10), "cross_entropy", 3, 5),
    Case("128 × 784", 128, (784, 256, 128, 10), "cross_entropy", 1, None),
    Case("256 × 784", 256, (784, 512, 512, 10), "cross_entropy", 0.9, None),
]
LEARNING_RATE, MOMENTUM = 0.01, 0.9


def data_of(case: Case) -> tuple[Any, Any, list]:
    """Inputs, targets, and [weight, bias, weight, bias …], as float32 arrays."""
    import numpy as np

    rng = np.random.default_rng(0)
    y: np.ndarray
    X = rng.normal(size=(case.batch, case.sizes[0])).astype(np.float32)
    if case.loss == "hinge":
        y = np.sign(rng.normal(size=(case.batch, 1))).astype(np.float32)
    else:
        y = rng.integers(0, case.sizes[-1], case.batch)
    parameters = []
    for n_in, n_out in pairwise(case.sizes):
        parameters.append((rng.uniform(-1, 1, (n_out, n_in)) / n_in**0.5).astype(np.float32))
        parameters.append((rng.uniform(-1, 1, n_out) / n_in**0.5).astype(np.float32))
    return X, y, parameters


def layers(library: Any, case: Case, **options: Any) -> list:
    """Linear, ReLU, Linear … of a library that has them."""
    found = []
    for n_in, n_out in pairwise(case.sizes):
        found += [library.Linear(n_in, n_out, **options), library.ReLU()]
    return found[:-1]


def here(case: Case, compiled: bool = False) -> Callable[[], Any]:
    """A step of micrograd_plus."""
    import numpy as np

    import micrograd_plus as mg
    from micrograd_plus import nn

    X, y, parameters = data_of(case)
    X, y = mg.Tensor(X, requires_grad=False), mg.Tensor(y, requires_grad=False)
    model = nn.Sequential(*layers(nn, case, dtype=np.float32))
    for p, numbers in zip(model.parameters(), parameters, strict=True):
        p.data = numbers
    optimizer = mg.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    function: Any = {"hinge": nn.hinge_loss, "cross_entropy": nn.cross_entropy}[case.loss]

    def loss_of(X, y):
        return function(model(X), y)

    loss = mg.compile(loss_of) if compiled else loss_of

    def step():
        optimizer.zero_grad()
        value = loss(X, y)
        value.backward()
        optimizer.step()
        return value

    return step


def pytorch(case: Case, compiled: bool = False) -> Callable[[], Any]:
    """A step of PyTorch."""
    import torch

    torch.set_num_threads(1)
    X, y, parameters = data_of(case)
    X, y = torch.tensor(X), torch.tensor(y)
    model = torch.nn.Sequential(*layers(torch.nn, case))
    with torch.no_grad():
        for p, numbers in zip(model.parameters(), parameters, strict=True):
            p.copy_(torch.tensor(numbers))
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)

    def hinge(scores, y):
        return torch.relu(1 - y * scores).mean()

    function: Any = {"hinge": hinge, "cross_entropy": torch.nn.functional.cross_entropy}[case.loss]

    def loss_of(X, y):
        return function(model(X), y)

    loss = torch.compile(loss_of) if compiled else loss_of

    def step():
        optimizer.zero_grad()
        value = loss(X, y)
        value.backward()
        optimizer.step()
        return value

    return step


def sgd(parameters: list) -> Callable[[list], None]:
    """SGD with momentum on arrays, where they stand: for those who bring no optimiser."""
    import numpy as np

    buffers, steps = [[np.zeros_like(p) for p in parameters] for _ in range(2)]

    def update(gradients: list) -> None:
        for p, buffer, gradient, step in zip(parameters, buffers, gradients, steps, strict=True):
            buffer *= MOMENTUM
            buffer += gradient
            p -= np.multiply(buffer, LEARNING_RATE, out=step)

    return update


def by_hand(case: Case) -> Callable[[], Any]:
    """The same step with every gradient written out, in arrays made once: the limit for what is built on NumPy.

    outputs[i] is what layer i sees (after ReLU), slopes[i] the gradient of the loss there.
    """
    import numpy as np

    X, y, parameters = data_of(case)
    weights, biases = parameters[::2], parameters[1::2]
    update = sgd(parameters)
    n, ones, rows, last = len(X), np.ones(len(X), np.float32), np.arange(len(X)), len(weights)
    outputs = [X, *(np.empty((n, size), np.float32) for size in case.sizes[1:])]
    slopes, positive = [np.empty_like(x) for x in outputs], [np.empty(x.shape, bool) for x in outputs]
    gradients = [np.empty_like(p) for p in parameters]

    def hinge(scores, slope):
        margin = 1 - y * scores
        np.multiply(y * np.float32(-1 / n), margin > 0, out=slope)
        return np.maximum(margin, 0).sum() / n

    def cross_entropy(scores, slope):
        np.exp(scores - scores.max(axis=1, keepdims=True), out=slope)
        slope /= slope.sum(axis=1, keepdims=True)
        value = -np.log(slope[rows, y]).mean()
        slope[rows, y] -= 1
        slope *= np.float32(1 / n)
        return value

    loss = {"hinge": hinge, "cross_entropy": cross_entropy}[case.loss]

    def step():
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            x = np.dot(outputs[i], w.T, out=outputs[i + 1])
            x += b
            if i + 1 < last:
                np.maximum(x, 0, out=x)
        value = loss(outputs[last], slopes[last])
        for i in reversed(range(last)):
            slope = slopes[i + 1]
            np.dot(slope.T, outputs[i], out=gradients[2 * i])
            np.dot(ones, slope, out=gradients[2 * i + 1])  # a sum over rows is ones @ slope, and quicker
            if i:
                np.dot(slope, weights[i], out=slopes[i])
                slopes[i] *= np.greater(outputs[i], 0, out=positive[i])
        update(gradients)
        return value

    return step


def mygrad(case: Case, guard: bool = True) -> Callable[[], Any]:
    """A step of MyGrad: as installed, or without the guard that keeps a graph's arrays from being changed.

    micrograd_plus keeps such a guard too, and has no switch for it.
    """
    import mygrad as library
    from mygrad.nnet.activations import relu
    from mygrad.nnet.losses import softmax_crossentropy

    if not guard:
        library.turn_memory_guarding_off()
    X, y, parameters = data_of(case)
    tensors = [library.tensor(p.T, copy=True) for p in parameters]  # x @ w + b
    update = sgd([p.data for p in tensors])
    pairs = list(zip(tensors[::2], tensors[1::2], strict=True))

    def step():
        x = X
        for w, b in pairs[:-1]:
            x = relu(x @ w + b)
        w, b = pairs[-1]
        scores = x @ w + b
        value = library.mean(relu(1 - y * scores)) if case.loss == "hinge" else softmax_crossentropy(scores, y)
        value.backward()
        update([p.grad for p in tensors])
        return value

    return step


def hips_autograd(case: Case) -> Callable[[], Any]:
    """A step of HIPS autograd."""
    import autograd.numpy as anp  # type: ignore[import-untyped]
    import numpy as np
    from autograd import value_and_grad

    X, y, parameters = data_of(case)
    parameters = [p.T.copy() for p in parameters]
    update = sgd(parameters)
    if case.loss == "cross_entropy":
        y = np.eye(case.sizes[-1], dtype=np.float32)[y]  # a product with this is quicker here than scores[rows, y]

    def loss(parameters):
        x = X
        for i in range(0, len(parameters), 2):
            x = anp.dot(x, parameters[i]) + parameters[i + 1]
            if i < len(parameters) - 2:
                x = anp.maximum(x, 0)
        if case.loss == "hinge":
            return anp.mean(anp.maximum(1 - y * x, 0))
        shifted = x - x._value.max(axis=1, keepdims=True)  # a constant: it cancels out
        return anp.mean(anp.log(anp.sum(anp.exp(shifted), axis=1)) - anp.sum(y * shifted, axis=1))

    gradient = value_and_grad(loss)

    def step():
        value, gradients = gradient(parameters)
        update(gradients)
        return value

    return step


def contenders(case: Case, short: bool) -> list[Contender]:
    """All who take a step of this network; in the short form those that the tests' environment has."""
    ours = [
        Contender("here, eager", here, (case,)),
        Contender("here, compiled", here, (case, True), ("compile",)),
        Contender("PyTorch eager", pytorch, (case,), ("torch",)),
        Contender("NumPy by hand", by_hand, (case,)),
    ]
    others = [
        Contender("torch.compile", pytorch, (case, True), ("torch", "C++")),
        Contender("MyGrad", mygrad, (case,), ("mygrad",)),
        Contender("MyGrad, guard off", mygrad, (case, False), ("mygrad",)),
        Contender("HIPS autograd", hips_autograd, (case,), ("autograd",)),
    ]
    return ours if short else ours + others


def wanted(case: Case) -> dict[tuple[str, str], float]:
    """What the issue asks for."""
    found = {
        ("here, eager", "PyTorch eager"): case.eager,
        ("here, eager", "MyGrad"): 2,
        ("here, eager", "HIPS autograd"): 6,
        ("here, compiled", "NumPy by hand"): 0.9,
    }
    return found | ({("here, compiled", "PyTorch eager"): case.compiled} if case.compiled else {})


def run(short: bool) -> Iterator[Comparison]:
    """A table for each network."""
    for case in CASES:
        sizes = "-".join(map(str, case.sizes))
        yield Comparison(
            f"tensors {case.name}",
            f"(b) A step on arrays: {case.batch} × {sizes}",
            f"Batch {case.batch}, {case.loss.replace('_', ' ')}, SGD with momentum, float32.",
            in_turn(contenders(case, short), rounds=10 if short else 30),
            against=("PyTorch eager", "NumPy by hand"),
            wanted=wanted(case),
            tolerance=1e-3,
        )
