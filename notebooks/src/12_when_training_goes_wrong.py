# %% [markdown]
# # 12 · When training goes wrong
#
# *25 minutes · needs lesson 11*
#
# **The idea:** a network that doesn't learn gives no error message. Only its numbers show what is wrong: what each
# layer gives, how large the gradients are, how far a step goes.
#
# You will examine six sick networks, one by one, with the help of a doctor, and heal each. Then you meet two things
# that aren't what they seem: a bug that looks like overfitting, and a slope that isn't there.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
import math

import numpy as np
from matplotlib import pyplot as plt
from micrograd_plus import Value, draw, plots
from micrograd_plus.nn import Linear, ReLU, Sequential, Sigmoid, Tanh, init

# %% [markdown]
# ## A healthy network first
#
# All patients get the same task: to tell two moons apart, 200 points. Here are the data, and a function that builds a
# network with as many hidden layers as you like.

# %%
X, labels = mg.data.make_moons(200, noise=0.15, seed=0)
targets = labels.reshape(-1, 1).astype(float)  # a column, as the outputs are


def network(activation, hidden=2, seed=0):
    mg.seed(seed)
    layers = [Linear(2, 16), activation()]
    for _ in range(hidden - 1):
        layers += [Linear(16, 16), activation()]
    return Sequential(*layers, Linear(16, 1))


def loss_of(model, X=X):
    return mg.nn.functional.binary_cross_entropy_with_logits(model(X), targets)


# %% [markdown]
# And the training loop that you know. At the end it prints which share of the points is on the right side.


