"""A function that computes with our Tensors, as the same function for PyTorch's: `forward` methods, losses, helpers.

The text stays the reader's own, with its names, comments and line breaks: only single words in it are exchanged, as
`dim` for `axis`, and `h += x` is written out as `h = h + x`. What a name stands for is looked up in the living
function, so `nn.relu`, `mg.relu` and a bare `relu` are all found. A word that isn't in the dictionary is a problem,
with its line; nothing is guessed.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import math
import re
import textwrap
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from . import words

MISSING = object()
OWN = {"torch", "nn", "F", "math"}  # the program's own imports: a local variable of that name would hide them


class Translation:
    """The text of one function in PyTorch's words, and what it needs around it.

    function: a plain function, or a method as its class keeps it. known: attributes of the model's modules.
    """

    def __init__(self, function: Callable, known: set[str] | None = None, name: str = ""):
        self.function, self.known = function, known or set()
        self.name = name or function.__name__
        self.problems: list[str] = []
        self.helpers: dict[str, Callable] = {}  # functions of the reader's own that it calls
        self.constants: dict[str, Any] = {}
        self.own: set[str] = set()  # x of self.x
        self.keywords: set[str] = set()  # of the calls in it; "**" where they can't be told
        self.uses: set[str] = set()  # what stands before the first dot of translated names: torch, F, math, causal_mask
        self._edits: list[tuple[int, int, str]] = []
        self.text = ""
        self._translate()

    # -- the text and where things stand in it ---------------------------------------------------------------------

    def _translate(self) -> None:
        try:
            source = textwrap.dedent(inspect.getsource(self.function))
            tree = ast.parse(source).body[0]
        except (OSError, TypeError, SyntaxError, IndexError):
            self.problems.append(f"{self.name}: its text can't be found (was it made by exec, or in a bare prompt?)")
            return
        if not isinstance(tree, ast.FunctionDef):
            self.problems.append(f"{self.name}: a lambda or async function: write it with def, so that it has a name")
            return
        self._lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line.encode()))
        self._bytes = source.encode()
        self._local = set(_bound(tree))
        self._stores = any(isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store) for n in ast.walk(tree))
        self._first = tree.args.args[0].arg if tree.args.args else ""
        if tree.decorator_list:
            self._problem(tree, "a decorator: what it does can't be seen from here")
        if self._local & OWN:
            clash = min(self._local & OWN)
            self._problem(tree, f"a variable called {clash!r}, which is a name of PyTorch's program: rename it")
        self._signature(tree)
        if tree.name != self.name:
            start = self._at(tree.lineno, tree.col_offset) + len("def ")
            self._edits.append((start, start + len(tree.name.encode()), self.name))
        self._docstring(tree.body[0])
        for part in [*tree.args.defaults, *filter(None, tree.args.kw_defaults), *tree.body]:
            self._visit(part)
        self.text = self._edited()

    def _at(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column

    def _span(self, node: Any) -> tuple[int, int]:
        return self._at(node.lineno, node.col_offset), self._at(node.end_lineno, node.end_col_offset)

    def _replace(self, node: Any, text: str) -> None:
        self._edits.append((*self._span(node), text))

    def _edited(self) -> str:
        result, place = b"", 0
        for start, end, text in sorted(
            self._edits, key=lambda edit: edit[:2]
        ):  # at one place: the outer one came first
            assert place <= start, f"two changes of one place in {self.name}"
            result += self._bytes[place:start] + text.encode()
            place = end
        return (result + self._bytes[place:]).decode().rstrip()

    def _problem(self, node: Any, what: str) -> None:
        first = self.function.__code__.co_firstlineno
        self.problems.append(f"{self.name}, line {first + node.lineno - 1}: {what}")

    def _said(self, node: Any) -> str:
        return ast.unparse(node)

    # -- signature -------------------------------------------------------------------------------------------------

    def _signature(self, tree: ast.FunctionDef) -> None:
        """Without annotations: the names in them are the reader's own."""
        args = tree.args
        for arg in [*args.posonlyargs, *args.args, *args.kwonlyargs, *filter(None, (args.vararg, args.kwarg))]:
            if arg.annotation is not None:
                start = self._at(arg.lineno, arg.col_offset) + len(arg.arg.encode())
                self._edits.append((start, self._span(arg.annotation)[1], ""))
                self._edits += [  # and no blanks around the = of a default that stood behind it
                    (self._span(arg.annotation)[1], self._span(default)[0], "=")
                    for default in [*args.defaults, *filter(None, args.kw_defaults)]
                    if self._bytes[self._span(arg.annotation)[1] : self._span(default)[0]].strip() == b"="
                ]
        if tree.returns is not None:
            start, end = self._span(tree.returns)
            self._edits.append((self._bytes.rindex(b"->", 0, start) - 1, end, ""))

    def _docstring(self, node: Any) -> None:
        """Without its examples: they show NumPy's arrays."""
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            start, end = self._span(node)
            text = self._bytes[start:end]
            if b">>>" in text:
                kept = text[: text.index(b">>>")].rstrip().decode()
                closing = "\n" + " " * node.col_offset if "\n" in kept else ""
                self._edits.append((start, end, kept + closing + text[-3:].decode()))

    # -- expressions -----------------------------------------------------------------------------------------------

    def _visit(self, node: Any) -> None:
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            self._chain(node)
        elif isinstance(node, ast.Call):
            self._call(node)
        elif isinstance(node, ast.JoinedStr):
            self._f_string(node)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal)):
            self._problem(node, f"a {type(node).__name__} inside: move it out of the function")
        elif isinstance(node, ast.AugAssign):
            self._augmented(node)
        elif isinstance(node, ast.AnnAssign):
            self._problem(node, "an annotated variable: write it without its type")
        else:
            if isinstance(node, ast.Attribute):
                self._problem(
                    node, f"it sets {self._said(node)}: a function that changes what it is given isn't carried"
                )
            if isinstance(node, ast.Subscript) and _runs_backwards(node) and not self._is_a_list(node.value):
                self._problem(node, f"{self._said(node)}: write .flip(axis) of a tensor, list(reversed(…)) of a list")
            for child in ast.iter_child_nodes(node):
                self._visit(child)

    def _augmented(self, node: ast.AugAssign) -> None:
        """h += x as h = h + x: PyTorch's += would change the numbers of all that shares them with h."""
        target, value = node.target, node.value
        if isinstance(target, ast.Subscript):
            said = self._said(target)
            self._problem(node, f"{self._said(node)}: write {said} = {said} …, since PyTorch changes what is shared")
        elif isinstance(target, ast.Name) and not isinstance(value, _LISTS):  # those are for a list, not for a tensor
            (_, end), (start, last) = self._span(target), self._span(value)
            between = self._bytes[end:start].decode()  # " += ", perhaps with an opening bracket
            sign = re.findall(r"[^\s\\=]+", between)[0]
            at = end + between.index(sign)
            self._edits.append((at, at + len(sign) + 1, f"= {target.id} {sign}"))
            whole = ast.unparse(ast.BinOp(target, node.op, value))  # with the brackets that it needs
            if "(" not in between and whole != f"{target.id} {sign} {ast.unparse(value)}":
                self._edits.append((start, start, "("))
                self._visit(value)
                self._edits.append((last, last, ")"))
                return
        self._visit(target)
        self._visit(value)

    def _is_a_list(self, node: Any) -> bool:
        """Whether it is a list, tuple or text for sure, or an attribute: PyTorch's lists of modules are sliced too."""
        if isinstance(node, ast.Call):
            return any(self._value_of(node.func) is thing for thing in (list, tuple, range, sorted, str))
        own = isinstance(node, ast.Attribute) and (self._is_self(node.value) or node.attr == "shape")
        return own or isinstance(node, (*_LISTS, ast.Constant))

    def _f_string(self, node: ast.JoinedStr) -> None:
        """Python before 3.12 doesn't say where things stand in it, so nothing in it can be exchanged."""
        before = len(self._edits)
        for child in ast.iter_child_nodes(node):
            self._visit(child)
        if len(self._edits) > before:
            del self._edits[before:]
            self._problem(node, f"{self._said(node)}: compute it in a line before the text")

    def _is_self(self, node: Any) -> bool:
        return isinstance(node, ast.Name) and node.id == self._first == "self"

    def _chain(self, node: ast.Name | ast.Attribute) -> None:
        """A name with what hangs on it by dots: np.float32, self.layers, x.shape."""
        root: Any = node
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name) and root.id not in self._local:
            self._outside(node, root)
            return
        if not isinstance(node, ast.Attribute):
            if not isinstance(node, ast.Name):
                self._visit(node)
            return
        if self._is_self(node.value):
            self.own.add(node.attr)
            return
        self._attribute(node)
        inner = node.value
        self._chain(inner) if isinstance(inner, (ast.Name, ast.Attribute)) else self._visit(inner)

    def _attribute(self, node: ast.Attribute) -> None:
        """x.name, where x is anything that the function computes with."""
        if node.attr in words.METHODS:
            end = self._span(node)[1]
            self._edits.append((end - len(node.attr), end, words.METHODS[node.attr]))
        elif node.attr not in words.SAME and node.attr not in self.known:
            self._problem(node, f"{self._said(node)}: .{node.attr} isn't in the dictionary of what both have")

    def _outside(self, node: Any, root: ast.Name) -> None:
        """A name from around the function: one of ours, NumPy's or Python's, a constant, a function of the reader's."""
        thing, rest = self._found(root.id), []
        link: Any = node
        while link is not root:
            rest.append(link)
            link = link.value
        at: Any = root
        while rest and id(thing) not in words.by_identity() and not isinstance(thing, FunctionType):
            at = rest.pop()
            thing = getattr(thing, at.attr, MISSING)
        there = words.by_identity().get(id(thing))
        if there is not None:
            self.uses.add(there.split(".")[0])
            self._replace(at, there)
        elif thing is MISSING:
            self._problem(node, f"{self._said(node)} isn't defined")
        elif id(thing) in words.BUILTINS:
            pass
        elif getattr(thing, "__module__", None) == "math" or (at is not root and _is_math(self._found(root.id))):
            self.uses.add("math")
            self._replace(at, f"math.{at.attr if isinstance(at, ast.Attribute) else thing.__name__}")
        elif words.is_plain(thing):
            if at is root:
                self.constants[root.id] = thing
            else:
                number = words.literal(thing)
                self._replace(at, f"({number})" if number.startswith("-") else number)  # -2 ** 2 would be -4
        elif isinstance(thing, FunctionType) and not (thing.__module__ or "").startswith("micrograd_plus.nn"):
            self._helper(at, thing)
        else:
            hint = f": of a number math.{at.attr}, of a Tensor x.{at.attr}()" if _in_math(at, thing) else ""
            self._problem(at, f"{self._said(at)} isn't in the dictionary of what both have{hint}")
        for link in rest:  # what hangs on a constant or a function's result
            self._attribute(link)

    def _helper(self, at: Any, function: FunctionType) -> None:
        self.helpers[function.__name__] = function
        if isinstance(at, ast.Attribute):
            self._replace(at, function.__name__)

    def _found(self, name: str) -> Any:
        function = inspect.unwrap(self.function)
        code = function.__code__
        if name in code.co_freevars:
            cell = function.__closure__[code.co_freevars.index(name)]
            try:
                return cell.cell_contents
            except ValueError:
                return MISSING
        return function.__globals__.get(name, getattr(builtins, name, MISSING))

    # -- calls -----------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call) -> None:
        func = node.func
        if isinstance(func, ast.Name) and func.id == "super":
            self._problem(node, "super(): write what the base class does into the method itself")
            return
        own = isinstance(func, ast.Attribute) and self._is_self(func.value)
        method = isinstance(func, ast.Attribute) and not own and self._of_a_tensor(func)
        there = None if own or method else words.by_identity().get(id(self._value_of(func)))
        self.keywords |= {keyword.arg or "**" for keyword in node.keywords}
        if len(node.args) > 3 or any(isinstance(part, ast.Starred) for part in node.args):
            self.keywords.add("**")  # it may hand over anything
        name = func.attr if method and isinstance(func, ast.Attribute) else there or ""
        if method or name.startswith(("torch.", "F.")):
            self._keywords(node, name)
            if refused := self._refused(node, name):
                self._problem(node, f"{self._said(node)}: {refused}")
        if method and isinstance(func, ast.Attribute):
            self._method(node, func)
        else:
            if there in words.LOSSES and len(node.args) > 2:
                self._problem(node, f"{self._said(func)}: give the settings by name, their order is another in PyTorch")
            if there in ("F.softmax", "F.log_softmax") and len(node.args) < 2 and not _has(node, "axis", "dim"):
                self._append(node, "dim=-1")
            if there == "F.softplus":
                self._append(node, words.SMOOTH)
            shape = node.args[words.SHAPE_AT.get(name, len(node.args)) :][:1]
            if shape and self._is_whole(shape[0]):
                start, end = self._span(shape[0])
                self._edits += [(start, start, "("), (end, end, ",)")]
            place = words.DTYPE_AT.get(name, len(node.args))
            if len(node.args) > place:  # NumPy takes it without its name
                start = self._span(node.args[place])[0]
                self._edits.append((start, start, "dtype="))
            self._visit(func)
        for part in [*node.args, *(keyword.value for keyword in node.keywords)]:
            self._visit(part)
        end = self._span(node)[1]
        if there == "torch.as_tensor" and not isinstance(next(iter(node.args), None), _LISTS):
            self._edits.append((end, end, ".detach()"))  # NumPy's arrays have no gradient
        if self._stores and (name in words.COPIED or self._value_of(func) is np.array):
            self._edits.append((end, end, ".clone()"))  # memory of its own: x[0] = … changes it alone

    def _of_a_tensor(self, func: ast.Attribute) -> bool:
        root: Any = func
        while isinstance(root, ast.Attribute):
            root = root.value
        return not isinstance(root, ast.Name) or root.id in self._local

    def _value_of(self, node: Any) -> Any:
        """What a dotted name from around the function stands for."""
        if isinstance(node, ast.Attribute):
            return getattr(self._value_of(node.value), node.attr, MISSING)
        return self._found(node.id) if isinstance(node, ast.Name) and node.id not in self._local else MISSING

    def _keywords(self, node: ast.Call, name: str) -> None:
        known = words.KEYWORDS | words.KEYWORDS_OF.get(name, {})
        for keyword in node.keywords:
            if keyword.arg in known:
                start, there = self._at(keyword.lineno, keyword.col_offset), known[keyword.arg]
                end = start + len(keyword.arg) if there else self._span(keyword.value)[0]
                self._edits.append((start, end, there))

    def _refused(self, node: ast.Call, name: str) -> str:
        """What to write instead of a call whose arguments PyTorch refuses, or takes otherwise; "" where it is the same.

        name: a method's, or a function's with its place there, torch.maximum.
        """
        n, axis, short = len(node.args), _axis(node), name.split(".")[-1]
        several = len(axis.elts) if isinstance(axis, (ast.Tuple, ast.List)) else 1
        if name == "transpose" and n == 0:
            return "write .T, or the two axes to exchange"
        if name == "transpose" and isinstance(node.args[0], ast.Starred):  # two of them would be an exchange
            return "write .permute(*axes), or .swapaxes(a, b)"
        if name in words.NOT_NONE and isinstance(axis, ast.Constant) and axis.value is None:
            return "leave axis=None out"
        if name in ("prod", "logsumexp") and axis is None and _has(node, "keepdims", "keepdim"):
            return "say which axis"
        if several > words.MOST_AXES.get(name, several):
            return f"PyTorch's takes {words.MOST_AXES[name]} at most: take one axis after the other"
        if (name == "flip" and axis is None) or (name == "torch.cumsum" and n < 2 and not _has(node, "axis", "dim")):
            return "say which axis"
        if (name == "norm" and n) or (name in ("var", "std") and n > 1):
            return "give the settings by name, their order is another in PyTorch"
        if short in ("maximum", "minimum") and any(map(self._is_number, node.args)):
            return f"PyTorch's takes tensors alone: write x.clip({'min' if short == 'maximum' else 'max'}=…)"
        if name in words.TENSORS_ALONE and n and self._is_number(node.args[0]):
            return "PyTorch's takes tensors alone: of a number use Python's math"
        return ""

    def _is_number(self, node: Any) -> bool:
        """Whether it is a number for sure: written out, or a constant from around the function."""
        if isinstance(node, ast.UnaryOp):
            return self._is_number(node.operand)
        value = node.value if isinstance(node, ast.Constant) else self._value_of(node)
        return isinstance(value, (int, float))

    def _is_whole(self, node: Any) -> bool:
        """Whether it is a whole number for sure, and no tuple: 2, len(x), x.shape[0]."""
        if isinstance(node, ast.Subscript):
            shape = isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
            return shape and not isinstance(node.slice, ast.Slice)
        if isinstance(node, ast.BinOp):
            return self._is_whole(node.left) and self._is_whole(node.right)
        if isinstance(node, ast.Call):
            return self._value_of(node.func) is len
        return self._is_number(node)

    def _append(self, node: ast.Call, argument: str) -> None:
        """One more argument in front of the closing bracket."""
        end = self._span(node)[1] - 1
        filled = node.args or node.keywords
        self._edits.append((end, end, f", {argument}" if filled else argument))

    def _method(self, node: ast.Call, func: ast.Attribute) -> None:
        """x.max(axis=1): PyTorch's method of the same meaning."""
        name, n = func.attr, len(node.args)
        end = self._span(func)[1]
        axis, keeps = _axis(node) is not None, _has(node, "keepdims", "keepdim")
        renamed = ""
        if name in ("max", "min") and (axis or keeps):
            renamed = f"a{name}"  # PyTorch's max(dim) gives the indices as well
        elif name == "transpose":
            renamed = "transpose" if n == 2 else "permute"
        elif name in ("sum", "mean") and not axis and keeps:
            self._append(node, "dim=None")  # which keepdim asks for
        elif name == "logsumexp" and not axis:
            renamed = "flatten().logsumexp"
            self._append(node, "dim=0")
        elif name in words.AS_FUNCTIONS:
            # from (a + b).gelu( to F.gelu(a + b: brackets around it stand outside of what it is
            inner, outer = self._span(func.value), self._span(node)
            self.uses.add("F")
            self._edits.append((outer[0], inner[0], f"F.{name}("))
            self._edits.append((inner[1], end + 1, ", " if n or node.keywords else ""))
            if name == "softplus":
                self._edits.append((end + 1, end + 1, f", {words.SMOOTH}"))
            self._visit(func.value)
            return
        elif name in words.AXIS_NEEDED and not axis:
            self._append(node, "dim=-1")
        if renamed:
            self._edits.append((end - len(name), end, renamed))
            self._visit(func.value)
        else:
            self._visit(func)


