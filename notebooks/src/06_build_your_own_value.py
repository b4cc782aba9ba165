# %% [markdown]
# # 06 · Build your own Value
#
# *25 minutes · needs lesson 05*
#
# **The idea:** an engine that computes gradients fits on one page. You know all of its parts: a slope for each
# operation, gradients that add up, the right order.
#
# You will build it, twice: first with a little function inside each operation, then with all operations as rows of a
# table. The same checks run on both. At the end your engine trains a neuron.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
import math

from micrograd_plus import Unary, Value, exp, gradcheck, plots, tanh
from micrograd_plus import exercises as ex

# %% [markdown]
# ## Predict: what must a number remember?
#
# Let `y = a * b`. Later, somebody calls `backward()` on a result that was made from `y`. **What must `y` still know at
# that time?** Cross out what it doesn't need, then look at what the library's Value keeps.

# %%
my_guess = ["data", "grad", "its name", "what made it", "who uses it", "its slopes"]

a, b = Value(2.0), Value(5.0)
y = a * b
print("my guess:", ", ".join(my_guess))
print("data:", y.data, "  grad:", y.grad, "  slopes:", y.slopes)
print("made by:", y.op.symbol, "  from a and b:", y.inputs == (a, b))

# %% [markdown]
# Four things: its number, its gradient, its inputs, and how to push to them. A name is for people only. And **who uses
# it** isn't needed either: walking backwards from the result, the right order of lesson 05 finds that out.
#
# ## The checks come first
#
# How will you know that your engine is right? By nudging, as in lesson 01: it needs the forward pass only. Each line
# of the list is a small formula, chosen because it catches a mistake that people make.


# %%
def diamond(a, b):
    c = a * b
    return (c * 3) * (c + a)


def deep(a, b):
    for _ in range(3000):
        a = a + b * 0.001
    return a


CHECKS = {
    "a + b": lambda a, b: a + b,
    "a + a": lambda a, b: a + a,
    "a * b": lambda a, b: a * b,
    "a * a * b": lambda a, b: a * a * b,
    "2 * a + 1 + b": lambda a, b: 2 * a + 1 + b,
    "a - b": lambda a, b: a - b,
    "tanh": lambda a, b: (a * b).tanh(),
    "exp": lambda a, b: a.exp() * b,
    "the diamond": diamond,
    "3,000 deep": deep,
}

# %% [markdown]
# `Number` will be your class. Checks must be able to fail and to pass, so try them on an engine that is right:


# %%
def verdict(Number, f, a=0.5, b=-1.5, h=1e-5):
    """Compare the gradients of backward() with nudging."""

    def at(a, b):
        return f(Number(a), Number(b)).data

    try:
        p, q = Number(a), Number(b)
        f(p, q).backward()
        nudge_a = (at(a + h, b) - at(a - h, b)) / (2 * h)
        nudge_b = (at(a, b + h) - at(a, b - h)) / (2 * h)
    except Exception as error:
        return f"not yet ({type(error).__name__})"
    right = abs(p.grad - nudge_a) < 1e-6 and abs(q.grad - nudge_b) < 1e-6
    found = f"{p.grad:.3f} and {q.grad:.3f}, by nudging {nudge_a:.3f} and {nudge_b:.3f}"
    return "right" if right else f"WRONG: {found}"


def run_checks(Number):
    print("\n".join(f"{name:14} {verdict(Number, f)}" for name, f in CHECKS.items()))


run_checks(Value)

# %% [markdown]
# ## First engine: a function inside each operation
#
# When `a + b` is computed, we know everything that the backward pass will need: `a`, `b` and the result. So we write
# the push at once, as a function inside of the operation, and let the result keep it. A function that remembers the
# variables around it is called a **closure**.


# %%
class MyValue:
    """A number that remembers how it was made."""

    def __init__(self, data, inputs=()):
        self.data, self.grad, self.inputs = float(data), 0.0, inputs
        self.push = lambda: None  # a number that is given has nobody to push to

    def __add__(self, other):
        other = as_my_value(other)
        y = MyValue(self.data + other.data, (self, other))

        def push():
            self.grad += y.grad
            other.grad += y.grad

        y.push = push
        return y


