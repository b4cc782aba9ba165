"""Optimisers: how a parameter moves, given its gradient.

Throughout this file
    p      a parameter: p.data is a float or an array, p.grad the slope of the loss there
    g      its gradient
    state  what the optimiser remembers about p between steps (a dict, empty at first)
    group  the settings that p shares with its group: lr, momentum …

One line serves floats and arrays, because it is written in operators alone. `x += y` binds a
float to its new value and changes an array where it stands. That is right for p.data and for what
the optimiser owns, and wrong for p.grad, which belongs to whoever computed it.
"""

import math
from collections.abc import Iterable, Sequence
from copy import deepcopy
from itertools import count
from numbers import Real
from typing import Any, Protocol

from .together import Flat, flat_of, is_half
from .uninterrupted import uninterrupted


class Parameter(Protocol):
    """What an optimiser can train."""

    data: Any
    grad: Any


State = dict[str, Any]
Group = dict[str, Any]
Params = Iterable[Parameter] | Iterable[Group]


class Optimizer:
    """What all optimisers share. Yours needs one method: `update(p, g, state, group)`.

    >>> from types import SimpleNamespace
    >>> class SignSGD(Optimizer):
    ...     def update(self, p, g, state, group):
    ...         p.data -= group["lr"] * (1.0 * (g > 0) - 1.0 * (g < 0))
    >>> w = SimpleNamespace(data=1.0, grad=0.5)
    >>> optimizer = SignSGD([w], lr=0.25)
    >>> optimizer
    SignSGD(1 parameter, lr=0.25)
    >>> optimizer.step()
    >>> w.data
    0.75
    """

    def __init__(self, params: Params, **defaults: Any) -> None:
        """Take parameters, or groups of them: `[{"params": …, "lr": 0.1}, …]`.

        Raises TypeError or ValueError where a parameter or a setting cannot be used.
        """
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: dict[int, State] = {}  # by the parameter's position, over all groups
        self._flat: dict[int, Flat | None] = {}  # a group's small arrays, by its first parameter's position

        if isinstance(params, dict):
            raise TypeError(f"{self._name} got a dict: put parameter groups in a list, [{{'params': …}}].")
        if isinstance(params, (list, tuple)) and any(isinstance(entry, dict) for entry in params):
            groups = list(params)
        else:
            groups = [{"params": params}]
        for group in groups:
            self.add_param_group(group)

    def update(self, p: Parameter, g: Any, state: State, group: Group) -> None:
        """Move one parameter. Each optimiser writes its own."""
        raise NotImplementedError(f"{self._name} needs a method update(self, p, g, state, group).")

    def step(self) -> None:
        """Move every parameter that has a gradient and isn't frozen.

        All of them or none: a Ctrl-C meanwhile takes effect afterwards, and gradients that don't fit are refused (with
        a TypeError or ValueError) before anything is moved.

        >>> from types import SimpleNamespace
        >>> w = SimpleNamespace(data=1.0, grad=0.5)
        >>> SGD([w], lr=0.5).step()
        >>> w.data
        0.75
        """
        for group in self.param_groups:
            for i, p in enumerate(group["params"]):
                g = p.grad  # most are a number's float, or an array of a Tensor's shape: then there is nothing to ask
                shape = p.numpy().shape if hasattr(p, "adopt") else getattr(p, "shape", None)  # quicker than p.shape
                fits = g.__class__ is float if shape is None else getattr(g, "shape", None) == shape
                if not (fits or g is None):
                    self._check_gradient(i, p)
        with uninterrupted():
            self._move_all()

    def _check_gradient(self, i: int, p: Any) -> None:
        if not hasattr(p.grad, "__truediv__"):
            raise TypeError(f"{self._name}: the gradient of parameter {i} is a {type(p.grad).__name__}, no number(s).")
        have, want = _shape(p.grad), _shape(p if hasattr(p, "shape") else p.data)
        if have != want:
            raise ValueError(f"{self._name}: the gradient of parameter {i} has shape {have}, the parameter {want}.")

    def _move_all(self) -> None:
        start = 0
        for group in self.param_groups:
            together = type(self) in TOGETHER and hasattr(group["params"][0], "adopt")  # Tensors, not numbers
            done = self._move_small_ones(start, group) if together else ()
            for position, p in enumerate(group["params"], start):
                g = p.grad
                if g is not None and getattr(p, "requires_grad", True) and position not in done:
                    g = g.astype("float32") if is_half(g) else g  # in float16, eps is 0 and squares overflow early
                    self.update(p, g, self.state.setdefault(position, {}), group)
            start += len(group["params"])

    def _move_small_ones(self, start: int, group: Group) -> Sequence[int]:
        """Update a group's small arrays as one, where what is remembered of them allows it; returns their positions."""
        flat: Any = self._flat.get(start)
        g = None if flat is None else flat.gradient(self.state)
        if g is None:
            flat = self._flat[start] = flat_of(list(enumerate(group["params"], start)), self.state)
            g = None if flat is None else flat.gradient(self.state)
        if g is None:
            return ()
        before = {**flat.state}
        self.update(flat, g, flat.state, group)
        flat.hand_back(before)
        return flat.positions

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_flat": {}}  # a copy puts its own arrays together

    def zero_grad(self) -> None:
        """Forget the gradients: a number's becomes 0.0, an array's None.

        >>> from types import SimpleNamespace
        >>> w = SimpleNamespace(data=1.0, grad=0.5)
        >>> SGD([w], lr=0.5).zero_grad()
        >>> w.grad
        0.0
        """
        for group in self.param_groups:
            for p in group["params"]:
                if hasattr(p, "zero_grad"):  # a Value or a Tensor knows it without a look at its .data, maybe a copy
                    p.zero_grad()
                else:
                    p.grad = 0.0 if isinstance(p.data, (int, float)) else None

    def add_param_group(self, group: Group) -> None:
        """Train these parameters as well; settings that the group doesn't name are the optimiser's own.

        Raises TypeError or ValueError, as the optimiser itself does.

        >>> from types import SimpleNamespace
        >>> w, b = SimpleNamespace(data=1.0, grad=0.5), SimpleNamespace(data=0.0, grad=0.5)
        >>> optimizer = SGD([w], lr=0.5)
        >>> optimizer.add_param_group({"params": [b], "lr": 0.1})
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.5, 0.1]
        """
        if not isinstance(group, dict) or "params" not in group:
            raise TypeError(f"{self._name}: a parameter group is a dict {{'params': [...], 'lr': …}}.")
        unknown = group.keys() - self.defaults.keys() - {"params"}
        if unknown:
            raise ValueError(
                f"{self._name} has no setting {', '.join(sorted(unknown))}; a group may set {', '.join(self.defaults)}."
            )
        params = parameter_list(group["params"], self._name)
        if not params:
            raise ValueError(
                f"{self._name} got no parameters, so it would train nothing. "
                "Is the model empty, or was the generator used up before?"
            )
        together = [p for group in self.param_groups for p in group["params"]] + params
        if len({id(p) for p in together}) < len(together):
            raise ValueError(
                f"{self._name} got the same parameter twice: it would move twice in a step. Put it in one group, once."
            )
        settings = {**self.defaults, **group, "params": params}
        self.check(settings)
        self.param_groups.append(settings)

    def check(self, group: Group) -> None:
        """Raise TypeError or ValueError if a setting of this group makes no sense."""
        for name in self.defaults:
            if name in LIMITS:
                check_number(name, group[name], *LIMITS[name])

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on, copied: PyTorch's layout, parameters as numbers.

        >>> from types import SimpleNamespace
        >>> optimizer = SGD([SimpleNamespace(data=1.0, grad=0.5)], lr=0.5, momentum=0.9)
        >>> optimizer.step()
        >>> optimizer.state_dict()["state"]
        {0: {'momentum_buffer': 0.5}}
        """
        position = count()
        groups = [{**group, "params": [next(position) for _ in group["params"]]} for group in self.param_groups]
        return deepcopy({"state": self.state, "param_groups": groups})

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a `state_dict()`, which is copied; the parameters themselves stay as they are.

        Raises ValueError, and changes nothing, if it was saved for other parameters or another optimiser.

        >>> from types import SimpleNamespace
        >>> optimizer = SGD([SimpleNamespace(data=1.0, grad=0.5)], lr=0.5)
        >>> saved = optimizer.state_dict()
        >>> optimizer.param_groups[0]["lr"] = 0.1
        >>> optimizer.load_state_dict(saved)
        >>> optimizer.param_groups[0]["lr"]
        0.5
        """
        if not isinstance(state_dict, dict):
            raise TypeError(f"{self._name} loads what state_dict() returned, a dict; got {type(state_dict).__name__}.")
        if not {"state", "param_groups"} <= state_dict.keys():
            raise ValueError(
                f"{self._name} expected the keys 'state' and 'param_groups', got {list(state_dict)}. "
                "Load what an optimiser's state_dict() returned."
            )
        saved = deepcopy(state_dict)
        self._check_fits(saved)
        self.state = {int(position): memory for position, memory in saved["state"].items()}
        for memory in self.state.values():
            if getattr(memory.get("step"), "shape", None) == ():  # PyTorch's, an array of one number
                memory["step"] = memory["step"].item()
        for group, settings in zip(self.param_groups, saved["param_groups"], strict=True):
            group.update({**settings, "params": group["params"]})

    def _check_fits(self, saved: dict[str, Any]) -> None:
        """Raise ValueError if a saved state belongs to other parameters or another optimiser."""
        expected = [len(group["params"]) for group in self.param_groups]
        came = [len(group["params"]) for group in saved["param_groups"]]
        if expected != came:
            raise ValueError(
                f"{self._name} expected {_sizes(expected)}, got {_sizes(came)}. "
                "Build the model and the optimiser as they were when the state was saved."
            )
        for group in saved["param_groups"]:
            missing = [name for name in self.defaults if name not in group]
            if missing:
                raise ValueError(
                    f"{self._name} expected the settings {', '.join(self.defaults)}; the saved state has no "
                    f"{', '.join(missing)}. Load it into the kind of optimiser that saved it."
                )
            self.check(group)
        params = [p for group in self.param_groups for p in group["params"]]
        for position, memory in saved["state"].items():
            if not 0 <= int(position) < len(params):
                raise ValueError(
                    f"{self._name} expected parameters 0 to {len(params) - 1}, got {position!r} in the state."
                )
            shape = _shape(params[int(position)].data)
            for name, value in memory.items():
                if _shape(value) not in ((), shape):
                    raise ValueError(
                        f"{self._name}: {name} of parameter {position} was saved with shape {_shape(value)}, "
                        f"but the parameter has shape {shape}. Load it for a model of the same sizes."
                    )

    @property
    def _name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        """The class, how many parameters, and the settings of each group."""
        groups = [
            ", ".join(
                [_plural(len(group["params"]), "parameter")]
                + [f"{name}={_short(group[name])}" for name in self.defaults]
            )
            for group in self.param_groups
        ]
        if len(groups) == 1:
            return f"{self._name}({groups[0]})"
        return f"{self._name}(\n" + "".join(f"    {line},\n" for line in groups) + ")"


