# %% [markdown]
# # 13 · Overfitting
#
# *25 minutes · needs lesson 12*
#
# **The idea:** a model is trained on examples that it sees, and used on others. Being good at the first is not the
# goal. The difference between the two is a number, and you can measure it.
#
# You will fit a curve that passes through every point and is useless, draw how errors change with size and with data,
# catch two bugs in the measuring, and judge twelve trainings by their curves.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
import numpy as np
from matplotlib import pyplot as plt
from micrograd_plus import nn, optim, plots

# %% [markdown]
# ## Predict, then run
#
# Here are 15 points. They lie on a curve that goes up, down and up again, and each was moved up or down a little:
# that is **noise**. We draw three curves through them: a straight line, a **polynomial** of degree 3 (with `x`, `x²`
# and `x³`), and one of degree 14. A higher degree can bend more often. We say that it has more **capacity**.
#
# Then come 200 *new* points from the same source. **Which of the three will be closest to the new points?** Write
# down the degree.

# %%
my_guess = 14

X, y = mg.data.polynomial(15, noise=0.3, seed=2)  # the points to learn from
X_new, y_new = mg.data.polynomial(200, noise=0.3, seed=100)  # the same source, other points


def powers(X, degree):
    """A column for each power up to the degree (combined as Legendre did: less rounding)."""
    return np.polynomial.legendre.legvander(X[:, 0], degree)


def fit_curve(X, y, degree):
    """The polynomial with the smallest mean squared error on (X, y)."""
    coefficients = np.linalg.lstsq(powers(X, degree), y[:, 0], rcond=None)[0]
    return lambda X: powers(X, degree) @ coefficients


def error(curve, X, y):
    """The mean squared error: how far the curve is from the points."""
    return np.mean((curve(X) - y[:, 0]) ** 2)


# %% [markdown]
# Now the three curves, and their errors on the old and on the new points:

# %%
x_line = np.linspace(-1, 1, 300).reshape(-1, 1)
fig, axes = plt.subplots(1, 3, figsize=(9, 3), sharey=True, layout="constrained")
for ax, degree in zip(axes, (1, 3, 14)):
    curve = fit_curve(X, y, degree)
    ax.plot(X_new, y_new, ".", color="#999999", markersize=3, label="new points")
    ax.plot(X, y, "o", label="learned from")
    ax.plot(x_line, curve(x_line), "-", label="the curve")
    ax.set(title=f"degree {degree}", xlabel="x", ylim=(-2.5, 2.5))
    old, new = error(curve, X, y), error(curve, X_new, y_new)
    new_text = f"{new:.3f}" if new < 1000 else "above 1000"
    print(f"degree {degree:2}: error on its own points {old:.3f}, on new points {new_text}")
axes[0].legend(fontsize="small")
print("my guess:", my_guess)
plots.show(
    axes,
    alt="The line misses the bend. Degree 3 follows it. Degree 14 goes through all 15 points "
    "and swings off the picture between them.",
)

# %% [markdown]
# Degree 14 makes no error at all on the points it has seen: 15 numbers to choose, 15 points to meet. And it is the
# worst of the three by far. It has learned the noise by heart.
#
# The line is wrong everywhere, on old and new points: it **underfits**. Degree 14 **overfits**: it has fitted what
# will not come again. Doing well on new examples is called **generalisation**.
#
# > **Remember:** the training error is not the goal. What counts is the error on examples that the model has not
# > seen.
#
# ## Capacity: the gap is a number
#
# Points that we hold out, to look at the error on them, are called the **validation set**. The **gap** is the
# validation error minus the training error. Here are both, for all degrees. Where would you stop?

# %%
degrees = range(0, 13)
train_errors = [error(fit_curve(X, y, d), X, y) for d in degrees]
validation_errors = [error(fit_curve(X, y, d), X_new, y_new) for d in degrees]

print("degree  training  validation    gap")
for d in range(0, 11):
    t, v = train_errors[d], validation_errors[d]
    print(f"{d:6}  {t:8.3f}  {v:10.3f}  {v - t:5.3f}")

