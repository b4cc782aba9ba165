# %% [markdown]
# # Problem set 2 · Backpropagation
#
# *About 90 minutes · 30 points · after lessons 04, 05 and 06*
#
# **Your name:**
#
# Numbers are used more than once, and then gradients meet: they add up, and nobody may pass on a sum before it is
# complete. These two ideas are all of backpropagation. At the end of this problem set you have an engine of your own.
#
# As before: replace the dots, run the `ex.grade` cells as often as you like, ask for a hint with
# `ex.hint("mend_push")`. What is right counts, even if the rest isn't.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
import math

from micrograd_plus import exercises as ex

# %% [markdown]
# ## Task 1. Used three times (3 points)
#
# On paper, without running it: what is `a.grad` after `b = a * a * a` and `b.backward()`, with `a = 4`?

# %%
a_grad = ...
### BEGIN SOLUTION
a_grad = 3 * (4 * 4)  # three paths, and the product along each is 4 * 4
### END SOLUTION

# %%
ex.grade("cube_by_paths", a_grad, points=3)

# %% [markdown]
# ## Task 2. A subtraction that forgets (4 points)
#
# In this tiny engine, `grads` holds the gradients by name, as in `{'a': 0.0, 'b': 0.0}`. For `y = a - b` the function
# below is right. For `y = a - a` it leaves -1 behind (it should be 0), and if `a` is used in two subtractions, the
# first is lost.


# %%
def sub_backward(grads, left, right, upstream):
    """Hand on what y = left - right sends back, to the gradients of these two names."""
    grads[left] = upstream
    grads[right] = -upstream


grads = {"a": 0.0}
sub_backward(grads, "a", "a", 1.0)
print(grads)

# %% [markdown]
# Copy the function into this cell, and mend it there.


# %%
### BEGIN SOLUTION
def sub_backward(grads, left, right, upstream):
    """Hand on what y = left - right sends back, to the gradients of these two names."""
    grads[left] += upstream
    grads[right] -= upstream


### END SOLUTION

# %%
ex.grade("sub_backward", sub_backward, points=4)

# %% [markdown]
# ## Task 3. What a box hands on (5 points)
#
# Each box of a graph has `.inputs`, a local slope for each of them in `.slopes`, and its own gradient in `.grad`. Write
# its `push`: give each input its part. It must be right when an input is used twice, too.


# %%
def push(self):
    """Give each input its part: slope × the own gradient."""
    for x, slope in zip(self.inputs, self.slopes):
        ### BEGIN SOLUTION
        x.grad += slope * self.grad
        ### END SOLUTION


# %%
ex.grade("mend_push", push, points=5)

# %% [markdown]
# ## Task 4. Who pushes when (4 points)
#
# In which order must the boxes of this graph push? Make a drawing on paper, if it helps.
#
#     p = a * 3
#     q = p + a
#     r = q * p
#     y = q * r

# %%
kite_order = ["y", ..., ..., ...]
### BEGIN SOLUTION
kite_order = ["y", "r", "q", "p"]
### END SOLUTION

# %%
ex.grade("kite_order", kite_order, points=4)

# %% [markdown]
# ## Task 5. An engine of your own (10 points)
#
# Write `MyValue`, a number that remembers how it was made and can find its gradients. From outside it has `.data`,
# `.grad` and `.backward()`; how it works inside is up to you. Begin small: `+` alone earns something, and each step
# that is right earns more.
#
# - `+` and `*`, also with a number that is used twice, and then with plain numbers on either side: `a + 2`, `2 * a`
# - `-`, `-a`, `a ** 3`, `/`, `2 - a`, `2 / a`
# - `.tanh()`, `.exp()`, `.log()`
# - chains of 20,000 operations, which are too deep for a function that calls itself
# - `backward()` a second time: it adds to the gradients of what was given; what was computed starts from 0 in each call
# - `.relu()`
#
# `ex.check_engine(MyValue)` looks at it in this order and draws the smallest graph that goes wrong.


# %%
class MyValue:
    """A number that remembers how it was made."""

    def __init__(self, data, inputs=(), slopes=()):
        self.data, self.grad = float(data), 0.0
        self.inputs, self.slopes = inputs, slopes  # what it was made from, and a local slope for each

    ### BEGIN SOLUTION
    def __add__(self, other):
        other = as_my_value(other)
        return MyValue(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = as_my_value(other)
        return MyValue(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n):
        return MyValue(self.data**n, (self,), (n * self.data ** (n - 1),))

    # All others are made of these three.
    __radd__, __rmul__ = __add__, __mul__
    __neg__ = lambda self: self * -1
    __sub__ = lambda self, other: self + -as_my_value(other)
    __rsub__ = lambda self, other: as_my_value(other) - self
    __truediv__ = lambda self, other: self * as_my_value(other) ** -1
    __rtruediv__ = lambda self, other: as_my_value(other) / self

    def tanh(self):
        y = math.tanh(self.data)
        return MyValue(y, (self,), (1 - y * y,))

    def exp(self):
        y = math.exp(self.data)
        return MyValue(y, (self,), (y,))

    def log(self):
        return MyValue(math.log(self.data), (self,), (1 / self.data,))

    def relu(self):
        return MyValue(max(self.data, 0.0), (self,), (1.0 if self.data > 0 else 0.0,))

    def backward(self):
        boxes = users_first(self)
        for box in boxes:
            if box.inputs:  # what was computed starts afresh; what was given adds up
                box.grad = 0.0
        self.grad += 1.0
        for box in boxes:
            for x, slope in zip(box.inputs, box.slopes):
                x.grad += slope * box.grad


def as_my_value(x):
    return x if isinstance(x, MyValue) else MyValue(x)


def users_first(root):
    """All boxes that root was made from, each after all that use it; without recursion."""
    seen, inputs_first, to_do = set(), [], [(root, False)]
    while to_do:
        box, inputs_are_done = to_do.pop()
        if inputs_are_done:
            inputs_first.append(box)
        elif box not in seen:
            seen.add(box)
            to_do.append((box, True))
            to_do += [(x, False) for x in box.inputs]
    return inputs_first[::-1]


### END SOLUTION

# %%
ex.check_engine(MyValue)

# %%
ex.grade("engine", MyValue, points=10)

# %% [markdown]
# ## Task 6. In your own words (4 points)
#
# Why must gradients be *added* where a number is used twice, and why must a box wait for all that use it before it
# pushes? Explain it to somebody who has seen lesson 03 but not lessons 04 and 05. Four to six sentences; a drawing on
# paper counts too. (A person reads this one.)

# %% [markdown] answer="why_add_and_wait" points=4
# ### BEGIN SOLUTION
# If `a` is used twice, a nudge of `a` reaches the result on two ways at once, and what the two ways do to the result
# adds up. So the gradient of `a` is the sum over all its paths; keeping only the last one forgets a way.
#
# A box hands on its gradient times a slope. If it does so before all of its users have pushed to it, it hands on a sum
# that isn't complete, and whatever comes later never reaches the boxes behind it (or is counted twice, if it pushes
# once more). Therefore: users first.
#
# *(Two points for the two ways that add up, two for the incomplete sum.)*
# ### END SOLUTION
