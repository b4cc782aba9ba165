# %% [markdown]
# # 01 · A slope by nudging
#
# *20 minutes · needs lesson 00*
#
# **The idea:** to find out how a result depends on a number, change the number a little and see how much the result
# changes. Divide the one by the other: that is the slope.
#
# You will find slopes by nudging, in three ways, and check the library's `backward()` with them. On the way you will
# meet a surprise: making the nudge smaller and smaller does *not* make the answer better and better.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
import numpy as np
from matplotlib import pyplot as plt
from micrograd_plus import Value, plots

# %% [markdown]
# ## Predict, then nudge
#
# Take the formula `x²` at `x = 3`, where it gives 9. Now make `x` larger by a tiny 0.001. **By about how much does the
# result grow?** Write your guess before you run the cell.

# %%
my_guess = 0.001


def f(x):
    return x**2


h = 0.001
change_in = h
change_out = f(3 + h) - f(3)
print("my guess:", my_guess, "  the result grows by", round(change_out, 6))
print("change out / change in =", round(change_out / change_in, 6))

# %% [markdown]
# The result grows by about *six times* the nudge. This number, change out for change in, is the **slope** of `f` at 3.
# Its other name is **derivative**. The small change is often called `h`.
#
# Why is it 6.001 and not 6? Try nudges of several sizes:

# %%
for h in (1, 0.1, 0.01, 0.001, 0.0001):
    print(f"h = {h:<7} slope about {(f(3 + h) - f(3)) / h:.4f}")

# %% [markdown]
# The smaller the nudge, the closer it comes to 6. The slope *at* 3 is the number that these answers approach.
#
# ## Why it works: zoom in
#
# A curve that you look at from very near is almost a straight line. The dashed line below has the slope 6. From left to
# right, we zoom in on the point at 3.

# %%
_, axes = plt.subplots(1, 3, figsize=(8, 2.7), layout="constrained")
for ax, width in zip(axes, (3, 0.5, 0.05)):
    x = np.linspace(3 - width, 3 + width, 101)
    ax.plot(x, f(x), label="x²")
    ax.plot(x, 9 + 6 * (x - 3), "--", label="slope 6")
    ax.plot(3, 9, "ko")
    ax.set(title=f"3 ± {width}", xticks=[3 - width, 3, 3 + width])
axes[0].legend()
plots.show(
    axes[0],
    alt="Left: the curve x² bends away from a straight line of slope 6. Zoomed in twice, "
    "curve and line can't be told apart.",
)

# %% [markdown]
# That is what makes slopes useful: near the point, **the line predicts the curve**. With the slope in hand, you know
# what a small nudge will do before you do it.
#
# **Predict:** the slope at 3 is 6, and `f(3)` is 9. About how much is `f(2.98)`? Careful: this nudge goes down.

# %%
my_guess = 9.12

the_line = 9 + 6 * (-0.02)
print("my guess:", my_guess, "  the line says:", the_line, "  exactly:", round(f(2.98), 6))

# %% [markdown]
# The **sign** of a slope tells the direction: where it is positive, more gives more; where it is negative, more gives
# less. Its **size** tells how strongly. The whole curve of `x²` is a valley with its bottom at `x = 0`. There the slope
# is 0: a tiny nudge changes (almost) nothing.

# %%
for x in (-3, -1, 0, 1, 3):
    print(f"at x = {x:2}: slope about {(f(x + 0.0001) - f(x)) / 0.0001:+.3f}")

# %% [markdown]
# > **Remember:** a derivative is change out for change in, for a small change.
#
# ## Several inputs: nudge one at a time
#
# Most formulas have more than one input. Then each input has a slope of its own: nudge that one, and hold the others
# still. All slopes together are called the **gradient** of the formula. The slope for one input is often called the
# gradient of that input, as in lesson 00.
#
# **Predict:** in `a * b + c` at `a = 2`, `b = -3`, `c = 10`: what is the slope for `a`? For `b`? For `c`?

# %%
my_guesses = {"a": 1, "b": 1, "c": 1}


def g(a, b, c):
    return a * b + c


