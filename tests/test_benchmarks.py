"""The benchmarks: their statistics, their tables, the verdict of --check, and that all contenders do the same work."""

import doctest
import importlib
import inspect
import json
import math
import os
import platform
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import (
    __main__,
    against_micrograd,
    against_pytorch,
    capstone_steps,
    chain,
    check,
    drawing,
    gpt_block,
    growth,
    measure,
    plot,
    report,
)
from benchmarks.measure import Contender, Measured, Spread, in_turn
from benchmarks.report import Comparison

ROOT = Path(__file__).parent.parent
WORKS = [importlib.import_module(f"benchmarks.{module}") for module in __main__.WORKS.values()]


def comparison(times, **settings):
    """A comparison with made-up times."""
    measured = settings.pop("measured", Measured(times=times, losses={name: [1.0] for name in times}))
    settings = {"key": "toy", "title": "A toy", "about": "Of no use.", "against": ("slow",)} | settings
    return Comparison(measured=measured, **settings)


# ---- statistics ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [measure, report])
def test_the_examples(module):
    assert doctest.testmod(module).failed == 0


def test_a_spread_is_the_median_and_the_tenth_and_ninetieth_percentile():
    assert measure.spread(list(range(101))) == (50, 10, 90)
    assert measure.spread([3.0]) == (3.0, 3.0, 3.0)
    assert measure.spread([9.0, 1.0]).middle == 5.0


def test_a_ratio_is_taken_round_by_round():
    """A machine that is ten times slower in one round slows both."""
    assert measure.ratio([2.0, 20.0, 2.0], [1.0, 10.0, 1.0]) == (2.0, 2.0, 2.0)
    with pytest.raises(ValueError, match="zip"):
        measure.ratio([1.0, 2.0], [1.0])


def test_the_exponent_of_growth():
    sizes = [1e3, 1e4, 1e6]
    assert measure.exponent(sizes, [3 * n for n in sizes]) == pytest.approx(1)
    assert measure.exponent(sizes, [n**2 for n in sizes]) == pytest.approx(2)


def test_losses_are_compared_as_far_as_all_of_them_went():
    assert measure.disagreement({}) == 0
    assert measure.disagreement({"a": [4.0, 2.0], "b": [4.0], "c": [4.0, 2.0, 9.0]}) == 0
    assert measure.disagreement({"a": [4.0, 2.0], "b": [4.0, 1.0]}) == 0.5
    assert measure.disagreement({"a": [4.0], "b": [math.nan]}) == math.inf


# ---- taking turns ----------------------------------------------------------------------------------------------------


def counting(by):
    total = 0

    def step():
        nonlocal total
        total += by
        return total

    return step


def failing_at(n, how):
    count = counting(1)

    def step():
        if count() == n:
            how()
        return 1.0

    return step


def raising():
    raise ArithmeticError("too much\nof everything")


def dying():
    os._exit(3)


def test_contenders_take_turns_in_processes_of_their_own(monkeypatch):
    monkeypatch.setitem(measure.NEEDS, "nothing there", lambda: "not installed: `python -m pip install it`")
    contenders = [
        Contender("one", counting, (1,), warm_up=3),
        Contender("two", counting, (2,), warm_up=2),
        Contender("absent", counting, (1,), ("numpy?", "nothing there")),
        Contender("at once", failing_at, (1, raising)),
        Contender("dead", failing_at, (2, dying)),
        Contender("not made", failing_at, ()),
    ]
    monkeypatch.setitem(measure.NEEDS, "numpy?", lambda: None)
    found = in_turn(contenders, rounds=4, turn=0.001)
    assert list(found.times) == ["one", "two"]
    assert [len(times) for times in found.times.values()] == [4, 4]
    assert all(0 < seconds < 0.1 for times in found.times.values() for seconds in times)
    assert found.losses == {"one": [1, 2, 3], "two": [2, 4]}
    assert found.left_out == {"absent": "not installed: `python -m pip install it`"}
    assert found.failed["at once"] == "ArithmeticError: too much"
    assert found.failed["dead"] == "its process ended with code 3"
    assert found.failed["not made"].startswith("TypeError: failing_at() missing 2 required")


