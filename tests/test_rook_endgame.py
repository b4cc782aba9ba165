"""King and rook against king: the solver against known counts, the rules by hand, and a net that learns to mate."""

from itertools import pairwise

import numpy as np
import pytest

from micrograd_plus import training
from micrograd_plus.capstones import rook_endgame as capstone
from micrograd_plus.capstones.boards import rook_endgame as rules
from micrograd_plus.capstones.boards.rook_endgame import DRAW, Board, PerfectPlayer, positions, solve, square

# The number of positions of each depth in the UCI repository's set "Chess (King-Rook vs. King)".
UCI = [27, 78, 246, 81, 198, 471, 592, 683, 1433, 1712, 1985, 2854, 3597, 4194, 4553, 2166, 390]


def random_boards(n, turn, seed=0):
    legal = solve().legal_for_white if turn == "white" else solve().legal_for_black
    chosen = np.random.default_rng(seed).choice(np.flatnonzero(legal), n, replace=False)
    return [Board(*map(int, np.unravel_index(place, (64, 64, 64))), turn) for place in chosen]


# -- the solver --------------------------------------------------------------------------------------------------------


def test_the_solver_finds_as_many_positions_of_each_depth_as_are_known():
    squares, depths = positions()
    assert squares.shape == (28056, 3)
    assert np.bincount(depths[depths != DRAW]).tolist() == UCI
    assert np.count_nonzero(depths == DRAW) == 2796


def test_the_longest_mate_takes_16_moves_and_white_to_move_always_wins():
    solution = solve()
    white = solution.white_to_move[solution.legal_for_white]
    assert white.max() == 16
    assert white.min() == 1


@pytest.mark.parametrize("turn", ["white", "black"])
def test_every_depth_follows_from_those_of_the_moves(turn):
    """Checked with the slow rules of `Board`, which share no code with the solver but its list of legal placements."""
    for board in random_boards(600, turn):
        after = [board.play(move).moves_to_mate for move in board.legal_moves()]
        if turn == "white":
            assert board.moves_to_mate == min(min(after) + 1, DRAW)
        elif after:
            assert board.moves_to_mate == max(after)
        else:
            assert board.moves_to_mate in (0, DRAW)


def test_a_turned_or_mirrored_board_is_as_far_from_mate():
    solution, rng = solve(), np.random.default_rng(0)
    for squares in rules.symmetries():
        assert sorted(squares) == list(range(64))
        placements = rng.integers(64, size=(3, 500))
        for array in solution:
            np.testing.assert_array_equal(array[tuple(placements)], array[tuple(squares[placements])])


def test_the_eight_symmetries_are_all_different():
    assert len({tuple(squares) for squares in rules.symmetries().tolist()}) == 8


def test_the_solution_is_shared_so_it_cannot_be_changed():
    assert solve() is solve()
    with pytest.raises(ValueError, match="read-only"):
        solve().white_to_move[0, 0, 0] = 1


# -- the rules by hand -------------------------------------------------------------------------------------------------


def test_mate_in_one():
    board = Board.of("Kg6 Ra1 kg8")
    assert board.moves_to_mate == 1
    mated = board.play(board.parse("Ra8"))
    assert (mated.winner, mated.legal_moves(), mated.moves_to_mate) == ("white", [], 0)


def test_stalemate_is_a_draw():
    board = Board.of("Kc1 Rb3 ka1", turn="black")
    assert board.legal_moves() == [(0, 8)]  # b2 is guarded twice, b1 once; a2 is free
    stalemate = Board.of("Kc2 Rb2 ka1", turn="black")  # the rook takes b1 and a2, the king guards the rook
    assert (stalemate.winner, stalemate.legal_moves(), stalemate.moves_to_mate) == ("draw", [], DRAW)


def test_an_unguarded_rook_is_taken_and_the_game_is_drawn():
    board = Board.of("Kh8 Rb2 ka1", turn="black")
    assert (board.moves_to_mate, board.legal_moves()) == (DRAW, [(0, 9)])
    assert board.name_of((0, 9)) == "ka1xb2"
    after = board.play(board.parse("kb2"))
    assert (after.winner, after.rook, after.moves_to_mate, after.legal_moves()) == ("draw", None, DRAW, [])
    with pytest.raises(ValueError, match="the rook has been taken"):
        _ = after.squares


def test_the_white_king_shields_the_black_one_from_the_rook():
    assert Board.of("Kc1 Ra1 ke1").turn == "white"  # not in check, so white may be to move
    with pytest.raises(ValueError, match="can't come about"):
        Board.of("Kc3 Ra1 ke1")


