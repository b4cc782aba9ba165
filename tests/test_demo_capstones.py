"""micrograd-plus demo faces | speech | translate | names | play, as a user meets them; with tiny trainings or stubs."""

import io
import json
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from micrograd_plus import nn
from micrograd_plus.capstones import Run, Target, connect_four, spoken_digits, tictactoe, translation
from micrograd_plus.capstones import names as names_capstone
from micrograd_plus.capstones.boards.tictactoe import Board, PerfectPlayer
from micrograd_plus.cli import main
from micrograd_plus.demo import faces, names, naming, play, speech, terminal, translate
from micrograd_plus.demo.kept import DemoError, Subject, trained
from micrograd_plus.optim import Adam
from micrograd_plus.training import Checkpoint, fit

ROOT = Path(__file__).parent.parent


class Pipe(io.StringIO):
    """Lines for stdin that nobody types."""


class Typed(io.StringIO):
    """Lines for stdin that look as if they were typed."""

    def isatty(self):
        return True


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """run("play", "--second", lines="5\n1\n") calls the command in an empty folder: (code, out, err)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FAST", raising=False)

    def call(*arguments, lines="", stdin=Pipe):
        monkeypatch.setattr("sys.stdin", stdin(lines))
        try:
            code = main(["demo", *arguments])
        except SystemExit as stop:
            code = stop.code
        return (code, *capsys.readouterr())

    return call


def stub(monkeypatch, module, **changes):
    """Another training for a subject of the demo: counts its calls, trains nothing."""
    calls = []
    name = next(name for name, value in vars(module).items() if isinstance(value, Subject))
    subject = getattr(module, name)

    def train(seed, *, progress, checkpoint):
        calls.append(seed)
        random.seed(seed)
        return Run(subject.model(), None, dict.fromkeys(subject.targets, 1.0))

    fields = {**vars(subject), "train": train, **changes}
    monkeypatch.setattr(module, name, Subject(**fields))
    return calls


# -- trained once, used often ------------------------------------------------------------------------------------


def small():
    return nn.Sequential(nn.Linear(2, 1, dtype=np.float32))


def small_training(seed, *, progress, checkpoint, each_epoch=lambda state: None):
    random.seed(seed)
    model = small()
    data = (np.eye(2, dtype=np.float32), np.array([0.0, 1.0], np.float32))
    callbacks = [each_epoch, Checkpoint(checkpoint, resume=True)]
    history = fit(model, data, "mse", Adam(model.parameters(), lr=0.1), 5, callbacks=callbacks, progress=False, seed=0)
    return Run(model, history, {"wins": 0.75, "a baseline": np.float32(0.5)})


SMALL = Subject("small", "A small net.", small_training, small, {"wins": Target("games won", at_least=0.9)})


def files_in(folder):
    return sorted(path.name for path in (folder / "models").iterdir())


def test_the_first_call_trains_and_the_next_reads_the_file(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("FAST", raising=False)
    first = trained(SMALL, tmp_path)
    out = capsys.readouterr().out
    assert "It is trained now" in out
    assert "games won: 75.0 % (wanted: at least 90.0 %) - not reached\n" in out
    assert files_in(tmp_path) == ["small.json", "small.safetensors"]

    def never(*_, **__):
        raise AssertionError("trained again")

    second = trained(Subject(**{**vars(SMALL), "train": never}), tmp_path)
    assert {k: v.tolist() for k, v in second.state_dict().items()} == {
        k: v.tolist() for k, v in first.state_dict().items()
    }
    assert not second.training
    out = capsys.readouterr().out
    assert "Trained on 20" in out
    assert "--again trains anew" in out
    assert "games won: 75.0 %" in out
    with pytest.raises(AssertionError, match="trained again"):
        trained(Subject(**{**vars(SMALL), "train": never}), tmp_path, again=True)


def test_each_seed_has_its_own_file_and_so_has_fast(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("FAST", raising=False)
    trained(SMALL, tmp_path, seed=3)
    monkeypatch.setenv("FAST", "1")
    trained(SMALL, tmp_path)
    assert "FAST=1 trains a third" in capsys.readouterr().out
    assert [name for name in files_in(tmp_path) if name.endswith(".json")] == ["small-fast.json", "small-seed3.json"]
    assert json.loads((tmp_path / "models" / "small-seed3.json").read_text())["seed"] == 3


def test_ctrl_c_during_training_keeps_it_and_the_next_call_goes_on(tmp_path, capsys):
    seen = []

    def ctrl_c(state):
        seen.append(state.epoch)
        if len(seen) == 3:
            signal.raise_signal(signal.SIGINT)

    def train(*arguments, **options):
        return small_training(*arguments, **options, each_epoch=ctrl_c)

    before = signal.getsignal(signal.SIGINT)
    subject = Subject(**{**vars(SMALL), "train": train})
    with pytest.raises(KeyboardInterrupt, match="the next call goes on"):
        trained(subject, tmp_path)
    assert signal.getsignal(signal.SIGINT) is before
    assert len(files_in(tmp_path)) == 1, "the training that isn't finished, and no model"
    trained(subject, tmp_path)
    assert seen == [1, 2, 3, 3, 4, 5], "the third epoch, which wasn't kept, once more"
    assert "goes on where it was stopped" in capsys.readouterr().out
    assert not any("unfinished" in name for name in files_in(tmp_path))


def test_again_begins_a_stopped_training_anew(tmp_path):
    seen = []

    def ctrl_c(state):
        seen.append(state.epoch)
        if seen == [1, 2]:
            raise KeyboardInterrupt

    subject = Subject(
        **{**vars(SMALL), "train": lambda *a, **k: small_training(*a, **k, each_epoch=ctrl_c)},
    )

    def train(seed, **options):
        run = subject.train(seed, **options)
        if run.history.stopped:
            raise KeyboardInterrupt
        return run

    with pytest.raises(KeyboardInterrupt):
        trained(Subject(**{**vars(SMALL), "train": train}), tmp_path)
    trained(Subject(**{**vars(SMALL), "train": train}), tmp_path, again=True)
    assert seen == [1, 2, 1, 2, 3, 4, 5]


def test_a_stopped_training_goes_on_though_there_is_an_older_model(tmp_path, capsys):
    trained(SMALL, tmp_path)
    epochs = []

    def ctrl_c(state):
        epochs.append(state.epoch)
        if epochs == [1, 2]:
            signal.raise_signal(signal.SIGINT)

    subject = Subject(**{**vars(SMALL), "train": lambda *a, **k: small_training(*a, **k, each_epoch=ctrl_c)})
    with pytest.raises(KeyboardInterrupt):
        trained(subject, tmp_path, again=True)
    trained(subject, tmp_path)
    assert epochs == [1, 2, 2, 3, 4, 5]
    trained(subject, tmp_path)
    assert len(epochs) == 6


def test_stopped_before_the_first_epoch_is_done(tmp_path):
    def train(*_, **__):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="nothing is kept"):
        trained(Subject(**{**vars(SMALL), "train": train}), tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("small.safetensors", b"", "can't be used"),
        ("small.safetensors", b"\x08\0\0\0\0\0\0\0garbage!", "can't be used"),
        ("small.json", b"", "missing or damaged"),
        ("small.json", b"[]", "missing or damaged"),
        ("small.json", b"\xff\xfe", "missing or damaged"),
        ("small.json", b'{"trained": 1, "micrograd_plus": "0", "scores": {"wins": "x"}}', "missing or damaged"),
        ("small.json", None, "missing or damaged"),
    ],
)
def test_a_damaged_file_is_one_sentence_and_stays(name, content, words, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("FAST", raising=False)
    trained(SMALL, tmp_path)
    path = tmp_path / "models" / name
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(DemoError, match=f"{words}.*--again trains anew") as caught:
        trained(SMALL, tmp_path)
    assert "\n" not in str(caught.value)
    assert (path.read_bytes() if path.exists() else None) == content
    trained(SMALL, tmp_path, again=True)
    trained(SMALL, tmp_path)


def test_the_model_of_another_version_is_used_if_it_fits(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("FAST", raising=False)
    trained(SMALL, tmp_path)
    note = tmp_path / "models" / "small.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "micrograd_plus": "0.0.7", "scores": {"other": 1}}))
    capsys.readouterr()
    trained(SMALL, tmp_path)
    assert "by micrograd_plus 0.0.7; --again" in capsys.readouterr().out
    wider = Subject(**{**vars(SMALL), "model": lambda: nn.Sequential(nn.Linear(3, 1, dtype=np.float32))})
    with pytest.raises(DemoError, match=r"can't be used.*--again trains anew"):
        trained(wider, tmp_path)


def test_a_damaged_unfinished_training_is_a_sentence_too(tmp_path, monkeypatch):
    monkeypatch.delenv("FAST", raising=False)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "small.unfinished.safetensors").write_bytes(b"half of")
    with pytest.raises(DemoError, match=r"damaged.*; --again begins anew"):
        trained(SMALL, tmp_path)
    trained(SMALL, tmp_path, again=True)


@pytest.mark.parametrize("numbers", [[], ["ninety-five"]])
def test_data_that_is_missing_is_said_before_any_training(numbers, run, monkeypatch):
    calls = stub(monkeypatch, translate)
    monkeypatch.setitem(sys.modules, "num2words", None)
    code, out, err = run("translate", *numbers)
    assert (code, out, calls) == (2, "", [])
    assert "num2words, which is not installed: pip install" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("error", [ValueError, ImportError, FloatingPointError, KeyError])
def test_a_fault_of_the_program_keeps_its_traceback(error, tmp_path):
    def wrong(*_, **__):
        raise error("a fault")

    with pytest.raises(error, match="a fault"):
        trained(Subject(**{**vars(SMALL), "train": wrong}), tmp_path)
    trained(SMALL, tmp_path)
    with pytest.raises(error, match="a fault"):
        trained(Subject(**{**vars(SMALL), "model": wrong}), tmp_path)


def test_a_stopped_training_of_another_version_is_a_sentence(tmp_path):
    stop = lambda state: signal.raise_signal(signal.SIGINT) if state.epoch == 2 else None
    train = lambda *a, **k: small_training(*a, **k, each_epoch=stop)
    with pytest.raises(KeyboardInterrupt):
        trained(Subject(**{**vars(SMALL), "train": train}), tmp_path)

    def other(seed, *, progress, checkpoint):
        model, callbacks = small(), [Checkpoint(checkpoint, resume=True)]
        fit(model, (np.eye(2), np.ones(2)), "mse", "sgd", callbacks=callbacks, progress=False)

    with pytest.raises(DemoError, match=r"optimizer was Adam.* and is now SGD.*; --again begins anew"):
        trained(Subject(**{**vars(SMALL), "train": other}), tmp_path)


def test_a_folder_that_cannot_be_written(run, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run("play", "--out", "file")
    assert code == 2
    assert "choose another folder with --out" in err
    assert err.count("\n") == 1


def test_nobody_reads_on(tmp_path):
    def train(*_, **__):
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):  # the command line ends quietly then
        trained(Subject(**{**vars(SMALL), "train": train}), tmp_path)


# -- play --------------------------------------------------------------------------------------------------------


class First:
    """An opponent without a thought: the first free square."""

    def choose(self, board):
        return board.legal_moves()[0]


@pytest.fixture
def first_square(monkeypatch):
    stub(monkeypatch, play)
    opponent = play.Opponent(First().choose, lambda board: {move: -0.1 * move for move in board.legal_moves()})
    monkeypatch.setattr(play, "tic_tac_toe_player", lambda model: opponent)


def test_a_game_that_is_won(run, first_square):
    code, out, err = run("play", lines="5\n7\n3\n")
    assert (code, err) == (0, "")
    assert out.rstrip().endswith(
        "You play 3.\n\n O | O | X\n---+---+---\n 4 | X | 6\n---+---+---\n X | 8 | 9\n\nYou have won!"
    )
    assert "Your move" not in out, "no prompts in a pipe"


def test_a_game_that_is_lost(run, first_square):
    code, out, _ = run("play", "--second", lines="9\n8\n")
    assert code == 0
    assert out.index("The network plays 1.") < out.index("You play 9.")
    assert "You are O; the network is X" in out
    assert out.rstrip().endswith("The network has won.")


def test_a_game_that_is_drawn(run, monkeypatch):
    stub(monkeypatch, play)
    monkeypatch.setattr(play, "tic_tac_toe_player", lambda model: play.Opponent(PerfectPlayer().choose, lambda b: {}))
    board, lines = Board(), []
    while not board.winner:
        move = PerfectPlayer().choose(board)
        lines += [board.name_of(move)] if board.turn == "X" else []
        board = board.play(move)
    code, out, _ = run("play", lines="\n".join(lines))
    assert code == 0
    assert out.rstrip().endswith("A draw.")


def test_moves_that_cannot_be_played_are_asked_for_again(run, first_square):
    code, out, _ = run("play", lines="5\n5\nfive\n\n10\nhelp\n7\n3\n")
    assert code == 0
    assert "square 5 is taken: choose one of 2, 3, 4, 6, 7, 8, 9." in out
    assert "'five' is not the number of a square" in out
    assert "'' is not the number" in out
    assert "'10' is not" in out
    assert out.count("Three in a line win") == 2
    assert out.rstrip().endswith("You have won!")


def test_bytes_that_are_no_text_are_a_bad_move(run, first_square, monkeypatch):
    code, out, _ = run("play", lines=b"\xff\n5\n7\n3\n", stdin=lambda b: io.TextIOWrapper(io.BytesIO(b), "utf-8"))
    assert code == 0
    assert "'\N{REPLACEMENT CHARACTER}' is not the number of a square" in out
    assert "You have won!" in out


def test_another_game_changes_sides_and_quit_leaves(run, first_square):
    code, out, _ = run("play", lines="5\n7\n3\n\n9\nquit\n8\n")
    assert code == 0
    assert out.count("You are X") == out.count("You are O") == 1
    assert "You play 8." not in out
    code, out, _ = run("play", lines="5\n7\n3\nn\n9\n")
    assert out.count("You are") == 1


def test_the_values_of_its_moves(run, first_square):
    _, out, _ = run("play", "--values", lines="1\n")
    assert "What it thinks of its moves: 2 -0.10, 3 -0.20," in out
    assert "thinks" not in run("play", lines="1\n")[1]


def test_the_end_of_the_input_leaves_at_any_point(run, first_square):
    for moves in ("", "5\n", "5\n7\n", "5\n7\n3\n"):
        code, out, err = run("play", lines=moves)
        assert (code, err) == (0, "")
        assert out.count("You play") == len(moves) // 2


def test_ctrl_c_while_a_move_is_asked_for(run, first_square, monkeypatch):
    def ctrl_c(prompt):
        assert prompt.startswith("Your move, X")
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", ctrl_c)
    code, _, err = run("play", stdin=Typed)
    assert (code, err) == (130, "\nstopped\n")


def test_ctrl_d_in_a_terminal(run, first_square, monkeypatch):
    def ctrl_d(prompt):
        raise EOFError

    monkeypatch.setattr("builtins.input", ctrl_d)
    code, _, err = run("play", stdin=Typed)
    assert (code, err) == (0, "\n")


def test_prompts_go_to_the_screen_where_the_output_goes_to_a_file(run, first_square):
    code, out, err = run("play", lines="5\nquit\n", stdin=Typed)
    assert code == 0
    assert "Your move" not in out
    assert err.count("Your move, X (or help, quit): ") == 2


def test_a_tiny_network_plays_both_games(run, monkeypatch):
    def tic_tac_toe(seed, **options):
        return tictactoe.train(seed, **options, epochs=1, rounds=1)

    def four(seed, **options):
        return connect_four.train(seed, **options, epochs=1, rounds=1, games=2)

    monkeypatch.setattr(connect_four, "evaluate", lambda model: {"random": 0.5, "tactician": 0.25})
    monkeypatch.setattr(play, "TIC_TAC_TOE", Subject(**{**vars(play.TIC_TAC_TOE), "train": tic_tac_toe}))
    monkeypatch.setattr(play, "CONNECT_FOUR", Subject(**{**vars(play.CONNECT_FOUR), "train": four}))
    code, out, err = run("play", "--values", lines="5\n")
    assert (code, err) == (0, "")
    assert "lines lost against every possible opponent, both seats:" in out
    assert out.count("The network plays") == 1
    code, out, err = run("play", "connect-four", "--depth", "1", "--values", "--second", lines="4\n9\n")
    assert (code, err) == (0, "")
    assert "of 1,000: 25.0 % (wanted: at least 90.0 %) - not reached" in out
    assert "'9' is not the number of a column: choose one of 1, 2, 3, 4, 5, 6, 7" in out
    assert out.count("The network plays") == 2


def test_the_depth_that_is_asked_for(run, monkeypatch):
    depths = []
    monkeypatch.setattr(play, "trained", lambda *_: None)
    monkeypatch.setattr(play, "connect_four_player", lambda model, depth: depths.append(depth))
    assert run("play", "connect-four")[0] == run("play", "connect-four", "--depth", "4")[0] == 0
    assert depths == [2, 4]
    code, out, err = run("play", "--depth", "4")
    assert (code, out) == (2, "")
    assert "--depth is for connect-four" in err
    assert run("play", "connect-four", "--depth", "0")[0] == 2


def test_how_far_it_looks_ahead():
    board = connect_four.Board(("", "", "X", "X", "", "", "OO"))  # a third X, open on both sides, can't be stopped
    player = play.connect_four_player(connect_four.value_network(seed=0), depth=3)
    assert player.choose(board) in (1, 4)
    opinion = player.opinion(board)
    assert max(opinion.values()) == pytest.approx(0.99**2)
    assert opinion.keys() == set(range(7))


# -- translate ---------------------------------------------------------------------------------------------------


@pytest.fixture
def translator(monkeypatch):
    """A model that isn't trained; 95 is translated rightly, and all else into "zéro"."""
    calls = stub(monkeypatch, translate)
    right = ["quatre", "-", "vingt", "-", "quinze"]

    def answer(model, number):
        words = right if number == 95 else ["zéro"]
        read = len(translation.words_of(number))
        return words, np.full((4, len(words), read), 1 / read)

    monkeypatch.setattr(translation, "translate", answer)
    return calls


