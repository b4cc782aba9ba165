"""From a data set to what a training loop eats: split it, put it on one scale, hand it out in batches.

Data is an array or a list with one entry a sample. Arrays come back as arrays and lists as lists, so that a
net of scalars trains without NumPy. X may also be a tuple of arrays, several inputs a sample, as for a model that is
called with features and lengths: it is taken apart alike, and comes back as a tuple of arrays.
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from .arguments import as_random_state, generator, got, real, switch, whole


def train_test_split(
    X: Any, y: Any, test_size: float = 0.25, seed: int | None = 0, stratify: bool = False
) -> tuple[Any, Any, Any, Any]:
    """Shuffle, then keep the share `test_size` for testing: returns X_train, X_test, y_train, y_test.

    `stratify=True` gives each class in `y` the same share of both parts, as nearly as whole samples can.
    Raises ValueError for a share outside 0 to 1, or one that would leave a part empty.

    >>> X_train, X_test, y_train, y_test = train_test_split([[1], [2], [3], [4]], [1, 2, 3, 4])
    >>> len(X_train), len(X_test)
    (3, 1)
    """
    n = _samples(X, y)
    share = real("test_size", test_size, 0.25, "a share between 0 and 1, both excluded", lambda v: 0 < v < 1)
    n_test = round(share * n)
    if n_test in (0, n):
        part = "test" if n_test == 0 else "training"
        raise ValueError(f"test_size={share} of {n} samples leaves the {part} part empty; change it or add samples")
    if not isinstance(stratify, bool):
        raise TypeError(f"stratify must be True or False (the classes are those in y), {got(stratify)}")
    order = _order(n, generator(seed))
    if stratify:
        order = _interleaved(order, _labels(y, "stratify=True", "stratify=False"))
    test, train = order[:n_test], order[n_test:]
    return _take_inputs(X, train), _take_inputs(X, test), _take(y, train), _take(y, test)


def split_each_class(X: Any, y: Any, n_train: int, seed: int | None = 0) -> tuple[Any, Any, Any, Any]:
    """Keep `n_train` samples of each class in `y` for training, the others for testing, both shuffled.

    Returns X_train, X_test, y_train, y_test. Raises ValueError where a class has no sample left for the test.

    >>> split_each_class([10, 11, 12, 20, 21], ["a", "a", "a", "b", "b"], n_train=1, seed=1)
    ([11, 21], [10, 20, 12], ['a', 'b'], ['a', 'b', 'a'])
    """
    n, n_train = _samples(X, y), whole("n_train", n_train, example=5)
    labels = _labels(y, "split_each_class", "train_test_split")
    label, size = min(Counter(labels).items(), key=lambda item: item[1])
    if size <= n_train:
        raise ValueError(
            f"n_train={n_train} leaves no sample of class {label!r} for the test, of which there are {size}"
        )
    seen = Counter[Any]()
    train: list[int] = []
    test: list[int] = []
    for i in _order(n, generator(seed)):
        (train if seen[labels[i]] < n_train else test).append(i)
        seen[labels[i]] += 1
    return _take_inputs(X, train), _take_inputs(X, test), _take(y, train), _take(y, test)


def standardize(train: Any, *others: Any) -> Any:
    """Shift and scale each column to mean 0 and standard deviation 1, as measured on `train` alone.

    Returns one array for each that was given (not in a tuple, if it was one). The others are measured by
    `train` as well: a test set must not tell the model anything. A column that is constant in `train` is only
    shifted. float32 stays float32; other numbers become float64. Raises ValueError if columns differ, or a
    number in `train` isn't finite.

    >>> import numpy as np
    >>> train, test = standardize(np.array([[1.0, 7.0], [3.0, 7.0]]), np.array([[5.0, 8.0]]))
    >>> train, test
    (array([[-1.,  0.], [ 1.,  0.]]), array([[3., 1.]]))
    """
    import numpy as np

    try:
        arrays = [np.asarray(data) for data in (train, *others)]
    except ValueError:
        raise ValueError("standardize needs rows of one length, and these lists differ in theirs") from None
    for array in arrays:
        if array.dtype.kind not in "fiub":
            raise TypeError(f"standardize needs arrays of real numbers, got dtype {array.dtype}")
        if array.ndim == 0 or array.shape[1:] != arrays[0].shape[1:]:
            raise ValueError(
                f"standardize needs rows of samples with the same columns, got shapes {arrays[0].shape} "
                f"and {array.shape}"
            )
    first = arrays[0]
    if first.size == 0 or not np.isfinite(first).all():
        raise ValueError(
            f"standardize can't measure train, of shape {first.shape}: it is empty or holds nan or inf; "
            "clean it first, for example train[np.isfinite(train).all(axis=1)]"
        )
    constant = first.min(axis=0) == first.max(axis=0)  # said exactly: its std may come out as 1e-17, not 0
    mean = np.where(constant, first[0], first.mean(axis=0, dtype=float))
    scale = np.where(constant, 1.0, first.std(axis=0, dtype=float))
    scaled = [((a - mean) / scale).astype(a.dtype if a.dtype.kind == "f" else float) for a in arrays]
    return tuple(scaled) if others else scaled[0]


class DataLoader:
    """Hands out `(X, y)`, or X alone, in batches: loop over it once an epoch, each time in a new order.

    The last batch is shorter where `batch_size` doesn't divide the samples, or left out if `drop_last`. The
    same `seed` gives the same sequence of epochs; without one the order comes from Python's `random`, so that
    `random.seed(0)` repeats it.

    With a tuple of arrays as X, the X of each batch is a tuple of arrays.

    >>> loader = DataLoader([[1], [2], [3]], [1, 2, 3], batch_size=2, shuffle=False)
    >>> len(loader), list(loader)
    (2, [([[1], [2]], [1, 2]), ([[3]], [3])])
    """

    def __init__(
        self,
        X: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        drop_last: bool = False,
    ):
        """Keep the data and how to hand it out; raises ValueError or TypeError where that can't be done."""
        n = self._n = _samples(X) if y is None else _samples(X, y)
        self.X, self.y = X, y
        self.batch_size = whole("batch_size", batch_size, example=32)
        self.shuffle, self.drop_last = switch("shuffle", shuffle), switch("drop_last", drop_last)
        self._rng = None if seed is None else generator(seed)
        if drop_last and n < self.batch_size:
            raise ValueError(
                f"drop_last=True leaves no batch: {n} samples are fewer than batch_size={batch_size}; "
                "take a smaller batch_size or drop_last=False"
            )

    def __len__(self) -> int:
        """How many batches an epoch has."""
        full, rest = divmod(self._n, self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def state_dict(self) -> dict[str, Any]:
        """Between two epochs: which orders come next, as plain data. Nothing without a seed: `random` decides then.

        >>> loader = DataLoader(list("abcdef"), batch_size=6, seed=0)
        >>> state = loader.state_dict()
        >>> epoch = list(loader)
        >>> loader.load_state_dict(state)
        >>> list(loader) == epoch
        True
        """
        return {"random": self._rng and self._rng.getstate()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict()`. Raises ValueError where one of the two loaders has a seed, the other none."""
        kept = state["random"]
        if (self._rng is None) != (kept is None):
            here, there = ("no seed", "one") if self._rng is None else ("a seed", "none")
            raise ValueError(f"this DataLoader has {here}, but the state is of one that had {there}: make it alike")
        if self._rng is not None:
            self._rng.setstate(as_random_state(kept))

    def __iter__(self) -> Iterator[Any]:
        """One epoch."""
        n = self._n
        order = _order(n, self._rng or generator(None)) if self.shuffle else list(range(n))
        for i in range(len(self)):
            rows = order[i * self.batch_size : (i + 1) * self.batch_size]
            X = _take_inputs(self.X, rows)
            yield X if self.y is None else (X, _take(self.y, rows))


def batches(
    X: Any,
    y: Any = None,
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int | None = None,
    drop_last: bool = False,
) -> Iterator[Any]:
    """One pass over the data in batches, `(X, y)` or X alone: the first epoch of a `DataLoader`.

    >>> for batch in batches([1, 2, 3, 4, 5], batch_size=2, shuffle=False): print(batch)
    [1, 2]
    [3, 4]
    [5]
    """
    return iter(DataLoader(X, y, batch_size, shuffle, seed, drop_last))


def are_inputs(X: Any) -> bool:
    """Whether X is a tuple of arrays: several inputs a sample. A tuple of anything else is samples, as a list is."""
    return isinstance(X, tuple) and bool(X) and all(getattr(part, "shape", ()) != () for part in X)


def _samples(X: Any, *y: Any) -> int:
    """How many samples there are, having made sure that X and y, if given, can be taken apart and belong together."""
    inputs = X if are_inputs(X) else (X,)
    for name, data in [*(("X", part) for part in inputs), *(("y", labels) for labels in y)]:
        if hasattr(data, "iloc"):
            raise TypeError(f"{name} is a pandas {type(data).__name__}: give its array, {name}.to_numpy()")
        many = hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, Mapping)
        if not many or getattr(data, "shape", None) == ():
            raise TypeError(f"{name} must be an array or a list with one entry a sample, {got(data)}")
    sizes = [len(part) for part in inputs]
    if len(set(sizes)) > 1:
        raise ValueError(
            f"X is a tuple of arrays, several inputs a sample, but they hold {', '.join(map(str, sizes))} samples: "
            "give as many of each, or a list where each array is a sample"
        )
    if y and len(y[0]) != sizes[0]:
        raise ValueError(f"X and y must have one entry each a sample, got {sizes[0]} in X and {len(y[0])} in y")
    if sizes[0] == 0:
        raise ValueError("X is empty: there must be at least one sample")
    return sizes[0]


def _labels(y: Any, what: str, instead: str) -> list:
    """The class of each sample, as a list."""
    labels = y.tolist() if hasattr(y, "tolist") else list(y)
    if any(isinstance(label, list | tuple) for label in labels):
        raise ValueError(f"{what} needs one label a sample, {got(y)}; flatten y, or {instead}")
    return labels


def _order(n: int, rng: random.Random) -> list[int]:
    """The numbers 0 … n-1 in random order."""
    return rng.sample(range(n), n)


def _interleaved(order: list[int], labels: list) -> list[int]:
    """The same samples, with each class spread evenly: any stretch from the front holds its share of each."""
    size, seen, place = Counter(labels), Counter[Any](), {}
    rare = [label for label, count in size.items() if count == 1]
    if rare:
        raise ValueError(
            f"stratify=True can't put a class with a single sample in both parts: class {rare[0]!r}; "
            "add samples of it, or stratify=False"
        )
    for i in order:
        place[i] = (seen[labels[i]] + 0.5) / size[labels[i]]  # from 0 to 1: how far into its class it stands
        seen[labels[i]] += 1
    return sorted(order, key=place.__getitem__)


def _take(data: Any, rows: list[int]) -> Any:
    """The samples at `rows`: an array of an array, a list of anything else."""
    return data[rows] if hasattr(data, "shape") else [data[i] for i in rows]


def _take_inputs(X: Any, rows: list[int]) -> Any:
    """The same of X, which may be a tuple of arrays: it stays one."""
    return tuple(_take(part, rows) for part in X) if are_inputs(X) else _take(X, rows)
