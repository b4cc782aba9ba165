# %% [markdown]
# # 09 · Downhill
#
# *25 minutes · needs lesson 08*
#
# **The idea:** the gradient says which way the loss rises. Go a little the other way, and look again. That is gradient
# descent, and nearly all training is a form of it.
#
# You will do it with one weight, with two, and with a network, each time with steps that are too short, right, and too
# long. In between you take the loop apart into three separate buttons.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
import numpy as np
from matplotlib import pyplot as plt
from micrograd_plus import Value, plots

# %% [markdown]
# ## Predict, then run
#
# One weight, and the loss `(w - 3)²`. We start at `w = 0`, where the loss is 9 and its slope is -6.
#
# The rule is: **new w = w - 0.1 * slope**. **Where is `w` after one step? And does the loss get smaller?** Write your
# guess for `w` into the cell.

# %%
my_guess = 0.0

w = Value(0.0, label="w")
loss = (w - 3) ** 2
loss.backward()
w.data = w.data - 0.1 * w.grad
print(f"my guess: {my_guess}   w: {w.data:.2f}")
print(f"loss before: {loss.data:.2f}   loss now: {(w.data - 3) ** 2:.2f}")

# %% [markdown]
# The slope is negative: the loss falls to the right. Minus times minus is plus, so `w` moves to the right, by `0.1 *
# 6`. With a positive slope it would have moved to the left. The minus sign in the rule makes it go *down* in either
# case.
#
# The rule is called **gradient descent**. The number 0.1 is the **learning rate**. Now ten steps; each looks at the
# slope anew:

# %%
w = Value(0.0, label="w")
for step in range(10):
    loss = (w - 3) ** 2
    w.zero_grad()
    loss.backward()
    print(f"step {step}:  w {w.data:.3f}   loss {loss.data:.3f}   slope {w.grad:+.3f}")
    w.data = w.data - 0.1 * w.grad

# %% [markdown]
# The steps get shorter by themselves, since the slope gets smaller towards the bottom. Nothing had to be told where the
# bottom is.
#
# ## Too short, right, too long
#
# The same with three learning rates: 0.03, 0.3 and 1.05. **Which one will be at 3 first? And will one never arrive?**


# %%
def walk(lr, steps=9, start=0.0):
    """The places w that gradient descent on (w - 3)² visits."""
    places = [start]
    for _ in range(steps):
        slope = 2 * (places[-1] - 3)
        places.append(places[-1] - lr * slope)
    return np.array(places)


fig, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained", sharey=True)
hill = np.linspace(-4.5, 10.5, 200)
for ax, lr in zip(axes, (0.03, 0.3, 1.05)):
    places = walk(lr)
    ax.plot(hill, (hill - 3) ** 2, color="gray", linewidth=1)
    ax.plot(places, (places - 3) ** 2, "o-", markersize=4)
    ax.plot(0, 9, "s", color="black")
    ax.set(xlabel="w", title=f"learning rate {lr}\nlast loss {(places[-1] - 3) ** 2:.3g}")
axes[0].set_ylabel("loss")
alt = "Nine steps on a bowl, from the black square. 0.03 creeps down; 0.3 is at the bottom; "
plots.show(axes[0], alt=alt + "1.05 jumps from side to side, each time higher.")

# %% [markdown]
# - **Too small:** it works, but it takes a great many steps.
# - **Right:** a few steps, and it is there.
# - **Too large:** each step goes so far over the bottom that it lands higher than before. This is called **diverging**.
#
# Here you can say exactly where the border is. Each step multiplies the distance to 3 by `1 - 2 * lr`:

# %%
print("rate   factor   distance to 3 after 9 steps")
for lr in (0.03, 0.3, 0.5, 0.9, 1.0, 1.05):
    print(f"{lr:4}   {1 - 2 * lr:+6.2f}   {abs(walk(lr)[-1] - 3):.4f}")

# %% [markdown]
# As long as the factor is between -1 and 1, the distance shrinks. A negative factor means that it changes sides at each
# step. At a rate of 1 it is -1: it jumps to and fro for ever, and comes no nearer.
#
# > **Remember:** the gradient gives the direction. The learning rate says how far, and it is yours to choose.
#
# ## "Backpropagation is learning": is it?
#
# Backpropagation, gradient descent and learning are often spoken of as one thing. But training has three separate
# buttons: forward, backward and step. **Which of them changes a weight?** Press one after the other, and look at the
# first weight of a small network each time:

# %%
model = mg.nn.MLP(2, [3, 1], activation="tanh", seed=0)
weight = model.parameters()[0]


def look(button, loss):
    """Print what the first weight is now, its gradient, and the loss that was computed."""
    shown = "-" if loss is None else f"{loss.data:.4f}"
    print(f"{button:9}  weight {weight.data:+.4f}   gradient {weight.grad:+.4f}   loss {shown}")


