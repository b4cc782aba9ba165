# %% [markdown]
# # 26 · Tic-tac-toe, by playing itself
#
# *30 minutes · needs lesson 14*
#
# **The promise:** machines win at games. **The idea:** a network that is told nothing but the rules plays against
# itself, and learns from how its own games end.
#
# You will see how well chance plays, work out by hand what the network should learn, and watch it play 64,000 games.
# Then you hold an exam that leaves nothing to luck: the network meets *every* possible opponent. You look at what it
# thinks of each square, watch two trainings go wrong, and play against it yourself.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
from functools import cache

import numpy as np
from matplotlib import pyplot as plt
from micrograd_plus import optim, plots, training
from micrograd_plus.capstones import share_of, tictactoe
from micrograd_plus.capstones.boards import tictactoe as rules
from micrograd_plus.capstones.playing import Match, boards_of, side_by_side
from micrograd_plus.capstones.tictactoe import NetPlayer, SelfPlay, features, move_values
from micrograd_plus.nn import Linear, ReLU, Sequential, Tanh, init

# %% [markdown]
# ## The question
#
# In all lessons so far somebody knew the answers: this is a seven, that is a three. Here nobody says which move is
# good. **Can a network learn a game from its rules alone?**
#
# Two players, X and O, take turns on a board of three by three. Three in a line win. If the board is full and nobody
# has three in a line, it is a draw. X begins. That is all the network will be told.

# %%
board = rules.Board().play(4).play(0)  # counted from 0 in code, from 1 on the board
print(board)
print("to move:", board.turn, "  may play:", board.legal_moves())

# %% [markdown]
# The game is small: 5,478 positions, and 255,168 ways for a game to go. So what a network learns here can be *checked*,
# to the last position. With chess nobody can do that.
#
# ## The rivals: chance, and perfection
#
# First a player that knows the rules and nothing else. It chooses any free square. **Predict:** two such players meet.
# What share of the games does X win, only because it begins?

# %%
my_guess = 50

one, other = rules.RandomPlayer(seed=0), rules.RandomPlayer(seed=1)
results = rules.play_match(one, other, games=10_000)
for name, result in (("X wins", 1), ("O wins", -1), ("draw", 0)):
    print(f"{name}: {(results == result).mean():.1%}")
print(f"my guess for X: {my_guess} %")

# %% [markdown]
# To begin is worth a lot, among beginners. Now the best player there is. `PerfectPlayer` looks ahead to the end of
# every game before each move, which is called **minimax**. Two of them always draw. So nobody can do more against a
# good player than never to lose. That is the goal.
#
# But how do you show that somebody *never* loses? A thousand games against chance can't show it: the one trap that
# catches the player may not come up. **The exam** leaves nothing out. At every turn of the opponent it follows all of
# the opponent's moves, one after the other. A game that comes about in this way is called a **line**. If no line is
# lost, in either seat, nobody can beat this player.

# %%
perfect = rules.PerfectPlayer()
result = rules.play_match(perfect, perfect, games=1)[0]
print("perfect against perfect:", result, "(0 is a draw)")
shares = tictactoe.against(perfect, rules.RandomPlayer(seed=0), games=200)
print("perfect against chance: ", {name: f"{share:.0%}" for name, share in shares.items()})
for letter, lines in tictactoe.every_opponent(perfect).items():
    print(f"perfect as {letter}: {lines}")

# %% [markdown]
# ## What to learn: the value of a position
#
# The network gets a position *just after a move*, called an **afterstate**. It says how good that is for the player
# who made the move: 1 for a sure win, 0 for a draw, -1 for a loss. That number is the position's **value**.
#
# With values, playing is easy: try each free square, and take the move whose afterstate has the largest value. No
# looking ahead, and no rules of thumb.
#
# The network is given 18 numbers. The first nine say where the *mover's* stones are, the others where the opponent's
# are. So one network serves both seats.

