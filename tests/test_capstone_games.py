"""Notebooks 26 and 27: the model they show, matches that are played in them, and what they claim of self-play."""

import inspect
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from micrograd_plus.capstones import connect_four, tictactoe
from micrograd_plus.capstones.boards import connect_four as c4
from micrograd_plus.capstones.boards import tictactoe as ttt
from micrograd_plus.capstones.playing import Match, boards_of, play_game, side_by_side

LESSONS = Path(__file__).parent.parent / "notebooks" / "src"


class Scripted:
    """Plays these moves, one after the other."""

    def __init__(self, *moves):
        self.moves = list(moves)

    def choose(self, board):
        return self.moves.pop(0)


@pytest.mark.parametrize(
    ("lesson", "game"), [("26_tic_tac_toe_by_playing_itself", tictactoe), ("27_connect_four", connect_four)]
)
def test_the_lesson_shows_the_model_and_the_training_of_the_library(lesson, game):
    text = (LESSONS / f"{lesson}.py").read_text(encoding="utf-8")
    assert inspect.getsource(game.value_network) in text
    trains = inspect.getsource(game.train)
    for line in ("Adam(model.parameters(), lr=3e-3)", "LinearLR(optimizer, 1.0, 0.02, total_iters=epochs * len(play))"):
        assert line in text
        assert line in trains
    assert "play = SelfPlay(model, epochs, seed=0)" in text


# -- matches -------------------------------------------------------------------------------------------------------


def test_a_match_goes_on_move_by_move_to_the_win():
    match = Match(Scripted(0, 1))
    assert repr(match).splitlines()[-1] == "You are X: play one of 1, 2, 3, 4, 5, 6, 7, 8, 9."
    assert match.play(5) is match
    assert match.board.squares == "O...X...."
    assert repr(match).splitlines()[-1] == "O played 1. You are X: play one of 2, 3, 4, 6, 7, 8, 9."
    match.play("7")
    match.play(3)
    assert match.board.winner == "X"
    assert repr(match).splitlines()[-1] == "You win."
    assert "the game is over" in repr(match.play(9))


def test_who_plays_second_is_moved_against_at_once_and_may_lose():
    match = Match(Scripted(0, 1, 2), you="O")
    assert match.board.squares == "X........"
    assert "X played 1. You are O" in repr(match)
    match.play(5).play(9)
    assert repr(match).splitlines()[-1] == "X played 3. X wins."


def test_a_draw_is_called_one():
    match = Match(ttt.PerfectPlayer())
    while not match.board.winner:
        match.play(ttt.PerfectPlayer().choose(match.board) + 1)
    assert repr(match).splitlines()[-1].endswith("A draw.")


@pytest.mark.parametrize("bad", [5, "5", 0, 10, -1, "middle", "", None, 2.5])
def test_what_cannot_be_played_is_refused_in_a_sentence_and_changes_nothing(bad):
    match = Match(Scripted(0)).play(5)
    before = match.board
    says = repr(match.play(bad)).splitlines()[-1]
    assert match.board == before
    assert says.endswith("choose one of 2, 3, 4, 6, 7, 8, 9")
    assert says.startswith("square 5 is taken" if str(bad) == "5" else f"'{bad}' is not the number of a square")
    assert "You are X" in repr(Match(Scripted()))


def test_connect_four_is_played_in_the_same_way():
    match = Match(Scripted(3, 3), c4.Board()).play(4)
    assert match.board.columns[3] == "XO"
    assert "'8' is not the number of a column: choose one of 1, 2, 3, 4, 5, 6, 7" in repr(match.play(8))
    assert "O played 4. You are X" in repr(match.play(4))
    with pytest.raises(ValueError, match="first"):
        Match(Scripted(), you="x")


def test_a_game_is_its_boards_and_boards_stand_side_by_side():
    boards = play_game(Scripted(4, 2, 6), Scripted(0, 1))
    assert boards == boards_of([4, 0, 2, 1, 6])
    assert boards[-1].winner == "X"
    late = play_game(Scripted(2), Scripted(), ttt.Board("XX.OO...."))
    assert late[-1].squares == "XXXOO...."
    for some in (boards[-2:], [c4.Board(), c4.Board().play(0)]):
        rows = side_by_side(some, gap=3).splitlines()
        for row, left, right in zip(rows, *(str(board).splitlines() for board in some), strict=True):
            assert row.startswith(left)
            assert row.endswith(right)
            assert row.index(right, len(left)) >= len(left) + 3


# -- what is claimed of self-play ------------------------------------------------------------------------------------


def test_without_exploration_all_games_of_a_round_are_the_same():
    play = tictactoe.SelfPlay(tictactoe.value_network(seed=0), epochs=1, seed=0)
    alone, _ = play.play(chance=0.0)
    explored, _ = play.play(chance=0.4)
    assert len(np.unique(alone, axis=0)) <= 9
    assert len(np.unique(explored, axis=0)) > 100


def test_training_goes_on_with_its_own_seed_only(tmp_path, monkeypatch):
    for game in (tictactoe, connect_four):
        monkeypatch.setattr(game, "evaluate", lambda model: {})
        path = tmp_path / f"{game.__name__}.safetensors"
        train = partial(game.train, epochs=1, rounds=1, progress=False, checkpoint=path)
        train(seed=0)
        with pytest.raises(ValueError, match="seed"):
            train(seed=1)
