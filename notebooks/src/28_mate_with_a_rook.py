# %% [markdown]
# # 28 · Mate with a rook
#
# *35 minutes · needs lesson 14*
#
# **The promise:** machines win at chess. **The idea:** let a solver work out the right answer for every position of a
# small endgame. Teach these answers to a network, and let the network play.
#
# You will see how a solver works, train a network on four fifths of its answers, and test it on the rest. Then it has to
# mate a perfect defender 300 times. Last comes the part that surprises most people: two networks that are right equally
# often. One mates in every game, the other in none.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.colors import ListedColormap
from micrograd_plus import optim, plots, training
from micrograd_plus.capstones import rook_endgame, share_of
from micrograd_plus.capstones.boards import rook_endgame as rules
from micrograd_plus.capstones.boards.rook_endgame import DRAW, Board, PerfectPlayer
from micrograd_plus.capstones.rook_endgame import CLASSES, VARIANTS, Batches, NetPlayer
from micrograd_plus.capstones.rook_endgame import features, judge, play_matches
from micrograd_plus.nn import Linear, Module, ReLU, Sequential
from micrograd_plus.nn.init import generator

# %% [markdown]
# ## The question
#
# All of chess is too much for a lesson. Here only three pieces are left: white has king ♔ and rook ♖, black has a king
# ♚. With white to move, white can always win, but not quickly. A beginner who doesn't know how may never manage it.
#
# The rules that matter here:
#
# - A king moves one square, in any direction. A rook slides along its row or column until something is in the way.
# - A king may not step onto a square that the other side could capture on. So the kings never touch.
# - **Mate:** black's king is attacked by the rook, and has no square to go to. White has won.
# - **Stalemate:** black's king isn't attacked, but has no move. That is a draw. So is losing the rook.

# %%
WOOD = ListedColormap(["#c9a57d", "#f4e8d6"])  # a1, below on the left, is dark


def draw_board(ax, board, title="", show="KRk"):
    """The board with its pieces, or some of them."""
    ax.imshow(np.indices((8, 8)).sum(axis=0) % 2, cmap=WOOD, origin="lower")
    middle = {"ha": "center", "va": "center"}
    for letter, file, rank in board.pieces():
        if letter in show:
            glyph = {"K": "♔", "R": "♖", "k": "♚"}[letter]
            ax.text(file, rank - 0.05, glyph, size=19, family="DejaVu Sans", **middle)
    ax.set_xticks(range(8), "abcdefgh", size=8)
    ax.set_yticks(range(8), range(1, 9), size=8)
    ax.set_title(title, size=9)
    ax.tick_params(length=0)


examples = {
    "mate": Board.of("Kg6 Ra8 kg8", turn="black"),
    "stalemate: a draw": Board.of("Kc2 Rb2 ka1", turn="black"),
    "black takes the rook: a draw": Board.of("Kh8 Rb2 ka1", turn="black"),
}
fig, axes = plt.subplots(1, 3, figsize=(8.4, 3), layout="constrained")
for ax, (name, board) in zip(axes, examples.items()):
    draw_board(ax, board, name)
plots.show(
    axes,
    alt="Three boards, black to move. Mate: black king g8, white king g6, rook a8. Stalemate: "
    "black king a1, rook b2, white king c2. Third: the same, but the white king is far away.",
)

# %% [markdown]
# ## The solver: backwards from the end
#
# How can one know how far mate is? Not by searching forwards: there are too many ways. **Retrograde analysis** goes
# backwards. It begins with the mates, which are known, and asks what leads there.
#
# Here is a tiny game. In the positions `mate`, `a`, `b` and `c` it is black's turn, in `x`, `y` and `z` white's. The
# lists say where one can go. White wants to get to `mate` soon, black late or never. Two rules do it:
#
# - White picks the *nearest* mate: 1 + the smallest number that can be reached.
# - Black picks the *farthest* one, so its number is known only when those of *all* its moves are.
#
# **Predict:** which two positions will never get a number?

# %%
my_guess = "a and b"

