"""Style 5: every operation is written on one list, in the order in which it ran; backward() reads it from the end."""

import math

TAPE = []  # (result, operand, slope)


class Var:
    """A number with its place on the tape. `grad` is a property that finds its number in a list."""

    grads = []  # noqa: RUF012 - one for all, like the tape

    def __init__(self, data):
        self.data, self.place, self.start = data, len(Var.grads), len(TAPE)
        self.is_leaf = True
        Var.grads.append(0.0)

    @property
    def grad(self):
        return Var.grads[self.place]

    def __add__(self, other):
        return written(self.data + number(other), (self, 1.0), (other, 1.0))

    def __sub__(self, other):
        return written(self.data - number(other), (self, 1.0), (other, -1.0))

    def __mul__(self, other):
        return written(self.data * number(other), (self, number(other)), (other, self.data))

    def __truediv__(self, other):
        b = number(other)
        return written(self.data / b, (self, 1 / b), (other, -self.data / b**2))

    def __pow__(self, n):
        return written(self.data**n, (self, n * self.data ** (n - 1)))

    def __neg__(self):
        return written(-self.data, (self, -1.0))

    def __rsub__(self, other):
        return written(other - self.data, (self, -1.0))

    def __rtruediv__(self, other):
        return written(other / self.data, (self, -other / self.data**2))

    __radd__, __rmul__ = __add__, __mul__

    def tanh(self):
        return written(math.tanh(self.data), (self, 1 / math.cosh(self.data) ** 2))

    def exp(self):
        return written(math.exp(self.data), (self, math.exp(self.data)))

    def log(self):
        return written(math.log(self.data), (self, 1 / self.data))

    def relu(self):
        return written(max(self.data, 0), (self, int(self.data > 0)))

    def backward(self):
        part = {self.place: 1.0}
        for y, x, slope in reversed(TAPE[: self.start]):
            if y.place in part:
                part[x.place] = part.get(x.place, 0.0) + slope * part[y.place]
        for place, g in part.items():
            Var.grads[place] += g


def number(x):
    return x.data if isinstance(x, Var) else x


def written(data, *operands):
    y = Var(data)
    TAPE.extend((y, x, slope) for x, slope in operands if isinstance(x, Var))
    y.start = len(TAPE)
    return y
