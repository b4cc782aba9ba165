"""Choices: losses, optimisers and metrics, found by name or taken as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from .. import nn, optim
from .metrics import accuracy

LOSSES: dict[str, Callable] = {
    "mse": nn.mse_loss,
    "l1": nn.l1_loss,
    "huber": nn.huber_loss,
    "hinge": nn.hinge_loss,
    "bce": nn.binary_cross_entropy,
    "bce_with_logits": nn.binary_cross_entropy_with_logits,
    "cross_entropy": nn.cross_entropy,
    "nll": nn.nll_loss,
}
OF_CLASSES = (nn.cross_entropy, nn.nll_loss)  # the target is the number of a class
OF_LABELS = (nn.mse_loss, nn.l1_loss, nn.huber_loss, nn.binary_cross_entropy)  # the output is drawn to the label itself

OPTIMIZERS: dict[str, Callable] = {
    "sgd": partial(optim.SGD, lr=0.1),
    "rmsprop": optim.RMSprop,
    "adagrad": optim.Adagrad,
    "adam": optim.Adam,
    "adamw": optim.AdamW,
}


def loss_of(loss: Any) -> Callable:
    """The loss function. ValueError or TypeError, listing the names, where there is none."""
    if isinstance(loss, type):
        raise TypeError(f"loss is the class {loss.__name__}: make one of it, loss={loss.__name__}()")
    if hasattr(loss, "shape") or isinstance(loss, (list, tuple)):
        raise TypeError("loss is a function or a name; inputs and targets go in one tuple: fit(model, (X, y), loss=…)")
    return _chosen("loss", loss, LOSSES, "a function loss(output, target)")


def kind_of(loss: Callable) -> Callable:
    """The function behind a loss: nn.MSELoss() is mse_loss with settings."""
    return getattr(type(loss), "function", loss)


def optimizer_of(optimizer: Any, model: nn.Module) -> Any:
    """The optimiser. ValueError or TypeError where there is none, or none that trains this model."""
    if isinstance(optimizer, type):
        name = optimizer.__name__
        raise TypeError(f"optimizer is the class {name}: make one of it, optimizer={name}(model.parameters(), lr=0.1)")
    if not callable(getattr(optimizer, "step", None)):
        return _chosen("optimizer", optimizer, OPTIMIZERS, "an optimiser, optim.SGD(model.parameters(), lr=0.1)")(
            model.parameters()
        )
    moved = {id(p) for group in getattr(optimizer, "param_groups", []) for p in group["params"]}
    if moved and moved.isdisjoint(map(id, model.parameters())):
        raise ValueError(
            "the optimiser changes none of this model's parameters: make it from this very model, as in "
            "optim.SGD(model.parameters(), lr=0.1)"
        )
    return optimizer


def metrics_of(metrics: Any, loss: Callable) -> dict[str, Callable]:
    """Metrics by name. TypeError or ValueError for what is none, or a name that is taken."""
    if metrics is None:
        return {}
    if isinstance(metrics, str) or callable(metrics):
        metrics = [metrics]
    if not isinstance(metrics, (Mapping, list, tuple)):
        raise TypeError(f"metrics are names or functions, as in ['accuracy']; got {type(metrics).__name__}")
    if not isinstance(metrics, Mapping):
        metrics = {getattr(m, "__name__", m): m for m in metrics}
    taken = {"epoch", "loss", "lr", "val_loss", *(f"val_{name}" for name in metrics)}.intersection(metrics)
    if taken:
        raise ValueError(f"a metric can't be called {min(taken)!r}: the history has that already; choose another name")
    known: dict[str, Callable] = {
        "accuracy": partial(accuracy, boundary=None) if kind_of(loss) in OF_LABELS else accuracy
    }
    known["val_accuracy"] = known["accuracy"]
    return {str(name): _chosen("metric", m, known, "a function metric(output, target)") for name, m in metrics.items()}


def in_words(model: Any, optimizer: Any, loss: Callable, metrics: dict[str, Callable]) -> dict[str, str]:
    """What was chosen, to be compared when training is resumed."""
    function = kind_of(loss)
    precisions = sorted({str(p.dtype) for p in model.parameters() if hasattr(p, "dtype")})
    settings = ", ".join(f"{name}={value!r}" for name, value in getattr(optimizer, "defaults", {}).items())
    return {
        "model": " of ".join([type(model).__name__, *precisions]),
        "optimizer": f"{type(optimizer).__name__}({settings})",
        "loss": getattr(function, "__name__", type(function).__name__),
        "metrics": ", ".join(metrics) or "none",
    }


def _chosen(what: str, choice: Any, table: Mapping[str, Callable], else_: str) -> Callable:
    if isinstance(choice, str) and choice in table:
        return table[choice]
    if callable(choice):
        return choice
    problem = f"fit needs {'an' if what[0] in 'aeiou' else 'a'} {what}" if choice is None else f"no {what} {choice!r}"
    kind = ValueError if choice is None or isinstance(choice, str) else TypeError
    raise kind(f"{problem}: choose one of {', '.join(map(repr, table))}; or give {else_}")
