# %% [markdown]
# # 11 · From scalars to tensors
#
# *25 minutes · needs lesson 10*
#
# **The idea:** an array of numbers can be one node of the graph. The rules stay the same; there are only fewer, larger
# boxes. And any such box can be opened again into the single numbers inside.
#
# You will look into a matrix product, find out why the gradient of a bias is a sum, and compare a network with its twin
# made of single numbers.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
import numpy as np
from micrograd_plus import Tensor, Value, draw
from micrograd_plus.engine.graph import order
from micrograd_plus.viz import zoom

# %% [markdown]
# ## One rule, many numbers
#
# A **scalar** is a single number: a `Value`. A **tensor** is an array of numbers: a list, a table, or a stack of
# tables. Its **shape** says how many there are along each axis: 2 rows of 3 numbers have shape `(2, 3)`. A `Tensor`
# remembers how it was made, as a `Value` does, and its `.grad` has the same shape as its `.data`.
#
# Here is tanh of three numbers, once as three Values and once as a Tensor:

# %%
numbers = [-1.0, 0.0, 2.0]

values = [Value(x) for x in numbers]
sum(v.tanh() for v in values).backward()
print("Values: ", [round(v.grad, 6) for v in values])

t = Tensor(numbers, label="t")
t.tanh().sum().backward()
print("Tensor: ", t.grad.round(6))

# %% [markdown]
# The slopes agree, and that is no wonder. It is the same line of the library that computes both:
# [`tanh` in ops.py](../micrograd_plus/engine/ops.py#L65). A rule such as `1 - y*y` works on a number, and NumPy,
# Python's library for arrays, makes it work on an array, number by number.
#
# ## A layer is a matrix product
#
# The heart of a neuron is a weighted sum (lesson 07). Two neurons with the same inputs are two weighted sums. Put the
# weights into a table, one row for each neuron, and the sign `@` computes both at once. It is called the **matrix
# product**. Here it is by hand, and with `@`:

# %%
W = Tensor([[1.0, 2.0], [3.0, 4.0]], label="W")
x = np.array([1.0, 2.0])
out = W @ x
out.label = "out"

by_hand = [sum(w * xi for w, xi in zip(row, x.tolist())) for row in W.tolist()]
print("by hand:", by_hand, "  with @:", out.tolist())

# %% [markdown]
# **Predict:** `total` below is the sum of both results. If the weight `W[0, 1]` grows by a little, how fast does
# `total` grow? Write down your guess. (Which input is it multiplied by?)

# %%
my_guess = 1.0

total = out.sum()
total.label = "total"
total.backward()
print("my guess:", my_guess, "  W.grad:", W.grad.tolist())

# %% [markdown]
# ## Look inside
#
# Here is the graph: three boxes, each with a whole array in it.

# %%
draw(total)

# %% [markdown]
# And here is the same graph with the box of the matrix product opened. Inside you find what you know: products, sums,
# and a slope on each arrow. Find `W[0,1]`: its slope is the input 2, and so is its gradient.

# %%
draw(total, zoom=out)

# %% [markdown]
# Now two samples at once, one in each row of `X`. Such a table of samples is a **batch**. One neuron, two weights.
# Every weight is used for *both* samples. **Predict** how many arrows leave `w[0,0]`.

# %%
X = np.array([[1.0, 2.0], [3.0, 4.0]])
w = Tensor([[0.5], [-1.0]], label="w")
h = X @ w
h.label = "h"
h.sum().backward()
zoom(h)

# %% [markdown]
# Two arrows: one for each sample. Two paths, so two parts that add: 1 + 3 = 4. That is lesson 04, nothing else. The
# library doesn't walk along these single arrows. It knows a rule for the whole product, and that rule is again a matrix
# product:

# %%
arrived = np.ones((2, 1))  # d(sum of h)/dh: it is 1 for each number
print("X turned on its side @ what arrived:", (X.T @ arrived).tolist())
print("w.grad:                             ", w.grad.tolist())

