"""Tic-tac-toe and Connect Four: rules against plain ones, known counts of games, players, learning by self-play."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_plus.capstones import connect_four, tictactoe
from micrograd_plus.capstones.boards import connect_four as c4
from micrograd_plus.capstones.boards import tictactoe as ttt
from micrograd_plus.training import load, save

# -- tic-tac-toe: rules --------------------------------------------------------------------------------------------

WAYS_TO_WIN = ("012", "345", "678", "036", "147", "258", "048", "246")


def has_three(squares, letter):
    return any(all(squares[int(i)] == letter for i in way) for way in WAYS_TO_WIN)


def all_positions():
    """Every position that can come about, with the number of games that go on from it."""
    games = {}

    def count(board):
        if board not in games:
            games[board] = 1 if board.winner else sum(count(board.play(move)) for move in board.legal_moves())
        return games[board]

    count(ttt.Board())
    return games


def test_tictactoe_has_as_many_positions_and_games_as_is_known():
    games = all_positions()
    assert len(games) == 5478
    assert games[ttt.Board()] == 255_168


def test_one_board_and_many_boards_agree_with_plain_rules_in_every_position():
    boards = list(all_positions())
    arrays = np.concatenate([board.array() for board in boards])
    plain = {letter: [has_three(board.squares, letter) for board in boards] for letter in "XO"}
    assert ttt.won(arrays, ttt.X).tolist() == plain["X"]
    assert ttt.won(arrays, ttt.O).tolist() == plain["O"]
    assert ttt.full(arrays).tolist() == ["." not in board.squares for board in boards]
    for board, x, o in zip(boards, plain["X"], plain["O"], strict=True):
        assert board.winner == ("X" if x else "O" if o else None if "." in board.squares else "draw")


def test_the_eight_symmetries_are_all_different_and_keep_lines_lines():
    assert len({tuple(s) for s in ttt.SYMMETRIES.tolist()}) == 8
    lines = {frozenset(int(i) for i in way) for way in WAYS_TO_WIN}
    for symmetry in ttt.SYMMETRIES.tolist():
        assert sorted(symmetry) == list(range(9))
        assert {frozenset(symmetry[i] for i in line) for line in lines} == lines


def test_a_tictactoe_board_shows_numbers_to_type_and_never_changes():
    board = ttt.Board()
    after = board.play(board.parse(" 5 "))
    assert board == ttt.Board()
    assert after.squares == "....X...."
    assert str(after).splitlines()[2] == " 4 | X | 6"
    assert [after.name_of(move) for move in after.legal_moves()] == list("12346789")


@pytest.mark.parametrize(
    ("squares", "typed", "says"),
    [
        ("....X....", "5", "square 5 is taken: choose one of 1, 2, 3, 4, 6, 7, 8, 9"),
        ("....X....", "0", "'0' is not the number of a square: choose one of 1, 2"),
        ("....X....", "10", "'10' is not the number"),
        ("....X....", "middle", "'middle' is not the number"),
        ("....X....", "", "'' is not the number"),
        ("....X....", "²", "is not the number"),
        ("XXXOO....", "9", "the game is over"),
    ],
)
def test_tictactoe_says_what_is_wrong_with_a_move(squares, typed, says):
    with pytest.raises(ValueError, match=says.replace("(", r"\(")):
        ttt.Board(squares).parse(typed)


def test_tictactoe_refuses_boards_and_moves_that_cannot_be():
    with pytest.raises(ValueError, match="nine squares"):
        ttt.Board("XO")
    with pytest.raises(ValueError, match="take turns"):
        ttt.Board("XX.......")
    with pytest.raises(ValueError, match="not legal"):
        ttt.Board("X........").play(0)
    with pytest.raises(ValueError, match="not legal"):
        ttt.Board().play(-1)
    with pytest.raises(ValueError, match="not legal"):
        ttt.Board("XXXOO....").play(8)
    with pytest.raises(ValueError, match="game is over"):
        ttt.PerfectPlayer().choose(ttt.Board("XXXOO...."))


# -- tic-tac-toe: every opponent -----------------------------------------------------------------------------------


class FirstFree(ttt.Player):
    """Always the first free square: a policy that can be beaten."""

    def moves(self, boards, player):
        return (boards == 0).argmax(axis=1)


class PerfectButOnce(ttt.PerfectPlayer):
    """Perfect, but for one position, in which it makes a losing move."""

    def choose(self, board):
        return 1 if board.squares == "X........" else super().choose(board)


def test_a_perfect_player_passes_the_exhaustive_check_in_both_seats():
    for letter in "XO":
        lines = ttt.play_every_line(ttt.PerfectPlayer(), letter)
        assert lines.lost == []
        assert lines.won > 0
        assert lines.positions > 50


def test_the_exhaustive_check_finds_what_can_be_beaten_and_lists_the_lines():
    lines = ttt.play_every_line(FirstFree(), "X")
    assert lines.lost
    for line in lines.lost:
        board = ttt.Board()
        for number, move in enumerate(line):
            assert number % 2 or move == board.legal_moves()[0]  # X's moves are FirstFree's
            board = board.play(move)
        assert board.winner == "O"
    assert tictactoe.every_opponent(FirstFree())["O"].lost


def test_the_exhaustive_check_finds_a_single_planted_mistake():
    lines = ttt.play_every_line(PerfectButOnce(), "O")
    assert lines.lost
    assert all(line[:2] == (0, 1) for line in lines.lost)
    assert ttt.play_every_line(PerfectButOnce(), "X").lost == []


def test_the_exhaustive_check_goes_through_all_replies():
    lines = ttt.play_every_line(FirstFree(), "X")

    def count(board):  # plain: how many games there are in which X takes the first free square
        if board.winner:
            return 1
        moves = board.legal_moves()
        return sum(count(board.play(move)) for move in (moves[:1] if board.turn == "X" else moves))

    assert lines.won + lines.drawn + len(lines.lost) == count(ttt.Board())
    assert {line[1] for line in lines.lost} <= set(range(1, 9))
    with pytest.raises(ValueError, match='"X"'):
        ttt.play_every_line(FirstFree(), "x")


def test_a_match_says_who_won_from_the_first_players_side():
    assert (ttt.play_match(ttt.PerfectPlayer(), FirstFree(), 3) == 1).all()
    assert (ttt.play_match(FirstFree(), ttt.PerfectPlayer(), 3) == -1).all()
    shares = tictactoe.against(ttt.PerfectPlayer(), ttt.RandomPlayer(seed=0), games=60)
    assert shares["lost"] == 0
    assert shares["won"] > 0.7
    assert sum(shares.values()) == pytest.approx(1)


# -- tic-tac-toe: learning -----------------------------------------------------------------------------------------


def test_the_network_sees_the_movers_stones_first_and_values_ends_exactly():
    board = ttt.Board("XX.OO....")
    row = tictactoe.features(board.array(), ttt.O)[0]
    assert row.nonzero()[0].tolist() == [3, 4, 9, 10]
    model = tictactoe.value_network(seed=0)
    assert sum(p.size for p in model.parameters()) == 19_073
    values = tictactoe.move_values(model, board.array(), ttt.X)[0]
    assert values[2] == 1
    assert values[[0, 1, 3, 4]].tolist() == [-np.inf] * 4
    assert (abs(values[5:]) < 1).all()
    assert tictactoe.move_values(model, ttt.Board("XOXXOOOX.").array(), ttt.X)[0, 8] == 0  # the last square: a draw


def test_self_plays_targets_are_the_result_or_minus_the_opponents_best():
    model = tictactoe.value_network(seed=0)
    play = tictactoe.SelfPlay(model, epochs=1, rounds=1, games=20, seed=0)
    X, y = play.play(chance=0.5)
    assert sum(play.results.values()) == 20
    for row, target in zip(X.astype(bool), y, strict=True):
        board = np.where(row[:9], 1, np.where(row[9:], -1, 0))[None]
        if ttt.won(board, 1):
            assert target == 1
        elif ttt.full(board):
            assert target == 0
        else:
            assert target == pytest.approx(-tictactoe.move_values(model, board, -1).max(), abs=1e-5)


def test_turning_positions_changes_no_game():
    play = tictactoe.SelfPlay(tictactoe.value_network(seed=0), epochs=1, seed=0)
    X, _ = play.play(chance=1.0)
    turned = play.turned(X)
    boards, others = (x[:, :9].astype(int) - x[:, 9:].astype(int) for x in (X, turned))
    assert (ttt.won(boards, 1) == ttt.won(others, 1)).all()
    assert (abs(boards).sum(axis=1) == abs(others).sum(axis=1)).all()
    assert 0.5 < (boards != others).any(axis=1).mean() < 1


def test_a_little_training_at_tictactoe_beats_random_and_is_kept_in_a_file(tmp_path):
    path = tmp_path / "tictactoe.safetensors"
    run = tictactoe.train(seed=0, epochs=4, rounds=10, progress=False)
    untrained = tictactoe.NetPlayer(tictactoe.value_network(seed=0))
    rival = lambda: ttt.RandomPlayer(seed=1)
    before = tictactoe.against(untrained, rival(), 200)
    after = tictactoe.against(tictactoe.NetPlayer(run.model), rival(), 200)
    assert after["lost"] < 0.1 < before["lost"]
    assert run.history["loss"][-1] < run.history["loss"][0]
    assert {"drawn", "lost"} <= set(run.history.names)
    assert run.scores["lost lines"] == run.scores["lost as X"] + run.scores["lost as O"]
    assert tictactoe.TARGET.met(0)
    assert not tictactoe.TARGET.met(1)

    save(run.model, path)
    copy = tictactoe.value_network(seed=9)
    load(path, copy)
    assert tictactoe.evaluate(copy) == tictactoe.evaluate(run.model)


# -- Connect Four: rules -------------------------------------------------------------------------------------------

ALL_LINES = [
    [(c + k * dc, r + k * dr) for k in range(4)]
    for dc, dr in ((1, 0), (0, 1), (1, 1), (1, -1))
    for c in range(7)
    for r in range(6)
    if 0 <= c + 3 * dc < 7 and 0 <= r + 3 * dr < 6
]


def bits_of(places):
    return sum(1 << 7 * c + r for c, r in places)


def has_four(places):
    return any(all(place in places for place in line) for line in ALL_LINES)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=60))
def test_boards_and_bitboards_agree_with_plain_rules(columns):
    grid = [[] for _ in range(7)]  # plain: a list a column
    board, (mine, theirs) = c4.Board(), c4.empty(1)
    for column in columns:
        assert (c4.landings(mine, theirs)[0] != 0).tolist() == [len(stack) < 6 for stack in grid]
        assert c4.Board.bits(board) == (mine, theirs)
        if len(grid[column]) == 6:
            with pytest.raises(ValueError, match=f"column {column + 1} is full"):
                board.parse(str(column + 1))
            continue
        letter = "XO"[sum(map(len, grid)) % 2]
        assert board.turn == letter
        grid[column].append(letter)
        board = board.play(board.parse(str(column + 1)))
        mine = c4.dropped(mine, theirs, np.array([column]))
        discs = {(c, r) for c, stack in enumerate(grid) for r, who in enumerate(stack) if who == letter}
        assert mine.tolist() == [bits_of(discs)]
        assert board.columns == tuple(map("".join, grid))
        full = sum(map(len, grid)) == 42
        assert c4.connected(mine).tolist() == [has_four(discs)]
        assert c4.full(mine, theirs).tolist() == [full]
        assert board.winner == (letter if has_four(discs) else "draw" if full else None)
        if board.winner:
            assert board.legal_moves() == []
            break
        mine, theirs = theirs, mine


@settings(max_examples=200, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 6), st.integers(0, 5)), max_size=24))
def test_four_in_a_line_in_any_heap_of_discs(places):
    assert c4.connected(np.array([bits_of(places)], np.uint64)).tolist() == [has_four(places)]


def test_each_of_the_69_lines_wins_and_none_runs_over_the_edge():
    assert len(ALL_LINES) == 69
    assert c4.connected(np.array([bits_of(line) for line in ALL_LINES], np.uint64)).all()
    lines = {bits_of(line) for line in ALL_LINES}
    squares = [7 * c + r for c in range(7) for r in range(6)]
    for step in (1, 5, 6, 7, 8, 9):
        for start in squares:
            four = [start + k * step for k in range(4)]
            if set(four) <= set(squares):
                bits = sum(1 << i for i in four)
                assert c4.connected(np.array([bits], np.uint64))[0] == (bits in lines)


def test_connect_four_has_as_many_games_of_n_moves_as_is_known():
    mine, theirs = c4.empty(1)
    counts = []
    for _ in range(7):
        counts.append(len(mine))
        going_on = ~c4.connected(theirs)  # the one who just moved
        mine, theirs = mine[going_on], theirs[going_on]
        lands = c4.landings(mine, theirs)
        game, column = np.nonzero(lands)
        mine, theirs = theirs[game], mine[game] | lands[game, column]
    assert counts == [1, 7, 49, 343, 2401, 16807, 117649]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("4", "^column 4 is full: choose one of 1, 2, 3, 5, 6, 7$"),
        ("8", "^'8' is not the number of a column: choose one of 1, 2, 3, 5, 6, 7$"),
        ("0", "^'0' is not"),
        ("-1", "^'-1' is not"),
        ("left", "^'left' is not"),
        ("", "^'' is not"),
    ],
)
def test_connect_four_says_what_is_wrong_with_a_move(typed, says):
    with pytest.raises(ValueError, match=says):
        c4.Board(("", "", "", "XOXOXO", "", "", "")).parse(typed)


def test_connect_four_refuses_boards_and_moves_that_cannot_be():
    with pytest.raises(ValueError, match="7 columns"):
        c4.Board(("X",))
    with pytest.raises(ValueError, match="7 columns"):
        c4.Board(("XOXOXOX", "", "", "", "", "", ""))
    with pytest.raises(ValueError, match="take turns"):
        c4.Board(("O", "", "", "", "", "", ""))
    over = c4.Board(("XXXX", "OOO", "", "", "", "", ""))
    with pytest.raises(ValueError, match="game is over"):
        over.parse("3")
    with pytest.raises(ValueError, match="not legal"):
        over.play(2)
    with pytest.raises(ValueError, match="game is over"):
        c4.RandomPlayer(seed=0).choose(over)


def test_a_picture_of_the_board_has_the_numbers_to_type_above_and_gravity_below():
    lines = str(c4.Board(("XO", "", "", "", "", "", "X"))).splitlines()
    assert lines[0] == "1 2 3 4 5 6 7"
    assert lines[-2:] == ["O . . . . . .", "X . . . . . X"]
    assert len(lines) == 7


# -- Connect Four: players -----------------------------------------------------------------------------------------


def some_positions(games, moves, seed):
    """Boards after so many random moves, of games that still go on."""
    rng, boards = np.random.default_rng(seed), []
    while len(boards) < games:
        board = c4.Board()
        for _ in range(moves):
            if not board.winner:
                board = board.play(int(rng.choice(board.legal_moves())))
        if not board.winner:
            boards.append(board)
    return boards


def wins_for(board, letter):
    """The columns in which this player would have four at once."""
    found = []
    for move in board.legal_moves():
        stack = board.columns[move] + letter
        columns = [*board.columns[:move], stack, *board.columns[move + 1 :]]
        if has_four({(c, r) for c, word in enumerate(columns) for r, who in enumerate(word) if who == letter}):
            found.append(move)
    return found


def test_the_tactician_wins_if_it_can_and_else_blocks():
    tactician, won, blocked = c4.Tactician(seed=0), 0, 0
    for board in some_positions(50, 16, seed=0) + some_positions(50, 17, seed=1):
        move = tactician.choose(board)
        wins, threats = wins_for(board, board.turn), wins_for(board, "XO"[board.turn == "X"])
        assert move in board.legal_moves()
        if wins:
            assert move in wins
            won += 1
        elif threats:
            assert move in threats
            blocked += 1
    assert won > 10
    assert blocked > 10


def height_judge(movers, others):
    """Some judgement that is quick to compute in two ways: discs of the mover in the left column, less the other's."""
    left = np.uint64(63)
    return np.array([(int(m & left).bit_count() - int(o & left).bit_count()) / 10 for m, o in zip(movers, others)])  # noqa: B905


