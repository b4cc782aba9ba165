# %% [markdown]
# # Problem set 1 · Slopes and graphs
#
# *About 40 minutes · 23 points · after lessons 01, 02 and 03*
#
# **Your name:**
#
# A slope says how a result changes when you nudge a number. A graph shows which numbers a result was made from. In this
# problem set you find slopes in three ways: by nudging, by reading a graph, and by the chain rule.
#
# How to work:
#
# - Run the cells from top to bottom. Where you find dots, `...`, put something of your own in their place.
# - Below each task there is a cell with `ex.grade`. Run it as often as you like: it shows your points, and what to look
#   at next if something isn't right yet. Leave these cells as they are.
# - `ex.hint("central_difference")` gives a hint; so it does for each of the names in the `ex.grade` cells. Hints cost
#   nothing.
# - A part of a task that is right counts, even if the rest isn't.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
from micrograd_plus import Value
from micrograd_plus import exercises as ex

# %% [markdown]
# ## Task 1. A slope by nudging (5 points)
#
# Write the **central difference**: nudge `x` by `h` to both sides, see by how much `f` changes, and divide by how far
# the two nudged points are apart. `f` is any function of one number.


# %%
def slope(f, x, h=1e-5):
    """The slope of f at x, by nudging to both sides."""
    ### BEGIN SOLUTION
    return (f(x + h) - f(x - h)) / (2 * h)
    ### END SOLUTION
    return ...


# %%
ex.grade("central_difference", slope, points=5)

# %% [markdown]
# ## Task 2. What a slope is good for (2 points)
#
# A formula gives 50 at `x = 10`, and its slope there is -4. About how much does it give at `x = 10.5`? Take what the
# line says.

# %%
about = ...
### BEGIN SOLUTION
about = 50 + (-4) * 0.5
### END SOLUTION

# %%
ex.grade("the_line_predicts", about, points=2)

# %% [markdown]
# ## Task 3. Find the bug (4 points)
#
# The slope of `x²` at 3 is 6. A friend's function says 12:


# %%
def central(f, x, h=1e-5):
    """The slope of f at x, by nudging to both sides."""
    up = f(x + h)
    down = f(x - h)
    return (up - down) / h


print(round(central(lambda x: x**2, 3.0), 3))

# %% [markdown]
# Copy the function into this cell, and mend it there.


# %%
### BEGIN SOLUTION
def central(f, x, h=1e-5):
    """The slope of f at x, by nudging to both sides."""
    up = f(x + h)
    down = f(x - h)
    return (up - down) / (2 * h)


### END SOLUTION

# %%
ex.grade("twice_too_steep", central, points=4)

# %% [markdown]
# ## Task 4. A small graph (4 points)
#
# Compute `x` to the fourth power with multiplications only, in a graph of only **three** boxes, `x` among them. The
# second cell draws what you have made.


# %%
def fourth(x):
    """x to the fourth power, in a graph of three boxes."""
    ### BEGIN SOLUTION
    first = x * x
    return first * first
    ### END SOLUTION
    return ...


# %%
x = Value(3.0, label="x")
y = fourth(x)
mg.draw(y, locals()) if isinstance(y, Value) else print("Nothing to draw yet.")

# %%
ex.grade("fourth_power", fourth, points=4)

# %% [markdown]
# ## Task 5. The chain rule at a product (5 points)
#
# Let `y = a * b`, and let `upstream` be the gradient of `y`: how much the final result changes when `y` does. Return
# the gradients of `a` and of `b`, in this order.


# %%
def mul_backward(a, b, upstream):
    """The gradients of a and b, when y = a * b has the gradient upstream."""
    ### BEGIN SOLUTION
    return b * upstream, a * upstream
    ### END SOLUTION
    return ...


# %%
ex.grade("mul_backward", mul_backward, points=5)

# %% [markdown]
# ## Task 6. In your own words (3 points)
#
# In task 5 you multiplied by `upstream`. A classmate left it out, and the gradients came out right all the same, for
# `y = a * b` alone. When does it go wrong, and why? Two or three sentences, with a small example if you like. (A person
# reads this one.)

# %% [markdown] answer="why_upstream" points=3
# ### BEGIN SOLUTION
# If `y` is itself the result, its gradient is 1, and multiplying by 1 changes nothing. As soon as something comes after
# `y`, as in `z = 5 * y`, nudging `a` by a little moves `y` by `b` times as much, and `z` five times as much again: the
# gradient of `a` is `b * 5`. Without `upstream` that factor of 5 is lost.
#
# *(One point for "it is right when the upstream gradient is 1"; one for "it goes wrong when y is used further"; one for
# the reason: slopes along a path are multiplied.)*
# ### END SOLUTION
