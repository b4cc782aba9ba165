# %% [markdown]
# # 10 · Noise, momentum, Adam
#
# *25 minutes · needs lesson 09*
#
# **The idea:** a few samples give a rough gradient, and a rough gradient is good enough to go downhill. An
# **optimiser** is the rule that turns gradients into steps. The famous ones differ in one thing: what they remember of
# earlier gradients.
#
# You will measure how noisy a small batch is, count epochs, steps and iterations, write four optimisers in five lines
# each, and let them race.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
import random

import numpy as np
from matplotlib import pyplot as plt
from micrograd_plus import Value, plots

# %% [markdown]
# ## Some points, and a line through them
#
# As in lesson 09 we look for the slope `w` and the height `b` of a line. There are 64 points. The **loss** is the mean
# of the squared distances. It takes the points as an argument, so that we can give it all of them, or a few.

# %%
X, heights = mg.data.linear(64, slope=1.5, intercept=-1.0, noise=0.3, seed=1)
points = [(x + 1.5, y) for (x,), (y,) in zip(X.tolist(), heights.tolist())]


def loss(w, b, some=points):
    return sum((w * x + b - y) ** 2 for x, y in some) / len(some)


print(len(points), "points; the loss of the line w = 0, b = 0:", round(loss(0.0, 0.0), 4))

# %% [markdown]
# ## Predict: the gradient from a few points
#
# Until now, each step used all the data. With a million samples, one step would take a million forward passes. So take
# 8 points at random, and compute the gradient of *their* loss. Such a handful is called a **mini-batch** (or a batch).
#
# **Predict:** all 64 points give the slope of the loss along `w` as about -2.2. Between which two numbers will most of
# the slopes from 8 points lie? Write your guess into the next cell before you run it.


# %%
my_guess = (-2.5, -1.9)


def gradient(some):
    """The slopes of the loss of these points along w and b, at one fixed place."""
    w, b = Value(0.0), Value(-1.5)
    loss(w, b, some).backward()
    return w.grad, b.grad


chance = random.Random(0)
slopes = sorted(gradient(chance.sample(points, 8))[0] for _ in range(200))
print(f"all 64 points:                {gradient(points)[0]:.2f}")
print(f"8 points, the middle 90 %:    {slopes[10]:.2f} to {slopes[-11]:.2f}")
print(f"my guess:                     {my_guess[0]:.2f} to {my_guess[1]:.2f}")

# %% [markdown]
# Each batch tells its own story, and this time the stories differ a lot. This scatter is called **gradient noise**.
# Look at it for two batch sizes. Each dot below is the gradient of one batch; the cross is the gradient of all points.

# %%
fig, axes = plt.subplots(1, 2, figsize=(8, 3.4), sharex=True, sharey=True)
for ax, size in zip(axes, (4, 32)):
    dots = [gradient(chance.sample(points, size)) for _ in range(150)]
    ax.plot(*zip(*dots), "o", markersize=4, alpha=0.5, color="C0")
    ax.plot(*gradient(points), "X", markersize=13, color="C1", markeredgecolor="black")
    ax.set(title=f"batches of {size}", xlabel="slope along w")
axes[0].set_ylabel("slope along b")
plots.show(
    axes[0],
    alt="Two clouds of dots around a cross. The cloud of batches of 4 is wide, "
    "that of batches of 32 is narrow; both have their middle at the cross, "
    "the gradient of all points.",
)

# %% [markdown]
# Two things to see. Larger batches are less noisy. And the noise is fair: the middle of the cloud is the gradient of
# all points. If the batches have equal size and share out the data, their mean is *exactly* that gradient:

# %%
parts = [points[i : i + 8] for i in range(0, 64, 8)]
print("mean of the 8 batches:", round(sum(gradient(part)[0] for part in parts) / 8, 10))
print("all 64 points:        ", round(gradient(points)[0], 10))

# %% [markdown]
# > **Remember:** a mini-batch gives the right gradient plus noise. It costs a fraction, and on average it points the
# > right way.
#
# ## Downhill with noise
#
# **Stochastic gradient descent** (**SGD**) is the walk of lesson 09 with mini-batches. *Stochastic* means: with chance
# in it. Both walks below make 40 steps. The first looks at all 64 points for each step, the second only at 8.


