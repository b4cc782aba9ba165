# %% [markdown]
# # 23 · Who is speaking
#
# *25 minutes · needs lesson 22*
#
# **The promise:** machines know you by your voice. **The idea:** read a recording frame by frame, and keep a memory of
# what was heard so far. Let training decide what is worth remembering.
#
# You will give the network of lesson 22 a new task, build a second one with a memory, and hold both exams. Then you take
# the order of time away from them, and see what that proves and what it doesn't. Last, a stranger comes to the door.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q "micrograd_plus[capstones]"
    import micrograd_plus as mg
import numpy as np
from matplotlib import pyplot as plt
from micrograd_plus import nn, optim, plots, training
from micrograd_plus.capstones import share_of, speakers, spoken_digits
from micrograd_plus.capstones.spoken_digits import PooledConv, scores_of, share_right

# %% [markdown]
# ## The question
#
# Nine men say the same thing: two Japanese vowels in a row, /ae/. Which of the nine is it?
#
# The data: 270 recordings to learn from, 30 of each man, and 370 for the test, made on other occasions. This split is
# the **official** one: those who published the data made it. If all use the same split, results can be compared.
# (Source: M. Kudo, J. Toyama and M. Shimbo, UCI Machine Learning Repository, CC BY 4.0.)

# %%
X, X_test, n, n_test, y, y_test = speakers.official_split()
print("to learn from:", X.shape, "  held out:", X_test.shape)
print("test recordings of each speaker:", np.bincount(y_test))
typical = (25.6 + (np.median(n) - 1) * 6.4) / 1000  # each frame lasts 25.6 ms
print(f"a recording lasts {typical:.2f} seconds (the median)")

_, axes = plt.subplots(2, 5, figsize=(9, 3.4), sharex=True, sharey=True, layout="constrained")
for column, who in zip(axes.T, [0, 2, 4, 6, 8]):
    for ax, i in zip(column, np.flatnonzero(y == who)):
        size = {"extent": (0, n[i], 0, 12), "aspect": "auto", "origin": "lower"}
        ax.imshow(X[i, : n[i]].T, cmap="PuOr", vmin=-3, vmax=3, **size)
    column[0].set(title=f"speaker {who}", xlim=(0, 29))
axes[0, 0].set_ylabel("coefficient")
axes[1, 0].set(xlabel="frame", ylabel="coefficient")
plots.show(
    axes,
    alt="Two recordings each of five speakers as coloured images. Those of a speaker share "
    "some rows of violet or orange; from speaker to speaker these are other rows.",
)

# %% [markdown]
# Again a recording is an image: time to the right, coefficients up. (These are **LPC cepstra**, cousins of the MFCCs of
# lesson 22. They, too, describe the rough shape of a spectrum; each is put on one scale.) The word is always the same, so
# what differs from column to column is the voice. With speaker 2 it is easy to see. A frame begins every 6.4
# milliseconds, and all is over after about a tenth of a second.
#
# ## The rival: twelve means
#
# Keep of each recording only the mean of each coefficient, twelve numbers. A logistic regression learns from them.
# **Predict:** how many per cent of the 370 are right? Guessing always speaker 2, who has the most, gets 24.

# %%
my_guess = 50

A, A_test = speakers.means(X, n), speakers.means(X_test, n_test)
by_linear = spoken_digits.logistic(A, y, A_test, y_test)
print(f"my guess: {my_guess} %   logistic regression: {by_linear:.1%}")

# %% [markdown]
# This rival is stronger than it looks. The promise is only a little above it: at least 97 %.
#
# ## First: filters over time
#
# `PooledConv` is the network of lesson 22: two layers of filters, then their mean and maximum over the real frames.
# What changes is the task. It now has 12 coefficients coming in and 9 speakers going out. A network isn't made for
# "what is said" or for "who says it": the labels decide.
#
# The training, too, is that of lesson 22, as a function since you will need it several times:


# %%
def train(model, X, n, y, *watching):
    """Adam, from a rate of 0.004 straight down to 0; the model itself comes back."""
    epochs = share_of(speakers.EPOCHS)
    loader = mg.data.DataLoader((X, n), y, batch_size=16, seed=0)
    optimizer = optim.Adam(model.parameters(), lr=4e-3)
    slower = optim.LinearLR(optimizer, 1.0, 0.0, total_iters=epochs * len(loader))
    training.fit(
        model,
        loader,
        "cross_entropy",
        optimizer,
        epochs,
        metrics="accuracy" if watching else None,
        callbacks=[training.Schedule(slower, every="step"), *watching],
        progress=False,
    )
    return model


