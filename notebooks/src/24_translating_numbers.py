# %% [markdown]
# # 24 · Translating numbers
#
# *30 minutes · needs lesson 14*
#
# **The promise:** machines translate languages. **The idea:** one network reads a sentence, another one writes it in
# the other language, word by word. Before each word it chooses which words of the original to look at.
#
# You will translate English numbers into French ones, with the kind of network that today's translators and chatbots
# are made of: a **Transformer**. You set a rival with a dictionary, look into the network while it translates, choose
# what it learns from, and find out where it fails.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q "micrograd_plus[capstones]"
    import micrograd_plus as mg
import numpy as np
from matplotlib import pyplot as plt
from micrograd_plus import data, nn, optim, plots, training
from micrograd_plus.capstones import share_of, translation
from micrograd_plus.capstones.translation import joined

# %% [markdown]
# ## The question
#
# From 0 to 999,999 there are a million numbers. Each has a name in English and one in French. Can a network see a few
# thousand **pairs** of names, and then translate numbers that it never saw?
#
# The pairs come from the package `num2words` (T. Ogawa, Savoir-faire Linux and others, LGPL 2.1). It knows the rules of
# both languages, so each pair is exact. Our network isn't told any rule. **Predict:** you know that 60 is *soixante*.
# What may 70 be?

# %%
for number in (7, 16, 17, 60, 70, 71, 80, 81, 90, 95, 200, 201, 1000, 2000, 80_000):
    english, french = data.number_words(number), data.number_words(number, "fr")
    print(f"{number:6}   {joined(english):20} {joined(french)}")

# %% [markdown]
# French counts in its own way. 70 is *sixty-ten*, 80 is *four-twenties*, and 95 is *four-twenty-fifteen*. *Vingts* and
# *cents* lose their s when another number word follows. 1,000 is *mille*, without a *one*, though 1 million is *un
# million*. So the right French word often depends on the English words around, and three words may stand for one.
# (This is how it is said in France, in the traditional spelling. In Belgium and Switzerland 70 is *septante*.)
#
# ## An exam first
#
# First 1,000 numbers are set aside for the exam: 10 of two digits, 90 of three, and 300 each of four, five and six.
# None of them will be learned from. The ten one-digit numbers are all left to learn from: nobody can guess *zéro*.
#
# Then 12,000 numbers are drawn to learn from. But how? If each of the million numbers is equally likely, how many of
# the 12,000 will be below 1,000? **Predict it.**

# %%
my_guess = 500

held_out = translation.held_out_numbers()
equally_likely = translation.training_numbers(12_000, by_length=False, without=held_out)
by_length = translation.training_numbers(12_000, by_length=True, without=held_out)
print("my guess:", my_guess, "   counted:", sum(n < 1000 for n in equally_likely))
print("\ndigits           ", *(f"{digits:6}" for digits in range(1, 7)))
drawn = {"equally likely": equally_likely, "length first": by_length}
for name, numbers in drawn.items():
    counts = [sum(len(str(n)) == digits for n in numbers) for digits in range(1, 7)]
    print(f"{name:17}", *(f"{count:6}" for count in counts))
print("\ndifferent numbers, length drawn first:", f"{len(set(by_length)):,}")

# %% [markdown]
# Nearly all numbers are long. The short ones, which people use most, would hardly ever be seen. So the network will
# learn from the second list: first the *length* is drawn, then a number of that length. Short numbers then come up again
# and again, and the 12,000 hold fewer different ones, less than one in a hundred of the million. Later you will see what
# difference that makes.
#
# ## The rival: word by word
#
# A table of all pairs seen gets 0 % of the exam: nothing in the exam was seen. A better rival is a **dictionary** that
# gives each English word a French one. It can be learned by counting. Take the pairs with as many English words as
# French ones, and note which word stands at the same place most often. As a favour to it, hyphens, commas, *and* and
# *et* don't count.
#
# **Predict:** what share of the exam does it get right, in per cent?

# %%
my_guess = 10