def test_the_time_is_that_of_a_unit(monkeypatch):
    found = in_turn([Contender("all", counting, (1,)), Contender("each", counting, (1,), units=10**9)], 2, turn=0.001)
    assert max(found.times["each"]) < min(found.times["all"]) * 1e-6


def test_one_thread_before_numpy_is_loaded():
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    program = f"import sys, os, benchmarks.__main__; print('numpy' in sys.modules, [os.environ[n] for n in {names}])"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.stdout.strip() == "False ['1', '1', '1']", run.stderr


# ---- peers that are not there ----------------------------------------------------------------------------------------


def test_a_missing_package_is_told_with_what_installs_it(monkeypatch):
    monkeypatch.setattr(measure.importlib.util, "find_spec", lambda name: None)
    for name in ("micrograd", "torch", "mygrad", "autograd", "numba"):
        assert re.fullmatch(rf"not installed: `python -m pip install {name}[=.0-9]*`", measure.missing((name,)))
    monkeypatch.setattr(measure.importlib.util, "find_spec", lambda name: object())
    assert measure.missing(("torch", "mygrad")) is None


def test_torch_compile_is_left_out_without_a_compiler(monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(measure.shutil, "which", lambda program: None)
    assert "needs a C++ compiler" in measure.missing(("C++",))
    monkeypatch.setattr(measure.shutil, "which", lambda program: program if program == "g++" else None)
    assert measure.missing(("C++",)) is None


@pytest.fixture
def made_up(monkeypatch):
    """No process is started: a contender without needs takes a second, each of the others is not there."""

    def in_turn(contenders, rounds, turn=0.05):
        assert all(need in measure.NEEDS for contender in contenders for need in contender.needs)
        here = [c.name for c in contenders if not c.needs]
        return Measured(
            times={name: [1.0] * rounds for name in here},
            losses={name: [1.0] for name in here},
            memory=dict.fromkeys(here, 1e6),
            left_out={c.name: "not installed" for c in contenders if c.needs},
        )

    for work in WORKS:
        monkeypatch.setattr(work, "in_turn", in_turn)
    monkeypatch.setattr(drawing, "very_first", lambda: 1.0)
    monkeypatch.setattr(drawing, "cost_of_notes", lambda *of: "A note.")
    monkeypatch.setattr(drawing, "with_modules", lambda: drawing.neuron())  # smaller
    monkeypatch.setattr(drawing, "by_hand", lambda: drawing.one_point())
    drawing.by_hand.__name__ = "by_hand"
    monkeypatch.setattr(growth, "SIZES", (1e3, 2e3, 3e3))


@pytest.mark.parametrize("short", [True, False])
def test_nothing_falls_over_where_all_peers_are_missing(made_up, short):
    found = [comparison for work in WORKS for comparison in work.run(short)]
    text = report.page(found, None)
    assert "Left out: PyTorch eager (not installed)." in text
    assert "| (a) The moons demo, on scalars | here, eager | micrograd | at least 6 | left out |  |" in text
    assert len({c.key for c in found}) == len(found)
    assert not any(c.disagreement() for c in found)
    for c in found:  # a misspelt name would never be measured
        names = {*c.measured.times, *c.measured.left_out}
        assert {*c.against, *(name for name, _ in c.wanted)} <= names, c.key
        assert short or {other for _, other in c.wanted} <= names, c.key


# ---- contenders do the same work -------------------------------------------------------------------------------------


def losses(make, *args, steps=3):
    step = make(*args)
    return [measure._number(step()) for _ in range(steps)]


@pytest.fixture
def few_points(monkeypatch):
    monkeypatch.setattr(against_micrograd, "POINTS", 6)
    limit = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(limit)


def test_the_moons_demo_is_micrograds(few_points):
    pytest.importorskip("micrograd")
    assert losses(against_micrograd.scalar, "micrograd_plus") == pytest.approx(
        losses(against_micrograd.scalar, "micrograd"), rel=1e-12
    )


def test_the_moons_demo_in_pytorch(few_points):
    pytest.importorskip("torch")
    ours = losses(against_micrograd.scalar, "micrograd_plus")
    assert losses(against_micrograd.pytorch) == pytest.approx(ours, rel=1e-12)
    assert ours[2] < ours[0]


def test_the_moons_demo_compiled(few_points):
    if reason := measure.missing(("compile",)):
        pytest.skip(reason)
    ours = losses(against_micrograd.scalar, "micrograd_plus", steps=5)
    assert losses(against_micrograd.scalar, "micrograd_plus", "numpy", steps=5) == pytest.approx(ours, rel=1e-12)
    assert measure._number(against_micrograd.first_three("numpy")()) == pytest.approx(ours[2], rel=1e-12)


@pytest.mark.parametrize("case", against_pytorch.CASES[:2], ids=lambda case: case.name)
@pytest.mark.parametrize(
    ("needs", "make", "more"),
    [
        ("", against_pytorch.here, ()),
        ("compile", against_pytorch.here, (True,)),
        ("torch", against_pytorch.pytorch, ()),
        ("mygrad", against_pytorch.mygrad, ()),
        ("autograd", against_pytorch.hips_autograd, ()),
    ],
)
def test_each_takes_the_step_that_is_written_by_hand(case, needs, make, more):
    if needs and (reason := measure.missing((needs,))):
        pytest.skip(reason)
    by_hand = losses(against_pytorch.by_hand, case, steps=6)
    assert by_hand[5] < by_hand[0]
    assert losses(make, case, *more, steps=6) == pytest.approx(by_hand, rel=1e-5)


def test_the_gpt_block_is_pytorchs():
    pytest.importorskip("torch")
    theirs = losses(gpt_block.pytorch)
    assert losses(gpt_block.here) == pytest.approx(theirs, rel=1e-5)
    assert theirs[2] < theirs[0]
    if measure.missing(("compile",)) is None:
        assert losses(gpt_block.here, True) == pytest.approx(theirs, rel=1e-5)


# ---- the capstones ---------------------------------------------------------------------------------------------------

each_capstone = pytest.mark.parametrize("capstone", capstone_steps.CAPSTONES, ids=lambda capstone: capstone.name)


@each_capstone
def test_a_capstones_step_is_pytorchs(capstone):
    pytest.importorskip("torch")
    theirs = losses(capstone_steps.pytorch, capstone.name)
    assert losses(capstone_steps.here, capstone.name) == pytest.approx(theirs, rel=1e-4)
    assert theirs[2] < theirs[0]


@pytest.mark.parametrize("name", ["digits", "speakers, GRU", "translation", "names", "rook_endgame"])
def test_a_capstones_step_can_be_compiled(name):
    eager = losses(capstone_steps.here, name, steps=4)
    assert losses(capstone_steps.here, name, True, steps=4) == pytest.approx(eager, rel=1e-5)


@each_capstone
def test_the_batch_is_as_large_as_the_capstones(capstone):
    module = importlib.import_module(f"micrograd_plus.capstones.{capstone.module or capstone.name}")
    if hasattr(module, "BATCH_SIZE"):
        wanted = module.BATCH_SIZE
    else:
        wanted = inspect.signature(module.train).parameters["batch_size"].default
    inputs, target = capstone.data()
    assert {len(x) for x in (*inputs, target)} == {wanted}


def test_every_capstone_is_measured():
    modules = {capstone.module or capstone.name for capstone in capstone_steps.CAPSTONES}
    files = (ROOT / "micrograd_plus" / "capstones").glob("*.py")
    assert modules == {file.stem for file in files if "def train(" in file.read_text(encoding="utf-8")}


def test_dropout_waits_until_the_losses_are_compared():
    layer = SimpleNamespace(p=0.5)
    step = capstone_steps.dropout_later([layer], lambda: layer.p)
    assert [step() for _ in range(7)] == [0.0] * capstone_steps.COMPARED + [0.5] * 2


# ---- memory ----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of other C libraries nothing is asked")
def test_memory_that_a_step_frees_is_kept_for_the_next():
    """Handed back to the system and taken again, it would cost thousands of page faults."""
    program = """if True:
        import resource
        import numpy as np
        from micrograd_plus import Tensor

        def step():
            return len([np.ones(60_000) for _ in range(20)])  # 9.6 MB

        step()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(10):
            step()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    """
    environment = {name: text for name, text in os.environ.items() if not name.startswith("MALLOC_")}
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment, cwd=ROOT
    )
    assert int(answer.stdout) < 1000  # of 23,000