# %%
def walk(batch_size, epochs, lr=0.1):
    """The places (w, b) that a walk visits. A DataLoader hands out shuffled batches."""
    w, b = Value(-1.5, label="w"), Value(0.0, label="b")
    places = [(w.data, b.data)]
    loader = mg.data.DataLoader(points, batch_size=batch_size, seed=0)
    for epoch in range(epochs):
        for batch in loader:
            w.zero_grad()
            b.zero_grad()
            loss(w, b, batch).backward()
            w.data -= lr * w.grad
            b.data -= lr * b.grad
            places.append((w.data, b.data))
    return w, b, np.array(places)


w, b, calm = walk(batch_size=64, epochs=40)
w, b, noisy = walk(batch_size=8, epochs=5)
for name, size, path in [("all points:", 64, calm), ("8 points:", 8, noisy)]:
    print(f"{name:12} 40 steps, {40 * size:4} points looked at, loss {loss(*path[-1]):.4f}")

# %%
ax = plt.subplots(figsize=(5.4, 3.8))[1]
walks = {"all 64 points": calm, "8 points": noisy}
plots.show(
    plots.loss_landscape([w, b], lambda: loss(w, b), paths=walks, ax=ax),
    alt="Contours of the loss: a long narrow valley. The walk with all points is smooth, "
    "the walk with 8 points is jagged; both run into the valley and then along it.",
    dpi=80,
)

# %% [markdown]
# Each walk starts at its ring; the marker is where it ends. The noisy walk staggers, and gets about as far, for an
# eighth of the work. Near the bottom it keeps staggering, because the noise doesn't shrink. That is why people lower
# the learning rate towards the end (a **schedule**, see `mg.optim`).
#
# ## Epoch, step, iteration: three counters
#
# Many people use these words as if they meant the same. They don't:
#
# - An **iteration** is one turn of the inner loop: one batch, forward and backward.
# - A **step** is one change of the weights. Mostly there is one in each iteration. But in lesson 04 you saw that
#   gradients can be added up over several batches first; then there are fewer steps than iterations.
# - An **epoch** is one pass over *all* the data.
#
# Here is a loop that counts all three. It makes a step after every second batch. **Predict** the last line: 64 points,
# batches of 16, 3 epochs.

# %%
w, b = Value(-1.5), Value(0.0)
optimizer = mg.optim.SGD([w, b], lr=0.1)
iteration = step = 0
for epoch in range(1, 4):
    for batch in mg.data.DataLoader(points, batch_size=16, seed=epoch):
        iteration += 1
        (loss(w, b, batch) / 2).backward()  # half of it: two of them make one step
        if iteration % 2 == 0:
            optimizer.step()
            optimizer.zero_grad()
            step += 1
        seen = iteration * len(batch)
        print(f"epoch {epoch}   iteration {iteration:2}   step {step}   points seen {seen:3}")

# %% [markdown]
# Three epochs, twelve iterations, six steps. With one step for each batch, iterations and steps agree, and most books
# then use both words for the same thing. An epoch is something else always, unless the batch is the whole data set.
#
# > **Remember:** an epoch is one pass over the data; a step is one change of the weights. "100 epochs" says little
# > until you know the batch size.
#
# ## Four optimisers by hand
#
# The valley above is steep across and flat along. A learning rate that is safe across is slow along. Better optimisers
# remember something about each parameter. Here is a frame: it asks `update` to move each parameter, and hands it a
# `memory`, a dict that stays from step to step.


# %%
def train(update, steps=50):
    w, b = Value(-1.5), Value(0.0)
    memories = {w: {}, b: {}}
    for _ in range(steps):
        w.zero_grad()
        b.zero_grad()
        loss(w, b).backward()
        for p in (w, b):
            update(p, memories[p])
    return w.data, b.data


