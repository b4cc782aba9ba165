# %% [markdown]
# # 02 · Expressions are graphs
#
# *20 minutes · needs lesson 01*
#
# **The idea:** a formula is a set of small steps, and each step uses the results of others. Draw a box for each number
# and an arrow for each use, and you have its graph.
#
# You will draw formulas of your own, see numbers flow through them, and find out what is in the picture, what isn't,
# and when it is made.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
from micrograd_plus import Value, draw
from micrograd_plus.engine.graph import order

# %% [markdown]
# ## Predict, then draw
#
# Here are three numbers and a formula:
#
# ```python
# a, b, c = Value(2.0), Value(-3.0), Value(10.0)
# y = (a * b + c) * a
# ```
#
# `a * b + c` is the formula of lesson 01, and now it is multiplied by `a` once more. Draw it on paper: a box for each
# number, also for those in between. **How many boxes are there?** (In the cell, `order(y)` is the list of all boxes
# that `y` was made from, with `y` itself at the end, and `len` counts them.)

# %%
my_guess = 7

a, b, c = Value(2.0), Value(-3.0), Value(10.0)
y = (a * b + c) * a
print("my guess:", my_guess, "  boxes:", len(order(y)))
draw(y, locals())

# %% [markdown]
# Six: three that you gave, and three that were computed. (`draw(y, locals())` means: call them as my variables are
# called. A number without a variable is called by its formula.)
#
# The words for it:
#
# - A **node** is a box of the graph. It holds a number.
# - An **edge** is an arrow. It leads from a node to a result that uses it.
# - An **operation** makes a new node from others: `*`, `+`, `-` …
# - A **leaf** is a node that no operation made. You gave it: here `a`, `b` and `c`.
# - The **graph** is all of it, and the last result is its **root**: here `y`.
#
# Box and node are two words for the same thing, and so are arrow and edge. These lessons use both: one for the picture,
# one for the program.
#
# Every box shows its number, called `data`. Below it is room for the gradient, which says "not run yet": nobody has
# called `backward()`. The small numbers on the arrows are the slopes of each step alone. Lesson 03 is about those;
# leave them aside for now.
#
# ## Forward: numbers flow from the leaves to the root
#
# Computing the graph from left to right is **forward propagation**. Each node waits for the numbers that it needs, and
# then it is one small calculation. Here are the nodes in an order in which that works:

# %%
for node in order(y):
    how = node.op.symbol if node.op else "leaf"
    print(f"{how:5} {node.data:6.1f}   made from {[x.data for x in node.operands]}")

# %% [markdown]
# That is all that a node remembers of its past: the operation, and what it was applied to. You can ask it:

# %%
print("operation:", y.op.symbol)
print("made from:", y.operands)
print("its second operand is the very same a:", y.operands[1] is a)

# %% [markdown]
# The two boxes that `y` was made from are nodes too, and remember what *they* were made from. So `y`, one number, leads
# back to everything that it came from.
#
# > **Remember:** a node remembers how it was made. Follow the memories back, and you have the graph.
#
# ## Draw your own formula
#
# Change the formula in this cell, and the numbers, as often as you like. You may use `+ - * / **` and brackets. (If you
# know them already: also `.exp()`, `.log()`, `.tanh()`, `.relu()`.)

# %%
width = Value(3.0)
height = Value(2.0)
price = Value(1.5)
cost = width * height * price + 4
draw(cost, locals())

# %% [markdown]
# ## Numbers and nodes
#
# Look again at the picture above. There is a 4 in the formula. **Where is the box of the 4?** There is none.
#
# Here are two formulas that give the same number. **Predict:** how many boxes has each? (A `label` is a name for the
# picture.)

# %%
my_guesses = (3, 3)

x = Value(5.0)
with_number = x * 2
with_node = x * Value(2.0, label="two")
print("my guesses:", my_guesses)
print("x * 2:         ", len(order(with_number)), "boxes, result", with_number.data)
print("x * Value(2.0):", len(order(with_node)), "boxes, result", with_node.data)
draw(with_number, {"x": x})

# %% [markdown]
# And the other one:

# %%
draw(with_node, {"x": x})

# %% [markdown]
# A plain `2` is part of the *operation*: "times 2". Nobody is going to change it, so it needs no gradient and gets no
# box. As a `Value`, it is a number that somebody may want to change; it has a box, and `backward()` finds its slope:

# %%
with_node.backward()
two = with_node.operands[1]
print("slope of the result for x:", x.grad, "  for two:", two.grad)

# %% [markdown]
# So you decide: what should be *learned* must be a `Value`. What is fixed, such as the 2 in "twice", can stay a number.
#
# > **Remember:** numbers take part in a formula; only nodes are in the graph.
#
# ## Shared nodes
#
# Here are two ways to compute the square of `a + b`. **Predict:** which has more boxes?

# %%
my_guess = "they have the same"

a, b = Value(2.0), Value(3.0)
s = a + b
shared = s * s
again = (a + b) * (a + b)
print("my guess:", my_guess)
print("s * s:            ", len(order(shared)), "boxes, result", shared.data)
print("(a + b) * (a + b):", len(order(again)), "boxes, result", again.data)
draw(shared, {"a": a, "b": b, "s": s})

# %% [markdown]
# That was `s * s`. Here is `(a + b) * (a + b)`:

# %%
draw(again, {"a": a, "b": b})

