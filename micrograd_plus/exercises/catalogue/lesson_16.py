"""Exercises of lesson 16."""

from ..exercise import Exercise

EXERCISES: list[Exercise] = []
