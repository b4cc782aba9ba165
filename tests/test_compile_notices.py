"""What a compiled function has to notice: here everything changes, goes wrong or happens at once."""

import argparse
import copy
import functools
import math
import operator
import random
import sys
import threading
import types
import warnings
from array import array
from collections import OrderedDict, UserDict, defaultdict, deque, namedtuple
from fractions import Fraction

import numpy as np
import pytest

from micrograd_plus import Tensor, Unary, Value, compile, nn, no_grad, training, vmap
from micrograd_plus.engine.differentiate import gradients as gradients_as_graph
from micrograd_plus.explain.opening import whole


def warm(f, *args, backend="numpy"):
    """Compiled, and called until it is replayed."""
    step = compile(f, backend=backend)
    for _ in range(3):
        step(*args)
    return step


def agrees(step, f, *args):
    """Whether both give the same number for these arguments."""
    return math.isclose(step(*args).data, f(*args).data, rel_tol=1e-12)


def gradients(y, *leaves):
    """What a backward() from y brings to the leaves."""
    for leaf in leaves:
        leaf.zero_grad()
    y.backward()
    return [leaf.grad for leaf in leaves]


# -- crashes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "auto"])
def test_a_path_on_which_nothing_is_computed(backend):
    relu = compile(lambda x: x if x > 0 else 0 * x, backend=backend)
    numbers = [relu(Value(x)).data for x in (1.0, 2.0, 3.0, -1.0, -2.0, -3.0)]
    assert numbers == [1.0, 2.0, 3.0, 0.0, 0.0, 0.0]


def test_vmap_of_a_path_on_which_nothing_is_computed():
    lanes = vmap(lambda x: x if x > 0 else 0 * x, backend="numpy")([Value(1.0), Value(-1.0)])
    assert [y.data for y in lanes] == [1.0, 0.0]


def test_a_model_that_holds_a_compiled_function_can_be_copied():
    model = nn.MLP(2, [1], seed=0)
    model.step = warm(model.forward, [1.0, 2.0])
    copied = copy.deepcopy(model)
    for p in copied.parameters():
        p.data = 100.0
    assert copied.step([1.0, 2.0]).data == copied.forward([1.0, 2.0]).data


# -- wrong gradients ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_an_infinite_slope_of_an_output_that_is_not_used(backend):
    if backend == "numba":
        pytest.importorskip("numba")
    w = Value(0.0)
    step = warm(lambda: (w.sqrt(), 2 * w), backend=backend)
    assert gradients(step()[1], w) == [2.0]


def test_an_infinite_slope_in_what_is_only_compared():
    w = Value(0.0)
    step = warm(lambda: 2 * w if w.sqrt() < 1 else 3 * w)
    assert gradients(step(), w) == [2.0]


def test_an_infinite_slope_in_another_lane():
    w = Value(1.0)
    lanes = vmap(lambda x: (w * x).sqrt(), backend="numpy")([0.0, 4.0])
    assert gradients(lanes[1], w) == [1.0]


def test_a_leaf_that_is_frozen_between_forward_and_backward():
    w = Value(3.0)
    y = warm(lambda: w * w)()
    w.requires_grad = False
    assert gradients(y, w) == [6.0]


def test_ctrl_c_in_the_forward_pass_that_a_backward_needs():
    interrupted = [False]

    def square(x):
        if interrupted[0]:
            raise KeyboardInterrupt
        return x * x

    row = Unary("interrupted square", square, lambda y, x: 2 * x)
    w = Value(3.0)

    def f(x):
        return row(w * x + 1).sin() * w

    step = warm(f, 1.0)
    y = step(2.0)
    step(1.0)
    interrupted[0] = True
    with pytest.raises(KeyboardInterrupt):
        y.backward()
    interrupted[0] = False
    assert gradients(y, w) == pytest.approx(gradients(f(2.0), w))


def test_threads_that_share_a_compiled_function():
    w = [Value(0.1 * i) for i in range(10)]

    def f(x):
        h = sum(wi * x for wi in w)
        for _ in range(10):
            h = (h * 1.1 + 0.3).sin()
        return h

    step = warm(f, Value(1.0))
    wrong = []

    def work(start):
        for i in range(200):
            x = Value(start + 0.01 * i)
            step(x).backward()
            known = Value(x.data)
            f(known).backward()
            if not math.isclose(x.grad, known.grad, rel_tol=1e-9, abs_tol=1e-12):
                wrong.append((x.grad, known.grad))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong


# -- opening: pictures, copies, pickles -----------------------------------------------------------------------


def test_a_copy_after_an_argument_has_changed():
    w = Value(3.0)
    step = warm(lambda a: w * a, Value(2.0))
    a = Value(2.0)
    y = step(a)
    a.data = 50.0
    assert copy.deepcopy(y).data == y.data == 6.0


def test_a_copy_after_a_list_has_changed():
    w = Value(3.0)
    numbers = [2.0]
    y = warm(lambda x: w * x[0], numbers)(numbers)
    numbers[0] = 50.0
    assert copy.deepcopy(y).data == y.data == 6.0


def test_opening_changes_no_gradient():
    w, a = Value(2.0), Value(0.5)
    step = warm(lambda x: (w * x).tanh(), Value(1.0))
    b = a * 2
    y = step(b) + b * 10
    y.backward()
    before = [x.grad for x in (a, b, w)]
    whole(y)
    assert [x.grad for x in (a, b, w)] == before


def test_opening_calls_no_hook():
    w = Value(2.0)
    y = warm(lambda x: (w * x).tanh(), 1.0)(0.3)
    calls = []
    w.register_hook(calls.append)
    y.backward()
    whole(y)
    assert len(calls) == 1


# -- what is returned -----------------------------------------------------------------------------------------

Pair = namedtuple("Pair", "loss rest")


