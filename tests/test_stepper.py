"""The stepper: its sentences, its block in a notebook, and its page in a real browser."""

import html
import json
import math
import os
import random
import re
import select
import shutil
import subprocess
import sys
import time
from xml.etree import ElementTree

import pytest

from micrograd_plus import Tensor, Unary, Value, exp, log, relu, sigmoid, where
from micrograd_plus.engine.ops import TABLE
from micrograd_plus.explain.steps import trace_backward
from micrograd_plus.nn import MLP, Neuron
from micrograd_plus.viz import stepper as room
from micrograd_plus.viz.layout import LayoutUnavailable
from micrograd_plus.viz.stepper import step_through
from micrograd_plus.viz.walk import number

EVIL = [
    '"><script>window.hacked=1;alert(1)</script>',
    "</script><img src=x onerror=alert(2)>",
    r"\N{a|b}",
    "<!--'`${1}",
]


def tanh_of_a_line():
    a, b, c = Value(2.0, label="a"), Value(-3.0, label="b"), Value(10.0, label="c")
    return (a * b + c).tanh()


def twice():
    a = Value(3.0, label="a")
    return a + a


def neuron_with_loss():
    random.seed(4)
    neuron, x = Neuron(2), [Value(1.0), Value(-2.0)]
    out = neuron(x)
    loss = (out - 1) ** 2
    return loss, {"neuron": neuron, "x": x, "out": out, "loss": loss}


def network_with_loss(shape=(2, 1)):
    random.seed(4)
    model, x = MLP(2, list(shape)), [Value(1.0), Value(-2.0)]
    out = model(x)
    loss = (out - 1) ** 2
    return loss, {"model": model, "x": x, "out": out, "loss": loss}


def graph_of_30():
    total, x = Value(0.5, label="start"), Value(0.7, label="x")
    for i in range(7):
        total = (total * Value(0.3 * i - 0.8, label=f"w{i}") + x).tanh()
    root = total**2
    return root


def tensors():
    W = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, label="W")
    b = Tensor([0.5, 1.0], requires_grad=True, label="b")
    return ((Tensor([[1.0, 2.0]]) @ W + b).tanh() ** 2).sum()


# ---- what is said ------------------------------------------------------------------------------------------------


def test_a_plus_a_says_why_its_gradient_is_two():
    given, computed, seed, first, second, done = step_through(twice()).steps
    assert given.startswith("a = 3. These are given.")
    assert computed == "a + a = 3 + 3 = 6."
    assert seed.startswith("(a + a).grad = ∂(a + a)/∂(a + a) = 1. Backward starts at the result")
    assert "a is used in 2 places: this is the first of 2 gradients" in first
    assert "∂(a + a)/∂(second a) × (a + a).grad = 1 × 1 = 1" in second
    assert "a is used in 2 places, and each one counts. The second gradient is added: 1 + 1 = 2." in second
    assert done.startswith("Done: a.grad = 2. So when a changes a little, (a + a) changes 2 times as much.")


def test_forward_reads_as_it_is_written_and_backward_goes_edge_by_edge():
    steps = step_through(tanh_of_a_line()).steps
    assert [s.partition(" = ")[0] for s in steps[1:4]] == ["a*b", "a*b + c", "tanh(a*b + c)"]
    assert steps[1] == "a*b = 2 × -3 = -6."
    assert steps[3] == "tanh(a*b + c) = tanh(4) = 0.9993."
    chain = (
        "When a changes a little, (a*b) changes -3 times as much, and tanh(a*b + c) 0.001341 times as much as (a*b)."
    )
    (step,) = [s for s in steps if s.startswith("a.grad += ∂(a*b)/∂a × (a*b).grad = -3 × 0.001341 = -0.004023.")]
    assert f"∂(a*b)/∂a = b = -3. {chain}" in step
    assert "tanh is nearly flat here" in next(s for s in steps if s.startswith("(a*b + c).grad"))
    assert len(steps) == 1 + 3 + 1 + 5 + 1


@pytest.mark.parametrize("make", [tanh_of_a_line, twice, graph_of_30, lambda: neuron_with_loss()[0]])
def test_backward_steps_begin_as_trace_backward_says_them(make):
    """Two ways to read one pass: the stepper adds reasons, but the calculation is the same."""
    root = make()
    trace = trace_backward(root)
    steps = [s for s in step_through(root, per="edge").steps if ".grad += " in s]
    assert len(steps) == len(trace)
    for step, record in zip(steps, trace, strict=True):
        numbers = " × ".join(number(float(x)) for x in (record.slope, record.upstream))
        assert f" = {numbers} = {number(float(record.product))}" in step


