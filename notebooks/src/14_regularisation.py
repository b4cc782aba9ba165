# %% [markdown]
# # 14 · Regularisation
#
# *25 minutes · needs lesson 13*
#
# **The idea:** whatever makes a model do better on new examples, though not on those that it trains on, is called
# **regularisation**. There are several kinds. Each has a price, and none is always right.
#
# You will set six remedies against the same baseline, look at what they do to the boundary and to the weights, find
# out how much dropout is too much, and see why "L2" and "weight decay" are two things under Adam.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
import numpy as np
from matplotlib import pyplot as plt
from micrograd_plus import Value, nn, optim, plots

# %% [markdown]
# ## Predict, then run
#
# The **baseline** is a network with 4,417 parameters that learns from 40 noisy points of two moons. It will overfit.
# The remedies:
#
# | remedy | what is done |
# |---|---|
# | **L2** | add `strength × sum of all w²` to the loss: large weights cost |
# | **L1** | add `strength × sum of all abs(w)`: every weight costs, by its size |
# | **dropout** | in each training step, set half of the neurons to 0, at random |
# | **early stopping** | watch the validation loss; keep the weights of its best moment |
# | **augmentation** | move each training point a little, at random, anew in each step |
# | **more data** | 400 points in place of 40 |
#
# (What L2 and L1 add to the loss is called a **penalty**.)
#
# **Which will have the lowest loss on new points? And which will help least here?** Write your guess down.

# %%
my_guess = "dropout"


def net(seed, p=0.0):
    """2 inputs, two layers of 64 neurons, one logit; the same seed, the same first weights."""
    sizes = [(2, 64), (64, 64), (64, 1)]
    a, b, c = (nn.Linear(*size, seed=seed + i) for i, size in enumerate(sizes))
    return nn.Sequential(a, nn.ReLU(), nn.Dropout(p), b, nn.ReLU(), nn.Dropout(p), c)


def loss_on(model, X, y):
    """The cross-entropy of two classes."""
    return nn.binary_cross_entropy_with_logits(model(X), y.reshape(-1, 1))


def score(model, X, y):
    """Loss and accuracy in eval mode."""
    with mg.no_grad():
        right = (model.eval()(X).numpy()[:, 0] > 0) == y
        return loss_on(model, X, y).item(), right.mean()


# %% [markdown]
# One training loop for all. The lines with an `if` are where a remedy comes in; everything else stays the same, the
# seed too.


# %%
def train(remedy, seed, steps=500, optimizer=optim.Adam, lr=0.01):
    """Train a fresh network with one remedy; returns it, and its scores on training and test."""
    mg.seed(seed)
    n = 400 if remedy == "more data" else 40
    X, y = mg.data.make_moons(n, noise=0.3, seed=seed)
    held = mg.data.make_moons(300, noise=0.3, seed=seed + 100)
    model = net(seed, p=0.5 if remedy == "dropout" else 0.0)
    step_taker, noise = optimizer(model.parameters(), lr=lr), np.random.default_rng(seed)
    best, kept = np.inf, None
    for step in range(steps):
        moved = X + noise.normal(0, 0.25, X.shape) if remedy == "augmentation" else X
        loss = loss_on(model.train(), moved, y)
        if remedy in ("L2", "L1"):
            penalty = nn.l2_penalty if remedy == "L2" else nn.l1_penalty
            loss = loss + 0.003 * penalty(model)
        step_taker.zero_grad()
        loss.backward()
        step_taker.step()
        if remedy == "early stopping" and step % 5 == 0 and score(model, *held)[0] < best:
            best, kept = score(model, *held)[0], model.state_dict()  # a copy of all weights
    if kept:
        model.load_state_dict(kept)
    test = mg.data.make_moons(1000, noise=0.3, seed=seed + 200)
    return model, [score(model, X, y), score(model, *test)]


