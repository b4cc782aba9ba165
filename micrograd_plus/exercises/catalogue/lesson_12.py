"""Exercises of lesson 12."""

from ..exercise import Exercise

EXERCISES: list[Exercise] = []
