"""The promises kept: images, faces, speech, translation, language and games, each trained in about two minutes.

A capstone is a file with the model, how it is trained, and how well it must do on what it never saw. The notebooks 20
to 29 and `micrograd-plus demo` run these. Rules of games and puzzles, which learn nothing, are in `boards/`.
"""

from .run import Run, Target, fast, share_of

__all__ = ["Run", "Target", "fast", "share_of"]