# %%
mg.seed(0)
watch = plots.Live("loss", "accuracy", every=2)
conv = train(PooledConv(features=12, channels=48, classes=9), X, n, y, watch)

# %% [markdown]
# ## Second: a memory
#
# A **recurrent network** has a **state**: some numbers that it carries from frame to frame. At each frame it computes a
# new state from the old one and from what it hears. The same weights are used at every frame, as a filter uses the same
# weights at every place.
#
# The **gated recurrent unit** (GRU) makes a proposal `n` for each number of the state, between -1 and 1. A **gate** `z`,
# between 0 and 1, decides how much of the old state `h` stays:
#
# `new h = (1 - z) · n + z · h`
#
# With `z = 1` the number is kept as it is, with `z = 0` it is replaced. Why not let it be replaced each time? Because
# gradients come back through all frames, and are multiplied by a slope at each. Where `z` is near 1, so is that slope:
# nothing vanishes on the way (lesson 12). A second gate, `r`, says how much of the old state the proposal looks at.
# Both gates are computed by small layers of their own from the frame and the state. Training sets their weights, and so
# learns what to keep.
#
# For the answer, take the state after the **last real frame**, and one linear layer:


# %%
class LastState(nn.Module):
    """Reads frame after frame; what it remembers at the end becomes a score for each class."""

    def __init__(self, features, hidden, classes):
        super().__init__()
        self.thin_out = nn.Dropout(0.2)
        self.gru = nn.GRU(features, hidden, batch_first=True, dtype=np.float32)
        self.dropout = nn.Dropout(0.5)
        self.last = nn.Linear(hidden, classes, dtype=np.float32)

    def forward(self, x, lengths):
        """From (N, frames, features) and the numbers of real frames to (N, classes)."""
        _, state = self.gru(self.thin_out(x), lengths=lengths)  # after the last real frame
        return self.last(self.dropout(state[0]))  # state: (1, N, hidden)


# %% [markdown]
# `nn.GRU` gives two things: the state at every frame, and the last one. With `lengths` it stops at each recording's own
# end, so the padding is never read. `thin_out` drops some coefficients of some frames while it trains. 270 recordings
# are few, and dropout (lesson 14) makes them go further.

# %%
mg.seed(0)
watch = plots.Live("loss", "accuracy", every=2)
gru = train(LastState(features=12, hidden=96, classes=9), X, n, y, watch)

# %% [markdown]
# ## The exam
#
# Both, on the official test part.

# %%
models = {"convolution": conv, "GRU": gru}
by = {name: share_right(model, X_test, n_test, y_test) for name, model in models.items()}
for share in by.values():
    speakers.TARGET.check(share)
print()
for name, share in {"logistic regression": by_linear, **by}.items():
    print(f"{name:20} {share:6.1%}   {round((1 - share) * 370):3} of 370 wrong")
for name, model in models.items():
    print(f"{name:20} {sum(p.size for p in model.parameters()):,} parameters")

# %% [markdown]
# (`speakers.train(kind="gru", checkpoint="speakers.safetensors")` does the same from a script, and goes on where it was
# interrupted.)
#
# Who is taken for whom? Do both networks stumble over the same recordings?

# %%
wrong = {}
for name, model in models.items():
    said = scores_of(model, X_test, n_test).argmax(axis=1)
    wrong[name] = set(np.flatnonzero(said != y_test))
    pairs = [f"{y_test[i]} for {said[i]}" for i in sorted(wrong[name])]
    print(f"{name:12} took speaker", ", ".join(pairs) or "nobody for another")
both = wrong["convolution"] & wrong["GRU"]
print(f"wrong in both: {len(both)} recordings")

# %% [markdown]
# Where two networks that work in such different ways fail on the same recording, it is probably an unusual one. More
# training won't mend that; more recordings might.
#
# ## How long must they listen?
#
# The GRU can be asked at any frame: its state is there, and the last layer turns it into a probability for each speaker.
# So you can follow it while it makes up its mind. And both can be given the first few frames alone. **Predict:** after
# how many frames do they get 90 %?

# %%
my_guess = {"convolution": 10, "GRU": 10}  # frames