learned = data.number_pairs(by_length)
source, right = data.number_pairs(held_out)
dictionary = translation.learn_dictionary(learned)
guesses = [translation.by_dictionary(dictionary, words) for words in source]
wanted = [translation.bare(words) for words in right]
by_dictionary = translation.share_exact(guesses, wanted)
print(f"my guess: {my_guess} %   word by word: {by_dictionary:.0%}\n")
for word in ("six", "sixty", "seventy", "eighty", "ninety", "seventeen"):
    print(f"{word:9} -> {dictionary[word]}")
print("\nnumber    word by word                right")
for number, guess, words in list(zip(held_out, guesses, wanted))[:90:10]:
    note = "" if guess == words else "   (wrong)"
    print(f"{number:6}    {' '.join(guess):25}   {' '.join(words)}{note}")

# %% [markdown]
# Nearly half, by counting alone! That is where French is regular. It breaks at 70 to 99, at 17 to 19, and at *cents*
# and *mille*. A word by itself isn't enough there. (That is so for real languages, too: what is "bank" in French?)
#
# ## Sentences as arrays
#
# A **vocabulary** numbers the words (hyphens and commas count as words here). Three numbers stand for no word:
# `<start>`, `<end>`, and `<pad>`, which fills up the shorter sentences of a batch.
#
# The network that writes is trained on the next word. It is given the *right* French words so far, not those that it
# would have said itself, and asked for the next one, at every place of the sentence at once. This is **teacher forcing**.
# So what it is given and what it should answer are the same words, moved by one place. Look at the last two lines of
# each example:

# %%
english, french = translation.vocabularies()
print(english, "\n")
three = data.number_pairs([7, 80, 195])
loader = translation.PairLoader(three, english, french, batch_size=3, seed=1)
((words, so_far), target) = next(iter(loader))
print(words, "\n")
for row in range(3):
    print("English:", " ".join(english.symbols[i] for i in words[row]))
    print("so far: ", " ".join(french.symbols[i] for i in so_far[row]))
    print("next:   ", " ".join(french.symbols[i] for i in target[row]), "\n")

# %% [markdown]
# ## Attention
#
# To write *quinze* for the *five* of *ninety-five*, the network needs the *ninety* as well. How can it look there? By
# **attention**, and that is a weighted mean:
#
# 1. The word that looks has a **query**, a list of numbers: what am I looking for?
# 2. Each word that can be looked at has a **key**: what am I? The dot product of query and key is its **score**.
# 3. Softmax turns the scores into **weights** that add up to 1.
# 4. Each word has a **value**, too. The answer is the mean of the values, by these weights.
#
# Query, key and value are computed by `Linear` layers, so training decides what is looked for. Here they are made by
# hand: three words with two features, *tens* and *units*. The values are the numbers meant. **Predict:** what will a
# query for tens get, and what a query for both?

# %%
keys = np.array([[4.0, 0], [0, 0], [0, 4]])  # ninety, -, five
values = np.array([[90.0], [0], [5]])
queries = {"for tens": [3.0, 0], "for both": [3.0, 3], "for nothing": [0.0, 0]}
for name, query in queries.items():
    scores = keys @ query / np.sqrt(2)
    weights = np.exp(scores) / np.exp(scores).sum()
    answer = nn.functional.scaled_dot_product_attention(np.array([query]), keys, values)
    print(f"query {name:12} weights {np.round(weights, 2)}   answer {answer.item():5.1f}")

# %% [markdown]
# A query for both looks at both, and gets the mean of 90 and 5. A query for nothing gets the mean of all. (The scores
# are divided by the root of the number of features. Otherwise long lists make large scores, and softmax looks at one word
# alone.)
#
# There is no loop over the words, and no memory that fades. Every word can look at every other one at once. That has a
# price: the order of the words is lost. So each word's list of numbers gets another list added that says at which place
# it stands. These are learned, too: **learned positions**.
#
# Two things must not be looked at. One is `<pad>`. The other is the future: in training, the whole right sentence is
# there, and the network that writes could copy the next word. A **mask** forbids that:

# %%
print("1: may not be looked at")
print("who looks   <start> quatre  -  vingt")
mask = nn.attention.causal_mask(4).astype(int)
for word, row in zip(["<start>", "quatre", "-", "vingt"], mask):
    print(f"  {word:10}   {row[0]}      {row[1]}     {row[2]}    {row[3]}")

