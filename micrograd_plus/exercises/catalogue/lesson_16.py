"""Exercises of lesson 16: on to PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong


def _shape_of_a_weight() -> tuple[int, ...]:
    from ...nn import Linear

    shape: tuple[int, ...] = Linear(784, 256).weight.shape
    return shape


def _dtype_of_a_gradient() -> str:
    import numpy as np

    from ... import nn

    narrow = nn.Linear(64, 10, dtype=np.float32)
    nn.cross_entropy(narrow(np.ones((3, 64))), np.array([1, 2, 3])).backward()
    gradient = narrow.weight.grad
    assert gradient is not None
    return str(gradient.dtype)


def _name_of_dtype(answer: Any) -> str:
    """The answer as a text; np.float32 is meant well, too, as a type or in quotes."""
    name: str = getattr(answer, "__name__", None) or str(answer)
    return name.strip(" .").rpartition(".")[2]


# -- one step of training --------------------------------------------------------------------------------------


def _two_steps(one_step: Callable[..., Any], seed: int, lr: float) -> dict[str, Any]:
    """The weights of a small model after a first and a second step, and with which gradients these were made."""
    import numpy as np

    from ... import nn, optim

    model = nn.Linear(2, 1, seed=seed)
    optimizer = _Noting(optim.SGD(model.parameters(), lr=lr), model.weight)
    X, y = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([[3.0], [1.0]])
    weights = []
    for _ in range(2):
        one_step(model, optimizer, X, y)
        weights.append(model.weight.data.tolist()[0])
    without = "it was not called" if model.weight.grad is not None else "nothing happened"
    used = optimizer.used or [without]
    return {"weights after one step": weights[0], "weights after two steps": weights[1], "step() used": used}


class _Noting:
    """An optimiser that notes which gradients each step uses: some, cleared ones, or none at all."""

    def __init__(self, optimizer: Any, weight: Any) -> None:
        self.optimizer, self.weight = optimizer, weight
        self.cleared = False
        self.used: list[str] = []

    def _has_gradients(self) -> bool:
        return self.weight.grad is not None and bool(self.weight.grad.any())

    def zero_grad(self) -> None:
        self.cleared = self.cleared or self._has_gradients()
        self.optimizer.zero_grad()

    def step(self) -> None:
        without = "cleared gradients" if self.cleared else "no gradients"
        self.used.append("gradients" if self._has_gradients() else without)
        self.optimizer.step()


def _in_order(*lines: str, loss: str = "nn.mse_loss(model(X), y)") -> str:
    names = {"zero": "optimizer.zero_grad()", "loss": f"loss = {loss}", "back": "loss.backward()"}
    return "\n".join(names.get(line, "optimizer.step()") for line in lines)


# -- a loop in the wrong order ---------------------------------------------------------------------------------


def _weights_on_the_way(train: Callable[..., Any], start: float, xs: list[float]) -> list[float]:
    """The weight after each step, while (w * x - 1)² is minimised for one x after the other."""
    from ...engine import Value
    from ...optim import SGD

    w = Value(start)
    weights: list[float] = []

    def noted_loss(x: float) -> Any:
        weights.append(w.data)
        return (w * x - 1.0) ** 2

    train(SGD([w], lr=0.1), noted_loss, xs)
    return [*weights[1:], w.data]


def _start_and_batches(random: Random) -> tuple[float, list[float]]:
    return random.choice([-2.0, 2.0, 3.0]), random.sample([0.5, 1.5, 2.0, -0.5, -1.5], 3)


# -- what is kept of a loss ------------------------------------------------------------------------------------


def _mean_and_what_it_is(mean_loss: Callable[..., Any], targets: list[float]) -> dict[str, Any]:
    """The mean, and whether a graph hangs on it."""
    from ...engine import Value

    w = Value(2.0)
    losses = [(w - target) ** 2 for target in targets]
    for loss in losses:
        loss.backward()
    mean = mean_loss(losses)
    kind = "a Value without a graph" if isinstance(mean, Value) else "a plain number"
    return {"mean": mean, "what it is": "a Value with its graph" if getattr(mean, "inputs", ()) else kind}


def _gradient_with_detach() -> float:
    from ...engine import Value

    w = Value(5.0)
    y = w * w
    (y.detach() * w).backward()
    return w.grad


EXERCISES = [
    Exercise(
        id="shape_of_a_weight",
        lesson=16,
        minutes=2,
        kind="predict",
        title="The shape of a weight",
        task="What is the shape of the weight of `torch.nn.Linear(784, 256)`? Write it as a pair, as in `(1, 2)`.",
        code="shape = ____",
        right="(256, 784)",
        wrong=[
            Wrong(
                "the inputs are taken as the rows",
                "(784, 256)",
                "So it is written in the call. Compare a call of Linear above with the state dict.",
            ),
            Wrong(
                "the shape of the bias is given", "(256,)", "That is one number for each output. What else is there?"
            ),
            Wrong(
                "the bias is counted as one more input",
                "(256, 785)",
                "The bias is a parameter of its own: look at the names in the state dict.",
            ),
        ],
        hints=(
            "Look at the state dict above: what were its layers, and which shapes do their weights have?",
            "There is a row for each output, and a column for each input.",
            "784 inputs and 256 outputs: (rows, columns) is (the number of outputs, …)",
        ),
        why="A row for each output: the scores are X @ weight.T + bias, here as in PyTorch.",
        truth=_shape_of_a_weight,
        numpy=True,
    ),
    Exercise(
        id="one_step_as_there",
        lesson=16,
        minutes=5,
        kind="write a loop",
        title="One step",
        task=(
            "One step in PyTorch is `optimizer.zero_grad()`, `loss = F.mse_loss(model(X), y)`, `loss.backward()`, "
            "`optimizer.step()`. Write it with `micrograd_plus`."
        ),
        code='''
            def one_step(model, optimizer, X, y):
                """One step of training with the mean squared error."""
                ____
        ''',
        setup="from micrograd_plus import nn",
        right=_in_order("zero", "loss", "back", "step"),
        wrong=[
            Wrong(
                "zero_grad() is left out",
                _in_order("loss", "back", "step"),
                "The first step is right, the second is not. What was still there from the first?",
            ),
            Wrong(
                "backward() is left out",
                _in_order("zero", "loss", "step"),
                "Which line computes the gradients that step() uses?",
            ),
            Wrong(
                "step() is left out",
                _in_order("zero", "loss", "back"),
                "Gradients alone change no weight. Which line does?",
            ),
            Wrong(
                "step() comes before backward()",
                _in_order("zero", "loss", "step", "back"),
                "Which of the two uses what the other one computes?",
            ),
            Wrong(
                "the gradients are cleared between backward() and step()",
                _in_order("loss", "back", "zero", "step"),
                "What is left for step() to use?",
            ),
            Wrong(
                "the squared errors are added up, not averaged",
                _in_order("zero", "loss", "back", "step", loss="((model(X) - y) ** 2).sum()"),
                "There are two examples, and the step is twice as large. What does the M of MSE stand for?",
            ),
        ],
        draw=lambda random: (random.randrange(1, 1000), random.choice([0.05, 0.1])),
        drawn=1,
        measure=_two_steps,
        say="one_step(a small model drawn with the seed {}, with lr {})",
        hints=(
            "Four lines, as there. What is F called here?",
            "Clear the old gradients, run forward, run backward, change the weights: in this order.",
            "F.mse_loss is nn.mse_loss here. The other three lines are word for word the same.",
        ),
        why="The four lines are the same in both libraries; only the place of the loss function has another name.",
        numpy=True,
    ),
    Exercise(
        id="float32_gradient",
        lesson=16,
        minutes=3,
        kind="predict",
        title="A network in float32",
        task=(
            "You make a network in float32 here, `nn.Linear(64, 10, dtype=np.float32)`, give it the float64 numbers of "
            "`X`, and call `backward()`. PyTorch refuses. What happens here: is the gradient of the weight "
            '`"float32"` or `"float64"`, or is it `"an error"`?'
        ),
        code="gradient_dtype = ____",
        right='"float32"',
        measure=_name_of_dtype,
        wrong=[
            Wrong(
                "the gradient is expected to have the dtype of the result",
                '"float64"',
                "The result is float64, that is so. But what is the gradient subtracted from?",
            ),
            Wrong(
                "it is expected to refuse as PyTorch does",
                '"an error"',
                "Try it: here NumPy's rule holds, and the two dtypes may meet. Then look at .grad.dtype",
            ),
        ],
        hints=(
            "What is the gradient subtracted from?",
            "If a weight and its gradient had two dtypes, which one would the weight have after the step?",
            "A gradient has the dtype of what it belongs to. The weight is …",
        ),
        why="A gradient has the dtype of what it belongs to, so the step keeps the weight as it is.",
        truth=_dtype_of_a_gradient,
        numpy=True,
    ),
    Exercise(
        id="order_of_the_four",
        lesson=16,
        minutes=4,
        kind="find the bug",
        title="Four lines in the wrong order",
        task=(
            "This loop runs without an error, here and in PyTorch, and the model never gets better. Find the bug. "
            "(`loss_of(batch)` runs the model and returns the loss.)"
        ),
        code='''
            def train(optimizer, loss_of, batches):
                """One step for each batch."""
                for batch in batches:
                    ____
        ''',
        bug="loss = loss_of(batch)\nloss.backward()\noptimizer.zero_grad()\noptimizer.step()",
        right="optimizer.zero_grad()\nloss = loss_of(batch)\nloss.backward()\noptimizer.step()",
        wrong=[
            Wrong(
                "zero_grad() is left out",
                "loss = loss_of(batch)\nloss.backward()\noptimizer.step()",
                "The first step is right. What does backward() add the gradients of the second batch to?",
            ),
            Wrong(
                "step() uses the gradients of the batch before",
                "loss = loss_of(batch)\noptimizer.step()\noptimizer.zero_grad()\nloss.backward()",
                "Each step comes one batch late. Which line must be done before step()?",
            ),
            Wrong(
                "two steps are done for each batch",
                "optimizer.zero_grad()\nloss = loss_of(batch)\nloss.backward()\noptimizer.step()\noptimizer.step()",
                "One step for each batch is enough: the gradients hold at the place where they were computed.",
            ),
            Wrong(
                "the first batch is used for all steps",
                "optimizer.zero_grad()\nloss = loss_of(batches[0])\nloss.backward()\noptimizer.step()",
                "Which batch is it the turn of?",
            ),
        ],
        cases=[(2.0, [1.5, 0.5, 2.0])],
        draw=_start_and_batches,
        drawn=1,
        measure=_weights_on_the_way,
        say="the weight after each step, from w = {}, with the batches {}",
        hints=(
            "What is in .grad when step() looks at it?",
            "Note for each line what it does to the gradients: fill, clear, or use.",
            "Clear, fill, use. Move one of the four lines to another place.",
        ),
        why="zero_grad() clears, backward() fills, step() uses. Cleared before they are used, the gradients are all 0.",
    ),
    Exercise(
        id="keep_the_number",
        lesson=16,
        minutes=4,
        kind="fill a blank",
        title="Keep the number, not the graph",
        task=(
            "Losses are often averaged, to be shown after the epoch. Each loss is a Value (in PyTorch, a tensor), on "
            "which a whole graph hangs. Add to `total` so that the mean is a plain number, and no graph is kept."
        ),
        code='''
            def mean_loss(losses):
                """The mean of the losses, as a plain number."""
                total = 0.0
                for loss in losses:
                    ____
                return total / len(losses)
        ''',
        right="total += loss.item()",
        wrong=[
            Wrong(
                "the graph is kept",
                "total += loss",
                "A float plus a Value is a Value, and it remembers both. How do you get the number out of it?",
            ),
            Wrong(
                "the loss is cut off from its graph, and stays a Value",
                "total += loss.detach()",
                "No memory is lost like this. But what was asked for is a plain number.",
            ),
            Wrong(
                "the total is overwritten, not added to",
                "total = loss.item()",
                "This is the last loss, divided by how many there are. Where are the others?",
            ),
            Wrong(
                "the gradient is taken, not the loss", "total += loss.grad", "What is .grad of a loss after backward()?"
            ),
        ],
        draw=lambda random: ([float(n) for n in random.sample([-4, -3, -1, 4, 5, 6, 7], 3)],),
        drawn=1,
        measure=_mean_and_what_it_is,
        hints=(
            "What is the type of 0.0 + loss?",
            "Both libraries have a method that gives the number alone: this lesson used it to print a loss.",
            "total += loss.…(), with the method that turns a tensor of one number into a float",
        ),
        why="item() gives the plain number, so the graph can go. loss.data and float(loss) do the same here.",
    ),
    Exercise(
        id="detached_factor",
        lesson=16,
        minutes=4,
        kind="predict",
        title="A factor that is cut off",
        task=(
            "`w = Value(5.0)`, `y = w * w`, and `z = y.detach() * w`. What is `w.grad` after `z.backward()`? "
            "(It is the same in PyTorch.)"
        ),
        code="gradient = ____",
        right="25",
        wrong=[
            Wrong(
                "detach() is not looked at",
                "75",
                "Draw the graph. From which of the two factors does an arrow still lead back to w?",
            ),
            Wrong(
                "the path that was cut is followed, and the other is not",
                "50",
                "detach() cuts one path. Which one is left?",
            ),
            Wrong("the value of z is taken in place of its slope", "125", "That is z. How does it change with w?"),
            Wrong(
                "detach() is held to cut w off altogether",
                "0",
                "There are two ways from w to z. Is the second factor detached, too?",
            ),
        ],
        hints=(
            "Two paths lead from w to z. Which one does detach() cut?",
            "What is detached is a number like any other. Put it into the formula of z.",
            "z is (a number) * w, and the number is 5 * 5. What is the slope of that?",
        ),
        why="y.detach() is the number 25, and no path leads through it. So z is 25 * w, and its slope is 25.",
        truth=_gradient_with_detach,
    ),
]