class SGD(Optimizer):
    """Stochastic gradient descent: a step against the gradient, with momentum if you like.

    H. Robbins and S. Monro, "A Stochastic Approximation Method", 1951; momentum: B. Polyak, 1964;
    Nesterov's: I. Sutskever, J. Martens, G. Dahl and G. Hinton, "On the importance of initialization
    and momentum in deep learning", 2013.

    >>> from types import SimpleNamespace
    >>> w = SimpleNamespace(data=1.0, grad=0.5)
    >>> optimizer = SGD([w], lr=0.5)
    >>> optimizer.step()
    >>> w.data
    0.75
    """

    def __init__(
        self,
        params: Params,
        lr: float,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
    ) -> None:
        """Take the parameters and the settings; errors as in `Optimizer`."""
        super().__init__(
            params,
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
        )

    def check(self, group: Group) -> None:
        """Raise TypeError or ValueError if a setting of this group makes no sense."""
        super().check(group)
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise ValueError(
                "SGD: nesterov looks ahead along the momentum, so it needs momentum above 0 and dampening 0; "
                f"got momentum={group['momentum']}, dampening={group['dampening']}. Try momentum=0.9."
            )

    def update(self, p: Parameter, g: Any, state: State, group: Group) -> None:
        """Move p.

        g   ← g + weight_decay × p
        buf ← momentum × buf + (1 − dampening) × g        (the first time: buf ← g)
        p   ← p − lr × buf                                (Nesterov: g + momentum × buf)
        """
        momentum, dampening = group["momentum"], group["dampening"]
        if group["weight_decay"]:
            g = g + group["weight_decay"] * p.data
        if momentum:
            buf = state.get("momentum_buffer")
            if buf is None:
                buf = 1.0 * g  # a copy: from now on buf changes where it stands
            else:
                buf *= momentum
                buf += (1 - dampening) * g if dampening else g
            state["momentum_buffer"] = buf
            g = g + momentum * buf if group["nesterov"] else buf
        move(p, group["lr"] * g)


