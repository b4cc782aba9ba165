# %% [markdown]
# # 27 · Connect Four
#
# *30 minutes · needs lesson 26*
#
# **The promise:** machines win at games that are too large to be looked through. **The idea:** a network that learned
# from games against itself says how good a position is, and a short look ahead does the rest.
#
# You will see what changes when a game gets large, learn a better target than that of the last lesson, and watch
# 51,200 games. Then come matches: does looking ahead help? What does the network think of the first move, which has a
# known answer? Where does it still lose? And you play against it.

# %%
try:
    import micrograd_plus as mg
except ImportError:
    # %pip install -q micrograd_plus
    import micrograd_plus as mg
import time

import numpy as np
from matplotlib import pyplot as plt
from micrograd_plus import optim, plots, training
from micrograd_plus.capstones import connect_four, share_of
from micrograd_plus.capstones.boards import connect_four as rules
from micrograd_plus.capstones.connect_four import NetPlayer, SelfPlay, against, judge_of
from micrograd_plus.capstones.connect_four import td_lambda
from micrograd_plus.capstones.playing import Match, play_game, side_by_side
from micrograd_plus.nn import Linear, ReLU, Sequential, Tanh, init

# %% [markdown]
# ## The question
#
# Tic-tac-toe was learned perfectly, and every line was checked. **Does the same idea work in a game that can't be
# checked?**
#
# Connect Four has seven columns of six squares. A disc dropped into a column falls to its lowest free square. Four in a
# line win: upright, level or slanting. X begins.

# %%
board = rules.Board()
for move in (3, 3, 2, 4, 1):  # columns are counted from 0 in code, from 1 on the board
    board = board.play(move)
print(board)
print(f"to move: {board.turn}. X threatens to complete four in the bottom row.")

# %% [markdown]
# How large is it? The number of positions was counted by S. Edelkamp and P. Kissmann, and confirmed by J. Tromp
# ([OEIS A212693](https://oeis.org/A212693)). **Predict:** at a million positions a second, how many days does it take
# to look at each of them once?

# %%
my_guess = 1

positions = {"tic-tac-toe": 5_478, "Connect Four": 4_531_985_219_092}
for game, count in positions.items():
    print(f"{game:13} {count:17,} positions: {count / 1e6 / 86_400:.1f} days")
print("my guess:", my_guess)

# %% [markdown]
# So no table, no complete check, and no minimax to the end of the game in a lesson. What the network learns in a few
# positions must hold in others that it has never seen. That is what networks are for.
#
# ## A board in a number
#
# To learn, it needs many games, and quickly. So a board is kept as two whole numbers, one for each player. Each square
# is one **bit**, a binary digit: 1 if the player has a disc there. This is called a **bitboard**. A column has seven
# bits, from the bottom up: six squares, and one bit that stays 0. (Exercise 3 asks what it is for.)
#
# To ask for four in a line takes two steps for each direction. Here for level lines, where the neighbour to the right is
# 7 bits further on. `>> 7` moves all bits by 7 places, and `&` (AND) keeps the bits that are 1 in both numbers:


# %%
def picture(bits):
    """A bitboard as text, the top row first."""
    rows = rules.squares(bits)[0].T[::-1]
    return "\n".join(" ".join("#" if square else "." for square in row) for row in rows)


discs = np.array([sum(1 << 7 * c for c in (1, 2, 3, 4, 6)) + (1 << 8)], np.uint64)
pairs = discs & (discs >> 7)  # a disc, and one to its right
fours = pairs & (pairs >> 14)  # a pair, and another pair two squares further on
print("discs            pairs            four in a line")
print(side_by_side([picture(discs), picture(pairs), picture(fours)]))

# %% [markdown]
# Two shifts, two ANDs, and it is done for a whole array of games at once: see
# [`connected` in connect_four.py](../micrograd_plus/capstones/boards/connect_four.py#L). How much does that gain?

