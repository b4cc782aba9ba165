"""Quizzes: a fresh small graph for each student, with numbers to fill in, marked by the mistake, printable."""

from .quizzing import Quiz, class_sheets, quiz

__all__ = ["Quiz", "class_sheets", "quiz"]