def test_the_numbers_are_those_of_backward_and_the_graph_stays_as_it_is():
    loss, names = network_with_loss()
    loss.backward()
    grads = {id(node): node.grad for node in names["model"].parameters()}
    walk = step_through(loss, names)._walk
    assert [walk.numbers["grad"][k] for k in walk.leaves] == [walk.nodes[k].grad for k in walk.leaves]
    assert walk.numbers["data"] == [node.data for node in walk.nodes]
    assert grads == {id(node): node.grad for node in names["model"].parameters()}
    assert step_through(loss, names).steps == step_through(loss, names).steps  # leaves don't accumulate here


def test_names_of_modules_stand_beside_the_step_and_long_expressions_are_short():
    loss, names = network_with_loss()
    walk = step_through(loss, names)._walk
    moments = {walk.filled(m.main): m for m in walk.moments}
    modules = {m.module for m in moments.values()}
    assert {"", "layers.0.neurons.0", "layers.0.neurons.1", "layers.1.neurons.0"} <= modules
    assert not any("layers." in text for text in list(moments)[1:-1])  # short names in the sentences
    assert next(iter(moments)) == "x[0] = 1, x[1] = -2, and 9 parameters"
    assert list(moments)[-1].startswith("Done: layers.1.neurons.0.b.grad = ")
    assert list(moments)[-1].endswith(", and 8 more")
    assert any("sum(…).grad" in text for text in moments)


def test_where_nothing_passes_it_says_so():
    x = Value(-2.0, label="x")
    steps = step_through(relu(x * 3) * 2).steps
    assert "The ReLU is off: nothing passes." in next(s for s in steps if s.startswith("(x*3).grad"))
    assert "But nothing arrives at (x*3), so nothing passes." in next(s for s in steps if s.startswith("x.grad"))
    steps = step_through(TABLE["sign"](x) + x).steps
    assert "Here sign(x) doesn't change with x at all." in next(s for s in steps if "∂sign(x)/∂x" in s)


def test_leaves_without_a_name_get_one():
    steps = step_through(Value(2.0) * Value(3.0) + Value(1.0)).steps
    assert steps[0].startswith("leaf1 = 2, leaf2 = 3, leaf3 = 1.")
    assert steps[1] == "leaf1*leaf2 = 2 × 3 = 6."


def test_numbers_that_need_no_gradient():
    a, c = Value(2.0, label="a"), Value(5.0, label="c", requires_grad=False)
    steps = step_through(a * c).steps
    assert [s for s in steps if ".grad += " in s] == [s for s in steps if s.startswith("a.grad += ")]
    assert steps[-1].startswith("Done: a.grad = 5. ")


def test_how_numbers_and_operations_are_written():
    a = Value(-3.0, label="a")
    assert step_through(a**2).steps[1] == "a**2 = (-3)**2 = 9."
    assert step_through(-a).steps[1] == "-a = -(-3) = 3."
    assert "∂(a**2)/∂a = 2 * a = -6." in step_through(a**2).steps[3]
    assert step_through(TABLE["sum"]([a, a, 1])).steps[1].endswith("= -3 + -3 + 1 = -5.")
    assert step_through(TABLE["sum"]([a] * 20)).steps[1].endswith("= 20 numbers added up = -60.")
    assert step_through(log(Value(0.0, label="z"))).steps[1] == "log(z) = log(0) = -inf."
    assert (number(-0.0), number(1e-5), number("2×2: 1")) == ("0", "1e-05", "2×2: 1")


def test_data_changed_after_the_pass_is_told_and_not_recomputed():
    a = Value(2.0, label="a")
    y = a * a + 3
    a.data = 7
    walk = step_through(y)
    assert walk.steps[1].startswith("a*a = 4. That was computed before a .data was changed")
    assert "2 + 2 " not in walk.steps[1]
    assert walk.steps[-1].startswith("Done: a.grad = 4.")
    assert "some .data was changed" in walk._walk.why_not


def test_data_changed_so_that_only_a_slope_is_another_is_told_too():
    a = Value(2.0, label="a")
    y = a * a
    a.data = -2.0
    walk = step_through(y, {"y": y})
    assert walk.steps[1].startswith("y = a*a = 4. That was computed before a .data was changed")
    assert "∂y/∂(first a) = 2, taken in the forward pass (.data was changed since). When" in walk.steps[3]
    assert "a = -2." not in walk.steps[3]
    assert "some .data was changed" in walk._walk.why_not


