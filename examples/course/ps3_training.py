# %% [markdown]
# # Problem set 3 · Training
#
# *About 75 minutes · 30 points · after lessons 08, 09, 10 and 13 · needs NumPy*
#
# **Your name:**
#
# A loss, its gradients, a step, and again: that is training. Here you write the parts that go wrong most often, mend
# two that have gone wrong, and then judge a few training runs yourself.
#
# As before: replace the dots, run the `ex.grade` cells as often as you like, ask for a hint with
# `ex.hint("mini_batches")`. What is right counts, even if the rest isn't.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
from micrograd_plus import Value
from micrograd_plus import exercises as ex

# %% [markdown]
# ## Task 1. What the loss says to each answer (5 points)
#
# Return the gradient of the mean squared error for each of the answers, as a list.


# %%
def mse_gradient(answers, targets):
    """How the mean squared error changes with each answer."""
    n = len(answers)
    ### BEGIN SOLUTION
    return [2 * (a - t) / n for a, t in zip(answers, targets)]
    ### END SOLUTION
    return [... for a, t in zip(answers, targets)]


# %%
ex.grade("mse_gradient", mse_gradient, points=5)

# %% [markdown]
# ## Task 2. The walk that swings (4 points)
#
# This loop fits a line through points. It should come to rest, but `w` swings to and fro. The rate is fine.


# %%
def train(xs, ys, lr, steps):
    """Fit the line y = w * x; where w is after each step."""
    w, path = Value(0.0), []
    for _ in range(steps):
        loss = sum((w * x - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        loss.backward()
        w.data -= lr * w.grad
        path.append(w.data)
    return path


print([round(w, 2) for w in train([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], lr=0.05, steps=8)])

# %% [markdown]
# Copy the function into this cell, and mend it there.


# %%
### BEGIN SOLUTION
def train(xs, ys, lr, steps):
    """Fit the line y = w * x; where w is after each step."""
    w, path = Value(0.0), []
    for _ in range(steps):
        loss = sum((w * x - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        w.zero_grad()
        loss.backward()
        w.data -= lr * w.grad
        path.append(w.data)
    return path


### END SOLUTION

# %%
ex.grade("slopes_pile_up", train, points=4)

# %% [markdown]
# ## Task 3. Mini-batches (6 points)
#
# Hand out one epoch: put the samples into a random order, and cut them into batches of `size`. The last batch may be
# smaller. `chance` is a `random.Random`, so `chance.shuffle(a_list)` shuffles a list.


# %%
def mini_batches(samples, size, chance):
    """The samples in a random order, as a list of batches."""
    batches = []
    ### BEGIN SOLUTION
    order = list(samples)
    chance.shuffle(order)
    for start in range(0, len(order), size):
        batches.append(order[start : start + size])
    ### END SOLUTION
    return batches


# %%
ex.grade("mini_batches", mini_batches, points=6)

# %% [markdown]
# ## Task 4. A step with momentum (4 points)
#
# The velocity keeps the share `keep` of itself and adds the slope; then `w` moves by `lr` times the velocity.


# %%
def momentum_step(w, v, slope, lr, keep):
    """The new w and the new velocity v, all of them numbers."""
    ### BEGIN SOLUTION
    v = keep * v + slope
    w = w - lr * v
    ### END SOLUTION
    return w, v


# %%
ex.grade("momentum_step", momentum_step, points=4)

# %% [markdown]
# ## Task 5. A jumpy validation loss (5 points)
#
# The model has dropout. Its validation loss is bad from the first epoch on, and measured twice, it is another one each
# time. `train_one_epoch(model)` trains; `loss(model)` is the loss on held-out data, in the mode that the model is in.
# In the example nothing is trained at all, so the three numbers should be the same.


# %%
def train_and_validate(model, train_one_epoch, loss, epochs):
    """The validation loss after each epoch."""
    losses = []
    for _ in range(epochs):
        model.train()
        train_one_epoch(model)
        with mg.no_grad():
            losses.append(loss(model))
    return losses


mg.seed(0)
X, y = mg.data.make_moons(100, noise=0.2, seed=0)
model = mg.nn.Sequential(mg.nn.Linear(2, 16), mg.nn.ReLU(), mg.nn.Dropout(0.5), mg.nn.Linear(16, 2))


def train_nothing(model):
    """An epoch in which nothing is trained."""


def loss_of(model):
    """What the model loses on X and y."""
    return mg.nn.cross_entropy(model(X), y).item()


losses = train_and_validate(model, train_nothing, loss_of, epochs=3)
print([round(loss, 3) for loss in losses])

# %% [markdown]
# Copy the function into this cell, and mend it there.


# %%
### BEGIN SOLUTION
def train_and_validate(model, train_one_epoch, loss, epochs):
    """The validation loss after each epoch."""
    losses = []
    for _ in range(epochs):
        model.train()
        train_one_epoch(model)
        model.eval()
        with mg.no_grad():
            losses.append(loss(model))
    return losses


### END SOLUTION

# %%
ex.grade("jumpy_validation", train_and_validate, points=5)

# %% [markdown]
# ## Task 6. Judge three runs (6 points)
#
# The same network learns the same two moons, three times, with three learning rates. Run the cell, change what you like
# (more rates, more epochs, more noise), and run it again.


# %%
def run(lr, epochs=40, noise=0.3):
    """The history of a training run."""
    mg.seed(0)
    X, y = mg.data.make_moons(200, noise=noise, seed=0)
    X_train, X_val, y_train, y_val = mg.data.train_test_split(X, y, seed=0)
    model = mg.nn.Sequential(mg.nn.Linear(2, 32), mg.nn.ReLU(), mg.nn.Linear(32, 2))
    return mg.training.fit(
        model,
        (X_train, y_train),
        loss="cross_entropy",
        optimizer=mg.optim.SGD(model.parameters(), lr=lr, momentum=0.9),
        epochs=epochs,
        validation=(X_val, y_val),
        metrics="accuracy",
        seed=0,
        progress=False,
    )


for lr in (0.0003, 0.03, 3.0):
    history = run(lr)
    loss, held_out = history["loss"], history["val_loss"]
    print(f"lr {lr:<6}  loss {loss[0]:.3f} -> {loss[-1]:.3f}", end="    ")
    print(f"held out: loss {held_out[-1]:.3f}, right {history['val_accuracy'][-1]:.0%}")

# %% [markdown]
# Which of the three would you keep? What is the matter with each of the other two, and from which numbers do you see
# it? And what would you look at before you believe the accuracy of the one that you keep? (A person reads this one.)

# %% [markdown] answer="three_runs" points=6
# ### BEGIN SOLUTION
# I would keep the middle one: its loss has fallen far, and the loss on held-out data with it. With 0.0003 the steps are
# too small: the loss still falls, only slowly, so more epochs or a larger rate help. With 3.0 they are too large: its
# loss at the end is above 0.69, which is what a model gets that knows nothing of two classes. Each step jumps across
# the valley.
#
# Before I believe the accuracy: is it measured on data that neither training nor the choice of the rate has seen? I
# chose among three runs by looking at the held-out data, so a third part, used once, gives the honest number. With
# fifty points a single one makes 2 %, so small differences mean nothing; other seeds show how much is luck.
#
# *(Three points for the two runs that failed, with a number as the reason; two for data that nothing was chosen by; one
# for chance.)*
# ### END SOLUTION