# %% [markdown]
# ## The model
#
# The **encoder** reads. Each English word looks at all the English words (**self-attention**), then goes through two
# linear layers with a ReLU between them. The **decoder** writes. Each French word looks at the French words so far, then
# at what the encoder made of the English ones (**cross-attention**), then comes another such pair of layers. Attention
# has four **heads**: they look at the same time, each in its own way.
#
# What each part computes is *added* to what was there before, so a gradient finds an open road back. And before each
# part the numbers are **normalised** (layer norm): mean 0 and spread 1 in each word.
#
# Both begin with an **embedding**, a table with a list of 48 numbers for each word, and add the place:


# %%
def placed_words(n_words, d):
    """Word numbers (N, T) to d numbers each, with those of the place added: (N, T, d)."""
    words = nn.Embedding(n_words, d, dtype=np.float32)
    places = nn.LearnedPositions(24, d, dtype=np.float32)
    for table in (words, places):
        table.weight.data *= 0.3  # large numbers here would drown what attention adds
    return nn.Sequential(words, places)


# %% [markdown]
# (24 places are enough: the longest English number has 14 words and marks, the longest French one 19.) And this is all
# of the model. Number 0 is `<pad>`, so `source == 0` is the mask of the padding:


# %%
class Translator(nn.Module):
    """English words (N, S), French words so far (N, T): scores of each next word."""

    def __init__(self, english, french, d=48, heads=4):
        self.english, self.french = english, french  # two vocabularies
        self.read = placed_words(len(english), d)
        self.encoder = nn.TransformerEncoderLayer(
            d, heads, 4 * d, 0, batch_first=True, norm_first=True, dtype=np.float32
        )
        self.read_norm = nn.LayerNorm(d, dtype=np.float32)
        self.written = placed_words(len(french), d)
        self.decoder = nn.TransformerDecoderLayer(
            d, heads, 4 * d, 0, batch_first=True, norm_first=True, dtype=np.float32
        )
        self.written_norm = nn.LayerNorm(d, dtype=np.float32)
        self.scores = nn.Linear(d, len(french), dtype=np.float32)

    def encode(self, source):
        """What the encoder makes of the English words: (N, S, d)."""
        return self.read_norm(self.encoder(self.read(source), src_key_padding_mask=source == 0))

    def decode(self, so_far, memory, source):
        """Scores for the next word after each place: (N, T, words)."""
        masks = {"tgt_is_causal": True, "memory_key_padding_mask": source == 0}
        x = self.decoder(self.written(so_far), memory, **masks)
        return self.scores(self.written_norm(x))

    def forward(self, source, so_far):
        """The same, as cross_entropy wants it: (N, words, T)."""
        return self.decode(so_far, self.encode(source), source).swapaxes(1, 2)


# %%
mg.seed(0)
model = Translator(english, french)
print(f"{sum(p.size for p in model.parameters()):,} parameters")

# %% [markdown]
# ## Training
#
# The loss is the cross-entropy of the next word; `ignore_index` leaves `<pad>` out. Three habits belong to
# Transformers. The learning rate starts near 0 and rises for 100 steps (**warm-up**), then falls in a straight line.
# Adam's second beta is 0.98, so it forgets faster. And a gradient longer than 1 is cut to length 1 (**gradient
# clipping**): it keeps its direction, and a single odd batch can do little harm.
#
# To watch, another 200 numbers are translated after each epoch. They are neither in the exam nor among those learned
# from, and nearly all have six digits. **Predict:** what share of them is right after the first epoch, 188 steps?


# %%
class Clip(training.Callback):
    """Cuts a gradient that is longer than 1 before the optimiser sees it."""

    def after_backward(self, state):
        optim.clip_grad_norm_(state.model.parameters(), max_norm=1.0)


apart = held_out + by_length
watched = translation.training_numbers(200, by_length=False, seed=1, without=apart)
watched_source, watched_right = data.number_pairs(watched)
diary = []


def look(state):
    """Notes what is said, and adds the share without a mistake to the history."""
    diary.append(translation.translate_all(model, watched_source))
    state.history.rows[-1]["exact"] = translation.share_exact(diary[-1], watched_right)