# %%
chance = rules.RandomPlayer(seed=0)
start = time.perf_counter()
for _ in range(20):
    play_game(chance, chance, rules.Board())
one_by_one = 20 / (time.perf_counter() - start)
start = time.perf_counter()
results = rules.play_match(chance, chance, games=20_000)
at_once = 20_000 / (time.perf_counter() - start)
print(f"games a second: {one_by_one:,.0f} one by one, {at_once:,.0f} at once")

# %% [markdown]
# ## The rivals
#
# Chance is one. The other one, the **tactician**, follows two rules: if there is a win, take it; if the opponent
# threatens to win, block that. Otherwise it drops anywhere. **Predict:** what share of its games does the
# tactician win against chance?

# %%
my_guess = 70

shares = against(rules.Tactician(seed=0), chance, games=1000)
print("tactician against chance:", {name: f"{share:.1%}" for name, share in shares.items()})
print(f"my guess: {my_guess} %")
print(f"(chance against chance: who begins wins {(results == 1).mean():.1%})")

# %% [markdown]
# So to beat *chance* isn't much: two rules are enough. The tactician is the rival that counts. The promise: the network
# wins at least 99 % against chance, and at least 90 % against the tactician. A draw isn't a win.
#
# ## A better target: TD(λ)
#
# In the last lesson the target was minus the opponent's best value, one move later. The truth walked backwards, one
# move at a time. These games have up to 42 moves, so that would be a long walk.
#
# The other extreme is to take the *result* of the game as the target of all its positions. That arrives at once, but it
# is noisy: a good position may still be lost by a later mistake.
#
# **TD(λ)** ("lambda", a number from 0 to 1) mixes them. With λ = 0 it is the rule of the last lesson, with λ = 1 it is
# the result. Here is a game of six moves, won with the last one. `best` is what the network thinks of the best move in
# each turn, for the player to move.

# %%
# (turns, games): one game here, and a last row for "it is over"
best = np.array([[0.1], [0.1], [0.2], [-0.1], [0.3], [1.0], [0.0]])
results = np.array([[0.0], [0.0], [0.0], [0.0], [0.0], [1.0], [0.0]])
over = results == 1
by_chance = np.zeros((7, 1), bool)
print("turn                  1     2     3     4     5     6")
for lam in (0.0, 0.7, 1.0):
    targets = td_lambda(results, over, best, by_chance, lam)[:6, 0]
    print(f"λ = {lam}          ", *(f"{target:+.2f}" for target in targets))
by_chance[4] = True  # move 5 was left to chance
targets = td_lambda(results, over, best, by_chance, 0.7)[:6, 0]
print("0.7, 5 by chance ", *(f"{target:+.2f}" for target in targets))

# %% [markdown]
# Read each row from the right. With λ = 1 the signs take turns, because the players do. With λ = 0.7 the result reaches
# the first move, but weakly.
#
# The last row has a move that was left to chance (exploration). What came of it says nothing about the position
# *before* it: its player wouldn't have chosen it. So there the result is cut off, and only the network's own estimate
# counts. See [`td_lambda` in self_play.py](../micrograd_plus/capstones/self_play.py#L).
#
# ## The model
#
# As in the last lesson, with more inputs: 42 squares for the discs of the player who has just moved, 42 for the
# other's.


# %%
def value_network(seed: int | None = None) -> Sequential:
    """84 numbers, 42 for the discs of each player, to a value between -1 and 1."""
    seeds = init.generator(seed).integers(2**31, size=3).tolist()
    return Sequential(
        Linear(84, 128, dtype=np.float32, seed=seeds[0]),
        ReLU(),
        Linear(128, 64, dtype=np.float32, seed=seeds[1]),
        ReLU(),
        Linear(64, 1, dtype=np.float32, seed=seeds[2]),
        Tanh(),
    )


untrained = value_network(seed=0)
parameters = sum(p.size for p in untrained.parameters())
each = positions["Connect Four"] // parameters
print(f"{parameters:,} parameters: one for each {each:,} positions")