def test_gradients_of_images_lie_in_memory_as_the_images_do():
    """A convolution's maps have their samples next to each other; what works on two orders at once is slow."""
    import numpy as np

    from micrograd_plus import Tensor, nn

    x = Tensor(np.random.default_rng(0).normal(size=(4, 3, 6, 6)))
    for head in (
        lambda y: nn.functional.max_pool2d(y, 2).flatten(1),
        lambda y: y.flatten(1),
        lambda y: y.sum(axis=3),
        lambda y: y.mean(axis=(2, 3)),
        lambda y: y * np.ones((4, 1, 6, 6)),
    ):
        y = nn.Conv2d(3, 5, 3, padding=1, seed=0)(x)
        assert not y.numpy().flags.c_contiguous
        (head(y) ** 2).sum().backward()
        assert y.grad.strides == y.numpy().strides


def test_the_chain_is_pytorchs():
    pytest.importorskip("torch")
    (ours,), (theirs,) = losses(chain.scalar, "micrograd_plus", 1000, steps=1), losses(chain.pytorch, 1000, steps=1)
    assert ours == theirs == pytest.approx(chain.FACTOR**1000)


def test_the_graphs_that_grow_have_as_many_nodes_as_is_said():
    from micrograd_plus.engine.graph import order

    for size in (1e3, 1e4):
        points, nodes = growth.points_and_nodes(size)
        assert len(order(growth.loss_of(points))) == nodes
        assert nodes == pytest.approx(size, rel=0.2)
    held, peak = growth.bytes_a_node(points, nodes)
    assert 50 < held <= peak < 1000