def test_numbers_behind_the_command_are_translated(run, translator):
    code, out, err = run("translate", "95", "1,984")
    assert (code, err) == (0, "")
    assert "95: ninety-five\n  = quatre-vingt-quinze\nRight. It had learned from this number." in out
    assert "1,984: one thousand, nine hundred and eighty-four\n  = zéro\nWrong: it is mille neuf cent quatre-" in out
    assert translator == [0]
    code, out, _ = run("translate", "ninety", "five", "--seed", "0")
    assert "= quatre-vingt-quinze" in out
    assert translator == [0], "the second call doesn't train"


def test_each_line_of_a_pipe_is_answered(run, translator):
    code, out, err = run("translate", lines="95\nfive million\n1000000\n\n7\n")
    assert (code, err) == (0, "")
    assert "Right." in out
    assert "'million' is no number word I know: only the whole numbers from 0 to 999,999 were learned" in out
    assert "1000000 is too large" in out
    assert "7: seven" not in out, "an empty line leaves"
    assert "A number:" not in out
    assert "Type a number" not in out


def test_somebody_who_types_is_told_what(run, translator):
    _, out, err = run("translate", lines="\n", stdin=Typed)
    assert "Type a number in digits or in English words, from 0 to 999,999; an empty line leaves." in out
    assert err == "\nA number: "