h = 0.001
start = g(2, -3, 10)
print("a:", round((g(2 + h, -3, 10) - start) / h, 6))
print("b:", round((g(2, -3 + h, 10) - start) / h, 6))
print("c:", round((g(2, -3, 10 + h) - start) / h, 6))
print("my guesses:", my_guesses)

# %% [markdown]
# Each unit of `a` is worth `b`, so its slope is -3: more `a`, less result. Each unit of `b` is worth `a`, which is 2.
# And `c` goes straight into the result, one for one.
#
# Now ask the **engine**: that is the part of the library that finds gradients. A `Value` is a number that remembers how
# it was made, and `backward()` fills in all slopes at once:

# %%
a, b, c = Value(2.0), Value(-3.0), Value(10.0)
g(a, b, c).backward()
print("a:", a.grad, "  b:", b.grad, "  c:", c.grad)

# %% [markdown]
# The same three numbers. Whatever you see in a `.grad` from now on, this is what it means: *nudge me, and the result
# changes this many times as much*.
#
# ### Then why not always nudge?
#
# Because each input needs a nudge of its own, and each nudge computes the whole formula again. Count it for the network
# of lesson 00:

# %%
weights = 4810
print("by nudging: the formula is computed", weights + 1, "times for one step of training")
print("backward(): once forward and once back, for all", weights, "weights together")

# %% [markdown]
# So nudging is too slow to train with. But it needs no rules and no cleverness, and that makes it the perfect
# **judge**: if `backward()` and nudging agree, believe them.
#
# ## Is a smaller nudge always better?
#
# So far, smaller was better. **Predict:** what does nudging give for `x²` at 3 with `h = 1e-17`, that is
# 0.00000000000000001?

# %%
my_guess = 6.0

for h in (1e-2, 1e-5, 1e-8, 1e-11, 1e-14, 1e-15, 1e-17):
    print(f"h = {h:.0e}   slope about {(f(3 + h) - f(3)) / h:.10f}")
print("my guess for the last one:", my_guess)

# %% [markdown]
# First it gets better, then it gets *worse*, and at last it is 0. The reason is in one line:

# %%
print("3 + 1e-17 == 3:", 3 + 1e-17 == 3)

# %% [markdown]
# Python keeps about 16 digits of a number. The nudge comes in the 18th place, and is lost: this is **rounding**.
# Nothing went in, so nothing comes out. With `h = 1e-14` only a digit or two of the nudge survive, and so the slope has
# no more right digits than that.
#
# There are two errors, and they pull in opposite directions:
#
# - `h` too **large**: the curve bends on the way.
# - `h` too **small**: rounding eats the digits.
#
# ## Three ways to nudge
#
# **One-sided:** what we did so far, `(f(x + h) - f(x)) / h`.
#
# **Central:** nudge to both sides, `(f(x + h) - f(x - h)) / (2 * h)`. If the curve bends upwards, one side says too
# much and the other too little, and the two errors cancel almost wholly. Compare them on `x³` at 2, where the slope is
# 12:


# %%
def cube(x):
    return x**3


for h in (0.1, 0.01, 0.001):
    one_sided = (cube(2 + h) - cube(2)) / h
    central = (cube(2 + h) - cube(2 - h)) / (2 * h)
    print(f"h = {h:<6} error one-sided {one_sided - 12:.6f}   central {central - 12:.6f}")

# %% [markdown]
# Read down the columns: with a tenth of the nudge, the one-sided error is a tenth; the central error is a *hundredth*.
#
# **Complex step:** the strangest and the best. Python knows **complex numbers**: numbers with a second part, marked
# with `j`. Nudge into that second part! The first part stays 2, so the nudge has digits of its own, and there is
# nothing to subtract:

# %%
h = 1e-20
nudged = cube(2 + h * 1j)
print("result:", nudged)
print("second part / h =", nudged.imag / h)

# %% [markdown]
# Exactly 12, with a nudge of 0.00000000000000000001. No digits were lost, since the small number never met a large one.
# (It works only for formulas that make sense with complex numbers. Python's `max` and `abs`, for example, don't.)
#
# Now all three in one picture, for `exp(x)` at `x = 1`. (`exp(x)` is the number 2.718… to the power of `x`, a curve
# that rises more and more steeply. `lambda x: x.exp()` is a short way to write a function of `x`.) **Predict:** which
# shape has the error, from the largest `h` at the right to the smallest at the left?

