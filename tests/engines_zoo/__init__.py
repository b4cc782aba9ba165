"""Engines as learners write them: five that are right, in five styles, and many with one mistake."""