def test_one_step_a_node_above_60_nodes_and_on_request():
    loss, names = network_with_loss((6, 3, 1))
    large = step_through(loss, names)
    assert len(large._walk.nodes) > 60
    assert any("passes its gradient" in s for s in large.steps)
    small = step_through(tanh_of_a_line(), per="node").steps
    assert (
        "(a*b + c) passes its gradient 0.001341 back to (a*b), c. (a*b).grad += 1 × 0.001341 = 0.001341; " in small[6]
    )
    assert "Gradients add up. a: 1 + 1 = 2." in " ".join(step_through(twice(), per="node").steps)
    assert len(step_through(loss, names, per="edge").steps) > len(large.steps)


def test_a_graph_of_tensors_is_told_with_shapes():
    walk = step_through(tensors())
    assert any("W.grad += " in s and "shape (2, 2)" in s for s in walk.steps)
    assert "arrays can't be changed" in walk._walk.why_not
    assert walk.steps[0].startswith("leaf1 = 1×2: [[1, 2]], W = 2×2")
    assert ">grad [" in walk.still()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"root": 3.0}, TypeError, "a graph is read from its result"),
        ({"root": Value(1.0, requires_grad=False)}, RuntimeError, "no backward pass"),
        ({"root": twice(), "theme": "pink"}, ValueError, "theme is one of 'auto', 'light', 'dark', not 'pink'"),
        ({"root": twice(), "engine": "nothing"}, ValueError, "engine is one of 'auto', .* not 'nothing'"),
        ({"root": twice(), "limit": -1}, ValueError, "limit is a number of seconds above 0.* got -1"),
        ({"root": twice(), "limit": "soon"}, ValueError, "limit is a number of seconds above 0.* got 'soon'"),
        ({"root": twice(), "per": "layer"}, ValueError, "per is 'edge'.*not 'layer'"),
        ({"root": twice(), "play_seconds": 0}, ValueError, "play_seconds is how long .* got 0"),
        ({"root": twice(), "names": [1]}, TypeError, "names is a dict"),
        ({"root": Tensor([1.0, 2.0], requires_grad=True)}, ValueError, "one number"),
    ],
)
def test_what_it_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        step_through(**arguments)


def test_a_large_graph_is_refused_with_the_way_out_however_deep_it_is():
    y = a = Value(1.0)
    for _ in range(50_000):
        y = y + a
    with pytest.raises(ValueError, match=r"50,001 nodes.*more than 400.*take one sample.*draw\(root\)"):
        step_through(y)


# ---- the block in a notebook -----------------------------------------------------------------------------------------


def test_the_block_is_a_still_image_and_then_a_frame_and_needs_nothing_from_outside():
    walk = step_through(tanh_of_a_line())
    bundle = walk._repr_mimebundle_()
    block = bundle["text/html"]
    assert 0 < block.index('src="data:image/svg+xml;base64,') < block.index("<iframe")
    assert "<script" not in block.partition("<iframe")[0]
    assert bundle["text/plain"].splitlines()[1] == "2. a*b = 2 × -3 = -6."
    assert "8. c.grad += ∂(a*b + c)/∂c × (a*b + c).grad = 1 × 0.001341 = 0.001341.\n" in bundle["text/plain"]
    assert "Done: a.grad = -0.004023" in html.unescape(block.partition(">")[2].partition(">")[0])  # the alt text
    page = walk.html()
    assert html.unescape(re.search(r'srcdoc="([^"]*)"', block)[1]) == page
    addresses = set(re.findall(r"https?:[^\s\"'<>)]+", page))
    assert addresses == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}  # names of SVG, never loaded
    assert not re.search(r"\bfetch\(|XMLHttpRequest|import\(|@import|WebSocket|<link|<script src", page)


def test_the_still_image_shows_the_end():
    still = step_through(tanh_of_a_line()).still()
    for text in ("data 0.9993", "grad 1<", "grad -0.004023", ">-3</text>", ">0.001341</text>"):
        assert text in still
    assert re.search(r'<rect fill="#ffffff" [^>]*rx="10"/>', still)
    assert "0000000" not in still  # no box is left as it was laid out
    ElementTree.fromstring(still)


def powers_and_sums():
    """31 nodes, of which each is used twice or more; a wide picture, with long names."""
    nodes = [Value(x) for x in (2.0, -1.0, 0.5, 3.0)]
    for i in range(27):
        nodes.append(nodes[-1] + nodes[-2] if i % 2 else nodes[-1] * nodes[-3])
    return nodes[-1]