blacks = {"a": ["x"], "b": ["x", "y"], "c": ["y", "z"]}
whites = {"x": ["mate", "b"], "y": ["a", "c"], "z": ["c"]}
moves_to_mate = {"mate": 0}
for sweep in (1, 2, 3):
    for position, ways in whites.items():
        known = [moves_to_mate[way] for way in ways if way in moves_to_mate]
        if known:
            moves_to_mate[position] = 1 + min(known)
    for position, ways in blacks.items():
        if all(way in moves_to_mate for way in ways):
            moves_to_mate[position] = max(moves_to_mate[way] for way in ways)
    print(f"after sweep {sweep}: {moves_to_mate}")
print("my guess:", my_guess)

# %% [markdown]
# In the third **sweep** (once through all positions) nothing changes, so it is done. `c` and `z` have no number: from `c`
# black can always go to `z`, from where white has to come back to `c`. That is a draw.
#
# [`solve` in rook_endgame.py](../micrograd_plus/capstones/boards/rook_endgame.py#L) does the same for the real board,
# for all 64 × 64 × 64 ways to place three pieces at once. The number of moves to mate is called the **depth** of a
# position.

# %%
squares, depths = rules.positions()
counts = np.bincount(np.where(depths == DRAW, 17, depths))
names = [*map(str, range(17)), "draw"]
print(f"{len(squares):,} positions with black to move; of turned and mirrored copies, one\n")
for part in (slice(0, 9), slice(9, 18)):
    print("moves to mate", *(f"{name:>6}" for name in names[part]))
    print("positions    ", *(f"{count:6,}" for count in counts[part]), "\n")

# %% [markdown]
# These are exactly the numbers of a well-known table: "Chess (King-Rook vs. King)" by M. Bain and A. van Hoff, 1994, in
# the [UCI Machine Learning Repository](https://archive.ics.uci.edu/dataset/23/chess+king+rook+vs+king). Nothing was
# copied: the rules give the same data to everybody. The longest mate takes 16 moves.
#
# Remember two numbers for later. There are **27** mates among 28,056 positions, one in a thousand. And there are **78**
# positions in which mate is one move away.
#
# ## Baselines
#
# First, the **task**. The network will be given a position with black to move, and says how far mate is: 18 classes, 0
# to 16 and "draw". How often is somebody right who always says the most frequent class?
#
# Then, **playing**. White begins from 300 random boards against a defender that never makes a mistake: the solver picks
# black's moves. After 50 moves of white it is a draw. **Predict:** how many of 300 games are mates if white plays random
# moves?

# %%
my_guess = 30


class RandomPlayer:
    """Any legal move."""

    def __init__(self, seed=0):
        self.rng = np.random.default_rng(seed)

    def moves(self, boards, seen):
        """A move for each board."""
        options = [board.legal_moves() for board in boards]
        return [option[self.rng.integers(len(option))] for option in options]


starts = rules.random_boards(300, seed=0)
by_chance = play_matches(RandomPlayer(), starts)
share, won = counts.max() / counts.sum(), sum(moves is not None for moves in by_chance)
best = np.mean([board.moves_to_mate for board in starts])
print(f"always 'mate in {counts.argmax()}': right in {share:.1%} of the positions")
print(f"random moves: {won} mates in 300 games (my guess: {my_guess})")
print(f"the solver: 300 mates, in {best:.1f} moves on average")

# %% [markdown]
# Chance gives the rook away, or wanders about. A mate has to be built, move by move, against somebody who resists.
#
# ## What the network is given
#
# Three squares. Each piece gets 64 inputs, and the one for its square is 1: that is **one-hot** coding, 192 inputs.
#
# A mate in the middle of an edge looks the same wherever it stands on that edge. With 192 inputs a network has to learn
# each place on its own. So each *pair* of pieces gets 30 more inputs: how many files (columns) they are apart, and how
# many ranks (rows). These are the **relative features**: 90 more inputs, 282 in all.

