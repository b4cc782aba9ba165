"""Engines with one mistake each: the source of a right one, in which one piece of text is another.

A row: (what the learner did, which engine, this text, by that, the stage that fails, the mistake's name).
"""

from pathlib import Path

CLOSURES, TABLE = "closures", "table"

OVERWRITTEN = "the gradient is overwritten, not added"
UPSTREAM = "upstream is forgotten"
NO_SLOPE = "the slope is forgotten"
SAME_NUMBER = "two boxes that hold the same number are taken for one"
NOTHING = "nothing is passed back"
VISITED = "boxes that were visited are visited again"
DEPTH = "one way is followed to its end before the other users have pushed (depth first)"
BREADTH = "boxes are walked level by level (breadth first)"
RESULT_ONLY = "only the result's own push comes through, as when the order is not reversed"
DATA = "a box itself is used in place of its .data"
WRAP = "a plain number is not made a box first"

ADD = "self.grad += y.grad\n            other.grad += y.grad"
MUL = "self.grad += other.data * y.grad\n            other.grad += self.data * y.grad"
SUB = "self.grad += y.grad\n            other.grad -= y.grad"
DIV_A, DIV_B = "1 / other.data * y.grad", "other.grad += -self.data / other.data**2 * y.grad"
POW = "self.grad += n * self.data ** (n - 1) * y.grad"
TANH, EXP, LOG, RELU = (
    f"self.grad += {slope} * y.grad" for slope in ("(1 - t * t)", "e", "1 / self.data", "(self.data > 0)")
)
PUSH = "x.grad += slope * self.grad"
END_OF_MUL = "other.grad += self.data * y.grad\n\n        y.push = push\n        return y"
CLEARED = "            if node.inputs:\n                node.grad = 0.0\n"
ORDER = """        done, stack = {}, [self]
        while stack:
            missing = [x for x in stack[-1].inputs if x not in done]
            stack += missing
            if not missing:
                done[stack.pop()] = True
        return list(done)
"""

DEPTH_FIRST = """        done, stack = {}, [self]
        while stack:
            node = stack.pop()
            if node not in done:
                done[node] = True
                stack += node.inputs[::-1]
        return list(done)[::-1]
"""
RECURSIVE_DEPTH_FIRST = """        done = []

        def visit(node):
            if node not in done:
                done.append(node)
                for x in node.inputs:
                    visit(x)

        visit(self)
        return done[::-1]
"""
LAST_OPERAND_FIRST = DEPTH_FIRST.replace("node.inputs[::-1]", "node.inputs")
BREADTH_FIRST = """        queue, done = [self], {self}
        for node in queue:
            for x in node.inputs:
                if x not in done:
                    done.add(x)
                    queue.append(x)
        return queue[::-1]
"""
NOT_VISITED = """        walked, stack = [], [self]
        while stack:
            node = stack.pop()
            walked.append(node)
            stack += node.inputs[::-1]
        return walked[::-1]
"""
LISTED_AGAIN = """        listed = []

        def visit(node):
            for x in node.inputs:
                visit(x)
            listed.append(node)

        visit(self)
        return listed
"""
QUEUE_AGAIN = """        queue = [self]
        for node in queue:
            queue += node.inputs
        return queue[::-1]
"""
RECURSION = """        done, listed = set(), []

        def visit(node):
            if node not in done:
                done.add(node)
                for x in node.inputs:
                    visit(x)
                listed.append(node)

        visit(self)
        return listed
"""
VISITED_BY_NUMBER = """        seen, listed, stack = set(), [], [(self, False)]
        while stack:
            node, inputs_are_listed = stack.pop()
            if inputs_are_listed:
                listed.append(node)
            elif node.data not in seen:
                seen.add(node.data)
                stack += [(node, True), *((x, False) for x in node.inputs[::-1])]
        return listed
"""
LAST_BY_NUMBER = VISITED_BY_NUMBER.replace("node.inputs[::-1]", "node.inputs")
TABLE_BACKWARD = Path(__file__).with_name("table.py").read_text(encoding="utf-8")
TABLE_BACKWARD = TABLE_BACKWARD[TABLE_BACKWARD.index("    def backward") : TABLE_BACKWARD.index("def apply")]
PATH_BY_PATH = """    def backward(self, arrived=1.0):
        self.grad += arrived
        for x, slope in zip(self.inputs, self.slopes):
            x.backward(slope * arrived)


"""
PUSHES_AT_EACH_VISIT = """    def backward(self, first=True):
        if first:
            self.grad = 1.0
        self.push()
        for x in self.inputs:
            x.backward(False)


"""

