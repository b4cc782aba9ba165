# %% [markdown]
# # 25 · Inventing names
#
# *25 minutes · needs lesson 14*
#
# **The promise:** machines write. **The idea:** let a network guess the next letter, again and again. What it guesses
# well, it can also make up.
#
# You will build a **GPT** (generative pre-trained transformer), the kind of network behind chat programs, in its
# smallest form. First you run it on single numbers, each a Value as in lesson 02. Then on Tensors, with the same weights
# and the same gradients. It learns from first names, and invents new ones. Its rival is old and strong: counting.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q "micrograd_plus[capstones]"
    import micrograd_plus as mg
import time

import numpy as np
from matplotlib import pyplot as plt
from micrograd_plus import nn, optim, plots, training
from micrograd_plus.capstones import names, share_of
from micrograd_plus.engine.graph import order

# %% [markdown]
# ## The question
#
# How does one teach a machine to invent? By giving it something to predict. Here: the next letter of a first name.
#
# The data is 5,163 first names that were common in the USA in 1990. (Source: US Census Bureau, public domain.) One in
# ten is held out. The model never learns from those; they are the exam.

# %%
known, held_out = names.split_names()
print("to learn from:", len(known), "  held out:", len(held_out))
print(*known[:12])
print("letters and ends to learn from:", sum(len(name) + 1 for name in known))

# %% [markdown]
# A network needs numbers, so each letter gets one. What a language model reads one at a time is called a **token**.
# Here a token is a letter; in large models it is a piece of a word. Three special tokens are added: one that begins a
# name, one that ends it, and **padding**, which fills up short names so that a batch is a rectangle.
#
# The model reads `X`, and at each place it should say what stands in `y`: the same, one place further on.

# %%
letters = names.LETTERS
X, y = names.as_pairs(["ada", "zelda"])
print(letters)
for line in (*X, *y):
    print(" ".join(f"{letters.symbols[number]:7}" for number in line[:8]))

# %% [markdown]
# ## What is a good guess worth?
#
# The model gives a probability to each symbol that may come next. Its loss is the cross-entropy of lesson 08:
# `-log(probability of what really came)`. We average over **every letter of every name and the end sign behind it**.
# Padding doesn't count. The unit is called a **nat**, since the logarithm is the natural one.
#
# Who has no idea gives each of the 26 letters and the end the probability 1/27. That costs log(27) nats:

# %%
print(f"no idea at all: {np.log(27):.2f} nats a character")

# %% [markdown]
# ## The rival: counting
#
# An **n-gram** looks at the last n - 1 letters and counts what came after them in the known names. (Claude Shannon
# wrote English that way in 1948, by hand.) After `ann` there was an `a` so many times, an `e` so many times …
#
# A letter that was never counted must not get the probability 0, or the first surprise would cost an endless loss. So
# each length is blended with the next shorter one. How strongly is chosen by 500 of the *known* names.
#
# **Predict:** which n has the lowest loss on the held-out names? More letters are more to go by. But the longer they
# are, the less often they were seen.

# %%
my_guess = 3

ngrams = {n: names.best_ngram(known, n) for n in range(1, 7)}
losses = {n: ngram.loss_of(held_out) for n, ngram in ngrams.items()}
print("n   counts kept    loss   it invents")
for n, ngram in ngrams.items():
    print(f"{n} {ngram.size:13,} {losses[n]:7.3f}   {' '.join(ngram.sample(6, seed=5))}")
print(f"my guess: {my_guess}   lowest: {min(losses, key=losses.get)}")

