# %% [markdown]
# # 15 · How engines get fast
#
# *25 minutes · needs lessons 07 and 11*
#
# **The idea:** every training step does the same operations, only on other numbers. So write them down once. From then
# on, run what is written, not the Python that wrote it.
#
# You will find out where the time of a training step goes, and read the list that a compiled function keeps. Then you
# train a network of single numbers hundreds of times as fast, without changing a line of its loss.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
import random
import time
import warnings
from textwrap import fill

import numpy as np
from matplotlib import pyplot as plt
from micrograd_plus import Value, draw, plots
from micrograd_plus.engine.graph import order

# %% [markdown]
# ## Predict, then run
#
# Here is the program that this lesson is about: two moons, a network of single numbers as in lesson 07, and the hinge
# loss of lesson 08 with a small penalty on the weights. Each point goes through the network by itself.

# %%
points, classes = mg.data.make_moons(100, noise=0.1, seed=0)
X, y = points.tolist(), [2 * int(c) - 1 for c in classes]  # the labels are -1 and 1
model = mg.nn.MLP(2, [16, 16, 1], seed=0)


def loss(X, y):
    """The mean hinge loss of all points, and a little for large weights."""
    scores = [model(x) for x in X]
    hinges = [(1 - label * score).relu() for label, score in zip(y, scores)]
    return sum(hinges) / len(X) + 1e-4 * sum(p * p for p in model.parameters())


# %% [markdown]
# A training step runs it forward and backward. **How much of that time is arithmetic**, that is, multiplying and
# adding? Write down a share between 0 and 1. First we count the operations:

# %%
my_guess = 0.5

counts = {}
for node in order(loss(X, y)):
    name = node.op.name if node.op else "(leaf)"
    counts[name] = counts.get(name, 0) + 1
for name, n in counts.items():
    print(f"{name:8} {n:6,}")
print(f"together {sum(counts.values()):6,}")

# %% [markdown]
# Some 38,000 results on the way forward, and about twice as many multiplications and additions on the way back: call
# it a hundred thousand. A processor does about a thousand million of them a second. So the arithmetic is worth a
# tenth of a *thousandth* of a second. The step takes many hundred times as long!
#
# ## "Python is slow at arithmetic": is it?
#
# Here are 30,000 products, made in three ways: as Values, as plain numbers of Python, and in arrays of NumPy. `seconds`
# takes the best of several runs. (Times differ from computer to computer, so only comparisons are printed.)


