# %% [markdown]
# # 00 · What happens when a model is trained?
#
# *20 minutes · needs nothing but a little Python*
#
# **The idea:** training is four small moves, repeated: compute, measure how wrong it was, find out which way to change
# each number, change each number a little.
#
# You will make these four moves one at a time, watch a network go from guessing to reading handwriting, and look at its
# mistakes. On the way you test five things that people often believe about such networks.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
import hashlib

import numpy as np
from matplotlib import pyplot as plt
from micrograd_plus import plots

# %% [markdown]
# ## Real handwriting
#
# These digits were written by people, and come with the library. Each picture has a **label**: the digit that its
# writer meant. One quarter of the pictures is **held out**: the network never trains on them. They are its exam.

# %%
images, labels = mg.data.load_digits(flat=True)
X, X_test, y, y_test = mg.data.train_test_split(images, labels, seed=0)
print("pictures to train on:", len(X), "  held out:", len(X_test))
ax = plots.image_grid(X[:20], labels=y[:20])
plots.show(ax, alt="Twenty small grey pictures of handwritten digits, with their labels.")

# %% [markdown]
# What you see as a picture is 64 numbers to the computer: how much ink is on each of 8 × 8 spots. Here is the first
# picture, with ink from 0 to 16:

# %%
for row in X[0].reshape(8, 8) * 16:
    print(" ".join(f"{ink:2.0f}" for ink in row))
print("label:", y[0])

# %% [markdown]
# ## A network that knows nothing
#
# A **model** is a formula with many numbers in it that can be changed. These numbers are its **weights** (also called
# **parameters**). Our model is a small **neural network**: 64 numbers go in, 10 numbers come out, one **score** for
# each digit. The highest score is its answer. At the start the weights are drawn at random. (What the words `Linear`
# and `ReLU` in the cell mean can wait until lesson 07.)
#
# **Predict:** what share of the held-out pictures does it read correctly before any training? Write your guess in per
# cent.

# %%
my_guess = 50

mg.seed(4)  # so that the random numbers are the same in each run
model = mg.nn.Sequential(mg.nn.Linear(64, 64), mg.nn.ReLU(), mg.nn.Linear(64, 10))
untrained = model.state_dict()  # a copy of all weights, for later


def share_right(images, labels):
    """The share of pictures for which the highest score is that of the right digit."""
    answers = model(images).data.argmax(axis=1)
    return (answers == labels).mean()


print("weights in this network:", sum(p.size for p in model.parameters()))
print(f"my guess: {my_guess} %   correct: {share_right(X_test, y_test):.0%}")

# %% [markdown]
# One in ten, as good as rolling a ten-sided die. Nothing in the program knows what a 3 looks like.
#
# ## One step of training, in four moves
#
# **Move 1: forward.** Put pictures in, get scores out. This is called the **forward pass**. Here is what the network
# says about the first picture. The scores mean nothing yet.

# %%
scores = model(X)
print("scores:", scores.shape, "(a row for each picture, a column for each digit)")
print("the first picture is a", y[0], "and its scores are:")
print(scores.data[0].round(3))

# %% [markdown]
# **Move 2: loss.** One number says how wrong all the answers were together: the **loss**. It is close to 0 if for each
# picture the right digit's score is far above the others, and the further it is below them, the larger the loss. (This
# one is called *cross-entropy*; lesson 08 takes it apart.)

# %%
loss = mg.nn.cross_entropy(scores, y)
print(f"loss: {loss.item():.2f}")

# %% [markdown]
# **Move 3: backward.** For each weight, `backward()` finds out: if this weight grew a little, would the loss grow or
# shrink, and how fast? That number is the weight's **gradient**. Computing all of them is called **backpropagation**.
#
# **Predict:** after `backward()`, will the network read more digits correctly? Write `True` or `False`.

# %%
my_guess = True


def fingerprint():
    """A short text made from all weights: if one of them changes, so does this."""
    weights = b"".join(p.data.tobytes() for p in model.parameters())
    return hashlib.sha256(weights).hexdigest()


before = fingerprint()
right_before = share_right(X_test, y_test)
loss.backward()
print("every weight has a gradient now:", all(p.grad is not None for p in model.parameters()))
better = bool(share_right(X_test, y_test) > right_before)
print("my guess:", my_guess, "  more are right:", better)
print("weights unchanged:", fingerprint() == before)

# %% [markdown]
# ### Is backpropagation the same as learning?
#
# No. Not one weight has moved. `backward()` only *finds out*; it makes a list of directions. Nothing is learned until
# somebody uses that list. That is the fourth move.
#
# **Move 4: step.** Move each weight a little against its gradient, so that the loss shrinks. This is **gradient
# descent**. How far is set by the **learning rate**, `lr`. An **optimiser** does it for all weights at once; ours is
# called `SGD`. Watch one of the weights:

