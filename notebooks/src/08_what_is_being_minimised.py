# %% [markdown]
# # 08 · What is being minimised?
#
# *25 minutes · needs lesson 07*
#
# **The idea:** training makes one number small: the **loss**, which says how wrong the answers are. Which number we
# choose decides what the network learns.
#
# You will find out what squaring the errors asks for, why the logarithm is used for probabilities, and how a loss looks
# as a curve over one weight and as a landscape over two.

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
# Five houses cost 1, 2, 3, 4 and 20 (in some currency). You must name **one** number `c` as your answer for all of
# them. An error is `c - price`. Two people judge you:
#
# - the first adds up the errors *squared*,
# - the second adds up the *sizes* of the errors, without their signs.
#
# **Which `c` will please each of them most?** Write down two guesses. The cell tries all numbers from 0 to 20.

# %%
my_guesses = {"squared": 10.0, "size": 10.0}

prices = np.array([1.0, 2.0, 3.0, 4.0, 20.0])
cs = np.linspace(0, 20, 201)
squared = np.array([((c - prices) ** 2).mean() for c in cs])
size = np.array([abs(c - prices).mean() for c in cs])
print("my guesses:", my_guesses)
print(f"best for squares: {cs[squared.argmin()]:.1f}   best for sizes: {cs[size.argmin()]:.1f}")

# %% [markdown]
# 6 is the **mean** of the prices. 3 is the **median**, the price in the middle. Neither judge is wrong: they want
# different things. To the first, one error of 14 is as bad as 196 errors of 1, so the expensive house pulls the answer
# its way. The second judge counts 14 as 14.
#
# The rule by which errors become one number is the **loss function**; its result is the **loss**. Averaged squares are
# called the **mean squared error** (MSE), averaged sizes the **mean absolute error** (MAE, or L1).
#
# ## A loss as a curve
#
# You have just seen a model with one parameter, `c`. For each value of it there is a loss, and so the loss is a curve:

# %%
fig, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
names = ("mean squared error", "mean absolute error")
for ax, losses, name in zip(axes, (squared, size), names):
    best = losses.argmin()
    ax.plot(cs, losses)
    ax.plot(cs[best], losses[best], "o", color="black")
    ax.set(xlabel="c", ylabel="loss", title=f"{name}: lowest at {cs[best]:.0f}")
alt = "Two curves over c. The mean squared error is a round bowl, lowest at 6; "
plots.show(ax, alt=alt + "the mean absolute error is made of straight pieces, lowest at 3.")

# %% [markdown]
# > **Remember:** the data are fixed. The loss is a function of the *parameters*, and training looks for its lowest
# > point.
#
# ## Why squared?
#
# First, why not add up the errors as they are? **What would the total be for the errors +5 and -5?** It would be 0, the
# same as for two perfect answers. So the signs must go.
#
# Squares and sizes both do that. The difference is in what the backward pass sees, the slope:

# %%
print("error   slope of error²   slope of |error|")
for number in (-10.0, -1.0, -0.1, 0.1, 1.0, 10.0):
    slopes = []
    for loss in (lambda e: e**2, abs):
        error = Value(number)
        loss(error).backward()
        slopes.append(error.grad)
    print(f"{number:5}   {slopes[0]:15.1f}   {slopes[1]:16.1f}")

# %% [markdown]
# The slope of the square is twice the error. A large error pulls hard, a small one gently, and at 0 the pull fades
# away. So training can settle. The size always pulls with the same force, and turns round abruptly at 0.
#
# That is a fine reason to square. The price is that a single wild number (an **outlier**) pulls hardest of all, as the
# expensive house did.
#
# ## The loss of two weights is a landscape
#
# Next a model with two parameters: a straight line, `y = w * x + b`. Here are twenty points near the line `y = 2x + 1`.
# Each pair `(w, b)` has a loss, so we need a map. Colour and contour lines say how high the loss is.
#
# **Before you run it: near which `w` and `b` will the lowest place be?**

# %%
points, targets = mg.data.linear(20, slope=2.0, intercept=1.0, noise=0.2, seed=1)
xs, ys = points[:, 0].tolist(), targets[:, 0].tolist()
w, b = Value(0.0, label="w"), Value(0.0, label="b")


def line_loss():
    """The mean squared error of the line w * x + b."""
    return mg.nn.mse_loss([w * x + b for x in xs], ys)


ax = plots.loss_landscape([w, b], line_loss, span=4)
alt = "A bowl seen from above: oval contour lines around w = 2, b = 1. "
plots.show(ax, alt=alt + "The cross, the place now, is at w = 0, b = 0.", dpi=80)

# %% [markdown]
# A bowl. Its bottom is near `w = 2`, `b = 1`, the line that the points came from. The white cross marks the weights as
# they are now. If you keep `b` at 0 and walk from left to right, you cut through the bowl, and are back at a curve over
# one weight.
#
# At the place of the cross, the backward pass tells which way is up:

# %%
loss = line_loss()
loss.backward()
print(f"loss {loss.data:.2f}, slope along w {w.grad:.2f}, slope along b {b.grad:.2f}")

