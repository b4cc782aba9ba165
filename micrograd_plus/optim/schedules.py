"""Schedules: the learning rate of an optimiser, changing as training goes on.

A schedule is a formula, `rate(t, base)`: the rate after t steps of a group that began with the rate
`base`. Call `schedule.step()` after `optimizer.step()` (or after each epoch, if t is to count epochs).
An optimiser has one schedule at a time; `SequentialLR` puts several one after another.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

from .optimizers import LIMITS, Optimizer, check_number


class _Schedule:
    """What all schedules share: an optimiser whose rates they set, and a state to save."""

    _remembers: tuple[str, ...] = ("last_epoch",)

    def __init__(self, optimizer: Optimizer) -> None:
        if not hasattr(optimizer, "param_groups"):
            raise TypeError(
                f"{self._name} changes the learning rate of an optimiser, got a {type(optimizer).__name__}. "
                "Pass the optimiser first."
            )
        self.optimizer = optimizer
        self.last_epoch = 0

    def get_last_lr(self) -> list[float]:
        """Return the rate that each parameter group has now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return where this schedule is; its settings are yours to give again."""
        return {name: getattr(self, name) for name in self._remembers}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a `state_dict()`. Raises ValueError if it is not of this kind of schedule."""
        if not isinstance(state_dict, dict):
            raise TypeError(f"{self._name} loads what state_dict() returned, a dict; got {type(state_dict).__name__}.")
        missing = [name for name in self._remembers if name not in state_dict]
        if missing:
            raise ValueError(
                f"{self._name} expected the keys {', '.join(self._remembers)}, got {list(state_dict)}. "
                "Load it into the kind of schedule that saved it."
            )
        for name in self._remembers:
            if name != "best":
                _steps(name, state_dict[name], least=0)
            elif not isinstance(state_dict[name], Real):
                raise TypeError(f"best must be a number, got {state_dict[name]!r}.")
        for name in self._remembers:
            setattr(self, name, state_dict[name])

    @property
    def _name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        return f"{self._name}(step {self.last_epoch}, lr={', '.join(f'{lr:g}' for lr in self.get_last_lr())})"