# %%
def seconds(f, runs=5):
    """The shortest time that f took."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        f()
        times.append(time.perf_counter() - start)
    return min(times)


rng = random.Random(0)
left, right = [[rng.uniform(-1, 1) for _ in range(30_000)] for _ in range(2)]
lefts, rights = [Value(n) for n in left], [Value(n) for n in right]
array_left, array_right = np.array(left), np.array(right)
values = seconds(lambda: [p * q for p, q in zip(lefts, rights)])
numbers = seconds(lambda: [p * q for p, q in zip(left, right)])
arrays = seconds(lambda: array_left * array_right, runs=20)
print("Values take more than 5 times as long as numbers:   ", values > 5 * numbers)
print("numbers take more than 5 times as long as arrays:   ", numbers > 5 * arrays)
print("my guess:", my_guess, "  the share is below 0.01:", arrays < 0.01 * values)

# %% [markdown]
# The 30,000 multiplications are the same each time. In an array there is little else. With plain numbers, Python makes
# an *object* for each product: it finds memory, looks at the types, and finds out what `*` means for them. With Values
# there is more: a method is called, and inputs and slopes are kept. Such work around the real work is called
# **overhead**.
#
# > **Remember:** it isn't arithmetic that is slow in Python. It is making an *object* for every single number.
#
# Lesson 11 had one way out: write the model with tensors, so that few objects hold many numbers. Now the other way:
# your program stays as it is, and the engine finds the arrays in it.
#
# ## What is a tape?
#
# Take a neuron with one input. Here is its graph:

# %%
w, b = Value(0.5, label="w"), Value(-1.0, label="b")


def answer(x):
    """A neuron with one input."""
    print("Python runs the lines of `answer`")
    return (w * x + b).tanh()


small = answer(3.0)
small.label = "small"
draw(small)

# %% [markdown]
# Three operations. All that forward and backward do for this graph can be written as a plain program: no graph, no
# objects, one line after the other. That is called a **straight-line program**. `to_python` writes it for you:

# %%
mg.to_python(small)

# %% [markdown]
# Read its second half from the top: it is lesson 03, in the order of lesson 05.
#
# The engine keeps the same thing in a shorter form, a **tape**: the list of operations in the order in which they were
# done. To **compile** a function means here: run it once while somebody writes along, and keep the tape. `mg.compile`
# gives you a function that is called as before. **How many times will Python run the lines of `answer` in five calls?**

# %%
my_guess = 5

fast_answer = mg.compile(answer, backend="numpy")
for x in (1.0, 2.0, 3.0, 4.0, 5.0):
    print(f"x = {x}: {fast_answer(x).data:.6f}")
print("my guess:", my_guess, "  now:", fast_answer)

# %% [markdown]
# Twice. The first call **records** the tape. The second records it again, to see whether the same comes out. Then the
# tape is trusted, and each later call **replays** it on its own numbers. (`backend` says what replays it: "numpy" is
# always there. With `pip install "micrograd_plus[fast]"` there is "numba", which is faster still.)
#
# Here is the tape. Every number has a place, called a *slot*: `s0` and `s1` hold `w` and `b`, `s2` is the `x` that is
# given, and each line fills the next slot. Below it is what is kept in memory: two rows of whole numbers.

# %%
tape = fast_answer.tapes[0]
print(tape)
print("which operation:", tape.op.tolist(), " of ", [row.name for row in tape.rows])
print("its operands:   ", tape.operands.tolist())

# %% [markdown]
# No object for each number is left. All the objects were needed once, to write this down. In the library it is
# [`Tape` in tape.py](../micrograd_plus/tape/tape.py#L), and who writes along is
# [`Recorder` in recorder.py](../micrograd_plus/tape/recorder.py#L).
#
# > **Remember:** record once, replay often. The tape holds *what is done*, not the numbers that it was done with.
#
# ## "The speed comes from skipping the gradient": does it?
#
# Let us change a weight, and compare the gradients: from the graph, from the tape, and by nudging as in lesson 01.

# %%
w.data, b.data = -0.3, 0.8
for how, f in (("graph", answer), ("tape", fast_answer)):
    w.zero_grad()
    f(2.0).backward()
    print(f"{how:7}  w.grad = {w.grad:.8f}")
h = 1e-5
up, down = [np.tanh((w.data + nudge) * 2.0 + b.data) for nudge in (h, -h)]
print(f"nudging   slope = {(up - down) / (2 * h):.8f}")

# %% [markdown]
# Nothing is skipped. `backward()` goes over the tape from its last line to its first: that is the second half of the
# straight-line program. And what `fast_answer` returns is an ordinary Value, so a training loop doesn't change.
#
# ## "Compiled means another language": does it?
#
# In many languages, a compiler turns a program into the processor's own instructions. Not so here. The tape is data in
# Python, NumPy does the arithmetic, and the rules are those that you know:

# %%
from micrograd_plus.engine import ops

print("the tape's rows are those of the table:", tape.rows == [ops.mul, ops.add, ops.tanh])

# %% [markdown]
# "Compiled" says *when* something is worked out: once, before the numbers come, and not anew with each of them. (numba
# does make instructions for the processor, out of these same rows.)
#
# ## What about an `if`?
#
# A tape has no `if`: it is the list of what *was* done. Here is a function with two ways through it. Four calls with
# small numbers record its tape and replay it. **Then comes x = 3. The tape would say 2 × 3 - 1 = 5. What will the
# compiled function say?**

# %%
my_guess = 5.0


def bent(x):
    """A line up to 1, then a logarithm."""
    v = w * x
    if v > 1:
        return v.log()
    return v - 1


w.data = 2.0
fast_bent = mg.compile(bent, backend="numpy")
for x in (0.1, 0.2, 0.3, 0.4, 3.0, 4.0, 5.0, 0.3):
    print(f"x = {x}: {fast_bent(x).data:+.4f}   {fast_bent}")
print("my guess for x = 3:", my_guess, "  the function itself:", round(bent(3.0).data, 4))

# %% [markdown]
# It says what the function says. The comparison `v > 1` was noted together with its outcome: that is a **guard**. A
# replay checks its guards before it gives an answer. If one comes out otherwise, the tape doesn't hold, and the
# function is recorded anew for this way. Now there are two tapes, one for each way:

# %%
for tape in fast_bent.tapes:
    print(tape, end="\n\n")

# %% [markdown]
# The last line of each is its guard, and `s2` holds the 1. The `relu` of a neuron needs no guard: it isn't an `if`, but
# an operation with a rule for both sides.
#
# ## What would be frozen
#
# Two things can't be on a tape. The first is a plain number that you take out of a Value. It would be *frozen*: the
# tape would keep the number of the first call for ever. So the engine refuses, and says what to do:


# %%
def frozen(x):
    """Half of it, if it is large. But .data is a plain number."""
    v = w * x
    return v * 0.5 if v.data > 1 else v


try:
    mg.compile(frozen, backend="numpy")(3.0)
except RuntimeError as error:
    print(fill(str(error), 88))

# %% [markdown]
# The second is a number that is another one in each call, such as a random one. Nothing tells the engine where a plain
# number comes from. So it looks at all that the function can reach: here `rng` isn't afterwards what it was before. And
# what it can't see, the second look finds: then the two tapes differ. (`@` before a function is another way to compile
# it.)


# %%
@mg.compile(backend="numpy")
def noisy(x):
    """An input with some noise."""
    return w * (x + rng.random())


with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(3):
        noisy(3.0)
print(fill(str(caught[0].message), 88))

# %% [markdown]
# It is run as it is: not faster, but right. To make it fast, draw the random number outside and give it as an argument.
#
# ## From a tape to arrays
#
# Replaying line by line would save the graph. But Python would still have something to do for each number. What is
# better? Here is one neuron with two inputs, for two points. **Which boxes could be computed at the same time?**

# %%
w0, w1 = Value(0.5, label="w0"), Value(-1.0, label="w1")
bias = Value(0.1, label="bias")


def total(points):
    """The sum of one neuron's answers to all points."""
    return mg.sum([mg.sum([bias, w0 * x0, w1 * x1]).tanh() for x0, x1 in points])