# %%
optimizer = mg.optim.SGD(model.parameters(), lr=0.5)
weight = model[2].weight
old, gradient = weight.data[7, 14].item(), weight.grad[7, 14].item()
optimizer.step()
new = weight.data[7, 14].item()

print(f"weight before:       {old:+.4f}   its gradient: {gradient:+.4f}")
print(f"before - 0.5 * grad: {old - 0.5 * gradient:+.4f}")
print(f"weight after:        {new:+.4f}")
print("weights unchanged:", fingerprint() == before)

loss_after = mg.nn.cross_entropy(model(X), y)
print(f"loss before the step: {loss.item():.3f}   after it: {loss_after.item():.3f}")

# %% [markdown]
# All the other weights moved by the same rule. The last line went forward again, on the same pictures: the network is a
# little less wrong. That is all that a step does.
#
# > **Remember:** forward computes, the loss measures, backward finds the directions, **step** changes the weights.
#
# ## The loop
#
# Training is these four moves, over and over. (`zero_grad()` wipes the old gradients away first; lesson 04 shows why.)
#
# **Predict:** what share of the held-out pictures is right after 400 steps?

# %%
my_guess = 60

losses, shares = [], []
for _ in range(400):
    scores = model(X)  # 1. forward
    loss = mg.nn.cross_entropy(scores, y)  # 2. loss
    optimizer.zero_grad()
    loss.backward()  # 3. backward
    optimizer.step()  # 4. step
    losses.append(loss.item())
    shares.append(share_right(X_test, y_test))

for step in (1, 10, 50, 100, 400):
    loss, share = losses[step - 1], shares[step - 1]
    print(f"step {step:3}: loss {loss:.2f}, held-out pictures right: {share:4.0%}")
print(f"my guess: {my_guess} %")

# %% [markdown]
# From 10 % to 97 %, on pictures that it never trained on. The whole journey as a picture:

# %%
_, axes = plt.subplots(1, 2, figsize=(8, 2.8), layout="constrained")
axes[0].plot(losses)
axes[0].set(title="loss on the training pictures", xlabel="step", ylim=(0, None))
axes[1].plot([100 * share for share in shares])
axes[1].set(title="held-out pictures right, in %", xlabel="step", ylim=(0, 100))
plots.show(
    axes[0],
    alt="The loss falls fast, then slowly. The share of right answers climbs to 97 per cent.",
)

# %% [markdown]
# > **Remember:** training is these four moves in a loop. All that it changes is the weights.
#
# ## Its mistakes
#
# Three in a hundred are still wrong. Here they are, with what the network said and what the writer meant. Would you
# have read all of them?

# %%
scores = model(X_test)
wrong = scores.data.argmax(axis=1) != y_test
said = scores.data[wrong]
ax = plots.image_grid(X_test[wrong], labels=y_test[wrong], predictions=said, columns=8)
plots.show(
    ax,
    alt="The misread digits, each with a caption such as: 1, is 8. Many are untidy.",
)

# %% [markdown]
# ## What people believe about networks
#
# One belief you have tested already. Each of the next cells tests another. Decide first: true or false?
#
# ### Does it follow rules that somebody programmed?
#
# If so, they would be in the program. So keep the program, and put the weights from before training back in:

# %%
trained = model.state_dict()
model.load_state_dict(untrained)
print(f"same program, untrained weights: {share_right(X_test, y_test):.0%}")
model.load_state_dict(trained)
print(f"same program, trained weights:   {share_right(X_test, y_test):.0%}")

# %% [markdown]
# The program is the same in both lines. What was learned is in the weights, and nobody wrote those.
#
# ### Does it store the pictures, or look them up?
#
# Then it should fail without them. Compare the sizes, delete the training pictures, and ask again. (To train once more
# after this, begin at the top.)

# %%
print("numbers in the training pictures:", X.size)
print("numbers in the network:          ", sum(p.size for p in model.parameters()))
del images, labels, X, y
print(f"without the data:                 {share_right(X_test, y_test):.0%}")

# %% [markdown]
# It still works. It fetches nothing either, and you may switch off the internet and ask again: an answer is computed
# from 64 numbers and the weights. There are far too few weights to hold all the pictures, so they hold what many
# pictures have in common. (To be fair: a network with more room than it needs *can* learn single examples by heart.
# Lesson 13 catches one doing it.)
#
# ### Does it keep learning while it is used?
#
# Use it a thousand times, and compare the fingerprints of its weights:

# %%
before = fingerprint()
for i in range(1000):
    one_picture = X_test[i % len(X_test)]
    model(one_picture[None, :])  # a table with one row
print("weights unchanged after 1000 answers:", fingerprint() == before)