# %%
loader = translation.PairLoader(learned, english, french, batch_size=64, seed=0)
epochs = share_of(translation.EPOCHS)
steps = epochs * len(loader)
optimizer = optim.Adam(model.parameters(), lr=3e-3, betas=(0.9, 0.98))
up = optim.LinearLR(optimizer, 0.01, 1.0, total_iters=100)
down = optim.LinearLR(optimizer, 1.0, 0.0, total_iters=steps - 100)
schedule = optim.SequentialLR(optimizer, [up, down], milestones=[100])
live = plots.Live("loss", "exact")
history = training.fit(
    model,
    loader,
    nn.CrossEntropyLoss(ignore_index=french.pad),
    optimizer,
    epochs,
    callbacks=[Clip(), training.Schedule(schedule, every="step"), look, live],
    progress=False,
)
print("epoch:          ", *(f"{epoch:6}" for epoch in history["epoch"]))
print("without mistake:", *(f"{share:6.1%}" for share in history["exact"]))

# %% [markdown]
# (`translation.train(seed=0, checkpoint="numbers.safetensors")` is the same training in one call. With a checkpoint, it
# goes on where it was interrupted.)
#
# ## The exam
#
# To translate, nobody tells the decoder the right words so far. It begins with `<start>`, takes the word with the
# highest score, and gives that back to itself as input, until it says `<end>`. This is **greedy decoding**. All that
# follows a wrong word builds on it. Only a sentence in which *every* word and hyphen is right counts.

# %%
said = translation.translate_all(model, source)
exact = translation.share_exact(said, right)
translation.TARGET.check(exact)
print()
results = {"table of pairs": 0.0, "word by word": by_dictionary, "Transformer": exact}
for name, share in results.items():
    print(f"{name:15} {share:6.1%}")
wrong = [number for number, a, b in zip(held_out, said, right) if a != b]
print("\nwrong in the exam:", wrong[:12] or "none")

# %% [markdown]
# It translates numbers that it never saw, and nobody told it a rule.
#
# ## Its mistakes
#
# A good translator's mistakes are few, and say little. Its early ones say more. So here are some from the diary: first
# those after the first epoch, then those at the end.

# %%
for before in (diary[0], diary[-1]):
    wrong = [row for row in zip(watched, before, watched_right) if row[1] != row[2]]
    print(f"{len(wrong)} of {len(watched)} wrong")
    for number, answer, words in wrong[:4]:
        print(f"   {number}\n      said    {joined(answer)}")
        print(f"      right   {joined(words)}")

# %% [markdown]
# Most of the early sentences look like French, and are right up to some word. A part is left out, or said twice, or a
# word stands for another. The network has no idea of the quantity: to the loss, one wrong word is one wrong word, whether
# it stands for a thousand or for one.
#
# ## Where does it look?
#
# The weights of cross-attention can be drawn. Each row is a French word that is written, each column an English one.
# The darker, the more it was looked at (the mean of the four heads). If it translated word by word, there would be one
# dark diagonal. **Predict** for *ninety-five*: where will the row *quinze* (fifteen) look?

# %%
size = {"figsize": (9.5, 4), "width_ratios": [1, 1.7]}
_, axes = plt.subplots(1, 2, layout="constrained", **size)
for ax, text in zip(axes, ("ninety-five", 71_080)):
    answer, weights = translation.translate(model, text)
    words = translation.words_of(text)
    plots.attention(weights, words, answer, title=joined(answer), ax=ax)
plots.show(
    axes,
    alt="Two maps of attention. Ninety-five: quatre looks at ninety, the rows between "
    "mostly at the hyphen, quinze at five. 71,080: soixante looks at seventy, onze at one, "
    "quatre and vingts at eighty.",
)