# %%
one = Board.of("Kg6 Ra8 kg8", turn="black").squares
moved = Board.of("Kf6 Ra8 kf8", turn="black").squares  # both kings one file to the left: mate
for relative in (False, True):
    a, b = features(np.array([one, moved]), relative)
    print(f"{a.size} inputs, {a.sum():.0f} of them are 1; the two mates share {(a * b).sum():.0f}")

# %% [markdown]
# The two mates are the same idea, one square apart. As plain squares they share one input, the rook's. With relative
# features they share five.
#
# (The UCI page names the same trick: its makers supplied row and column differences as background knowledge.)
#
# ## The model
#
# Two hidden layers, and 18 outputs. (Each layer has a seed of its own, so that the lesson can be repeated.)


# %%
class DepthNet(Module):
    """Squares [n, 3] in, with black to move; out, logits [n, 18]: mate in 0, 1 … 16, or a draw?"""

    def __init__(self, hidden=(256, 128), relative=True, seed=None):
        seeds = generator(seed).integers(2**31, size=3).tolist()
        self.relative = relative
        self.layers = Sequential(
            Linear(282 if relative else 192, hidden[0], dtype=np.float32, seed=seeds[0]),
            ReLU(),
            Linear(hidden[0], hidden[1], dtype=np.float32, seed=seeds[1]),
            ReLU(),
            Linear(hidden[1], CLASSES, dtype=np.float32, seed=seeds[2]),
        )

    def forward(self, squares):
        """The logits."""
        return self.layers(features(squares, self.relative))


print(f"{sum(p.size for p in DepthNet().parameters()):,} parameters")

# %% [markdown]
# ## Training
#
# 80 % of the positions are to learn from, 20 % are held out. No held-out position was seen turned or mirrored either:
# the split is made before the copies are.
#
# [`Batches` in rook_endgame.py](../micrograd_plus/capstones/rook_endgame.py#L) draws 512 positions at a time and turns
# or mirrors each at random. It also **balances**: a class with `n` positions is drawn with weight `n ** balance`. With
# `balance=1` positions come as they are, so a batch has half a mate on average. With 0, all classes would be equally
# frequent. Here it is 0.5, in between.

# %%
learn_x, held_x, learn_y, held_y = rook_endgame.split()
for balance in (1.0, 0.5, 0.0):
    weights = np.bincount(learn_y) ** balance
    mates = 512 * weights[0] / weights.sum()
    print(f"balance {balance}: {mates:5.1f} mates in a batch of 512")


def learn(steps, hidden=(256, 128), relative=True, balance=0.5, epochs=10, callbacks=()):
    """Train a network on the solver's answers; returns it, and its history."""
    steps = share_of(steps) // epochs  # of each epoch
    batches = Batches(learn_x, learn_y, balance, batch_size=512, steps=steps, seed=0)
    model = DepthNet(hidden, relative, seed=0)
    optimizer = optim.Adam(model.parameters(), lr=4e-3)
    in_all = epochs * steps + 1
    rise_and_fall = optim.OneCycleLR(optimizer, 4e-3, total_steps=in_all, pct_start=0.1)
    history = training.fit(
        model,
        batches,
        "cross_entropy",
        optimizer,
        epochs,
        validation=(held_x, held_y),
        metrics="val_accuracy",
        callbacks=[training.Schedule(rise_and_fall, every="step"), *callbacks],
        progress=False,
        seed=0,
    )
    return model, history


# %% [markdown]
# The loss is the cross-entropy of 18 classes. Adam's rate rises and then falls over the whole training. **Predict:** of
# how many held-out positions, in per cent, will it name exactly the right class?

# %%
my_guess = 60

model, history = learn(steps=4000, callbacks=[plots.Live("loss", "val_accuracy")])