def plain_search(board, depth):
    """What `search` should find, column by column, for one board."""
    values = {}
    for move in board.legal_moves():
        after = board.play(move)
        if after.winner:
            values[move] = 0.0 if after.winner == "draw" else 1.0
        elif depth == 1:
            word, letter = after.columns[0], board.turn
            values[move] = (2 * word.count(letter) - len(word)) / 10
        else:
            values[move] = -0.99 * max(plain_search(after, depth - 1).values())
    return values


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_search_of_many_games_is_minimax_of_each(depth):
    for moves, games in ((14, 2 if depth == 3 else 10), (36, 2)):  # nearly full boards are rare, and slow to come by
        group = some_positions(games, moves, seed=2)
        mine, theirs = (np.concatenate(part) for part in zip(*(b.bits() for b in group), strict=True))
        found = c4.search(mine, theirs, depth, height_judge)
        for row, board in zip(found, group, strict=True):
            wanted = plain_search(board, depth)
            assert [c for c in range(7) if row[c] > -np.inf] == sorted(wanted)
            assert [row[c] for c in sorted(wanted)] == pytest.approx([wanted[c] for c in sorted(wanted)], abs=1e-6)


def test_a_search_of_two_moves_never_overlooks_a_win_or_a_threat():
    player = c4.Searcher(2, height_judge)
    for board in some_positions(40, 17, seed=4):
        wins, threats = wins_for(board, board.turn), wins_for(board, "XO"[board.turn == "X"])
        if wins:
            assert player.choose(board) in wins
        elif len(threats) == 1:
            assert player.choose(board) in threats
    with pytest.raises(ValueError, match="at least 1"):
        c4.Searcher(0)


