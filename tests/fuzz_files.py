"""Files that were damaged or forged, and a program that is killed while it saves.

    python -m tests.fuzz_files files --count 10000 --seed 0     mutated files: each loads, or is refused
    python -m tests.fuzz_files kills --count 200 --seed 0       a saving process, killed at random moments

The tests run both (`tests/test_files.py`). What is promised of a mutated file: it loads to something of the right kind,
or there is a CheckpointError, and then the model, the optimiser, the callbacks, the loaders and `random` are as they
were. A file of ours that was damaged loads only where the damage changes nothing that it says.
"""

import argparse
import json
import os
import random
import signal
import struct
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from micrograd_plus import data, nn, optim, training
from micrograd_plus.training import CheckpointError, files, load, save
from micrograd_plus.training.files import CHECKSUM, KEY

# ---- what is mutated ----

ODD = [None, True, False, -1, 0, 2**31, 2**63, 2**200, -(2**70), 10**400, 1e308, -0.5, float("nan"), float("inf"), "",
       "x", "__class__", "../../x", "\x1b[2J", "\ud800", [], {}, [[]], [1, 2], {"a": 1}, {"$tensor": "0.weight"},
       {"$tensor": "training.nothing"}, {"$tensor": []}, {"__reduce__": ["os.system", ["true"]]}]  # fmt: skip
DTYPES = [*files.DTYPES, "BF16", "F8_E4M3", "F4", "C64", "f8", "", "OBJECT", 3, None]


def parts_of(content):
    """A file as its header (a dict) and its numbers."""
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), content[end:]


def signed(header, numbers):
    """A file with this header, and with the right checksum if it has one: what a forger would write."""
    texts = header.get("__metadata__", {})
    if isinstance(texts, dict) and texts.pop(CHECKSUM, None) is not None:
        texts[CHECKSUM] = files._checksum(header, [numbers])
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + numbers


def places(tree, path=()):
    """All places in a tree of dicts and lists."""
    yield path
    items = tree.items() if isinstance(tree, dict) else enumerate(tree[:40]) if isinstance(tree, list) else ()
    for key, part in items:
        yield from places(part, (*path, key))


def odd_somewhere(rng, tree):
    """The tree with something odd at one place, without that place, or with that place twice as deep."""
    path = rng.choice([p for p in places(tree) if p])
    *way, last = path
    for key in way:
        tree = tree[key]
    how = rng.randrange(6)
    if how == 0 and isinstance(tree, dict):
        del tree[last]
    elif how == 1:
        tree[last] = [tree[last]]
    elif how == 2 and isinstance(tree, dict):
        tree[rng.choice(["__class__", "a\nb", "step", "state", "initial_lr", "0", "99"])] = rng.choice(ODD)
    elif how == 3 and isinstance(tree[last], (int, float)):
        tree[last] = type(tree[last])(rng.choice([-1, 0, 2, 1000]) * tree[last])
    else:
        tree[last] = rng.choice(ODD)


def damaged(rng, content, others):
    """A few bytes that are not what they were."""
    content = bytearray(content)
    how = rng.randrange(6)
    if how == 0:
        for _ in range(rng.choice([1, 1, 2, 8])):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif how == 1:
        del content[rng.randrange(len(content)) :]
    elif how == 2:
        place = rng.randrange(len(content) + 1)
        content[place:place] = rng.randbytes(rng.choice([1, 8, 40]))
    elif how == 3:
        place = rng.randrange(len(content))
        del content[place : place + rng.choice([1, 8, 40])]
    elif how == 4:
        content[:8] = struct.pack("<Q", rng.choice([0, 1, 7, len(content) - 8, len(content), 10**8, 2**60, 2**64 - 1]))
    else:
        other = rng.choice(others)
        content[rng.randrange(len(content)) :] = other[rng.randrange(len(other)) :]
    return bytes(content)


def forged_header(rng, content, others):
    """Another name, dtype, shape or place of a tensor, or another text."""
    header, numbers = parts_of(content)
    name = rng.choice([name for name in header if name != "__metadata__"])
    how = rng.randrange(5)
    if how == 0:
        header[name]["dtype"] = rng.choice(DTYPES)
    elif how == 1:
        header[name]["shape"] = rng.choice([[], [1], [-1], [2**40, 2**40], [0, 2**62], [10**30], [2, "3"], 3, None])
    elif how == 2:
        begin, end = header[name]["data_offsets"]
        header[name]["data_offsets"] = rng.choice([[end, begin], [begin, end + 8], [-8, 0], [0, 2**63], [0], None])
    elif how == 3:
        header[rng.choice(["__class__", "../../x", "a\x1b[2Jb", "", "training.x", "0.weight"])] = header.pop(name)
    else:
        odd_somewhere(rng, header)
    return signed(header, numbers)