# %% [markdown]
# (`rook_endgame.train(checkpoint="rook.safetensors")` is the same training in one call. It keeps everything after each
# epoch, and goes on from there if it was interrupted.)
#
# ## The exam
#
# How does a network that judges positions *play*? [`NetPlayer` in
# rook_endgame.py](../micrograd_plus/capstones/rook_endgame.py#L) tries each legal move. The network gives 18
# probabilities for the position after it. From these follows the **expected** number of moves to mate: the mean of the 18
# answers, weighted by their probabilities; a draw counts as 50. The move with the smallest number is played. Two more
# rules help:
#
# - The network is asked about the board in all eight turned and mirrored forms, and the mean counts.
# - If possible, a position that has been on the board in this game is avoided. Else a game could go round for ever.
#
# There is no search: it looks one move ahead, and never asks the solver. 300 games:

# %%
player = NetPlayer(model)
played = play_matches(player, starts)
mates = [moves for moves in played if moves is not None]
rook_endgame.TARGET.check(len(mates))
scores = judge(model, held_x, held_y)
best = [board.moves_to_mate for board, moves in zip(starts, played) if moves is not None]
print(f"moves to mate, on average: {sum(mates) / max(1, len(mates)):.1f}")
print(f"the solver, from the same boards: {sum(best) / max(1, len(best)):.1f}")
print(f"\nheld-out positions: right {scores['accuracy']:.1%} (my guess: {my_guess} %)")
print(f"within one move {scores['within one move']:.1%}")
print(f"the most frequent class on these: {np.mean(held_y == 14):.1%}")

# %% [markdown]
# 300 of 300, at a pace close to the best possible. And this with a network that names the wrong number almost every
# fifth time.
#
# ## Its mistakes
#
# By how much is it off? And in which held-out positions is it furthest from the truth?

# %%
with mg.no_grad():
    said = model(held_x).numpy().argmax(axis=1)
off = abs(said - held_y) * ((said < 17) & (held_y < 17))  # in moves
draws = (said == 17) != (held_y == 17)
for n in range(4):
    print(f"off by {n}: {np.mean((off == n) & ~draws):6.2%}")
print(f"off by 4 or more: {np.mean(off >= 4):.2%}")
print(f"a draw taken for a mate, or a mate for a draw: {np.mean(draws):.2%}")
worst = np.argsort(-off, kind="stable")[:3]
fig, axes = plt.subplots(1, 3, figsize=(8.4, 3), layout="constrained")
for ax, i in zip(axes, worst):
    board = Board(*map(int, held_x[i]), "black")
    draw_board(ax, board, f"mate in {held_y[i]}, it said {names[said[i]]}")
furthest = "The three held-out positions in which the network was furthest from the truth."
plots.show(axes, alt=furthest)

# %% [markdown]
# Most mistakes are off by one. To *play*, that hardly matters: all that counts is which move comes out on top.
#
# ## 66 %, twice
#
# Now two smaller networks. They differ in what they are given, in how batches are drawn, and in how long they train:

# %%
print("         hidden      relative features   balance   steps")
pair = {"plain": "plain, small", "helped": "balanced, relative, small"}
for short, name in pair.items():
    hidden, relative, balance, steps = VARIANTS[name].values()
    print(f"{short:8} {hidden!s:11} {relative!s:19} {balance:7} {steps:7}")

# %% [markdown]
# The training lengths were chosen so that both end up *about equally often right*. **Predict:** how many of 300 games
# will each of the two mate in?

# %%
my_guess = {"plain": 250, "helped": 250}

small = {short: learn(**VARIANTS[name])[0] for short, name in pair.items()}
print("          right   within one move   mates of 300   my guess")
for short, net in small.items():
    right, near = judge(net, held_x, held_y).values()
    count = sum(moves is not None for moves in play_matches(NetPlayer(net), starts))
    print(f"{short:8} {right:6.1%} {near:17.1%} {count:14} {my_guess[short]:10}")

# %% [markdown]
# About equally often right, and about equally often nearly right. One is a player, the other isn't. How can that be?
#
# ## Watch a game
#
# The same start, the same defender. After each pair of moves the solver says how far mate really is. (The networks
# don't get to know that.)