ax = plt.subplots(figsize=(6, 3.2), layout="constrained")[1]
ax.semilogy(degrees, train_errors, "o-", label="training error")
ax.semilogy(degrees, validation_errors, "s--", label="validation error")
ax.axhline(0.09, color="#999999", linestyle=":", label="the noise alone: 0.3² = 0.09")
ax.set(xlabel="degree (capacity)", ylabel="mean squared error", ylim=(1e-3, 100))
ax.legend(fontsize="small")
plots.show(
    ax,
    alt="The training error falls with every degree. The validation error is lowest at degree 3 "
    "and rises steeply beyond 8.",
)

# %% [markdown]
# The training error falls with each degree: more capacity never hurts *there*. The validation error falls, reaches a
# lowest point at degree 3, and rises again. Nothing tells you where but points that were held out.
#
# On new points no curve can stay below the dotted line, except by luck: noise can't be foreseen. So **a training error
# near 0 on noisy data says that the noise was learned, too.**
#
# ## Data: the other way to close a gap
#
# Keep the degree at 9, which did badly above, and give it more points. (Each number is the median of 20 draws of
# points, because one draw may be lucky.)

# %%
sizes = (12, 15, 20, 30, 50, 100, 200, 400)
table = []
for n in sizes:
    draws = [mg.data.polynomial(n, noise=0.3, seed=s) for s in range(20)]
    curves = [fit_curve(*draw, 9) for draw in draws]
    on_own = [error(curve, *draw) for curve, draw in zip(curves, draws)]
    on_new = [error(curve, X_new, y_new) for curve in curves]
    table.append((np.median(on_own), np.median(on_new)))
table = np.array(table)
print("points      ", *(f"{n:7}" for n in sizes[2:]))
print("training    ", *(f"{t:7.3f}" for t in table[2:, 0]))
print("validation  ", *(f"{v:7.3f}" for v in table[2:, 1]))

ax = plt.subplots(figsize=(6, 3), layout="constrained")[1]
ax.loglog(sizes, table[:, 0], "o-", label="training error")
ax.loglog(sizes, table[:, 1], "s--", label="validation error")
ax.axhline(0.09, color="#999999", linestyle=":", label="the noise alone")
ax.set(xlabel="training points", ylabel="mean squared error", title="degree 9", ylim=(1e-2, 100))
ax.minorticks_off()
ax.set_xticks(sizes, sizes)
ax.legend(fontsize="small")
plots.show(ax, alt="With more points, training error rises and validation error falls, to 0.09.")

# %% [markdown]
# The two errors come towards each other from both sides. With few points the model can bend to each; with many it
# can't. So "this model overfits" is half a sentence. *This model, on this much data*, has this gap.
#
# ## The same with a small network
#
# Real digits, one hidden layer. `train` is the loop that you know. After each epoch it notes the loss on both sets.


# %%
def measure(model, data):
    """Loss and accuracy on (X, y), with the model in the mode that it is in."""
    with mg.no_grad():  # no graph: nobody will go backward
        scores = model(data[0])
        return nn.cross_entropy(scores, data[1]).item(), np.mean(scores.argmax(1) == data[1])


def train(data, held, hidden=64, lr=3e-3, epochs=60, p=0.0, train_mode="eval", val_mode="eval"):
    """Train on `data`; returns the model and, for each epoch, (loss, accuracy) on both sets."""
    mg.seed(0)
    layers = nn.Linear(64, hidden), nn.ReLU(), nn.Dropout(p), nn.Linear(hidden, 10)
    model = nn.Sequential(*layers)
    optimizer, rows = optim.Adam(model.parameters(), lr=lr), []
    for _ in range(epochs):
        for X, y in mg.data.DataLoader(*data, seed=len(rows)):
            optimizer.zero_grad()
            nn.cross_entropy(model.train()(X), y).backward()
            optimizer.step()
        on_data = measure(model.train(train_mode == "train"), data)
        on_held = measure(model.train(val_mode == "train"), held)
        rows.append(on_data + on_held)
    return model.eval(), np.array(rows)