WRONG = [
    # ---- the other styles
    ("a dict that is overwritten", "classes", "arrived.get(x, 0.0) + part", "part", "reuse", OVERWRITTEN),
    (
        "leaves are overwritten",
        "classes",
        "node.grad += g",
        "node.grad = g",
        "twice",
        "backward() clears the leaves, too",
    ),
    (
        "upstream left out, in a class",
        "classes",
        "return self.b * g, self.a * g",
        "return self.b, self.a",
        "chain",
        UPSTREAM,
    ),
    (
        "the input for the output, in a class",
        "classes",
        "(g * self.y,)",
        "(g * math.log(self.y),)",
        "exp",
        "the input is used in place of the output, in exp",
    ),
    ("a slope without its 2", "slopes", "1 - y**2", "1 - y", "tanh", "the square is forgotten, in tanh"),
    ("a tape read from its start", "tape", "reversed(TAPE[: self.start])", "TAPE[: self.start]", "chain", RESULT_ONLY),
    ("a part that is overwritten", "tape", "part.get(x.place, 0.0) + slope", "slope", "reuse", OVERWRITTEN),
    # ---- += and what is multiplied
    ("= for += in every operation", TABLE, PUSH, "x.grad = slope * self.grad", "reuse", OVERWRITTEN),
    ("= for += in a + b", CLOSURES, ADD, ADD.replace("+=", "="), "reuse", OVERWRITTEN),
    ("= for += in a + b, on the right", CLOSURES, "other.grad += y.grad", "other.grad = y.grad", "reuse", OVERWRITTEN),
    ("= for += in a + b, on the left", CLOSURES, ADD, ADD.replace("self.grad +=", "self.grad ="), "reuse", OVERWRITTEN),
    ("= for += in a * b", CLOSURES, MUL, MUL.replace("+=", "="), "reuse", OVERWRITTEN),
    (
        "= for += in a * b, on the right",
        CLOSURES,
        MUL,
        MUL.replace("other.grad +=", "other.grad ="),
        "reuse",
        OVERWRITTEN,
    ),
    ("= for += in a - b, on the left", CLOSURES, SUB, SUB.replace("+=", "="), "sub", OVERWRITTEN),
    ("= for += in a - b, on the right", CLOSURES, "other.grad -= y.grad", "other.grad = -y.grad", "sub", OVERWRITTEN),
    ("= for += in a / b, on the right", CLOSURES, DIV_B, DIV_B.replace("+=", "="), "div", OVERWRITTEN),
    ("= for += in a ** n", CLOSURES, POW, POW.replace("+=", "="), "pow", OVERWRITTEN),
    ("= for += in -a", CLOSURES, "self.grad += -1 * y.grad", "self.grad = -1 * y.grad", "neg", OVERWRITTEN),
    ("= for += in tanh", CLOSURES, TANH, TANH.replace("+=", "="), "tanh", OVERWRITTEN),
    ("= for += in exp", CLOSURES, EXP, EXP.replace("+=", "="), "exp", OVERWRITTEN),
    ("= for += in log", CLOSURES, LOG, LOG.replace("+=", "="), "log", OVERWRITTEN),
    ("= for += in relu", CLOSURES, RELU, RELU.replace("+=", "="), "relu", OVERWRITTEN),
    ("upstream left out everywhere", TABLE, PUSH, "x.grad += slope", "chain", UPSTREAM),
    ("upstream left out in a + b", CLOSURES, ADD, ADD.replace("y.grad", "1.0"), "chain", UPSTREAM),
    ("upstream left out in a * b", CLOSURES, MUL, MUL.replace(" * y.grad", ""), "chain", UPSTREAM),
    (
        "upstream left out in a * b, on the right",
        CLOSURES,
        "other.grad += self.data * y.grad",
        "other.grad += self.data",
        "chain",
        UPSTREAM,
    ),
    ("upstream left out in tanh", CLOSURES, TANH, TANH.replace(" * y.grad", ""), "tanh", UPSTREAM),
    ("upstream left out in exp", CLOSURES, EXP, "self.grad += e", "exp", UPSTREAM),
    ("slope left out everywhere", TABLE, PUSH, "x.grad += self.grad", "mul", NO_SLOPE),
    ("slope left out in a * b", CLOSURES, MUL, ADD, "mul", NO_SLOPE),
    (
        "slope + upstream",
        TABLE,
        PUSH,
        "x.grad += slope + self.grad",
        "add",
        "slope and upstream are added, not multiplied",
    ),
    ("-= for +=", TABLE, PUSH, "x.grad -= slope * self.grad", "add", "the gradient is subtracted, not added"),
    ("data for grad", TABLE, PUSH, "x.grad += slope * self.data", "add", "y.data is used in place of y.grad"),
    (
        "pushed twice",
        TABLE,
        "            node.push()",
        "            node.push()\n            node.push()",
        "add",
        "every gradient is pushed twice",
    ),
    (
        "overwritten, and without upstream",
        TABLE,
        PUSH,
        "x.grad = slope",
        "chain",
        "the gradient is overwritten, and upstream is forgotten",
    ),
    (
        "a set of operands",
        TABLE,
        "in zip(self.inputs, self.slopes)",
        "in dict(zip(self.inputs, self.slopes)).items()",
        "reuse",
        "an operand that stands twice is kept once (as in a set)",
    ),
    # ---- rules
    ("the slopes of + are those of *", CLOSURES, ADD, MUL, "add", "the slopes of `a + b` are those of a product"),
    ("a + b, the right operand left out", CLOSURES, "\n            other.grad += y.grad", "", "add", NOTHING),
    (
        "+ computes -",
        CLOSURES,
        "MyValue(self.data + other.data",
        "MyValue(self.data - other.data",
        "add",
        "a + b is computed as a - b",
    ),
    (
        "each its own number",
        CLOSURES,
        MUL,
        "self.grad += self.data * y.grad\n            other.grad += other.data * y.grad",
        "mul",
        "a and b are swapped: each gets its own number as slope, in `a * b`",
    ),
    (
        "copied line in a * b",
        CLOSURES,
        MUL,
        "self.grad += other.data * y.grad\n            other.grad += other.data * y.grad",
        "mul",
        "both operands get the same slope, in `a * b`",
    ),
    (
        "* computes +",
        CLOSURES,
        "MyValue(self.data * other.data",
        "MyValue(self.data + other.data",
        "mul",
        "a * b is computed as a + b",
    ),
    (
        "a - b without its sign",
        CLOSURES,
        "other.grad -= y.grad",
        "other.grad += 1.0 * y.grad",
        "sub",
        "the sign of b's slope is forgotten, in `a - b`",
    ),
    (
        "- computes b - a",
        CLOSURES,
        "MyValue(self.data - other.data",
        "MyValue(other.data - self.data",
        "sub",
        "a - b is computed as b - a",
    ),
    (
        "-a without its sign",
        CLOSURES,
        "self.grad += -1 * y.grad",
        "self.grad += y.grad",
        "neg",
        "the sign is forgotten on the way back, in `-a`",
    ),
    (
        "a ** n: the exponent stays",
        CLOSURES,
        POW,
        "self.grad += n * self.data**n * y.grad",
        "pow",
        "the exponent is not made one smaller, in `a ** n`",
    ),
    (
        "a ** n: no n",
        CLOSURES,
        POW,
        "self.grad += self.data ** (n - 1) * y.grad",
        "pow",
        "the factor n is forgotten, in `a ** n`",
    ),
    (
        "a ** n: always 2a",
        CLOSURES,
        POW,
        "self.grad += 2 * self.data * y.grad",
        "pow",
        "the slope is that of a square, in `a ** n`",
    ),
    ("a ** n: n * a", CLOSURES, POW, "self.grad += n * self.data * y.grad", "pow", "the slope is n * a, in `a ** n`"),
    (
        "a ** n: no brackets round n - 1",
        CLOSURES,
        POW,
        "self.grad += n * self.data**n - 1 * y.grad",
        "pow",
        "the brackets of n - 1 are forgotten, in `a ** n`",
    ),
    (
        "a ** n: no brackets round n - 1, in a slope",
        TABLE,
        "n * a ** (n - 1)",
        "n * a**n - 1",
        "pow",
        "the brackets of n - 1 are forgotten, in `a ** n`",
    ),
    (
        "a / b without the minus",
        CLOSURES,
        DIV_B,
        DIV_B.replace("-", ""),
        "div",
        "the minus of b's slope is forgotten, in `a / b`",
    ),
    (
        "a / b without the square",
        CLOSURES,
        DIV_B,
        DIV_B.replace("**2", ""),
        "div",
        "the square in b's slope is forgotten, in `a / b`",
    ),
    (
        "a / b: slope b for a",
        CLOSURES,
        "self.grad += 1 / other.data * y.grad\n            " + DIV_B,
        MUL,
        "div",
        "the slopes are those of a product, in `a / b`",
    ),
    (
        "2 - a is a - 2",
        CLOSURES,
        "return wrap(other) - self",
        "return self - other",
        "reflected",
        "2 - a is computed as a - 2",
    ),
    (
        "2 / a is a / 2",
        CLOSURES,
        "return wrap(other) / self",
        "return self / other",
        "reflected",
        "2 / a is computed as a / 2",
    ),
    (
        "2 * a is 2 + a",
        CLOSURES,
        "return self * other",
        "return self + other",
        "constants",
        "2 * a is computed as 2 + a",
    ),
    (
        "tanh of the input",
        CLOSURES,
        TANH,
        "self.grad += (1 - self.data**2) * y.grad",
        "tanh",
        "the input is used in place of the output, in tanh",
    ),
    (
        "tanh without the square",
        CLOSURES,
        TANH,
        "self.grad += (1 - t) * y.grad",
        "tanh",
        "the square is forgotten, in tanh",
    ),
    ("tanh: tan", CLOSURES, "math.tanh(self.data)", "math.tan(self.data)", "tanh", "tanh is computed as tan"),
    (
        "exp of the input",
        CLOSURES,
        EXP,
        "self.grad += self.data * y.grad",
        "exp",
        "the input is used in place of the output, in exp",
    ),
    (
        "exp by the power rule",
        CLOSURES,
        EXP,
        "self.grad += self.data * math.exp(self.data - 1) * y.grad",
        "exp",
        "the power rule is used, in exp",
    ),
    (
        "log of the output",
        CLOSURES,
        LOG,
        "self.grad += 1 / y.data * y.grad",
        "log",
        "the output is used in place of the input, in log",
    ),
    ("log10", CLOSURES, "math.log(self.data)", "math.log10(self.data)", "log", "log is computed to the base 10"),
    ("relu passes at 0", CLOSURES, RELU, RELU.replace(">", ">="), "relu", "relu lets gradients pass at 0"),
    ("relu passes all", CLOSURES, RELU, "self.grad += y.grad", "relu", "relu lets every gradient pass, also below 0"),
    (
        "relu times its output",
        CLOSURES,
        RELU,
        "self.grad += y.data * y.grad",
        "relu",
        "relu multiplies by its output, not by 1",
    ),
    (
        "relu is abs",
        CLOSURES,
        "max(0.0, self.data)",
        "abs(self.data)",
        "relu",
        "relu turns negative numbers round, as abs does",
    ),
    (
        "leaky relu",
        CLOSURES,
        "max(0.0, self.data)",
        "max(0.1 * self.data, self.data)",
        "relu",
        "relu lets a little pass below 0",
    ),
    (
        "leaky relu, with its slope",
        TABLE,
        '"relu": (lambda x: max(x, 0.0), lambda y, x: float(x > 0))',
        '"relu": (lambda x: max(x, 0.2 * x), lambda y, x: 1 if x > 0 else 0.2)',
        "relu",
        "relu lets a little pass below 0",
    ),
    # ---- the order
    ("not reversed", CLOSURES, "for node in reversed(nodes)", "for node in nodes", "chain", RESULT_ONLY),
    (
        "only the result pushes",
        CLOSURES,
        "        for node in reversed(nodes):\n            node.push()",
        "        self.push()",
        "chain",
        RESULT_ONLY,
    ),
    ("depth first", CLOSURES, ORDER, DEPTH_FIRST, "order", DEPTH),
    ("depth first, by recursion", CLOSURES, ORDER, RECURSIVE_DEPTH_FIRST, "order", DEPTH),
    ("depth first, the last operand first", CLOSURES, ORDER, LAST_OPERAND_FIRST, "order", DEPTH),
    ("breadth first", CLOSURES, ORDER, BREADTH_FIRST, "order", BREADTH),
    ("no visited set", CLOSURES, ORDER, NOT_VISITED, "order", VISITED),
    ("no visited set, inputs first", CLOSURES, ORDER, LISTED_AGAIN, "order", VISITED),
    ("no visited set, level by level", CLOSURES, ORDER, QUEUE_AGAIN, "order", VISITED),
    ("backward() calls itself and pushes", TABLE, TABLE_BACKWARD, PUSHES_AT_EACH_VISIT, "order", VISITED),
    (
        "only the first operand",
        CLOSURES,
        ORDER,
        ORDER.replace("stack[-1].inputs", "stack[-1].inputs[:1]"),
        "chain",
        "only the first operand is followed",
    ),
    ("visited by number", CLOSURES, ORDER, VISITED_BY_NUMBER, "order", SAME_NUMBER),
    ("visited by number, the last operand first", CLOSURES, ORDER, LAST_BY_NUMBER, "order", SAME_NUMBER),
    (
        "__eq__ and __hash__ by number",
        CLOSURES,
        "    def backward(self):",
        "    def __eq__(self, other):\n        return self.data == other.data\n\n"
        "    def __hash__(self):\n        return hash(self.data)\n\n    def backward(self):",
        "order",
        SAME_NUMBER,
    ),
    ("recursion", CLOSURES, ORDER, RECURSION, "deep", "the walk calls itself for each input (recursion)"),
    (
        "path by path",
        TABLE,
        TABLE_BACKWARD,
        PATH_BY_PATH,
        "deep",
        "a box is visited once for each path, or searched for in a list",
    ),
    ("a stack that never empties", CLOSURES, "done[stack.pop()]", "done[stack[-1]]", "add", "a loop never ends"),
    # ---- how backward() begins
    ("no seed", CLOSURES, "        self.grad = 1.0\n", "", "add", "the result's own gradient is not set to 1"),
    (
        "data as seed",
        CLOSURES,
        "self.grad = 1.0",
        "self.grad = self.data",
        "add",
        "backward() starts from the result's number, not from 1",
    ),
    (
        "gradients start at 1",
        TABLE,
        "self.data, self.grad = float(data), 0.0",
        "self.data, self.grad = float(data), 1.0",
        "add",
        "gradients start at 1, not at 0",
    ),
    (
        "leaves are cleared",
        CLOSURES,
        "            if node.inputs:\n                node.grad = 0.0",
        "            node.grad = 0.0",
        "twice",
        "backward() clears the leaves, too",
    ),
    (
        "inner boxes are kept",
        CLOSURES,
        "        for node in nodes:\n            if node.inputs:\n                node.grad = 0.0\n",
        "",
        "twice",
        "inner boxes keep their gradients from the backward() before",
    ),
    (
        "the 1 is added",
        TABLE,
        f"        for node in done:\n{CLEARED}        self.grad = 1.0\n",
        "        self.grad += 1.0\n",
        "twice",
        "the 1 is added to the result's old gradient",
    ),
    (
        "nothing at the second time",
        CLOSURES,
        "        self.grad = 1.0\n",
        "        if self.__dict__.setdefault('ran', False):\n            return\n        self.ran = self.grad = 1.0\n",
        "twice",
        "the second backward() does nothing",
    ),
    # ---- what raises an error, is missing or no number
    ("whole numbers", CLOSURES, "float(data)", "int(data)", "add", "data is made a whole number"),
    (
        "+ writes to a",
        CLOSURES,
        "        y = MyValue(self.data + other.data,",
        "        self.data += other.data\n        y = MyValue(self.data,",
        "add",
        "an operand's own number is changed",
    ),
    (
        "numbers are no boxes, in +",
        CLOSURES,
        "        other = wrap(other)\n        y = MyValue(self.data + ",
        "        y = MyValue(self.data + ",
        "constants",
        WRAP,
    ),
    (
        "numbers are no boxes, in *",
        CLOSURES,
        "        other = wrap(other)\n        y = MyValue(self.data * ",
        "        y = MyValue(self.data * ",
        "constants",
        WRAP,
    ),
    ("no return", CLOSURES, END_OF_MUL, END_OF_MUL.replace("return y", "pass"), "mul", "the result is not returned"),
    (
        "returns a number",
        CLOSURES,
        END_OF_MUL,
        END_OF_MUL.replace("return y", "return y.data"),
        "mul",
        "the result is a plain number that remembers nothing",
    ),
    (
        "push() for push",
        CLOSURES,
        END_OF_MUL,
        END_OF_MUL.replace("= push", "= push()"),
        "mul",
        "the inner function is called where it should be stored",
    ),
    ("push isn't stored", CLOSURES, END_OF_MUL, END_OF_MUL.replace("        y.push = push\n", ""), "mul", NOTHING),
    ("a box for its number", CLOSURES, "self.grad += other.data * y.grad", "self.grad += other * y.grad", "mul", DATA),
    ("a box for its number, in float()", CLOSURES, "math.exp(self.data)", "math.exp(self)", "exp", DATA),
    (
        "None as a gradient",
        CLOSURES,
        "        self.grad = 0.0\n",
        "        self.grad = None\n",
        "add",
        "the gradient starts as None, not as 0",
    ),
    (
        "a slip of the pen",
        CLOSURES,
        DIV_B,
        DIV_B.replace("other.grad", "other.gard"),
        "div",
        "the attribute gard is missing",
    ),
    (
        "__eq__ and no __hash__",
        CLOSURES,
        "    def backward(self):",
        "    def __eq__(self, other):\n        return self.data == other.data\n\n    def backward(self):",
        "add",
        "objects of the class can't stand in a set (unhashable)",
    ),
    ("no __radd__", CLOSURES, "def __radd__", "def radd", "constants", "__radd__ is missing"),
    ("no __rsub__", CLOSURES, "def __rsub__", "def rsub", "reflected", "__rsub__ is missing"),
    ("no __neg__", CLOSURES, "def __neg__", "def neg", "neg", "__neg__ is missing"),
    ("no tanh", CLOSURES, "def tanh", "def tanhh", "tanh", "tanh is missing"),
    ("no backward", CLOSURES, "def backward", "def back", "add", "backward is missing"),
    (
        "radd turns round for ever",
        CLOSURES,
        "return self + other",
        "return other + self",
        "constants",
        "`__radd__` calls itself without end",
    ),
    ("-a is -a", CLOSURES, "MyValue(-self.data, (self,))", "-self", "neg", "a method calls itself without end"),
    ("a name that isn't there", CLOSURES, LOG, LOG.replace("self.data", "x"), "log", "NameError is raised"),
]


def source(engine, old="", new=""):
    """The text of an engine in which one piece is replaced; it must be there exactly once."""
    text = Path(__file__).with_name(f"{engine}.py").read_text(encoding="utf-8")
    assert not old or text.count(old) == 1, f"{old!r} is {text.count(old)} times in {engine}.py"
    return text.replace(old, new) if old else text


def engine_class(text):
    """The class of an engine's text: the one whose objects can be multiplied."""
    scope = {"__name__": "learner"}
    exec(text, scope)
    return next(thing for thing in scope.values() if isinstance(thing, type) and hasattr(thing, "__mul__"))
