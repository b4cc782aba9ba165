# %% [markdown]
# # 04 · Two paths add
#
# *20 minutes · needs lesson 03*
#
# **The idea:** when a number is used in two places, it reaches the result on two paths. Its gradient is the sum of what
# comes back along each.
#
# You will predict a gradient that surprises many people, find a famous bug in a tiny engine, and see why `zero_grad`
# exists.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
from micrograd_plus import Value, draw, paths, step_through, trace_backward

# %% [markdown]
# ## Predict, then run
#
# Here is the smallest graph in which something is used twice.
#
# ```python
# a = Value(3.0)
# b = a + a
# b.backward()
# ```
#
# In lesson 03 you saw that an addition hands the gradient on unchanged: its local slope is 1 for each input. **So what
# is
# `a.grad`?** Write your guess into the next cell before you run it.

# %%
my_guess = 1.0

a = Value(3.0, label="a")
b = a + a
b.label = "b"
b.backward()
print("my guess:", my_guess, "  a.grad:", a.grad)

# %% [markdown]
# It is 2. That is no trick of the program: `b` is `2*a`, so if `a` grows by a little, `b` grows by twice as much. Nudge
# it and see:

# %%
h = 0.001
change_of_b = ((3.0 + h) + (3.0 + h)) - (3.0 + 3.0)
print("change of b / change of a:", round(change_of_b / h, 6))

# %% [markdown]
# ## Look at it
#
# Two arrows run from `a` to `b`, because `a` was used twice. Each has the local slope 1.

# %%
draw(b)

# %% [markdown]
# Now step through the backward pass. Watch the box of `a`: it receives a gradient **twice**, and the second one is
# *added*.

# %%
step_through(b)

# %% [markdown]
# The same as a table, one line an arrow. Read the columns "before" and "after": what `a` had already, and the sum.

# %%
trace_backward(b)

# %% [markdown]
# A **path** is one way along the arrows from a number to the result. Here there are two, one over each arrow.
#
# > **Remember:** a gradient comes back along every path. Paths that meet again **add**.
#
# This is the chain rule for more than one path; mathematicians call it the *total derivative*. Some people think that
# the chain rule is a single product. It is a **sum of products**: one product for each path.

# %% [markdown]
# ## The path ledger
#
# Take a graph where the paths are different. (Setting `label` gives a node its name in the pictures.)

# %%
x = Value(2.0, label="x")
u = x * 3
u.label = "u"
v = x * x
v.label = "v"
y = u * v
y.label = "y"
y.backward()
draw(y)

# %% [markdown]
# Before you run the next cell: how many paths lead from `x` to `y`? (Careful: `v = x * x` uses `x` twice.)

# %%
paths(y, x)

# %% [markdown]
# Three paths, three products, and their sum is the gradient. Does nudging agree? In one line, `y` is `(x * 3) * (x *
# x)`:


# %%
def formula(x):
    return (x * 3) * (x * x)


print("by nudging:", round((formula(2 + h) - formula(2 - h)) / (2 * h), 3))

# %% [markdown]
# It does. And the last line of the ledger says something important. Following each path by itself costs many
# multiplications; walking backwards node by node needs one for each arrow (each *edge*), however many paths there are.
# In a chain of twenty doublings there are a million paths, and still only forty arrows:

# %%
z = x
for _ in range(20):
    z = z + z
z.label = "z"
print(str(paths(z, x, most=3)).replace(". ", ".\n"))

# %% [markdown]
# ## The famous bug: `=` in place of `+=`
#
# Here is a tiny engine with one mistake in it. Many people make it when they write their own. The backward pass of a
# single node is called `push` here: the node gives each of its inputs *slope × its own gradient*. **Can you see what is
# wrong?**