def forged_tree(rng, content, others):
    """Something odd among what stands beside the numbers."""
    header, numbers = parts_of(content)
    texts = header.get("__metadata__", {})
    if KEY not in texts:
        return forged_header(rng, content, others)
    tree = json.loads(texts[KEY])
    for _ in range(rng.choice([1, 1, 2])):
        odd_somewhere(rng, tree)
    texts[KEY] = json.dumps(tree)
    if rng.random() < 0.05:
        texts[KEY] = rng.choice(["[" * 10**5, '{"a":' * 10**4, "1" * 10**4, "NaN", "", "null", '{"version": 2}'])
    return signed(header, numbers)


# ---- what it is loaded into ----


class Training:
    """A small training of everything that a file can hold: made anew, trained, gone on with."""

    def __init__(
        self, make=lambda: nn.Sequential(nn.Linear(2, 3, seed=0), nn.Tanh(), nn.Dropout(0.2), nn.Linear(3, 1))
    ):
        self.model = make()
        self.optimizer = optim.Adam(self.model.parameters(), lr=0.01)
        self.loader = data.DataLoader(*data.xor(), batch_size=2, seed=3)
        self.callbacks = [training.EarlyStopping("loss", patience=50),
                          training.Schedule(optim.StepLR(self.optimizer, 3)),
                          training.Schedule(optim.ReduceLROnPlateau(self.optimizer))]  # fmt: skip

    def fit(self, path, epochs):
        last = training.Checkpoint(path, resume=True)
        training.fit(
            self.model, self.loader, "mse", self.optimizer, epochs, progress=False, callbacks=[*self.callbacks, last]
        )

    def all(self):
        return [self.model, self.optimizer, self.loader, *self.callbacks]


def fingerprint(things):
    """All that they remember, to the last bit, and where `random` is."""
    return [repr(plain(thing.state_dict())) for thing in things], random.getstate()


def plain(tree):
    if isinstance(tree, dict):
        return {key: plain(part) for key, part in tree.items()}
    return (tree.dtype, tree.shape, tree.tobytes()) if hasattr(tree, "dtype") else tree


OF_PYTORCH = [("0.weight", "BF16", [3, 2], 12), ("0.bias", "F16", [3], 6), ("3.weight", "F32", [1, 3], 12),
              ("3.bias", "I64", [1], 8), ("steps", "I64", [], 8), ("yes", "BOOL", [2], 2)]  # fmt: skip


def seeds(folder):
    """Whole files: of Values, of Tensors, of a training, of PyTorch's making."""
    tensors, values = Training(), Training(lambda: nn.MLP(2, [2, 1], seed=0))
    found = {}
    for name, kept in (("tensors", tensors), ("values", values)):
        path = Path(folder, f"{name}.safetensors")
        kept.fit(path, 2)
        found[f"training of {name}"] = path.read_bytes()
        save(
            kept.model,
            path,
            optimizer=kept.optimizer,
            step=4,
            seed=0,
            history=training.History([{"epoch": 1}], [0.5], [1.0]),
        )
        found[name] = path.read_bytes()
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, dtype, shape, size in OF_PYTORCH:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    found["of PyTorch"] = signed(header, random.Random(0).randbytes(end))
    return found


def is_right(saved):
    """Whether all that was loaded is of the right kind."""
    numbers = all(
        isinstance(name, str) and name.isprintable()
        and (isinstance(n, (bool, int, float)) or (isinstance(n, np.ndarray) and n.dtype.kind in "fiub"))
        for name, n in saved.state.items()
    )  # fmt: skip
    history = saved.history is None or (repr(saved.history), saved.history.to_dict())
    return numbers and history and isinstance(saved.metadata, dict)


