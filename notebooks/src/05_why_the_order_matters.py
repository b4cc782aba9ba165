# %% [markdown]
# # 05 · Why the order matters
#
# *25 minutes · needs lesson 04*
#
# **The idea:** a number may pass its gradient on only when all of it has arrived. So every box must wait for all boxes
# that use it.
#
# You will try four orders that come to mind first, and see for each a small graph on which it fails. Then comes the
# right order, in ten lines.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
from micrograd_plus import Value, draw, step_through, wrong_orders

# %% [markdown]
# ## Predict, then run
#
# Here is a graph in which `b` is used twice, by `c` and by `d`. It is written as a function, so that we can have a
# fresh copy whenever we need one. (`locals()` gives all that the function has made, by name.)


# %%
def diamond():
    a = Value(1.0)
    b = a * 2
    c = b * 3
    d = b + 1
    y = c * d
    return locals()


graph = diamond()
draw(graph["y"], graph)

# %% [markdown]
# In lesson 04 you saw `push`: a box gives each of its inputs *slope × its own gradient*. A backward pass is nothing
# but each box pushing once. The only question is, in which order. Here are two:
#
# 1. `y`, `c`, `b`, `d`: along one way first, then the other
# 2. `y`, `c`, `d`, `b`: both users of `b` before `b`
#
# **Do both give the same gradient for `a`? If not, which is right?** Write down your guess, then run.

# %%
my_guess = "both are right"


def gradient_of_a(graph, order):
    """Push box by box in this order, and give back what has arrived at a."""
    graph["y"].grad = 1.0
    for name in order:
        if name in graph:  # so that an order with blanks in it can be tried, too
            graph[name].push()
    return graph["a"].grad


print("my guess:  ", my_guess)
print("y, c, b, d:", gradient_of_a(diamond(), ["y", "c", "b", "d"]))
print("y, c, d, b:", gradient_of_a(diamond(), ["y", "c", "d", "b"]))
graph["y"].backward()
print("backward():", graph["a"].grad)

# %% [markdown]
# The first order gives 18 in place of 30. Every slope in it is right, and every box pushed once. What went wrong? Look
# at `b` after each push:

# %%
graph = diamond()
graph["y"].grad = 1.0
for name in ["y", "c", "b", "d"]:
    graph[name].push()
    a, b = graph["a"], graph["b"]
    print(f"after {name} has pushed: b.grad = {b.grad:4}  a.grad = {a.grad:4}")

# %% [markdown]
# When `b` pushed, it had 9, the part that came through `c`. It passed on 9 × 2 = 18. Then `d` pushed, and `b` received
# 6 more. But `b` had had its turn. The 6 got stuck there and never came to `a`.
#
# > **Remember:** a box may push only when its gradient is **complete**: after every box that uses it.
#
# Now watch the right order. `b` waits until both of its users have pushed.

# %%
step_through(graph["y"], graph)

# %% [markdown]
# ## Any order will do?
#
# Four ideas come up again and again, in questions and even in published code. Each looks reasonable. `wrong_orders`
# walks a graph of yours in each of these ways, on the side, and says what happens. `try_idea` shows one of them. (In
# the code that it prints, `_backward()` and `_prev` stand for `push()` and `inputs`. These are the names in micrograd,
# the well-known small engine that this library builds on.)
#
# ### Idea 1: in the order in which they were computed
#
# "The forward pass went through all boxes in a good order. Take the same one again." Two operations are enough to see
# it fail: `u = a * b`, `y = u * 3`. **Predict `a.grad`** before you run it.


# %%
def try_idea(name, graph):
    """Walk the graph in one of the orders that people propose."""
    found = wrong_orders(graph["y"], graph)
    idea, right = found[name], found["users first"]
    print(idea.code)
    print("\nboxes push in this order:", ", ".join(idea.names))
    a = graph["a"]
    print(f"a.grad: {idea.gradients[a]:g}, right is {right.gradients[a]:g}")
    print(f"{idea.verdict}: {idea.reason}")


def two_in_a_row():
    a, b = Value(2.0), Value(5.0)
    u = a * b
    y = u * 3
    return locals()


try_idea("leaves first", two_in_a_row())

