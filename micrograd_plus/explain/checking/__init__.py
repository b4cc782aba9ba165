"""The parts of `gradcheck`: slopes by differences and by the complex step, and naming the likely mistake."""