# ---- tables ----------------------------------------------------------------------------------------------------------

TWO = {"slow": [3.0, 3.3, 3.6], "here": [0.001, 0.0011, 0.001]}


def test_the_table_of_a_comparison():
    found = comparison(
        TWO, wanted={("here", "slow"): 5000}, notes=["By the way."], tolerance=1e-9, measured=Measured(
            times=TWO, losses={"slow": [1.0], "here": [1.0]}, left_out={"numb": "not installed"}, failed={"micro": "No"}
        ),
    )  # fmt: skip
    assert report.table(found).splitlines() == [
        "## A toy",
        "",
        "Of no use.",
        "",
        "|  | time a step | times as fast as slow |",
        "|---|--:|--:|",
        "| slow | 3.3 s | 1 |",
        "| here | 1 ms | 3,000 (3,000 to 3,480); wanted: 5000 |",
        "",
        "- The losses of the first steps agree to 0e+00.",
        "- By the way.",
        "- Left out: numb (not installed).",
        "- Failed: micro (No).",
    ]


def test_a_cost_is_how_many_times_the_time():
    found = comparison({"slow": [2.0, 2.0], "here": [3.0, 3.0]}, costs=True, unit="a process")
    assert "|  | time a process | times the time of slow |" in report.table(found)
    assert "| here | 3 s | 1.50 (1.50 to 1.50) |" in report.table(found)


