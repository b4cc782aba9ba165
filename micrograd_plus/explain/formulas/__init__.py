"""The parts of `formula`: pieces of text for a reader, LaTeX, and the lines made of them."""
