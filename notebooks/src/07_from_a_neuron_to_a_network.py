# %% [markdown]
# # 07 · From a neuron to a network
#
# *20 minutes · needs lesson 06*
#
# **The idea:** a neuron is a small formula that splits its inputs along a straight line. A network lets several of them
# share the work, and can then draw what no single line can.
#
# You will work one neuron out by hand, meet a puzzle of four points that defeats every straight line, and solve it with
# two neurons. At the end you look inside a neuron, to see what is kept there.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
import numpy as np
from matplotlib import pyplot as plt
from micrograd_plus import draw, plots

# %% [markdown]
# ## Predict, then run
#
# You have met the **neuron** three times by now. It multiplies each input by a weight, adds everything up, and adds one
# more number, the **bias**. Then it passes the sum through an **activation function**. So far that was `tanh`. Here it
# is **ReLU**: a sum below 0 becomes 0, anything else stays.
#
# ```text
# answer = relu(w0 * x0  +  w1 * x1  +  b)
# ```
#
# Take the weights 1 and -1 and the bias -0.5. **What does this neuron answer to the inputs 2 and 1? And to 1 and 2?**
# Write your two guesses into the cell, then run it.

# %%
my_guesses = [0.0, 0.0]

neuron = mg.nn.Neuron(2)
neuron.w[0].data, neuron.w[1].data, neuron.b.data = 1.0, -1.0, -0.5
print("my guesses:", my_guesses)
print("the neuron:", [neuron([2.0, 1.0]).data, neuron([1.0, 2.0]).data])

# %% [markdown]
# The first sum is `2 - 1 - 0.5 = 0.5`, and ReLU lets it pass. The second is `1 - 2 - 0.5 = -1.5`, and ReLU makes it 0.
#
# For the engine there is nothing new in it: a neuron is a formula, and so every weight can have a gradient.

# %%
answer = neuron([2.0, 1.0])
answer.backward()
draw(answer)

# %% [markdown]
# The gradient of each weight is the input that it is multiplied by: 2 for `w0`, 1 for `w1`. (Here ReLU's local slope is
# 1, since the sum is positive.) The library's own neuron is two lines of code:
# [`products` in scalar.py](../micrograd_plus/nn/scalar.py#L).
#
# ## A neuron draws a line
#
# Think of the two inputs as a place on a map. At each place the sum has some value. Below, that value is written at 49
# places. Where is it 0?

# %%
places = [(i / 2, j / 2) for i in range(7) for j in range(7)]
fig, ax = plt.subplots(figsize=(5, 4.2), layout="constrained")
for x0, x1 in places:
    total = 1.0 * x0 - 1.0 * x1 - 0.5
    text = f"{total:+.1f}" if total else "0"
    colour = "black" if total > 0 else "tab:blue"
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # hides the line behind
    ax.text(x0, x1, text, ha="center", va="center", color=colour, bbox=box)
ax.axline((0.5, 0.0), slope=1.0, color="gray", linestyle=":", zorder=0)
ax.set(xlabel="x0", ylabel="x1", xlim=(-0.3, 3.3), ylim=(-0.3, 3.3))
ax.set_title("w0 * x0 + w1 * x1 + b at each place")
alt = "A grid of numbers: 0 along a slanted straight line, positive right of it, "
plots.show(ax, alt=alt + "negative left of it, and larger in size further away.", dpi=80)

# %% [markdown]
# It is 0 along a straight line, the neuron's **zero line**. On one side all sums are positive, on the other all are
# negative, and further from the line they are further from 0. The weights say which way the line is turned; the
# bias moves it.
#
# So one neuron can tell two kinds of points apart, if a straight line lies between them.
#
# ## A puzzle of four points
#
# **XOR** ("exclusive or", the "either, but not both" of lesson 06) is 1 if exactly one of two inputs is 1. So it is 1
# for (0, 1) and (1, 0), and 0 for (0, 0) and (1, 1). On the map these are the corners of a square, and equal labels
# stand at opposite corners.
#
# **How many of the four can one straight line get right, at best?** Write it down. Then we let one neuron search for a
# good line. (`fit` runs the loop of lesson 00 for us: step by step, it makes the answers come as near to the labels as
# it can. `epochs` says how often it goes through the points; `"mse"` waits
# for lesson 08.)