# %% [markdown]
# First more neurons with 100 images, then more images with 64 neurons. Before you run it: will 256 neurons be worse
# on new images than 16?

# %%
images, labels = mg.data.load_digits(flat=True)
order = np.random.default_rng(0).permutation(len(images))
images, labels = images[order], labels[order]
validation = images[1000:1400], labels[1000:1400]

print("neurons  images   accuracy: training  validation   gap")
sizes = [(2, 100), (4, 100), (16, 100), (64, 100), (256, 100), (64, 30), (64, 300), (64, 1000)]
for hidden, n in sizes:
    some = images[:n], labels[:n]
    _, rows = train(some, validation, hidden, epochs=max(20, 6000 // n))
    _, t, _, v = rows[-1]
    print(f"{hidden:7} {n:7} {t:19.0%} {v:11.0%} {t - v:5.0%}")

# %% [markdown]
# Did you expect that? With the polynomials, too much capacity ruined everything. Here the large networks are *better*
# on new images than the small ones, though they are perfect in training. More images close the gap.
#
# ## "High training accuracy, or any gap, is overfitting": it isn't
#
# Look at the last line. Training accuracy 99 %, a gap of 3 points, and it is the **best model in the table**. A small
# gap is normal: the weights were chosen with these examples in view, so they suit them a little better.
#
# Nor is it yes or no. Instead of asking "does it overfit?", ask three things:
#
# 1. **How large is the gap**, in the units of the error?
# 2. **Would a smaller gap help?** That is: would another model, or more data, or an earlier stop be better on
#    *validation*? Closing the gap by getting worse in training is no gain. (The straight line above has a smaller gap
#    than degree 7, and more than twice its error on new points.)
# 3. **Is it really the model?** A difference can come from a bug in the measuring. We come to that.
#
# > **Remember:** overfitting is not a yes or a no. Compare models by their validation error; read the gap as a hint
# > at what to change.
#
# ## Train, validation, test: why three
#
# We choose the degree by the validation error. Then that error has been *used* to choose, and is too kind to the
# winner. Take it to the extreme: 200 "models" that guess digits at random. Each is right in about 10 % of cases.
# Choose the best on 50 validation images, and try it on 400 others.

# %%
guessers = np.random.default_rng(0).integers(0, 10, (200, 450))  # a row: answers to 450 images
on_validation = (guessers[:, :50] == labels[1347:1397]).mean(axis=1)
best = on_validation.argmax()
on_test = (guessers[best, 50:] == labels[1397:]).mean()
print(f"the best of 200 guessers, on the validation set: {on_validation[best]:.0%}")
print(f"the same, on the test set:                       {on_test:.0%}")

# %% [markdown]
# Nobody cheated, and still the validation number is wrong for the winner. So keep three sets:
#
# | set | is for | how often |
# |---|---|---|
# | **training** | choosing weights | every step |
# | **validation** | choosing everything else: size, learning rate, when to stop | as often as you like |
# | **test** | one honest number at the end | once |
#
# `mg.data.train_test_split` makes the sets: call it twice.
#
# ## Bugs taken for overfitting: a forgotten `eval()`
#
# **Dropout** sets some neurons to 0 at random during training (more in lesson 14). In use it must be off: that is
# what `model.eval()` is for. Here is a model that was trained with dropout. All lines measure **the same weights**.

# %%
trained_on = images[:1000], labels[:1000]
model, _ = train(trained_on, validation, hidden=32, epochs=20, p=0.7)
print(f"training images, in eval mode:      {measure(model.eval(), trained_on)[1]:.0%}")
print(f"validation, eval() forgotten:       {measure(model.train(), validation)[1]:.0%}")
print(f"  the same, measured again:         {measure(model.train(), validation)[1]:.0%}")
print(f"training images, eval() forgotten:  {measure(model.train(), trained_on)[1]:.0%}")
print(f"validation, in eval mode:           {measure(model.eval(), validation)[1]:.0%}")

# %% [markdown]
# The "gap" in the second line is no overfitting. No remedy against overfitting can mend it; one line of code does.
#
# Signs of such bugs: the gap is there **from the first epochs**, before anything can have been learned by heart.
# Measuring twice gives two answers. And the *training* images, measured by the validation code, come out bad as well.
# That last check is the one of lesson 12. It costs nothing, and finds most of them.
#
# ## Leaked data
#
# The opposite mistake makes a model look better than it is. Suppose that somebody makes four noisy copies of each of
# 100 images, to have more data, and **then** splits at random. Copies of the same image land on both sides: the
# validation set has **leaked** into the training set. What do you expect the validation accuracy to be?

# %%
noise = np.random.default_rng(0).normal(0, 0.05, (400, 64))
copies, names = np.tile(images[:100], (4, 1)) + noise, np.tile(labels[:100], 4)
A, B, a, b = mg.data.train_test_split(copies, names, seed=0)  # copied first, then split
leaky, rows = train((A, a), (B, b), epochs=40)
print(f"copy, then split:  validation {rows[-1, 3]:.0%}")
print(f"the same model, on images that are really new:  {measure(leaky, validation)[1]:.0%}")

here = np.arange(400) % 100 < 75  # split first: all copies of an image are on one side
_, rows = train((copies[here], names[here]), (copies[~here], names[~here]), epochs=40)
print(f"split, then copy:  validation {rows[-1, 3]:.0%}")

# %% [markdown]
# The last number is rough, as only 25 different images are behind it. But it is honest: the first is not.
#
# > **Remember:** split first, then do everything else. A validation result that is too good is a reason to look for a
# > leak.
#
# The same rule holds for scaling (`mg.data.standardize(train, validation)` measures mean and spread on `train`
# alone), for photographs of the same person, and for days that follow each other. The library splits by shuffling the
# samples that you give it: see [`train_test_split` in loading.py](../micrograd_plus/data/loading.py#L15). It can't
# know which of them are twins.
#
# ## Double descent, honestly
#
# (This section is for a second reading. It takes five minutes more; the twelve pairs below don't need it.)
#
# Polynomials got worse with capacity, networks didn't. Where is the boundary? Here is a model that can be solved
# exactly: `p` neurons with random, **fixed** weights and a ReLU. Only the last layer is fitted, by **least squares**
# (the smallest squared error). There are 200 training images, and about one label in ten is replaced by a random one.
# Where many solutions fit perfectly, it takes the one with the smallest weights. **Ridge** adds a small cost for large
# weights (lesson 14).

# %%
rng = np.random.default_rng(0)
seen_labels = np.where(rng.random(200) < 0.1, rng.integers(0, 10, 200), labels[:200])
F = np.maximum(images[:1400] @ rng.normal(size=(64, 3000)) / 8, 0)  # the random neurons


def wrong_share(p, ridge):
    """The share of mistakes, on training and on new images, with the first p random neurons."""
    A, B = F[:200, :p], F[400:, :p]
    inverse = np.linalg.pinv(A @ A.T + ridge * np.eye(200), hermitian=True)
    last = A.T @ inverse @ (np.eye(10)[seen_labels] - 0.1)  # least squares, smallest weights
    right = (A @ last).argmax(1) == seen_labels, (B @ last).argmax(1) == labels[400:1400]
    return 1 - right[0].mean(), 1 - right[1].mean()


counts = [10, 20, 40, 60, 80, 120, 160, 180, 200, 210, 220, 240, 280, 350, 500, 1000, 3000]
plain, ridge = (np.array([wrong_share(p, r) for p in counts]) for r in (0, 1))

# %% [markdown]
# The picture that comes is known as **double descent**. How many neurons would you choose if you saw only its left
# half, up to the grey line? (The lines about polynomials are for later.)

# %%
print("neurons  mistakes: training  new images  with ridge")
for p, (t, new), (_, new_ridge) in zip(counts, plain, ridge):
    if p in (60, 120, 350, 3000):
        print(f"{p:7} {t:18.0%} {new:11.0%} {new_ridge:11.0%}")
for degree in (3, 100, 300, 1000):
    new = error(fit_curve(X, y, degree), X_new, y_new)
    print(f"polynomial of degree {degree:4}: error on new points {new:.2f}")

ax = plt.subplots(figsize=(6.5, 3.4), layout="constrained")[1]
ax.semilogx(counts, plain[:, 0], "o-", label="training")
ax.semilogx(counts, plain[:, 1], "s--", label="new images")
ax.semilogx(counts, ridge[:, 1], "^:", label="new images, with ridge")
ax.axvline(200, color="#999999", linewidth=1)
ax.text(210, 0.93, "as many neurons\nas images", va="top", fontsize="small")
ax.set(xlabel="random neurons p (log scale)", ylabel="share of mistakes", ylim=(0, 0.95))
ax.legend(fontsize="small")
plots.show(
    ax,
    alt="Mistakes on new images fall, rise to a sharp peak near 200 neurons, as many as images, "
    "and fall again below the first low point. With ridge there is no peak.",
)

# %% [markdown]
# **What it is:** near `p = 200` there is just one way to fit all labels, the wrong ones too, and it needs enormous
# weights. With many more neurons there are many ways, and the one with the smallest weights is rather smooth. So the
# second descent is real.
#
# **What it isn't:** a law that larger is always better. The peak is there because nothing holds the weights back;
# wrong labels make it higher. With ridge there is no peak, and 350 neurons with it beat 3000 without. With more wrong
# labels the second low point may even stay above the first: try 0.3 in place of 0.1.
#
# And our polynomials? We stopped before their peak, which is at degree 14: 15 numbers for 15 points. Far beyond it they
# come down as well: look at the lines above the picture. But they don't come below degree 3: the small model, which
# happens to be of the right kind, stays the best. So how low the second descent ends depends on the problem. Draw the
# curve for your own.
#
# ## Twelve pairs of curves
#
# Now you judge. Twelve trainings of networks on digits, each with the **loss** on training data (solid) and on
# validation data (dashed). There are four verdicts:
#
# - `"fits"`: nothing is wrong, even if there is some gap. (Where dropout is on for the training line only, as in most
#   programs, that line is the *higher* one: also right.)
# - `"underfits"`: the training loss itself is still too high
# - `"overfits"`: training goes on getting better, while validation gets worse or has stuck at a bad value
# - `"suspect"`: this can't come from learning alone; look for a bug or a leak

# %%
chosen = np.random.default_rng(1).random(100) < 0.3
flipped = np.where(chosen, (labels[:100] + 3) % 10, labels[:100])
thousand, hundred = (images[:1000], labels[:1000]), (images[:100], labels[:100])
turned = validation[0].reshape(-1, 8, 8).transpose(0, 2, 1).reshape(-1, 64)
recipes = [
    (thousand, validation, {}),
    (thousand, validation, {"hidden": 2}),
    (thousand, validation, {"lr": 1e-4}),
    (thousand, validation, {"lr": 0.3}),
    (thousand, validation, {"p": 0.5, "train_mode": "train"}),
    (thousand, validation, {"p": 0.8, "val_mode": "train"}),
    (thousand, (validation[0], validation[1][::-1]), {}),
    (thousand, (turned, validation[1]), {}),
    ((images[:300], labels[:300]), validation, {}),
    ((images[:30], labels[:30]), validation, {"hidden": 128, "lr": 1e-2}),
    ((images[:100], flipped), validation, {"hidden": 128, "lr": 1e-2}),
    (hundred, (images[:80] + noise[:80], labels[:80]), {"lr": 1e-2}),
]
deal = np.random.default_rng(7).permutation(12)  # which letter is which is dealt at random
runs = []
for data, held, settings in [recipes[i] for i in deal]:
    runs.append((len(data[0]), train(data, held, epochs=40, **settings)[1]))

# %% [markdown]
# Above each stands how many training images there were, and the accuracies at the end as they were *measured*.

# %%
fig, axes = plt.subplots(3, 4, figsize=(9.5, 7), sharex=True, sharey=True, layout="constrained")
for letter, ax, (n, rows) in zip("ABCDEFGHIJKL", axes.flat, runs):
    ax.plot(range(1, 41), rows[:, 0], "-", label="training")
    ax.plot(range(1, 41), rows[:, 2], "--", label="validation")
    ax.set(ylim=(0, 3.2))
    title = f"{letter} · {n} images\ntrain {rows[-1, 1]:.0%}, validation {rows[-1, 3]:.0%}"
    ax.set_title(title, fontsize="small")
axes[0, 0].legend(fontsize="small")
fig.supxlabel("epoch")
fig.supylabel("loss (cut off at 3.2)")
print("letter  images   loss: train  val    at epoch 5: train  val    accuracy: train   val")
for letter, (n, rows) in zip("ABCDEFGHIJKL", runs):
    (t5, _, v5, _), (t, ta, v, va) = rows[4], rows[-1]
    print(f"{letter:6} {n:7} {t:12.2f} {v:6.2f} {t5:17.2f} {v5:6.2f} {ta:16.0%} {va:6.0%}")
plots.show(axes, alt="Twelve pairs of loss curves, A to L; the table has their numbers.")

# %% [markdown]
# ## Exercises
#
# Replace the dots and run the cell. Then run the one below it: `ex.check` looks at your answer, and says what it sees.
# Stuck? This gives a hint, a plainer one each time, and then the solution with its reason:
#
# ```python
# ex.hint("gap")
# ex.solution("gap")
# ```
#
# There are more exercises than the three below: `ex.list(lesson=13)` shows them all, and
# `ex.task("early_stopping")` starts one of them. Two others are bugs like those above, to be found in
# code.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** Write `gap`: how much larger the error of a curve is on the held-out data than on the data that it
# learned from. It is given `error`, as above, the curve, and two pairs `(X, y)`.


# %%
def gap(error, curve, own, held):
    """The error on held-out data, minus the error on its own data."""
    return ...


# %%
ex.check("gap", gap)

# %% [markdown]
# (Then try it: `gap(error, fit_curve(X, y, 7), (X, y), (X_new, y_new))` stands in the table of the degrees, above.)
#
# **Exercise 2.** Judge the twelve pairs: `"fits"`, `"underfits"`, `"overfits"` or `"suspect"`.

# %%
verdicts = {
    "A": ..., "B": ..., "C": ..., "D": ...,
    "E": ..., "F": ..., "G": ..., "H": ...,
    "I": ..., "J": ..., "K": ..., "L": ...,
}

# %%
ex.check("twelve_verdicts", verdicts)

# %% [markdown]
# **Exercise 3. What happens if…** you fit degree 14 to 15 points *without* noise (`noise=0`), all on the true curve,
# which has degree 3? Is the error on new points without noise above 1, near 0.09, or below 0.001? Write `"above"`,
# `"near"` or `"below"`.

# %%
new_error = ...

# %%
ex.check("capacity_without_noise", new_error)

# %% [markdown]
# (To see it: `fit_curve(*mg.data.polynomial(15, noise=0, seed=2), 14)` is the curve, and
# `mg.data.polynomial(200, noise=0, seed=100)` are the new points for `error`.)
#
# **Make something:** draw the capacity curve again with `seed=5` for the points, and with 30 of them. Does the best
# degree stay at 3?
#
# ## Where this is in PyTorch
#
# Nothing measures the gap for you there either. The three lines that everybody needs:
#
# ```python
# train_set, val_set, test_set = torch.utils.data.random_split(dataset, [0.6, 0.2, 0.2])
# model.eval()                       # dropout off; model.train() before the next epoch
# with torch.no_grad(): val_loss = loss_function(model(X_val), y_val)
# ```
#
# **Next:** [14 · Regularisation](14_regularisation.ipynb). The gap is a number. What makes it smaller, and what does
# each remedy cost?
