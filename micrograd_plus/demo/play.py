"""micrograd-plus demo play: tic-tac-toe or Connect Four, against a network that taught itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ..capstones import connect_four, tictactoe
from .asking import ask
from .kept import DemoError, Subject, trained

TIC_TAC_TOE = Subject(
    file="tic-tac-toe",
    title="Tic-tac-toe, learned by playing against itself: a network that values positions.",
    train=tictactoe.train,
    model=tictactoe.value_network,
    targets={"lost lines": tictactoe.TARGET},
)
CONNECT_FOUR = Subject(
    file="connect-four",
    title="Connect Four, learned by playing against itself: a network that values positions, and looks ahead.",
    train=connect_four.train,
    model=connect_four.value_network,
    targets={"random": connect_four.TARGET_RANDOM, "tactician": connect_four.TARGET_TACTICIAN},
)

HELP = {
    "tic-tac-toe": "Three in a line win. Type the number of a free square, 1 to 9; quit (or Ctrl-D) leaves.",
    "connect-four": "Four in a line win. Type the number of a column, 1 to 7; quit (or Ctrl-D) leaves.",
}


class Opponent(NamedTuple):
    """The trained network at the board: its move, and what it thinks of each move, {move: -1 (lost) to 1 (won)}."""

    choose: Callable[[Any], int]
    opinion: Callable[[Any], dict[int, float]]


def run(
    folder: Path,
    game: str = "tic-tac-toe",
    *,
    seed: int = 0,
    again: bool = False,
    second: bool = False,
    depth: int | None = None,
    values: bool = False,
) -> None:
    """Train or load the network, then play until the player has had enough. second: the network begins.

    depth: how many moves it looks ahead in Connect Four (2). values: show what it thinks of its moves. DemoError for a
    depth in tic-tac-toe.
    """
    if game == "tic-tac-toe" and depth is not None:
        raise DemoError("--depth is for connect-four: in tic-tac-toe the network doesn't look ahead")
    board: Any
    if game == "tic-tac-toe":
        opponent, board = tic_tac_toe_player(trained(TIC_TAC_TOE, folder, seed, again)), tictactoe.Board()
    else:
        opponent = connect_four_player(trained(CONNECT_FOUR, folder, seed, again), depth or 2)
        board = connect_four.Board()
    print(f"\n{HELP[game]}")
    you = "O" if second else "X"
    while play(opponent, board, you, HELP[game], values):
        answer = ask("Another game, with the other side? (Enter: yes, n: no) ")
        if answer is None or answer.lower().startswith("n"):
            return
        you = "O" if you == "X" else "X"


def tic_tac_toe_player(model: Any) -> Opponent:
    """The network, valuing each move."""

    def opinion(board: Any) -> dict[int, float]:
        values = tictactoe.move_values(model, board.array(), 1 if board.turn == "X" else -1)[0]
        return {move: float(values[move]) for move in board.legal_moves()}

    return Opponent(tictactoe.NetPlayer(model).choose, opinion)


def connect_four_player(model: Any, depth: int) -> Opponent:
    """The network, valuing what can be `depth` moves ahead."""

    def opinion(board: Any) -> dict[int, float]:
        mine, theirs = board.bits()
        values = connect_four.rules.search(mine, theirs, depth, connect_four.judge_of(model))[0]
        return {move: float(values[move]) for move in board.legal_moves()}

    return Opponent(connect_four.NetPlayer(model, depth).choose, opinion)


def play(opponent: Opponent, board: Any, you: str, rules: str, values: bool = False) -> bool:
    """One game; you: "X" (who begins) or "O". False when the player left before its end."""
    print(f"\nYou are {you}; the network is {'O' if you == 'X' else 'X'}.\n\n{board}\n")
    while not board.winner:
        yours = board.turn == you
        move = _your_move(board, rules) if yours else opponent.choose(board)
        if move is None:
            return False
        if values and not yours:
            print(f"What it thinks of its moves: {_in_words(board, opponent.opinion(board))}")
        name = board.name_of(move)
        board = board.play(move)
        print(f"{'You play' if yours else 'The network plays'} {name}.\n\n{board}\n")
    print({"draw": "A draw.", you: "You have won!"}.get(board.winner, "The network has won."))
    return True


def _your_move(board: Any, rules: str) -> int | None:
    """A legal move, asked for until there is one; None when the player leaves."""
    while (text := ask(f"Your move, {board.turn} (or help, quit): ")) is not None:
        if text.lower() in ("help", "?"):
            print(rules)
            continue
        try:
            return board.parse(text)
        except ValueError as error:
            print(f"{error}.")
    return None


def _in_words(board: Any, opinion: dict[int, float]) -> str:
    """The moves, best first: "5 +0.12, 1 -0.30"."""
    best_first = sorted(opinion, key=lambda move: -opinion[move])
    return ", ".join(f"{board.name_of(move)} {opinion[move]:+.2f}" for move in best_first)