# %%
def game(player, board, limit=rook_endgame.LIMIT):
    """A game against the solver: the boards with white to move and the last one; white's moves."""
    boards, moves, seen, defender = [board], [], set(), PerfectPlayer()
    while len(moves) < limit and board.winner is None:
        moves.append(player.choose(board, seen))
        board = board.after(moves[-1])
        seen.add(board)
        if board.winner is None:
            board = board.after(defender.choose(board))
        boards.append(board)
    return boards, moves


ax = plt.subplots(figsize=(7.5, 3), layout="constrained")[1]
games = {short: game(NetPlayer(net), starts[0]) for short, net in small.items()}
for (short, (boards, moves)), style in zip(games.items(), ("o-", "s-")):
    ax.plot([board.moves_to_mate for board in boards], style, markersize=4, label=short)
ax.set(xlabel="moves played", ylabel="moves to mate, in truth", ylim=(-0.5, None))
ax.legend(fontsize="small")
plots.show(
    ax,
    alt="Moves to mate during one game of each network. Both come down from 12. The helped "
    "one reaches 0. The plain one comes down to 1 or 2, and stays there until move 50.",
)

# %% [markdown]
# The plain network plays well! In this run it drives the king to the edge in some 20 moves. Then it walks around, one
# or two moves from mate, to the end. Here are white's moves in both games. In brackets stands how far mate was before the
# move, in truth.

# %%
for short, (boards, moves) in games.items():
    texts = [f"{b.name_of(move)} ({b.moves_to_mate})" for b, move in zip(boards, moves)]
    end = "mate" if boards[-1].winner == "white" else "no mate"
    print(f"{short}: {len(moves)} moves, {end}")
    for i in range(0, len(texts), 6):
        print("   ", "  ".join(f"{text:11}" for text in texts[i : i + 6]).rstrip())

# %% [markdown]
# Below is the first board of the plain game on which it could have mated at once. How far away do the two networks
# think mate is after each move? The five that the plain one likes best, and the mating move (marked #):

# %%
chances = [board for board, move in zip(*games["plain"]) if board.moves_to_mate == 1]
board = chances[0] if chances else Board.of("Kg6 Ra1 kg8")
options = [(move, board.after(move)) for move in board.legal_moves()]
after = [b for _, b in options]
thinks = {short: NetPlayer(net).expected_moves(after) for short, net in small.items()}
order = np.argsort(thinks["plain"])
print("move       in truth   plain thinks   helped thinks")
for rank, i in enumerate(order):
    if rank < 5 or after[i].moves_to_mate == 0:
        name = board.name_of(options[i][0]) + ("#" if after[i].moves_to_mate == 0 else "")
        truth = "draw" if after[i].moves_to_mate == DRAW else after[i].moves_to_mate
        plain, helped = (numbers[i] for numbers in thinks.values())
        print(f"{name:10} {truth!s:>8} {plain:14.1f} {helped:15.1f}")
print(f"\nin this game the plain network could have mated at once {len(chances)} times")
ax = plt.subplots(figsize=(3, 3), layout="constrained")[1]
draw_board(ax, board, "white to move and mate")
first = "The board with white to move on which the plain network first missed a mate in one."
plots.show(ax, alt=first)

# %% [markdown]
# To the plain network, other moves look better than the mate. It doesn't know what a mate *is*: to it, the mated position
# is one among many near the end.
#
# ## Where the 34 % are
#
# So ask each class by itself: of all positions with depth 0, what share is named right? Of those with depth 1? (All
# 28,056 positions this time, seen or not: of mates only 5 were held out.)

# %%
classes = np.where(depths == DRAW, 17, depths)
answers = {}
for short, net in small.items():
    with mg.no_grad():
        answers[short] = net(squares).numpy().argmax(axis=1)

print("moves to mate   share of the data   plain right   helped right")
for k, name in enumerate(names):
    shares = [np.mean(answer[classes == k] == k) for answer in answers.values()]
    print(f"{name:13} {counts[k] / counts.sum():19.1%} {shares[0]:13.0%} {shares[1]:14.0%}")

# %% [markdown]
# The same as a picture: rows are the truth, columns what the network said. Most mistakes of a good judge of depths lie
# next to the diagonal.