# %%
print(features(board.array(), rules.X).astype(int), "if X made the last move")
print(features(board.array(), rules.O).astype(int), "if O did")

# %% [markdown]
# ## The model
#
# An ordinary network with two hidden layers. Its last layer is tanh, because values lie between -1 and 1. (Each layer
# has a seed of its own, so that the lesson can be repeated.)


# %%
def value_network(seed: int | None = None) -> Sequential:
    """18 numbers, nine for the stones of each player, to a value between -1 and 1."""
    seeds = init.generator(seed).integers(2**31, size=3).tolist()
    return Sequential(
        Linear(18, 128, dtype=np.float32, seed=seeds[0]),
        ReLU(),
        Linear(128, 128, dtype=np.float32, seed=seeds[1]),
        ReLU(),
        Linear(128, 1, dtype=np.float32, seed=seeds[2]),
        Tanh(),
    )


untrained = value_network(seed=0)
print(f"{sum(p.size for p in untrained.parameters()):,} parameters")
for letter, lines in tictactoe.every_opponent(NetPlayer(untrained)).items():
    print(f"untrained as {letter}: {lines}")

# %% [markdown]
# Before training it loses a large part of all lines. (What it wins is mostly luck, and the rule that a win in one move
# is taken. The ends of games are known: nobody needs a network for them.)
#
# ## The target, by hand
#
# To train, each position needs a target. If the game has ended there, the rules say it: 1 or 0. Otherwise it is the
# opponent's turn, and what is good for the opponent is bad for you. So:
#
# > target = **minus** the value of the opponent's best move
#
# The opponent's values come from the same network. It learns from its own next guess, which is nearer to the end. This
# is called **temporal-difference learning**, TD for short (R. Sutton, 1988). The trick with the minus is **negamax**.
#
# Do it once by hand. X has just played square 7. O may play 2, 4, 6 or 8. What does the untrained network think of
# these?

# %%
fork = rules.Board("X.O.O.X.X")
print(fork)


def target_by_hand(model):
    """The values of all O's moves here, and the target of X's position."""
    values = move_values(model, fork.array(), rules.O)[0]
    for move in fork.legal_moves():
        print(f"O's move {move + 1}: {values[move]:+.3f} for O")
    print(f"target for X: minus the best of these: {-values.max():+.3f}")


print()
target_by_hand(untrained)

# %% [markdown]
# Look at the board: X threatens 4 *and* 8, and O can stop only one of them. This is a **fork**, and X wins with the
# next move, whatever O does. The target ought to be 1, but it is close to 0. Is the rule wrong?
#
# No, it is early. Look one move further. After each move of O, X has a win on the board, and that is worth exactly 1.
# So the targets of O's four positions are -1, at once. When the network has learned these, the same rule gives 1 for
# the fork.

# %%
for move in fork.legal_moves():
    after = fork.play(move)
    values = move_values(untrained, after.array(), rules.X)[0]
    best = values.max()
    print(f"O plays {move + 1}: X's best {best:+.3f}, target for O {-best:+.3f}")

# %% [markdown]
# So the truth comes in at the end of the game, and walks backwards, one move at a time.
#
# ## A game against itself
#
# Here is a whole game with its targets. Now and then (`chance`) a move is left to chance. That is called
# **exploration**: without it the network would never see what it thinks is bad.


# %%
def one_game(model, chance, rng):
    """A game of the model against itself: the squares, and a target for each position."""
    board, player, moves, targets = rules.empty(1), rules.X, [], []
    while True:
        values = move_values(model, board, player)
        if targets:
            targets[-1] = -values.max()  # the opponent's best, with a minus
        explores = rng.random() < chance
        moves.append(rules.random_moves(board, rng) if explores else values.argmax(axis=1))
        board = rules.played(board, player, moves[-1])
        won = rules.won(board, player)[0]
        targets.append(float(won))
        if won or rules.full(board)[0]:
            return [int(move[0]) for move in moves], targets
        player = -player