def test_what_was_asked_for_stands_beside_what_was_measured():
    wanted = {("here", "slow"): 5000, ("here", "absent"): 2}
    lines = report.asked_for([comparison(TWO, wanted=wanted)]).splitlines()
    assert lines[2:4] == ["| work | who | against | wanted | measured | reached |", "|---|---|---|--:|--:|--:|"]
    assert lines[4:] == [
        "| A toy | here | slow | at least 5,000 | 3,000 (3,000 to 3,480) | **no** |",
        "| A toy | here | absent | at least 2 | not measured |  |",
    ]
    assert "| at least 3,000 | 3,000 (3,000 to 3,480) | yes |" in report.asked_for(
        [comparison(TWO, wanted={("here", "slow"): 3000})]
    )
    cost = comparison({"slow": [1.0], "here": [3.5]}, wanted={("here", "slow"): 3}, costs=True)
    assert "| at most 3 | 3.50 (3.50 to 3.50) | **no** |" in report.asked_for([cost])
    assert report.asked_for([comparison(TWO)]) == ""


def test_a_wanted_ratio_is_measured_without_a_column_of_its_own():
    times = TWO | {"other": [6.0, 6.0, 6.0]}
    found = comparison(times, wanted={("here", "other"): 2})
    assert found.ratios()["here", "other"].middle == 6000
    assert "as other" not in report.table(found)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2.714, "2.71 s"), (1234.5, "1234 s"), (0.2901, "290 ms"), (3.4e-4, "340 µs"), (3.104e-7, "310.4 ns")],
)
def test_durations_have_a_unit_that_suits_them(seconds, text):
    assert report.duration(seconds) == text


def test_losses_that_differ_are_told():
    measured = Measured(times=TWO, losses={"slow": [1.0, 2.0], "here": [1.0, 2.2]})
    found = comparison(TWO, measured=measured, tolerance=0.01)
    assert found.disagreement() == "A toy: the losses differ by 1.0e-01"
    assert "they don't compute the same" in report.table(found)
    assert comparison(TWO, measured=measured, tolerance=0.2).disagreement() == ""


def test_the_page_names_machine_and_versions():
    text = report.page([comparison(TWO)], "speed.svg")
    assert f"{sys.version_info.major}.{sys.version_info.minor}." in text
    assert "numpy 2." in text
    assert "cores" in text
    assert "](speed.svg)" in text


# ---- the plot --------------------------------------------------------------------------------------------------------


def test_the_plot_puts_a_point_where_the_ratio_is():
    times = {"slow": [1.0], "here, <fast>": [0.01], "tenth": [0.1]}
    picture = plot.plot([comparison(times), comparison(times, costs=True)])
    drawn = ET.fromstring(picture)
    points = [float(circle.get("cx")) for circle in drawn.iter("{http://www.w3.org/2000/svg}circle")]
    assert points == [plot.LEFT, plot.LEFT + plot.WIDTH, plot.LEFT + plot.WIDTH / 2]
    kinds = [circle.get("class") for circle in drawn.iter("{http://www.w3.org/2000/svg}circle")]
    assert kinds == ["theirs", "ours", "theirs"]
    assert "prefers-color-scheme: dark" in picture


def test_no_plot_of_nothing():
    assert plot.plot([]) is None
    assert plot.plot([comparison({"here": [1.0]})]) is None  # nobody to compare with
    assert plot.plot([comparison(TWO, costs=True)]) is None


# ---- --check ---------------------------------------------------------------------------------------------------------


def recorded(ratio, cost=False):
    return {"ratios": {"toy: here / slow": {"ratio": ratio, "cost": cost}}}


