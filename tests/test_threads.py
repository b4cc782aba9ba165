"""Threads, asyncio tasks, generators, Ctrl-C: what one of them does is its own. And memory, with the collector off."""

import asyncio
import contextlib
import gc
import random
import subprocess
import sys
import threading

import numpy as np
import pytest

import micrograd_plus as mg
from micrograd_plus import Tensor, Value, detect_anomaly, grad, nn, no_grad, optim
from micrograd_plus.engine.recording import is_recording
from micrograd_plus.explain import AnomalyError

THREADS = 8


# ---- graphs of their own in eight threads --------------------------------------------------------------------------


def scalars(n):
    """A little training of Values: every number of it."""
    model = nn.MLP(2, [3, 1], activation="tanh", seed=n)
    optimizer, told = optim.Adam(model.parameters(), lr=0.05), []
    for step in range(40):
        optimizer.zero_grad()
        loss = (model([0.1 * n, 0.2 * step]) - 0.5) ** 2
        loss.backward()
        optimizer.step()
        told += [loss.data, *(p.data for p in model.parameters())]
    return told


def arrays(n):
    """A little training of Tensors, with dropout from seeds of its own, a mode switched, and a no_grad inside."""
    model = nn.Sequential(nn.Linear(3, 4, seed=n), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2, seed=n + 1))
    optimizer, told = optim.SGD(model.parameters(), lr=0.1, momentum=0.9), []
    X, y = np.random.default_rng(n).normal(size=(5, 3)), [0, 1, 1, 0, n % 2]
    for _ in range(40):
        optimizer.zero_grad()
        loss = nn.cross_entropy(model.train()(X), y)
        loss.backward()
        optimizer.step()
        with no_grad():
            told += [loss.item(), *model.eval()(X).numpy().ravel().tolist()]
    return told


def derivatives(n):
    x = np.linspace(0.1, 1.0, 5) + n
    second = grad(grad(lambda t: (t**3).tanh() * n))
    return [*grad(lambda t: (t.sin() * t).sum())(x).tolist(), *(second(0.1 * i + 0.01 * n) for i in range(10))]


def compiled(n):
    """A compiled step of its own in each thread."""
    w, v = Tensor([0.5, -0.25 * n]), Value(0.1 * n)
    of_arrays = mg.compile(lambda x: ((w * x).tanh() ** 2).sum(), backend="numpy")
    of_numbers = mg.compile(lambda x: (v * x).tanh() * x + v, backend="numpy")
    told = []
    for i in range(24):
        for p in (w, v):
            p.zero_grad()
        a, b = of_arrays(np.array([0.1 * i, 1.0])), of_numbers(0.3 * i)
        a.backward()
        b.backward()
        told += [a.item(), *w.grad.tolist(), b.data, v.grad]
    return told


w_shared, v_shared = Tensor([0.5, -0.25]), Value(0.75)
one_of_arrays = mg.compile(lambda x: ((w_shared * x).tanh() ** 2).sum(), backend="numpy")
one_of_numbers = mg.compile(lambda x: (v_shared * x).tanh() * x, backend="numpy")


def shared_compiled(n):
    """One compiled function, asked by all threads for values (gradients of shared leaves would race, as documented)."""
    told = []
    for i in range(40):
        told += [one_of_arrays(np.array([n, 0.1 * i])).item(), one_of_numbers(0.1 * n + i).item()]
    return told


def explained(n):
    """A detective that looks on, the trace of a backward pass, a check, and a drawing folded by modules."""
    model = nn.MLP(2, [2, 1], seed=n)
    with detect_anomaly():
        loss = model([1.0 * n, 2.0]) ** 2
        loss.backward()
    trace = mg.trace_backward(loss)
    return [*(row["product"] for row in trace.rows), str(mg.gradcheck(model, [1.0, n])), str(mg.draw(loss))]


@pytest.mark.parametrize("work", [scalars, arrays, derivatives, compiled, shared_compiled, explained])
def test_eight_threads_give_what_one_gives(work):
    """To the last bit. Python is told to switch threads a thousand times more often than it would."""
    expected = [work(n) for n in range(THREADS)]
    found, start = [None] * THREADS, threading.Barrier(THREADS)

    def run(n):
        start.wait()
        try:
            found[n] = work(n)
        except BaseException as error:  # seen below
            found[n] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(THREADS)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert found == expected
    assert is_recording() is True


# ---- what is ambient is one thread's, and one task's ---------------------------------------------------------------


def tracked():
    return (Value(1.0) * 2).requires_grad and (Tensor([1.0]) * 2).requires_grad


def makes_nan():
    with pytest.raises(AnomalyError):
        Value(float("inf")) - Value(float("inf"))
    return True


