# %% [markdown]
# # 03 · The chain rule by hand
#
# *25 minutes · needs lesson 02*
#
# **The idea:** each small operation has a slope that is easy to find. To learn how the result answers to a number far
# back, start at the result, walk backwards, and multiply by one small slope at each arrow.
#
# You will fill in the gradients of two graphs with your own hands, and a check looks at each. After that you can do by
# hand what `backward()` does, as long as each number is used once.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
import math

from micrograd_plus import Value, draw, plots, step_through, trace_backward

# %% [markdown]
# ## Predict, then run
#
# Here is a formula of three operations. The small names are there so that we can talk about each step.
#
# ```python
# e = a * b
# d = e + c
# L = d * f
# ```
#
# Take `a = 2`, `b = 5`, `c = -3`, `f = 4`. **If `a` grows by a little, how many times as much does `L` grow?** Write
# your guess into the next cell before you run it.

# %%
my_guess = 5.0


def formula(a=2.0, b=5.0, c=-3.0, f=4.0):
    return (a * b + c) * f


h = 0.001
nudged = (formula(a=2.0 + h) - formula()) / h
print("my guess:", my_guess, "  by nudging a:", round(nudged, 6))

# %% [markdown]
# It is 20. If you guessed 5, you looked at the first operation only: `e` does grow 5 times as fast as `a`. Then `e`
# goes through `+ c`, which changes nothing about its speed. Then `* f` makes it 4 times as fast: 5 × 1 × 4 = 20.
#
# Think of gears. The first wheel turns the second 5 times as fast, the second turns the third just as fast, and the
# third turns the last 4 times as fast. You multiply.
#
# ## One operation at a time
#
# The factors 5, 1 and 4 are **local slopes**. A local slope says how one operation answers to one of its own inputs,
# and knows nothing of the rest of the graph. For `+` and `*` you can find them by nudging:

# %%
a, b, c, e = 2.0, 5.0, -3.0, 10.0
print("a * b, nudge a:", round(((a + h) * b - a * b) / h, 6))
print("a * b, nudge b:", round((a * (b + h) - a * b) / h, 6))
print("e + c, nudge e:", round(((e + h) + c - (e + c)) / h, 6))
print("e + c, nudge c:", round((e + (c + h) - (e + c)) / h, 6))

# %% [markdown]
# So there are two rules, and you need no others for this graph:
#
# | operation | local slope for the first input | for the second |
# |---|---|---|
# | `x + z` | 1 | 1 |
# | `x * z` | `z`, the other one | `x`, the other one |
#
# Now build the graph from Values. The number on each arrow is its local slope; compare them with what you just
# printed. The gradients are still empty.

# %%
a, b, c, f = Value(2.0), Value(5.0), Value(-3.0), Value(4.0)
e = a * b
d = e + c
L = d * f
draw(L, locals())

# %% [markdown]
# ## Backwards, by hand
#
# The **gradient** of a number says how many times as fast `L` grows when that number grows. We want it for every box.
#
# Start at the end. How fast does `L` grow when `L` grows? Just as fast: `L.grad = 1`. This is where each backward pass
# begins. Then go against the arrows, one by one:
#
# > **Remember:** gradient of an input = **local slope × upstream gradient**.
#
# The **upstream gradient** is the gradient of the operation's result. It is already known, because you come from
# there. (It is called so as if `L` were the spring of a river and the gradients flowed down from it, against the
# arrows.)
#
# The next cell only prepares: its function compares your numbers with the engine's, one line each. (`trace_backward`
# computes the gradients on the side and leaves your Values as they are.)


# %%
def check_gradients(root, by_hand, names):
    """Compare gradients found by hand, {"name": number}, with those of backward()."""
    right = trace_backward(root).replay()
    for name, number in by_hand.items():
        if number is ...:
            verdict = "still open"
        elif abs(number - right[names[name]]) < 0.005:
            verdict = "right"
        else:
            verdict = "not yet. Slope on its arrow × gradient of the box at the arrow's tip."
        print(f"{name}.grad: {verdict}")


# %% [markdown]
# The first two are done for you. `L = d * f`, so the local slope for `d` is `f`, which is 4. Times the upstream
# gradient 1, that is 4.
#
# **Replace the dots one by one, from top to bottom, and run the cell after each.** Look at the picture above, not at
# the formula.

# %%
by_hand = {
    "L": 1.0,
    "d": 4.0 * 1.0,
    "f": ...,
    "e": ...,
    "c": ...,
    "a": ...,
    "b": ...,
}
check_gradients(L, by_hand, locals())