@pytest.mark.parametrize(("before", "fails"), [(10.0, False), (24.9, False), (25.1, True), (3.0, False)])
def test_a_ratio_far_under_the_recorded_one_fails(before, fails):
    found = check.shortfalls([comparison({"slow": [10.0], "here": [1.0]})], recorded(before))
    assert bool(found) == fails
    if fails:
        assert found["toy: here / slow"] == (
            "toy: here / slow is 10.0 at best, was 25.1: 40% of what was recorded, less than 40%"
        )


@pytest.mark.parametrize(("before", "fails"), [(2.0, False), (0.9, False), (0.7, True), (9.0, False)])
def test_a_cost_fails_where_it_has_grown(before, fails):
    found = check.shortfalls([comparison({"slow": [1.0], "here": [2.0]}, costs=True)], recorded(before, cost=True))
    assert bool(found) == fails


def test_the_best_rounds_count_since_a_busy_machine_makes_the_others_slow():
    slow, here = [1.0] * 9, [1.0] + [9.0] * 7 + [1.0]
    assert check.shortfalls([comparison({"slow": slow, "here": here})], recorded(1.0)) == {}
    assert check.shortfalls([comparison({"slow": slow, "here": here}, costs=True)], recorded(1.0, cost=True)) == {}
    assert check.shortfalls([comparison({"slow": slow, "here": [9.0] * 9})], recorded(1.0))


def test_what_was_not_recorded_or_cannot_be_measured_is_passed_over():
    absent = Measured(times={"slow": [1.0]}, losses={"slow": [1.0]}, left_out={"here": "no numba"})
    assert check.shortfalls([comparison({}, measured=absent)], recorded(5.0)) == {}
    assert check.shortfalls([comparison({"slow": [1.0], "new": [9.0]})], recorded(5.0)) == {}


def test_what_fails_with_an_error_or_computes_something_else_is_a_failure():
    broken = Measured(times={"slow": [1.0]}, losses={"slow": [1.0]}, failed={"here": "TypeError: no", "peer": "x"})
    assert check.shortfalls([comparison({}, measured=broken)], recorded(5.0)) == {
        "toy: here": "toy: here failed: TypeError: no"
    }
    differing = Measured(times=TWO, losses={"slow": [1.0], "here": [2.0]})
    assert list(check.shortfalls([comparison(TWO, measured=differing, tolerance=0.1)], recorded(5.0))) == ["toy"]


@pytest.mark.parametrize(
    ("ratios", "code"),
    [([10.0], 0), ([3.0, 10.0], 0), ([3.0, 2.0], 1)],
    ids=["as recorded", "slower once", "slower twice"],
)
def test_a_check_fails_only_twice(monkeypatch, tmp_path, capsys, ratios, code):
    monkeypatch.setattr(check, "RECORDED", tmp_path / "recorded.json")
    check.RECORDED.write_text(json.dumps(recorded(10.0)))
    runs = iter(ratios)
    monkeypatch.setattr(
        __main__, "measure", lambda name, short: [comparison({"slow": [next(runs)], "here": [1.0]})] if short else []
    )
    assert __main__.main(["gpt", "--check"]) == code
    assert next(runs, None) is None
    assert ("SLOWER: toy: here / slow is 2.00 at best, was 10.0" in capsys.readouterr().out) == bool(code)


def test_another_ratio_the_second_time_is_the_machines_mood(monkeypatch, tmp_path):
    monkeypatch.setattr(check, "RECORDED", tmp_path / "recorded.json")
    check.RECORDED.write_text(json.dumps({"ratios": recorded(10.0)["ratios"] | {
        "toy: other / slow": {"ratio": 10.0, "cost": False}}}))  # fmt: skip
    runs = iter([{"slow": [9.0], "here": [9.0], "other": [1.0]}, {"slow": [9.0], "here": [1.0], "other": [9.0]}])
    monkeypatch.setattr(__main__, "measure", lambda name, short: [comparison(next(runs))])
    assert __main__.main(["gpt", "--check"]) == 0