# %% [markdown]
# `u` pushed while its gradient was still 0, and so it passed on nothing. Gradients come from the result; they must
# start there.
#
# ### Idea 2: each box calls its inputs
#
# "So start at the result. Each box pushes, then tells its inputs to do the same." That is **recursion**: a function
# that calls itself. It is right for all graphs in which each number is used once.
#
# In the next graph `b` will be called once by `c` and once by `y`. **How often does it push, and what is the harm?**


# %%
def used_twice():
    a = Value(3.0)
    b = a * 2
    c = b + 1
    y = c * b
    return locals()


try_idea("recursion", used_twice())
graph = used_twice()
draw(graph["y"], graph)

# %% [markdown]
# At its second turn, `b` pushes all it has, and what it had pushed before is in it. So that part counts twice.
#
# ### Idea 3: recursion, but each box only once
#
# "Then remember which boxes were visited, and let none push twice." This is called **depth first**: it follows one way
# to its end before it tries the next. On the graph of idea 2 it is right. **Is it right on the diamond, too?** (Look at
# the first picture: who comes after `c`?)

# %%
try_idea("depth first", diamond())

# %% [markdown]
# That was the order at the top of this lesson. Each box pushes once, and `b` pushes too early.
#
# ### Idea 4: level by level
#
# "Depth first runs ahead. So take all boxes one arrow from the result, then all boxes two arrows away, and so on."
# This is called **breadth first**. On the diamond it is right: `y`, then `c` and `d`, then `b`. The next graph has a
# shortcut from `b` to `y`. **How many arrows is `b` away from `y`?** There are two answers, and that is the trouble.


# %%
def shortcut():
    a = Value(1.0)
    b = a * 2
    c = b * 3
    d = c + 1
    y = d * b
    return locals()


try_idea("breadth first", shortcut())
graph = shortcut()
draw(graph["y"], graph)

# %% [markdown]
# ## All ideas on all graphs
#
# Each of the last three ideas is right on some graph. That makes these mistakes hard to find: one test passes, and the
# bug stays.

# %%
graphs = [two_in_a_row, used_twice, diamond, shortcut]
found = [wrong_orders(make()["y"]) for make in graphs]
print(f"{'':14}" + "".join(f"{make.__name__:>17}" for make in graphs))
ideas = ["leaves first", "recursion", "depth first", "breadth first"]
for name in [*ideas, "path by path", "users first"]:
    print(f"{name:14}" + "".join(f"{f[name].verdict:>17}" for f in found))

# %% [markdown]
# Only the last two lines are right everywhere. "Right by luck" means: on this graph each box *happened* to be complete
# when it pushed.
#
# **Path by path** is recursion that passes on only what has just arrived. So it walks along each path by itself, as in
# the ledger of lesson 04. It is right, but slow, since there can be a million paths. **Users first** is the right
# order, which `backward()` uses. How do you find it?
#
# ## The right order in ten lines
#
# We want a list in which every box comes after all of its users. It is easier to make the opposite, and turn it round
# at the end: a list in which every box comes after all of its **inputs**. To put a box into the list, put its inputs
# in first. The function `visit` does that by calling itself.
#
# After it stands the backward pass, now a loop. Does it hold on all four graphs?


# %%
def order(root):
    """All boxes that root was made from, each after its inputs."""
    done, ordered = set(), []

    def visit(node):
        if node not in done:
            done.add(node)
            for x in node.inputs:
                visit(x)
            ordered.append(node)

    visit(root)
    return ordered


for make in graphs:
    mine, right = make(), make()
    mine["y"].grad = 1.0
    for node in reversed(order(mine["y"])):
        node.push()
    right["y"].backward()
    print(f"{make.__name__:13}", "right" if mine["a"].grad == right["a"].grad else "wrong")

# %% [markdown]
# Compare it with idea 3. It walks the same way, but a box is put down when the walk **leaves** it, with all its inputs
# done. Such a list is called a **topological order**.
#
# > **Remember:** inputs before users on the way forward, users before inputs on the way back. The backward order is a
# > topological order, reversed.
#
# And don't forget `reversed`: without it you have idea 1.
#
# ## A deep graph
#
# One thing is still wrong. Here is a graph that is 10,000 operations deep, as a long loop makes it:

# %%
x = Value(1.0)
z = x
for _ in range(10_000):
    z = z + 1.0

try:
    order(z)
except RecursionError as error:
    print("stopped by a", type(error).__name__)

# %% [markdown]
# `visit` calls itself for each input. That makes 10,000 calls inside of one another, and Python stops long before. The
# cure is a list of our own in place of the nested calls, a **stack**. Its last box is looked at. If inputs of it are
# missing, they are put behind it, so that they come first. If none is missing, the box is done.


# %%
def order(root):
    """All boxes that root was made from, each after its inputs; however deep."""
    done, ordered, stack = set(), [], [root]
    while stack:
        node = stack[-1]
        missing = [x for x in node.inputs if x not in done]
        if missing:
            stack += missing
        else:
            stack.pop()
            if node not in done:
                done.add(node)
                ordered.append(node)
    return ordered


print("boxes in order:", len(order(z)))
z.backward()
print("and the engine's own backward(): x.grad =", x.grad)

# %% [markdown]
# The engine does it in the same way: see [`order` in graph.py](../micrograd_plus/engine/graph.py#L304). The loop over
# the reversed order is [`_push_all` in graph.py](../micrograd_plus/engine/graph.py#L356), a few lines further down.
#
# ## Exercises
#
# Replace the dots and run the cell, then the one below it: `ex.check` looks at your answer, and where it isn't right
# yet, it says what may have happened. `ex.hint("may_push")` gives a hint, a better one each time;
# `ex.solution("may_push")` shows the solution, and why.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** In which order must the boxes of this graph push? Make a drawing on paper, if it helps.
#
# ```python
# p = a * 3
# q = p + a
# r = q * p
# y = q * r
# ```

# %%
kite_order = ["y", ..., ..., ...]

# %%
ex.check("kite_order", kite_order)

# %% [markdown]
# **Exercise 2.** There is another way to a right order: ask again and again which box is ready. In the cell below,
# `users` are the boxes that use a box, `pushed` the boxes that have pushed already.


# %%
def backward_by_asking(graph, may_push):
    nodes = order(graph["y"])
    users = {node: [user for user in nodes if node in user.inputs] for node in nodes}
    graph["y"].grad, pushed = 1.0, []
    for _ in nodes:  # so many rounds are always enough
        for node in nodes:
            if node not in pushed and may_push(node, users[node], pushed):
                node.push()
                pushed.append(node)
    return graph["a"].grad


# %% [markdown]
# It only needs to be told when a box may push. Return `True` or `False`. (The report will speak of graphs:
# `y = ['c', 'd']` means there that `y` was made from `c` and `d`.)


# %%
def may_push(box, users, pushed):
    """Whether the gradient of this box is complete."""
    return ...


# %%
ex.check("may_push", may_push)

# %% [markdown]
# When it is right, try `backward_by_asking(diamond(), may_push)`: it gives 30.
#
# **Exercise 3. What happens if…** you write `y = b * d` in place of `y = d * b` in the graph with the shortcut? The
# number is the same. How many of the six orders in the table are wrong now? (It was three.)

# %%
wrong_orders_now = ...

# %%
ex.check("factors_swapped", wrong_orders_now)

# %% [markdown]
# There are more exercises for this lesson: `ex.list(lesson=5)` shows them, and `ex.task("inputs_first")` gives you the
# task and the code of one. In `inputs_first` you write a topological order of your own, in `backward_stops` you find the
# bug of somebody else.
#
# **Make something.** Invent a graph on which all of ideas 1 to 4 are wrong, with as few operations as you can.
# `print(wrong_orders(y, locals()))` shows each in full.
#
# <details><summary>A solution</summary>
#
# The graph of exercise 3, with `y = b * d`.
#
# </details>
#
# ## Where this is in PyTorch
#
# The same lines, and the same answer:
#
# ```python
# a = torch.tensor(1.0, requires_grad=True)
# b = a * 2
# (b * 3 * (b + 1)).backward()        # a.grad is tensor(30.)
# ```
#
# Inside, PyTorch goes about it like exercise 2, only faster: it counts for each operation how many users have not
# pushed yet, and runs it when that number reaches 0.
#
# **Next:** [06 · Build your own Value](06_build_your_own_value.ipynb). You know every part now. Put them together.