def fuzz(count, seed, resumed=0.15):
    """Mutate and load `count` files; returns how many were refused, loaded, gone on from. AssertionError: a fault."""
    rng, outcomes = random.Random(seed), Counter()
    with tempfile.TemporaryDirectory() as folder:
        whole = seeds(folder)
        path, contents = Path(folder, "mutated.safetensors"), list(whole.values())
        said = []  # by each of the whole files
        for content in contents:
            path.write_bytes(content)
            said.append(repr(load(path)))
        for number in range(count):
            name = rng.choice(list(whole))
            how = rng.choice([damaged, forged_header, forged_tree, forged_tree])
            content = how(rng, whole[name], contents)
            with path.open("r+b") as file:  # not made anew, which would take most of the time
                file.truncate(file.write(content))
            case = f"file {number} of seed {seed}: {how.__name__}, {name}"
            try:
                if name.startswith("training") and rng.random() < resumed:
                    outcomes[go_on(path, name)] += 1
                    continue
                saved = load_it(path, name)
                assert saved is None or is_right(saved), "it is of the wrong kind"
                if saved and how is damaged and name != "of PyTorch":
                    assert repr(saved) in said, "it was damaged, and nobody noticed"
            except BaseException as error:
                kept = Path(tempfile.gettempdir(), "mutated.safetensors")
                kept.write_bytes(content)
                raise AssertionError(f"{case}: {type(error).__name__}: {error}; it is kept as {kept}") from error
            outcomes["loaded" if saved else "refused"] += 1
    return outcomes


INTO = {}  # what files of each kind are loaded into, until one is


def load_it(path, name):
    """Load into a model and an optimiser; None where the file is refused, which leaves both as they were."""
    if name not in INTO:
        target = fresh(name)
        INTO[name] = target.model, target.optimizer
    model, optimizer = INTO[name]
    before = fingerprint(INTO[name])
    try:
        saved = load(path, model, optimizer=None if name == "of PyTorch" else optimizer)
    except CheckpointError as error:
        said = str(error)
    else:
        del INTO[name]
        return saved
    assert fingerprint(INTO[name]) == before, f"it was refused ({said}), and something was changed"
    assert said.replace("\n", "").isprintable(), f"this could move a terminal's cursor: {said!r}"
    assert len(said) < 3000, "its message is too long"
    return None


def fresh(name):
    return Training(lambda: nn.MLP(2, [2, 1], seed=5)) if name.endswith("values") else Training()


def go_on(path, name):
    """Go on training from the file, in fit: "refused", which leaves everything as it was, or "gone on"."""
    target = fresh(name)
    before = fingerprint(target.all())
    try:
        target.fit(path, 3)
    except CheckpointError:
        assert fingerprint(target.all()) == before, "it was refused, and something was changed"
        return "refused to go on"
    except ArithmeticError:  # a rate of 1e308 and an eps of 0 are of the right kind: training itself says the rest
        return "gone on, and diverged"
    return "gone on"


# ---- a program that is killed ----


def save_until_killed(path, number, saves=10**9):
    """Save again and again; every number in a file says which save it was."""
    for n in range(number + 1, number + 1 + saves):
        weights = {f"w{i}": np.full(20_000, float(n)) for i in range(5)}
        save({**weights, "b": float(n)}, path, step=n, seed=n, history=training.History([], [float(n)]))


def kills(count, seed):
    """Kill a saving process `count` times; returns how many saves were made, and how many were cut short."""
    chance, number = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.safetensors")
        began = time.perf_counter()
        save_until_killed(path, 0, saves=3)
        three = time.perf_counter() - began
        for _ in range(count):
            child = os.fork()
            if child == 0:
                save_until_killed(path, number)
            time.sleep(chance.random() * three)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            saved = load(path)  # whole, old or new
            found = {saved.step, saved.seed, *saved.history.steps, saved.state["b"]}
            found |= {x for i in range(5) for x in (*saved.state[f"w{i}"][[0, -1]], saved.state[f"w{i}"].mean())}
            assert len(found) == 1, f"parts of different saves: {sorted(found)}"
            assert saved.step >= number, f"save {saved.step} came back after save {number}"
            number = saved.step
        left = [file for file in Path(folder).iterdir() if file != path]
        for file in left:
            os.utime(file, (0, 0))  # long ago
        save({}, path)
        assert [file.name for file in Path(folder).iterdir()] == [path.name], "what killed writers left is still there"
    return number, len(left)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["files", "kills"])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    warnings.simplefilter("error")
    if asked.what == "files":
        print(f"{asked.count} mutated files, seed {asked.seed}:", dict(fuzz(asked.count, asked.seed)))
    else:
        made, cut_short = kills(asked.count, asked.seed)
        print(
            f"killed {asked.count} times in {made} saves, {cut_short} of them cut short; the file was whole each time"
        )