def test_numbers_that_cannot_be_read_cost_no_training(run, translator):
    for text in ("1000000", "3.5", "-5", "1,2", "12 34", "forty-second", "x", "½", "²"):
        code, out, err = run("translate", "--", text)
        assert (code, out) == (2, ""), text
        assert "from 0 to 999,999" in err
        assert err.count("\n") == 1
    assert translator == []


@pytest.mark.parametrize("number", [0, 7, 19, 20, 95, 100, 101, 840, 1000, 1984, 20_012, 100_100, 999_999, 377_777])
def test_numbers_are_read_as_they_are_written(number):
    words = translation.joined(translation.words_of(number))
    for text in (str(number), f"{number:,}", f"{number:,}".replace(",", " "), f"00{number}", words, words.upper()):
        assert translate.read_number(text) == number
    assert translate.read_number(words.replace(" and ", " ").replace("-", " ").replace(",", "")) == number


def test_a_hundred_is_one_hundred_and_twenty_twelve_is_nothing():
    assert translate.read_number("a hundred and one") == 101
    for text in (
        "nineteen eighty-four",
        "twenty twelve",
        "hundred hundred",
        "one thousand thousand",
        "thousand",
        "and",
    ):
        with pytest.raises(ValueError, match=r"spelt|no number"):
            translate.read_number(text)


