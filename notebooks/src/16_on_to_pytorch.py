# %% [markdown]
# # 16 · On to PyTorch
#
# *20 minutes · needs lesson 14*
#
# **The idea:** PyTorch is the tool that most research is done with. You already know most of it: the words are the
# same, and so are the numbers.
#
# You will carry a model over, weight by weight, and see the same loss, the same gradients and the same step on both
# sides. Then come the few places where the two differ.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
import numpy as np

from micrograd_plus import Tensor, nn, optim

# %% [markdown]
# ## How to read this lesson
#
# The cells run `micrograd_plus`. PyTorch's lines stand in the text, and below them, beside a bar, what they printed
# (PyTorch 2.13, on a processor without graphics card). So you need no PyTorch to read on. If you have it, copy the
# lines into cells of your own, in order:
#
# ```python
# import torch
# import torch.nn.functional as F
# ```
#
# ## Predict, then run
#
# We shall give both libraries the same network, the same weights and the same 64 digits, and let Adam make 100 steps.
# Each does tens of thousands of additions and multiplications a step, in code that was written independently. **In
# how many digits will the two losses agree at the end?** 2? 5? 12?

# %%
my_guess = 2

X, y = mg.data.load_digits(flat=True)
X, y = X[:64].astype(np.float64), y[:64]
model = nn.Sequential(nn.Linear(64, 16, seed=0), nn.ReLU(), nn.Linear(16, 10, seed=1))
print(model)

# %% [markdown]
# The same there. A **dtype** says how numbers are kept: float64 has about 16 digits, float32 about seven, in half the
# room. `.double()` makes all numbers float64, which is the habit here; PyTorch's is float32.
#
# ```python
# layers = torch.nn.Linear(64, 16), torch.nn.ReLU(), torch.nn.Linear(16, 10)
# net = torch.nn.Sequential(*layers).double()
# print(net)
# ```
#
# > ```text
# > Sequential(
# >   (0): Linear(in_features=64, out_features=16, bias=True)
# >   (1): ReLU()
# >   (2): Linear(in_features=16, out_features=10, bias=True)
# > )
# > ```
#
# ## The weights: names and shapes
#
# A **state dict** holds all numbers of a model by name. Here is ours:

# %%
for name, array in model.state_dict().items():
    print(f"{name:9} {str(array.shape):9} {array.dtype}")

# %% [markdown]
# And PyTorch's:
#
# ```python
# for name, tensor in net.state_dict().items():
#     print(f"{name:9} {str(tuple(tensor.shape)):9} {tensor.dtype}")
# ```
#
# > ```text
# > 0.weight  (16, 64)  torch.float64
# > 0.bias    (16,)     torch.float64
# > 2.weight  (10, 16)  torch.float64
# > 2.bias    (10,)     torch.float64
# > ```
#
# The same names and the same shapes. A `Linear(64, 16)` keeps its weight as `(16, 64)`, a row for each *output*, in
# both: see [`self.weight` in layers.py](../micrograd_plus/nn/layers.py#L33). So nothing has to be transposed. What
# does it compute, then?

# %%
layer = model[0]
by_hand = X @ layer.weight.numpy().T + layer.bias.numpy()
print("x @ weight.T + bias is what the layer gives:", np.allclose(layer(X).numpy(), by_hand))

# %% [markdown]
# ## Carry them over
#
# Two lines, since the names agree. `torch.from_numpy` makes a PyTorch tensor of an array.
#
# ```python
# weights = {name: torch.from_numpy(array) for name, array in model.state_dict().items()}
# print(net.load_state_dict(weights))
# ```
#
# > ```text
# > <All keys matched successfully>
# > ```
#
# The way back is as short: `model.load_state_dict(net.state_dict())`. Between two programs, put a file in the middle:
# `mg.save(model, "weights.safetensors")` here, and there `safetensors.torch.load_file("weights.safetensors")`, which
# gives the weights by their names. `mg.load("weights.safetensors", model)` is the way back. (Nothing in such a file can
# run. Of a pickle that can't be said: opening one from a stranger is running his program.)
#
# ## The same loss