def test_a_check_without_a_record_says_what_writes_one(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(check, "RECORDED", tmp_path / "recorded.json")
    with pytest.raises(SystemExit):
        __main__.main(["--check"])
    assert "--record writes it" in capsys.readouterr().err


def test_recording_keeps_what_was_not_measured_this_time(monkeypatch, tmp_path):
    monkeypatch.setattr(check, "RECORDED", tmp_path / "recorded.json")
    check.write([comparison({"slow": [8.0], "here": [2.0]})])
    check.write([comparison({"slow": [8.0], "here": [2.0], "peer": [1.0]}, key="new", against=("slow", "peer"))])
    check.write([comparison({"slow": [8.0], "twice": [2.0]}, key="cost", costs=True)])
    check.write([comparison({"slow": [1.0], "here": [7123.4]}, key="tiny")])
    assert check.read()["ratios"] == {
        "toy: here / slow": {"ratio": 4.0, "cost": False},
        "new: here / slow": {"ratio": 4.0, "cost": False},
        "new: here / peer": {"ratio": 0.5, "cost": False},
        "cost: twice / slow": {"ratio": 0.25, "cost": True},
        "tiny: here / slow": {"ratio": 0.0001404, "cost": False},
    }


def test_the_recorded_ratios_are_those_that_a_check_measures(made_up, monkeypatch):
    keys = {c.key for name in __main__.CHECKED for c in importlib.import_module(
        f"benchmarks.{__main__.WORKS[name]}").run(short=True)}  # fmt: skip
    ratios = check.read()["ratios"]
    assert {name.partition(":")[0] for name in ratios} <= keys
    assert "moons: here, eager / micrograd" in ratios
    assert all(row["ratio"] > 0 for row in ratios.values())


# ---- the command line ------------------------------------------------------------------------------------------------


def test_the_page_and_the_plot_are_written(made_up, monkeypatch, tmp_path, capsys):
    out = tmp_path / "speed.md"
    assert __main__.main(["import", "pytorch", "--short", "--out", str(out)]) == 0
    assert "# Benchmarks" in out.read_text(encoding="utf-8")
    assert "(f) Import" in capsys.readouterr().out
    assert not out.with_suffix(".svg").exists()  # nobody to compare with is here
    monkeypatch.setattr(__main__, "measure", lambda name, short: [comparison(TWO)])
    assert __main__.main(["import", "--out", str(out)]) == 0
    assert "](speed.svg)" in out.read_text(encoding="utf-8")
    assert ET.parse(out.with_suffix(".svg")).getroot().tag.endswith("svg")


def test_contenders_that_differ_make_it_fail(monkeypatch, capsys):
    measured = Measured(times=TWO, losses={"slow": [1.0], "here": [2.0]})
    monkeypatch.setattr(__main__, "measure", lambda *_: [comparison(TWO, measured=measured, tolerance=0.1)])
    assert __main__.main(["gpt"]) == 1
    assert "A toy: the losses differ by 1.0e+00" in capsys.readouterr().out


def test_an_unknown_name_is_refused_with_those_there_are(capsys):
    with pytest.raises(SystemExit):
        __main__.main(["pytroch"])
    assert "no such work: pytroch; there are micrograd, pytorch, gpt" in capsys.readouterr().err


def test_the_page_in_the_documentation_is_small_and_whole():
    page, picture = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "benchmarks.svg"
    assert "](benchmarks.svg)" in page.read_text(encoding="utf-8")
    assert "## What was asked for" in page.read_text(encoding="utf-8")
    assert picture.stat().st_size < 60_000
    ET.parse(picture)


def test_a_spread_is_written_with_its_ends():
    assert report.with_spread(Spread(9.3, 9.0, 12.34)) == "9.30 (9.00 to 12.3)"