def test_the_real_model_looks_at_what_it_read():
    model = translation.Translator(*translation.vocabularies()).eval()
    text = translate.in_french(model, 377_777, set())
    assert text.startswith("377,777: three hundred and seventy-seven thousand, seven hundred and seventy-seven\n")
    assert "It had never seen this number." in text
    assert max(map(len, text.split("\n\n", 1)[-1].splitlines())) <= 80


# -- names -------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_training(monkeypatch):
    return stub(monkeypatch, names)


def test_names_are_printed_and_new_ones_marked(run, no_training, monkeypatch):
    monkeypatch.setattr(names_capstone, "sample", lambda model, **_: ["anna", "annax"])
    code, out, err = run("names")
    assert (code, err) == (0, "")
    assert out.endswith("\nAnna    Annax*\n")


def test_how_many_how_bold_and_how_they_begin(run, no_training):
    def shown(*options, lines=""):
        code, out, err = run("names", *options, lines=lines)
        assert (code, err) == (0, "")
        return [name.strip("*") for name in out.split("tested on.")[1].split()]

    found = shown("--count", "7", "--start", "An")
    assert len(found) == 7
    assert all(name.startswith("An") and name.isalpha() and len(name) <= 11 for name in found)
    assert shown("--count", "7", "--start", "An") == found, "the same seed, the same names"
    assert shown("--count", "7", "--start", "An", "--seed", "1") != found
    assert len(set(shown("--count", "7", "--temperature", "0.05", "--start", "e"))) < 7
    more = shown("--count", "2", lines="\nzo\nq\nquit\nan\n")
    assert len(more) == 8
    assert more[:2] != more[2:4]
    assert all(name.startswith("Zo") for name in more[4:6])
    assert all(name.startswith("Q") for name in more[6:]), "a letter, and no word that leaves"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--count", "0"], "'0' is not a whole number from 1 up"),
        (["--temperature", "0"], "'0' is not a number from 0.05 up"),
        (["--temperature", "nan"], "'nan' is not a number"),
        (["--temperature", "inf"], "'inf' is not a number"),
        (["--start", "a1"], "names begin with letters from a to z"),
        (["--start", "é"], "names begin with letters from a to z"),
        (["--start", "abcdefghijk"], "is too long: names have at most 11 letters"),
    ],
)
def test_names_that_cannot_be(run, no_training, options, words):
    code, out, err = run("names", *options)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert no_training == []