# %% [markdown]
# That is a strong rival, with no training at all. It pays with memory: the table of the 5-gram has seven times as many
# counts as that of the 3-gram. And what it has learned about `ann` says nothing about `enn`.
#
# ## The model
#
# A GPT has four parts. All of them are layers that you could write yourself by now.
#
# - **Embedding.** Each token has a row of numbers, and each place of the name has one, too. Both rows are learnt, and
#   added. So the network knows *which* letter it is, and *where*.
# - **Attention.** Each place looks back, at itself and the places before it, and fetches what it needs. It asks with a
#   **query**, a row of numbers, and each place answers with a **key**. Multiply the two number by number and add up:
#   that is how well they fit. Softmax turns the fits into weights that add up to 1, and what is fetched is the weighted
#   mean of the places' **values**. Queries, keys and values are products of the rows with learnt matrices. This is done
#   four times side by side, each time with other matrices: four **heads**. The **causal mask** forbids to look ahead,
#   since the next letter is what is to be guessed.
# - **An MLP**, as in lesson 07, works on each place by itself.
# - **A last layer** gives a score to each symbol. (It is called `head` as well, but has nothing to do with those four.)
#
# **RMSNorm** divides each row by its typical size, the root of the mean of its squares. So numbers neither grow nor
# vanish on the way. And `x = x + …` means: each part only adds its share to the row. The gradient has a straight way
# back.


# %%
class GPT(nn.Module):
    """Token numbers (..., T) to scores of what may come next, (..., T, symbols)."""

    def __init__(self, symbols, d=32, heads=4, length=12, dtype=np.float32):
        self.tokens = nn.Embedding(symbols, d, dtype=dtype)
        self.positions = nn.LearnedPositions(length, d, dtype=dtype)
        self.norms = [nn.RMSNorm(d, dtype=dtype) for _ in range(3)]
        plain = {"bias": False, "dtype": dtype}
        self.attention = nn.MultiheadAttention(d, heads, batch_first=True, **plain)
        wide, narrow = nn.Linear(d, 4 * d, **plain), nn.Linear(4 * d, d, **plain)
        self.mlp = nn.Sequential(wide, nn.ReLU(), narrow)
        self.head = nn.Linear(d, symbols, **plain)

    def forward(self, tokens):
        """The scores after each token."""
        x = self.positions(self.tokens(tokens))
        h = self.norms[0](x)
        x = x + self.attention(h, h, h, is_causal=True, need_weights=False)[0]
        x = x + self.mlp(self.norms[1](x))
        return self.head(self.norms[2](x))


# %% [markdown]
# It follows [microgpt](https://karpathy.ai/microgpt.html), Andrej Karpathy's GPT in some two hundred
# lines of plain Python.
#
# ## First on single numbers
#
# microgpt computes with single numbers, each an object that remembers how it was made: our `Value`. Let us do the same.
# Here is a GPT of microgpt's size, 16 numbers a row, and its **scalar twin**: the same code, in which each weight is a
# Value. Both get one name.
#
# **Predict:** how many Values does the loss for the four letters of `anna` have in its graph?

# %%
my_guess = 1000

mg.seed(0)
small = GPT(len(letters), d=16, dtype=np.float64)
twin = small.scalar_twin()


def loss_for(model, name):
    """The loss of a model for one name."""
    tokens = np.array(letters.encode(name, start=True, end=True))
    return names.next_letter_loss(model(tokens[:-1]), tokens[1:])


by_tensors, by_values = loss_for(small, "anna"), loss_for(twin, "anna")
print(f"loss: {by_tensors.item():.12f} by Tensors\n      {by_values.data:.12f} by Values")
count, count_tensors = len(order(by_values)), len(order(by_tensors))
print(f"my guess: {my_guess:,}   Values: {count:,}   Tensors: {count_tensors}")

# %% [markdown]
# The same loss. Now backpropagation through both graphs. Each of the weights gets a gradient twice; how far are the two
# apart, at most?

# %%
by_tensors.backward()
by_values.backward()
slopes = np.concatenate([p.grad.ravel() for p in small.parameters()])
twin_slopes = np.array([weight.grad for weight in twin.parameters()])
print("weights:", len(twin_slopes))
print(f"largest gradient:   {abs(slopes).max():.3f}")
print(f"largest difference: {abs(slopes - twin_slopes).max():.0e}")