@pytest.mark.parametrize("graph", [graph_of_30, powers_and_sums, lambda: network_with_loss((3, 1))[0]])
def test_thirty_nodes_are_saved_in_less_than_125_kb(graph):
    walk = step_through(graph())
    assert 29 <= len(walk._walk.nodes) <= 36
    saved = json.dumps(walk._repr_mimebundle_()).encode()
    print(f"{len(walk._walk.nodes)} nodes: {len(saved):,} bytes")
    assert len(saved) < 125_000


def test_without_a_layout_the_sentences_are_shown_and_the_reason():
    walk = step_through(twice(), engine="text")
    bundle = walk._repr_mimebundle_()
    assert "<ol><li>a = 3." in bundle["text/html"]
    assert bundle["text/plain"].startswith("1. a = 3.")
    assert "engine='auto'" in bundle["text/plain"]
    with pytest.raises(LayoutUnavailable):
        walk.html()
    evil = step_through(Value(1.0, label=EVIL[0]) * 2, engine="text")._repr_mimebundle_()["text/html"]
    assert "<script" not in evil
    assert repr(walk) == str(walk) == "Stepper(6 steps over 2 nodes)"


def test_whatever_fails_the_sentences_are_shown(monkeypatch):
    def fails(*args, **kwargs):
        raise ImportError("no graphviz")

    monkeypatch.setattr(room, "digraph", fails)
    bundle = step_through(twice())._repr_mimebundle_()
    assert "ImportError: no graphviz" in bundle["text/plain"]
    assert "<ol><li>a = 3." in bundle["text/html"]


def test_a_long_walk_has_its_first_lines_as_text():
    lines = step_through(graph_of_30())._repr_mimebundle_()["text/plain"].splitlines()
    count = len(step_through(graph_of_30()).steps)
    assert lines[19].startswith("20. ")
    assert lines[20:] == [f"… {count - 20} more steps"]


def test_the_still_image_draws_frames_and_lines_without_a_style_sheet():
    loss, names = network_with_loss()
    still = step_through(loss, names).still()
    assert '<path fill="#f7f8fa" stroke="#6a737d"' in still, "a frame keeps its own colours"
    assert ":is(path,polyline):not([stroke]){fill:none;" in still


def test_names_that_are_long_or_that_no_file_can_hold(tmp_path):
    walk = step_through(Value(2.0, label="x" * 500) * Value(3.0, label="\ud800"))
    assert "x" * 199 + "…" in walk.html()
    assert "x" * 201 not in walk.html() + json.dumps(walk._repr_mimebundle_())
    walk.save(tmp_path / "walk.html")
    walk._repr_mimebundle_()["text/html"].encode()
    with pytest.raises(TypeError, match=r"save needs the name of a file, such as 'walk\.html'; got None"):
        walk.save(None)


def test_save_writes_a_page(tmp_path):
    path = tmp_path / "walk.html"
    assert step_through(twice()).save(path) is None, "a notebook would show what is returned"
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    with pytest.raises(ValueError, match=r"should end in \.html"):
        step_through(twice()).save(tmp_path / "walk.png")