def test_a_beginning_that_cannot_be_is_asked_for_again(run, no_training):
    code, out, _ = run("names", "--count", "1", lines="a1\nzo\n")
    assert code == 0
    assert "'a1': names begin with letters" in out
    assert out.split()[-1].startswith("Zo")


# -- speech ------------------------------------------------------------------------------------------------------


def test_recordings_are_named_by_number(run, monkeypatch):
    calls = stub(monkeypatch, speech)

    def scores(model, X, lengths):
        right = spoken_digits.split_recordings()[-1]
        said = np.where(np.arange(600) < 15, (right + 1) % 10, right)
        return 5.0 * np.eye(10)[said]

    monkeypatch.setattr(spoken_digits, "scores_of", scores)
    code, out, err = run("speech", "3", "20")
    assert (code, err) == (0, "")
    assert "585 of 600 held-out recordings named rightly. Its mistakes:" in out
    assert "and 3 more; most often it missed" in out
    assert out.count("(right)") == 1
    assert out.count("was said)") == 1
    assert " 94.3 % " in out
    code, out, _ = run("speech", lines="20\n600\nx\n")
    assert out.count("(right)") == 1
    assert "there is no recording 600: the held-out recordings have the numbers 0 to 599." in out
    assert "'x' is not a whole number" in out
    code, out, err = run("speech", "600")
    assert (code, out) == (2, "")
    assert "there is no recording 600" in err
    assert calls == [0]