def test_where_no_game_goes_on_nobody_is_asked_to_judge():
    columns = ("XXOXO", "OOXOXX", "OOXOXX", "XOXXOO", "XXOOXO", "OXXXOO", "OXXOOX")
    board = c4.Board(columns)
    assert (board.turn, board.winner, board.legal_moves()) == ("O", None, [0])
    for depth in (1, 2, 3):
        player = connect_four.NetPlayer(connect_four.value_network(seed=0), depth)
        assert player.choose(board) == 0
        assert c4.search(*board.bits(), depth, player.judge).tolist() == [[0] + [-np.inf] * 6]
    assert board.play(0).winner == "draw"


def test_deeper_minimax_wins_more_and_the_seat_is_counted_rightly():
    deep, shallow = c4.Searcher(3, seed=0), c4.RandomPlayer(seed=0)
    assert (c4.play_match(deep, shallow, 20) == 1).mean() > 0.8
    assert (c4.play_match(shallow, deep, 20) == -1).mean() > 0.8
    assert connect_four.against(deep, shallow, 20)["won"] > 0.8
    assert set(c4.play_match(shallow, shallow, 40).tolist()) >= {1, -1}  # a player may meet itself


def test_players_with_a_seed_can_be_repeated():
    for make in (c4.RandomPlayer, c4.Tactician, lambda seed: c4.Searcher(1, seed=seed)):
        one, two, other = (c4.play_match(make(seed), make(seed), 30).tolist() for seed in (1, 1, 2))
        assert one == two != other