# %% [markdown]
# <details><summary>All seven, with the reason for each</summary>
#
# | | local slope | × upstream | = gradient |
# |---|---|---|---|
# | `L` | | | 1 |
# | `d` | `f` = 4 | `L.grad` = 1 | 4 |
# | `f` | `d` = 7 | `L.grad` = 1 | 7 |
# | `e` | 1 | `d.grad` = 4 | 4 |
# | `c` | 1 | `d.grad` = 4 | 4 |
# | `a` | `b` = 5 | `e.grad` = 4 | 20 |
# | `b` | `a` = 2 | `e.grad` = 4 | 8 |
#
# </details>
#
# What you did has names. Multiplying slopes along a chain of operations is the **chain rule**. Doing it for a whole
# graph, from the result backwards, is the **backward pass**, or **backpropagation**.
#
# ## The machine does the same
#
# Step through it, and say each number before you press. (Use the buttons or the arrow keys. In "Change the numbers" you
# can try others. Where scripts can't run, you see the picture of the end.) Two things in it are new: `∂L/∂d` is how
# books write "the slope of `L` for `d`", and the "seed" is the 1 at the end.

# %%
step_through(L, locals())

# %% [markdown]
# `L.backward()` takes exactly these steps and writes the gradients into the boxes:

# %%
before = [v.data for v in (a, b, c, f)]
L.backward()
after = [v.data for v in (a, b, c, f)]
print("a, b, c, f before:", before)
print("a, b, c, f after: ", after)
print("their gradients:  ", [v.grad for v in (a, b, c, f)])

# %% [markdown]
# Look at the first two lines. **`backward()` changed none of the numbers.** It found out in which direction each of
# them matters, and how much; nothing has been learned yet. Changing the numbers is a move of its own: the *step* of
# lesson 00.
#
# ## Why backwards?
#
# In lesson 01 you counted: nudging computes the whole formula once more for each number. Walking backwards finds all
# gradients in **one** pass, with one multiplication for each arrow. Now you can see why: the gradient of a box serves
# everything behind it. You computed `e.grad` once and used it twice, for `a` and for `b`.
#
# ## Local-slope card: the slope of exp uses the output
#
# Two more operations will be needed often: `exp` and `tanh`. Their rules are short, and many people misread them. The
# books say: *the slope of exp(x) is exp(x)*. A program has two numbers at hand, the input `x` and the output `y =
# exp(x)`. **Which of them is the slope?** Or is it `exp(y)`? Guess, then let the nudging decide.


# %%
def card(function, rules, inputs=(-1.0, 0.0, 0.5, 2.0)):
    """What each rule says of the slope, beside nudging: ✓ where they agree."""
    print("     x        y   nudged |" + "".join(f"{name:>14}  " for name in rules))
    for x in inputs:
        y = function(x)
        nudged = (function(x + 1e-6) - function(x - 1e-6)) / 2e-6
        line = f"{x:6.1f}{y:9.4f}{nudged:9.4f} |"
        for rule in rules.values():
            slope = rule(x, y)
            line += f"{slope:14.4f} " + ("✓" if abs(slope - nudged) < 1e-4 else " ")
        print(line)


exp_rules = {"x": lambda x, y: x, "exp(y)": lambda x, y: math.exp(y), "y": lambda x, y: y}
card(math.exp, exp_rules)

# %% [markdown]
# It is `y`, the **output**. "exp(x)" in the book *is* the output, which has been computed already. So there is nothing
# left to do: the local slope can be read off the box.
#
# `tanh` squeezes any number into the range from -1 to 1. Its rule in the books is *1 - tanh(x)²*. Again `tanh(x)` is
# the output.

# %%
tanh_rules = {
    "1 - x²": lambda x, y: 1 - x * x,
    "1 - tanh(y)²": lambda x, y: 1 - math.tanh(y) ** 2,
    "1 - y²": lambda x, y: 1 - y * y,
}
card(math.tanh, tanh_rules)

# %% [markdown]
# The wrong rules agree at `x = 0` (`tanh(0)` is 0). A test at 0 alone would let them pass! Try several inputs when you
# check a rule.
#
# In a picture: the slope of `exp` lies on the curve itself. The slope of `tanh` is 1 in the middle and fades to 0 at
# both ends.