# %% [markdown]
# Each is run on six draws of 40 points (seeds 0 to 5), and the table shows the mean. One draw says little: the
# baseline's loss on new points differs a lot from draw to draw. The test set has 1,000 points that no run has looked
# at.

# %%
remedies = ["baseline", "L2", "L1", "dropout", "early stopping", "augmentation", "more data"]
models = {}
print("                  loss: train   test    gap    accuracy: train  test")
for remedy in remedies:
    runs = [train(remedy, seed) for seed in range(6)]
    models[remedy] = runs[1][0]  # the pictures below show seed 1
    (t, t_right), (new, new_right) = np.mean([scores for _, scores in runs], axis=0)
    print(f"{remedy:16} {t:12.2f} {new:6.2f} {new - t:6.2f} {t_right:16.0%} {new_right:6.0%}")
print("my guess:", my_guess)

# %% [markdown]
# Read the table slowly.
#
# - **The loss falls to a sixth, the accuracy gains only a few points.** The baseline isn't wrong much more often. It is
#   *too sure* when it is wrong, and the loss charges for that (lesson 08). Which of the two matters depends on what you
#   need.
# - **Every remedy here makes the training loss worse.** That is no accident: each keeps the network from fitting its
#   own points too closely. The training loss isn't the goal.
# - **Dropout helped least, and more data less than you may think**: the network is large enough to bend to 400 points
#   as well. On other data the order is another. None of the remedies wins everywhere.
# - **Early stopping had help**: 300 validation points, which the others didn't use. Held-out data is a price, too.
#
# > **Remember:** compare with the same baseline, the same seed, on data that was held out. Change one thing at a
# > time.
#
# ## What it does to the boundary
#
# The plane, coloured by what each network says of a place. The fuller the colour, the surer it is. Where is the
# baseline sure without a reason?

# %%
X, y = mg.data.make_moons(40, noise=0.3, seed=1)
fig, axes = plt.subplots(2, 3, figsize=(9, 5.4), sharex=True, sharey=True, layout="constrained")
for ax, remedy in zip(axes.flat, remedies[:6]):
    plots.decision_boundary(models[remedy].eval(), X, y, ax=ax, boundary=0.0)
    ax.set(title=remedy, xlabel="", ylabel="")
    for extra in [ax.get_legend(), *ax.texts]:
        extra.remove()
plots.show(
    axes,
    alt="The baseline bends around single points, in full colours. With L2, early stopping and "
    "augmentation the boundary is smooth, and the colours near it are pale.",
    dpi=75,
)

# %% [markdown]
# ## What it does to the weights
#
# L2 pulls each weight towards 0 in proportion to it: the slope of `w²` is `2w`. Small weights are hardly pulled. L1
# pulls all of them equally hard: the slope of `abs(w)` is 1 or -1. **Predict:** which of the two has more weights
# closer to 0 than 0.001, and which has the larger largest weight? (Here with SGD. Adam blurs this picture; why, comes
# below.)

# %%
fig, axes = plt.subplots(1, 3, figsize=(9, 2.8), sharex=True, sharey=True, layout="constrained")
print("          largest weight   closer to 0 than 0.001   test accuracy")
for ax, remedy in zip(axes, ("baseline", "L2", "L1")):
    model, scores = train(remedy, seed=1, steps=1500, optimizer=optim.SGD, lr=0.3)
    w = np.concatenate([p.numpy().ravel() for p in model.parameters()])
    near = np.mean(abs(w) < 0.001)
    print(f"{remedy:8} {abs(w).max():15.2f} {near:24.0%} {scores[1][1]:15.0%}")
    ax.hist(w, bins=np.linspace(-1, 1, 81), log=True)  # the few beyond ±1: not drawn
    ax.set(title=remedy, xlabel="weight")
axes[0].set_ylabel("how many (log scale)")
plots.show(
    axes,
    alt="Three histograms of weights. The baseline is broad, L2 narrower with a hill at 0. "
    "L1 has one tall bar at 0 and few others.",
)