moves, targets = one_game(untrained, chance=0.4, rng=np.random.default_rng(3))
for turn, (move, target) in enumerate(zip(moves, targets)):
    print(f"{'XO'[turn % 2]} plays {move + 1}, target {target:+.2f}")
print(boards_of(moves)[-1])

# %% [markdown]
# This is the untrained network. Its last move won: 1. The one before it, of the other player: -1. The earlier targets
# are guesses still.
#
# [`SelfPlay` in tictactoe.py](../micrograd_plus/capstones/tictactoe.py#L) does the same with 64 games at once. It is
# a loader for `fit`: each batch is made when it is asked for, with the network as it is by then. It adds two things:
#
# - **Memory.** Batches are drawn from the last 60 rounds of games, not from the latest one alone.
# - **Symmetry.** A board may be turned and mirrored in eight ways. Each position is shown in one of them, at random.
#   (This is a bit of knowledge beside the rules: we tell it that all sides of the board are alike.)
#
# ## Training
#
# 20 epochs, 3,200 games each. The share of moves left to chance goes down from 0.4 to 0.2, and Adam's rate goes down
# as well. `look` notes what share of its own games is drawn, and what share it loses against chance. It also keeps the
# weights of each epoch for later. **Predict:** will the share of draws go up or down?

# %%
epochs = share_of(tictactoe.EPOCHS)
model = value_network(seed=0)
play = SelfPlay(model, epochs, seed=0)
optimizer = optim.Adam(model.parameters(), lr=3e-3)
slower = optim.LinearLR(optimizer, 1.0, 0.02, total_iters=epochs * len(play))
weights = []


def look(state):
    """After each epoch: two more columns for the history, and a copy of the weights."""
    row = state.history.rows[-1]
    row["drawn"] = play.results["draw"] / sum(play.results.values())
    chance = rules.RandomPlayer(seed=0)
    row["lost"] = tictactoe.against(NetPlayer(model), chance, games=200)["lost"]
    weights.append(model.state_dict())


live = plots.Live("loss", "drawn", "lost")
callbacks = [training.Schedule(slower, every="step"), look, live]
settings = {"callbacks": callbacks, "progress": False, "seed": 0}
history = training.fit(model, play, "mse", optimizer, epochs, **settings)

# %% [markdown]
# Against chance it soon loses nothing. Against itself draws become more: two good players draw. (What is not drawn is
# mostly due to moves by chance.)
#
# (For a longer training: `tictactoe.train(checkpoint="tictactoe.safetensors")` keeps everything after each epoch and
# goes on from there.)
#
# ## The exam
#
# Every possible opponent, both seats. The cell fails if a single line is lost.

# %%
scores = tictactoe.evaluate(model)
tictactoe.TARGET.check(scores["lost lines"])
print()
print("lines lost as        X     O")
players = {"untrained": NetPlayer(untrained), "trained": NetPlayer(model), "perfect": perfect}
for name, player in players.items():
    lines = tictactoe.every_opponent(player)
    print(f"{name:12} {len(lines['X'].lost):9} {len(lines['O'].lost):5}")
shares = tictactoe.against(NetPlayer(model), rules.RandomPlayer(seed=0))
print("\ntrained against chance:", {name: f"{share:.1%}" for name, share in shares.items()})

# %% [markdown]
# Nobody told it what a line of two is, that the middle is good, or what a fork is. It found that out from 64,000 games
# with itself.
#
# > **Remember:** where everything can be checked, check everything. "Wins nearly always" and "can't be beaten" are two
# > different claims.
#
# ## From the end backwards
#
# Here minimax knows the true value of every position. So you can ask: which positions does the network know first?
# Take all positions in which one player can force a win. How many moves is the win away, if the winner hurries and the
# loser delays it?


# %%
@cache
def moves_to_go(board):
    """Moves that a decided game still has, if the winner hurries and the loser doesn't."""
    if board.winner:
        return 0
    best = rules.outcome(board)
    after = [board.play(move) for move in board.legal_moves()]
    ways = [moves_to_go(b) for b in after if rules.outcome(b) == -best]
    return 1 + (min(ways) if best == 1 else max(ways))