def compare(update, library):
    """Train with your rule and with the library's, and print where each ends."""
    w, b = Value(-1.5), Value(0.0)
    optimizer = library([w, b])
    for _ in range(50):
        optimizer.zero_grad()
        loss(w, b).backward()
        optimizer.step()
    mine, theirs = train(update), (w.data, b.data)
    print("by hand: ", [round(number, 10) for number in mine], "  loss:", round(loss(*mine), 4))
    print("library: ", [round(number, 10) for number in theirs])
    print("equal:   ", np.allclose(mine, theirs, rtol=1e-12))


# %% [markdown]
# **SGD** remembers nothing.


# %%
def sgd(p, memory, lr=0.1):
    p.data -= lr * p.grad


compare(sgd, lambda ps: mg.optim.SGD(ps, lr=0.1))

# %% [markdown]
# **Momentum** remembers a **velocity** `v`, like a ball that rolls: each step keeps a share of the last velocity and
# adds the new gradient. **Predict:** the share is 0.8, and the gradient is 1 at every step. Where does `v` settle? And
# if the gradient is 1, -1, 1, -1 …?

# %%
my_guess = (1.0, 0.0)

for name, gradients in [("always 1:", [1] * 30), ("1, -1, 1, -1 …:", [1, -1] * 15)]:
    v, seen = 0.0, []
    for g in gradients:
        v = 0.8 * v + g
        seen.append(round(v, 2))
    print(f"{name:16}", seen[:5], "… after 30 steps:", seen[-1])
print("my guess:", my_guess)

# %% [markdown]
# Gradients that agree add up to five times their size (1 / (1 - 0.8)). Gradients that contradict each other cancel in
# part: they count about half. So momentum is fast *along* the valley, where gradients agree. (It may swing from side to
# side, as a ball does in a bowl.)


# %%
def momentum(p, memory, lr=0.1, keep=0.8):
    memory["v"] = keep * memory.get("v", 0.0) + p.grad
    p.data -= lr * memory["v"]


compare(momentum, lambda ps: mg.optim.SGD(ps, lr=0.1, momentum=0.8))

# %% [markdown]
# **RMSprop** remembers how *large* each parameter's gradients are: a **running mean** `s` of their squares, in which
# old ones fade. It divides by its root. So a parameter with small gradients gets steps as long as one with large
# gradients. The `1e-8` keeps it from dividing by 0.


# %%
def rmsprop(p, memory, lr=0.1, keep=0.9):
    memory["s"] = keep * memory.get("s", 0.0) + (1 - keep) * p.grad**2
    p.data -= lr * p.grad / (memory["s"] ** 0.5 + 1e-8)


compare(rmsprop, lambda ps: mg.optim.RMSprop(ps, lr=0.1, alpha=0.9))

# %% [markdown]
# **Adam** does both: a running mean `m` of the gradients, divided by the root of the running mean `s` of their squares.
# Both start at 0, and so are too small at first. Adam corrects that: after `t` steps it divides by `1 - keep**t`.


# %%
def adam(p, memory, lr=0.1, keep_m=0.9, keep_s=0.999):
    t = memory["t"] = memory.get("t", 0) + 1
    m = memory["m"] = keep_m * memory.get("m", 0.0) + (1 - keep_m) * p.grad
    s = memory["s"] = keep_s * memory.get("s", 0.0) + (1 - keep_s) * p.grad**2
    m_hat, s_hat = m / (1 - keep_m**t), s / (1 - keep_s**t)
    p.data -= lr * m_hat / (s_hat**0.5 + 1e-8)


compare(adam, lambda ps: mg.optim.Adam(ps, lr=0.1))

# %% [markdown]
# All four agree with the library. Its Adam is these same lines, and works on arrays as well: see
# [`direction` in optimizers.py](../micrograd_plus/optim/optimizers.py#L431).
#
# ## The race
#
# The same loss, the same start, the same rate of 0.1, 60 steps. **Predict** the winner. Then look at how each walks.