# %% [markdown]
# ## Training
#
# 20 epochs with 20 rounds of 128 games each, with λ = 0.7. In each epoch two things are noted: what share of its own
# games the *first* player won, and what share the network *won* against the tactician, without looking ahead.

# %%
epochs = share_of(connect_four.EPOCHS)
model = value_network(seed=0)
play = SelfPlay(model, epochs, seed=0)
optimizer = optim.Adam(model.parameters(), lr=3e-3)
slower = optim.LinearLR(optimizer, 1.0, 0.02, total_iters=epochs * len(play))


def look(state):
    """Two more columns for the history."""
    row = state.history.rows[-1]
    row["first"] = play.results["first"] / sum(play.results.values())
    player, rival = NetPlayer(model, depth=1), rules.Tactician(seed=0)
    row["won"] = against(player, rival, games=200)["won"]


live = plots.Live("loss", "first", "won")
callbacks = [training.Schedule(slower, every="step"), look, live]
settings = {"callbacks": callbacks, "progress": False, "seed": 0}
history = training.fit(model, play, "mse", optimizer, epochs, **settings)

# %% [markdown]
# The loss falls, then stays far above 0 or even rises, while the network still gets better. Both are as they should be.
# The targets aren't fixed: they get better together with the network, and part of them is noise. **In self-play the
# loss doesn't tell how strong the player is.** Matches do.
#
# (For a longer training: `connect_four.train(checkpoint="connect_four.safetensors")` keeps everything after each epoch
# and goes on from there. More rounds, and the player gets stronger.)
#
# ## Does looking ahead help?
#
# Without a search, the network values the positions after each of its own moves. With a **search of two moves** it goes
# on to every reply, and values the positions after that. It takes the move after which the opponent's best reply does
# the least harm: minimax, cut off after two moves, with the network's value in place of the truth.
#
# **Predict:** the network has learned from thousands of games. Does a look at the very next reply add anything?

# %%
my_guess = "no search: ... %, two moves: ... % against the tactician"

players = {"untrained": NetPlayer(untrained, depth=1)}
players |= {"no search": NetPlayer(model, depth=1), "two moves": NetPlayer(model, depth=2)}
rivals = {"chance": chance, "tactician": rules.Tactician(seed=0)}
won = {}
print("games won, of 1,000 ", *rivals)
for name, player in players.items():
    won[name] = [against(player, rival, games=1000)["won"] for rival in rivals.values()]
    print(f"{name:19} {won[name][0]:7.1%} {won[name][1]:9.1%}")
print("my guess:", my_guess, "\n")
connect_four.TARGET_RANDOM.check(won["two moves"][0])
connect_four.TARGET_TACTICIAN.check(won["two moves"][1])

# %% [markdown]
# It helps a lot. The network is good at what is vague: which squares are worth having, who has more room. It is bad at
# what must be exact: does the opponent threaten to win *now*? One threat overlooked is a game lost. A search is exact
# for the next moves, and knows nothing beyond. So each makes up for the other. Such a pair, a learned value and a
# search, is behind the strongest programs for chess and Go.
#
# > **Remember:** the network says *how good it looks*, the search says *what happens next*. Together they are better
# > than either alone.
#
# Stronger rivals: minimax without a network, which looks two and four moves ahead and knows wins and losses only.

# %%
games = 200
names = ["no search", "two moves", "three moves"]
fig, axes = plt.subplots(1, 2, figsize=(8, 2.6), sharey=True, layout="constrained")
for ax, ahead in zip(axes, (2, 4)):
    rivals = [rules.Searcher(ahead, seed=0) for _ in names]
    looking = [NetPlayer(model, depth) for depth in (1, 2, 3)]
    shares = [against(player, rival, games) for player, rival in zip(looking, rivals)]
    left = np.zeros(3)
    for result, color in (("won", "#0072B2"), ("drawn", "#999999"), ("lost", "#E69F00")):
        part = np.array([share[result] for share in shares])
        ax.barh(names, part, left=left, color=color, label=result)
        left += part
    ax.set(title=f"against minimax, {ahead} moves", xlabel=f"share of {games} games")
    ax.set_xticks([0, 0.5, 1])
    won_shares = [f"{share['won']:.0%}" for share in shares]
    print(f"won against minimax of {ahead} moves:", *won_shares)