# %% [markdown]
# There is no clean diagonal. In this run, *quatre* and *vingts* on the right both look at *eighty*: two words for one.
# On the left *quinze* looks mostly at *five*, though a five alone would be *cinq*. The words between lean on the hyphen.
# So the words don't keep their places, and attention finds out where to look. Counting places, as the dictionary did,
# can't do that.
#
# Don't read too much into such a map. Where does *quinze* know the ninety from? When the decoder looks at *five* or at
# the hyphen, the encoder can already have mixed some of *ninety* into it. The map shows where the decoder looked. It
# doesn't show what it took from there, or why. Train with another seed, and the map will be another one.
#
# > **Remember:** attention is a weighted mean. A word asks (query), each word that may be looked at answers how well it
# > fits (key), and gives what it has (value). What to ask, answer and give is learned.
#
# ## Which pairs, and how many?
#
# How much is needed to learn from? Here are 250, 1,000 and 4,000 pairs, all with about 250 steps, a good quarter of the
# training above. So these are short trainings, and longer ones would do better. With few pairs, each is seen more often.
#
# The fourth network gets 4,000 pairs again, but all numbers equally likely. **Predict** its row: how will it do with
# numbers of two digits, how with six? (The exam has only 10 numbers of two digits.)

# %%
trials = {
    "250 pairs": (250, True),
    "1,000 pairs": (1000, True),
    "4,000 pairs": (4000, True),
    "4,000, equally likely": (4000, False),
}
runs = {}
print("digits                    2      3      4      5      6    all")
for name, (pairs, length_first) in trials.items():
    epochs = share_of(round(250 * 64 / pairs))
    settings = {"pairs": pairs, "by_length": length_first, "epochs": epochs}
    scores = runs[name] = translation.train(**settings, progress=False).scores
    shares = [scores[f"{digits} digits"] for digits in range(2, 7)]
    shares.append(scores[translation.TARGET.what])
    print(f"{name:21}", *(f"{share:6.0%}" for share in shares))

# %%
sizes = [250, 1000, 4000]
ax = plt.subplots(figsize=(6, 3.2), layout="constrained")[1]
lines = {"all": translation.TARGET.what, "3 digits": "3 digits", "6 digits": "6 digits"}
for (label, what), style in zip(lines.items(), ("o-", "^:", "s--")):
    shares = [100 * scores[what] for scores in list(runs.values())[:3]]
    ax.plot(sizes, shares, style, label=label)
ax.axhline(100 * by_dictionary, color="gray", linewidth=1)
place = (4000, 100 * by_dictionary - 7)
ax.text(*place, "word by word", color="gray", fontsize="small", ha="right")
ax.set(xscale="log", xlabel="pairs to learn from", ylabel="exact (%)", ylim=(0, 103))
ax.set_xticks(sizes, [f"{size:,}" for size in sizes], minor=False)
ax.minorticks_off()
ax.legend(fontsize="small")
plots.show(
    ax,
    alt="Exact translations against the number of pairs, on a logarithmic axis: three lines "
    "that rise. Three digits are learned from few pairs, six digits need the most.",
)

# %% [markdown]
# **More pairs, fewer mistakes.** With 250 pairs it is about as good as the dictionary. A rule has to be seen at work in
# many places before it is worth more than learning by heart.
#
# **Which pairs matters as much as how many.** Where all numbers are equally likely, those of two digits hardly occur. So
# the network fails at the easiest numbers of all. In an average over *all numbers* that would not show: nine in ten have
# six digits, and those it knows. The same happens in medicine with rare illnesses, and in speech with rare accents. What
# is rare in the data is learned badly, and an average hides it.
#
# > **Remember:** look at the score of each group, not at the average alone. What the training data rarely shows, the
# > model rarely gets right.
#
# ## Outside of what it learned
#
# Unknown words are refused, with a sentence that says so: the vocabulary has no number for them. What about known words
# that make no number? Or a sentence longer than all it was trained on? **Predict:** will it refuse those?

# %%
for text in ("fourty", "one million"):
    try:
        translation.translate(model, text)
    except ValueError as error:
        print(f"{text!r}: {error}")
print()
longest = "nine hundred and ninety-nine thousand, nine hundred and ninety-nine"
odd = ["twenty five", "one thousand thousand", "one two three four five six"]
for text in (*odd, longest + " and one"):
    print(f"{text}\n   -> {joined(translation.translate(model, text)[0])}")