def test_in_an_executed_notebook(tmp_path):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    code = (
        "from micrograd_plus import Value\nfrom micrograd_plus.viz.stepper import step_through\n"
        "a = Value(3.0)\nstep_through(a + a, locals())"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    with_ours = os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute(
        cwd=str(tmp_path), env=os.environ | {"PYTHONPATH": with_ours}
    )
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "execute_result"
    block = "".join(output.data["text/html"])
    assert block.index("data:image/svg+xml") < block.index("<iframe")
    assert "The second gradient is added" in output.data["text/plain"]


# ---- the page in a browser ----------------------------------------------------------------------------------------


class Browser:
    """A headless Chromium, spoken to in its DevTools protocol through a pipe: real keys, clicks, and every request."""

    def __init__(self, program, profile):
        import fcntl  # not on Windows

        flags = (
            "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
            f"--disable-component-update --disable-sync --remote-debugging-pipe --user-data-dir={profile}"
        ).split()
        pairs = [os.pipe(), os.pipe()]
        # The browser reads from its file 3 and writes to its file 4.
        (to_read, self.write), (self.read, to_write) = [[fcntl.fcntl(f, fcntl.F_DUPFD, 10) for f in p] for p in pairs]
        for f in (f for pair in pairs for f in pair):
            os.close(f)
        start = f"import os, sys; os.dup2({to_read}, 3); os.dup2({to_write}, 4); os.execvp(sys.argv[1], sys.argv[1:])"
        command = [sys.executable, "-c", start, program, *flags]
        self.process = subprocess.Popen(command, pass_fds=(to_read, to_write), stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.buffer, self.count, self.events, self.session = b"", 0, [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.write)
        os.close(self.read)

    def _receive(self, seconds=60.0):
        end = time.monotonic() + seconds
        while b"\0" not in self.buffer:
            if not select.select([self.read], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            piece = os.read(self.read, 1 << 20)
            if not piece:
                raise EOFError("the browser has gone")
            self.buffer += piece
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def call(self, method, **params):
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self.count:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def open(self, path, width=1000, height=800, dark=False, still=True):
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ]
        self.call("Emulation.setEmulatedMedia", features=features)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Page.navigate", url="about:blank")
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        while not any(e["method"] == "Page.loadEventFired" for e in self.events):
            self.events.append(self._receive())
        self.run("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")  # the first arrangement

    def run(self, script):
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def key(self, key, times=1):
        text = {"text": " "} if key == " " else {}
        code = {" ": 32, "ArrowRight": 39, "ArrowLeft": 37, "Home": 36, "End": 35, "Enter": 13, "Tab": 9}[key]
        for _ in range(times):
            self.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def click(self, selector, **more):
        x, y = self.run(
            f"(() => {{ const e = document.querySelector({selector!r}); e.scrollIntoView({{block: 'nearest'}});"
            "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1, **more)

    def drag(self, start, end):
        mouse = lambda kind, at, **more: self.call("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], **more)
        mouse("mousePressed", start, button="left", clickCount=1)
        mouse("mouseMoved", ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), button="left", buttons=1)
        mouse("mouseMoved", end, button="left", buttons=1)
        mouse("mouseReleased", end, button="left", clickCount=1)

    def text(self, selector):
        return self.run(f"document.querySelector({selector!r}).textContent")

    def complaints(self):
        """Console messages, errors and dialogs so far, and requests for anything but the page itself."""
        bad = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening")
        found = [e for e in self.events if e["method"] in bad]
        for e in self.events:
            if e["method"] == "Network.requestWillBeSent" and not e["params"]["request"]["url"].startswith(
                ("file:", "data:")
            ):
                found.append(e)
        return found


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None or sys.platform == "win32":
        pytest.skip("no Chromium here to open the page in")
    started = Browser(program, tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


@pytest.fixture
def shown(browser, tmp_path):
    """Opens a stepper's page; at the end, nobody has complained."""

    def show(walk, **how):
        walk.save(tmp_path / "walk.html")
        browser.open(tmp_path / "walk.html", **how)
        return browser

    yield show
    assert browser.complaints() == []


SENTENCE = "[...document.querySelectorAll('.sentence p')].map(p => p.textContent).filter(Boolean)"


def said(browser):
    """The sentences on the page, as `.steps` has them."""
    texts = [text.replace("\u00a0", " ") for text in browser.run(SENTENCE)]
    return " ".join(text if text.endswith(".") else f"{text}." for text in texts)


def test_the_page_says_what_python_says_at_every_step(shown):
    loss, names = neuron_with_loss()
    walk = step_through(loss, names)
    browser = shown(walk)
    for i, sentence in enumerate(walk.steps, start=1):
        assert said(browser) == sentence
        assert browser.text(".count") == f"step {i} of {len(walk.steps)}"
        told = browser.run("document.querySelector('.slider').getAttribute('aria-valuetext')")
        assert told.replace("\u00a0", " ").endswith(sentence)
        browser.key("ArrowRight")
    assert said(browser) == walk.steps[-1]  # the last arrow key changes nothing


def rows(browser, k):
    return browser.run(f"[...document.querySelectorAll('#v{k} > text')].map(t => t.textContent)")


def test_numbers_appear_as_they_are_computed_and_gradients_as_they_arrive(shown):
    browser = shown(step_through(twice()))
    a, total = 0, 1
    assert rows(browser, a) == ["a", "data 3", ""]
    assert rows(browser, total) == ["a + a", "data ?", ""]
    assert browser.run("getComputedStyle(document.querySelector('#e1_0 text')).visibility") == "hidden"
    browser.key("ArrowRight")
    assert rows(browser, total)[1:] == ["data 6", ""]
    browser.key("ArrowRight")
    assert rows(browser, total)[2] == "grad 1"
    assert rows(browser, a)[2] == "grad 0"
    browser.key("ArrowRight")
    assert rows(browser, a)[2] == "grad 1"
    assert browser.run("getComputedStyle(document.querySelector('#e1_0 text')).visibility") == "visible"
    assert browser.run("document.querySelector('#v0 .badge').hasAttribute('hidden')")
    browser.key("ArrowRight")
    assert rows(browser, a)[2] == "grad 2"
    assert not browser.run("document.querySelector('#v0 .badge').hasAttribute('hidden')")
    assert browser.run("document.querySelector('#v0').classList.contains('adds-up')")
    assert browser.run("document.querySelector('#v0').getAttribute('aria-label')") == "a, input, data 3, grad 2"
    browser.key("ArrowLeft", times=3)  # and back again
    assert rows(browser, a) == ["a", "data 3", ""]


def test_buttons_slider_keys_and_clicks(shown):
    walk = step_through(tanh_of_a_line())
    browser = shown(walk)
    step = lambda: int(browser.text(".count").split()[1])
    browser.click("[data-do=forward]")
    browser.click("[data-do=forward]")
    browser.click("[data-do=back]")
    assert step() == 2
    browser.click("[data-do=last]")
    assert step() == len(walk.steps)
    browser.click("[data-do=first]")
    assert step() == 1
    browser.run("document.querySelector('.slider').focus()")
    browser.key("ArrowRight")
    assert step() == 2  # once, not by the slider and the page both
    browser.key("End")
    assert step() == len(walk.steps)
    browser.key("Home")
    assert step() == 1
    browser.run("const s = document.querySelector('.slider'); s.value = 4; s.dispatchEvent(new Event('input'))")
    assert step() == 5
    k = next(k for k, node in enumerate(walk._walk.nodes) if node.label == "a")
    browser.click(f"#v{k}")
    assert said(browser).startswith("a.grad += ")
    browser.click(f"#v{k}")
    assert said(browser).startswith("a = 2, b = -3")  # from the start again
    browser.run(f"document.getElementById('v{len(walk._walk.nodes) - 1}').focus()")
    browser.key("Enter")
    assert said(browser).startswith("tanh(a*b + c) = ")
    browser.run("document.querySelector('[data-do=back]').focus()")
    browser.key(" ")
    assert said(browser).startswith("a*b + c = ")  # space presses the button that has the focus
    browser.key("ArrowRight")
    browser.run("document.querySelector('.inputs input').focus()")
    browser.key("ArrowLeft")
    assert said(browser).startswith("tanh(a*b + c) = ")  # in a number's field, arrows are the field's


def test_play_goes_to_the_end_and_pauses(shown):
    walk = step_through(twice(), play_seconds=0.05)
    browser = shown(walk)
    browser.run("document.body.focus()")
    browser.key(" ")
    assert browser.run("document.querySelector('.play').getAttribute('aria-label')") == "pause"
    until = time.monotonic() + 30
    while browser.run("document.querySelector('.play').getAttribute('aria-label')") == "pause":
        assert time.monotonic() < until
    assert browser.text(".count") == "step 6 of 6"
    browser.click(".play")  # from the start again
    browser.key(" ")  # the button has the focus: pressed once, and not twice
    assert browser.run("document.querySelector('.play').getAttribute('aria-label')") == "play"
    assert browser.text(".count") != "step 6 of 6"


def type_number(browser, label, text):
    browser.run(
        "(() => { const label = [...document.querySelectorAll('.inputs label')]"
        f".find(l => l.textContent === {label!r}); const input = label.querySelector('input'); input.value = {text!r};"
        "input.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def test_changed_numbers_are_recomputed_as_python_would(shown):
    """The sentences at every step are those of a walk through the same formula on the new numbers."""

    def formula(a, b):
        a, b = Value(a, label="a"), Value(b, label="b")
        y = relu(a * b) + (a - 1) ** 2 / b + sigmoid(a * a) - where(relu(a), exp(b / 9), a) * TABLE["sum"]([a, b, 3])
        return y.tanh() * b

    walk = step_through(formula(0.4, -3.0), per="edge")
    browser = shown(walk)
    for a, b in [(-0.7, -0.25), (1e-9, 12345.5), (0.4, 0.001)]:
        type_number(browser, "a", repr(a))
        type_number(browser, "b", repr(b))
        browser.key("Home")
        for sentence in step_through(formula(a, b), per="edge").steps:
            assert said(browser) == sentence
            browser.key("ArrowRight")
    assert not browser.run("[...document.querySelectorAll('.inputs button')].at(-1).disabled")
    browser.click(".inputs button")
    browser.key("End")
    assert said(browser) == walk.steps[-1]


def test_a_number_that_is_none_changes_nothing(shown):
    walk = step_through(twice())
    browser = shown(walk)
    type_number(browser, "a", "")
    browser.key("End")
    assert said(browser) == walk.steps[-1]
    assert browser.run("document.querySelector('.inputs input').getAttribute('aria-invalid')") == "true"
    assert rows(browser, 0)[1] == "data 3"


def test_where_rules_cant_be_javascript_the_page_says_why(shown):
    hard = Unary("hard", lambda x: 1.0 if x > 0 else math.sin(x), lambda y, x: 0.5)
    walk = step_through(hard(Value(2.0, label="a")))
    browser = shown(walk)
    assert browser.run("document.querySelectorAll('.inputs input').length") == 0
    assert "`hard`: this rule can't be written as one expression" in browser.text(".note")
    browser.key("End")
    assert said(browser) == walk.steps[-1]


def test_tensors_are_stepped_through_too(shown):
    walk = step_through(tensors())
    browser = shown(walk)
    for sentence in walk.steps:
        assert said(browser) == sentence
        browser.key("ArrowRight")
    assert browser.run("document.querySelectorAll('.inputs input').length") == 0


@pytest.mark.parametrize("label", EVIL)
def test_a_learners_text_is_text_everywhere(label, shown):
    a, b = Value(2.0, label=label), Value(3.0, label="b")
    walk = step_through((a * b + a).tanh())
    browser = shown(walk)
    for sentence in walk.steps:
        assert said(browser) == sentence
        browser.key("ArrowRight")
    assert browser.run(
        f"[...document.querySelectorAll('.node > text')].some(t => t.textContent.startsWith({label[:20]!r}))"
    )
    assert browser.run("document.querySelector('.inputs label').textContent") == label
    assert browser.run("[window.hacked === undefined, document.images.length, document.scripts.length]") == [True, 0, 1]


GRID = [
    0.0, -0.0, 1.0, -1.0, 0.5, 9.9995, 9.99949999, 99995.0, 9999.5, 9998.5, 10005.0, 10015.0, 1.0625, 1.0635, 1.00005,
    0.0001, 0.00009999, 0.000099995, 0.00012345, 1234.5, 1235.5, 12345.5, 1e22, 1e-300, -2.5e-8, 5e-324, 1.7e308,
    math.pi, math.inf, -math.inf, math.nan, 0.1 + 0.2, 2**-20, 1.5 * 2.0**-10, 123.45, 0.03125, 1e5, 1e100, -99999.5,
]  # fmt: skip


def test_numbers_are_written_as_python_writes_them(shown):
    rng = random.Random(0)
    many = GRID + [rng.uniform(-1, 1) * 10.0 ** rng.randint(-12, 12) for _ in range(400)]
    many += [n / 2.0**k for k in range(0, 16, 3) for n in range(1, 40_000, 557)]  # many lie exactly half way
    source = re.search(r"function format\(x\).*?(?=  const shown)", room._file("stepper.js"), re.DOTALL)[0]
    browser = shown(step_through(twice()))
    literals = ",".join(repr(x).replace("inf", "Infinity").replace("nan", "NaN") for x in many)
    found = browser.run(f"(() => {{ {source}; return [{literals}].map(format); }})()")
    assert found == [f"{x:.4g}" for x in many]


def test_dark_and_light(shown):
    colour = "getComputedStyle(document.body).backgroundColor"
    walk = step_through(twice())
    assert shown(walk).run(colour) == "rgb(255, 255, 255)"
    assert shown(walk, dark=True).run(colour) == "rgb(22, 25, 29)"
    assert shown(step_through(twice(), theme="dark")).run(colour) == "rgb(22, 25, 29)"
    assert shown(step_through(twice(), theme="light"), dark=True).run(colour) == "rgb(255, 255, 255)"


def test_motion_is_for_those_who_want_it(shown):
    animation = "getComputedStyle(document.querySelector('#e1_0 path')).animationName"
    for still, expected in ((True, "none"), (False, "flow-back")):
        browser = shown(step_through(twice()), still=still)
        browser.key("ArrowRight", times=3)
        assert browser.run(animation) == expected


VIEW = "document.querySelector('.view > svg').getAttribute('viewBox').split(' ').map(Number)"
IN_VIEW = """(() => {
    const v = document.querySelector('.view > svg').getBoundingClientRect();
    return [...document.querySelectorAll('.node.receives-now, .node.computed-now')].map(n => {
        const r = n.querySelector('polygon').getBoundingClientRect();
        return r.left >= v.left - 3 && r.right <= v.right + 3 && r.top >= v.top - 3 && r.bottom <= v.bottom + 3; });
})()"""


def test_a_large_graph_is_shown_close_up_and_the_view_follows(shown):
    loss, names = network_with_loss((6, 3, 1))
    walk = step_through(loss, names)
    browser = shown(walk)
    size = browser.run("11 * document.querySelector('.view > svg').clientWidth / " + VIEW + "[2]")
    assert size >= 11  # pixels: letters that can be read
    browser.key("ArrowRight")
    seen = []
    for _ in walk.steps[1:-1]:
        seen.append(any(browser.run(IN_VIEW)))
        browser.key("ArrowRight")
    assert all(seen)
    before = browser.run(VIEW)
    x, y = browser.run(  # from the middle of a box
        "(() => { const seen = [...document.querySelectorAll('.node')].map(n => n.getBoundingClientRect())"
        ".find(r => r.x > 20 && r.x < 600 && r.y > 20 && r.y < 350); return [seen.x + 30, seen.y + 30]; })()"
    )
    browser.drag((x, y), (x + 120, y + 40))
    after = browser.run(VIEW)
    assert after[0] < before[0] - 50 or after[1] < before[1] - 20
    assert browser.text(".count") == f"step {len(walk.steps)} of {len(walk.steps)}"  # a drag is no click
    browser.click("[data-do=in]")
    assert browser.run(VIEW)[2] < after[2]
    browser.click("[data-do=all]")
    assert browser.run(VIEW)[2] > 2 * after[2]
    assert all(browser.run("[...document.querySelectorAll('.node')].map(n => { const r = n.getBoundingClientRect(), v ="
                           "document.querySelector('.view').getBoundingClientRect();"
                           "return r.left >= v.left - 1 && r.right <= v.right + 1; })"))  # fmt: skip
    browser.call("Input.dispatchMouseEvent", type="mouseWheel", x=300, y=200, deltaX=0, deltaY=-200, modifiers=2)
    wide = browser.run("new Promise(done => setTimeout(() => done(" + VIEW + "), 100))")
    assert wide[2] < browser.run("TOLD.nodes.length") * 1000


def test_a_small_graph_is_shown_whole_and_close_up_in_a_narrow_window(shown):
    walk = step_through(tanh_of_a_line())
    assert shown(walk).run("document.querySelector('.zoom').hidden")
    browser = shown(walk, width=360)
    assert not browser.run("document.querySelector('.zoom').hidden")
    browser.key("ArrowRight", times=3)
    assert browser.run(IN_VIEW) == [True]
    assert browser.run("document.documentElement.scrollWidth <= 360")  # nothing sticks out


def test_in_a_notebook_the_frame_takes_the_images_place_and_has_its_height(browser, tmp_path):
    block = step_through(tanh_of_a_line())._repr_mimebundle_()["text/html"]
    page = tmp_path / "notebook.html"
    page.write_text(f'<body data-jp-theme-light="false">{block}', encoding="utf-8")
    browser.open(page)
    until = time.monotonic() + 30
    while browser.run("document.querySelector('iframe').offsetHeight") < 300:
        assert time.monotonic() < until
    assert browser.run("getComputedStyle(document.querySelector('img')).display") == "none"
    inside = "frames[0].document"
    assert browser.run(f"getComputedStyle({inside}.body).backgroundColor") == "rgb(22, 25, 29)"  # the notebook is dark
    fits = f"document.querySelector('iframe').offsetHeight >= {inside}.querySelector('.stepper').offsetHeight"
    assert browser.run(fits)
    assert browser.complaints() == []
    page.write_text(f"<body>{block.replace('<iframe', '<iframe sandbox')}", encoding="utf-8")  # no scripts: untrusted
    browser.open(page)
    assert browser.run("document.querySelector('img').complete && document.querySelector('img').naturalWidth > 300")
    assert browser.run("getComputedStyle(document.querySelector('img')).display") != "none"


def test_every_control_has_a_name_and_the_sentence_is_announced(shown):
    browser = shown(step_through(tanh_of_a_line()))
    named = "e => e.ariaLabel || e.textContent || e.labels?.[0]?.textContent"
    assert browser.run(f"[...document.querySelectorAll('button, input')].every({named})")
    assert browser.run("document.querySelector('.sentence').getAttribute('aria-live')") == "polite"
    assert browser.run("[...document.querySelectorAll('.node')].every(n => n.tabIndex === 0 && n.role === 'img')")
    assert (
        browser.run("document.querySelector('#v5').getAttribute('aria-label')")
        == "tanh(a*b + c), result, data not known yet"
    )