# %%
racers = {
    "SGD": lambda ps: mg.optim.SGD(ps, lr=0.1),
    "momentum": lambda ps: mg.optim.SGD(ps, lr=0.1, momentum=0.8),
    "RMSprop": lambda ps: mg.optim.RMSprop(ps, lr=0.1, alpha=0.9),
    "Adam": lambda ps: mg.optim.Adam(ps, lr=0.1),
}
ax = plt.subplots(figsize=(5.4, 3.8))[1]
plots.show(
    plots.optimizer_race(loss, racers, start=(-1.5, 0.0), steps=60, ax=ax),
    alt="Contours of the valley with four walks from the same ring. Momentum swings from side "
    "to side and reaches the bottom, as RMSprop does; SGD and Adam are still on their way. "
    "The legend gives the last loss of each.",
    dpi=80,
)

# %% [markdown]
# Don't take the winner home as "the best optimiser". This was one race, on one loss, with one rate. The rate even means
# something different for each: SGD's step is `lr` times the gradient, a step of RMSprop or Adam is *about* `lr` long,
# whatever the gradient.
#
# So let them race on a loss of your own. Here is one with several valleys. They don't even end in the same one! Put any
# formula of two numbers in its place, and change the start:


# %%
def my_loss(u, v):
    return (u**2 + v - 11) ** 2 / 50 + (u + v**2 - 7) ** 2 / 50


box = {"xlim": (-5, 1), "ylim": (-4.5, 4.5), "ax": plt.subplots(figsize=(5.4, 3.8))[1]}
plots.show(
    plots.optimizer_race(my_loss, racers, start=(-0.4, -0.8), steps=60, **box),
    alt="Contours of a loss with two valleys, and four walks from one start between them. "
    "SGD and momentum end in the lower valley, RMSprop and Adam in the upper one.",
    dpi=80,
)

# %% [markdown]
# > **Remember:** momentum adds up what gradients agree on. RMSprop divides by how large they are. Adam does both. Which
# > one wins depends on the loss.
#
# In practice: Adam with a rate near 0.001 is a usual first try for networks. SGD with momentum can be as good, if you
# take the time to find its rate.
#
# ## Exercises
#
# Replace the dots and run the cell, then the one below it: `ex.check` looks at your answer, and where it isn't right
# yet, it says what may have happened. `ex.hint("nesterov")` gives a hint, a plainer one each time;
# `ex.solution("nesterov")` shows the solution, and why.
#
# There are more exercises than the three below: `ex.list(lesson=10)` shows them all, and `ex.task("mini_batches")`
# starts one of them.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** You train for 10 epochs on 1,000 samples with batches of 32, and a step for each batch. The last
# batch of an epoch is smaller. How many steps are that?

# %%
steps = ...

# %%
ex.check("steps_of_ten_epochs", steps)

# %% [markdown]
# **Exercise 2.** Write **Nesterov's** momentum: update `v` as above, and then move along the gradient plus `keep`
# times the new `v`.


# %%
def nesterov(p, memory, lr=0.1, keep=0.8):
    """One step of p. The memory is a dict that stays from step to step."""
    memory["v"] = keep * memory.get("v", 0.0) + p.grad
    ...


# %%
ex.check("nesterov", nesterov)

# %% [markdown]
# **Exercise 3. What happens if…** all gradients become a thousand times larger, because somebody multiplies the loss
# by 1000? For which of the four ("SGD", "momentum", "RMSprop", "Adam") is the walk (nearly) the same as before? Write
# their names as a set, such as `{"SGD", "Adam"}`.

# %%
the_same = ...

# %%
ex.check("a_thousandfold", the_same)

# %% [markdown]
# **Make something:** invent an optimiser of your own in at most five lines, and let it train the line. Does it beat
# momentum?
#
# ## Where this is in PyTorch
#
# The same names, the same settings, the same three lines in the loop:
#
# ```python
# optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
# for x, y in torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True):
#     optimizer.zero_grad(); loss_function(model(x), y).backward(); optimizer.step()
# ```
#
# Here, batches come from [`DataLoader` in loading.py](../micrograd_plus/data/loading.py#L79).
#
# **Next:** [11 · From scalars to tensors](11_from_scalars_to_tensors.ipynb). So far every number was an object of its
# own. The same rules work on whole arrays, and then training gets fast.