# -- Connect Four: learning ----------------------------------------------------------------------------------------


def test_features_and_mirroring_of_connect_four():
    board = c4.Board(("XO", "", "", "", "", "", "X"))
    mine, theirs = board.bits()  # O is to move
    X = connect_four.features(theirs, mine)
    assert X.dtype == np.float32
    assert X[0].nonzero()[0].tolist() == [0, 36, 43]
    turned = connect_four.features(*reversed(c4.Board(("X", "", "", "", "", "", "XO")).bits()))
    assert (connect_four.mirrored(X) == turned).all()
    assert sum(p.size for p in connect_four.value_network().parameters()) == 19_201


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-1, 1), st.booleans()), min_size=1, max_size=12), st.integers(0, 1), st.floats(0, 1)
)
def test_td_lambda_is_the_recursion_game_by_game(turns, result, lam):
    best, by_chance = [[*part, 0] for part in zip(*turns, strict=True)]
    n = len(turns)
    wanted = [0.0] * n
    wanted[-1] = float(result)
    for t in reversed(range(n - 1)):
        wanted[t] = -(best[t + 1] if by_chance[t + 1] else (1 - lam) * best[t + 1] + lam * wanted[t + 1])
    column = lambda numbers, kind: np.array(numbers, kind)[:, None]
    results = column([0.0] * (n - 1) + [result, 0], float)
    over = column([False] * (n - 1) + [True, False], bool)
    found = connect_four.td_lambda(results, over, column(best, float), column(by_chance, bool), lam)
    assert found[:n, 0] == pytest.approx(wanted)