# %% [markdown]
# The difference is rounding in the last digit. There is no other mathematics in the layers of a GPT than what you have
# seen in the first lessons: sums, products, `exp`, `log`, a root, ReLU.
#
# Forty thousand boxes can't be looked at, a corner of them can. This one is the heart of attention: how well does the
# query of the last letter fit the key of the first one? In each head both are four numbers here. (In the whole graph,
# these eight numbers have inputs of their own. The division by 2, the root of 4, keeps the fits small: it is part of
# attention.)

# %%
tokens = np.array(letters.encode("anna", start=True))
rows = small.norms[0](small.positions(small.tokens(tokens)))
# queries, keys and values stand side by side
projected = (rows @ small.attention.in_proj_weight.T).numpy()  # 16 each
query = [mg.Value(n, label=f"query {i}") for i, n in enumerate(projected[4, :4])]
key = [mg.Value(n, label=f"key {i}") for i, n in enumerate(projected[1, 16:20])]
products = [q * k for q, k in zip(query, key)]
fit = (products[0] + products[1] + products[2] + products[3]) / 2  # 2: the root of 4
fit.label = "fit"
fit.backward()
mg.draw(fit, direction="TB")

# %% [markdown]
# ## The two engines side by side
#
# So why Tensors? Each engine now takes whole training steps: forward, backward, one step of Adam. (`process_time` counts
# the time that this program computes, and not what other programs take.)