look("start", None)
loss = (model([1.0, 2.0]) - 1.0) ** 2
look("forward", loss)
loss.backward()
look("backward", loss)
for p in model.parameters():
    p.data = p.data - 0.05 * p.grad
look("step", loss)
loss = (model([1.0, 2.0]) - 1.0) ** 2
look("forward", loss)

# %% [markdown]
# - **Forward** computes the loss. No weight changes, no gradient changes.
# - **Backward** (backpropagation) fills in the gradients. Still no weight has changed! It measures, and that is all.
# - **Step** (gradient descent) changes the weights, and computes nothing else. The loss on the screen is still the old
#   one. Only the next forward pass tells whether the step was any good.
#
# Learning is what you see after many rounds of the three. You can even exchange one of them. Here the gradient is found
# by nudging each weight, as in lesson 01, with no backward pass at all:

# %%
model.zero_grad()
loss = (model([1.0, 2.0]) - 1.0) ** 2
loss.backward()

h = 0.00001
for i, p in enumerate(model.parameters()[:3]):
    before = p.data
    p.data = before + h
    up = (model([1.0, 2.0]).data - 1.0) ** 2
    p.data = before - h
    down = (model([1.0, 2.0]).data - 1.0) ** 2
    p.data = before
    print(f"parameter {i}: nudged {(up - down) / (2 * h):+.5f}, backward {p.grad:+.5f}")

# %% [markdown]
# The same numbers, so the same steps. Backpropagation is the *fast* way to get them: one pass for all weights, in place
# of two passes for each. And the step could be another one, as in lesson 10.
#
# > **Remember:** forward computes the loss, backward computes the gradients, the step changes the weights. Backward
# > alone changes no weight.
#
# ## Two weights: a walk on the map
#
# Back to the straight line `w * x + b` of lesson 08 and its bowl. With two weights the gradient has two numbers, one
# for each. Together they point straight *up* the slope, across the contour lines. Gradient descent goes the opposite
# way.
#
# Three walks from the same place, with rates 0.02, 0.4 and 1.05. **What will each look like on the map?**

# %%
points, targets = mg.data.linear(20, slope=2.0, intercept=1.0, noise=0.2, seed=1)
xs, ys = points[:, 0].tolist(), targets[:, 0].tolist()
w, b = Value(0.0, label="w"), Value(0.0, label="b")


def line_loss():
    """The mean squared error of the line w * x + b."""
    return mg.nn.mse_loss([w * x + b for x in xs], ys)


def descend(lr, steps=10):
    """Walk from w = -1, b = -1; the places visited."""
    w.data, b.data = -1.0, -1.0
    places = [(w.data, b.data)]
    for _ in range(steps):
        w.zero_grad()
        b.zero_grad()
        line_loss().backward()
        w.data, b.data = w.data - lr * w.grad, b.data - lr * b.grad
        places.append((w.data, b.data))
    return np.array(places)


# %% [markdown]
# All three on one map. Each walk begins at the white ring, and its marker is where it is after ten steps:

# %%
walks = {f"rate {lr}": descend(lr) for lr in (1.05, 0.4, 0.02)}
w.data, b.data = 2.0, 1.0
ax = plots.loss_landscape([w, b], line_loss, paths=walks)
alt = "From one ring: rate 0.02 hardly moves, 0.4 bends into the middle of the bowl, "
plots.show(ax, alt=alt + "1.05 jumps up and down, further each time.", dpi=80)

# %% [markdown]
# The walk with rate 0.4 doesn't head for the bottom in a straight line. Along `b` the bowl is steeper, so after a few
# steps `b` is right, and only then the walk goes on along `w`, more and more slowly. The diverging walk escapes along
# `b` for the same reason. **The steepest direction decides how large the learning rate may be**, and all others have to
# put up with it.
#
# ## A narrow valley
#
# The more the directions differ, the worse it gets. Here is a bowl that is twenty times as steep along `y` as along
# `x`. `optimizer_race` lets several walkers start at the same place:


# %%
def valley(x, y):
    """A long valley: it bends twenty times as sharply along y as along x."""
    return 0.1 * x**2 + 2 * y**2


walkers = {
    "rate 0.05": lambda parameters: mg.optim.SGD(parameters, lr=0.05),
    "rate 0.45": lambda parameters: mg.optim.SGD(parameters, lr=0.45),
    "rate 0.51": lambda parameters: mg.optim.SGD(parameters, lr=0.51),
}
window = {"xlim": (-4.8, 1.0), "ylim": (-2.0, 2.0)}
ax = plots.optimizer_race(valley, walkers, (-4.0, 1.0), steps=12, **window)
alt = "A long narrow valley. Rate 0.05 comes to its middle line and creeps; 0.45 zigzags along, "
plots.show(ax, alt=alt + "less and less; 0.51 zigzags wider at each step.", dpi=80)