# %% [markdown]
# A weight of 0 can be left out: L1 gives **sparse** models. About fifty of the 4,417 do all the work, and they may be
# large. (None of the others is exactly 0: each step throws them a little to the other side, as with the size of an
# error in lesson 08.)
#
# The penalties are sums over the parameters, and backpropagation does the rest: see
# [`l2_penalty` in losses.py](../micrograd_plus/nn/losses.py#L372). In `fit` you write
# `penalty=lambda m: 0.003 * nn.l2_penalty(m)`, and early stopping is a callback, `training.EarlyStopping(patience=5)`.
#
# ## "More dropout fixes all": it doesn't
#
# **Dropout** with probability `p` sets each neuron's output to 0 with that probability, in training only. The others
# are multiplied by `1/(1-p)`, so that the sum stays the same on average. So no neuron can rely on a certain other one.
# If some of it helps, does more help more? Real digits, 100 training images, two hidden layers:

# %%
images, labels = mg.data.load_digits(flat=True)
order = np.random.default_rng(0).permutation(len(images))
images, labels = images[order].astype(float), labels[order]


def train_digits(p=0.0, draw=0, change=lambda X: X):
    """A network on 100 digits, each batch changed; loss and accuracy there, then on new ones."""
    mg.seed(draw)
    hidden = [nn.Linear(64, 64), nn.ReLU(), nn.Dropout(p), nn.Linear(64, 64), nn.ReLU()]
    model = nn.Sequential(*hidden, nn.Dropout(p), nn.Linear(64, 10))
    own = slice(300 * draw, 300 * draw + 100)
    optimizer = optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(100):
        for X, y in mg.data.DataLoader(images[own], labels[own], seed=epoch):
            optimizer.zero_grad()
            nn.cross_entropy(model(change(X)), y).backward()
            optimizer.step()
    result = []
    for some in (own, slice(1000, None)):
        with mg.no_grad():
            scores = model.eval()(images[some])
        right = scores.numpy().argmax(1) == labels[some]
        result += [nn.cross_entropy(scores, labels[some]).item(), right.mean()]
    return result


# %% [markdown]
# From no dropout to 90 %, each on three draws of 100 images. Where is the loss on new digits lowest?