# %%
class Buggy:
    """A number that can be added and multiplied. Something is wrong in its backward pass."""

    def __init__(self, data, inputs=(), slopes=()):
        self.data, self.grad = data, 0.0
        self.inputs, self.slopes = inputs, slopes

    def __add__(self, other):
        return Buggy(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return Buggy(self.data * other.data, (self, other), (other.data, self.data))

    def push(self):
        for x, slope in zip(self.inputs, self.slopes):
            x.grad = slope * self.grad


# %% [markdown]
# Try it on a product of two numbers, and then on the sum of a number with itself. **Predict** the three gradients.

# %%
p, q = Buggy(2.0), Buggy(5.0)
product = p * q
product.grad = 1.0
product.push()
print("p * q:   p.grad =", p.grad, "  q.grad =", q.grad)

p = Buggy(3.0)
total = p + p
total.grad = 1.0
total.push()
print("p + p:   p.grad =", p.grad)

# %% [markdown]
# The product is right. In the sum, `p.grad` should be 2, but the second gradient *overwrote* the first. As long as
# every number is used once, nothing goes wrong, and so the bug stays hidden. In the engine that you are using, the
# line says `+=`: see [`push` in value.py](../micrograd_plus/engine/value.py#L1).
#
# ## Then why must gradients be cleared?
#
# If gradients add up, they also add up from one `backward()` to the next:

# %%
a = Value(3.0, label="a")
b = a + a
for call in (1, 2, 3):
    b.backward()
    print(f"after backward() number {call}: a.grad = {a.grad}, b.grad = {b.grad}")

# %% [markdown]
# `a` is a leaf, and leaves keep adding: 2, 4, 6. `b` was computed, and computed nodes start afresh in each pass, so
# `b.grad` is 1 every time.
#
# In training you build a new graph at each step. The computed nodes are new each time; only the weights stay, and they
# are leaves. So it is the *weights* whose gradients must be cleared: that is what `zero_grad()` does. Here is a tiny
# network (lesson 07 says what is in it). Nothing is changed between the steps, so its gradient should stay the same:

# %%
model = mg.nn.MLP(2, [2, 1], seed=0)
weight = model.parameters()[0]
for step in (1, 2):
    loss = (model([1.0, 2.0]) - 1.0) ** 2
    loss.backward()
    print(f"forgot zero_grad, step {step}: gradient of the first weight {weight.grad:.4f}")
model.zero_grad()
loss = (model([1.0, 2.0]) - 1.0) ** 2
loss.backward()
print(f"after zero_grad:              gradient of the first weight {weight.grad:.4f}")

# %% [markdown]
# Without clearing, the second gradient is twice what it should be: the first one is still in it. The step after it
# would follow old gradients together with the new one.
#
# > **Remember:** `backward()` *adds* to the gradients of the leaves. Clear them before the next step.
#
# ## It isn't a bug: it is useful
#
# Suppose that your data don't fit in memory at once. Do them in parts, call `backward()` after each, and step once at
# the end. The loss below is a sum over the data. Since gradients add up, too, you get the gradient of the whole.

# %%
w = Value(0.5, label="w")
data = [(1.0, 2.0), (2.0, 3.0), (3.0, 5.0), (4.0, 6.0)]

whole = sum((w * x - y) ** 2 for x, y in data)
whole.backward()
at_once = w.grad

w.zero_grad()
for part in (data[:2], data[2:]):
    sum((w * x - y) ** 2 for x, y in part).backward()
print("all at once:", at_once, "  in two parts:", w.grad)

# %% [markdown]
# ## Exercises
#
# Replace the dots and run the cell, then the one below it: `ex.check` looks at your answer, and where it isn't right
# yet, it says what may have happened. `ex.hint("cube_by_paths")` gives a hint, a plainer one each time;
# `ex.solution("cube_by_paths")` shows the solution, and why.
#
# There are more exercises than the three below: `ex.list(lesson=4)` shows them all, and `ex.task("sub_backward")`
# starts one of them.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** Without running it: what is `a.grad` after `b = a * a * a`, `b.backward()` with `a = 4`?

# %%
a_grad = ...

# %%
ex.check("cube_by_paths", a_grad)

# %% [markdown]
# **Exercise 2.** Mend the engine: write a `push` that is right when an input is used twice.


# %%
def push(self):
    """Give each input its part: slope × the own gradient."""
    for x, slope in zip(self.inputs, self.slopes):
        ...


# %%
ex.check("mend_push", push)

# %% [markdown]
# **Exercise 3. What happens if…** you call `backward()` on `b = a + a + a` twice, with `a.zero_grad()` in between, and
# then a third time without it? Write down `a.grad` at the end.

# %%
a_grad_at_the_end = ...

# %%
ex.check("three_calls", a_grad_at_the_end)

# %% [markdown]
# **Make something.** Build a formula in which `x` reaches `y` on exactly five paths, with as few operations as you can.
# `paths(y, x)` counts them.
#
# <details><summary>One way with five paths</summary>
#
# `s = x * x`, then `y = s * s + x`. That is three operations.
#
# </details>
#
# ## Where this is in PyTorch
#
# The same three lines, and the same answer:
#
# ```python
# a = torch.tensor(3.0, requires_grad=True)
# b = a + a
# b.backward()        # a.grad is tensor(2.)
# ```
#
# There, too, `.grad` adds up over calls, and `optimizer.zero_grad()` clears it. (PyTorch forgets after one `backward()`
# what the graph had stored, to save memory. If you mean to call it again, say `retain_graph=True` the first time.)
#
# **Next:** [05 · Why the order matters](05_why_the_order_matters.ipynb). If gradients arrive on several paths, when may
# a node pass its own on?