axes[0].invert_yaxis()
axes[1].legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small")
plots.show(
    axes,
    alt="Bars of games won, drawn and lost by the network with no search, two and three "
    "moves. With a search the share of wins grows; against minimax with four moves more "
    "games are lost.",
)

# %% [markdown]
# (200 games are few: a share of 80 % may be off by 3 points, and now and then by 6.)
#
# ## The first move
#
# Here the truth is known. Connect Four was solved in 1988, by J. Allen and, two weeks later, by V. Allis. With perfect
# play, who begins in the **middle** wins. A start right beside it leads to a draw, and a start in one of the four outer
# columns loses. Nobody told the network. What does it think of the seven columns?

# %%
columns = np.arange(1, 8)
before = rules.search(*rules.empty(1), 1, judge_of(untrained))[0]
after = rules.search(*rules.empty(1), 1, judge_of(model))[0]
known = ["loses", "loses", "draws", "wins", "draws", "loses", "loses"]

ax = plt.subplots(figsize=(6.5, 3), layout="constrained")[1]
ax.bar(columns - 0.2, before, 0.4, label="untrained", color="#999999")
ax.bar(columns + 0.2, after, 0.4, label="trained", color="#0072B2")
ax.axhline(0, color="gray", linewidth=0.8)
ax.set(xlabel="first column", ylabel="value for X")
ax.set_xticks(columns, [f"{column}\n{truth}" for column, truth in zip(columns, known)])
ax.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small")
print("trained:", *(f"{value:+.2f}" for value in after))
print(f"best: column {after.argmax() + 1}")
plots.show(
    ax,
    alt="The value of the seven first columns, untrained and trained: all are nearer to 0 "
    f"than to 1, and trained column {after.argmax() + 1} is highest. Below each, what is "
    "known: the middle wins, its neighbours draw, the others lose.",
)

# %% [markdown]
# The middle comes out on top, the edges at the bottom; between them the order needn't be right. And look at the height:
# the truth is 1 there and -1 at the edge, and the network's values are much nearer to 0. It has learned that the middle
# is *better*, not that it *wins*. To know that, you have to play perfectly for forty moves, and no player here does. A
# value says how games *between players like this one* tend to end.
#
# ## Where it still loses
#
# One game that the network (X, two moves ahead) loses against minimax with four moves. Only the end of it is shown,
# with what the network thought of its own best move each time.


# %%
def no_idea(movers, others):
    """A judge for a search that knows wins and losses only."""
    return np.zeros(len(movers))


player = NetPlayer(model)
for seed in range(60):
    boards = play_game(player, rules.Searcher(4, seed=seed), rules.Board())
    if boards[-1].winner == "O":
        break
print(f"game {seed}: {boards[-1].winner} wins with move {len(boards) - 1}\n")
own_turns = [b for b in boards[:-1] if b.turn == "X"][-5:]
for b in own_turns:
    thinks = rules.search(*b.bits(), 2, player.judge).max()
    sees = rules.search(*b.bits(), 6, no_idea).max()
    fate = "X loses" if sees < -0.9 else "X wins" if sees > 0.9 else "not decided yet"
    turn = len("".join(b.columns)) // 2 + 1
    print(f"X's move {turn}: it thinks {thinks:+.2f}; a search of six moves: {fate}")
print()
print(side_by_side([own_turns[-3], own_turns[-1], boards[-1]]))