of_two = total([[1.0, 2.0], [3.0, 4.0]])
of_two.label = "of two"
draw(of_two, direction="TB")

# %% [markdown]
# A box has to wait for its inputs, and for nothing else. Its **level** is one more than the highest level among its
# inputs; in this picture the levels are the rows. Boxes of one level don't need each other. So those that do the same
# can be one operation on an array, called a **block**. Two times tanh becomes the tanh of two numbers.
#
# And there is one more thing to find. The engine looks for sums of products. Here the same list of weights meets each
# list of inputs, and you know that from lesson 11: it is a matrix product. All this is found out once for each tape,
# and is called its **plan**: [`plan_of` in plan.py](../micrograd_plus/tape/plan.py#L).


# %%
def recorded(f, *arguments):
    """The compiled function after its two recordings."""
    step = mg.compile(f, backend="numpy")
    step(*arguments), step(*arguments)
    return step


for n in (2, 20, 200):
    plan = recorded(total, [[rng.random(), rng.random()] for _ in range(n)]).plans[0]
    print(f"{n} points: {plan.n_instructions:,} lines on the tape, {len(plan.blocks)} blocks")
print(plan)

# %% [markdown]
# The tape grows with the data, the number of blocks doesn't. Now the moons. **How many blocks will the 38,000
# operations be?**

