"""Exercises of lesson 00: what happens when a model is trained."""

from __future__ import annotations

import re
from typing import Any

from ..exercise import Exercise, Wrong


def _move_that_changes_a_weight() -> str:
    """Make the four moves with one weight, and see after which one it is another number."""
    from ...engine import Value
    from ...optim import SGD

    weight = Value(0.5)
    optimizer = SGD([weight], lr=0.1)
    score = weight * 3.0
    loss = (score - 6.0) ** 2
    changed = ["forward and loss"] if weight.data != 0.5 else []
    loss.backward()
    changed += ["backward"] if weight.data != 0.5 else []
    optimizer.step()
    changed += ["step"] if weight.data != 0.5 else []
    return " and ".join(changed)


def _weight_after_a_step() -> float:
    from ...engine import Value
    from ...optim import SGD

    weight = Value(0.9)
    (weight * 0.4).backward()  # its gradient is 0.4
    SGD([weight], lr=0.25).step()
    return weight.data


def _loss_when_going_uphill() -> str:
    from ...engine import Value

    weight, losses = Value(1.0), []
    for _ in range(400):
        loss = (weight - 3.0) ** 2
        losses.append(loss.data)
        weight.zero_grad()
        loss.backward()
        weight.data += 0.5 * weight.grad
        if loss.data > 1e100:  # that is clear enough
            break
    return "larger" if losses[-1] > losses[0] else "smaller" if losses[-1] < losses[0] else "same"


def _one_word(answer: Any) -> Any:
    """The answer, other words for "larger" taken as that."""
    others = ("bigger", "greater", "higher", "grows", "growing")
    return "larger" if isinstance(answer, str) and answer.strip().lower() in others else answer


def _move(answer: Any) -> Any:
    """The answer; "step()" and "optimizer.step()" are the step, too."""
    return answer.strip(" .").removesuffix("()").rpartition(".")[2] if isinstance(answer, str) else answer


def _moves(answer: Any) -> Any:
    """The moves that are listed; a single text is taken word by word."""
    found = re.findall(r"[\w.()]+", answer) if isinstance(answer, str) else answer
    return [_move(one) for one in found] if isinstance(found, (list, tuple)) else found