def overlooks_nan():
    return (Value(float("inf")) - Value(float("inf"))).requires_grad in (True, False)


async def in_tasks(*programs):
    """All of them, each going on in turn at each of its `await`s."""
    return await asyncio.gather(*programs)


async def turns(n=3):
    for _ in range(n):
        await asyncio.sleep(0)


def test_no_grad_and_detect_anomaly_in_interleaved_tasks():
    async def without():
        with no_grad():
            await turns()
            off = not tracked()
            with no_grad():
                await turns()
            return off and not tracked()

    async def watched():
        with detect_anomaly():
            await turns(4)
            return makes_nan()

    async def neither():
        seen = []
        for _ in range(8):
            await turns(1)
            seen.append(tracked() and overlooks_nan())
        return all(seen)

    async def failing():
        with contextlib.suppress(ZeroDivisionError), no_grad(), detect_anomaly():
            await turns(2)
            raise ZeroDivisionError
        return tracked()

    assert asyncio.run(in_tasks(without(), watched(), neither(), failing(), without())) == [True] * 5
    assert tracked()


def test_a_task_begins_as_the_one_that_made_it_and_changes_nothing_there():
    async def child():
        found = tracked()
        with no_grad():
            await turns()
        return found

    async def parent():
        with no_grad():
            return [await asyncio.create_task(child()), tracked()]

    assert asyncio.run(parent()) == [False, False]


def test_grad_and_compile_in_interleaved_tasks():
    """Inside grad(f), float() of a node is refused; a recording shows nothing of what others compute meanwhile."""

    async def derived(x):
        await turns(1)
        slope = grad(lambda t: t * t * t)(x)
        await turns(1)
        return slope

    async def recorded(x):
        step = mg.compile(lambda t: t * t + 1, backend="numpy")
        found = []
        for _ in range(3):
            found.append(step(x).data)
            await turns(1)
            float(Value(2.0) * 3)
        return found

    assert asyncio.run(in_tasks(derived(2.0), recorded(3.0), derived(1.0))) == [12.0, [10.0] * 3, 3.0]


def test_modules_of_one_thread_are_not_seen_by_another():
    """Which module a node was made in is kept on the node."""
    inside, go_on, found = threading.Event(), threading.Event(), []

    class Waiting(nn.Module):
        def forward(self, x):
            inside.set()
            go_on.wait(10)
            return x * 2

    thread = threading.Thread(target=lambda: found.append(Waiting()(Value(1.0))))
    thread.start()
    assert inside.wait(10)
    mine = Value(1.0) * 3
    go_on.set()
    thread.join()
    assert not hasattr(mine, "made_in")
    assert type(found[0].made_in[0]) is Waiting


# ---- generators ----------------------------------------------------------------------------------------------------


def suspended():
    with no_grad():
        yield tracked()
        yield tracked()


def test_a_generator_suspended_inside_no_grad_is_on_for_its_caller_until_it_goes_on():
    """As in PyTorch; fit runs each loader in a context of its own for this reason."""
    generator = suspended()
    assert [next(generator), tracked()] == [False, False]
    assert list(generator) == [False]
    assert tracked()


@pytest.mark.parametrize(
    "end", [list, lambda g: g.close(), lambda g: g.throw(KeyError)], ids=["list", "close", "throw"]
)
def test_left_in_another_order_than_entered_all_is_as_it_was(end):
    """A generator that goes on inside of another no_grad() must neither end that one, nor leave itself on for ever."""
    generator = suspended()
    next(generator)
    with no_grad():
        with contextlib.suppress(KeyError):
            end(generator)
        assert not tracked(), "the caller's own no_grad() is still entered"
    assert tracked()


def test_three_generators_in_any_order():
    rng = random.Random(0)
    for _ in range(50):
        open_ones = [suspended() for _ in range(3)]
        for generator in open_ones:
            next(generator)
        rng.shuffle(open_ones)
        for left, generator in zip((2, 1, 0), open_ones, strict=True):
            generator.close()
            assert tracked() is (left == 0)


def test_a_generator_closed_by_another_thread_or_task():
    generator = suspended()

    async def begin():
        next(generator)

    asyncio.run(begin())
    assert tracked(), "that task has ended, and its no_grad() with it"
    thread = threading.Thread(target=generator.close)
    thread.start()
    thread.join()
    assert tracked()


def test_a_decorated_function_that_runs_later_is_refused():
    """It would be outside of no_grad() when it runs, and nobody would notice."""

    def generator():
        yield 1

    async def task():
        return 1

    async def both():
        yield 1

    for function in (generator, task, both):
        for decorate in (no_grad, no_grad(), detect_anomaly):
            with pytest.raises(TypeError, match=r"on a generator or an async function would end before its body runs"):
                decorate(function)