# %%
rates = (0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
sweep = np.array([np.mean([train_digits(p, draw) for draw in range(3)], axis=0) for p in rates])
print("p                   ", *(f"{p:5}" for p in rates))
print("loss, training      ", *(f"{loss:5.2f}" for loss in sweep[:, 0]))
print("loss, new digits    ", *(f"{loss:5.2f}" for loss in sweep[:, 2]))
print("accuracy, new digits", *(f"{accuracy:5.0%}" for accuracy in sweep[:, 3]))

ax = plt.subplots(figsize=(6, 3.2), layout="constrained")[1]
ax.plot(rates, sweep[:, 0], "o-", label="training loss (dropout off)")
ax.plot(rates, sweep[:, 2], "s--", label="loss on new digits")
ax.set(xlabel="dropout probability p", ylabel="loss")
ax.legend(fontsize="small")
plots.show(
    ax,
    alt="Both losses against p. The loss on new digits falls a little and is lowest in the "
    "middle; above 0.7 both shoot up: too much dropout underfits.",
)

# %% [markdown]
# Up to a point the gap closes because the loss on *new digits gets better*. (The gain is small here, and not every
# draw shows it.) Beyond that point the gap closes because *training gets worse*: the network underfits. A gap of 0 is
# no success if both are bad. And no dropout mends a bug or a leak.
#
# > **Remember:** every remedy has a strength. Too little does nothing, too much underfits. Choose it on validation
# > data.
#
# ## "L2 is the same as weight decay": only for SGD
#
# **Weight decay** means: in each step, every weight also shrinks by a small share of itself. With L2, `0.5 × d × w²`
# is added to the loss. Its slope is `d × w`, so SGD subtracts `lr × d × w`: that *is* shrinking by a share. The 0.5
# cancels the 2 of the slope. So `strength × l2_penalty` is weight decay with `2 × strength`. Is that exact? And with
# Adam?


# %%
def after(optimizer_class, strength=0.0, **settings):
    """All weights of the moons network after 50 steps with this optimiser."""
    model = net(seed=0)
    optimizer = optimizer_class(model.parameters(), lr=0.01, **settings)
    for _ in range(50):
        optimizer.zero_grad()
        (loss_on(model, X, y) + strength * nn.l2_penalty(model)).backward()
        optimizer.step()
    return np.concatenate([p.numpy().ravel() for p in model.parameters()])


def compare(text, one, other):
    """Whether two sets of weights are the same up to rounding."""
    off = abs(one - other).max()
    print(f"{text:46}", "the same" if off < 1e-9 else f"differ, by up to {off:.2f}")


sgd, sgd_decay = after(optim.SGD, 0.05), after(optim.SGD, weight_decay=0.1)
adam, adam_decay = after(optim.Adam, 0.05), after(optim.Adam, weight_decay=0.1)
compare("SGD:  L2 of 0.05, or weight_decay=0.1", sgd, sgd_decay)
compare("Adam: L2 of 0.05, or weight_decay=0.1", adam, adam_decay)
adamw = after(optim.AdamW, weight_decay=0.1)
compare("Adam: L2 of 0.05, or AdamW, weight_decay=0.1", adam, adamw)

# %% [markdown]
# So Adam's `weight_decay` is L2 in truth: it is added to the gradient. (PyTorch's is, too.) **AdamW** really decays the
# weights. Why does it matter? Adam divides by the size of the gradient (lesson 10), and with L2 it divides *the pull on
# the weight* as well.
#
# Two weights, both starting at 1. The loss pushes `a` back and forth hard (±3) and `b` softly (±0.03), so on average
# it wants nothing from either. **Predict:** which of them will the L2 under Adam shrink?


# %%
def two_weights(optimizer_class, strength=0.0, steps=400, **settings):
    """The paths of a (hard pushed) and b (softly pushed)."""
    a, b, path = Value(1.0), Value(1.0), []
    optimizer = optimizer_class([a, b], lr=0.01, **settings)
    for step in range(steps):
        push = 3 * a + 0.03 * b
        loss = (push if step % 2 else -push) + strength * (a * a + b * b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        path.append((a.data, b.data))
    return np.array(path)[1::2]  # after each push and its opposite


# %% [markdown]
# SGD, Adam with L2, and AdamW, with what would be the same strength:

# %%
cases = {
    "SGD, L2 or decay": {"optimizer_class": optim.SGD, "strength": 0.05},
    "Adam, L2": {"optimizer_class": optim.Adam, "strength": 0.05},
    "AdamW, decay": {"optimizer_class": optim.AdamW, "weight_decay": 0.1},
}
fig, axes = plt.subplots(1, 3, figsize=(9, 2.8), sharey=True, layout="constrained")
for ax, (name, case) in zip(axes, cases.items()):
    path = two_weights(**case)
    ax.plot(range(2, 401, 2), path[:, 0], "-", label="a, pushed hard")
    ax.plot(range(2, 401, 2), path[:, 1], "--", label="b, pushed softly")
    ax.set(title=name, xlabel="step", ylim=(-0.1, 1.1))
    print(f"{name:17} a ends at {path[-1, 0]:.2f}, b at {abs(path[-1, 1]):.2f}")
axes[0].legend(fontsize="small")
plots.show(
    axes,
    alt="SGD: a and b shrink alike. Adam with L2: a shrinks little, b falls fast to 0. "
    "AdamW: they shrink alike, as with SGD, and end at about two thirds.",
)

# %% [markdown]
# Under Adam, L2 hardly touches a weight that gets large gradients, and quickly shrinks one that gets small ones. AdamW
# treats all alike, as SGD does.
#
# > **Remember:** L2 is a term of the loss. Weight decay is a part of the step. For plain SGD they are the same (with
# > the factor 2); for Adam they are not.
#
# ## Which one when
#
# | you see | try first | because |
# |---|---|---|
# | training itself is bad | none of these: a larger network, a longer training, lesson 12 | it underfits |
# | a gap at once, or too good to be true | look for a bug or a leak (lesson 13) | nothing here mends it |
# | validation turns up after a while | early stopping | it costs only the validation data |
# | a gap, and changes that *don't change the label* | augmentation | free examples |
# | a gap, and more data can be had | more data | it nearly always helps, and costs the most |
# | a gap, and a small or middle-sized network | AdamW's `weight_decay`, or L2 | cheap; one number to choose |
# | a gap, and wide layers | dropout, 0.1 to 0.5 | no neuron can rely on a certain other |
# | you want few weights, or few inputs | L1 | the rest become 0 |
#
# They may be combined. Then each usually needs less.
#
# ## Exercises
#
# Replace the dots and run the cell. Then run the one below it: `ex.check` looks at your answer, and says what it sees.
# Stuck? This gives a hint, a plainer one each time, and then the solution with its reason:
#
# ```python
# ex.hint("weights_only")
# ex.solution("weights_only")
# ```
#
# There are more exercises than the three below: `ex.list(lesson=14)` shows them all, and
# `ex.task("inverted_dropout")` starts one of them. In that one you
# write dropout yourself.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** Which `weight_decay` of SGD does the same as adding `0.02 * nn.l2_penalty(model)` to the loss?

# %%
weight_decay = ...

# %%
ex.check("decay_like_l2", weight_decay)

# %% [markdown]
# **Exercise 2.** Biases are often left out of the penalty. Write the L2 penalty of the *weights* only: add up the
# squares of every parameter whose name ends in `"weight"`.


# %%
def weights_only(model):
    """The sum of the squares of all weights of the model, without the biases."""
    total = ...
    for name, p in model.named_parameters():
        ...
    return total


# %%
ex.check("weights_only", weights_only)

# %% [markdown]
# **Exercise 3. What happens if…** you move each training digit by up to one pixel, at random, anew in each step?
# Digits stay digits when they move. This function does it:

# %%
pixels = np.random.default_rng(0)


def shifted(X):
    """Each image moved by -1, 0 or 1 pixel in both directions."""
    wide = np.pad(X.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    places = pixels.integers(0, 3, (len(X), 2))
    moved = [image[i : i + 8, j : j + 8] for image, (i, j) in zip(wide, places)]
    return np.array(moved).reshape(-1, 64)


# %% [markdown]
# The images are 8 by 8, and all of them, new ones too, have the digit in the middle. Without moving them, the network
# gets 90 % of the new digits right. How does it do with it: `"better"`, `"the same"` or `"worse"`?

# %%
with_shifts = ...

# %%
ex.check("shifted_digits", with_shifts)

# %% [markdown]
# (To see it, compare `train_digits()` with `train_digits(change=shifted)`. The last number of each is the accuracy on
# new digits.)
#
# **Make something:** combine two remedies in `train` (the moons). Can you get below the best loss on new points in the
# table?
#
# ## Where this is in PyTorch
#
# ```python
# optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
# loss = loss + 1e-4 * sum((p ** 2).sum() for p in model.parameters())    # L2, by hand
# layer = torch.nn.Dropout(p=0.5)       # model.train() and model.eval() switch it
# ```
#
# Early stopping isn't in PyTorch itself; it is the few lines that you saw. Augmentation of images is in
# `torchvision`.
#
# **Next:** [15 · How engines get fast](15_how_engines_get_fast.ipynb). You have seen all that training is made of.
# Where does its time go, and how can an engine save it without changing a number?
