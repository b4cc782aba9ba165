"""Exercises of lesson 21."""

from __future__ import annotations

from ..exercise import Exercise

EXERCISES: list[Exercise] = []