class LRScheduler(_Schedule):
    """A schedule with a formula. Yours needs one method: `rate(t, base)`.

    >>> from types import SimpleNamespace
    >>> from micrograd_plus.optim import SGD
    >>> class InverseSqrtLR(LRScheduler):
    ...     def rate(self, t, base):
    ...         return base / (1 + t) ** 0.5
    >>> optimizer = SGD([SimpleNamespace(data=1.0, grad=0.5)], lr=1.0)
    >>> schedule = InverseSqrtLR(optimizer)
    >>> for _ in range(3):
    ...     schedule.step()
    >>> schedule
    InverseSqrtLR(step 3, lr=0.5)
    """

    def __init__(self, optimizer: Optimizer) -> None:
        """Set the rates of step 0; raises TypeError if this is no optimiser."""
        super().__init__(optimizer)
        self._go_to(0)

    def rate(self, t: int, base: float) -> float:
        """Return the rate after t steps. Each schedule writes its own."""
        raise NotImplementedError(f"{self._name} needs a method rate(self, t, base).")

    def step(self) -> None:
        """Go on to the next rate. Raises TypeError or ValueError if that isn't a number, 0 or more."""
        self._go_to(self.last_epoch + 1)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a `state_dict()`. Raises ValueError if it is not of this kind of schedule."""
        before = self.state_dict()
        super().load_state_dict(state_dict)
        try:
            self._go_to(self.last_epoch)
        except Exception:
            super().load_state_dict(before)
            raise

    def _go_to(self, t: int) -> None:
        groups = self.optimizer.param_groups
        rates = [self.rate(t, group["initial_lr"] if "initial_lr" in group else group["lr"]) for group in groups]
        for lr in rates:
            check_number("lr", lr, *LIMITS["lr"])
        self.last_epoch = t
        for group, lr in zip(groups, rates, strict=True):
            group.setdefault("initial_lr", group["lr"])
            group["lr"] = lr


class StepLR(LRScheduler):
    """The rate falls by the factor gamma after every step_size steps.

    >>> from types import SimpleNamespace
    >>> from micrograd_plus.optim import SGD
    >>> schedule = StepLR(SGD([SimpleNamespace(data=1.0, grad=0.5)], lr=1.0), step_size=2, gamma=0.5)
    >>> [schedule.rate(t, base=1.0) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        """Store the settings; raises TypeError or ValueError if they make no sense."""
        self.step_size = _steps("step_size", step_size)
        self.gamma = _number("gamma", gamma)
        super().__init__(optimizer)

    def rate(self, t: int, base: float) -> float:
        """Return base × gamma to the power ⌊t / step_size⌋."""
        return base * self.gamma ** (t // self.step_size)


class ExponentialLR(LRScheduler):
    """The rate falls by the factor gamma at every step.

    >>> from types import SimpleNamespace
    >>> from micrograd_plus.optim import SGD
    >>> schedule = ExponentialLR(SGD([SimpleNamespace(data=1.0, grad=0.5)], lr=1.0), gamma=0.5)
    >>> [schedule.rate(t, base=1.0) for t in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        """Store the settings; raises TypeError or ValueError if they make no sense."""
        self.gamma = _number("gamma", gamma)
        super().__init__(optimizer)

    def rate(self, t: int, base: float) -> float:
        """Return base × gammaᵗ."""
        return base * self.gamma**t


class LambdaLR(LRScheduler):
    """The rate is multiplied by a function of yours.

    >>> from types import SimpleNamespace
    >>> from micrograd_plus.optim import SGD
    >>> schedule = LambdaLR(SGD([SimpleNamespace(data=1.0, grad=0.5)], lr=1.0), lambda t: 1 / (1 + t))
    >>> [schedule.rate(t, base=1.0) for t in (0, 1, 3)]
    [1.0, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float]) -> None:
        """Store the function; raises TypeError if it isn't one."""
        if not callable(lr_lambda):
            raise TypeError(f"LambdaLR needs a function of the step number, got {lr_lambda!r}.")
        self.lr_lambda = lr_lambda
        super().__init__(optimizer)

    def rate(self, t: int, base: float) -> float:
        """Return base × lr_lambda(t)."""
        return base * self.lr_lambda(t)


class LinearLR(LRScheduler):
    """The rate goes straight from start_factor to end_factor × base in total_iters steps: a warm-up.

    P. Goyal and others, "Accurate, Large Minibatch SGD", 2017, on why to warm up.

    >>> from types import SimpleNamespace
    >>> from micrograd_plus.optim import SGD
    >>> optimizer = SGD([SimpleNamespace(data=1.0, grad=0.5)], lr=1.0)
    >>> schedule = LinearLR(optimizer, start_factor=0.25, total_iters=3)
    >>> [schedule.rate(t, base=1.0) for t in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        """Store the settings; raises TypeError or ValueError if they make no sense."""
        self.start_factor = _number("start_factor", start_factor)
        self.end_factor = _number("end_factor", end_factor)
        self.total_iters = _steps("total_iters", total_iters)
        super().__init__(optimizer)

    def rate(self, t: int, base: float) -> float:
        """Return base × (start_factor + (end_factor − start_factor) × min(t / total_iters, 1))."""
        done = min(t / self.total_iters, 1.0)
        return base * (self.start_factor + (self.end_factor - self.start_factor) * done)


class CosineAnnealingLR(LRScheduler):
    """The rate follows half a cosine from base down to eta_min, in T_max steps (then up again).

    I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2016.

    >>> from types import SimpleNamespace
    >>> from micrograd_plus.optim import SGD
    >>> schedule = CosineAnnealingLR(SGD([SimpleNamespace(data=1.0, grad=0.5)], lr=1.0), T_max=4)
    >>> [round(schedule.rate(t, base=1.0), 3) for t in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        """Store the settings; raises TypeError or ValueError if they make no sense."""
        self.T_max = _steps("T_max", T_max)
        self.eta_min = _number("eta_min", eta_min)
        super().__init__(optimizer)

    def rate(self, t: int, base: float) -> float:
        """Return eta_min + (base − eta_min) × (1 + cos(π × t / T_max)) / 2."""
        return _cosine(base, self.eta_min, t / self.T_max)


class OneCycleLR(LRScheduler):
    """The rate climbs to max_lr, then falls to almost nothing, each along half a cosine.

    L. Smith and N. Topin, "Super-Convergence", 2017. Momentum stays as it is, as in PyTorch with
    cycle_momentum=False; the optimiser's own rate is not used.

    >>> from types import SimpleNamespace
    >>> from micrograd_plus.optim import SGD
    >>> optimizer = SGD([SimpleNamespace(data=1.0, grad=0.5)], lr=1.0)
    >>> schedule = OneCycleLR(optimizer, max_lr=1.0, total_steps=10, pct_start=0.3)
    >>> [round(schedule.rate(t, base=1.0), 2) for t in range(10)]
    [0.04, 0.52, 1.0, 0.95, 0.81, 0.61, 0.39, 0.19, 0.05, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float,
        total_steps: int,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        """Store the settings; raises TypeError or ValueError if they make no sense."""
        check_number("max_lr", max_lr, *LIMITS["lr"])
        self.max_lr = max_lr
        self.total_steps = _steps("total_steps", total_steps)
        self.pct_start = _number("pct_start", pct_start, "it is a share of the steps; try 0.3")
        if pct_start > 1:
            raise ValueError(f"pct_start is a share of the steps, at most 1; got {pct_start!r}.")
        self.initial_lr = max_lr / _divisor("div_factor", div_factor)
        self.min_lr = self.initial_lr / _divisor("final_div_factor", final_div_factor)
        super().__init__(optimizer)

    def rate(self, t: int, base: float) -> float:
        """Return the rate: up in the first pct_start of the steps, down in the rest.

        Raises ValueError beyond total_steps.
        """
        if t > self.total_steps:
            raise ValueError(
                f"OneCycleLR was made for {self.total_steps} steps, and this is step {t}. "
                "Set total_steps to epochs × batches in an epoch."
            )
        top = self.pct_start * self.total_steps - 1
        end = self.total_steps - 1
        if t < top:
            return _cosine(self.initial_lr, self.max_lr, t / top)
        if t >= end:
            return self.min_lr
        return _cosine(self.max_lr, self.min_lr, (t - top) / (end - top))


class SequentialLR(LRScheduler):
    """One schedule after another: the next one takes over at each milestone, counting from 0 again.

    >>> from types import SimpleNamespace
    >>> from micrograd_plus.optim import SGD
    >>> optimizer = SGD([SimpleNamespace(data=1.0, grad=0.5)], lr=1.0)
    >>> warm_up = LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> decay = ExponentialLR(optimizer, gamma=0.5)
    >>> schedule = SequentialLR(optimizer, [warm_up, decay], milestones=[2])
    >>> [schedule.rate(t, base=1.0) for t in range(5)]
    [0.5, 0.75, 1.0, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]) -> None:
        """Store the schedules; raises TypeError or ValueError if they don't fit together."""
        for name, given in (("schedulers", schedulers), ("milestones", milestones)):
            if not isinstance(given, (list, tuple)):
                raise TypeError(f"SequentialLR: {name} must be a list, got {type(given).__name__}.")
        for schedule in schedulers:
            if not isinstance(schedule, LRScheduler) or schedule.optimizer is not optimizer:
                raise TypeError(
                    f"SequentialLR needs schedules with a formula, of this very optimiser; got {schedule!r}."
                )
        if not all(isinstance(step, int) for step in milestones):
            raise TypeError(f"SequentialLR: milestones are whole numbers, steps; got {milestones!r}.")
        if len(milestones) != len(schedulers) - 1 or list(milestones) != sorted(set(milestones)):
            raise ValueError(
                f"SequentialLR: {len(schedulers)} schedules need {len(schedulers) - 1} milestones that rise, "
                f"the steps where the next schedule takes over; got {list(milestones)}."
            )
        self.schedulers = list(schedulers)
        self.milestones = list(milestones)
        super().__init__(optimizer)

    def rate(self, t: int, base: float) -> float:
        """Return the rate of the schedule whose turn it is."""
        turn = bisect_right(self.milestones, t)
        start = self.milestones[turn - 1] if turn else 0
        return self.schedulers[turn].rate(t - start, base)


class ReduceLROnPlateau(_Schedule):
    """The rate falls by a factor when a loss (or a score) hasn't improved for more than `patience` steps.

    "Improved" is by at least threshold: relative to the best so far ("rel") or absolute ("abs").
    It answers to what happens, so it has no formula: `step(metrics)` takes the number to watch.

    >>> from types import SimpleNamespace
    >>> from micrograd_plus.optim import SGD
    >>> optimizer = SGD([SimpleNamespace(data=1.0, grad=0.5)], lr=1.0)
    >>> schedule = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     schedule.step(loss)
    >>> schedule
    ReduceLROnPlateau(step 4, lr=0.5)
    """

    _remembers = ("last_epoch", "best", "num_bad_epochs", "cooldown_counter")

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0,
        eps: float = 1e-8,
    ) -> None:
        """Store the settings; raises TypeError or ValueError if they make no sense."""
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' (for a loss) or 'max' (for a score), got {mode!r}.")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold_mode must be 'rel' or 'abs', got {threshold_mode!r}.")
        check_number("factor", factor, 1, "the rate is multiplied by it and must fall; try 0.1")
        super().__init__(optimizer)
        self.mode = mode
        self.factor = factor
        self.patience = _steps("patience", patience, least=0)
        self.threshold = _number("threshold", threshold, "it is how much better counts as better; try 1e-4")
        self.threshold_mode = threshold_mode
        self.cooldown = _steps("cooldown", cooldown, least=0)
        self.min_lr = _number("min_lr", min_lr)
        self.eps = _number("eps", eps, "it is the smallest change of the rate worth making; try 1e-8")
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0

    def step(self, metrics: float) -> None:
        """Look at the latest loss or score, and lower the rate if it's time."""
        if isinstance(metrics, (str, bytes)) or not hasattr(metrics, "__float__"):
            raise TypeError(f"{self._name}.step takes the latest loss or score, got {type(metrics).__name__}.")
        metrics = float(metrics)
        self.last_epoch += 1
        if self._improves(metrics):
            self.best = metrics
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.num_bad_epochs = 0
            self.cooldown_counter = self.cooldown
            self._reduce()

    def _improves(self, metrics: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            bar = self.best * (1 + sign * self.threshold)
        else:
            bar = self.best + sign * self.threshold
        return sign * metrics > sign * bar

    def _reduce(self) -> None:
        for group in self.optimizer.param_groups:
            lr = max(group["lr"] * self.factor, self.min_lr)
            if group["lr"] - lr > self.eps:
                group["lr"] = lr


def _cosine(start: float, end: float, done: float) -> float:
    """From start (done = 0) to end (done = 1) along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2


def _steps(name: str, value: Any, least: int = 1) -> int:
    if not isinstance(value, Integral):
        raise TypeError(f"{name} counts steps, so it must be a whole number; got {value!r}.")
    if int(value) < least:
        raise ValueError(f"{name} counts steps, so it must be {least} or more; got {value!r}.")
    return int(value)


def _number(name: str, value: float, why: str = "a learning rate can't be negative") -> float:
    check_number(name, value, math.inf, why)
    return value


def _divisor(name: str, value: float) -> float:
    if _number(name, value) == 0:
        raise ValueError(f"{name} divides the learning rate, so it can't be 0; try 25.")
    return value