# %% [markdown]
# On the left the board three moves of X before the end, in the middle before its last move, on the right the end. Find
# O's four. When the board is nearly full, such a game is often lost without a mistake near the end. Nobody may pass, and
# in the end somebody has to play right *below* a square on which the other one wins. Who that will be is settled many
# moves before.
#
# Compare what it thinks with what a search of six moves sees. Where that sees the loss already, the network may still
# feel well. What lies beyond the look ahead is left to the value, and the value is only an estimate.
#
# ## Play against it
#
# Your move is the number of a column. Change the numbers, and run the cells one after the other. With `you="O"` the
# network begins. For a stronger one, say `NetPlayer(model, depth=4)`.

# %%
match = Match(NetPlayer(model), rules.Board(), you="X")
match.play(4)

# %%
print(match.play(8))
match.play(4)

# %% [markdown]
# (In a terminal: `micrograd-plus demo play connect-four`.)
#
# ## What this is not
#
# - **Not perfect play.** The game is solved: programs exist that always win when they begin. This one does lose, and you
#   may well beat it.
# - **Not AlphaZero.** D. Silver and others (2017) added two things. A second output, the **policy**, says which moves
#   deserve a look at all. And a **tree search**, guided by the policy, looks at hundreds of positions before each move.
#   It plays the training games, too, so the network learns from a player stronger than itself. That took thousands of
#   special chips.
# - **Not checked.** Tic-tac-toe had an exam that left nothing out. Here there are only matches against a few rivals, and
#   others may find other holes.
# - **Not a measure of strength.** So many per cent against the tactician say nothing about people.
#
# ## Exercises
#
# Replace the dots and run the cell. Then run the one below it. `ex.hint("positions_asked")` gives a hint, and
# `ex.solution("positions_asked")` the solution.

# %%
from micrograd_plus import exercises as ex

# %% [markdown]
# **Exercise 1.** A search of three moves starts on the empty board. How many positions is the network asked about? (It
# is asked only where the search ends, and nothing is left out.)

# %%
asked = ...

# %%
ex.check("positions_asked", asked)

# %% [markdown]
# **Exercise 2.** Write TD(λ) for one game without chance moves. `best[t]` is what the network thinks of the best move
# in turn `t`, for the player to move. `result` is what the last move brought its player. A target mixes what is
# expected of the opponent's turn (share `1 - lam`) with what came of it (share `lam`).


# %%
def td_targets(best, result, lam):
    """The target of the position after each move, for the player who made it."""
    targets = [0.0] * len(best)
    targets[-1] = result
    for t in reversed(range(len(best) - 1)):
        targets[t] = ...
    return targets


# %%
ex.check("td_targets", td_targets)

# %% [markdown]
# **Exercise 3. What happens if…** a column has 6 bits in place of 7? The squares are then numbered without gaps: bit 6
# is the bottom of the second column. Neighbours are 1, 5, 6 or 7 bits apart. Four in a line are looked for with shifts,
# as above. What goes wrong: `"nothing"`, or are wins `"missed"`, or are wins `"invented"` that are none?

# %%
six_bits = ...

# %%
ex.check("six_bits", six_bits)

# %% [markdown]
# **Make something:** train a better player in the same time. Its score: the share of 200 games won against
# `rules.Searcher(4, seed=0)`, with a search of two moves. A score to beat: that of the network here, "two moves" in the
# right half of the picture above. More games, a wider network, less exploration at the end?
#
# ## Where this is in PyTorch
#
# ```python
# from torch.nn import Linear, ReLU, Sequential, Tanh
#
# model = Sequential(
#     Linear(84, 128), ReLU(), Linear(128, 64), ReLU(), Linear(64, 1), Tanh())
# with torch.no_grad():
#     best = model(afterstates).max()  # to play: no gradients
# loss = torch.nn.functional.mse_loss(model(positions)[:, 0], targets)
# ```
#
# The bitboards and TD(λ) stay as they are: they are NumPy, and no gradient goes through them.
#
# **Next:** [28 · Mate with a rook](28_mate_with_a_rook.ipynb). There a solver knows the truth of every position, and
# the network learns from it. Is a network that is right in two cases of three a good player?