_LISTS = (ast.List, ast.ListComp, ast.Tuple, ast.GeneratorExp)  # what is a list, or fills one


def _axis(node: ast.Call) -> Any:
    """The axis that a method is given, by name or first; None where there is none."""
    named = [keyword.value for keyword in node.keywords if keyword.arg in ("axis", "dim")]
    return next(iter([*named, *node.args]), None)


def _has(node: ast.Call, *names: str) -> bool:
    """Whether a call gives one of these by name."""
    return any(keyword.arg in names for keyword in node.keywords)


def _runs_backwards(node: ast.Subscript) -> bool:
    """Whether a slice in it has a step below 0, as x[::-1]."""
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    steps = [part.step for part in parts if isinstance(part, ast.Slice)]
    return any(isinstance(step, ast.UnaryOp) and isinstance(step.op, ast.USub) for step in steps)


def _in_math(at: Any, thing: Any) -> bool:
    """Whether this is a function of NumPy's for which there are two words: np.sqrt."""
    return isinstance(at, ast.Attribute) and hasattr(math, at.attr) and type(thing).__name__ == "ufunc"


def _is_math(thing: Any) -> bool:
    return isinstance(thing, ModuleType) and thing.__name__ == "math"


def _bound(tree: ast.AST) -> Iterator[str]:
    """All names that a function binds itself: its arguments, and what it assigns to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name
