"""What capstones are held to, and how much of them FAST=1 trains."""

import pytest

from micrograd_plus.capstones import Target, fast, share_of


def test_a_target_that_is_reached_is_said_with_its_limit(capsys):
    Target("right", at_least=0.985).check(0.985)
    Target("lines lost", at_most=0, unit="lines").check(0)
    assert capsys.readouterr().out.splitlines() == [
        "right: 98.5 % (wanted: at least 98.5 %)",
        "lines lost: 0 lines (wanted: at most 0 lines)",
    ]


@pytest.mark.parametrize(
    ("target", "reached", "said"),
    [
        (Target("right", at_least=0.985), 0.97, r"right: 97.0 % \(wanted: at least 98.5 %\)"),
        (Target("loss", at_most=2.0, unit="nats"), 2.25, r"loss: 2.25 nats \(wanted: at most 2 nats\)"),
        (Target("right", at_least=0.985), 0.98496, r"right: 0.98496 \(98.5 %, rounded\) \(wanted: at least 98.5 %\)"),
        (Target("right", at_least=0.985), float("nan"), "nan"),
    ],
)
def test_a_target_that_is_missed_stops_the_lesson(target, reached, said, monkeypatch):
    monkeypatch.delenv("FAST", raising=False)
    with pytest.raises(AssertionError, match=said):
        target.check(reached)


def test_with_a_third_of_the_training_it_only_says_so(monkeypatch, capsys):
    monkeypatch.setenv("FAST", "1")
    Target("right", at_least=0.985).check(0.9)
    assert "FAST=1 trains a third" in capsys.readouterr().out


@pytest.mark.parametrize("limits", [{}, {"at_least": 0.5, "at_most": 0.9}])
def test_a_target_has_one_limit(limits):
    with pytest.raises(ValueError, match="one limit"):
        Target("right", **limits)


def test_fast_is_a_third_and_never_nothing(monkeypatch):
    for value, is_fast in {"1": True, "yes": True, "0": False, "": False}.items():
        monkeypatch.setenv("FAST", value)
        assert fast() is is_fast
    assert share_of(20) == 20
    monkeypatch.setenv("FAST", "1")
    assert (share_of(20), share_of(1)) == (7, 1)
