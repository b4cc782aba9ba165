"""The parts of to_python: names, terms, and how the two kinds of graph, of numbers and of arrays, are written."""