class RMSprop(Optimizer):
    """Each step divided by the recent size of that parameter's gradients.

    T. Tieleman and G. Hinton, "Lecture 6.5: rmsprop", Coursera, 2012; centred: A. Graves,
    "Generating Sequences With Recurrent Neural Networks", 2013.

    >>> from types import SimpleNamespace
    >>> w = SimpleNamespace(data=1.0, grad=0.5)
    >>> optimizer = RMSprop([w], lr=0.1, alpha=0.75)
    >>> optimizer.step()
    >>> round(w.data, 6)  # 1 − 0.1 × 0.5 / √(0.25 × 0.5²)
    0.8
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
    ) -> None:
        """Take the parameters and the settings; errors as in `Optimizer`."""
        super().__init__(
            params,
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
        )

    def update(self, p: Parameter, g: Any, state: State, group: Group) -> None:
        """Move p.

        g ← g + weight_decay × p
        v ← alpha × v + (1 − alpha) × g²            how large g is
        a ← alpha × a + (1 − alpha) × g             centred: its mean, and v − a² in place of v
        b ← momentum × b + g / (√v + eps)
        p ← p − lr × b
        """
        alpha, momentum = group["alpha"], group["momentum"]
        if group["weight_decay"]:
            g = g + group["weight_decay"] * p.data
        v = state["square_avg"] = alpha * state.get("square_avg", 0.0) + (1 - alpha) * g * g
        if group["centered"]:
            a = state["grad_avg"] = alpha * state.get("grad_avg", 0.0) + (1 - alpha) * g
            v = abs(v - a * a)  # abs: rounding may leave a variance just below zero
        b = g / (v**0.5 + group["eps"])
        if momentum:
            b = state["momentum_buffer"] = momentum * state.get("momentum_buffer", 0.0) + b
        move(p, group["lr"] * b)


class Adagrad(Optimizer):
    """Each step divided by the size of all that parameter's gradients so far.

    J. Duchi, E. Hazan and Y. Singer, "Adaptive Subgradient Methods for Online Learning and
    Stochastic Optimization", 2011.

    >>> from types import SimpleNamespace
    >>> w = SimpleNamespace(data=1.0, grad=0.5)
    >>> optimizer = Adagrad([w], lr=0.1)
    >>> optimizer.step()
    >>> round(w.data, 6)
    0.9
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
    ) -> None:
        """Take the parameters and the settings; errors as in `Optimizer`."""
        super().__init__(
            params,
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )

    def update(self, p: Parameter, g: Any, state: State, group: Group) -> None:
        """Move p at its step t = 1, 2, …

        g ← g + weight_decay × p
        s ← s + g²
        p ← p − lr / (1 + (t − 1) × lr_decay) × g / (√s + eps)
        """
        if group["weight_decay"]:
            g = g + group["weight_decay"] * p.data
        t = state.get("step", 0) + 1
        s = state.get("sum", group["initial_accumulator_value"]) + g * g
        state.update(step=t, sum=s)
        lr = group["lr"] / (1 + (t - 1) * group["lr_decay"])
        move(p, lr * g / (s**0.5 + group["eps"]))