# %%
my_guess = 1000

step = recorded(loss, X, y)
print(step.plans[0])
print("my guess:", my_guess)

# %% [markdown]
# Find the network in it: two layers of 16 neurons and one neuron, all for 100 points. The 337 squares of the penalty
# come early, as they wait for nothing. (The 101st number is the 0 with which Python's `sum` begins.) Nobody had told
# the engine that there are layers! And a block is a few calls of NumPy, so the overhead is paid some dozens of times,
# in place of 38,000.
#
# > **Remember:** results that don't depend on each other can be computed together. Engines get fast by doing few
# > operations on many numbers, in place of many operations on one.
#
# ## "Faster means approximate": does it?
#
# Now the whole training. `train` is the loop that you know. It is called twice. The only difference is what it is
# given: the function, or the compiled one.

# %%
start = [p.data for p in model.parameters()]


def train(step, epochs):
    """Train from the same start each time; the loss of each step."""
    for p, number in zip(model.parameters(), start):
        p.data = number
    losses = []
    for _ in range(epochs):
        value = step(X, y)
        model.zero_grad()
        value.backward()
        for p in model.parameters():
            p.data -= 0.1 * p.grad
        losses.append(value.data)
    return losses


as_written = train(loss, 20)
compiled = train(mg.compile(loss, backend="numpy"), 200)  # the line that changed
apart = max(abs(one - other) for one, other in zip(as_written, compiled))
print("in 20 steps no loss differs by more than 1e-12:", apart <= 1e-12)
right = sum(label * model(x).data > 0 for x, label in zip(X, y))
print("after 200 steps, over 95 of 100 points are on their side:", right > 95)

# %% [markdown]
# The same numbers. It is the same arithmetic, in the same float64. If a 16th digit differs, it is because a matrix
# product may add up in another order. (Lesson 01 was about such rounding.)

# %%
fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.plot(compiled, label="compiled, 200 steps")
as_rings = {"marker": "o", "fillstyle": "none", "linestyle": "", "color": "black"}
ax.plot(as_written, **as_rings, label="as written, 20 steps")
ax.set(xlabel="step", ylabel="loss", title="One program, run in two ways")
ax.legend()
alt = "A line falls from near 1 towards 0 within 200 steps. "
plots.show(ax, alt=alt + "Twenty rings lie exactly on its beginning.", dpi=80)

# %% [markdown]
# And how much faster is it? Forward, backward and the update of all weights:


# %%
def whole_step(f):
    """One step of training."""
    value = f(X, y)
    model.zero_grad()
    value.backward()
    for p in model.parameters():
        p.data -= 0.1 * p.grad


slow = seconds(lambda: whole_step(loss), runs=3)
quick = seconds(lambda: whole_step(step), runs=30)
print("compiled, it is more than 50 times as fast:", slow / quick > 50)

# %% [markdown]
# On the computer where this lesson was written, it was hundreds of times as fast. Print `slow / quick` for yours. In a
# copy of the library's source, `python -m benchmarks micrograd` measures the same with care, beside other engines.
#
# ## Lanes: written for one, run for many
#
# There is another way to do many numbers at once. Write the loss of *one* example, and let `mg.vmap` run it for all.
# The tape of one example is laid out many times side by side. Each example has a **lane** of its own, like swimmers in
# a pool. The weights are shared by all lanes.


# %%
def of_one(x, label):
    """The hinge loss of one point."""
    return (1 - label * model(x)).relu()


for p, number in zip(model.parameters(), start):
    p.data = number
lanes = mg.vmap(of_one, backend="numpy")
gradients = []
for losses in (lanes(X, y), [of_one(x, label) for x, label in zip(X, y)]):
    model.zero_grad()
    sum(losses).backward()
    gradients.append(np.array([p.grad for p in model.parameters()]))
