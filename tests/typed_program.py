"""A user's program, for `mypy --strict`: that it is clean, and that the names which load on first use have their types.

tests/test_release.py checks and runs it. assert_type does nothing when it runs.
"""

from typing import assert_type

import micrograd_plus as mg
from micrograd_plus import Tensor, Unary, Value, exercises, log
from micrograd_plus.training import Checkpoint, History

# Numbers
a, b = Value(2.0, label="a"), Value(-3.0)
c = (a * b + 10).tanh() ** 2
d = 1 - a / b + mg.exp(a) + mg.sum([a, b]) + mg.abs(b)
assert_type(c, Value)
assert_type(-a, Value)
assert_type(2 * a, Value)
d.backward()
assert_type(a.data, float)
assert_type(a.grad, float)
assert_type(a < b, bool)
a.data -= 0.1 * a.grad
cube = mg.grad(lambda x: x**3)
print(f"{cube(2.0)} {c.item():.3f}")

# Arrays
w = Tensor([[1.0, 2.0], [3.0, 4.0]], label="w")
y = (w @ [1.0, -1.0]).relu().sum()
assert_type(w, Tensor)
assert_type(y, Tensor)
assert_type(w[0], Tensor)
assert_type(w.T.reshape(4).mean(), Tensor)
assert_type(y.item(), float)
assert_type(w.shape, tuple[int, ...])
y.backward()
with mg.no_grad():
    print(w.numpy().mean(), w.detach().std())

# A row of one's own
softplus2 = Unary("softplus2", lambda x: log(1 + mg.exp(x)), lambda y, x: mg.sigmoid(x))
print(softplus2(0.0))


class Net(mg.nn.Module):
    """A module of one's own."""

    def __init__(self) -> None:
        self.layers = mg.nn.Sequential(mg.nn.Linear(64, 8), mg.nn.ReLU(), mg.nn.Linear(8, 10))

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the ten digits."""
        scores: Tensor = self.layers(x)
        return scores.log_softmax(dim=-1)


# Data, training
mg.seed(0)
images, labels = mg.data.load_digits(flat=True)
X, X_test, t, t_test = mg.data.train_test_split(images[:200], labels[:200], seed=0)
model = mg.nn.Sequential(mg.nn.Linear(64, 8), mg.nn.ReLU(), mg.nn.Linear(8, 10))
optimizer = mg.optim.Adam(model.parameters(), lr=3e-3)
history = mg.training.fit(model, (X, t), loss="cross_entropy", optimizer=optimizer, epochs=1, progress=False)
assert_type(history, History)
assert_type(history["loss"], list[float])
for x, labels_of in mg.data.DataLoader(X, t, batch_size=100, seed=0):
    optimizer.zero_grad()
    loss = mg.nn.nll_loss(Net()(x), labels_of)
    loss.backward()
    optimizer.step()
schedule = mg.optim.StepLR(optimizer, step_size=10)
schedule.step()

# Fast, seen, asked
step = mg.compile(lambda x: (x * x).sum())
print(step(w).item(), step)
picture = mg.draw(c, {"c": c})
print(len(picture.svg()), mg.gradcheck(lambda x: (x * x).tanh(), a), mg.formula(mg.tanh))
print(mg.trace_backward(c).rows[0]["sentence"], Checkpoint, exercises.hint, exercises.list)