class Adam(Optimizer):
    """The running mean of the gradients, divided by their running size.

    D. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", 2014.

    >>> from types import SimpleNamespace
    >>> w = SimpleNamespace(data=1.0, grad=0.5)
    >>> optimizer = Adam([w], lr=0.1)
    >>> optimizer.step()
    >>> round(w.data, 6)
    0.9
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
    ) -> None:
        """Take the parameters and the settings; errors as in `Optimizer`."""
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def check(self, group: Group) -> None:
        """Raise TypeError or ValueError if a setting of this group makes no sense."""
        super().check(group)
        if not isinstance(group["betas"], (tuple, list)) or len(group["betas"]) != 2:
            raise TypeError(f"betas must be a pair of numbers, such as (0.9, 0.999); got {group['betas']!r}.")
        for i, beta in enumerate(group["betas"]):
            check_number(f"betas[{i}]", beta, *LIMITS["alpha"])

    def direction(self, g: Any, state: State, group: Group) -> Any:
        """Where to go at step t = 1, 2, …

        m ← β₁ × m + (1 − β₁) × g           m̂ = m / (1 − β₁ᵗ)         the mean, which started at 0
        v ← β₂ × v + (1 − β₂) × g²          v̂ = v / (1 − β₂ᵗ)         the size, which started at 0
        m̂ / (√v̂ + eps)
        """
        beta1, beta2 = group["betas"]
        t = state.get("step", 0) + 1
        m, v = state.get("exp_avg", 0.0), state.get("exp_avg_sq", 0.0)
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * g * g
        state.update(step=t, exp_avg=m, exp_avg_sq=v)
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        return m_hat / (v_hat**0.5 + group["eps"])

    def update(self, p: Parameter, g: Any, state: State, group: Group) -> None:
        """Move p: p ← p − lr × m̂ / (√v̂ + eps), the decay being part of the gradient."""
        if group["weight_decay"]:
            g = g + group["weight_decay"] * p.data
        move(p, group["lr"] * self.direction(g, state, group))


class AdamW(Adam):
    """Adam, with the weight decay beside the gradient and not inside it.

    I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization", 2017.

    >>> from types import SimpleNamespace
    >>> w = SimpleNamespace(data=1.0, grad=0.5)
    >>> optimizer = AdamW([w], lr=0.1, weight_decay=0.5)
    >>> optimizer.step()
    >>> round(w.data, 6)
    0.85
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        """Take the parameters and the settings; errors as in `Optimizer`."""
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def update(self, p: Parameter, g: Any, state: State, group: Group) -> None:
        """Move p: p ← p − lr × (m̂ / (√v̂ + eps) + weight_decay × p)."""
        move(p, group["lr"] * (self.direction(g, state, group) + group["weight_decay"] * p.data))