@pytest.mark.parametrize("text", ["Ke4 Rd4", "Ke4 Re4 ka1", "Ke4 Rd4 ke5", "Ke4 Rd4 Kd4 ka1", "Ke9 Ra1 kh8", ""])
def test_what_is_no_board_is_refused(text):
    with pytest.raises(ValueError, match=r"written as|can't come about|a square is"):
        Board.of(text)


def test_a_turn_has_to_be_somebodys():
    with pytest.raises(ValueError, match="turn must be"):
        Board.of("Kg6 Ra1 kg8", turn="w")


@pytest.mark.parametrize("text", ["Ra1-a8", "Ra8", "a1a8", "a8", "Ra1a8+", " ra8 ".replace("r", "R"), "A8", "Ra8#"])
def test_a_move_may_be_typed_in_many_ways(text):
    assert Board.of("Kg6 Ra1 kg8").parse(text) == (square("a1"), square("a8"))


@pytest.mark.parametrize("text", ["", "a9", "Kg7", "Rb2", "hello", "a1", "Ka8", "g6a8"])
def test_what_is_no_move_gets_a_sentence_with_the_moves_there_are(text):
    with pytest.raises(ValueError, match=r"is no legal move: choose one of .*Ra1-a8"):
        Board.of("Kg6 Ra1 kg8").parse(text)


def test_after_the_end_nothing_can_be_played():
    mated = Board.of("Kg6 Ra8 kg8", turn="black")
    with pytest.raises(ValueError, match="the game is over"):
        mated.parse("kh8")
    with pytest.raises(ValueError, match="the game is over"):
        PerfectPlayer().choose(mated)
    with pytest.raises(ValueError, match="not legal"):
        mated.play((62, 63))


def test_each_legal_move_is_read_back_from_its_name():
    for turn in ("white", "black"):
        for board in random_boards(50, turn, seed=1):
            assert [board.parse(board.name_of(move)) for move in board.legal_moves()] == board.legal_moves()


def test_the_pieces_for_a_drawing():
    assert Board.of("Kg6 Ra1 kh8").pieces() == [("K", 6, 5), ("R", 0, 0), ("k", 7, 7)]


# -- players -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [None, 0])
def test_a_perfect_player_always_finds_a_best_move(seed):
    player = PerfectPlayer(seed)
    for turn in ("white", "black"):
        for board in random_boards(200, turn, seed=2):
            if board.winner is None:
                after = [board.play(move).moves_to_mate for move in board.legal_moves()]
                best = min(after) if turn == "white" else max(after)
                assert board.play(player.choose(board)).moves_to_mate == best


def test_perfect_against_perfect_takes_as_long_as_the_solver_says():
    player = PerfectPlayer(seed=1)
    for board in rules.random_boards(20, seed=3):
        wanted, count = board.moves_to_mate, 0
        while board.winner is None:
            count += board.turn == "white"
            board = board.play(player.choose(board))
        assert (board.winner, count) == ("white", wanted)


def test_start_boards_are_different_and_repeatable():
    boards = rules.random_boards(100, seed=4)
    assert len(set(boards)) == 100
    assert boards == rules.random_boards(100, seed=4) != rules.random_boards(100, seed=5)


# -- learning ----------------------------------------------------------------------------------------------------------


def test_the_features_say_where_the_pieces_are_and_how_far_apart():
    x = capstone.features(np.array([[square("a1"), square("h1"), square("c8")]]))
    ones = [0, 64 + 7, 128 + 58, 192 + 0, 207 + 7, 222 + 5, 237 + 0, 252 + 12, 267 + 0]
    assert x.dtype == np.float32
    assert np.flatnonzero(x[0]).tolist() == ones
    plain = capstone.features(np.array([[0, 7, 58]]), relative=False)
    np.testing.assert_array_equal(plain, x[:, :192])


def test_no_held_out_position_is_seen_in_any_symmetry():
    learn_x, held_x, learn_y, held_y = capstone.split()
    assert (len(learn_x), len(held_x), len(learn_y), len(held_y)) == (22445, 5611, 22445, 5611)
    seen = {tuple(placement) for turned in rules.symmetries() for placement in turned[learn_x].tolist()}
    assert not seen & {tuple(placement) for placement in held_x.tolist()}


def test_batches_are_true_positions_and_balance_shows_rare_depths_more_often():
    learn_x, _, learn_y, _ = capstone.split()
    share = {}
    for balance in (1.0, 0.5, 0.0):
        batches = capstone.Batches(learn_x, learn_y, balance, batch_size=2000, steps=3, seed=0)
        found = list(batches)
        assert len(batches) == len(found) == 3
        for squares, classes in found:
            depths = solve().black_to_move[tuple(squares.T)]
            np.testing.assert_array_equal(np.where(depths == DRAW, 17, depths), classes)
            assert solve().legal_for_black[tuple(squares.T)].all()
        share[balance] = np.mean(np.concatenate([classes for _, classes in found]) == 0)
    assert share[1.0] < 0.003 < share[0.5] < 0.02 < share[0.0] == pytest.approx(1 / 18, abs=0.02)