# %%
loss = nn.cross_entropy(model(X), y)
print(f"{loss.item():.12f}")

# %% [markdown]
# PyTorch wants its own tensors for the data, too:
#
# ```python
# Xt, yt = torch.from_numpy(X), torch.from_numpy(y)
# loss_t = F.cross_entropy(net(Xt), yt)
# print(f"{loss_t.item():.12f}")
# ```
#
# > ```text
# > 2.297265948120
# > ```
#
# Both take the scores (**logits**) and the class numbers, and both give the mean.
#
# ## The same gradients

# %%
loss.backward()
for name, p in model.named_parameters():
    print(f"{name:9} length of the gradient {np.linalg.norm(p.grad):.12f}")

# %% [markdown]
# There:
#
# ```python
# loss_t.backward()
# for name, p in net.named_parameters():
#     print(f"{name:9} length of the gradient {p.grad.norm():.12f}")
# pairs = zip(model.parameters(), net.parameters())
# apart = max(abs(p.grad - q.grad.numpy()).max() for p, q in pairs)
# print("no number in any gradient differs by more than 1e-15:", bool(apart < 1e-15))
# ```
#
# > ```text
# > 0.weight  length of the gradient 0.256885038152
# > 0.bias    length of the gradient 0.045804580016
# > 2.weight  length of the gradient 0.138821931297
# > 2.bias    length of the gradient 0.077514089226
# > no number in any gradient differs by more than 1e-15: True
# > ```
#
# > **Remember:** backpropagation is the same everywhere. The chain rule has only one answer.
#
# ## One step, and a hundred

# %%
optimizer = optim.Adam(model.parameters(), lr=0.01)
optimizer.step()
print(f"loss after   1 step:  {nn.cross_entropy(model(X), y).item():.12f}")
for _ in range(99):
    optimizer.zero_grad()
    nn.cross_entropy(model(X), y).backward()
    optimizer.step()
print(f"loss after 100 steps: {nn.cross_entropy(model(X), y).item():.12f}")
print("my guess:", my_guess, "digits")

# %% [markdown]
# The loop there. Only `torch.` is new:
#
# ```python
# optimizer_t = torch.optim.Adam(net.parameters(), lr=0.01)
# optimizer_t.step()
# print(f"loss after   1 step:  {F.cross_entropy(net(Xt), yt).item():.12f}")
# for _ in range(99):
#     optimizer_t.zero_grad()
#     F.cross_entropy(net(Xt), yt).backward()
#     optimizer_t.step()
# print(f"loss after 100 steps: {F.cross_entropy(net(Xt), yt).item():.12f}")
# ```
#
# > ```text
# > loss after   1 step:  2.240462259489
# > loss after 100 steps: 0.007614988716
# > ```
#
# All twelve digits. What differs is rounding, in the 16th or so. (In float32 it is the seventh.)
#
# ## The words, side by side
#
# What is **the same**:
#
# | what | here and there |
# |---|---|
# | a layer, a model | `nn.Linear(64, 16)`, `nn.Sequential(…)`, a class with `forward` that inherits from `nn.Module` |
# | the four lines | `zero_grad()`, the loss, `backward()`, `step()` |
# | gradients add up in `.grad` | so `zero_grad()` is needed in both |
# | for use | `model.eval()`, and `with no_grad():` |
# | cut off from the graph | `.detach()` |
# | saved numbers | `model.state_dict()`, `optimizer.state_dict()` |
# | losses | `cross_entropy` of logits, `mse_loss`, `binary_cross_entropy_with_logits` |
# | an axis | `x.sum(dim=1)` and `x.sum(axis=1)` |
#
# What is **different**:
#
# | what | here | in PyTorch |
# |---|---|---|
# | numbers of a new tensor | float64, also from `[1, 2]` | float32; from `[1, 2]` int64 |
# | `requires_grad` of a new tensor | True | False (parameters of layers: True) |
# | what `.grad` is | a NumPy array | a tensor |
# | `.grad` of inner nodes | kept | `None`, unless you called `retain_grad()` before |
# | `backward()` twice | works, gradients add up | an error, unless `retain_graph=True` |
# | `x.max(dim=0)` | the largest numbers | a pair: `.values` and `.indices` |
# | `x[0] = 5`, `x += 1` | an error; a new tensor | change `x` itself |
# | NumPy arrays as input | as they are | `torch.from_numpy(array)` first |
# | where the numbers are | in main memory | on a **device**: `"cpu"`, `"cuda"` …, moved by `.to(device)` |
# | the random seed | `mg.seed(0)` | `torch.manual_seed(0)`, and other numbers come out |
# | the training loop | yours, or `mg.training.fit` | yours |
#
# The rest of this lesson tries out those that trip people up.
#
# ## New tensors