# %%
my_guess = 4
X, y = mg.data.xor()


def trained(model, X, y, epochs, lr):
    """Train the model to answer with the labels y; return it."""
    optimizer = mg.optim.SGD(model.parameters(), lr=lr)
    settings = {"epochs": epochs, "seed": 0, "progress": False}
    mg.training.fit(model, (X, y), loss="mse", optimizer=optimizer, **settings)
    return model


one_neuron = trained(mg.nn.MLP(2, [1], seed=1), X, y, epochs=300, lr=0.2)
print("my guess:", my_guess)
for x, label in zip(X.tolist(), y.tolist()):
    print(f"inputs {x}: wanted {label}, answer {one_neuron(x).data:.2f}")

# %% [markdown]
# It says about 0.5 to everything: "I can't tell." That is the best compromise there is. A line can get three of the
# four corners right, never all four, and here is why. The sums at the corners are `b`, `b + w1`, `b + w0` and `b + w0 +
# w1`. The two that should be large add up to `2b + w0 + w1`. The two that should be small add up to **the same
# number**. So it can't be that both of the first are large and both of the others are small.
#
# ## More neurons, still one line
#
# Then take more neurons. A **layer** is a row of neurons that all see the same inputs. A **network** is layers in a
# chain: the answers of one layer are the inputs of the next. Layers between the inputs and the last one are called
# **hidden**.
#
# Let us take two hidden layers of eight neurons, but leave the activation function out, so that each neuron gives its
# plain sum. Such a network is called *linear*. **Will 17 neurons do what one could not?**

# %%
linear = mg.nn.MLP(2, [8, 8, 1], activation="linear", seed=1)
trained(linear, X, y, epochs=300, lr=0.05)
print("parameters:", len(linear.parameters()))
print("answers:", [round(linear(x).data, 2) for x in X.tolist()])

# %% [markdown]
# 105 parameters, weights and biases together, and not a bit better. A sum of sums is a sum again:
# if you multiply all of it out, one weight for each input is left, and one bias. We can ask a network for them. (A
# fresh one, whose answers aren't all 0.5.)

# %%
linear = mg.nn.MLP(2, [8, 8, 1], activation="linear", seed=2)
b = linear([0.0, 0.0]).data
w0 = linear([1.0, 0.0]).data - b
w1 = linear([0.0, 1.0]).data - b
x = [3.0, -7.0]
print(f"the whole network: {linear(x).data:.6f}")
print(f"one neuron:        {w0 * x[0] + w1 * x[1] + b:.6f}")

# %% [markdown]
# The 17 neurons *are* one neuron, written at length.
#
# > **Remember:** without an activation function between them, layers collapse into one. It is the bend that makes depth
# > worth something.
#
# ## The bend
#
# A function whose curve isn't one straight line is called **non-linear**. Two that are often used:

# %%
ax = plots.activation_functions("relu", "tanh", low=-3, high=3)
alt = "ReLU is 0 left of 0 and rises with slope 1 right of it. Tanh bends softly from -1 to 1."
plots.show(ax, alt=alt, dpi=80)

# %% [markdown]
# ReLU has one sharp bend, at 0. Tanh bends softly and stays between -1 and 1. The dashed lines are their slopes, which
# the backward pass uses.
#
# ## Two neurons solve it
#
# Now the puzzle again, with two hidden ReLU neurons and weights that we choose ourselves. Read it before you run it:
#
# - `h0 = relu(x0 + x1)` counts how many inputs are 1.
# - `h1 = relu(x0 + x1 - 1)` speaks up only if both are.
# - The answer is `h0 - 2 * h1`: the count, with a penalty for "both".
#
# **What comes out for each corner?**