# %% [markdown]
# Both slopes are negative, so the loss falls if `w` and `b` grow. That is the way to the bottom, and the matter of the
# next lesson.
#
# ## From scores to probabilities
#
# Now for another kind of answer: not a number, but a class. Is this a cat, a dog or a bird? The network gives a
# **score** to each class, which can be any number. Such raw scores are called **logits**. **Softmax** turns them into
# probabilities: take `exp` of each (that makes it positive), then divide by the total (then they add up to 1).

# %%
logits = [2.0, 1.0, -1.0]
powers = np.exp(logits)
probabilities = powers / powers.sum()
for name, logit, p in zip(("cat", "dog", "bird"), logits, probabilities):
    print(f"{name:4}  logit {logit:+.1f}   probability {p:.3f}")
print(f"sum of the probabilities: {probabilities.sum():.3f}")

# %% [markdown]
# Only differences count: a logit that is larger by 1 gives a probability that is `e`, about 2.72, times as large. (With
# two classes one logit is enough: the probability is then `1 / (1 + exp(-logit))`, the **sigmoid**.)
#
# ## Why the logarithm?
#
# Suppose that it really is a cat. What should an answer cost that gave the cat the probability `p`? At `p = 1` nothing.
# And at 0.5, at 0.01? Here are two candidates: the squared error `(1 - p)²`, and the logarithm with a minus, `-log(p)`.

# %%
print("p of what happened   (1 - p)²   -log(p)")
for p in (1.0, 0.9, 0.5, 0.1, 0.01, 0.0001):
    print(f"{p:18}   {(1 - p) ** 2:8.2f}   {0 - np.log(p):7.2f}")  # 0 - …: else it says -0.00

# %% [markdown]
# The square never costs more than 1. To be certain and wrong (`p = 0.0001`) is hardly dearer than `p = 0.1`. The
# logarithm goes on growing: each time `p` is divided by ten, it costs 2.3 more. `-log(p)` of the class that happened is
# called **cross-entropy**.
#
# It also suits how probabilities combine. The probability that five separate answers are all right is a *product*. The
# logarithm turns a product into a **sum**, and a sum over samples is what a loss should be:

# %%
ps = [0.9, 0.8, 0.95, 0.6, 0.7]
print(f"-log of the product: {-np.log(np.prod(ps)):.4f}")
print(f"sum of the -logs:    {-np.log(ps).sum():.4f}")

# %% [markdown]
# The strongest reason is once more the slope. Take two classes, "yes" (1) and "no" (0), with one logit `z` and a
# sigmoid. The right answer is yes. At `z = -8` the model is sure, and wrong. **Which loss will pull harder on `z`?**

# %%
print("   z        p   slope of squared error   slope of cross-entropy")
for number in (-8.0, -4.0, 0.0, 4.0):
    z1, z2 = Value(number), Value(number)
    squared_error = (z1.sigmoid() - 1) ** 2
    squared_error.backward()
    mg.nn.binary_cross_entropy_with_logits(z2, 1.0).backward()
    print(f"{number:4}   {z1.sigmoid().data:.4f}   {z1.grad:22.4f}   {z2.grad:22.4f}")

# %% [markdown]
# At `z = -8` the squared error hardly pulls at all. The sigmoid is flat out there, and its slope of nearly 0 is a
# factor in the chain rule. So the worst mistakes would be learned from least. The logarithm cancels exactly that
# factor. What is left is the simplest slope one could wish for: `p - 1`, or in general **probability minus target**.
# The library has it as one row of a table: [`bce_logits` in losses.py](../micrograd_plus/nn/losses.py#L).

# %%
fig, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
z = np.linspace(-8, 4, 200)
p = 1 / (1 + np.exp(-z))
for ax, square, cross in (
    (axes[0], (1 - p) ** 2, -np.log(p)),
    (axes[1], -2 * (1 - p) ** 2 * p, p - 1),
):
    ax.plot(z, square, "--", label="squared error")
    ax.plot(z, cross, "-", label="cross-entropy")
axes[0].set(xlabel="z", ylabel="loss, if the right answer is 1")
axes[1].set(xlabel="z", ylabel="its slope")
axes[0].legend()
alt = "Left: for negative z the squared error flattens at 1, cross-entropy climbs straight on. "
alt += "Right: there the slope of the first fades to 0, that of cross-entropy stays at -1."
plots.show(axes[0], alt=alt)

# %% [markdown]
# > **Remember:** squared error for numbers, cross-entropy for classes. It takes the logits, and its slope is
# > probability minus target.
#
# The same holds for many classes. Here with the cat, the dog and the bird; the cat is class 0:

# %%
scores = [Value(number) for number in logits]
mg.nn.cross_entropy(scores, 0).backward()
print("softmax:              ", [f"{p:+.3f}" for p in probabilities])
print("slopes of the logits: ", [f"{s.grad:+.3f}" for s in scores])

# %% [markdown]
# Only the cat's entry differs, by exactly 1. A negative slope means: more of this, please.
#
# ## Why not count the mistakes?
#
# In the end we care how many answers are right, the **accuracy**. Then why not minimise the number of mistakes itself?
# Look at its curve. The **margin** is the score times the label, with labels -1 and 1; it is positive if the answer is
# right.

