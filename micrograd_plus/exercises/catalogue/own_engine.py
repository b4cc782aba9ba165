"""The exercise of lesson 06 that takes an afternoon: an engine of your own, which `check_engine` looks at."""

from __future__ import annotations

from ..engines.collecting import collect_engine
from ..engines.judging import judge_own_engine
from ..exercise import Exercise, Wrong

ENGINE = '''
class MyValue:
    """A number that remembers how it was made."""

    def __init__(self, data, inputs=(), slopes=()):
        self.data, self.grad = float(data), 0.0
        self.inputs, self.slopes = inputs, slopes

    def __add__(self, other):
        ____

    def __mul__(self, other):
        ____

    def backward(self):
        ____

    ____
'''
ADD = """\
other = other if isinstance(other, MyValue) else MyValue(other)
return MyValue(self.data + other.data, (self, other), (1.0, 1.0))"""
MULTIPLY = """\
other = other if isinstance(other, MyValue) else MyValue(other)
return MyValue(self.data * other.data, (self, other), (other.data, self.data))"""
BACKWARD = """\
order, done, stack = [], set(), [self]
while stack:  # no function that calls itself: chains may be long
    waiting = [x for x in stack[-1].inputs if x not in done]
    stack += waiting
    if not waiting:
        node = stack.pop()
        if node not in done:
            done.add(node)
            order.append(node)
for node in order:
    if node.inputs:  # what is computed starts afresh, what is given adds up
        node.grad = 0.0
self.grad = 1.0
for node in reversed(order):
    for x, slope in zip(node.inputs, node.slopes):
        x.grad += slope * node.grad"""
OTHERS = """\
def __pow__(self, n):
    return MyValue(self.data**n, (self,), (n * self.data ** (n - 1),))

def of_one(self, y, slope):
    return MyValue(y, (self,), (slope,))

def tanh(self):
    t = math.tanh(self.data)
    return self.of_one(t, 1 - t * t)

def exp(self):
    e = math.exp(self.data)
    return self.of_one(e, e)

def log(self):
    return self.of_one(math.log(self.data), 1 / self.data)

def relu(self):
    return self.of_one(max(0.0, self.data), float(self.data > 0))

__radd__, __rmul__ = __add__, __mul__

def __neg__(self):
    return self * -1

def __sub__(self, other):
    return self + other * -1

def __rsub__(self, other):
    return self * -1 + other

def __truediv__(self, other):
    return self * other**-1

def __rtruediv__(self, other):
    return self**-1 * other"""

OWN_ENGINE = Exercise(
    id="engine",
    lesson=6,
    minutes=45,
    kind="write a loop",
    title="An engine of your own",
    task=(
        "Write a class of numbers that remember how they were made, with `.data`, `.grad` and `.backward()`. Begin "
        "with `+`, and let `ex.check_engine(MyValue)` look at it: it goes on in stages, as far as your engine "
        "gets, and draws the smallest graph that goes wrong. Chains of 10,000 operations are the last but two."
    ),
    code=ENGINE,
    right=(ADD, MULTIPLY, BACKWARD, OTHERS),
    wrong=[
        Wrong(
            "the gradient is overwritten, not added",
            (ADD, MULTIPLY, BACKWARD.replace("+= slope", "= slope"), OTHERS),
            "A number that is used twice receives a gradient from each place.",
        ),
        Wrong(
            "upstream is forgotten",
            (ADD, MULTIPLY, BACKWARD.replace(" * node.grad", ""), OTHERS),
            "A slope speaks of one operation alone. By how much does its result matter for the end of the graph, "
            "and where is that written?",
        ),
        Wrong(
            "only the result's own push comes through, as when the order is not reversed",
            (ADD, MULTIPLY, BACKWARD.replace("reversed(order)", "order"), OTHERS),
            "Which box knows its gradient first, and so has to push first?",
        ),
    ],
    hints=(
        "What must a number remember, so that it can later tell its inputs how they changed it?",
        "Each operation keeps its inputs and one slope for each. One function can then push for all operations.",
        "backward: list all boxes with inputs before users, start with grad = 1 at the result, and go through "
        "the list from its end: x.grad += slope * node.grad",
    ),
    why="A slope for each operation, += and the right order: there is nothing else in an engine.",
    collecting=lambda answer, timeout: collect_engine(answer, timeout),
    judging=lambda answers: judge_own_engine(answers),
)