def as_my_value(x):
    return x if isinstance(x, MyValue) else MyValue(x)


# %% [markdown]
# Note the `+=` of lesson 04. Next comes `backward`, with the order of lesson 05. It is a bit shorter here, since a dict
# does two things at once: it holds each box once, and remembers in which order they came. Boxes that were computed
# start afresh; the numbers that are given keep adding up.
#
# So far the engine can only add. **How many of the ten checks will be right?** Change `my_guess` before you run.


# %%
def order(root):
    done, stack = {}, [root]
    while stack:
        missing = [x for x in stack[-1].inputs if x not in done]
        stack += missing
        if not missing:
            done[stack.pop()] = True
    return list(done)


def backward(self):
    nodes = order(self)
    for node in nodes:
        if node.inputs:
            node.grad = 0.0
    self.grad = 1.0
    for node in reversed(nodes):
        node.push()


MyValue.backward = backward
my_guess = 1
print("my guess:", my_guess, "right")
run_checks(MyValue)

# %% [markdown]
# Two are right, `a + b` and `a + a`. Now the other operations, in the same way. Only two things differ from one to the
# next: how `y` is computed, and the slope in front of `y.grad`.


# %%
def multiply(self, other):
    other = as_my_value(other)
    y = MyValue(self.data * other.data, (self, other))

    def push():
        self.grad += other.data * y.grad
        other.grad += self.data * y.grad

    y.push = push
    return y


def of_one(forward, slope):
    def operation(self):
        y = MyValue(forward(self.data), (self,))

        def push():
            self.grad += slope(y.data) * y.grad

        y.push = push
        return y

    return operation


# %% [markdown]
# `tanh` and `exp` differ so little that one function makes both. `__radd__` and `__rmul__` are called when the number
# stands on the left, as in `2 * a`. A difference is a sum: `a - b` is `a + b * -1`.

# %%
MyValue.__mul__ = MyValue.__rmul__ = multiply
MyValue.__radd__ = MyValue.__add__
MyValue.__sub__ = lambda self, other: self + other * -1
MyValue.tanh = of_one(math.tanh, lambda y: 1 - y * y)
MyValue.exp = of_one(math.exp, lambda y: y)

run_checks(MyValue)

# %% [markdown]
# That is a complete engine, in about 50 lines. It is the kind that the well-known lecture on micrograd builds.
#
# > **Remember:** an engine is a slope for each operation, `+=`, and the right order. There is nothing else in it.
#
# ## A check that names the mistake
#
# Our checks say *that* something is wrong. `ex.check_engine` looks for the **smallest** graph that goes wrong, draws it,
# and tries out which mistake gives just these numbers. Let us forget a `+` in the product. **Which graph will it find?**


# %%
def forgetful(self, other):
    y = multiply(self, other)

    def push():
        self.grad = as_my_value(other).data * y.grad
        y.inputs[1].grad = self.data * y.grad

    y.push = push
    return y


STAGES = "add mul chain reuse order constants sub tanh exp deep twice"
MyValue.__mul__ = MyValue.__rmul__ = forgetful
ex.check_engine(MyValue, stages=STAGES)

# %% [markdown]
# `a * b` is right, and so is a chain: there, nothing is ever added up. The first graph that shows the mistake uses a
# number twice. Put the right product back:

# %%
MyValue.__mul__ = MyValue.__rmul__ = multiply
ex.check_engine(MyValue, stages=STAGES)

# %% [markdown]
# ## Second engine: a table of rules
#
# Look at the pushes again. They all say *input.grad += slope × y.grad*. So let us write that sentence **once**, and
# put what differs into a table: one row an operation, with `y` and one slope for each input.

# %%
TABLE = {
    "add": (lambda a, b: a + b, lambda y, a, b: 1, lambda y, a, b: 1),
    "mul": (lambda a, b: a * b, lambda y, a, b: b, lambda y, a, b: a),
    "exp": (math.exp, lambda y, x: y),
    "tanh": (math.tanh, lambda y, x: 1 - y * y),
}


class RowValue:
    """The same, with one push for all operations."""

    def __init__(self, data, inputs=(), slopes=()):
        self.data, self.grad = float(data), 0.0
        self.inputs, self.slopes = inputs, slopes

    def push(self):
        for x, slope in zip(self.inputs, self.slopes):
            x.grad += slope * self.grad