# %%
def names_a_second(model, steps, batch=1):
    """Names a second that it learns from; its mean loss in the last quarter of the steps."""
    optimizer = optim.Adam(model.parameters(), lr=0.01, betas=(0.85, 0.99))
    each, start = [], time.process_time()
    for i in range(steps):
        some = [known[(i * batch + j) % len(known)] for j in range(batch)]
        X, y = names.as_pairs(some)
        one = batch == 1
        loss = loss_for(model, some[0]) if one else names.next_letter_loss(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        each.append(float(loss.data))
    seconds = time.process_time() - start
    return steps * batch / seconds, np.mean(each[-steps // 4 :])


# %% [markdown]
# The Values and the first run of Tensors get one name at a time, as microgpt does it. The last run gets 32 names at
# once. **Predict:** how many times as fast are Tensors with 32 names at a time?

# %%
my_guess = 20

again = GPT(len(letters), d=16, dtype=np.float64)
speeds = {
    "Values, one name at a time": names_a_second(twin, steps=16),
    "Tensors, one name at a time": names_a_second(small, steps=400),
    "Tensors, 32 names at a time": names_a_second(again, steps=100, batch=32),
}
slowest = speeds["Values, one name at a time"][0]
for how, (speed, loss) in speeds.items():
    times = speed / slowest
    print(f"{how:28} {speed:8,.1f} names a second, {times:6,.0f} times;   loss {loss:.2f}")
print("my guess:", my_guess, "times")

# %% [markdown]
# The gradients are the same. The work around them isn't: forty thousand objects for one name, or a few dozen arrays for
# 32 (lesson 15). And with more names a second, more names are learned from: see the losses.
#
# (Would `mg.compile` help the Values? Not here: which rows of the embedding are used depends on the letters, so each
# name would need a tape of its own.)
#
# > **Remember:** a GPT is made of the same few operations as the first neuron that you built. Tensors change the
# > speed, not the mathematics.
#
# ## Training, on Tensors
#
# Now the larger one: 32 numbers a row, float32, 14 times through the known names. The optimiser is AdamW (lesson 14),
# whose rate falls to 0. Weight decay is for matrices only. The held-out names are watched; nothing is chosen by them.


# %%
def trained(model, callbacks=(), **settings):
    """Train the model; its history."""
    loader = mg.data.DataLoader(*names.as_pairs(known), batch_size=32, seed=0)
    learning = [p for p in model.parameters() if p.requires_grad]
    groups = optim.decay_matrices_only(learning, 0.1)
    optimizer = optim.AdamW(groups, lr=0.01, betas=(0.9, 0.95))
    epochs = share_of(14)
    falling = optim.LinearLR(optimizer, 1.0, 0.0, total_iters=epochs * len(loader))
    settings["callbacks"] = [training.Schedule(falling, every="step"), *callbacks]
    return training.fit(model, loader, names.next_letter_loss, optimizer, epochs, **settings)


mg.seed(0)
model = GPT(len(letters))
print(f"parameters: {sum(p.size for p in model.parameters()):,}")
exam = names.as_pairs(held_out)
history = trained(model, [plots.Live("loss")], validation=exam, progress=False)

# %% [markdown]
# (For a longer training, add `training.Checkpoint("gpt.safetensors", resume=True)` to the callbacks. The same cell then
# goes on where it was interrupted.)
#
# ## The exam
#
# Now the held-out names. The promise: at most 2.00 nats a character, and less than the 4-gram.

# %%
score = names.loss_of(model, held_out)
names.TARGET.check(score)
print(f"4-gram {losses[4]:.3f}   GPT {score:.3f}   5-gram {losses[5]:.3f}")
print(f"the GPT on the names that it knows: {names.loss_of(model, known):.3f}")
print(f"as unsure as between {np.exp(score):.1f} equally likely letters, in place of 27")

# %% [markdown]
# Look at this without pride. The GPT is better than the 4-gram, as promised. But **the 5-gram, which only counts, is
# a little better still**. With five thousand short names, counting well is hard to beat. The GPT needs 14,624 numbers
# for it, the 5-gram 22,324 counts. The true difference shows elsewhere: with longer texts the table of counts grows
# beyond any memory, since nearly every long context is new. A network can still see that two contexts are alike.
#
# The loss on known names is lower than on held-out ones. That gap is overfitting, as in lesson 13.
#
# The last line gives the **perplexity**: `exp(loss)`.
#
# ## What surprised it?
#
# Which held-out names did it expect most, and which least? Here is the mean loss of each. Below, one name letter by
# letter: a long bar is a surprise.

# %%
surprise = {name: names.loss_of(model, [name]) for name in held_out}
ranked = sorted(held_out, key=surprise.get)
print("expected:  ", *(f"{name} {surprise[name]:.1f}" for name in ranked[:6]))
print("surprising:", *(f"{name} {surprise[name]:.1f}" for name in ranked[-6:]))

name = ranked[-1]
with mg.no_grad():
    tokens = np.array(letters.encode(name, start=True, end=True))
    each = nn.cross_entropy(model(tokens[:-1]), tokens[1:], reduction="none").numpy()
for symbol, nats in zip([*name, "(end)"], each):
    print(f"{symbol:5} {nats:5.2f} {'#' * round(4 * nats)}")

# %% [markdown]
# The surprising ones are mostly short names, rare spellings and names from other languages. The network knows the
# spelling habits of one list, no more.
#
# ## Inventing
#
# To invent, turn the guess into a draw. Begin with the start sign, ask for the probabilities, draw a letter by them,
# append it, ask again, until the end sign is drawn. Nothing else happens when a chat program "writes".
#
# **Predict:** you draw 1,000 names. What share of them is **new**, neither among the known names nor the held-out?

# %%
my_guess = 0.2

invented = names.sample(model, n=1000, seed=0)
print(*invented[:18])
print(f"my guess: {my_guess:.0%}   new: {names.share_new(invented):.0%}")
counted = ngrams[5].sample(1000, seed=0)
print(f"the 5-gram's: {names.share_new(counted):.0%} new")

# %% [markdown]
# Most are new, and many could be names. That something is new doesn't make it good: random letters would be new, too.
# So look at the share *and* at the names.
#
# ## Temperature
#
# Before the draw, the scores can be divided by a number, the **temperature**. Below 1 the differences between scores
# grow: the likely becomes likelier. Above 1 they shrink. **Predict:** at which temperature will you find more known
# names, at 0.3 or at 1.5?

# %%
my_guess = 1.5

print("more known names, I guess, at", my_guess)
print("temperature   new   of 1,000")
for temperature in (0.3, 0.6, 1.0, 1.5, 2.5):
    invented = names.sample(model, n=1000, temperature=temperature, seed=1)
    print(f"{temperature:11} {names.share_new(invented):5.0%}   {' '.join(invented[:7])}")

# %% [markdown]
# Cold, it keeps to the likeliest letters: safe, and dull. Hot, it makes up what nobody can pronounce. In between it is
# interesting. Here is what happens to the probabilities after `mar`:

# %%
with mg.no_grad():
    after_mar = model(np.array(letters.encode("mar", start=True))).numpy()[-1]
scores = after_mar[2:]  # without padding and start
symbols = ["end", *letters.symbols[3:]]
fig, axes = plt.subplots(3, 1, figsize=(8, 4.2), sharex=True, layout="constrained")
for ax, temperature in zip(axes, (0.3, 1.0, 2.5)):
    weights = np.exp(scores / temperature)
    ax.bar(symbols, weights / weights.sum())
    ax.set(title=f"temperature {temperature}", ylabel="probability")
plots.show(
    axes,
    alt="Three bar charts of what may come after mar. At 0.3 a few tall bars and hardly "
    "anything else. At 1.0 the same letters lead. At 2.5 every letter has its share.",
)

# %% [markdown]
# > **Remember:** the network gives probabilities, and the draw makes the text. Temperature changes the draw, not what
# > the network knows.
#
# ## What does it look at?
#
# Each place looks back at earlier ones, and the weights of these looks add up to 1. Here they are for one name. A row
# is the letter that asks, a column the letter that is looked at. There are four heads.

# %%
name = "marlene"
model(np.array(letters.encode(name, start=True)))
places = ["start", *name]
fig, axes = plt.subplots(2, 2, figsize=(8.6, 7), layout="constrained")
for i, (ax, weights) in enumerate(zip(axes.flat, model.attention.last_weights)):
    plots.attention(weights, places, places, ax=ax, title=f"head {i + 1}")
    ax.set(xlabel="looked at", ylabel="asking")
plots.show(
    axes,
    alt="Four maps of attention for marlene. All fields above the diagonal are empty: no "
    "letter looks ahead. The heads look at different earlier letters.",
    dpi=70,
)

# %% [markdown]
# Everything to the right of the diagonal is empty: the causal mask. The first row has nothing to look at but itself.
# The heads differ, and nobody told them to. Is there one with a dark line right below the diagonal? It looks one letter
# back. With the last letter itself, that makes two letters: what a 3-gram goes by, found by training. But be careful
# with stories about such maps. They say where a head looked, not what it did with what it found.
#
# ## Take a part away
#
# Which part matters more? One way to find out is an **ablation**: take a part out, train anew, compare.
#
# - **Without positions** it isn't told where a letter stands.
# - **Without attention** nothing is fetched from earlier places. It knows the last letter and its place, that is all.
#
# **Predict:** which of the two hurts more?

# %%
my_guess = "positions"

losses_now = {"whole model": score}
for part in ("positions", "attention"):
    mg.seed(0)
    cut = GPT(len(letters))
    if part == "positions":
        cut.positions = nn.Sequential()  # gives back what it is given
    else:
        cut.attention.out_proj.weight.data[:] = 0  # it adds 0 to each row, for good
        cut.attention.requires_grad_(False)
    trained(cut, progress=False)
    losses_now[f"without {part}"] = names.loss_of(cut, held_out)
losses_now["2-gram"] = losses[2]
for what, loss in losses_now.items():
    print(f"{what:18} {loss:.3f}")
print("my guess:", my_guess)

# %% [markdown]
# Without attention the loss goes up a lot: what came before the last letter can't be seen any more. It still beats the
# 2-gram, which sees the last letter and not its place.
#
# Without positions it hardly suffers, which surprises many. The name's letters alone say much: after `mar` it seems to
# matter little in which order the `m` and the `a` came. In sentences the order matters far more. Training with other
# seeds changes the loss by a few thousandths, so even the small difference is more than chance.
#
# ## What this is not
#
# - **It is no chat program.** It has learned which letters follow which in American first names of 1990. It doesn't
#   know what a name is, nor who bears one.
# - **It understands nothing that isn't in the letters.** And what the list has too much or too little of, it has, too.
# - **A new name isn't a creative act**, and a low loss isn't good taste. "Sounds like a name" is your judgement. No
#   number here measured it.
#
# What is missing up to a large language model? The kind of network is the same. The size isn't:
#
# | | this one | GPT-2 (2019) | GPT-3 (2020) |
# |---|---|---|---|
# | parameters | 14,624 | 1.5 thousand million | 175 thousand million |
# | layers | 1 | 48 | 96 |
# | different tokens | 29 | 50,257 | 50,257 |
# | tokens that it looks back at | 12 | 1,024 | 2,048 |
# | text | 32 thousand letters and ends | 40 gigabytes | 300 thousand million tokens |
#
# (Sources: Radford and others, 2019; Brown and others, 2020.) Newer models are larger still, and their makers often
# don't say how large. Size alone makes no chat program either. After this training comes another, on examples of good
# answers and on people's judgements of answers (Ouyang and others, 2022).
#
# ## Exercises
#
# Replace the dots and run the cell. Then run the one below it. Stuck? `ex.hint("perplexity")` gives a hint, and
# `ex.solution("perplexity")` the solution with its reason.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** A model has a loss of 2 nats a character. It is as unsure as if it had to choose between how many
# equally likely letters? (A formula is welcome, such as `math.sqrt(2)`.)

# %%
import math

choices = ...

# %%
ex.check("perplexity", choices)

# %% [markdown]
# **Exercise 2.** Turn scores into probabilities, with a temperature: below 1 the likely ones become likelier.


# %%
def with_temperature(scores, temperature):
    """The probability of each symbol, given its score."""
    weights = [... for s in scores]
    return [w / ... for w in weights]


# %%
ex.check("with_temperature", with_temperature)

# %% [markdown]
# **Exercise 3. What happens if…** the model has no positions, and you give it `mar`, or the same letters in another
# order: `amr`, or `arm`? Look at its scores for the *next* letter. For which of the two are they the same as after
# `mar`: `"amr"`, `"arm"`, `"both"` or `"neither"`? (Which letter asks, and what can it look at?)

# %%
same_as_mar = ...

# %%
ex.check("same_letters", same_as_mar)

# %% [markdown]
# **Make something:** beat the 5-gram: less than 1.910 on the held-out names. Two ideas: more numbers a row and a little
# dropout; or the mean of the GPT's probabilities and the 5-gram's. (Choose on a part of the *known* names. If you try
# many things on the held-out ones, they are no exam any more.)
#
# ## Where this is in PyTorch
#
# ```python
# self.tokens = torch.nn.Embedding(29, 32)
# self.positions = torch.nn.Embedding(12, 32)
# self.norm = torch.nn.RMSNorm(32)
# self.attention = torch.nn.MultiheadAttention(32, 4, bias=False, batch_first=True)
#
# x = self.tokens(X) + self.positions(torch.arange(T))
# h = self.norm(x)
# mask = torch.nn.Transformer.generate_square_subsequent_mask(T)
# x = x + self.attention(h, h, h, attn_mask=mask, is_causal=True)[0]
#
# rows, targets = scores.flatten(0, 1), y.flatten()
# loss = torch.nn.functional.cross_entropy(rows, targets, ignore_index=0)
# p = torch.softmax(scores[-1] / temperature, dim=-1)
# letter = torch.multinomial(p, 1)
# ```
#
# In our library: [`MultiheadAttention` in attention.py](../micrograd_plus/nn/attention.py#L), its function
# [`scaled_dot_product_attention` in attention.py](../micrograd_plus/nn/attention.py#L), and all of this lesson's model
# and training in [`train` in names.py](../micrograd_plus/capstones/names.py#L).
#
# **Next:** [26 · Tic-tac-toe by playing itself](26_tic_tac_toe_by_playing_itself.ipynb). So far somebody always had
# the right answers. What if nobody has, and the network must find out by itself how to win?