i = next(i for i in np.flatnonzero(y_test == 4) if n_test[i] > 15)
with mg.no_grad():
    states, _ = gru.eval().gru(X_test[i : i + 1, : n_test[i]])  # the state at every frame
    p = gru.last(states[0]).softmax(1).numpy()

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.1), layout="constrained")
for who in range(9):
    bold = {"color": "C1", "linewidth": 2.5, "label": "speaker 4"}
    style = bold if who == 4 else {"color": "grey", "alpha": 0.6}
    left.plot(np.arange(1, n_test[i] + 1), p[:, who], **style)
left.set(title="GRU: one recording of speaker 4", xlabel="frames heard", ylabel="probability")
left.legend()
heard = [1, 2, 3, 5, 7, 9, 12, 15, 20, 29]
for (name, model), line in zip(models.items(), ["o-", "s--"]):
    shares = [share_right(model, X_test, np.minimum(n_test, k), y_test) for k in heard]
    right.plot(heard, shares, line, label=name)
right.set(title="all test recordings, cut off", xlabel="first frames of each")
right.set_ylabel("share right")
right.legend()
print("my guess for 90 %:", my_guess)
plots.show(
    fig,
    alt="Left: the probability of each speaker against the frames heard; at the end that of "
    "speaker 4 is the highest. Right: the share right rises with the frames; the "
    "convolution begins high, the GRU low, and they meet near 15 frames.",
)

# %% [markdown]
# Left: early on, the GRU may be quite sure of somebody else, and change its mind when the vowel changes. Right: the
# convolution is right about three times in four after a single frame, a fortieth of a second. Is it the better
# listener? Be careful: neither was trained on recordings cut short. The GRU has learned to answer at the *end*, when
# /e/ has been heard. Asked in the middle of /a/, it is asked something new.
#
# ## Without the order of time
#
# Is it the *sequence* of sounds that gives a speaker away, or the sounds alone? Shuffle the real frames of each test
# recording. **Predict:** in order, both have at least 97 % right. What is left of each?

# %%
my_guess = {"convolution": 60, "GRU": 30}

S, S_test = speakers.shuffled(X, n, seed=1), speakers.shuffled(X_test, n_test, seed=2)
on_shuffled = {}
for name, model in models.items():
    on_shuffled[name] = share_right(model, S_test, n_test, y_test)
    shown = f"in order {by[name]:.1%}   shuffled {on_shuffled[name]:.1%}"
    print(f"{name:12} {shown}   my guess: {my_guess[name]} %")

# %% [markdown]
# The convolution loses little. Its pooling ignores when something happened, and only its 5-frame windows see
# neighbours. The GRU loses more. So does the GRU *need* the order to know a voice? **Predict** before you go on: what
# if it had learned from shuffled recordings?

# %%
mg.seed(0)
gru_2 = train(LastState(features=12, hidden=96, classes=9), S, n, y)
mg.seed(0)
conv_2 = train(PooledConv(features=12, channels=48, classes=9), S, n, y)

print("              learned in order       learned shuffled")
print("tested:      in order   shuffled    in order   shuffled")
for name, second in {"convolution": conv_2, "GRU": gru_2}.items():
    again = [share_right(second, test, n_test, y_test) for test in (X_test, S_test)]
    row = [by[name], on_shuffled[name], *again]
    print(f"{name:12}" + "  ".join(f"{share:9.1%}" for share in row))

# %% [markdown]
# Look at the last column. A GRU that has learned from shuffled recordings does about as well on shuffled ones as the
# first did in order. So here the order holds hardly anything about *who* speaks. The first GRU had used it because it
# was there: in training, /a/ always came before /e/. Then the test broke that habit.
#
# > **Remember:** if a model fails when you take something away, it *relied* on it. That doesn't prove that it was
# > *needed*. Train without it, and see.
#
# ## A stranger at the door
#
# Both networks answer with one of nine names, whoever speaks. What if somebody comes whom they never heard? Leave
# speaker 4 out of the training. Then let him speak. **Predict:** on how many of his recordings will the network be more
# than 90 % sure of its answer, which is always wrong?

# %%
my_guess = 50  # the recordings, in per cent, on which it is more than 90 % sure