same = np.allclose(*gradients, rtol=1e-12, atol=1e-12)
print("lines on the tape, which is one example's:", len(lanes.tapes[0]))
print("the gradients are those of a loop over the examples:", same)

# %% [markdown]
# A weight is used in every lane, so its gradients add up over the lanes: lesson 04 once more. And if examples go
# different ways through an `if`, each way has a tape, and each lane follows its own.
#
# ## Why isn't everything compiled?
#
# - **You see less.** A replay runs none of your lines: a `print` is silent, and a debugger has nowhere to stop. While
#   you look for a mistake, don't compile.
# - **The first calls are slower**, since they record, compare and plan.
# - **It takes many numbers to which the same is done.** For the three operations of `answer` it doesn't pay: finding
#   out which tape holds takes longer than they do.
#
# The first is not as bad as it sounds. Draw a result, or step through it, and it is opened: Python runs the function
# once more, on the numbers of that call.

# %%
w.data, b.data = 0.5, -1.0
w.zero_grad(), b.zero_grad()
result = fast_answer(3.0)
result.label = "small, again"
result.backward()
draw(result)

# %% [markdown]
# ## Exercises
#
# Replace the dots and run the cell. Then run the one below it: `ex.check` looks at your answer, and says what it sees.
# Stuck? This gives a hint, a plainer one each time, and then the solution with its reason:
#
# ```python
# ex.hint("recordings")
# ex.solution("recordings")
# ```
#
# There are more exercises than the three below: `ex.list(lesson=15)` shows them all, and
# `ex.task("silent_prints")` starts one of them. In one of them you find out
# why a compiled function is recorded again and again.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** The compiled function below is called 100 times with lists of 3 numbers, and then 100 times with lists
# of 4. How many times does Python run the lines of the function itself?
#
# ```python
# weighted = mg.compile(lambda numbers: sum(w * n for n in numbers), backend="numpy")
# for length in (3, 4):
#     for k in range(100):
#         weighted([float(k)] * length)
# ```

# %%
runs = ...

# %%
ex.check("recordings", runs)

# %% [markdown]
# (To see it, run the lines, and then `print(weighted)`.)
#
# **Exercise 2.** Mend `frozen`: write a condition that can be on a tape.


# %%
def mended(w, x):
    """Half of w * x if that is above 1, else all of it."""
    v = w * x
    return v * 0.5 if ... else v


# %%
ex.check("on_a_tape", mended)

# %% [markdown]
# **Exercise 3. What happens if…** 500 neurons stand one after the other, each with one input, and each fed by the one
# before? The tape has 1,000 lines, `w * x` and `tanh` in turn. How many blocks will its plan have?


# %%
def chain(x):
    """500 neurons in a row."""
    for _ in range(500):
        x = (w * x).tanh()
    return x


# %% [markdown]
# First your guess. Then `len(recorded(chain, 1.0).plans[0].blocks)` counts them.

# %%
blocks = ...

# %%
ex.check("blocks_of_a_chain", blocks)

# %% [markdown]
# **Make something.** Compile a loss of your own, and read its plan: `print(step.plans[0])`. Which block does most of
# the work?
#
# ## Where this is in PyTorch
#
# The same words. PyTorch has guards, too, and says "recompile" when one of them fails:
#
# ```python
# step = torch.compile(loss)            # loss = step(X, y); loss.backward(), as ever
# strict = torch.compile(loss, fullgraph=True)
# losses = torch.vmap(of_one)(X, y)     # written for one, run for many
# ```
#
# Where this engine refuses to go on (at `.data`, which is `.item()` there), PyTorch makes a **graph break**: it records
# up to that line, runs the line in Python, and goes on recording after it. With `fullgraph=True` it is an error, as
# here. And behind the recording there is a true compiler: it writes new code for the processor or the graphics card,
# which does several operations in one loop.
#
# **Next:** [16 · On to PyTorch](16_on_to_pytorch.ipynb). You know how an engine works, and how it gets fast. What
# changes when your model moves to PyTorch?