# -- faces -------------------------------------------------------------------------------------------------------


@pytest.fixture
def faces_named(monkeypatch):
    """The first two held-out pictures are named wrongly; the calls of its training."""

    def scores(model, X):
        right = faces.capstone.split_faces()[-1]
        return 5.0 * np.eye(40)[np.where(np.arange(200) < 2, (right + 1) % 40, right)]

    monkeypatch.setattr(faces, "scores_of", scores)
    return stub(monkeypatch, faces)


def test_faces_are_named_in_the_terminal_and_in_a_file(run, faces_named):
    code, out, err = run("faces", "0", "5")
    assert (code, err) == (0, "")
    assert "198 of 200 held-out pictures named rightly. Its mistakes:\n  picture 0: it says person" in out
    assert "AT&T Laboratories Cambridge" in out
    picture = Path("micrograd-plus-demo/faces.png")
    assert str(picture) in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    shown = out[out.index("Picture 0:") :]
    assert "(wrong: it is person" in shown
    assert "Picture 5: it says person" in shown
    faces_in_characters = [line for line in shown.splitlines() if len(line) > 35 and "%" not in line[:14]]
    assert len(faces_in_characters) >= 20
    code, out, _ = run("faces", lines="7\n200\n\n8\n")
    assert code == 0
    assert "Picture 7:" in out
    assert "there is no picture 200" in out
    assert "Picture 8:" not in out
    assert faces_named == [0]