decided, layer = [], {rules.Board()}
while layer:  # all positions that can come about, with one stone more each time
    layer = {board.play(move) for board in layer for move in board.legal_moves()}
    decided += [board for board in layer if not board.winner and rules.outcome(board) != 0]
decided.sort(key=lambda board: board.squares)
to_go = np.array([moves_to_go(board) for board in decided])
print(f"{len(decided):,} decided positions")
for n in range(1, 6):
    print(f"  moves to go: {n}   positions: {(to_go == n).sum():5,}")

# %% [markdown]
# And how far is the network from the truth in these, after one epoch, after three, and at the end?

# %%
movers = [rules.O if b.turn == "X" else rules.X for b in decided]  # who made the last move
inputs = np.concatenate([features(b.array(), player) for b, player in zip(decided, movers)])
truth = np.array([-rules.outcome(b) for b in decided])

ax = plt.subplots(figsize=(6, 3.2), layout="constrained")[1]
for epoch, style in ((1, "o:"), (3, "s--"), (epochs, "^-")):
    stage = value_network()
    stage.load_state_dict(weights[epoch - 1])
    with mg.no_grad():
        error = abs(stage(inputs).numpy()[:, 0] - truth)
    means = [error[to_go == n].mean() for n in range(1, 6)]
    ax.plot(range(1, 6), means, style, label=f"epoch {epoch}")
ax.set(xlabel="moves to go until the win", ylabel="mean error of the value")
ax.set_xticks(range(1, 6))
ax.legend(fontsize="small")
plots.show(
    ax,
    alt="Error of the values against the number of moves to go, for three epochs. It is "
    "smallest one move before the end, and grows with the distance. After the last epoch "
    "it is lowest everywhere.",
)

# %% [markdown]
# What is one move before the end is learned first. The further away the end, the later the truth arrives. (Some errors
# stay: the network sees few positions that only bad players get into.) And the fork that you worked out by hand?

# %%
target_by_hand(model)

# %% [markdown]
# ## What it sees
#
# The value of every free square for the player to move: before training, after it, and the truth. Four positions:
#
# - the empty board, X to move;
# - X in the corner, O to move: only one answer doesn't lose. Which one?
# - X has two corners, O the middle, O to move: a well-known trap;
# - X to move, and a fork can be made.