# %% [markdown]
# A small rate crawls along the valley floor; a large one bounces between its walls. Such valleys come about when inputs
# are measured in very different units. So inputs are usually **standardised** first: shifted and scaled so that each
# has mean 0 and a typical size of 1. What else helps against such valleys is the matter of lesson 10.
#
# (`SGD` is the name of the optimiser that takes these steps; the S is explained in lesson 10. Its step is the last line
# of [`SGD` in optimizers.py](../micrograd_plus/optim/optimizers.py#L).)
#
# ## A network: the same loop
#
# Nothing changes for 25 weights. Here is the whole of training, with the three buttons. (`zero_grad` clears the
# gradients of the step before, as in lesson 04.)

# %%
X, y = mg.data.make_moons(40, noise=0.1, seed=1)


def train(lr, steps=60):
    """Train a small network on two moons; the model and its losses."""
    model, losses = mg.nn.MLP(2, [6, 1], activation="tanh", seed=1), []
    for _ in range(steps):
        outputs = [model(x) for x in X.tolist()]  # forward
        loss = mg.nn.binary_cross_entropy_with_logits(outputs, y.tolist())
        model.zero_grad()
        loss.backward()  # backward
        for p in model.parameters():
            p.data -= lr * p.grad  # step
        losses.append(loss.data)
    return model, losses


fig, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
for lr, style in ((0.03, ":"), (1.0, "-"), (10.0, "--")):
    ax.plot(train(lr)[1], style, label=f"rate {lr}")
ax.set(xlabel="step", ylabel="loss (log scale)", yscale="log")
ax.legend()
alt = "Rate 0.03 falls slowly. Rate 1 falls fast, then levels off. Rate 10 jumps up and down, "
plots.show(ax, alt=alt + "often above where it began.")

# %% [markdown]
# The picture to know by heart. A loss that falls in a long slow line: the rate is too small. A loss that jumps or
# climbs: too large.
#
# ## Find a rate by trying them all
#
# There is no formula for the border now, but there is a test. Take a few dozen steps, make the rate a little larger at
# each, and watch the loss. `lr_finder` does that, and puts the weights back afterwards. **Where will the curve turn
# up?**

# %%
model, _ = train(lr=0.0)
criterion = mg.nn.binary_cross_entropy_with_logits
ax = plots.lr_finder(model, (X, y), criterion, low=0.001, high=100.0, steps=60)
alt = "The loss over a growing learning rate: flat at first, falling from about 0.1 on, "
plots.show(ax, alt=alt + "lowest above 10, then shooting up. A dashed line marks the rate to try.")

# %% [markdown]
# Read it from left to right. At first nothing happens: the steps are too short. Then the loss falls. At the right end
# it explodes. A good first try is well before the explosion: the dashed line is at a tenth of the rate of the lowest
# point. It is a rule of thumb, so check it:

# %%
sweep = plots.lr_sweep(model, (X, y), criterion, low=0.001, high=100.0, steps=60)
model, losses = train(lr=sweep.suggestion)
print(f"rate {sweep.suggestion:.2f}: loss {losses[0]:.3f} before, {losses[-1]:.3f} at the end")

# %% [markdown]
# ## Exercises
#
# Replace the dots and run the cell, then the one below it: `ex.check` looks at your answer, and where it isn't right
# yet, it says what may have happened. `ex.hint("two_steps")` gives a hint, a plainer one each time;
# `ex.solution("two_steps")` shows the solution, and why.
#
# There are more exercises than the three below: `ex.list(lesson=9)` shows them all, and `ex.task("descend_until")`
# starts one of them.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** The loss is `w * w`, `w` is 2, the learning rate 0.1. On paper: where is `w` after *two* steps?

# %%
w_after_two = ...

# %%
ex.check("two_steps", w_after_two)

# %% [markdown]
# **Exercise 2.** Write the third button: a function that takes one step of gradient descent for each parameter in a
# list. The gradients are there already.


# %%
def take_step(parameters, lr):
    """One step of gradient descent with the learning rate lr."""
    for p in parameters:
        ...


# %%
ex.check("take_step", take_step)

# %% [markdown]
# **Exercise 3. What happens if…** the learning rate is exactly 1 on the loss `(w - 3)²`, starting at `w = 0`? Where
# is `w` after 101 steps?

# %%
w_after_101 = ...

# %%
ex.check("rate_of_one", w_after_101)

# %% [markdown]
# **Make something.** Draw a landscape with two valleys (the last one of lesson 08), and let several walks start at
# different places. Which of them end in which valley? Can you find a start from which none is reached?
#
# ## Where this is in PyTorch
#
# The three buttons have the same names there:
#
# ```python
# loss = criterion(model(X), y)             # forward
# optimizer.zero_grad(); loss.backward()    # backward
# optimizer.step()                          # step
# ```
#
# where `optimizer = torch.optim.SGD(model.parameters(), lr=0.1)`. The library here has the same: `mg.optim.SGD`.
#
# **Next:** [10 · Noise, momentum, Adam](10_noise_momentum_adam.ipynb). What to do about narrow valleys, and why a step
# needn't look at all the data.