def test_self_play_gives_positions_of_real_games_with_their_results():
    model = connect_four.value_network(seed=0)
    play = connect_four.SelfPlay(model, epochs=1, rounds=1, games=32, seed=0)
    movers, others, targets = play.play(chance=0.5)
    assert sum(play.results.values()) == 32
    assert ((movers & others) == 0).all()
    assert not c4.connected(others).any()  # else the game would have been over
    wins = c4.connected(movers)
    assert wins.sum() == play.results["first"] + play.results["second"]
    assert (targets[wins] == 1).all()
    assert (abs(targets) <= 1).all()
    one_too_many = c4.search(others, movers, 1, connect_four.judge_of(model)).max(axis=1) == 1
    assert (targets[one_too_many & ~wins] == -1).all()  # the opponent wins at once
    batches = list(play)
    assert len(batches) == len(play)
    assert {X.shape for X, _ in batches} == {(connect_four.BATCH_SIZE, 84)}


def test_self_play_counts_a_draw_as_a_draw(monkeypatch):
    almost_full = c4.Board(("XXOXO", "OOXOXX", "OOXOXX", "XOXXOO", "XXOOXO", "OXXXOO", "OXXOOX"))
    monkeypatch.setattr(c4, "empty", lambda games: [np.repeat(part, games) for part in almost_full.bits()])
    play = connect_four.SelfPlay(connect_four.value_network(seed=0), epochs=1, games=4, seed=0)
    _, _, targets = play.play(chance=0.5)
    assert targets.tolist() == [0] * 4
    assert play.results == {"first": 0, "second": 0, "draw": 4}