# %%
by_hand = mg.nn.MLP(2, [2, 1], seed=0)
hidden, last = by_hand.layers
for p, number in zip(by_hand.parameters(), [1, 1, 0, 1, 1, -1, 1, -2, 0]):
    p.data = float(number)

for x in X.tolist():
    h0, h1 = [h.data for h in hidden(x)]
    print(f"inputs {x}:  h0 = {h0:.0f}, h1 = {h1:.0f},  answer {by_hand(x).data:.0f}")

# %% [markdown]
# All four are right, with nine numbers. This is the network. The circles on the left are the inputs, each of the others
# is a neuron. Each line is a weight; the biases are not drawn. (The one negative weight, -2, is the thick dashed line.)

# %%
draw(by_hand)

# %% [markdown]
# `MLP` stands for **multi-layer perceptron**, the usual name of such a network: `MLP(2, [2, 1])` has two inputs, then a
# layer of two neurons, then a layer of one. Its last layer has no activation function, so that it can answer any
# number.
#
# Two views show *how* it does it. On the left is the map of the inputs, with the zero lines of the two hidden neurons.
# The border between "0" and "1" runs beside them. On the right the same four points are where the hidden layer puts
# them.

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 4.2), layout="constrained")
plots.decision_boundary(by_hand, X, y, show_neurons=True, resolution=60, ax=left)
H = np.array([[h.data for h in hidden(x)] for x in X.tolist()])
for label, marker, colour in ((0, "o", "tab:blue"), (1, "^", "tab:orange")):
    right.scatter(*H[y == label].T, marker=marker, s=60, c=colour, label=f"class {label}")
right.axline((0.5, 0), slope=0.5, color="gray", label="answer 0.5")
right.annotate("two points here", (1, 0), (1.2, -0.2), arrowprops={"arrowstyle": "->"})
right.set(xlabel="h0", ylabel="h1", xlim=(-0.3, 2.3), ylim=(-0.3, 1.3))
right.set_title("What the last neuron sees")
right.legend(loc="upper left")
alt = "Left: a band between two slanted parallel lines holds the two corners of class 1. "
alt += "Right: as h0 and h1, both lie in one place, and one line parts them from the rest."
plots.show(left, alt=alt, dpi=80)

# %% [markdown]
# The last neuron can draw only one straight line, like any neuron. But it draws it on the right-hand map. The hidden
# layer has *moved the points* so that one line is enough. That is what hidden layers are for.
#
# ## Let it find its own lines
#
# Nobody chooses weights by hand in earnest. Here are forty blurred points of the same puzzle, and a network of four
# hidden neurons: on the left with its random weights, on the right after training. Watch the dotted zero lines.
# (Circles are class 0, triangles class 1, and the thick line is the border.)

# %%
X40, y40 = mg.data.xor(40, noise=0.1)
model = mg.nn.MLP(2, [4, 1], seed=3)
fig, axes = plt.subplots(1, 2, figsize=(7, 3.4), layout="constrained")
settings = {"show_neurons": True, "resolution": 60, "boundary": 0.5}
plots.decision_boundary(model, X40, y40, ax=axes[0], **settings)
trained(model, X40, y40, epochs=150, lr=0.1)
plots.decision_boundary(model, X40, y40, ax=axes[1], **settings)
for ax, title in zip(axes, ("Before training\n", "After training\n")):
    ax.set_title(title)
    ax.get_legend().remove()
alt = "Four dotted zero lines cross the map at random on the left. On the right two run "
alt += "inside a band along the diagonal, which has the points of class 0 on it and no others."
plots.show(axes[0], alt=alt, dpi=80)