RowValue.backward = backward  # the very same function

# %% [markdown]
# One function applies any row: it computes `y`, takes the slopes, and remembers the inputs. **Will the same checks
# pass?**


# %%
def apply(name, *operands):
    forward, *slopes = TABLE[name]
    inputs = [x if isinstance(x, RowValue) else RowValue(x) for x in operands]
    xs = [x.data for x in inputs]
    y = forward(*xs)
    return RowValue(y, inputs, [slope(y, *xs) for slope in slopes])


RowValue.__add__ = RowValue.__radd__ = lambda a, b: apply("add", a, b)
RowValue.__mul__ = RowValue.__rmul__ = lambda a, b: apply("mul", a, b)
RowValue.__sub__ = lambda a, b: a + b * -1
RowValue.tanh = lambda x: apply("tanh", x)
RowValue.exp = lambda x: apply("exp", x)

ex.check_engine(RowValue, stages=STAGES)

# %% [markdown]
# They do. What have we gained? A rule can now be *read*, apart from the machinery. A new operation is one line. And a
# mistake can hide in one place only, where it is easy to check.
#
# This library is built so. Its rows are in the table: [`mul` in ops.py](../micrograd_plus/engine/ops.py#L80), for one.
# The sentence that is written once is [`push` in value.py](../micrograd_plus/engine/value.py#L120).
#
# ## An operation of your own
#
# `Unary` makes a row with one input: a name, `y`, and the slope. Let us add a bump, `y = exp(-x²)`, which no table
# has. The chain rule gives its slope: `exp` brings its output `y`, and `-x²` brings `-2x` (in `x * x` there are two
# paths, each with the slope `x`).

# %%
bump = Unary("bump", lambda x: exp(-x * x), lambda y, x: -2 * x * y)

x = Value(0.5)
bump(x).backward()
print("slope at 0.5:", round(x.grad, 6), "  gradcheck passed:", gradcheck(bump).passed)
plots.show(
    plots.activation_functions(bump, low=-3, high=3),
    alt="The bump is a hill of height 1 at x = 0. Its dashed slope is positive on the "
    "left side of the hill, 0 at the top, and negative on the right side.",
)

# %% [markdown]
# **`gradcheck`** does what `verdict` does above: it compares a rule with nudging, at several inputs. And when the rule
# is wrong, it says what the mistake may be. Here are three rules that a tired person might write. The first two are
# meant for the bump, the third for `tanh`. **What is wrong in each?**


# %%
def say(result):
    """The first line of what gradcheck says, two of the wrong numbers, its hints."""
    print(str(result).splitlines()[0])
    for c in result.wrong[:2]:
        print(f"  {c.where}: the rule gives {c.analytic:.4f}, nudging {c.numeric:.4f}")
    print("  " + "\n  ".join(result.hints))


say(gradcheck(Unary("first", bump.forward, lambda y, x: 2 * x * y)))
say(gradcheck(Unary("second", bump.forward, lambda y, x: -x * y)))
say(gradcheck(Unary("third", tanh.forward, lambda y, x: 1 - x * x)))

# %% [markdown]
# A sign, a factor, and the input in place of the output: the mistake that you met in lesson 03. (`x[1]` is the second
# of the five inputs that it tried.)
#
# > **Remember:** never trust a slope that hasn't been compared with nudging, at more than one input.
#
# ## Your engine trains a neuron
#
# One neuron with two inputs learns the word "and": the answer is 1 where both inputs are 1, and -1 elsewhere. The loss
# says how far its answers are from the **targets**, the answers that we want: it is the sum of the squared differences.
# Each round makes the four moves of lesson 00 (forward, loss, backward, step), and then clears the gradients.

# %%
POINTS = [(0, 0), (0, 1), (1, 0), (1, 1)]


def train(Number, targets, steps=100, rate=0.1):
    """Train a tanh neuron. Gives back the loss before each step, and the parameters."""
    w1, w2, b = Number(0.1), Number(-0.2), Number(0.0)
    losses = []
    for _ in range(steps):
        answers = [(w1 * x1 + w2 * x2 + b).tanh() for x1, x2 in POINTS]
        errors = [answer - t for answer, t in zip(answers, targets)]
        loss = sum(e * e for e in errors)
        loss.backward()
        for p in (w1, w2, b):
            p.data -= rate * p.grad
            p.grad = 0.0
        losses.append(loss.data)
    return losses, (w1, w2, b)


