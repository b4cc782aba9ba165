"""Exercises of lesson 24: translating numbers."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ..exercise import Exercise, Wrong

_FRENCH = (
    "sept",
    "quatre - vingts",
    "soixante et onze",
    "cent quatre - vingt - quinze",
    "deux mille trois",
    "trois cents",
    "vingt - deux mille",
)

# -- teacher forcing -------------------------------------------------------------------------------------------


def _sentence(random: Random) -> tuple[list[str]]:
    return (random.choice(_FRENCH).split(),)


# -- greedy decoding -------------------------------------------------------------------------------------------


def _said(greedy: Callable[..., Any], sentence: list[str], longest: int) -> Any:
    """What greedy makes of a decoder that has this sentence in mind; without end if it is asked far too often."""
    asked = 0

    def next_word(words: list[str]) -> str:
        nonlocal asked
        asked += 1
        if asked > 50:
            raise RuntimeError("next_word was asked more than 50 times: the loop doesn't end")
        if words[:1] != ["<start>"]:
            return "<pad>"  # it was never trained on a sentence that begins in another way
        said = len(words) - 1
        return sentence[said] if said < len(sentence) else "<end>"

    return greedy(next_word, longest)


def _spoken(random: Random) -> tuple[list[str], int]:
    return random.choice(_FRENCH).split(), random.choice([8, 10, 12])


_RIGHT_LOOP = 'word = next_word(words)\nif word == "<end>":\n    break\nwords.append(word)'


# -- no positions ----------------------------------------------------------------------------------------------


def _without_positions() -> str:
    """Whether one who looks at two texts of the same words without places can tell them apart."""
    import numpy as np

    from ... import nn

    words = nn.Embedding(3, 8, seed=0)
    encoder = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True, seed=1)
    attention = nn.MultiheadAttention(8, 2, batch_first=True, seed=2)
    seen = []
    for text in ([0, 1, 2], [2, 1, 0]):  # as two thousand three, three thousand two
        memory = encoder(words(np.array([text])))
        seen.append(attention(np.ones((1, 1, 8)), memory, memory)[0].numpy())
    return "the same" if np.allclose(*seen) else "right"


EXERCISES = [
    Exercise(
        id="decoder_pair",
        lesson=24,
        minutes=4,
        kind="fill a blank",
        title="Given, and wanted",
        task=(
            "For teacher forcing the decoder needs two lists of the same length: what it is given, and what it should "
            'say at each place. Make both from the French words, with `"<start>"` and `"<end>"`.'
        ),
        code='''
            def decoder_pair(words):
                """What the decoder is given, and what it should say at each place."""
                so_far = ____
                target = ____
                return so_far, target
        ''',
        right=('["<start>"] + words', 'words + ["<end>"]'),
        wrong=[
            Wrong(
                "both lists are the same",
                ('["<start>"] + words + ["<end>"]', '["<start>"] + words + ["<end>"]'),
                "At each place it would be given the very word that it should say. What is there to learn?",
            ),
            Wrong(
                "<start> is missing",
                ("words", 'words[1:] + ["<end>"]'),
                "When the translation begins, no word has been said. What is the decoder given then, and who tells it "
                "the first word?",
            ),
            Wrong(
                "<end> is missing",
                ('["<start>"] + words[:-1]', "words"),
                "Nothing is said after the last word. How should it ever learn to stop?",
            ),
            Wrong(
                "the target has no <end>",
                ('["<start>"] + words', "words"),
                "The lists differ in length. What should it say when it is given the last word?",
            ),
            Wrong(
                "<start> is to be said, too",
                ('["<start>"] + words', '["<start>"] + words + ["<end>"]'),
                "The lists differ in length. Which of the two marks does nobody need to say?",
            ),
            Wrong(
                "append is taken to give the list",
                ('["<start>"].append(words)', 'list(words).append("<end>")'),
                "append changes a list and gives back None. How do you put two lists together?",
            ),
            Wrong(
                "the two lists are swapped",
                ('words + ["<end>"]', '["<start>"] + words'),
                "Here it is given a word, and should say the one before. In which direction does it write?",
            ),
            Wrong(
                "nothing is moved by a place",
                ("words", "words"),
                "At each place it is given the very word that it should say. And how does it begin, how end?",
            ),
            Wrong(
                "<end> is given to the decoder, too",
                ('["<start>"] + words + ["<end>"]', 'words + ["<end>"]'),
                "The lists differ in length. Which of the two marks does nobody need to be given?",
            ),
        ],
        cases=[(["sept"],), (["quatre", "-", "vingts"],)],
        draw=_sentence,
        drawn=1,
        hints=(
            "Write the sentence down, and below each word the one that comes next.",
            "One list begins one place earlier than the other: there stands <start>. The other ends with <end>.",
            'so_far is ["<start>"] + …; target is … + ["<end>"]',
        ),
        why="At place i the decoder is given the words up to i, and asked for word i + 1: the same list, moved by one.",
    ),
    Exercise(
        id="greedy_decoding",
        lesson=24,
        minutes=6,
        kind="write a loop",
        title="Word after word",
        task=(
            "Write greedy decoding. `next_word(words)` gives the best next word after the words so far, which begin "
            'with `"<start>"`. Go on until it says `"<end>"`, and return what was said between the two. Stop after '
            "`longest` words, if it doesn't come to an end."
        ),
        code='''
            def greedy(next_word, longest):
                """The words that are said, one after the other."""
                words = ["<start>"]
                for _ in range(longest):
                    ____
                return ____
        ''',
        right=(_RIGHT_LOOP, "words[1:]"),
        wrong=[
            Wrong(
                "<start> is handed back as well",
                (_RIGHT_LOOP, "words"),
                "<start> is no French word. Who should see it?",
            ),
            Wrong(
                "<end> is handed back as well",
                ('word = next_word(words)\nwords.append(word)\nif word == "<end>":\n    break', "words[1:]"),
                "<end> is no French word. When must the loop be left: before the word is added, or after?",
            ),
            Wrong(
                "the last word is always cut off",
                ('word = next_word(words)\nwords.append(word)\nif word == "<end>":\n    break', "words[1:-1]"),
                "That works as long as <end> is the last word. Is it, if the loop comes to `longest`?",
            ),
            Wrong(
                "the word isn't noted down",
                ('word = next_word(words)\nif word == "<end>":\n    break', "words[1:]"),
                "What does words hold when the loop is over? And what is next_word asked in each round?",
            ),
            Wrong(
                "nobody stops at <end>",
                ("words.append(next_word(words))", "words[1:]"),
                "What happens in the rounds after <end> was said?",
            ),
            Wrong(
                "only <end> is left out, and the loop goes on",
                ('word = next_word(words)\nif word != "<end>":\n    words.append(word)', "words[1:-1]"),
                "Where did the last word go? If the loop is left at <end>, nothing has to be cut off.",
            ),
            Wrong(
                "the decoder isn't told what it has said",
                (
                    'word = next_word(["<start>"])\nif word == "<end>":\n    break\nwords.append(word)',
                    "words[1:]",
                ),
                "It says the first word again and again. What does next_word need to know?",
            ),
            Wrong(
                "the decoder is told the last word alone",
                ('word = next_word(words[-1:])\nif word == "<end>":\n    break\nwords.append(word)', "words[1:]"),
                "The decoder looks at all the words so far, from <start> on. What does it get here in round two?",
            ),
        ],
        cases=[(["sept"], 8), (["quatre", "-", "vingts"], 10), (["cent", "vingt", "-", "deux"], 2)],
        draw=_spoken,
        drawn=1,
        measure=_said,
        say="greedy(a decoder that has {} in mind, longest={})",
        hints=(
            "Three things happen in each round: ask, look whether it is the end, and take the word down.",
            'break leaves the loop. It should happen before "<end>" is added.',
            'word = next_word(words); if word is "<end>", break; else words.append(…). Return words without the first.',
        ),
        why="What was said becomes input for the next word. <start> and <end> are marks for the decoder, not French.",
    ),
    Exercise(
        id="without_positions",
        lesson=24,
        minutes=4,
        kind="predict",
        title="No positions",
        task=(
            "You leave out the positions of the English words, and train. Then the model is given *two "
            'thousand and three* and *three thousand and two*. Will its two translations be `"right"` (both of them), '
            '`"the same"`, or `"in another order"`?'
        ),
        code="translations = ____",
        right='"the same"',
        wrong=[
            Wrong(
                "the order is held to be in the array",
                '"right"',
                "The words stand in order in the array. But which part of attention depends on where a key stands?",
            ),
            Wrong(
                "the output is held to follow the input's order",
                '"in another order"',
                "The French words are written one after the other, and each is chosen by a weighted mean. Does a mean "
                "change when its parts are put into another order?",
            ),
        ],
        hints=(
            "Which words are in the first sentence, and which in the second?",
            "A score is the dot product of a query and a key. If no key knows its place, what is left to tell them by?",
            "The decoder gets weighted means of the same words in both cases. So what it writes is …",
        ),
        why=(
            "Attention is a weighted mean, and a mean doesn't know an order. Both sentences are the same bag of words "
            "then, whatever was learned."
        ),
        truth=_without_positions,
        numpy=True,
    ),
]