EXERCISES = [
    Exercise(
        id="which_move",
        lesson=0,
        minutes=2,
        kind="predict",
        title="The move that changes the weights",
        task='Which of the four moves changes the weights? Write `"forward"`, `"loss"`, `"backward"` or `"step"`.',
        code="changes_the_weights = ____",
        right='"step"',
        wrong=[
            Wrong(
                "finding the directions is taken for following them",
                '"backward"',
                "What did the weights' fingerprint say after `backward()`?",
            ),
            Wrong(
                "using the weights is taken for changing them",
                '"forward"',
                "The forward pass reads the weights to compute scores. A thousand answers were computed in the lesson: "
                "what became of the fingerprint?",
            ),
            Wrong(
                "measuring is taken for learning",
                '"loss"',
                "The loss is one number that says how wrong the answers were. Who does something about it?",
            ),
        ],
        hints=(
            "The lesson takes the weights' fingerprint after some of the moves. When did it differ?",
            "Go through the four moves and ask of each: does it write into the weights, or does it only read them?",
            "Three of the moves find something out. The other one needs the learning rate, and moves something by it.",
        ),
        why="Forward, loss and backward only compute. The optimiser's step writes new numbers into the weights.",
        measure=_move,
        truth=_move_that_changes_a_weight,
    ),
    Exercise(
        id="one_step",
        lesson=0,
        minutes=3,
        kind="predict",
        title="One step by hand",
        task="A weight is 0.9, its gradient is 0.4, the learning rate is 0.25. What is the weight after one step?",
        code="new_weight = ____",
        right="0.9 - 0.25 * 0.4",
        wrong=[
            Wrong(
                "the step goes with the gradient",
                "0.9 + 0.25 * 0.4",
                "The gradient says in which direction the loss grows. Do you want it to grow?",
            ),
            Wrong(
                "the learning rate is forgotten",
                "0.9 - 0.4",
                "The step is only a part of the gradient. Which part?",
            ),
            Wrong(
                "the gradient is forgotten",
                "0.9 - 0.25",
                "The learning rate alone says nothing of this weight. What does it multiply?",
            ),
            Wrong(
                "the change is given in place of the weight",
                "-0.25 * 0.4",
                "That is how far the weight moves. Where does it move from?",
            ),
            Wrong(
                "the length of the step is given in place of the weight",
                "0.25 * 0.4",
                "That is how far the weight moves. Where does it move from, and which way?",
            ),
        ],
        hints=(
            "A step goes against the gradient. How far?",
            "The weight moves by the learning rate times the gradient, so that the loss shrinks.",
            "new_weight = 0.9 ± 0.25 * 0.4, with the right one of the two signs",
        ),
        why="A step is weight - lr * gradient: 0.9 - 0.25 * 0.4 = 0.8.",
        truth=_weight_after_a_step,
    ),
    Exercise(
        id="uphill",
        lesson=0,
        minutes=2,
        kind="predict",
        title="With the gradient",
        task=(
            "What happens if the step goes *with* the gradient, `weight + 0.5 * gradient`, in each round of training? "
            'Does the loss get `"smaller"`, stay the `"same"`, or get `"larger"`?'
        ),
        code="the_loss_gets = ____",
        right='"larger"',
        wrong=[
            Wrong(
                "the gradient is taken for the way to a smaller loss",
                '"smaller"',
                "If a weight's gradient is positive and the weight grows a little, what does the loss do?",
            ),
            Wrong(
                "the steps are thought to cancel",
                '"same"',
                "Each step starts where the one before ended, and each goes the same way: with the gradient.",
            ),
        ],
        hints=(
            "What does the gradient of a weight say, in words?",
            "Take one weight whose gradient is +2. Now move it up a little: which way does the loss go?",
            "A gradient tells what the loss does if the weight grows. Against it the loss shrinks; so with it …",
        ),
        why="The gradient points to where the loss grows. This is gradient ascent: each step makes the answers worse.",
        measure=_one_word,
        truth=_loss_when_going_uphill,
    ),
    Exercise(
        id="four_moves",
        lesson=0,
        minutes=2,
        kind="fill a blank",
        title="The four moves in order",
        task=(
            'One round of training, as a list of its four moves in their order: `"backward"`, `"forward"`, `"loss"`, '
            '`"step"` (here they are in the order of the alphabet).'
        ),
        code="moves = ____",
        right='["forward", "loss", "backward", "step"]',
        wrong=[
            Wrong(
                "the step comes before the directions are known",
                '["forward", "loss", "step", "backward"]',
                "What does a step follow, and which move finds it?",
            ),
            Wrong(
                "backward comes before there is a loss",
                '["forward", "backward", "loss", "step"]',
                "Backward asks of each weight: would something grow or shrink? What is that something?",
            ),
            Wrong(
                "the loss is measured only at the end",
                '["forward", "backward", "step", "loss"]',
                "Backward asks of each weight: would something grow or shrink? What is that something?",
            ),
            Wrong(
                "the loss is measured before there are scores",
                '["loss", "forward", "backward", "step"]',
                "The loss says how wrong the scores are. Where do the scores come from?",
            ),
            Wrong(
                "the order is reversed",
                '["step", "backward", "loss", "forward"]',
                "Each move needs what another one made. Which of them can be first?",
            ),
        ],
        hints=(
            "Which move needs nothing but the pictures and the weights?",
            "Ask of each move what it needs: scores, a loss, gradients, or only the pictures and the weights.",
            "It begins with the one that makes scores, and ends with the one that changes weights; two are in between.",
        ),
        measure=_moves,
        why="Scores first, then how wrong they are, then a direction for each weight, and at last the weights move.",
    ),
]