# %%
ax = plots.plot_gradcheck(lambda x: x.exp(), 1.0)
plots.show(
    ax,
    alt="The errors of one-sided and central differences form a V each: they fall with h, "
    "then rise again below about 1e-8 and 1e-5. The complex step falls and stays at the bottom.",
)

# %% [markdown]
# Both axes count in powers of ten. Read it from the right: the errors fall as `h` shrinks, as you would hope. Then
# rounding takes over, and they climb again: a **V** (often called *U-shaped*). The best one-sided `h` is near `1e-8`,
# the best central one near
# `1e-5`, and the central error is far smaller there. The complex step has no left branch: it goes
# down beside the central difference, and then it is right to the last digit. (An error of 0 is drawn at the bottom.)
#
# > **Remember:** a nudge can be too large *and* too small. A central difference with a middling `h` is a good judge.
#
# That is what the library does when it checks itself. You give it a formula and the numbers:

# %%
print(mg.gradcheck(g, 2.0, -3.0, 10.0))

# %% [markdown]
# "Analytic" is what `backward()` says, "numeric" is a central difference, and the complex step is there, too. The
# *relative* error is the difference between the first two, compared with the size of the number.
#
# ## Does every formula have a slope everywhere?
#
# Most have, but not all. `abs(x)`, the distance from 0, has a sharp corner at 0. Nudge it there to the right and to the
# left:

# %%
h = 0.001
print("to the right:", (abs(0 + h) - abs(0)) / h)
print("to the left: ", (abs(0 - h) - abs(0)) / -h)

corner = Value(0.0)
abs(corner).backward()
print("the engine: ", corner.grad)

# %% [markdown]
# However small the nudge, the two sides never agree: there is **no** slope at a corner. The engine must write down some
# number, and takes one between the two, as PyTorch does. That is a choice, not a fact. In practice it seldom matters:
# numbers rarely land on a corner exactly.
#
# ## Exercises
#
# Replace the dots and run the cell, then the one below it: `ex.check` looks at your answer, and where it isn't right
# yet, it says what may have happened. `ex.hint("central_difference")` gives a hint, a plainer one each time;
# `ex.solution("central_difference")` shows the solution, and why.
#
# There are more exercises than the three below: `ex.list(lesson=1)` shows them all, and `ex.task("choose_h")` starts
# one of them.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** Write `slope(f, x, h)`: the central difference of any formula `f` at `x`.


# %%
def slope(f, x, h=1e-5):
    """The slope of f at x, by nudging to both sides."""
    return ...


# %%
ex.check("central_difference", slope)

# %% [markdown]
# **Exercise 2.** A formula gives 50 at `x = 10`, and its slope there is -4. About how much does it give at `x = 10.5`?
# Take what the line says.

# %%
about = ...

# %%
ex.check("the_line_predicts", about)

# %% [markdown]
# **Exercise 3. What happens if…** you nudge `5 * x` with `h = 1e-17`, one-sided, at `x = 0`? Write down the slope that
# you get. (For `x²` at 3, this nudge gave 0.) Decide first; then try it.

# %%
slope_at_zero = ...

# %%
ex.check("nudge_at_zero", slope_at_zero)

# %% [markdown]
# **Make something.** Call `plots.plot_gradcheck` with a formula of your own. Where is its best `h`?
#
# ## Where this is in PyTorch
#
# The same check has the same name. It wants numbers with 16 digits, which PyTorch calls `float64`:
#
# ```python
# a = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
# b = torch.tensor(-3.0, dtype=torch.float64, requires_grad=True)
# torch.autograd.gradcheck(lambda a, b: a * b + 10, (a, b))      # True
# ```
#
# The check here is [`gradcheck` in gradcheck.py](../micrograd_plus/explain/gradcheck.py#L22). The numbers of
# the picture come from
# [`error_over_h` in error_over_h.py](../micrograd_plus/explain/checking/error_over_h.py#L30).
#
# **Next:** [02 · Expressions are graphs](02_expressions_are_graphs.ipynb). `backward()` found three slopes without a
# nudge. For that, a `Value` must remember how it was made. What does it remember?
