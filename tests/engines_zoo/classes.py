"""Style 3: a class for each operation, with forward and backward; gradients wait in a dict until complete."""

import math


class Operation:
    def __init__(self, *inputs):
        self.inputs = [x if isinstance(x, Node) else Node(x) for x in inputs]
        self.result = Node(self.forward(*[x.data for x in self.inputs]), self)


class Add(Operation):
    def forward(self, a, b):
        return a + b

    def backward(self, g):
        return g, g


class Mul(Operation):
    def forward(self, a, b):
        self.a, self.b = a, b
        return a * b

    def backward(self, g):
        return self.b * g, self.a * g


class Neg(Operation):
    def forward(self, x):
        return -x

    def backward(self, g):
        return (-g,)


class Power(Operation):
    def __init__(self, x, n):
        self.n = n
        super().__init__(x)

    def forward(self, x):
        self.x = x
        return x**self.n

    def backward(self, g):
        return (g * self.n * self.x ** (self.n - 1),)


class Tanh(Operation):
    def forward(self, x):
        self.y = math.tanh(x)
        return self.y

    def backward(self, g):
        return (g * (1 - self.y**2),)


class Exp(Operation):
    def forward(self, x):
        self.y = math.exp(x)
        return self.y

    def backward(self, g):
        return (g * self.y,)


class Log(Operation):
    def forward(self, x):
        self.x = x
        return math.log(x)

    def backward(self, g):
        return (g / self.x,)


class Relu(Operation):
    def forward(self, x):
        self.on = x > 0
        return x * self.on

    def backward(self, g):
        return (g * self.on,)


class Node:
    """Only leaves keep a gradient."""

    def __init__(self, data, made_by=None):
        self.data, self.made_by, self.grad = data, made_by, None if made_by else 0.0

    def __add__(self, other):
        return Add(self, other).result

    def __mul__(self, other):
        return Mul(self, other).result

    def __neg__(self):
        return Neg(self).result

    def __pow__(self, n):
        return Power(self, n).result

    def __sub__(self, other):
        return self + -(other if isinstance(other, Node) else Node(other))

    def __rsub__(self, other):
        return Node(other) - self

    def __truediv__(self, other):
        return self * (other if isinstance(other, Node) else Node(other)) ** -1

    def __rtruediv__(self, other):
        return Node(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def tanh(self):
        return Tanh(self).result

    def exp(self):
        return Exp(self).result

    def log(self):
        return Log(self).result

    def relu(self):
        return Relu(self).result

    def backward(self):
        arrived = {self: 1.0}
        for node in reversed(in_order(self)):
            g = arrived.pop(node)
            if node.made_by is None:
                node.grad += g
                continue
            for x, part in zip(node.made_by.inputs, node.made_by.backward(g), strict=True):
                arrived[x] = arrived.get(x, 0.0) + part


def in_order(root):
    seen, listed, stack = set(), [], [(root, False)]
    while stack:
        node, inputs_are_done = stack.pop()
        if inputs_are_done:
            listed.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack += [(x, False) for x in (node.made_by.inputs if node.made_by else [])]
    return listed
