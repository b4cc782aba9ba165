"""Capture Go: the rules against a plain flood fill and by hand, the players, and a net that learns from itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_plus import training
from micrograd_plus.capstones import capture_go as capstone
from micrograd_plus.capstones.boards import capture_go as rules
from micrograd_plus.capstones.boards.capture_go import POINTS, Board, RandomPlayer, Tactician

any_stones = st.lists(st.sampled_from(".XO"), min_size=25, max_size=25)


def board(*rows):
    return Board("".join(rows))


def bits(stones, colour):
    return np.array([sum(int(POINTS[i]) for i, stone in enumerate(stones) if stone == colour)], np.uint32)


def plain_has_dead(stones, colour):
    """One group at a time, one point at a time."""

    def around(i):
        row, column = divmod(i, 5)
        steps = [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
        return [5 * r + c for r, c in steps if 0 <= r < 5 and 0 <= c < 5]

    for start in range(25):
        if stones[start] != colour:
            continue
        group, waiting = {start}, [start]
        while waiting:
            for near in around(waiting.pop()):
                if stones[near] == colour and near not in group:
                    group.add(near)
                    waiting.append(near)
        if not any(stones[near] == "." for point in group for near in around(point)):
            return True
    return False


# -- the rules ---------------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(any_stones)
def test_dead_groups_are_those_of_a_plain_flood_fill(stones):
    x, o = bits(stones, "X"), bits(stones, "O")
    assert rules.has_dead(x, o)[0] == plain_has_dead(stones, "X")
    assert rules.has_dead(o, x)[0] == plain_has_dead(stones, "O")


@settings(max_examples=30, deadline=None)
@given(st.lists(any_stones, min_size=1, max_size=8))
def test_many_boards_at_once_are_judged_as_each_by_itself(boards):
    x, o = (np.concatenate([bits(stones, colour) for stones in boards]) for colour in "XO")
    assert rules.has_dead(x, o).tolist() == [plain_has_dead(stones, "X") for stones in boards]
    assert rules.points(x).tolist() == [[stone == "X" for stone in stones] for stones in boards]


def test_the_neighbours_of_each_point_do_not_reach_round_the_edge():
    for i in range(25):
        bits = rules.neighbours(POINTS[i])
        near = np.flatnonzero(rules.points(bits))
        assert bits == sum(int(POINTS[j]) for j in near)  # nothing beyond the edge
        row, column = divmod(i, 5)
        assert all(abs(j // 5 - row) + abs(j % 5 - column) == 1 for j in near)
        assert len(near) == 4 - (row in (0, 4)) - (column in (0, 4))


@pytest.mark.parametrize(
    ("rows", "move"),
    [
        (("OX...", ".....", ".....", ".....", "....."), "a4"),  # in the corner two stones are enough
        (("XOX..", ".....", ".O...", ".....", "....."), "b4"),  # at the edge three
        ((".....", "..X..", ".XOX.", ".....", "O...O"), "c2"),  # in the middle four
        (("XOOX.", ".X...", ".....", ".....", "O...."), "c4"),  # two stones at once
    ],
)
def test_a_capture_wins_at_once(rows, move):
    before = board(*rows)
    assert (before.turn, before.winner) == ("X", None)
    after = before.play(before.parse(move))
    assert (after.winner, after.legal_moves()) == ("X", [])


def test_a_capture_comes_before_ones_own_last_liberty():
    before = board(".OX..", "OX...", "X....", ".....", "....O")
    assert (before.turn, before.winner) == ("X", None)
    assert before.play(0).winner == "X"  # a5 has no liberty of its own, but takes the last one of b5


def test_suicide_loses():
    before = board(".O...", "O....", ".....", "..X..", "..X..")
    assert before.turn == "X"
    assert before.play(0).winner == "O"


def test_both_colours_can_take_a_last_liberty_by_suicide():
    before = board(".X...", "X....", "....X", "..O..", "..O..")
    assert before.turn == "O"
    assert before.play(0).winner == "X"


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_every_game_ends_with_a_winner_and_many_games_at_once_agree_with_one_board(random):
    now, movers, others = Board(), *rules.empty(1)
    for _ in range(25):
        move = random.choice(now.legal_moves())
        mover = now.turn
        now = now.play(move)
        movers = movers | POINTS[move]
        outcome = rules.outcomes(movers, others)[0]
        assert now.winner == {1: mover, -1: "XO"["OX".index(mover)], 0: None}[int(outcome)]
        if now.winner:
            break
        movers, others = others, movers
        assert [b.tolist() for b in now.bits()] == [movers.tolist(), others.tolist()]
    assert now.winner in ("X", "O")


def test_a_full_board_is_won_by_the_one_who_filled_it():
    almost = board("XXXXX", "XXXXX", "OOOOX", "OOOOX", "OOOO.")
    assert (almost.turn, almost.winner) == ("X", None)
    assert almost.play(24).winner == "X"


@pytest.mark.parametrize("points", ["", "." * 24, "." * 24 + "B", "O" + "." * 24, "XX" + "." * 23])
def test_what_is_no_board_is_refused(points):
    with pytest.raises(ValueError, match=r"25 points|can't come about"):
        Board(points)


@pytest.mark.parametrize("text", ["", "c6", "f1", "33", "pass", "c", "ccc"])
def test_what_is_no_point_gets_a_sentence(text):
    with pytest.raises(ValueError, match="is not the name of a point: choose a free point, from a1"):
        Board().parse(text)


def test_points_are_named_as_players_do():
    names = [Board().name_of(move) for move in range(25)]
    assert (names[0], names[4], names[12], names[20], names[24]) == ("a5", "e5", "c3", "a1", "e1")
    assert [Board().parse(f" {name.upper()}") for name in names] == list(range(25))


def test_what_is_taken_or_over_can_not_be_played():
    taken = Board().play(12)
    with pytest.raises(ValueError, match="c3 is taken"):
        taken.parse("c3")
    with pytest.raises(ValueError, match="not legal"):
        taken.play(12)
    over = board("OX...", "X....", ".....", ".....", "....O")
    for refused in (lambda: over.parse("c3"), lambda: RandomPlayer().choose(over)):
        with pytest.raises(ValueError, match="the game is over"):
            refused()
    assert over.legal_moves() == []


def test_turned_boards_have_the_same_outcome():
    rng = np.random.default_rng(0)
    stones = rng.choice([0, 1, 2], p=[0.4, 0.3, 0.3], size=(200, 25))

    def dead(stones):
        return rules.has_dead(*((POINTS * (stones == k)).sum(axis=1, dtype=np.uint32) for k in (1, 2)))

    assert 20 < dead(stones).sum() < 180
    for points in rules.SYMMETRIES:
        np.testing.assert_array_equal(dead(stones[:, points]), dead(stones))
    assert len({tuple(points) for points in rules.SYMMETRIES.tolist()}) == 8


# -- players -----------------------------------------------------------------------------------------------------------


def test_the_tactician_captures_where_it_can():
    before = board(".....", "..X..", ".XOX.", ".....", "O...O")
    assert {Tactician(seed).choose(before) for seed in range(10)} == {17}


def worth(now, move):
    """By the rules of one board: 3 a capture, 2 what leaves nothing to capture at once, 1 any other, 0 suicide."""
    after = now.play(move)
    if after.winner:
        return 3 if after.winner == now.turn else 0
    return 1 if any(after.play(reply).winner == after.turn for reply in after.legal_moves()) else 2


def test_the_tactician_takes_the_best_kind_of_move_there_is():
    rng, tactician, kinds = np.random.default_rng(0), Tactician(seed=0), set()
    for length in [*range(5, 18)] * 2:
        now = Board()
        for _ in range(length):
            later = now.play(int(rng.choice(now.legal_moves())))
            now = now if later.winner else later
        best = max(worth(now, move) for move in now.legal_moves())
        assert worth(now, tactician.choose(now)) == best
        kinds.add(best)
    assert kinds >= {1, 2, 3}


def test_random_players_play_free_points_each_as_likely():
    mine, theirs = rules.empty(5000)
    mine, theirs = mine | POINTS[3], theirs | POINTS[4]
    counts = np.bincount(rules.random_points(mine, theirs, np.random.default_rng(0)), minlength=25)
    assert counts[[3, 4]].tolist() == [0, 0]
    assert (counts[[*range(3), *range(5, 25)]] > 150).all()


def test_a_match_counts_from_the_first_players_side():
    strong, weak = Tactician(seed=0), RandomPlayer(seed=0)
    first, second = rules.play_match(strong, weak, 300), rules.play_match(weak, strong, 300)
    assert set(first) | set(second) == {1, -1}
    assert (first == 1).mean() > 0.8
    assert (second == -1).mean() > 0.8
    assert capstone.against(strong, weak, games=300) > 0.8
    assert capstone.against(weak, strong, games=300) < 0.2


# -- learning ----------------------------------------------------------------------------------------------------------


def test_move_values_are_exact_where_the_game_ends():
    mine, theirs = board(".O...", "O....", "...X.", "..X..", ".....").bits()
    values = rules.move_values(mine, theirs, lambda movers, others: np.full(len(movers), 0.25, np.float32))
    assert values[0, 0] == -1  # suicide
    assert values[0, 1] == -np.inf  # taken
    assert values[0, 12] == 0.25
    mine, theirs = board("OX...", ".....", ".....", ".....", ".....").bits()
    values = rules.move_values(mine, theirs, lambda movers, others: np.full(len(movers), 0.25, np.float32))
    assert np.flatnonzero(values[0] == 1).tolist() == [5]  # a4 captures


def test_the_features_are_the_stones_of_the_one_who_moved_first():
    mine, theirs = Board().play(3).play(7).bits()
    x = capstone.features(theirs, mine)
    assert x.dtype == np.float32
    assert np.flatnonzero(x[0]).tolist() == [7, 25 + 3]


def test_self_play_yields_positions_that_came_up_with_targets_from_minus_one_to_one():
    play = capstone.SelfPlay(capstone.value_network(0), epochs=2, rounds=2, games=32, seed=0)
    found = list(play)
    assert len(found) == len(play) == 2 * capstone.UPDATES
    assert sum(play.results.values()) == 64
    for X, y in found:
        assert X.shape == (capstone.BATCH_SIZE, 50)
        assert y.shape == (capstone.BATCH_SIZE,)
        assert X.dtype == y.dtype == np.float32
        assert not (X[:, :25] * X[:, 25:]).any()
        assert set(np.unique(X[:, :25].sum(axis=1) - X[:, 25:].sum(axis=1))) <= {0.0, 1.0}
        assert np.abs(y).max() <= 1


def test_targets_at_the_end_of_a_game_are_what_came_of_it():
    play = capstone.SelfPlay(capstone.value_network(0), epochs=1, games=64, seed=0)
    movers, others, targets = play.play(chance=0.0)
    replies = rules.tries(others, movers)[1]
    lost = ((replies == 1) & ~rules.points(movers | others)).any(axis=1)  # the other can capture at once, and does
    assert lost.any()
    assert (targets[lost] == -1).all()


def test_turning_keeps_each_players_stones_together():
    play = capstone.SelfPlay(capstone.value_network(0), epochs=1, seed=0)
    stones = np.zeros((400, 50), np.float32)
    stones[:, [0, 25 + 1]] = 1
    seen = {tuple(np.flatnonzero(row)) for row in play.turned(stones)}
    assert seen == {(0, 26), (0, 30), (4, 28), (4, 34), (20, 40), (20, 46), (24, 44), (24, 48)}


def test_a_short_training_learns_and_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.delenv("FAST", raising=False)
    monkeypatch.setattr(capstone, "evaluate", lambda model: {})
    size = {"rounds": 3, "games": 96, "progress": False}
    run = capstone.train(0, epochs=3, checkpoint=tmp_path, **size)
    untrained = capstone.NetPlayer(capstone.value_network(0))
    assert capstone.against(untrained, Tactician(0), 200) < 0.4 < 0.6 < run.history["won"][-1]
    assert all(p.dtype == np.float32 for p in run.model.parameters())
    assert run.history.names == ["epoch", "loss", "lr", "first", "won"]
    (file,) = tmp_path.iterdir()
    loaded = capstone.value_network(9)
    training.load(file, loaded)
    mine, theirs = rules.empty(1)
    for move in (12, 7, 11, 8):
        mine, theirs = theirs, mine | POINTS[move]
        moves = [capstone.NetPlayer(model).moves(mine, theirs)[0] for model in (run.model, loaded)]
        assert moves[0] == moves[1]
    again = capstone.train(0, epochs=3, checkpoint=tmp_path, **size)  # nothing left to do
    assert again.history["loss"] == run.history["loss"]


def test_interrupted_and_resumed_it_comes_to_the_same_numbers():
    def play(seed):
        return capstone.SelfPlay(capstone.value_network(0), epochs=3, rounds=1, games=16, seed=seed)

    first, second = play(0), play(1)
    list(first)
    second.load_state_dict(first.state_dict())
    for (a, b), (c, d) in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)


def test_fast_trains_a_third_of_the_epochs_and_a_seed_repeats(monkeypatch):
    monkeypatch.setenv("FAST", "1")
    monkeypatch.setattr(capstone, "EPOCHS", 6)
    monkeypatch.setattr(capstone, "evaluate", lambda model: {})
    runs = [capstone.train(seed, rounds=1, games=8, progress=False) for seed in (3, 3, 4)]
    assert [len(run.history) for run in runs] == [2, 2, 2]
    assert runs[0].history["loss"] == runs[1].history["loss"] != runs[2].history["loss"]


def test_evaluate_names_both_targets():
    scores = capstone.evaluate(capstone.value_network(0), games=40)
    assert scores.keys() == {"random", "tactician", "tactician against random"}
    assert capstone.TARGET_RANDOM.at_least == 0.98
    assert capstone.TARGET_TACTICIAN.at_least == 0.65