# %% [markdown]
# > **Remember:** each hidden neuron of the first layer draws one straight line. With one hidden layer of ReLUs, the
# > border is made of straight pieces, and bends only where it crosses such a line.
#
# With another seed, that is, other weights to begin with, the lines end up elsewhere. And not always well: with
# `seed=0` some points are still wrong after the same training. Try it. There are many good networks for the same task,
# and some bad places on the way.
#
# ## "A hidden unit holds a picture, or a label": does it?
#
# People often imagine that each unit (another word for a neuron) stores something: a picture, a word, the label of a
# class. So look inside. Here is all that there is in the four hidden neurons, and what happens in them when one point
# comes by:

# %%
x = [1.0, 0.0]
for i, n in enumerate(model.layers[0].neurons):
    w0, w1, b = n.w[0].data, n.w[1].data, n.b.data
    total = f"{w0:+.2f} * {x[0]:.0f} {w1:+.2f} * {x[1]:.0f} {b:+.2f}"
    print(f"neuron {i}: relu({total}) = {n(x).data:.2f}")
print(f"the network's answer: {model(x).data:.2f}")

# %% [markdown]
# Three numbers each. No picture, no label, no copy of a training point. A neuron is **a formula with numbers plugged
# in**, and it computes its answer anew for each input. If somebody shows you "the picture in a neuron", it is a picture
# that makes this formula's answer large, or a drawing of its weights.
#
# Nor does it matter which neuron is which. Swap two of them, together with the weights that read them, and nothing
# changes:

# %%
before = [round(model(x).data, 6) for x in X.tolist()]
first, last = model.layers[0].neurons, model.layers[1].neurons[0]
first[0], first[3] = first[3], first[0]
last.w[0], last.w[3] = last.w[3], last.w[0]
after = [round(model(x).data, 6) for x in X.tolist()]
print("same answers after the swap:", before == after)

# %% [markdown]
# ## Exercises
#
# Replace the dots and run the cell, then the one below it: `ex.check` looks at your answer, and where it isn't right
# yet, it says what may have happened. `ex.hint("count_mlp")` gives a hint, a better one each time;
# `ex.solution("count_mlp")` shows the solution, and why.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** How many parameters has `MLP(3, [4, 2])`? Count them on paper first.

# %%
count = ...

# %%
ex.check("count_mlp", count)

# %% [markdown]
# **Exercise 2.** Choose weights and a bias so that one ReLU neuron does AND: an answer above 0 if both inputs are 1,
# and 0 for the other three corners.

# %%
and_neuron = ..., ..., ...  # w0, w1, b

# %%
ex.check("and_neuron", and_neuron)

# %% [markdown]
# **Exercise 3. What happens if…** you take the bends out of the network that we made by hand? So `h0 = x0 + x1`, `h1 =
# x0 + x1 - 1`, and the answer is `h0 - 2 * h1` as before. What does it then answer to the inputs 0 and 0?

# %%
answer_without = ...

# %%
ex.check("without_bends", answer_without)

# %% [markdown]
# To see it, take them out: `for n in by_hand.layers[0].neurons: n.activation = "linear"`.
#
# There are more exercises for this lesson: `ex.list(lesson=7)` shows them, and `ex.task("neuron_forward")` gives you
# the task and the code of one. You write a neuron as a loop, count the parameters of any network, make one neuron of
# two, and find a bug.
#
# **Make something.** Two moons: `X, y = mg.data.make_moons(60)`. Train an MLP on them, draw its border with
# `show_neurons=True`, and find the smallest number of hidden neurons that still gets nearly all points right.
#
# ## Where this is in PyTorch
#
# The same network in three lines. There a layer takes many samples at once, and the activation function is a module of
# its own:
#
# ```python
# model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))       # nn is torch.nn
# answer = model(torch.tensor([[1.0, 0.0]]))
# count = sum(p.numel() for p in model.parameters())                       # 17
# ```
#
# **Next:** [08 · What is being minimised?](08_what_is_being_minimised.ipynb) We said "as near to the labels as it can".
# What does *near* mean?