# %%
x = Tensor([1.0, 2.0])
print("floats:", x.dtype, x.requires_grad, "  integers:", Tensor([1, 2]).dtype)
print("a layer's weight:", nn.Linear(2, 1).weight.requires_grad)

# %% [markdown]
# There, ask for gradients and for the dtype that you want:
#
# ```python
# xt, integers = torch.tensor([1.0, 2.0]), torch.tensor([1, 2])
# print("floats:", xt.dtype, xt.requires_grad, "  integers:", integers.dtype)
# print("a layer's weight:", torch.nn.Linear(2, 1).weight.requires_grad)
# torch.nn.Linear(2, 1)(torch.from_numpy(np.ones((1, 2))))
# ```
#
# > ```text
# > floats: torch.float32 False   integers: torch.int64
# > a layer's weight: True
# > RuntimeError: mat1 and mat2 must have the same dtype, but got Double and Float
# > ```
#
# The last line is the error that everybody meets first: NumPy's arrays are float64, the layer is float32. Write
# `torch.from_numpy(array).float()`.
#
# ## Calling backward twice

# %%
b = Tensor(2.0)
c = b * b
c.backward()
c.backward()
print("b.grad:", b.grad, "  c.grad:", c.grad)

# %% [markdown]
# 4 + 4 at the leaf; the inner node starts afresh (lesson 04). PyTorch frees the graph after one pass, to save memory,
# so a second one is refused:
#
# ```python
# bt = torch.tensor(2.0, requires_grad=True)
# ct = bt * bt
# ct.backward(retain_graph=True)
# ct.backward()
# print("bt.grad:", bt.grad)
# ct.backward()
# ```
#
# > ```text
# > bt.grad: tensor(8.)
# > RuntimeError: Trying to backward through the graph a second time (or directly
# > access saved tensors after they have already been freed). Saved intermediate
# > values of the graph are freed when you call .backward() or autograd.grad().
# > Specify retain_graph=True if you need to backward through the graph a second
# > time or if you need to access saved tensors after calling backward.
# > ```
#
# ## The largest number

# %%
t = Tensor([3.0, 3.0, 1.0])
t.max(dim=0).backward()
print("a tie, shared:", t.grad, "  where:", t.argmax(dim=0))

# %% [markdown]
# There `max` along a dimension gives two things, and the gradient of a tie goes to the one that was picked. `amax` is
# what `max` is here:
#
# ```python
# tt = torch.tensor([3.0, 3.0, 1.0], requires_grad=True)
# tt.max(dim=0).values.backward()
# print("max: ", tt.grad, "  where:", tt.max(dim=0).indices)
# tt.grad = None
# tt.amax(dim=0).backward()
# print("amax:", tt.grad)
# ```
#
# > ```text
# > max:  tensor([1., 0., 0.])   where: tensor(0)
# > amax: tensor([0.5000, 0.5000, 0.0000])
# > ```
#
# ## Changing numbers in place

