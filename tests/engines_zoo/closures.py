"""Style 1: each operation stores a function that pushes, as in micrograd; the walk has a stack of its own."""

import math


class MyValue:
    def __init__(self, data, inputs=()):
        self.data = float(data)
        self.grad = 0.0
        self.inputs = inputs
        self.push = lambda: None

    def __add__(self, other):
        other = wrap(other)
        y = MyValue(self.data + other.data, (self, other))

        def push():
            self.grad += y.grad
            other.grad += y.grad

        y.push = push
        return y

    def __mul__(self, other):
        other = wrap(other)
        y = MyValue(self.data * other.data, (self, other))

        def push():
            self.grad += other.data * y.grad
            other.grad += self.data * y.grad

        y.push = push
        return y

    def __sub__(self, other):
        other = wrap(other)
        y = MyValue(self.data - other.data, (self, other))

        def push():
            self.grad += y.grad
            other.grad -= y.grad

        y.push = push
        return y

    def __truediv__(self, other):
        other = wrap(other)
        y = MyValue(self.data / other.data, (self, other))

        def push():
            self.grad += 1 / other.data * y.grad
            other.grad += -self.data / other.data**2 * y.grad

        y.push = push
        return y

    def __pow__(self, n):
        y = MyValue(self.data**n, (self,))

        def push():
            self.grad += n * self.data ** (n - 1) * y.grad

        y.push = push
        return y

    def __neg__(self):
        y = MyValue(-self.data, (self,))

        def push():
            self.grad += -1 * y.grad

        y.push = push
        return y

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __rsub__(self, other):
        return wrap(other) - self

    def __rtruediv__(self, other):
        return wrap(other) / self

    def tanh(self):
        t = math.tanh(self.data)
        y = MyValue(t, (self,))

        def push():
            self.grad += (1 - t * t) * y.grad

        y.push = push
        return y

    def exp(self):
        e = math.exp(self.data)
        y = MyValue(e, (self,))

        def push():
            self.grad += e * y.grad

        y.push = push
        return y

    def log(self):
        y = MyValue(math.log(self.data), (self,))

        def push():
            self.grad += 1 / self.data * y.grad

        y.push = push
        return y

    def relu(self):
        y = MyValue(max(0.0, self.data), (self,))

        def push():
            self.grad += (self.data > 0) * y.grad

        y.push = push
        return y

    def backward(self):
        nodes = self.order()
        for node in nodes:
            if node.inputs:
                node.grad = 0.0
        self.grad = 1.0
        for node in reversed(nodes):
            node.push()

    def order(self):
        done, stack = {}, [self]
        while stack:
            missing = [x for x in stack[-1].inputs if x not in done]
            stack += missing
            if not missing:
                done[stack.pop()] = True
        return list(done)


def wrap(x):
    return x if isinstance(x, MyValue) else MyValue(x)