# %% [markdown]
# > **Remember:** a tensor operation is many scalar operations in one box. Its gradient rule does what the scalar arrows
# > inside would do together.
#
# ## Broadcasting: predict the gradient of a bias
#
# A **bias** is one number for each neuron. It is added to the sums of *every* sample. So with three samples and two
# neurons, an array of shape `(2,)` is added to one of shape `(3, 2)`. NumPy repeats the smaller one for each row. That
# is called **broadcasting**.
#
# **Predict:** below, a bias is added to three rows, and then all six results are added up. What is the gradient of
# `bias`? `[1, 1]`, `[3, 3]`, or six numbers?

# %%
my_guess = [1.0, 1.0]

sums = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
bias = Tensor([10.0, 20.0], label="bias")
shifted = sums + bias
shifted.label = "shifted"
s = shifted.sum()
s.label = "s"
s.backward()
print("sums + bias:", shifted.tolist())
print("my guess:", my_guess, "  bias.grad:", bias.grad.tolist())
draw(s)

# %% [markdown]
# In the picture broadcasting is a step of its own: `expand`. Six ones arrive there, and two numbers go back: each
# column was added up. Why a sum? Open a small case into scalars. `to_values()` computes a whole Tensor graph again,
# with Values. Here one bias is added to three numbers:

# %%
b = Tensor([10.0], label="b")
opened = (np.array([1.0, 3.0, 5.0]) + b).sum().to_values()
opened.label = "s"
opened.backward()
draw(opened)

# %% [markdown]
# Three arrows leave the bias, since it was used three times. Three paths, so its gradient is the sum of three parts.
#
# > **Remember:** what is *repeated* on the way forward is *added up* on the way back. So the gradient of a bias is the
# > sum over the samples, and a gradient always has the shape of its parameter.
#
# In the library this is [`sum_to_shape` in array_ops.py](../micrograd_plus/engine/array_ops.py#L74).
#
# ## When broadcasting surprises you
#
# Broadcasting is kind. Sometimes too kind. Here are three outputs, three targets, and every output is *right*. So the
# error should be 0.

# %%
outputs = Tensor([[1.0], [2.0], [3.0]], label="outputs")  # shape (3, 1)
targets = np.array([1.0, 2.0, 3.0])  # shape (3,)
errors = outputs - targets
print("shape of the errors:", errors.shape)
print(errors.tolist())

# %% [markdown]
# A column minus a row: NumPy repeated *both*, and compared every output with every target. No error message appears,
# and such a network learns badly for no visible reason. Lesson 12 is about a doctor for such cases. It knows this one:

# %%
print(mg.diagnose((errors**2).mean()).findings[0])

# %% [markdown]
# Shapes that don't fit at all, such as `(3, 2)` and `(3,)`, are refused at once.
#
# ## The scalar twin
#
# Here is a network with 16 hidden neurons, for 100 points of two moons. `nn.Linear` is a layer: a matrix product and a
# bias.

# %%
mg.seed(0)
model = mg.nn.Sequential(mg.nn.Linear(2, 16), mg.nn.Tanh(), mg.nn.Linear(16, 1))
points, labels = mg.data.make_moons(100, noise=0.1, seed=0)
wanted = 2.0 * labels.reshape(-1, 1) - 1  # a column of -1 and 1, as the outputs are a column
loss = mg.nn.functional.mse_loss(model(points), wanted)
loss.backward()
print("loss:", round(loss.item(), 12))

# %% [markdown]
# Every model of tensors has a **scalar twin**: the same layers, the same code, but each weight is a Value of its own.
# **Predict:** how many nodes are in the graph of the twin's loss? And in the graph of the model's loss?

# %%
my_guess = {"model": 100, "twin": 100}

twin = model.scalar_twin()
twin_loss = mg.nn.functional.mse_loss(twin(points), wanted)
twin_loss.backward()
print("loss of the twin:", round(twin_loss.data, 12))
print("nodes, model:", len(order(loss)), "  nodes, twin:", f"{len(order(twin_loss)):,}")
print("my guess:    ", my_guess)

# %% [markdown]
# The same loss. And the gradients? There is one for each of the 65 parameters:

# %%
theirs = np.concatenate([p.grad.ravel() for p in model.parameters()])
ours = np.array([p.grad for p in twin.parameters()])
equal = np.allclose(ours, theirs, rtol=1e-9, atol=1e-12)
print(len(ours), "gradients; all equal, but for rounding:", equal)
print("some of the twin's: ", ours[:4].round(6))
print("some of the model's:", theirs[:4].round(6))

# %% [markdown]
# ## Why it is so much faster
#
# The additions and multiplications are the same in both. But each *node* costs time of its own: Python makes an object,
# remembers its inputs, and visits it again on the way back. The twin pays that over eleven thousand times, the model
# eight times. All the arithmetic inside a box runs in NumPy's compiled loops. On the machine where this lesson was
# written, a training step of the model was hundreds of times as fast as one of the twin. How does the number of nodes
# grow with the data?


# %%
def count(network, n):
    """How many nodes the loss of n samples has."""
    return len(order(mg.nn.functional.mse_loss(network(points[:n]), wanted[:n])))


counts = [(n, count(model, n), count(twin, n)) for n in (1, 10, 100)]
for n, of_model, of_twin in counts:
    print(f"{n:3} samples: model {of_model} nodes, twin {of_twin:6,} nodes")

# %% [markdown]
# For tensors it doesn't grow at all. That is why deep learning is done with tensors, in batches. (Graphics cards have
# thousands of small processors that work on such an array at the same time.)
#
# Here is the whole training, then. Only the model is new; the loop is the one you know.

# %%
optimizer = mg.optim.Adam(model.parameters(), lr=0.02)
for epoch in range(301):
    loss = mg.nn.functional.mse_loss(model(points), wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
right = ((model(points).numpy() > 0) == (wanted > 0)).mean()
print(f"loss after {epoch} steps: {loss.item():.3f}; points on their side: {right:.0%}")

# %% [markdown]
# > **Remember:** tensors change the speed, not the rules. Whatever you learned about scalars is still what happens
# > inside.
#
# ## Exercises
#
# Replace the dots and run the cell, then the one below it: `ex.check` looks at your answer, and where it isn't right
# yet, it says what may have happened. `ex.hint("mend_the_broadcast")` gives a hint, a plainer one each time;
# `ex.solution("mend_the_broadcast")` shows the solution, and why.
#
# There are more exercises than the three below: `ex.list(lesson=11)` shows them all, and `ex.task("matmul_backward")`
# starts one of them.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** A layer `mg.nn.Linear(64, 10)` is given a batch of 32 samples. Which shapes have the gradient of its
# weights (a row for each neuron), the gradient of its bias, and the layer's output? Write three tuples.

# %%
shapes = {"weight.grad": ..., "bias.grad": ..., "output": ...}

# %%
ex.check("shapes_of_a_layer", shapes)

# %% [markdown]
# **Exercise 2.** Mend the broadcast: the errors of n samples must have shape `(n, 1)`, whatever n is. Change only the
# shape of `targets`. (Here is no blank: the code runs, and is wrong.)


# %%
def errors(outputs, targets):
    """Output minus target of each sample: outputs has the shape (n, 1), targets has (n,)."""
    return outputs - targets


# %%
ex.check("mend_the_broadcast", errors)

# %% [markdown]
# **Exercise 3. What happens if…** the bias has shape `(3, 1)`, and not `(2,)`? It is added to the same `sums` of
# shape `(3, 2)`, and all results are added up. Write its gradient as a nested list.

# %%
column_grad = ...

# %%
ex.check("a_column_of_biases", column_grad)

# %% [markdown]
# **Make something:** build a Tensor expression of your own with at most a dozen numbers, and open it with `zoom` or
# `to_values()`.
#
# ## Where this is in PyTorch
#
# There is no scalar half in PyTorch: everything is a tensor. The names are the same, and so is broadcasting:
#
# ```python
# bias = torch.tensor([10.0, 20.0], requires_grad=True)
# (torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]) + bias).sum().backward()
# bias.grad                        # tensor([3., 3.])
# ```
#
# **Next:** [12 · When training goes wrong](12_when_training_goes_wrong.ipynb). Real networks sometimes don't learn.
# Meet the doctor.