# %%
def train(model, X=X, lr=0.3, steps=300, name=""):
    first = loss_of(model, X).item()
    optimizer = mg.optim.SGD(model.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        loss_of(model, X).backward()
        optimizer.step()
    last = loss_of(model, X).item()
    right = ((model(X).numpy() > 0) == (targets > 0.5)).mean()
    print(f"{name}loss {first:.3g} at first, {last:.3g} at the end; right: {right:.0%}")


model = network(ReLU)
train(model)

# %% [markdown]
# The **doctor** is a function, `diagnose`. It gets a loss and the model, reads the graph, and says what looks wrong,
# why, and what to do. It changes nothing. A healthy network first:

# %%
mg.diagnose(lambda: loss_of(model), model)

# %% [markdown]
# **Predict:** some of the sick networks will end with a loss of 0.693, whatever you do. What would a network have to
# answer, for each point, to get just this loss? (Remember lesson 08: the loss is minus the logarithm of the probability
# given to the right class.) Write down that probability.

# %%
my_guess = 0.9

print(f"loss of your guess: {-math.log(my_guess):.3f}   loss to explain: 0.693")

# %% [markdown]
# It is 0.5: `-log(0.5)` is 0.693. The network says "fifty-fifty" to everything. It has given up.
#
# ## Patient 1: all weights equal
#
# Somebody thought: let's start all weights at 0, that is neutral. Here is that patient, beside the same network with
# random weights.

# %%
patient = network(Tanh)
for p in patient.parameters():
    init.zeros_(p)
train(patient, name="all at 0: ")
train(network(Tanh), name="random:   ")
mg.diagnose(lambda: loss_of(patient), patient)

# %% [markdown]
# If all neurons of a layer are equal, they get equal gradients, and stay equal for ever. Sixteen neurons do the work of
# one. (With zeros it is worse still: no gradient gets through to any weight.) **Initialisation** is how weights start.
# They must start *different*, so they are drawn at random. The layers do that by themselves.
#
# ## Patient 2: saturated
#
# This one is given its inputs in another unit: each number is 100 times as large. **Predict:** does that matter? A layer
# could use weights that are 100 times smaller.

# %%
X_large = 100 * X
patient = network(Tanh)
mg.diagnose(lambda: loss_of(patient, X_large), patient)

# %% [markdown]
# It could, but it has to find them first, and it starts where tanh is flat: for large numbers tanh is almost 1 or -1.
# Such a neuron is **saturated**. Its slope is nearly 0, so hardly any gradient comes through.
#
# The cure is to standardise the inputs (lesson 09): to shift and scale each column to mean 0 and a typical size of 1.
# Two networks are trained, one on the large inputs, one on the standardised ones. The picture shows what each layer
# gives before that, above for the large inputs, below for the standardised. (What lies beyond -2 and 2 is cut off.)

# %%
X_scaled = mg.data.standardize(X_large)
fig, axes = plt.subplots(2, 1, figsize=(6.4, 5.4), layout="constrained")
pair = [(X_large, "inputs 100 times too large"), (X_scaled, "inputs standardised")]
for ax, (inputs, name) in zip(axes, pair):
    train(network(Tanh), inputs, name=f"{name}: ")
    plots.activations(patient, inputs, ax=ax).set_title(name, pad=18)
    ax.set_xlim(-2, 2)
plots.show(
    axes,
    alt="Histograms of what each layer gives. With large inputs most outputs of the first "
    "tanh are at -1 and 1; with standardised inputs they spread between.",
)

# %% [markdown]
# > **Remember:** scale the inputs to about -1 to 1 before anything else. It is the cheapest cure there is.
#
# ## Patient 3: dead ReLUs
#
# This network was healthy, like the first. Then it was trained for 20 steps with a learning rate of 10, and after that
# with a better one.

# %%
patient = network(ReLU)
train(patient, lr=10, steps=20, name="rate 10:       ")
train(patient, lr=0.3, name="then rate 0.3: ")
mg.diagnose(lambda: loss_of(patient), patient)

# %% [markdown]
# A ReLU gives 0 for everything below 0, and its slope there is 0. A few wild steps have thrown the weights so far that
# a whole layer is below 0 for *every* sample. Now no gradient comes through, so nothing can bring it back. Such ReLUs
# are **dead**. A lower rate afterwards doesn't help.
#
# How far does a step go? The **update ratio** compares: |update| / |weights|. About a thousandth is usual (-3 on the
# axis below); small networks stand a hundredth well. A `Recorder` writes it down during `fit`, the library's own loop.

# %%
fig, axes = plt.subplots(1, 2, figsize=(9.4, 3.8), layout="constrained")
for ax, lr in zip(axes, (10, 0.3)):
    model, recorder = network(ReLU), mg.training.Recorder()
    optimizer = mg.optim.SGD(model.parameters(), lr=lr)
    settings = {"epochs": 20, "batch_size": 200, "seed": 0, "progress": False}
    settings |= {"loss": "bce_with_logits", "optimizer": optimizer, "callbacks": [recorder]}
    mg.training.fit(model, (X, targets), **settings)
    plots.update_ratio(recorder, ax=ax).set_title(f"learning rate {lr}", pad=18)
plots.show(
    axes,
    alt="Update ratios over 20 steps. With rate 10 the first steps are about as large as the "
    "weights, and after the fourth only the last bias still moves. With rate 0.3 the weights "
    "move by a hundredth to a tenth, all along.",
)

# %% [markdown]
# The cure: start again, with a smaller rate. That was the healthy network at the top: 98 %. (`ReLU` may also be
# replaced by `LeakyReLU`, whose slope below 0 isn't quite 0.)
#
# ## Patient 4: the gradient vanishes
#
# More layers must be better, somebody thought, and took eight of them, with sigmoids. The slope of a sigmoid is at most
# 0.25. **Predict:** by which factor is a gradient multiplied at most, when it passes the slopes of eight sigmoids?
# (Lesson 03: slopes multiply.)

# %%
my_guess = 0.25

print("my guess:", my_guess, "  0.25 to the power of 8:", round(0.25**8, 8))
patient = network(Sigmoid, hidden=8)
mg.diagnose(lambda: loss_of(patient), patient)

# %% [markdown]
# A product of many small numbers is tiny: a **vanishing gradient**. The last layer learns, the first hardly at all. The
# cure has two parts. ReLU has a slope of 1 wherever it is active. And weights can be drawn just so large that signals
# neither shrink nor grow from layer to layer. For ReLU that is the initialisation of Kaiming He, `kaiming_normal_`:


# %%
def healed(hidden):
    model = network(ReLU, hidden)
    for layer in model:
        if isinstance(layer, Linear):
            init.kaiming_normal_(layer.weight, nonlinearity="relu")
            init.zeros_(layer.bias)
    return model


train(patient, lr=0.1, name="patient: ")
train(healed(8), lr=0.1, name="healed:  ")

# %% [markdown]
# Look at the gradients of both, before any training. `0.weight` is the first layer. The axis is logarithmic: from mark
# to mark the size grows by the same factor.

# %%
fig, axes = plt.subplots(1, 2, figsize=(10, 5.6), layout="constrained")
pair = [(network(Sigmoid, 8), "eight sigmoids"), (healed(8), "ReLU, He's start")]
for ax, (model, name) in zip(axes, pair):
    loss_of(model).backward()
    plots.gradient_flow(model, ax=ax).set_title(name, pad=18)
    ax.set_xlim(1e-10, 10)
plots.show(
    axes,
    alt="Sizes of the gradient in each layer. With eight sigmoids it shrinks layer by layer, "
    "by a factor of more than a million up to the first. Healed, all layers are alike.",
    dpi=75,
)

# %% [markdown]
# ## Patient 5: the gradient explodes
#
# Then large weights must be good, somebody thought. Ten layers of ReLUs, and weights drawn with a spread of 3. He's
# start would have chosen about 0.35.

# %%
patient = network(ReLU, hidden=10)
for i, layer in enumerate(patient):
    if isinstance(layer, Linear):
        init.normal_(layer.weight, std=3.0, seed=i)
finding = mg.diagnose(lambda: loss_of(patient), patient)
train(patient, lr=0.1, name="patient: ")
train(healed(10), lr=0.1, name="healed:  ")
finding

# %% [markdown]
# Now each layer makes the signal larger, and the gradient on its way back, too: an **exploding gradient**. The first
# step throws the weights so far away that the network is dead afterwards.
#
# Where a good start isn't enough, gradients can be **clipped**: shortened if they are too long. That is
# [`clip_grad_norm_` in clipping.py](../micrograd_plus/optim/clipping.py#L9), called between `backward()` and `step()`.
#
# > **Remember:** slopes and weights multiply from layer to layer. Below 1 they vanish, above 1 they explode. A good
# > start keeps them near 1.
#
# ## Patient 6: not a number
#
# The last patient's loss was written by hand, from the formula in a book. It is right, on paper. But the program
# answers `nan`: **not a number**, what is left where arithmetic has no answer.


# %%
def my_loss(model, X):
    probability = model(X).sigmoid()
    right = probability.log() * targets + (1 - probability).log() * (1 - targets)
    return -right.mean()


wide = network(ReLU)
for p in wide.parameters():
    p.data *= 10  # sure of itself
print("loss by hand:          ", my_loss(wide, X).item())
print("loss of the library:   ", round(loss_of(wide).item(), 3))

# %% [markdown]
# Where was that nan born? Inside `detect_anomaly()` the first number that isn't finite stops the program, and the error
# names the operation and your line. (We print its parts; without `try` you would see them all, with the line's number.)

# %%
try:
    with mg.detect_anomaly():
        my_loss(wide, X).backward()
except RuntimeError as error:
    print("what: ", error.what)
    print("why:  ", error.why)
    print("do:   ", error.do)
    print("line: ", error.where.split(": ", 1)[-1])

# %% [markdown]
# The network is very sure. A probability is rounded to exactly 0 or 1, its logarithm is minus infinity, and `0 * -inf`
# is nan. The library's loss starts from the output *before* the sigmoid, and never takes that logarithm. So the cure is
# to use it.
#
# ## Not everything with a gap is overfitting
#
# **Overfitting** (lesson 13) means: good on the data it was trained with, bad on new data. Many bugs look the same!
# Here is a network whose training data were standardised. **Predict** what share of *new* points it gets right.

# %%
my_guess = 0.9

moons, moon_labels = mg.data.make_moons(400, noise=0.15, seed=5)
new_points, new_labels = 100 * moons, moon_labels.reshape(-1, 1)
model = network(Tanh)
train(model, X_scaled, steps=1000)


def share_right(points, labels):
    return ((model(points).numpy() > 0) == (labels > 0.5)).mean()


print(f"new points: {share_right(new_points, new_labels):.0%}   my guess: {my_guess:.0%}")

# %% [markdown]
# A large gap. So it overfits, and needs fewer neurons, or more data? Do one test first: send the *training* data
# through exactly the code that the new data went through. What it has learned by heart, it must still know.

# %%
print(f"training points, given as the new ones were: {share_right(X_large, targets):.0%}")
_, new_scaled = mg.data.standardize(X_large, new_points)
print(f"new points, scaled like the training data:   {share_right(new_scaled, new_labels):.0%}")

# %% [markdown]
# It gets a fifth of its own training points wrong, and it knew them perfectly! That can't be overfitting: it is a bug.
# The new points weren't standardised. Scaled by the mean and the spread *of the training data*, as in the second line,
# they come out right.

# %% [markdown]
# > **Remember:** before you say "overfitting", give the training data to the code that tests. If it fails there, too,
# > look for a bug. Other usual ones: labels in another order, dropout still switched on (no `model.eval()`).
#
# ## Every function has a slope? Autograd simplifies?
#
# The square of a square root is the number itself: `sqrt(x)**2 = x`. So its slope should be 1. **Predict** `x.grad` at
# 4, and at 0.

# %%
my_guess = {4.0: 1.0, 0.0: 1.0}

for number in (4.0, 0.0):
    x = Value(number, label="x")
    root = x.sqrt()
    root.label = "root"
    y = root**2
    y.label = "y"
    y.backward()
    print(f"x = {number}: y = {y.data}, x.grad = {x.grad}, my guess {my_guess[number]}")

# %% [markdown]
# At 0 it is nan. Look at the slopes on the arrows:

# %%
draw(y)

# %% [markdown]
# Two beliefs break here. **Autograd simplifies nothing.** It doesn't see that the formula is `x`: it multiplies slopes,
# one by one. And **not every function has a slope everywhere**: a root rises vertically at 0, so its slope there is
# infinite. The square's slope at 0 is 0. And 0 times infinity is no number.
#
# At a **kink**, such as the corner of `abs` or ReLU at 0, there is no slope either (lesson 01). There an engine
# *chooses* one that lies between the slopes on both sides, called a **subgradient**. For both it is 0 here, and in
# PyTorch. In training one hardly ever hits a kink exactly. Vertical places are the danger: keep away from them with a
# small constant, as in `(x + 1e-12).sqrt()`. The choices stand in the table of rules:
# [`sqrt` in ops.py](../micrograd_plus/engine/ops.py#L59).
#
# ## Exercises
#
# Replace the dots and run the cell, then the one below it: `ex.check` looks at your answer, and where it isn't right
# yet, it says what may have happened. `ex.hint("heal_the_eighth")` gives a hint, a plainer one each time;
# `ex.solution("heal_the_eighth")` shows the solution, and why.
#
# There are more exercises than the three below: `ex.list(lesson=12)` shows them all, and `ex.task("stuck_at_zero")`
# starts one of them.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** A seventh patient. Ask the doctor (`mg.diagnose` with the function that computes the loss, the
# model, and the optimiser as third argument). Write down the short name of the first problem, as a text; it stands in
# square brackets.

# %%
seventh = network(Tanh)
seventh_optimizer = mg.optim.SGD(network(Tanh).parameters(), lr=0.3)

# %%
problem = ...

# %%
ex.check("the_seventh_patient", problem)

# %% [markdown]
# **Exercise 2.** The eighth patient was healthy, until somebody multiplied all its weights and biases by 20. Write
# the cure: make the numbers of each parameter in a list 20 times smaller.


# %%
def heal(parameters):
    """Make all numbers 20 times smaller; the parameters stay the same objects."""
    ...


# %%
ex.check("heal_the_eighth", heal)

# %% [markdown]
# Give your `heal` to the patient, and ask the doctor. With the right cure nothing is found any more.

# %%
eighth = network(Tanh)
for p in eighth.parameters():
    p.data *= 20
heal(eighth.parameters())
mg.diagnose(lambda: loss_of(eighth), eighth)

# %% [markdown]
# **Exercise 3. What happens if…** all weights and biases of a network start at 0.1, and it is trained for 300 steps?
# How many *different* rows does the weight matrix of its first layer have at the end? (Each row belongs to one of 16
# neurons.)

# %%
different_rows = ...

# %%
ex.check("all_at_a_tenth", different_rows)

# %% [markdown]
# **Make something:** break a healthy network in a way of your own. Does the doctor find it?
#
# ## Where this is in PyTorch
#
# The initialisers, the clipping and the search for nan have the same names:
#
# ```python
# torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
# with torch.autograd.detect_anomaly(): loss.backward()
# torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
# ```
#
# A doctor doesn't come with it; its checks are in [`CHECKS` in diagnose.py](../micrograd_plus/explain/diagnose.py#L26),
# and you can do the same by hand there.
#
# **Next:** [13 · Overfitting](13_overfitting.ipynb). Now the network learns. Does it learn the right thing?