# ---- interrupted ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_whatever_ends_a_block_it_is_as_before(error):
    def stops(t):
        raise error

    for context in (no_grad, detect_anomaly):
        with pytest.raises(error), context():
            stops(0)
    for function in (no_grad(stops), detect_anomaly(stops), grad(stops), mg.compile(stops, backend="numpy")):
        with pytest.raises(error):
            function(Value(1.0))
    assert tracked()
    assert overlooks_nan()
    assert float(Value(2.0)) == 2.0, "inside grad(f) this is refused"


class Stopping(optim.SGD):
    """A step during which Ctrl-C is pressed."""

    def update(self, p, g, state, group):
        super().update(p, g, state, group)
        self.updated = getattr(self, "updated", 0) + 1
        if self.updated == 2:
            import signal

            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("kind", [Value, Tensor])
def test_ctrl_c_does_not_cut_a_step_in_two(kind):
    params = [kind(1.0) for _ in range(5)]
    kind.__mul__(mg.sum(params), 3.0).backward()
    optimizer = Stopping(params, lr=0.1, momentum=0.9)
    with pytest.raises(KeyboardInterrupt):
        optimizer.step()
    assert [p.item() for p in params] == [1.0 - 0.1 * 3.0] * 5
    assert sorted(optimizer.state) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("bad", "error"),
    [("3.0", TypeError), ([1.0, 2.0], TypeError), (np.ones(3), ValueError), (np.ones((2, 2)), ValueError)],
)
@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.RMSprop, optim.Adagrad, optim.AdamW])
def test_a_gradient_that_does_not_fit_is_refused_before_anything_moves(make, bad, error):
    params = [Tensor([1.0, 2.0]) for _ in range(3)]
    for p in params:
        p.grad = np.ones(2)
    optimizer = make(params, lr=0.1)
    optimizer.step()
    before, state = [p.tolist() for p in params], optimizer.state_dict()
    params[2].grad = bad
    with pytest.raises(error, match="the gradient of parameter 2"):
        optimizer.step()
    assert [p.tolist() for p in params] == before
    assert str(optimizer.state_dict()) == str(state)


def test_ctrl_c_in_the_middle_of_backward_leaves_leaves_that_can_be_cleared():
    """What a backward pass has added so far stays, as with any error in a hook; zero_grad() and all is as new."""
    a = Value(2.0)
    b = a * a
    b.register_hook(lambda g: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        (b * 3.0).backward()
    a.zero_grad()
    c = a * a
    c.backward()
    assert a.grad == 4.0


# ---- memory --------------------------------------------------------------------------------------------------------

MEMORY = """
import gc, os, sys
gc.disable()
def megabytes():
    try:
        return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        import resource  # its peak; on macOS in bytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
{code}
for _ in range({warm}):
    step()
before = megabytes()
for _ in range({steps}):
    step()
print(megabytes() - before)
"""
PROGRAMS = {
    "values": """
from micrograd_plus import Value, nn, optim
model = nn.MLP(1, [2, 1], activation="tanh", seed=0)
optimizer = optim.SGD(model.parameters(), lr=0.01)
def step():
    optimizer.zero_grad()
    ((model([0.5]) - 0.25) ** 2).backward()
    optimizer.step()
""",
    "tensors": """
import numpy as np
from micrograd_plus import nn, optim
model = nn.Sequential(nn.Linear(2, 4, seed=0), nn.ReLU(), nn.Linear(4, 2, seed=1))
optimizer = optim.Adam(model.parameters())
X, y = np.ones((4, 2)), np.array([0, 1, 1, 0])
def step():
    optimizer.zero_grad()
    nn.cross_entropy(model(X), y).backward()
    optimizer.step()
""",
    "compiled": """
import numpy as np
from micrograd_plus import compile, nn, optim
model = nn.Sequential(nn.Linear(2, 4, seed=0), nn.Tanh(), nn.Linear(4, 1, seed=1))
optimizer = optim.SGD(model.parameters(), lr=0.01)
X, y = np.ones((4, 2)), np.ones((4, 1))
loss = compile(lambda X, y: nn.mse_loss(model(X), y), backend="numpy")
def step():
    optimizer.zero_grad()
    loss(X, y).backward()
    optimizer.step()
""",
}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither /proc nor resource")
@pytest.mark.parametrize("kind", PROGRAMS)
def test_ten_thousand_training_steps_take_no_memory_though_the_collector_is_off(kind):
    script = MEMORY.format(code=PROGRAMS[kind], warm=500, steps=10_000)
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 5


def test_the_collector_is_on():
    assert gc.isenabled(), "a test before this one has left it off"