# %%
ax = plots.activation_functions("exp", "tanh", low=-2.5, high=2.5)
plots.show(
    ax,
    alt="exp rises more and more steeply, and its dashed slope lies on it. "
    "tanh rises from -1 to 1; its dashed slope is a hill of height 1 at x = 0.",
)

# %% [markdown]
# > **Remember:** the slope of `exp` is its output `y`; the slope of `tanh` is `1 - y²`, with its output `y`.
#
# ## A neuron by hand
#
# Here is the neuron of lesson 02 again, with other numbers: each input times its weight, all added up, plus the bias,
# squeezed by `tanh`. (The bias is such an odd number so that the output is 0.6.)

# %%
x1, x2 = Value(3.0), Value(1.0)
w1, w2, bias = Value(0.5), Value(-2.0), Value(1.1931)
p1 = x1 * w1
p2 = x2 * w2
p = p1 + p2
s = p + bias
out = s.tanh()
draw(out, locals())

# %% [markdown]
# Nothing here is new. Start with `out.grad = 1`. For `s`, the local slope is `1 - out²`: with `out = 0.6` that is
# 0.64. The additions hand it on. The multiplications swap. **Fill in the rest**; two digits after the point are
# enough.

# %%
by_hand = {
    "out": 1.0,
    "s": (1 - 0.6**2) * 1.0,
    "bias": ...,
    "p": ...,
    "p1": ...,
    "p2": ...,
    "w1": ...,
    "x1": ...,
    "w2": ...,
    "x2": ...,
}
check_gradients(out, by_hand, locals())

# %% [markdown]
# <details><summary>All ten</summary>
#
# `out` 1, `s` 0.64, and from there the additions hand 0.64 to `bias`, `p`, `p1` and `p2`. Then `w1` = `x1` × 0.64 =
# 1.92, `x1` = `w1` × 0.64 = 0.32, `w2` = `x2` × 0.64 = 0.64, `x2` = `w2` × 0.64 = -1.28.
#
# </details>
#
# You have now done by hand all that backpropagation does to a number that is used **once**. In lesson 04 numbers are
# used twice.
#
# The rules stand in a table in the library, one row an operation:
# [`tanh` in ops.py](../micrograd_plus/engine/ops.py#L65) says `1 - y * y`, and
# [`exp` in ops.py](../micrograd_plus/engine/ops.py#L55) says `y`.
#
# ## Exercises
#
# Replace the dots and run the cell, then the one below it: `ex.check` looks at your answer, and where it isn't right
# yet, it says what may have happened. `ex.hint("minus")` gives a hint, a plainer one each time; `ex.solution("minus")`
# shows the solution, and why.
#
# There are more exercises than the three below: `ex.list(lesson=3)` shows them all, and `ex.task("mul_backward")`
# starts one of them.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** A minus is new. Let `k = (u - v) * t` with `u = 7`, `v = 4`, `t = -2`. What is `v.grad` after
# `k.backward()`? (What does `u - v` do when `v` grows by a little?)

# %%
answer = ...

# %%
ex.check("minus", answer)

# %% [markdown]
# **Exercise 2.** Write the chain rule as a loop: the gradient at the end of a chain of arrows, given the local slope on
# each, from the result backwards.


# %%
def gradient_along(slopes):
    """The gradient at the end of a chain, from the local slopes on its arrows."""
    gradient = 1.0
    for slope in slopes:
        gradient = ...
    return gradient


# %%
ex.check("gradient_along", gradient_along)

# %% [markdown]
# **Exercise 3. What happens if…** the bias of the neuron is 5 in place of 1.1931? Its output is then almost 1. Will
# `w1.grad` be `"larger"` than 1.92, `"about the same"`, or `"nearly 0"`? Decide before you look.

# %%
w1_grad_is = ...

# %%
ex.check("saturated", w1_grad_is)

# %% [markdown]
# **Make something.** Write a formula of your own with three or four operations, draw it, fill in a `by_hand` for it,
# and let `check_gradients` look at it. Use each number once.
#
# ## Where this is in PyTorch
#
# The same three lines, and the same gradients:
#
# ```python
# a, b, c, f = (torch.tensor(x, requires_grad=True) for x in (2.0, 5.0, -3.0, 4.0))
# L = (a * b + c) * f
# L.backward()        # a.grad is tensor(20.), b.grad is tensor(8.)
# ```
#
# There, the gradients of `e` and `d` are thrown away to save memory, unless you ask for them with `e.retain_grad()`.
#
# **Next:** [04 · Two paths add](04_two_paths_add.ipynb). What if a number is used in two places?