def test_a_picture_of_somebody_elses_stays(run, faces_named):
    Path("faces.png").write_bytes(b"my holidays")
    code, out, err = run("faces", "--out", ".")
    assert (code, out) == (2, "")
    assert "faces.png is not a picture of this demo, so it stays" in err
    assert Path("faces.png").read_bytes() == b"my holidays"
    assert faces_named == []


# -- what a terminal can show ------------------------------------------------------------------------------------


WEIGHTS, READ, WRITTEN = [[1.0, 0.0], [0.05, 0.95]], ["ninety", "five"], ["quatre", "quinze"]


def test_a_map_of_attention(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    assert terminal.attention_map(WEIGHTS, READ, WRITTEN).splitlines() == [
        "       ninety",
        "       |  five",
        "quatre ██",
        "quinze ░░ ██",
    ]


def test_a_map_in_ascii(monkeypatch):
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    monkeypatch.setenv("COLUMNS", "80")
    text = terminal.attention_map(WEIGHTS, READ, WRITTEN)
    assert text.isascii()
    assert text.splitlines()[-1] == "quinze .. ##"
    assert terminal.bar(0.5, 4) == "##"


def test_a_narrow_terminal(monkeypatch):
    def widest(columns):
        monkeypatch.setenv("COLUMNS", str(columns))
        words = ["seventy"] * 14
        return max(map(len, terminal.attention_map(np.full((2, 14), 1 / 14), words, ["soixante", "dix"]).splitlines()))

    assert widest(80) == 9 + 3 * 13 + 7
    assert widest(50) <= 50
    assert widest(30) <= 30
    monkeypatch.setenv("COLUMNS", "20")
    assert "needs a wider terminal" in terminal.attention_map(np.ones((1, 14)), ["seventy"] * 14, ["soixante"])
    assert max(map(len, terminal.bars(["seven"], [1.0]).splitlines())) <= 20


def test_a_picture_in_characters():
    picture = terminal.image(np.array([[0.0, 0.5, 1.0]] * 3)).splitlines()
    assert len(picture) == 2, "two pixels a character, from top to bottom"
    assert picture[0] in (" +@", " =@")
    assert terminal.image(np.ones((2, 2))).strip() == ""


def test_the_largest_bars_come_first(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = terminal.bars(["a", "b", "c"], [0.1, 0.7, 0.2], most=2).splitlines()
    assert [line.split()[0] for line in lines] == ["b", "c"]


def test_probabilities_add_up_to_one():
    assert naming.probabilities(np.array([[1.0, 2.0, 3.0]])).sum() == pytest.approx(1)


# -- help, and a real terminal -----------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", ["faces", "speech", "translate", "names", "play"])
def test_each_subject_has_its_help(run, subject):
    code, out, _ = run(subject, "--help")
    assert code == 0
    for words in ("--again", "--seed", "--out", "The first call trains the network"):
        assert words in out


def test_the_help_of_demo_names_the_subjects(run):
    code, out, _ = run("--help")
    assert code == 0
    assert all(f"\n    {subject} " in out for subject in ("faces", "speech", "translate", "names", "play"))
    code, _, err = run("chess")
    assert code == 2
    assert "invalid choice: 'chess' (choose from" in err


def test_options_before_the_subject_count(run, no_training):
    code, _, _ = run("--seed", "4", "--out", "mine", "names", "--count", "1")
    assert (code, no_training) == (0, [4])
    assert Path("mine/models/names-seed4.json").exists()


IN_A_TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # it is this process that Ctrl-C is sent to
from micrograd_plus.capstones import tictactoe
from micrograd_plus.cli import main
from micrograd_plus.demo import play
from micrograd_plus.demo.kept import Subject
train = lambda seed, **options: tictactoe.train(seed, **options, epochs=EPOCHS, rounds=1)
play.TIC_TAC_TOE = Subject(**{**vars(play.TIC_TAC_TOE), "train": train})
sys.exit(main(["demo", "play"]))
"""


def in_a_terminal(folder, epochs, answers, timeout=100):
    """Runs tic-tac-toe in a pseudo-terminal; answers: pairs of (a pattern to wait for, the keys to press then)."""
    pty = pytest.importorskip("pty")
    import select
    import time

    main_end, its_end = pty.openpty()
    found = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "TERM": "dumb", "PYTHONPATH": found}
    command = [sys.executable, "-W", "error", "-c", IN_A_TERMINAL.replace("EPOCHS", str(epochs))]
    process = subprocess.Popen(
        command, stdin=its_end, stdout=its_end, stderr=its_end, cwd=folder, env=environment, start_new_session=True
    )
    os.close(its_end)
    seen, waiting, end = "", list(answers), time.monotonic() + timeout
    part = ""
    while time.monotonic() < end:
        if not select.select([main_end], [], [], 0.2)[0]:
            if process.poll() is not None:
                break
            continue
        try:
            read = os.read(main_end, 4096).decode()
        except OSError:  # Linux says so when the other end is closed
            break
        seen, part = seen + read, part + read
        if waiting and re.search(waiting[0][0], part):
            time.sleep(0.5)  # as readline shows its prompt before it waits, a Ctrl-C in between is lost on Python
            os.write(main_end, waiting.pop(0)[1].encode())
            part = ""
    process.kill() if time.monotonic() >= end else process.wait(timeout=20)
    os.close(main_end)
    return process.wait(), seen.replace("\r\n", "\n")


CTRL_C, CTRL_D = "\x03", "\x04"


def test_in_a_real_terminal(tmp_path):
    """Ctrl-C in training, on from there, a move, a bad move, Ctrl-D; then Ctrl-C at a question."""
    code, seen = in_a_terminal(tmp_path, 500, [(r"epoch ([2-9]|\d\d)", CTRL_C)])
    assert code == 130, seen
    assert "the next call goes on after the last epoch that was finished" in seen
    assert "Traceback" not in seen
    code, seen = in_a_terminal(tmp_path, 4, [("Your move", "5\n"), ("Your move", "5\n"), ("is taken", CTRL_D)])
    assert code == 0, seen
    assert "goes on where it was stopped" in seen
    assert "The network plays" in seen
    code, seen = in_a_terminal(tmp_path, 4, [("Your move", CTRL_C)])
    assert code == 130, seen
    assert "Trained on" in seen
    assert seen.endswith("\nstopped\n")
    assert "Traceback" not in seen