# %%
def draw_values(ax, board, values):
    """The board, with the value of each free square for the player to move."""
    shown = np.where(np.isinf(values), np.nan, values).reshape(3, 3)
    ax.imshow(shown, cmap="PuOr", vmin=-1.3, vmax=1.3)
    for square, stone in enumerate(board.squares):
        place = {"x": square % 3, "y": square // 3, "ha": "center", "va": "center"}
        if stone == ".":
            color = "white" if abs(values[square]) > 0.8 else "black"
            ax.text(s=f"{values[square].round(1) + 0.0:.1f}", color=color, **place)
        else:
            ax.text(s=stone, size=20, **place)
    ax.set(xticks=[0.5, 1.5], yticks=[0.5, 1.5], xticklabels=[], yticklabels=[])
    ax.grid(True)
    ax.tick_params(length=0)


def true_values(board):
    """What minimax says of each move; -inf where a square is taken."""
    free = board.legal_moves()
    values = np.full(9, -np.inf)
    values[free] = [-rules.outcome(board.play(move)) for move in free]
    return values


# %% [markdown]
# Violet is good for the player to move, orange is bad.

# %%
fig, axes = plt.subplots(3, 4, figsize=(8, 6), layout="constrained")
for column, squares in enumerate((".........", "X........", "X...O...X", "X..OX...O")):
    board = rules.Board(squares)
    player = rules.X if board.turn == "X" else rules.O
    draw_values(axes[0, column], board, move_values(untrained, board.array(), player)[0])
    draw_values(axes[1, column], board, move_values(model, board.array(), player)[0])
    draw_values(axes[2, column], board, true_values(board))
    axes[0, column].set_title(f"{board.turn} to move", size=10)
for row, name in enumerate(("untrained", "trained", "truth")):
    axes[row, 0].set_ylabel(name)
plots.show(
    axes,
    alt="Four boards, three times. Untrained, all values are near 0. Trained, they are near "
    "the truth: the empty board is 0 everywhere; after X in a corner only the middle is 0, "
    "the rest -1; in the trap the two corners are -1, the edges 0; in the last the forks are 1.",
)

# %% [markdown]
# On the empty board every square is 0: with perfect play it is a draw, wherever X begins. After X in the corner only
# the middle saves O. In the trap both free corners lose. Not all values are exact. They need not be: to choose well,
# the *best* move must come out on top, no more.
#
# ## Too short a training
#
# The weights of the first epochs were kept. How many lines does the network lose after each?

# %%
print("               games lost   lines lost")
print("epoch     loss  to chance   as X  as O")
for epoch in range(1, 6):
    stage = value_network()
    stage.load_state_dict(weights[epoch - 1])
    scores, row = tictactoe.evaluate(stage), history.rows[epoch - 1]
    lines = f"{scores['lost as X']:6} {scores['lost as O']:5}"
    print(f"{epoch:5} {row['loss']:8.4f} {row['lost']:10.1%} {lines}")

# %% [markdown]
# Here is the shortest of the lines that were lost as O after the first epoch, move by move. Below it is what the
# network thought of O's choices at its last chance to save the game.

# %%
stage.load_state_dict(weights[0])
lost = tictactoe.every_opponent(NetPlayer(stage))["O"].lost
line = min(lost or [(4, 1, 0, 8, 3, 5, 6)], key=len)  # (in case that yours lost none)
boards = boards_of(line)
print(side_by_side(boards[1:5]))
print()
print(side_by_side(boards[5:]))

turns = range(1, len(line), 2)  # O's
mistake = max(i for i in turns if rules.outcome(boards[i]) >= 0)  # not lost until then
values = move_values(stage, boards[mistake].array(), rules.O)[0]
truth = true_values(boards[mistake])
print(f"\nO's mistake: {line[mistake] + 1}. Its choices, and what they are really worth:")
for move in boards[mistake].legal_moves():
    print(f"  {move + 1}: it thought {values[move]:+.2f}, truly {truth[move]:+.0f}")

# %% [markdown]
# Its values lie close together, and one that loses came out on top. Against chance that hardly ever shows: chance would
# have to find every move of the punishment. A good player finds it the first time. More training brings the number
# down, though not in a straight line.
#
# ## Without exploration
#
# Now the same training, but no move is left to chance. All games are played as well as the network can. Doesn't that
# sound better? **Predict:** what will happen to the loss, and to the lines lost?

# %%
my_guess = "loss: lower or higher? lines lost: fewer or more?"

greedy = value_network(seed=0)
few = share_of(6)
own_games = SelfPlay(greedy, few, explore=(0.0, 0.0), seed=0)
its_optimizer = optim.Adam(greedy.parameters(), lr=3e-3)
past = training.fit(greedy, own_games, "mse", its_optimizer, few, progress=False, seed=0)
loss, before = past["loss"][-1], history["loss"][few - 1]
print(f"loss: {loss:.5f}; with exploration {before:.5f} by then")
print("lines lost:", tictactoe.evaluate(greedy)["lost lines"])
shares = tictactoe.against(NetPlayer(greedy), rules.RandomPlayer(seed=0))
print("against chance:", {name: f"{share:.1%}" for name, share in shares.items()})
print("its own games of the last epoch:", own_games.results)
for how, (teacher, chance) in {"without": (own_games, 0.0), "with": (play, 0.2)}.items():
    seen = np.unique(teacher.play(chance)[0], axis=0)
    print(f"different positions in 64 games, {how} exploration: {len(seen)}")

# %% [markdown]
# The loss is far *lower*, and the player is far *worse*. All 64 games of a round are the same game, move by move. The
# network knows that game perfectly. It has never seen what happens if somebody plays otherwise.
#
# > **Remember:** whoever learns from their own experience chooses their own data. A low loss says that you know what
# > you have seen, not that you have seen enough.
#
# ## Play against it
#
# Your move is a number on the board. Change the numbers, and run the cells one after the other. With `you="O"` the
# network begins.

# %%
match = Match(NetPlayer(model), you="X")
match.play(1)

# %% [markdown]
# A square that is taken, or that doesn't exist, is refused, and you may try again:

# %%
print(match.play(10))
match.play(9)

# %% [markdown]
# You can't beat it: the exam has shown that nobody can. But does it win as soon as it could? Make mistakes on purpose,
# and see. (In a terminal: `micrograd-plus demo play`.)
#
# ## What this is not
#
# - **Not a hard game.** 5,478 positions would fit into a table, and minimax solves the game in a moment. A network isn't
#   needed here. It is here because everything can be checked.
# - **Not a proof that it understands.** The exam covers the positions that come about *when the network plays*. In
#   others its values may be wrong, and nobody would notice in a game.
# - **Not the best player against beginners.** It never loses, but it sets no traps. Among equally good moves it takes the
#   one that its small errors put on top.
# - **Not sure to work.** With a third of the training, three of six runs still lost two to five lines. The exam tells
#   you; the loss doesn't.
#
# ## Exercises
#
# Replace the dots and run the cell. Then run the one below it. `ex.hint("opponents_best")` gives a hint, and
# `ex.solution("opponents_best")` the solution.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** X has just moved. O has three moves, which the network values at -0.2, 0.6 and 0.1 (for O). The game
# goes on after each of them. What is the target of X's position?

# %%
target = ...

# %%
ex.check("opponents_best", target)

# %% [markdown]
# **Exercise 2.** Write minimax yourself, in its negamax form. A game is given as a tree of lists. A list holds what
# comes after each move. A number is the end of a game: what it is worth for the player *to move* there. For example,
# `[[1, -1], [0]]`: you have two moves. After the first, the other one has two moves, after which it is you again.


# %%
def negamax(tree):
    """What the player to move gets when both play as well as can be."""
    if not isinstance(tree, list):
        return tree
    return ...


# %%
ex.check("negamax", negamax)

# %% [markdown]
# **Exercise 3. What happens if…** you exchange the colours of all stones, and ask for the value for the *other*
# player? Compare `model(features(boards, X))` and `model(features(-boards, O))`. (In `boards`, X is 1 and O is -1.) Is
# the second value the `"same"` as the first, `"minus"` the first, or some `"other"` number?

# %%
exchanged = ...

# %%
ex.check("colours_exchanged", exchanged)

# %% [markdown]
# **Make something:** the training here takes 64,000 games. Can you reach 0 lost lines with 7 epochs (22,400 games),
# for each of the seeds 0, 1 and 2? As it stands, it loses up to five. You may change the network, the exploration, the
# steps after each round. It can be done, and in more than one way. The exam decides.
#
# ## Where this is in PyTorch
#
# ```python
# from torch.nn import Linear, ReLU, Sequential, Tanh
#
# model = Sequential(
#     Linear(18, 128), ReLU(), Linear(128, 128), ReLU(), Linear(128, 1), Tanh())
# with torch.no_grad():  # best_reply: the value of the opponent's best move
#     target = torch.where(over, result, -best_reply)
# loss = torch.nn.functional.mse_loss(model(positions)[:, 0], target)
# ```
#
# The games aren't PyTorch's business: you write the rules, and the loop that plays, as here.
#
# **Next:** [27 · Connect Four](27_connect_four.ipynb). The same idea, in a game that nobody can look through in a
# second.