# %%
w = Tensor([1.0, 1.0])
v = w
v += 1
print("w is untouched:", w.tolist(), "  v is another tensor:", v.tolist())
try:
    w[0] = 5.0
except TypeError as error:
    print("TypeError:", error)

# %% [markdown]
# There, both change the tensor itself; for a leaf that wants gradients both are refused, except inside `no_grad()`:
#
# ```python
# wt = torch.ones(2, requires_grad=True)
# with torch.no_grad():
#     wt -= 0.1
# print(wt)
# wt += 1
# ```
#
# > ```text
# > tensor([0.9000, 0.9000], requires_grad=True)
# > RuntimeError: a leaf Variable that requires grad is being used in an in-place
# > operation.
# > ```
#
# One more, because there it is *silent*. What if somebody changes `.data` between the forward and the backward pass?

# %%
d = Tensor(2.0)
e = d * d
d.data = np.array(20.0)
e.backward()
print("the slope of d² at 2, where the forward pass was:", d.grad)

# %% [markdown]
# There, the new number gets into the old graph, and no error says so:
#
# ```python
# dt = torch.tensor(2.0, requires_grad=True)
# et = dt * dt
# dt.data.fill_(20.0)
# et.backward()
# print(dt.grad)
# ```
#
# > ```text
# > tensor(40.)
# > ```
#
# 40 is the slope at 20. The pass that ran was at 2.
#
# > **Remember:** the words are the same; look out for the dtype, for `requires_grad`, and for what changes in place.
#
# ## Exercises
#
# Replace the dots and run the cell. Then run the one below it: `ex.check` looks at your answer, and says what it sees.
# Stuck? This gives a hint, a plainer one each time, and then the solution with its reason:
#
# ```python
# ex.hint("one_step_as_there")
# ex.solution("one_step_as_there")
# ```
#
# There are more exercises than the three below: `ex.list(lesson=16)` shows them all, and
# `ex.task("order_of_the_four")` starts one of them. They are about the
# order of the four lines, `.item()` and `.detach()`.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** What is the shape of the weight of `torch.nn.Linear(784, 256)`? Write it as a pair, as in `(1, 2)`.

# %%
shape = ...

# %%
ex.check("shape_of_a_weight", shape)

# %% [markdown]
# **Exercise 2.** Here is one step in PyTorch. Write it with `micrograd_plus`.
#
# ```python
# optimizer.zero_grad()
# loss = F.mse_loss(model(X), y)
# loss.backward()
# optimizer.step()
# ```


# %%
def one_step(model, optimizer, X, y):
    """One step of training with the mean squared error."""
    ...


# %%
ex.check("one_step_as_there", one_step)

# %% [markdown]
# **Exercise 3. What happens if…** you make a network in float32 here, `nn.Linear(64, 10, dtype=np.float32)`, give it
# the float64 numbers of `X`, and call `backward()`? PyTorch refuses. Is the gradient of the weight here `"float32"` or
# `"float64"`, or is it `"an error"`? And why is that the useful one?

# %%
gradient_dtype = ...

# %%
ex.check("float32_gradient", gradient_dtype)

# %% [markdown]
# **Make something:** take your favourite model of these lessons, and train it in PyTorch from the same weights.
#
# ## Where this is in PyTorch
#
# All of it. To begin there, three lines that you will write every time:
#
# ```python
# device = "cuda" if torch.cuda.is_available() else "cpu"   # a graphics card?
# net = net.float().to(device)                              # the weights go there
# scores = net(torch.from_numpy(array).float().to(device))  # and so must the data
# ```
#
# **Next:** the capstones, where all of this keeps its promises:
# [20 · Reading digits](20_reading_digits.ipynb) and what follows, images, faces, speech, translation, language and
# games. Or back to [00 · What happens when a model is trained?](00_what_happens_when_a_model_is_trained.ipynb) Read it
# again. You can now say of every line what it does, and why. Better still: say it to somebody.
