"""Style 2: a box keeps its inputs and their slopes; one push for all operations; NumPy's numbers inside."""

import math


class Scalar:
    __slots__ = ("data", "grad", "inputs", "slopes")

    def __init__(self, data, inputs=(), slopes=()):
        self.data, self.grad, self.inputs, self.slopes = data, 0, inputs, slopes

    def __add__(self, other):
        other = other if isinstance(other, Scalar) else Scalar(other)
        return Scalar(self.data + other.data, [self, other], [1, 1])

    def __mul__(self, other):
        other = other if isinstance(other, Scalar) else Scalar(other)
        return Scalar(self.data * other.data, [self, other], [other.data, self.data])

    def __pow__(self, n):
        return Scalar(self.data**n, [self], [n * self.data ** (n - 1)])

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    def __truediv__(self, other):
        return self * other**-1

    def __rtruediv__(self, other):
        return self**-1 * other

    def tanh(self):
        y = math.tanh(self.data)
        return Scalar(y, [self], [1 - y**2])

    def exp(self):
        y = math.exp(self.data)
        return Scalar(y, [self], [y])

    def log(self):
        return Scalar(math.log(self.data), [self], [1 / self.data])

    def relu(self):
        return Scalar(self.data if self.data > 0 else 0, [self], [1 if self.data > 0 else 0])

    def backward(self):
        users_left, stack, met = {}, [self], {self}
        while stack:
            for x in stack.pop().inputs:
                users_left[x] = users_left.get(x, 0) + 1
                if x not in met:
                    met.add(x)
                    stack.append(x)
        for node in met:
            if node.inputs:
                node.grad = 0
        self.grad, ready = 1, [self]
        while ready:
            node = ready.pop()
            for x, slope in zip(node.inputs, node.slopes, strict=True):
                x.grad += slope * node.grad
                users_left[x] -= 1
                if not users_left[x]:
                    ready.append(x)