def test_within_one_move_does_not_count_a_draw_as_near():
    class Says(capstone.DepthNet):
        def forward(self, squares):
            return type(self.layers[0].bias)(np.eye(18)[[17, 16, 16, 3]])

    scores = capstone.judge(Says(), np.zeros((4, 3), int), np.array([17, 17, 15, 5]))
    assert scores == {"accuracy": 0.25, "within one move": 0.5}


class Solver(capstone.NetPlayer):
    """Knows what the net must guess."""

    def __init__(self):
        pass

    def expected_moves(self, boards):
        return np.array([board.moves_to_mate for board in boards])


def test_with_the_right_depths_the_player_mates_as_soon_as_can_be():
    starts = rules.random_boards(30, seed=6)
    assert capstone.play_matches(Solver(), starts) == [start.moves_to_mate for start in starts]


class Stubborn(Solver):
    """Thinks the same of all boards."""

    def expected_moves(self, boards):
        return np.zeros(len(boards))


def test_the_player_does_not_go_back_to_a_board_of_its_game():
    board, seen = Board.of("Kd4 Re1 kd6"), []
    for _ in range(12):
        after = board.play(Stubborn().choose(board, seen))
        assert after not in seen
        seen.append(after)
        board = Board.of("Kd4 Re1 kd6")
    assert capstone.play_matches(Stubborn(), rules.random_boards(5, seed=7)) == [None] * 5


def test_the_net_plays_white_only():
    player = Solver()
    for board in (Board.of("Kd4 Re1 kd6", turn="black"), Board.of("Kg6 Ra8 kg8", turn="black")):
        with pytest.raises(ValueError, match="the net plays white"):
            player.choose(board)


def test_a_short_training_learns_and_what_is_saved_plays_the_same(tmp_path, monkeypatch):
    monkeypatch.delenv("FAST", raising=False)
    monkeypatch.setattr(capstone, "evaluate", lambda model: {})
    settings = {"steps": 300, "hidden": (64, 32), "checkpoint": tmp_path}
    lines = []
    run = capstone.train(0, progress=lines.append, **settings)
    assert lines
    assert all(p.dtype == np.float32 for p in run.model.parameters())
    assert run.scores["accuracy"] == pytest.approx(run.history["val_accuracy"][-1])
    assert run.scores["accuracy"] > 0.35  # the most frequent class has 16 %
    assert len(run.history.steps) == 300
    assert all(later < earlier for earlier, later in pairwise(run.history["val_loss"]))
    (file,) = tmp_path.iterdir()
    loaded = capstone.DepthNet(hidden=(64, 32), seed=9)
    training.load(file, loaded)
    again = capstone.train(0, progress=False, **settings)  # nothing left to do
    assert again.history["loss"] == run.history["loss"]
    boards = rules.random_boards(20, seed=8)
    moves = [capstone.NetPlayer(model).moves(boards, [()] * 20) for model in (run.model, loaded, again.model)]
    assert moves[0] == moves[1] == moves[2]


def test_the_batches_go_on_where_they_were():
    squares, classes = np.zeros((9, 3), int), np.arange(9)
    first, second = (capstone.Batches(squares, classes, 1.0, batch_size=5, steps=2, seed=seed) for seed in (0, 1))
    list(first)
    second.load_state_dict(first.state_dict())
    assert [y.tolist() for _, y in first] == [y.tolist() for _, y in second]


def test_the_same_seed_gives_the_same_model_and_fast_a_third_of_the_steps(monkeypatch):
    monkeypatch.setenv("FAST", "1")
    monkeypatch.setattr(capstone, "evaluate", lambda model: {})
    runs = [capstone.train(seed, steps=60, hidden=(8, 8), progress=False) for seed in (3, 3, 4)]
    assert [len(run.history.steps) for run in runs] == [20] * 3
    assert runs[0].history["loss"] == runs[1].history["loss"] != runs[2].history["loss"]


def test_the_variants_are_settings_that_train_takes():
    import inspect

    assert all(kw.keys() <= inspect.signature(capstone.train).parameters.keys() for kw in capstone.VARIANTS.values())


def test_the_target_is_all_of_300_mates():
    assert capstone.TARGET.met(300)
    assert not capstone.TARGET.met(299)
