"""The capstones of lessons 28 and 29: what their notebooks say and show is what the modules do.

(Their rules, players and training are tested in test_rook_endgame.py and test_capture_go.py.)
"""

import inspect
from pathlib import Path

import numpy as np
import pytest

from micrograd_plus.capstones import capture_go, rook_endgame
from micrograd_plus.capstones.boards import capture_go as go
from micrograd_plus.capstones.boards import rook_endgame as chess
from micrograd_plus.exercises.catalogue import lesson_29

SOURCES = Path(__file__).parent.parent / "notebooks" / "src"


def notebook(name):
    return (SOURCES / f"{name}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "model"), [("28_mate_with_a_rook", rook_endgame.DepthNet), ("29_capture_go", capture_go.value_network)]
)
def test_the_model_in_the_notebook_is_that_of_the_module(name, model):
    assert inspect.getsource(model) in notebook(name)


def size_of(model):
    return sum(p.size for p in model.parameters())


def test_the_sizes_that_the_notebooks_name():
    assert size_of(rook_endgame.DepthNet()) == 107_666
    assert size_of(rook_endgame.DepthNet(hidden=(128, 64))) == 45_650
    assert "45,650 parameters" in notebook("28_mate_with_a_rook")
    assert size_of(capture_go.value_network()) == 14_849
    assert capture_go.EPOCHS * capture_go.ROUNDS * capture_go.GAMES == 51_200
    assert "51,200 games" in notebook("29_capture_go")
    assert chess.solve().legal_for_white.sum() == 175_168
    assert "175,168" in notebook("28_mate_with_a_rook")


def test_training_in_the_notebook_has_the_settings_of_train():
    """Both notebooks write it out: it must stay the recipe that reaches the target for three seeds."""
    settings = {name: p.default for name, p in inspect.signature(rook_endgame.train).parameters.items()}
    assert (settings["steps"], settings["hidden"], settings["relative"], settings["balance"]) == (
        4000,
        (256, 128),
        True,
        0.5,
    )
    assert (settings["batch_size"], settings["lr"]) == (512, 4e-3)
    assert "def learn(steps, hidden=(256, 128), relative=True, balance=0.5, epochs=10" in notebook(
        "28_mate_with_a_rook"
    )
    assert "learn(steps=4000, callbacks" in notebook("28_mate_with_a_rook")
    for line in (
        "Adam(model.parameters(), lr=3e-3)",
        "LinearLR(optimizer, 1.0, 0.02, total_iters=epochs * len(play))",
    ):
        assert line in inspect.getsource(capture_go.train)
        assert line in notebook("29_capture_go")


def test_the_rarest_and_the_most_frequent_class():
    _, depths = chess.positions()
    counts = np.bincount(np.where(depths == chess.DRAW, 17, depths))
    assert (counts[0], counts[1], counts.argmax()) == (27, 78, 14)
    assert counts[[0, 1, 3]].sum() / counts.sum() == pytest.approx(0.007, abs=0.0005)
    assert counts.max() / counts.sum() == pytest.approx(0.162, abs=0.001)
    _, _, _, held = rook_endgame.split()
    assert np.bincount(held)[0] == 5


class RandomPlayer:
    def __init__(self):
        self.rng = np.random.default_rng(0)

    def moves(self, boards, seen):
        options = [board.legal_moves() for board in boards]
        return [option[self.rng.integers(len(option))] for option in options]


def test_random_moves_do_not_mate_a_perfect_defender():
    assert rook_endgame.play_matches(RandomPlayer(), chess.random_boards(40, seed=0)) == [None] * 40


def test_two_mates_one_file_apart_share_five_inputs_with_relative_features_and_one_without():
    squares = np.array([chess.Board.of(text, "black").squares for text in ("Kg6 Ra8 kg8", "Kf6 Ra8 kf8")])
    for relative, shared in ((False, 1), (True, 5)):
        one, moved = rook_endgame.features(squares, relative)
        assert one @ moved == shared


# -- liberties ---------------------------------------------------------------------------------------------------------


def plain_least(board, colour):
    """The fewest liberties of a group of this colour, by the walk of the exercise."""
    exercise = next(e for e in lesson_29.EXERCISES if e.id == "count_liberties")
    liberties = exercise.run(exercise.solution)
    return min((liberties(board, point) for point in range(25) if board[point] == colour), default=99)


def test_least_liberties_are_those_of_a_walk_from_stone_to_stone():
    rng = np.random.default_rng(0)
    boards = ["".join(rng.choice(list("..XO"), 25)) for _ in range(60)] + ["." * 25]
    x, o = (
        np.array([sum(int(go.POINTS[i]) for i in range(25) if b[i] == colour) for b in boards], np.uint32)
        for colour in "XO"
    )
    assert go.least_liberties(x, o).tolist() == [plain_least(board, "X") for board in boards]
    assert go.least_liberties(o, x).tolist() == [plain_least(board, "O") for board in boards]


def test_a_group_without_liberties_has_none_and_is_dead():
    mine, theirs = go.POINTS[[0]], (go.POINTS[1] | go.POINTS[5])[None]
    assert go.least_liberties(mine, theirs).tolist() == [0]
    assert go.has_dead(mine, theirs).tolist() == [True]