mg.seed(0)
known, stranger = y != 4, y_test == 4
door = train(PooledConv(features=12, channels=48, classes=9), X[known], n[known], y[known])
p = nn.functional.softmax(scores_of(door, X_test, n_test), dim=1).numpy()
named, surest = p.argmax(axis=1), p.max(axis=1)
print(f"the eight it knows: {(named == y_test)[~stranger].mean():.1%} right")
print(f"    more than 90 % sure: {(surest > 0.9)[~stranger].mean():.0%} of the recordings")
names = [f"{c} times {who}" for who, c in enumerate(np.bincount(named[stranger])) if c]
print("the stranger is called:", ", ".join(names))
print(f"    more than 90 % sure: {(surest > 0.9)[stranger].mean():.0%} of the recordings")
print(f"    my guess: {my_guess} %")

# %% [markdown]
# Softmax gives probabilities *among the names it knows*. They add up to 1, and "none of these" isn't one of them. So
# the network names somebody, and often it is quite sure of him. A high probability is no proof that the right answer is
# on the list. You met this in lesson 21, with faces.
#
# > **Remember:** a classifier tells you which of its classes fits *best*. It doesn't tell you whether any fits at all.
#
# ## What this is not
#
# - **Not recognition of strangers.** This is a **closed set**: nine men, each known by name in the training. To ask
#   whether two strangers are the same person is another task, with other training and other tests.
# - **Not a proof of identity.** One to three in a hundred wrong is far too many for a door or a court, and nobody here
#   tried to cheat. A recording or a copied voice would be let in. A voice is no password: you leave it everywhere, and
#   you can't change it.
# - **Not tested far from its data.** Nine men said one pair of vowels. There was no telephone, no cold, no shouting; there
#   were no women, no children, no other words.
# - **Not harmless just because it is small.** Who collects voices should ask those who speak, and say what for.
#
# ## Exercises
#
# Replace the dots and run the cell, then the one below it. `ex.hint("gated_state")` gives a hint,
# `ex.solution("gated_state")` the solution, and `ex.list(lesson=23)` shows them all.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** Write how a GRU's gate mixes one number of the state: the old one `h`, the proposal `n`, the gate `z`.
# Try the two extremes in your head: what should come out for `z = 1`, and what for `z = 0`?


# %%
def new_state(h, n, z):
    """The next state: z says how much of the old one stays."""
    return ...


# %%
ex.check("gated_state", new_state)

# %% [markdown]
# **Exercise 2.** This should give, for each recording of a batch, the state after its last *real* frame. For recordings
# shorter than the longest of the batch it gives something else. Find the bug and mend it.


# %%
def last_real_states(states, lengths):
    """The states after the last real frames; states[i][t] is that of recording i at frame t."""
    return [of_one[-1] for of_one, length in zip(states, lengths)]


# %%
ex.check("last_real_state", last_real_states)

# %% [markdown]
# **Exercise 3. What happens if…** the frames are shuffled for the rival, the logistic regression on twelve means? It
# has learned from recordings in order. Shuffle the real frames of each test recording, and compare how many it gets
# right: `"fewer"`, `"equal"` or `"more"`?

# %%
rival_on_shuffled = ...

# %%
ex.check("frames_shuffled", rival_on_shuffled)

# %% [markdown]
# **Make something:** a door that says "I don't know you". Choose a threshold for `surest`, below which nobody is named.
# How many of the known are turned away, and how many strangers come in? A score to beat, with each of the nine men in
# turn as the stranger and one threshold for all: on average at most one stranger's recording in four comes in, and at
# most one known one in ten is turned away.
#
# ## Where this is in PyTorch
#
# ```python
# class LastState(torch.nn.Module):
#     def __init__(self, features, hidden, classes):
#         super().__init__()
#         self.thin_out = torch.nn.Dropout(0.2)
#         self.gru = torch.nn.GRU(features, hidden, batch_first=True)
#         self.dropout = torch.nn.Dropout(0.5)
#         self.last = torch.nn.Linear(hidden, classes)
#
#     def forward(self, x, lengths):
#         packed = torch.nn.utils.rnn.pack_padded_sequence(
#             self.thin_out(x), lengths, batch_first=True, enforce_sorted=False)
#         _, state = self.gru(packed)
#         return self.last(self.dropout(state[0]))
# ```
#
# There the lengths are given by packing; here as an argument. The weights have the same names and shapes. The step of
# the GRU is in [`GRUCell` in recurrent.py](../micrograd_plus/nn/recurrent.py#L); the whole training is [`train` in
# speakers.py](../micrograd_plus/capstones/speakers.py#L).
#
# **Next:** [24 · Translating numbers](24_translating_numbers.ipynb). There the order is everything, and a network
# learns where to look.