# %%
margin = np.linspace(-3, 3, 301)
fig, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.plot(margin, margin < 0, ":", label="mistake: 1 or 0")
ax.plot(margin, np.maximum(0, 1 - margin), "--", label="hinge: max(0, 1 - margin)")
ax.plot(margin, np.log(1 + np.exp(-margin)), "-", label="cross-entropy")
ax.set(xlabel="margin (label * score)", ylabel="loss")
ax.legend()
alt = "Counting mistakes is a step from 1 to 0, flat on both sides. Hinge falls in a straight "
alt += "line to 0 at margin 1 and stays there. Cross-entropy falls smoothly and never quite ends."
plots.show(ax, alt=alt)

# %% [markdown]
# The count is flat. Its slope is 0 nearly everywhere, so a gradient can't say which way to go. Both other curves fall
# towards the right side, and have a slope wherever an answer is wrong. The **hinge** loss asks for being right *by a
# margin of 1*, and then costs nothing more. Cross-entropy is never quite content.
#
# So the loss is a stand-in, chosen for its slopes. Accuracy is what you report, the loss is what you minimise. The two
# can disagree:

# %%
labels = [1.0, 1.0, 1.0, 1.0]
for name, zs in {"timid": [0.1, 0.1, 0.1, 0.1], "bold": [4.0, 4.0, 4.0, -0.2]}.items():
    loss = mg.nn.binary_cross_entropy_with_logits(zs, labels)
    print(f"{name:5}: {sum(z > 0 for z in zs)} of 4 right, cross-entropy {loss:.3f}")

# %% [markdown]
# ## Not every landscape is a bowl
#
# Last, a tiny network: `tanh(w0 * x)` and then `w1` times that, on three points of the curve `y = tanh(2x)`. It fits at
# `w0 = 2`, `w1 = 1`. **Is there another pair that fits as well?**

# %%
w0, w1 = Value(-1.0, label="w0"), Value(1.0, label="w1")
three = [(x, float(np.tanh(2 * x))) for x in (0.5, 1.0, 1.5)]


def net_loss():
    """The mean squared error of w1 * tanh(w0 * x) on the three points."""
    return mg.nn.mse_loss([w1 * (w0 * x).tanh() for x, _ in three], [y for _, y in three])


ax = plots.loss_landscape([w0, w1], net_loss, span=4)
alt = "Two curved valleys, one where w0 and w1 are positive, one where both are negative; "
plots.show(ax, alt=alt + "higher ground lies between them.", dpi=80)

# %% [markdown]
# Two valleys: with both signs turned round, the network computes the same. Between them lies a pass, as in the
# mountains: the lowest way over from one to the other. A network with thousands of weights has a landscape in thousands
# of dimensions. Nobody can draw it, but the slope at the place where you stand is always there to ask for.
#
# ## Exercises
#
# Replace the dots and run the cell, then the one below it: `ex.check` looks at your answer, and where it isn't right
# yet, it says what may have happened. `ex.hint("hinge")` gives a hint, a better one each time; `ex.solution("hinge")`
# shows the solution, and why.

# %%
import math

from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** A model knows nothing and gives each of ten classes the same probability. What is its cross-entropy?
# (Two decimals are enough. It is a useful number: an untrained network should begin near it.)

# %%
loss_at_start = ...

# %%
ex.check("knows_nothing", loss_at_start)

# %% [markdown]
# **Exercise 2.** Write the hinge loss of one score and its label (-1 or 1).


# %%
def my_hinge(score, label):
    """0 for an answer that is right by a margin of 1; else what is missing to that margin."""
    return ...


# %%
ex.check("hinge", my_hinge)

# %% [markdown]
# **Exercise 3. What happens if…** you add 100 to the logits of the cat, the dog and the bird, all three? What is the
# cat's probability then? (Three decimals.)

# %%
cat = ...

# %%
ex.check("logits_raised", cat)

# %% [markdown]
# There are more exercises for this lesson: `ex.list(lesson=8)` shows them, and `ex.task("softmax")` gives you the task
# and the code of one. You write a softmax that large logits can't break, the losses of this lesson and their gradients,
# and find the bug of a loss that loves to say yes.
#
# **Make something.** Change the last house price from 20 to 200 in the first code cell. Then invent a loss that squares
# small errors but counts large ones by their size only, and see which `c` it prefers. (It exists: look for
# `huber_loss`.)
#
# ## Where this is in PyTorch
#
# The same names:
#
# ```python
# loss = torch.nn.functional.mse_loss(output, target)
# loss = torch.nn.functional.cross_entropy(logits, classes)      # takes logits
# loss = torch.nn.functional.binary_cross_entropy_with_logits(logit, target)
# ```
#
# There, too, `cross_entropy` does the softmax itself. To apply softmax before it is a common mistake: nothing fails, it
# only learns badly.
#
# **Next:** [09 · Downhill](09_downhill.ipynb). You stand somewhere in the landscape, in fog, and can feel the slope
# under your feet. Where do you step?