# %% [markdown]
# It never says "I don't know". A missing hyphen, which you would hardly notice, can lose a word. To a thousand thousands
# and to six loose words there is no right answer, and it gives one without a warning. The last sentence is longer than
# any that it learned from: what is too much may have no effect, or a strange one. Among the scores there is always a
# highest one, and greedy decoding takes it.
#
# ## What this is not
#
# - **It composes, and does no more.** Every word of the exam was seen, and nearly every *pattern*, too. New are the
#   combinations. That is much more than a table can do, and much less than understanding.
# - **It isn't a translator of languages.** It knows 33 words and marks, and nothing is ambiguous, or a joke. The same
#   kind of model, six times as large, was tried on 4,052 real pairs, the English and French names of emoji. In new
#   mixtures of known patterns ("woman farmer" with another skin tone) it was right 19 times in 20. In other new
#   phrases made of known words it was right in two of three. And nearly a third of the test phrases had a word that it
#   had never seen.
# - **Real translation needs** millions of sentence pairs, pieces of words in place of words (so that no word is
#   unknown), many more layers, and a search over several sentences in place of greedy decoding. And it needs people who
#   check: a fluent mistake is hard to see.
# - **The numbers' names come from a program.** Writing it takes an afternoon, and it makes no mistakes. A network pays
#   where nobody can write down the rules.
#
# ## Exercises
#
# Replace the dots and run the cell, then the one below it. Stuck? `ex.hint("decoder_pair")` gives a hint, a plainer one
# each time, and `ex.solution("decoder_pair")` the solution with its reason.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** For teacher forcing the decoder needs two lists of the same length: what it is given, and what it
# should say at each place. Make both from the French words, with `"<start>"` and `"<end>"`.


# %%
def decoder_pair(words):
    """What the decoder is given, and what it should say at each place."""
    so_far = ...
    target = ...
    return so_far, target


# %%
ex.check("decoder_pair", decoder_pair)

# %% [markdown]
# **Exercise 2.** Write greedy decoding. `next_word(words)` gives the best next word after the words so far, which begin
# with `"<start>"`. Go on until it says `"<end>"`, and return what was said between the two. Stop after `longest` words,
# if it doesn't come to an end.


# %%
def greedy(next_word, longest):
    """The words that are said, one after the other."""
    words = ["<start>"]
    for _ in range(longest):
        ...
    return ...


# %%
ex.check("greedy_decoding", greedy)

# %% [markdown]
# **Exercise 3. What happens if…** you leave out the positions of the English words, and train? Then the
# model is given *two thousand and three* and *three thousand and two*. Will its two translations be `"right"` (both of them),
# `"the same"`, or `"in another order"`?

# %%
translations = ...

# %%
ex.check("without_positions", translations)

# %% [markdown]
# **Make something:** a translator from French to English. `data.number_pairs(numbers)` gives both lists, and
# `Translator(french, english)` swaps the languages. The score to beat on the exam: 99.4 %, measured with these settings
# and three epochs.
#
# ## Where this is in PyTorch
#
# The layers have the same names and settings there:
#
# ```python
# settings = {"dropout": 0.0, "batch_first": True, "norm_first": True}
# encoder = torch.nn.TransformerEncoderLayer(48, 4, 192, **settings)
# decoder = torch.nn.TransformerDecoderLayer(48, 4, 192, **settings)
# memory = encoder(x, src_key_padding_mask=source == 0)
# mask = torch.nn.Transformer.generate_square_subsequent_mask(so_far.shape[1])
# y = decoder(z, memory, tgt_mask=mask, memory_key_padding_mask=source == 0)
# loss = torch.nn.functional.cross_entropy(scores, target, ignore_index=0)
# torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
# ```
#
# `nn.LearnedPositions` isn't there: write `torch.nn.Embedding(24, 48)` and add its rows. Here attention itself is one
# operation, [`attention` in attention.py](../micrograd_plus/nn/attention.py#L), and the decoder's layer is
# [`TransformerDecoderLayer` in transformer.py](../micrograd_plus/nn/transformer.py#L).
#
# **Next:** [25 · Inventing names](25_inventing_names.ipynb). A decoder without an encoder: nothing to translate, only
# the next letter to guess. It is called a GPT.