# %%
fig, axes = plt.subplots(1, 2, figsize=(9, 4.4), sharey=True, layout="constrained")
for ax, (short, answer) in zip(axes, answers.items()):
    table = np.zeros((18, 18))
    np.add.at(table, (classes, answer), 1)
    table /= table.sum(axis=1, keepdims=True)
    field = ax.imshow(table, cmap="cividis", vmin=0, vmax=1)
    ax.set_xticks(range(18), names, size=7, rotation=90)
    ax.set_yticks(range(18), names, size=7)
    ax.set(title=short, xlabel="what the network said")
axes[0].set_ylabel("moves to mate, in truth")
fig.colorbar(field, ax=axes, label="share of the row", shrink=0.8)
plots.show(
    axes,
    alt="Two confusion matrices. Both have a bright diagonal in the lower right. Plain: the "
    "first rows, depths 0, 1 and 3, are dark on the diagonal and spread to the right. "
    "Helped: the diagonal is brightest in the first rows.",
)

# %% [markdown]
# The classes 0, 1 and 3 together are 0.7 % of the data. Whoever gives them up loses hardly anything in accuracy, and
# training did just that. But *every* game that is won ends with depths 1 and 0. The plain network knows the way, and
# doesn't recognise the goal.
#
# ## One thing at a time
#
# The helped network differs in *two* things, so you can't tell yet which of them did it. Give the plain one each help
# by itself. **Predict:** will relative features alone do, or balance alone?
# (100 games are enough to see it.)

# %%
my_guess = "relative features alone"

alone = {
    "relative features alone": {"relative": True, "balance": 1.0, "steps": 1000},
    "balance alone": {"relative": False, "balance": 0.5, "steps": 2000},
}
print("                           right   mates seen as mates   mates of 100")
for name, settings in alone.items():
    net = learn(hidden=(128, 64), **settings)[0]
    with mg.no_grad():
        seen = np.mean(net(squares[classes == 0]).numpy().argmax(axis=1) == 0)
    results = play_matches(NetPlayer(net), starts[:100])
    count, right = 100 - results.count(None), judge(net, held_x, held_y)["accuracy"]
    print(f"{name:24} {right:7.1%} {seen:21.0%} {count:14}")
print("my guess:", my_guess)

# %% [markdown]
# In this run the *most* accurate of the four small networks is one of those that can't mate, and the *least* accurate
# one mates. (With other seeds all these numbers differ a little, and now and then a game ends in mate by luck.)
#
# - **Balance** did it. It shows rare classes more often, so that the loss feels them. It costs some accuracy on the
#   frequent ones.
# - **Relative features** make the network more often right, with half the training. They let one lesson serve many
#   places. That is worth having, and the large network has both. But here they bring no mate by themselves.
#
# > **Remember:** accuracy counts all mistakes alike. Ask which mistakes matter for what you want to do, and measure
# > *that*. Rare isn't unimportant.
#
# ## What the network sees
#
# White's king stands on d4 and the rook on e5, and it is black's turn. Put the black king on every square, and ask: how
# far is mate? First the truth, then the large network, then the plain one.


# %%
def black_everywhere(king, rook):
    """A board for each square that black's king can stand on with black to move."""
    legal = rules.solve().legal_for_black[king, rook]
    return [Board(king, rook, int(square), "black") for square in np.flatnonzero(legal)]


placed = black_everywhere(rules.square("d4"), rules.square("e5"))
distances = {
    "truth": [50 if b.moves_to_mate == DRAW else b.moves_to_mate for b in placed],
    "the large network": player.expected_moves(placed),
    "the plain network": NetPlayer(small["plain"]).expected_moves(placed),
}
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.4), layout="constrained")
for ax, (name, numbers) in zip(axes, distances.items()):
    draw_board(ax, placed[0], name, show="KR")
    field = np.full((8, 8), np.nan)
    for b, n in zip(placed, numbers):
        rank, file = divmod(b.black_king, 8)
        field[rank, file] = n
        ink = {"color": "white" if n > 13 else "black", "ha": "center", "va": "center"}
        ax.text(file, rank, f"{n:.0f}", size=8, **ink)
    ax.imshow(field, cmap="Blues", vmin=4, vmax=16, origin="lower")