# %% [markdown]
# Asking is the forward pass alone: no loss, no backward, no step. A network learns only where somebody runs the loop.
# Its users don't train it by using it. (Companies may *collect* what users type and run the loop on it later.)
#
# ### Is a computer's answer exact?
#
# The scores can be turned into **probabilities**: numbers between 0 and 1 that add up to 1. (The formula for it is
# called *softmax*; it is in lesson 08.) See them for three pictures: one clear digit, the digit that the network is
# least sure of, and random noise.

# %%
probabilities = mg.nn.functional.softmax(model(X_test)).data
sure, unsure = probabilities.max(axis=1).argmax(), probabilities.max(axis=1).argmin()
noise = np.random.default_rng(0).random(64).astype(np.float32)
pictures = np.stack([X_test[sure], X_test[unsure], noise])
probabilities = mg.nn.functional.softmax(model(pictures)).data

_, axes = plt.subplots(2, 3, figsize=(8, 3.6), layout="constrained", height_ratios=(1, 1.2))
for k, title in enumerate(("clear", "unclear", "noise")):
    axes[0, k].imshow(pictures[k].reshape(8, 8), cmap="gray_r")
    axes[0, k].set_axis_off()
    axes[0, k].set_title(title)
    axes[1, k].bar(range(10), probabilities[k])
    axes[1, k].set(xticks=range(10), ylim=(0, 1), xlabel="digit")
axes[1, 0].set_ylabel("probability")
plots.show(
    axes,
    alt="Clear: one bar, near 1. Unclear: several bars below a half. Noise: two near a half.",
)

# %% [markdown]
# An answer is a best guess with a probability, never a certainty. And look at the noise: there is no digit in it at
# all, and still the network has a favourite. It has only ten answers; "this is no digit" isn't among them.
#
# Does it pay to look at the probability? Compare the answers that it was sure of with those that it wasn't:

# %%
probabilities = mg.nn.functional.softmax(model(X_test)).data
trust, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == y_test
print(f"probability above 0.9: {right[trust > 0.9].mean():.0%} right")
print(f"probability below 0.7: {right[trust < 0.7].mean():.0%} right")
print(f"its surest mistake had probability {trust[~right].max():.2f}")

# %% [markdown]
# It does pay. But even a very sure answer can be wrong.
#
# > **Remember:** a trained network is a formula with good numbers in it. It looks nothing up, learns
# > nothing while it is used, and gives probabilities.
#
# ## Exercises
#
# Replace the dots and run the cell, then the one below it: `ex.check` looks at your answer, and where it isn't right
# yet, it says what may have happened. `ex.hint("which_move")` gives a hint, a plainer one each time;
# `ex.solution("which_move")` shows the solution, and why.
#
# There are more exercises than the three below: `ex.list(lesson=0)` shows them all, and `ex.task("four_moves")` starts
# one of them.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** Which of the four moves changes the weights? Write `"forward"`, `"loss"`, `"backward"` or `"step"`.

# %%
changes_the_weights = ...

# %%
ex.check("which_move", changes_the_weights)

# %% [markdown]
# **Exercise 2.** A weight is 0.9, its gradient is 0.4, the learning rate is 0.25. What is the weight after one step?

# %%
new_weight = ...

# %%
ex.check("one_step", new_weight)

# %% [markdown]
# **Exercise 3. What happens if…** the step goes *with* the gradient: `weight + 0.5 * gradient`, in each of the four
# hundred rounds? Does the loss get `"smaller"`, stay the `"same"`, or get `"larger"`?

# %%
the_loss_gets = ...

# %%
ex.check("uphill", the_loss_gets)

# %% [markdown]
# **Make something.** Draw a digit of your own with `#` and `.`, run the cell, and see what the network makes of it.
# Then move it to one side, or draw it thinner. When does the network fail? (It has only seen digits that fill the
# square.)

# %%
my_digit = """
..####..
.##..##.
.....##.
...###..
.....##.
......#.
.##..##.
..####..
"""

ink = [float(mark == "#") for mark in "".join(my_digit.split())]
probabilities = mg.nn.functional.softmax(model(np.array([ink]))).data[0]
best = probabilities.argmax()
print(f"the network says {best}, with probability {probabilities[best]:.2f}")

# %% [markdown]
# ## Where this is in PyTorch
#
# The same moves with the same names:
#
# ```python
# loss = torch.nn.functional.cross_entropy(model(X), y)    # forward, loss
# optimizer.zero_grad()
# loss.backward()                                          # backward
# optimizer.step()                                         # step
# ```
#
# In this library you can read each of them:
#
# - the forward pass of a layer is [`forward` in layers.py](../micrograd_plus/nn/layers.py#L36);
# - the backward pass is [`backward` in graph.py](../micrograd_plus/engine/graph.py#L333);
# - the step is [`step` in optimizers.py](../micrograd_plus/optim/optimizers.py#L72).
#
# **Next:** [01 · A slope by nudging](01_a_slope_by_nudging.ipynb). `backward()` knew how the loss answers to each
# weight. What kind of number is that, and how could you find it out yourself?