def test_a_little_training_at_connect_four_is_better_than_none_and_is_kept_in_a_file(tmp_path, monkeypatch):
    path = tmp_path / "connect_four.safetensors"
    monkeypatch.setattr(connect_four, "evaluate", partial(connect_four.evaluate, games=100))
    run = connect_four.train(seed=0, epochs=2, rounds=5, games=64, progress=False)
    untrained, trained = (connect_four.NetPlayer(m, 1) for m in (connect_four.value_network(seed=0), run.model))
    before, after = (connect_four.against(p, c4.Tactician(seed=1), 200)["won"] for p in (untrained, trained))
    assert after > before + 0.1
    assert {"first", "won"} <= set(run.history.names)
    assert run.scores["random"] > 0.9
    assert connect_four.TARGET_RANDOM.met(0.99)
    assert not connect_four.TARGET_TACTICIAN.met(0.89)

    save(run.model, path)
    copy = connect_four.value_network(seed=9)
    load(path, copy)
    boards = some_positions(30, 12, seed=5)
    moves = [[connect_four.NetPlayer(model).choose(board) for board in boards] for model in (run.model, copy)]
    assert moves[0] == moves[1]


@pytest.mark.parametrize("game", [tictactoe, connect_four])
def test_self_play_that_was_interrupted_goes_on_to_the_same_numbers(game, tmp_path, monkeypatch):
    monkeypatch.setattr(game, "evaluate", lambda model: model.state_dict())

    def train(name, progress=False):
        path = tmp_path / f"{name}.safetensors"
        return game.train(seed=3, epochs=3, rounds=2, progress=progress, checkpoint=path)

    def ctrl_c(line):
        if line.startswith("epoch"):
            raise KeyboardInterrupt

    whole, broken_off = train("whole"), train("broken", progress=ctrl_c)
    assert len(broken_off.history) == 1
    gone_on = train("broken")
    assert gone_on.history.rows == whole.history.rows
    assert all((gone_on.scores[name] == whole.scores[name]).all() for name in whole.scores)
    assert len(train("whole").history) == 3  # done already: given at once