@pytest.mark.parametrize(
    ("wrap", "unwrap"),
    [
        (lambda y: Pair(y, None), lambda r: r.loss),
        (lambda y: {y}, lambda r: next(iter(r))),
        (lambda y: types.SimpleNamespace(y=y), lambda r: r.y),
        (lambda y: deque([y]), lambda r: r[0]),
        (lambda y: OrderedDict(y=y), lambda r: r["y"]),
    ],
    ids=["namedtuple", "set", "object", "deque", "OrderedDict"],
)
def test_containers_of_results(wrap, unwrap):
    w = Value(3.0)
    step = compile(lambda x: wrap(w * x), backend="numpy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # to say that it stays as it is, is right as well
        assert [unwrap(step(x)).data for x in (1.0, 2.0, 3.0, 4.0)] == [3.0, 6.0, 9.0, 12.0]


def test_a_plain_number_beside_the_result_may_change():
    w = Value(3.0)
    count = iter(range(100))
    step = compile(lambda x: (w * x, next(count)), backend="numpy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert [step(1.0)[1] for _ in range(5)] == [0, 1, 2, 3, 4]


# -- what is around the function ------------------------------------------------------------------------------

K = 2.0


class Plain:
    """An object with attributes."""

    scale = 2.0

    def __init__(self, **attributes):
        self.__dict__.update(attributes)

    def scaled(self, x):
        return x * K


class Slots:
    __slots__ = ("k",)

    def __init__(self):
        self.k = 2.0


def surroundings():
    """Name, factor read inside of the function, and how it is changed."""
    w = Value(1.0)
    inner = Plain(inner=Plain(k=2.0))
    yield "object in an object", lambda x: w * x * inner.inner.k, lambda: setattr(inner.inner, "k", 5.0)
    objects = [Plain(k=2.0)]
    yield "object in a list", lambda x: w * x * objects[0].k, lambda: setattr(objects[0], "k", 5.0)
    net = Plain(layers=[Plain(neurons=[Plain(w=[Value(1.0)])])])

    def swap():
        net.layers[0].neurons[0].w[0] = Value(5.0)

    yield "weight of a plain class", lambda x: net.layers[0].neurons[0].w[0] * x, swap
    slots = Slots()
    yield "slots", lambda x: w * x * slots.k, lambda: setattr(slots, "k", 5.0)
    settings = type("Settings", (), {"k": 2.0})
    yield "class attribute", lambda x: w * x * settings.k, lambda: setattr(settings, "k", 5.0)
    derived = type("Derived", (Plain,), {})()
    yield "class attribute of an object", lambda x: w * x * derived.scale, lambda: setattr(type(derived), "scale", 5.0)
    module = types.ModuleType("settings")
    module.k = 2.0
    yield "module", lambda x: w * x * module.k, lambda: setattr(module, "k", 5.0)
    numbers = {1.0}
    yield "set", lambda x: w * x * sum(numbers), lambda: numbers.add(5.0)
    table = defaultdict(float, k=2.0)
    yield "defaultdict", lambda x: w * x * table["k"], lambda: operator.setitem(table, "k", 5.0)
    recent = deque([2.0])
    yield "deque", lambda x: w * x * recent[0], lambda: recent.appendleft(5.0)
    cell = [2.0]

    def helper(x):
        return x * cell[0]

    helpers = {"f": helper}
    yield "function in a dict", lambda x: w * helpers["f"](x), lambda: operator.setitem(cell, 0, 5.0)
    ours = Plain()
    yield "method that reads a global", lambda x: w * ours.scaled(x), lambda: globals().update(K=5.0)

    def with_default(x, k=[2.0]):  # noqa: B006
        return w * x * k[0]

    yield "default", with_default, lambda: operator.setitem(with_default.__defaults__[0], 0, 5.0)
    first = [2.0]
    partial = functools.partial(lambda k, x: w * x * k[0], first)
    yield "partial", partial, lambda: operator.setitem(first, 0, 5.0)

    def with_attribute(x):
        return w * x * with_attribute.k

    with_attribute.k = 2.0
    yield "attribute of the function", with_attribute, lambda: setattr(with_attribute, "k", 5.0)
    factor = [2.0]

    def times(f):
        @functools.wraps(f)
        def inner(x):
            return f(x) * factor[0]

        return inner

    yield "decorator's closure", times(lambda x: w * x), lambda: operator.setitem(factor, 0, 5.0)


@pytest.mark.parametrize(("f", "change"), [case[1:] for case in surroundings()], ids=[c[0] for c in surroundings()])
def test_what_is_around_a_function_may_change(f, change, monkeypatch):
    monkeypatch.setitem(globals(), "K", 2.0)
    step = warm(f, 1.0)
    change()
    assert agrees(step, f, 1.0)


def test_a_global_that_a_modules_forward_reads(monkeypatch):
    class Scaled(nn.Module):
        def __init__(self):
            self.w = Value(3.0)

        def forward(self, x):
            return self.w * x * K

    model = Scaled()
    monkeypatch.setitem(globals(), "K", 2.0)
    step = warm(lambda x: model(x), 1.0)
    monkeypatch.setitem(globals(), "K", 5.0)
    assert step(1.0).data == 15.0


def test_a_method_that_is_redefined():
    class Scaled:
        def forward(self, x):
            return Value(2.0) * x

    model = Scaled()
    step = warm(lambda x: model.forward(x), 1.0)
    Scaled.forward = lambda self, x: Value(5.0) * x
    assert step(1.0).data == 5.0


def test_a_parameter_that_is_thawed_after_recording():
    a, b = Value(3.0), Value(4.0, requires_grad=False)
    step = warm(lambda: sum(p * p for p in (a, b) if p.requires_grad))
    b.requires_grad = True
    assert step().data == 25.0


def test_a_builtin_that_is_hidden():
    world = {"w": Value(3.0)}
    exec("def f(x): return w * abs(x)", world)
    step = warm(world["f"], 1.0)
    world["abs"] = lambda x: x * 100
    assert agrees(step, world["f"], 1.0)


# -- arguments ------------------------------------------------------------------------------------------------


def test_true_is_another_setting_than_one():
    w = Value(3.0)

    def f(x, mode):
        return w * x if mode is True else w * x * 10

    assert agrees(warm(f, 1.0, 1), f, 1.0, True)


@pytest.mark.parametrize("number", [np.int64(1), np.float32(1), Fraction(1)], ids=lambda x: type(x).__name__)
def test_a_label_compared_with_another_kind_of_number(number):
    w = Value(3.0)

    def f(labels):
        return sum(w * 10 if label == number else w * 1 for label in labels)

    assert agrees(warm(f, [1, 0, 0]), f, [0, 1, 1])


@pytest.mark.parametrize("kind", [set, deque, type("Numbers", (list,), {})], ids=["set", "deque", "list's child"])
def test_a_container_of_another_kind_that_changes(kind):
    w = Value(2.0)
    numbers = kind([1.0])

    def f(x):
        return w * sum(x)

    step = warm(f, numbers)
    numbers.add(5.0) if kind is set else numbers.append(5.0)
    assert agrees(step, f, numbers)


def test_an_iterator():
    w = Value(2.0)
    step = compile(lambda numbers: w * next(numbers), backend="numpy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        numbers = iter([1.0, 1.0, 5.0, 7.0])
        assert [step(numbers).data for _ in range(4)] == [2.0, 2.0, 10.0, 14.0]


def test_a_list_that_the_function_changes():
    w = Value(3.0)

    def f(x):
        x[0] = x[0] * 2
        return w * x[0]

    numbers = [1.0]
    step = compile(f, backend="numpy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # to say that it stays as it is, is right as well
        results = [step(numbers).data for _ in range(3)]
    assert (results, numbers) == ([6.0, 12.0, 24.0], [8.0])


# -- what isn't shown to the recorder -------------------------------------------------------------------------


def test_random_numbers_of_few_kinds():
    w = Value(1.0)
    random.seed(0)  # draws 1, 1, 0, …
    step = compile(lambda: w * random.randint(0, 1), backend="numpy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len({step().data for _ in range(50)}) == 2


def test_a_row_that_catches_errors():
    def forward(x):
        try:
            return math.log(x)
        except Exception:
            return -100.0

    safe_log = Unary("safe log", forward, lambda y, x: 1 / x)
    a, b = Value(2.0), Value(3.0)

    def f():
        return safe_log(a) * safe_log(b)

    assert agrees(warm(f), f)


def test_a_row_that_asks_for_a_type():
    row = Unary("by type", lambda x: 2 * x if isinstance(x, float) else 3 * x, lambda y, x: 2)
    a, b = Value(2.0), Value(3.0)

    def f():
        return row(a) * row(b)

    assert agrees(warm(f), f)


# -- memory and time ------------------------------------------------------------------------------------------


def test_nan_adds_no_tapes():
    w = Value(1.0)
    step = warm(lambda: w * 2)
    w.data = math.nan
    for _ in range(20):
        step()
    assert len(step.paths) == 1


def test_vmap_forgets_paths():
    k, w = 0.0, Value(1.0)
    lanes = vmap(lambda x: w * x * k, backend="numpy")
    for i in range(40):
        k = float(i)
        assert lanes([1.0, 2.0])[1].data == 2.0 * i
    assert len(lanes.paths) <= 17


# -- vmap and fit ---------------------------------------------------------------------------------------------


def test_a_shared_object_that_changes():
    model = Plain(w=Value(3.0), k=2.0)
    lanes = vmap(lambda x, m: m.w * x * m.k, (0, None), backend="numpy")
    lanes([1.0], model)
    model.k = 10.0
    assert lanes([1.0], model)[0].data == 30.0


def test_fit_with_a_penalty_that_follows_a_schedule():
    X = [[0.1 * i, 0.2 * (i % 3)] for i in range(8)]
    y = [a - b for a, b in X]
    found = []
    for fast in (False, True):
        schedule = Plain(state=Plain(strength=0.1))

        def stronger(state, schedule=schedule):
            schedule.state.strength *= 2

        def penalty(m, schedule=schedule):
            return schedule.state.strength * sum(p * p for p in m.parameters())

        model = nn.MLP(2, [2, 1], seed=0)
        history = training.fit(
            model, (X, y), "mse", "sgd", epochs=5, batch_size=4, progress=False, seed=0,
            penalty=penalty, callbacks=[stronger], compile=fast,
        )  # fmt: skip
        found.append(history.steps)
    assert found[0] == pytest.approx(found[1])


# -- said well ------------------------------------------------------------------------------------------------


def test_grad_of_what_contains_a_result_of_compile():
    w = Value(3.0)
    y = warm(lambda x: w * x, 1.0)(2.0)
    with pytest.raises(TypeError, match="fused or compiled"):
        gradients_as_graph(y * y, [w])


def test_the_tapes_of_some_outputs_alone_are_bounded():
    w = Value(0.0)
    step = warm(lambda: [w.sqrt(), *[w * float(i) for i in range(1, 20)]])
    for i in range(1, 20):
        assert gradients(step()[i], w) == [float(i)]
    assert 0 < len(step.paths[0].replay.parts) <= 8


# -- gradient hooks inside of the function -----------------------------------------------------------------------


def hooked_and_eager(function, make, calls=4):
    """The gradients of an input, call by call: of the function as it is, and compiled."""
    found = []
    for run in (function, compile(function, backend="numpy")):
        x = make()
        grads = []
        for _ in range(calls):
            x.zero_grad()
            (run(x) + (x if isinstance(x, Value) else x.sum())).backward()
            grads.append(np.array(x.grad).tolist())
        found.append(grads)
    return found


def square_of_hooked(x):
    h = 3.0 * x
    h.register_hook(lambda g: g * 0 + 1)
    y = h * h
    return y if isinstance(y, Value) else y.sum()


def with_hook_on_what_it_is_given(x):
    x.register_hook(lambda g: g * 10)
    y = x * x
    return y if isinstance(y, Value) else y.sum()


def with_hook_that_is_removed(x):
    h = 3.0 * x
    h.register_hook(lambda g: g * 0)()
    y = h * h
    return y if isinstance(y, Value) else y.sum()


@pytest.mark.parametrize("function", [square_of_hooked, with_hook_on_what_it_is_given, with_hook_that_is_removed])
@pytest.mark.parametrize("make", [lambda: Value(2.0), lambda: Tensor([1.0, 2.0])], ids=["Value", "Tensor"])
def test_a_hook_registered_inside_is_called_in_each_call(function, make):
    with pytest.warns(UserWarning, match="registers a gradient hook"):
        eager, compiled = hooked_and_eager(function, make)
    assert eager == compiled


def test_a_hook_in_the_path_that_is_taken_later():
    w = Tensor([1.0, 2.0])

    def f(x, clip):
        h = w * x
        if clip:
            h.register_hook(lambda g: np.clip(g, -1, 1))
        return (h * h).sum()

    step = warm(f, np.ones(2), False)
    assert step.replays == 1
    with pytest.warns(UserWarning, match="registers a gradient hook"):
        found = [gradients(step(np.ones(2), True), w)[0].tolist() for _ in range(3)]
    assert found == [[1.0, 1.0]] * 3


def test_a_hook_registered_inside_no_grad():
    w = Value(3.0)

    def f(x):
        with no_grad():
            w.register_hook(lambda g: g * 10)
        return w * x

    step = compile(f, backend="numpy")
    with pytest.warns(UserWarning, match="registers a gradient hook"):
        assert [gradients(step(1.0), w) for _ in range(3)] == [[10.0], [100.0], [1000.0]]


@pytest.mark.parametrize("make", [lambda: Value(2.0), lambda: Tensor([2.0])], ids=["Value", "Tensor"])
def test_hooks_registered_outside_are_called_by_replays(make):
    w = make()
    h = w * 2.0  # a result from outside
    h.register_hook(lambda g: g * 10)
    step = warm(lambda x: (h * x) if isinstance(h, Value) else (h * x).sum(), 1.0)
    w.register_hook(lambda g: g + 1)
    assert gradients(step(3.0), w) == [61.0]
    assert step.replays == 2


def test_vmap_refuses_a_hook_inside():
    with pytest.raises(ValueError, match="registers a gradient hook, which lanes don't call"):
        vmap(square_of_hooked, backend="numpy")([1.0, 2.0])


# -- containers, namespaces and arrays, however deep ---------------------------------------------------------------


class Numbers(list):
    """A list with attributes."""


class Settings(dict):
    """A dict whose keys are its attributes: a known idiom."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.__dict__ = self


def array_of(thing):
    """An array of one object."""
    x = np.empty(1, object)
    x[0] = thing
    return x


def deep_surroundings():
    """Name, a place from which a factor is read, and how it is changed to 5."""
    for name, make in (
        ("OrderedDict", lambda x: OrderedDict(k=x)),
        ("defaultdict", lambda x: defaultdict(list, k=x)),
        ("dict with attributes", lambda x: Settings(k=x)),
        ("mapping proxy", lambda x: types.MappingProxyType({"k": x})),
        ("UserDict", lambda x: UserDict(k=x)),
        ("dict in an OrderedDict in a deque", lambda x: deque([OrderedDict(k=x)])[0]),
    ):
        for kind, x in (("list", [2.0]), ("array", np.array([2.0]))):
            held = make(x)
            yield f"{kind} in {name}", lambda held=held: held["k"][0], lambda x=x: operator.setitem(x, 0, 5.0)
    for name, make in (
        ("deque", lambda x: deque([x])),
        ("namedtuple", lambda x: Pair(x, None)),
        ("list's child", lambda x: Numbers([x])),
        ("array of objects", array_of),
        ("list in a tuple in a list", lambda x: [([x],)][0][0]),
    ):
        for kind, x in (("list", [2.0]), ("array", np.array([2.0]))):
            held = make(x)
            yield f"{kind} in {name}", lambda held=held: held[0][0], lambda x=x: operator.setitem(x, 0, 5.0)
    for name, space in (
        ("SimpleNamespace", types.SimpleNamespace()),
        ("argparse's Namespace", argparse.Namespace()),
        ("list's child", Numbers()),
    ):
        space.k = 2.0
        yield f"attribute of {name}", lambda space=space: space.k, lambda space=space: setattr(space, "k", 5.0)
    spaces = {"inner": [types.SimpleNamespace(k=2.0)]}
    yield "namespace in a list", lambda: spaces["inner"][0].k, lambda: setattr(spaces["inner"][0], "k", 5.0)
    for buffer in (bytearray([2]), array("d", [2.0]), array("d", [2.0, math.nan])):
        yield type(buffer).__name__, lambda b=buffer: float(b[0]), lambda b=buffer: operator.setitem(b, 0, 5)
    ring = [2.0]
    ring.append({"around": ring})
    yield "list that is inside of itself", lambda: ring[1]["around"][0], lambda: operator.setitem(ring, 0, 5.0)
    order = OrderedDict(a=2.0, b=5.0)
    yield "order", lambda: next(iter(order.values())), lambda: order.move_to_end("a")
    package, inner = types.ModuleType("package"), types.ModuleType("package.inner")
    package.inner, inner.package, inner.k = inner, package, 2.0
    yield "module in a package", lambda: package.inner.package.inner.k, lambda: setattr(inner, "k", 5.0)
    key = Plain(k=2.0)
    table = {key: 1.0}
    yield "object that is a key", lambda: next(iter(table)).k, lambda: setattr(key, "k", 5.0)
    big = {"numbers": [0.0] * 30_000, "k": [2.0]}
    yield "list beside a long one", lambda: big["k"][0], lambda: operator.setitem(big["k"], 0, 5.0)
    world = {"k": 2.0}
    exec("def read(many=[0.0] * 30_000): return k", world)
    yield "global beside a long default", world["read"], lambda: operator.setitem(world, "k", 5.0)


@pytest.mark.parametrize(
    "make", [lambda: dict(enumerate([1.0] * 30_000)), lambda: [1.0] * 30_000], ids=["dict", "list"]
)
def test_a_large_container_is_known_by_its_identity(make):
    w, many = Value(3.0), make()
    step = warm(lambda x: w * x * many[7], 1.0)
    assert (step.replays, step.why_not) == (1, "")
    many = make()
    many[7] = 5.0
    assert step(1.0).data == 15.0


@pytest.mark.parametrize(
    ("read", "change"), [case[1:] for case in deep_surroundings()], ids=[case[0] for case in deep_surroundings()]
)
def test_what_is_deep_inside_of_what_is_around_may_change(read, change):
    w = Value(3.0)
    step = warm(lambda x: w * x * read(), 1.0)
    assert (step.replays, step.why_not) == (1, "")  # it was replayed, and will be again
    assert step(2.0).data == 12.0
    assert step.replays == 2
    change()
    assert [step(1.0).data for _ in range(3)] == [15.0] * 3
    assert (step.replays, step.why_not) == (3, "")


def test_what_an_object_keeps_for_itself_may_change():
    class Remembers(nn.Module):
        def __init__(self):
            self.w, self._last, self._calls = Tensor([3.0, 4.0]), np.zeros(2), deque()

        def forward(self, x):
            self._last = np.ones(2)
            self._calls.append(1)
            return (self.w * x).sum()

    model = Remembers()
    step = compile(model.forward)
    assert [step(np.ones(2)).item() for _ in range(3)] == [7.0] * 3
    assert not step.why_not


@pytest.mark.parametrize("join", [lambda x: [x, x], lambda x: {"a": x, "b": x}], ids=["lists", "dicts"])
def test_what_is_shared_again_and_again_is_too_large_to_be_looked_into(join):
    """A hundred levels that each hold the one below twice: 2 to the power of 100 things, if one went through them."""
    shared = [1.0]
    for _ in range(100):
        shared = join(shared)
    step = compile(lambda x: x * len(shared))
    assert [step(Value(2.0)).data for _ in range(4)] == [4.0] * 4
    assert step.replays == 2