# Their arithmetic is the same for each number of an array, whatever the others are (a class of yours may look at all of
# one), and so long that asking NumPy once for several small arrays pays; for the other optimisers it doesn't.
TOGETHER = (Adam, AdamW)


def move(p: Any, step: Any) -> None:
    """p.data −= step, a new float or array; a Tensor does it by `descend`, without the copy that its .data may be."""
    if hasattr(p, "descend"):
        p.descend(step)
    else:
        p.data -= step


# ---- checks, shared with schedules and clipping ----

# What a setting must stay below, and why (all start at 0).
LIMITS: dict[str, tuple[float, str]] = {
    "lr": (math.inf, "a negative rate climbs the loss; try 0.1 or 0.001"),
    "momentum": (math.inf, "it is the share of the last step that is kept; try 0.9"),
    "dampening": (math.inf, "it is the share of the gradient that is held back; try 0"),
    "weight_decay": (math.inf, "a negative decay makes the weights grow; try 0.01"),
    "alpha": (1, "it is the share of a running average that is kept; try 0.9 or 0.99"),
    "eps": (math.inf, "it keeps a division away from zero; try 1e-8"),
    "lr_decay": (math.inf, "a negative decay makes the steps grow; try 0"),
    "initial_accumulator_value": (math.inf, "it is a sum of squares; try 0"),
}


def check_number(name: str, value: Any, below: float, why: str) -> None:
    """Raise TypeError if a setting is no number, ValueError if not 0 ≤ value < below."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, got {value!r} ({type(value).__name__}).")
    try:
        number = float(value)
    except OverflowError:  # 10**400
        number = math.inf
    if not 0 <= number < below:  # nan is refused too
        limit = "finite" if below == math.inf else f"below {below}"
        raise ValueError(f"{name} must be 0 or more and {limit}, got {value!r}: {why}.")


def is_trainable(p: Any) -> bool:
    """Whether p has what a parameter needs."""
    return hasattr(p, "data") and hasattr(p, "grad")


def parameter_list(params: Any, caller: str) -> list[Any]:
    """`params` as a list; raises TypeError if they aren't parameters."""
    if hasattr(params, "parameters"):
        raise TypeError(f"{caller} got a whole {type(params).__name__}: pass its parameters, model.parameters().")
    if is_trainable(params):
        raise TypeError(f"{caller} got a single parameter: pass a list, [p].")
    if not isinstance(params, Iterable):
        raise TypeError(f"{caller} needs a list of parameters, got {params!r}: pass model.parameters() or [w, b].")
    params = list(params)
    for i, p in enumerate(params):
        if not is_trainable(p):
            raise TypeError(
                f"{caller}: parameter {i} is a {type(p).__name__} without .data and .grad, so it can't be "
                "trained. Pass model.parameters(), or Values and Tensors."
            )
    return params


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(getattr(x, "shape", ()))


def _plural(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _sizes(sizes: list[int]) -> str:
    return f"{_plural(len(sizes), 'group')} of {', '.join(map(str, sizes))} parameters"


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
