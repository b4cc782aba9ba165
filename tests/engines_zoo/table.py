"""Style 4: the second engine of lesson 06. All operations are rows of a table, and the chain rule is written once."""

import math

TABLE = {
    "add": (lambda a, b: a + b, lambda y, a, b: 1, lambda y, a, b: 1),
    "sub": (lambda a, b: a - b, lambda y, a, b: 1, lambda y, a, b: -1),
    "mul": (lambda a, b: a * b, lambda y, a, b: b, lambda y, a, b: a),
    "div": (lambda a, b: a / b, lambda y, a, b: 1 / b, lambda y, a, b: -y / b),
    "pow": (lambda a, n: a**n, lambda y, a, n: n * a ** (n - 1), lambda y, a, n: 0),
    "neg": (lambda x: -x, lambda y, x: -1),
    "exp": (math.exp, lambda y, x: y),
    "log": (math.log, lambda y, x: 1 / x),
    "tanh": (math.tanh, lambda y, x: 1 - y * y),
    "relu": (lambda x: max(x, 0.0), lambda y, x: float(x > 0)),
}


class RowValue:
    def __init__(self, data, inputs=(), slopes=()):
        self.data, self.grad = float(data), 0.0
        self.inputs, self.slopes = inputs, slopes

    def push(self):
        for x, slope in zip(self.inputs, self.slopes):  # noqa: B905
            x.grad += slope * self.grad

    def backward(self):
        done, stack = {}, [self]
        while stack:
            missing = [x for x in stack[-1].inputs if x not in done]
            stack += missing
            if not missing:
                done[stack.pop()] = True
        for node in done:
            if node.inputs:
                node.grad = 0.0
        self.grad = 1.0
        for node in reversed(done):
            node.push()


def apply(name, *operands):
    forward, *slopes = TABLE[name]
    inputs = [x if isinstance(x, RowValue) else RowValue(x) for x in operands]
    xs = [x.data for x in inputs]
    y = forward(*xs)
    return RowValue(y, inputs, [slope(y, *xs) for slope in slopes])


def method(name, swapped=False):
    return (lambda a, b: apply(name, b, a)) if swapped else (lambda *operands: apply(name, *operands))


for name in ("add", "sub", "mul", "pow"):
    setattr(RowValue, f"__{name}__", method(name))
    setattr(RowValue, f"__r{name}__", method(name, swapped=True))
RowValue.__truediv__, RowValue.__rtruediv__ = method("div"), method("div", swapped=True)
RowValue.__neg__ = method("neg")
for name in ("exp", "log", "tanh", "relu"):
    setattr(RowValue, name, method(name))