# %% [markdown]
# In the first, `s` is computed once and used twice: it is **shared**, and two arrows lead from one box. In the second,
# `a + b` is computed twice. The two boxes hold the same number, but they are two nodes.
#
# And in both pictures, `a` is *one* box: a name used twice is the same node, not a copy of it. But two `Value(2.0)`
# that you make separately are two nodes, though their numbers are equal. A node *holds* a number; it isn't the number.
#
# ### Does the engine simplify a formula?
#
# You know that `(a + b) * (a + b)` is `s * s`. The engine doesn't look for such things. It records what you wrote, step
# by step. Mostly that only costs a little time. Here is a case where it shows. The square of the square root of `x` is
# `x` again, so its slope should be 1, also at 0:

# %%
x = Value(0.0)
y = x.sqrt() ** 2
y.backward()
print("result:", y.data, "  slope:", x.grad)

# %% [markdown]
# The result is right, the slope is `nan`, "not a number". A square root is infinitely steep at 0, the square is flat
# there, and infinity times 0 has no answer. (Why the two are multiplied is the next lesson.) If the engine knew
# algebra, it would have crossed out the two. It does not, and neither does PyTorch.
#
# ## The graph is made by running
#
# When does the graph come to be? Not when you write a formula, but when Python *runs* it: each operation makes its node
# at that moment. An `if` therefore records only the way that was taken.


# %%
def bend(x):
    if x > 0:
        return x * x
    return x * 3 + 1


up, down = Value(2.0, label="up"), Value(-2.0, label="down")
draw(bend(up))

# %% [markdown]
# **Predict** before you look: how many boxes has `bend(down)`?

# %%
draw(bend(down))

# %% [markdown]
# One function, two graphs. The `if` itself is in neither: Python has decided, and what is left is arithmetic.
#
# Now a loop. Look closely at the line `total = total + total`: the *name* `total` moves on to a new node each time. The
# old nodes stay, because the new ones remember them.

# %%
start = Value(1.0, label="start")
total = start
for _ in range(3):
    total = total + total
print("nodes:", len(order(total)), "  result:", total.data)
draw(total, {"start": start, "total": total})

# %% [markdown]
# ### Is a graph like a spreadsheet?
#
# In a spreadsheet, when you change one cell, the others follow. **Predict:** we compute `y = x * 10`, and then change
# `x`. What is `y`?

# %%
my_guess = 70.0

x = Value(3.0, label="x")
y = x * 10
x.data = 7.0
print("my guess:", my_guess, "  y:", y.data)

y = x * 10
print("computed again:", y.data)

# %% [markdown]
# `y` was computed when the line ran, with the `x` of that moment. It is a record of what *happened*, not a rule that is
# kept. To use the new number, run the formula again: that builds a new graph. Training does exactly this: at each step,
# the weights have changed, so the forward pass is run anew.
#
# > **Remember:** running a formula makes its graph. New numbers need a new run.
#
# ## A neuron is a graph
#
# A network is nothing but a large formula. Here is its smallest part, a **neuron**: each input times a **weight**, all
# added up, plus one number more (the **bias**), and then bent by `tanh`, which keeps the result between -1 and 1.

# %%
x1, x2 = Value(2.0), Value(0.5)
w1, w2, bias = Value(-0.5), Value(1.0), Value(0.25)
neuron = mg.tanh(x1 * w1 + x2 * w2 + bias)
draw(neuron, locals())

# %% [markdown]
# Lesson 07 puts many of them together. But however large a network is, its loss is one root, and the graph of that root
# is made of steps like these.
#
# ## Exercises
#
# Replace the dots and run the cell, then the one below it: `ex.check` looks at your answer, and where it isn't right
# yet, it says what may have happened. `ex.hint("count_boxes")` gives a hint, a plainer one each time;
# `ex.solution("count_boxes")` shows the solution, and why.
#
# There are more exercises than the three below: `ex.list(lesson=2)` shows them all, and `ex.task("frozen_loss")` starts
# one of them.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** Without running it: how many boxes has `y = a * b + a * 3 + 4`, where `a` and `b` are Values?

# %%
boxes = ...

# %%
ex.check("count_boxes", boxes)

# %% [markdown]
# **Exercise 2.** Compute `x` to the fourth power with multiplications only, in a graph of only **three** boxes, `x`
# among them.


# %%
def fourth(x):
    """x to the fourth power, in a graph of three boxes."""
    first = ...
    return ...


# %%
ex.check("fourth_power", fourth)

# %% [markdown]
# **Exercise 3. What happens if…** you change `x` after `y` was computed, and then go on from `y`? Write down `z.data`:
#
# ```python
# x = Value(2.0)
# y = x * x
# x.data = 10.0
# z = y + x
# ```

# %%
z_data = ...

# %%
ex.check("changed_later", z_data)

# %% [markdown]
# **Make something.** Turn a formula that you know into Values and draw it: a bill with tax, the area of a circle,
# points in a game. Which of its numbers should be nodes?
#
# ## Where this is in PyTorch
#
# The graph is there, too, made by running; it is only harder to see:
#
# ```python
# x = torch.tensor(5.0, requires_grad=True)
# y = x * 2
# y.grad_fn                   # <MulBackward0 …>: the operation that y remembers
# y.grad_fn.next_functions    # where it came from
# ```
#
# There a plain number is no node either, and a tensor counts as one to be learned only with `requires_grad=True`.
#
# What a node remembers here is [`operands` in value.py](../micrograd_plus/engine/value.py#L111). The list of
# nodes that you printed comes from [`order` in graph.py](../micrograd_plus/engine/graph.py#L304).
#
# **Next:** [03 · The chain rule by hand](03_the_chain_rule_by_hand.ipynb). The numbers flowed from left to right. Now
# the gradients flow back, from right to left.