AND = [-1, -1, -1, 1]
for Number in (MyValue, RowValue, Value):
    losses, _ = train(Number, AND)
    some = [f"{losses[step]:7.4f}" for step in (0, 1, 10, 50, 99)]
    print(f"{Number.__name__:9}", *some)

# %% [markdown]
# The loss falls from step to step, and all three engines give the same numbers. (The columns are the loss at steps 0,
# 1, 10, 50 and 99.) Where does the neuron say "yes", that is, where is its answer above 0?

# %%
_, (w1, w2, b) = train(MyValue, AND)


def neuron(x):
    return math.tanh(w1.data * x[0] + w2.data * x[1] + b.data)


print("answers:", [round(neuron(x), 2) for x in POINTS], "  targets:", AND)
plots.show(
    plots.decision_boundary(neuron, POINTS, AND),
    alt="Four points at the corners of a square. A straight line separates the point "
    "(1, 1), where the neuron says yes, from the other three.",
)

# %% [markdown]
# ## Exercises
#
# Replace the dots and run the cell, then the one below it: `ex.check` looks at your answer, and where it isn't right
# yet, it says what may have happened. `ex.hint("sub_row")` gives a hint, a better one each time;
# `ex.solution("sub_row")` shows the solution, and why.
#
# **Exercise 1.** Give the difference a row of its own for your table: how it is computed, then its slope for `a` and
# its slope for `b`.

# %%
sub_row = (lambda a, b: a - b, lambda y, a, b: ..., lambda y, a, b: ...)

# %%
ex.check("sub_row", sub_row)

# %% [markdown]
# With `TABLE["sub"] = sub_row` and `RowValue.__sub__ = lambda a, b: apply("sub", a, b)` your engine uses it.
#
# **Exercise 2.** Write the slope of a cube, for the library. (In lesson 04 you found it as a sum over three paths.)

# %%
cube = Unary("cube", lambda x: x * x * x, lambda y, x: ...)

# %%
ex.check("cube_slope", cube)

# %% [markdown]
# **Exercise 3. What happens if…** the neuron is to learn "either, but not both": -1, 1, 1, -1 at the corners (0, 0),
# (0, 1), (1, 0), (1, 1)? Near which whole number does its loss end? At 0 it would have learned them. (Can you draw one
# straight line that separates those points?)

# %%
final_loss = ...

# %%
ex.check("xor_loss", final_loss)

# %% [markdown]
# `train(MyValue, [-1, 1, 1, -1], steps=500)` shows it happening.
#
# There are more exercises for this lesson: `ex.list(lesson=6)` shows them, and `ex.task("pow_slope")` gives you the
# task and the code of one. They are about powers, ReLU and its kink, `10 - x`, and the row of `tanh`.
#
# **Make something.** Close this notebook, and write an engine of your own from memory in a new one:
# `ex.check_engine(MyValue)` tells you how far it gets. (`ex.task("engine")` has a start for it.) Or invent an operation,
# give it a row, and let `gradcheck` look at it. Can it stand in for `tanh` in the neuron?
#
# ## Where this is in PyTorch
#
# An operation of your own is a class there, with the same two rules. `g` is the upstream gradient:
#
# ```python
# class Bump(torch.autograd.Function):
#     @staticmethod
#     def forward(ctx, x):
#         y = torch.exp(-x * x)
#         ctx.save_for_backward(x, y)
#         return y
#
#     @staticmethod
#     def backward(ctx, g):
#         x, y = ctx.saved_tensors
#         return g * (-2 * x * y)
# ```
#
# `Bump.apply(x)` computes it, and `torch.autograd.gradcheck(Bump.apply, x)` compares it with nudging (`x` in
# `float64`). PyTorch's own operations stand in a table, too: a file called `derivatives.yaml`, one entry for each.
#
# **Next:** [07 · From a neuron to a network](07_from_a_neuron_to_a_network.ipynb). One neuron has its limits. What can
# a few of them do together?