plots.show(
    axes,
    alt="Three boards with the moves to mate for each square of the black king. In truth and "
    "for both networks the numbers are small at the edge and larger inside. The large network "
    "is off by one here and there; the plain one says more than 20 on squares next to the rook.",
)

# %% [markdown]
# The truth is a landscape: low at the edge, high in the middle. The large network draws nearly the same. The plain one
# goes wrong next to the rook. No mate takes more than 16 moves, so a number above 16 can only come from the 50 of a draw:
# it isn't sure whether black can take the rook. Black can't: the white king guards it.
#
# ## What this is not
#
# - **Not chess.** Three pieces of 32. And here the solver's table would do: 28,056 numbers of a byte each. It never errs,
#   and needs less room than the network's 107,666 parameters. But with more and more pieces a table soon fits nowhere.
#   That is when one needs a network.
# - **Not learned by playing.** The solver knew every answer, and the network copied. Lessons 26, 27 and 29 learn from
#   play.
# - **Not a proof.** 300 mates of 300 say that a failure is rare, not that it is impossible.
# - **Not how strong programs work**, though not far off. Stockfish judges positions with a network, too, and looks ahead
#   through millions of positions before each move. AlphaZero (D. Silver et al., *Science* 362, 2018)
#   learned to judge positions and to suggest moves from games against itself, and also searches. For positions with up
#   to seven pieces there are tables, made backwards as here.
#
# ## Exercises
#
# Replace the dots and run the cell. Then run the one below it. `ex.hint("retrograde_step")` gives a hint, and
# `ex.solution("retrograde_step")` the solution.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** The step of the solver. You know the depths of all positions that can be reached. What is the depth of
# this one? `turn` is `"white"` or `"black"`, and `after` a list of numbers.


# %%
def depth(turn, after):
    """Moves to mate, counted in white's moves, when both play as well as can be."""
    return ...


# %%
ex.check("retrograde_step", depth)

# %% [markdown]
# **Exercise 2.** Balanced sampling. `counts` says how many positions each class has. A class with `n` positions is drawn
# with a weight of `n ** balance`. What share of a batch does each class get? Return a list of shares that add up to 1.


# %%
def shares(counts, balance):
    """The share of each class in a batch."""
    return ...


# %%
ex.check("balanced_shares", shares)

# %% [markdown]
# **Exercise 3. What happens if…** a network is *never* right? Let it say two moves more than the truth for every
# position: 2 for a mate, 3 for a mate in one, and so on. Its accuracy is 0 %. It plays as above, taking the move with
# the smallest number. How many of 300 games does it mate in?

# %%
mates_of_300 = ...

# %%
ex.check("never_right", mates_of_300)

# %% [markdown]
# **Make something:** the helped network has 45,650 parameters and mates in 300 of 300 games. One with layers of 40 and 32
# has 13,226. Trained like the large one, it mated in 278 of 300 games. That is the score to beat, with no more parameters.
# And a hunt: from 5,000 other boards the large network mated every time. There are 175,168 with white to move. Can you
# find one from which it doesn't mate?
#
# ## Where this is in PyTorch
#
# ```python
# from torch.nn import Linear, ReLU, Sequential
#
# model = Sequential(Linear(282, 256), ReLU(), Linear(256, 128), ReLU(), Linear(128, 18))
# weights = counts[classes] ** -0.5
# sampler = torch.utils.data.WeightedRandomSampler(weights, num_samples=512 * 400)
# loss = torch.nn.functional.cross_entropy(model(x), depth)
# expected = torch.softmax(model(x), dim=1) @ cost  # cost: 0 to 16, and 50
# ```
#
# **Next:** [29 · Capture Go](29_capture_go.ipynb). No solver this time: a network learns a small relative of Go from
# games against itself.
