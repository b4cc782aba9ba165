"""training: files of numbers. What is kept, what is refused, and that nothing is lost or run on the way."""

import errno
import io
import json
import os
import pickle
import stat
import struct
import subprocess
import sys
import textwrap
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from micrograd_plus import Tensor, Value, data, nn, optim, training
from micrograd_plus.training import Checkpoint, CheckpointError, History, files, load, save
from micrograd_plus.training.files import KEY
from tests.fuzz_files import fingerprint, fuzz, parts_of, signed

linux = pytest.mark.skipif(sys.platform != "linux", reason="made of Linux's own calls")


def scalar_model(seed=1):
    return nn.MLP(2, [4, 1], activation="tanh", seed=seed)


def tensor_model(seed=1, **options):
    return scalar_model(seed).to_sequential(**options)


def trained(model):
    """The model after two steps, its optimiser and its history."""
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    return model, optimizer, training.fit(model, data.xor(), "mse", optimizer, 2, seed=0, progress=False)


def same(a, b):
    return repr(a) == repr(b)


def in_a_process(code, *arguments):
    command = [sys.executable, "-c", textwrap.dedent(code), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


BOTH = pytest.mark.parametrize("make", [scalar_model, tensor_model])


# ---- what is kept ----


@BOTH
def test_all_of_it_comes_back(make, tmp_path):
    model, optimizer, history = trained(make())
    save(model, tmp_path / "a/b/m.safetensors", optimizer=optimizer, step=8, seed=np.int64(-3), history=history)
    other = make(seed=2)
    again = optim.Adam(other.parameters(), lr=0.5)
    saved = load(str(tmp_path / "a/b/m.safetensors"), other, optimizer=again)
    assert fingerprint([other, again]) == fingerprint([model, optimizer])
    assert same(saved.state, model.state_dict())
    assert same(saved.optimizer, optimizer.state_dict())
    assert (saved.step, saved.seed, saved.metadata, saved.training) == (8, -3, {}, None)
    assert isinstance(saved.history, History)
    assert saved.history == history
    assert os.listdir(tmp_path / "a/b") == ["m.safetensors"]


def test_the_model_alone_and_a_bare_state(tmp_path):
    path = tmp_path / "m.safetensors"
    save(scalar_model(), path)
    saved = load(path)
    assert (saved.optimizer, saved.step, saved.seed, saved.history) == (None,) * 4
    save(saved.state, path)
    assert same(load(path).state, scalar_model().state_dict())
    save({"t": Tensor([[1.0, 2.0]]), "v": Value(3.0)}, path)
    assert same(load(path).state, {"t": np.array([[1.0, 2.0]]), "v": 3.0})
    save(trained(tensor_model())[1].state_dict()["state"][0] | {"step": 2}, path)
    assert load(path).state["step"] == 2


def test_any_layout_shape_and_kind_of_array_comes_back(tmp_path):
    path = tmp_path / "m.safetensors"
    arrays = {
        "transposed": np.arange(6.0).reshape(2, 3).T,
        "every second": np.arange(8, dtype=np.float32)[::2],
        "none": np.zeros((0, 2)),
        "big end first": np.arange(3, dtype=">f4"),
        "frozen": np.broadcast_to(np.float16(2.5), (2, 2)),
        "odd": np.array([-0.0, np.nan, np.inf, 5e-324]),
        "alone": np.array(0.1, dtype=np.float32),
        **{kind: np.array([1, 0, 1]).astype(dtype) for kind, dtype in files.DTYPES.items()},
    }
    numbers = {"float": 0.1, "nan": float("nan"), "whole": -(2**63), "yes": True, "word": 2**64 - 1}
    state = {"x": {0: {"m": arrays["transposed"], "one": np.float32(0.1)}}, "y": [None, "é\ud800\n", (1, 2.5)]}
    files.write_file(path, {**arrays, **numbers}, state)
    found, tree, texts = files.read_file(path)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert (found[name].shape, found[name].dtype) == (array.shape, array.dtype.newbyteorder("="))
        assert found[name].flags.writeable
    assert np.signbit(found["odd"][0])
    assert same({name: found[name] for name in numbers}, {**numbers, "word": np.array(2**64 - 1, dtype=np.uint64)})
    assert same(tree["x"]["0"], {"m": arrays["transposed"], "one": np.float32(0.1)})
    assert (tree["y"], texts) == ([None, "é\ud800\n", [1, 2.5]], {})


def test_safetensors_own_reader_and_pytorchs(tmp_path):
    from safetensors.numpy import load_file

    model, optimizer, _ = trained(tensor_model())
    save(model, tmp_path / "m.safetensors", optimizer=optimizer)
    ours = {name: array for name, array in load_file(tmp_path / "m.safetensors").items() if "training." not in name}
    assert same(dict(sorted(ours.items())), dict(sorted(model.state_dict().items())))
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file

    theirs = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double()
    tensors = {name: t for name, t in load_file(tmp_path / "m.safetensors").items() if not name.startswith("training.")}
    theirs.load_state_dict(tensors)
    x = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_allclose(theirs(torch.tensor(x)).detach().numpy(), model(x).numpy(), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_a_file_of_pytorchs(dtype, tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    path = tmp_path / "model.safetensors"
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.BatchNorm1d(4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    theirs = theirs.to(getattr(torch, dtype))
    save_file(theirs.state_dict(), path, metadata={"format": "pt"})
    ours = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1))
    saved = load(path, ours)
    assert saved.metadata == {"format": "pt"}
    read_as = "float32" if dtype == "bfloat16" else dtype
    assert {a.dtype for a in saved.state.values() if getattr(a, "ndim", 0)} == {np.dtype(read_as)}
    for name, tensor in theirs.state_dict().items():
        assert np.array_equal(ours.state_dict()[name], tensor.double().numpy())  # exactly
    assert ours[0].weight.dtype == np.float64  # the model's stays
    x = torch.tensor(np.random.default_rng(0).normal(size=(5, 2)))
    np.testing.assert_allclose(ours.eval()(x.numpy()).numpy(), theirs.double().eval()(x).detach().numpy(), rtol=1e-12)


def test_values_need_no_numpy(tmp_path):
    code = """
    import sys
    class NoNumPy:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] == "numpy":
                raise ImportError("not here")
    sys.meta_path.insert(0, NoNumPy())
    from micrograd_plus import data, nn, optim, training
    path = sys.argv[1]
    def train(epochs):
        model = nn.MLP(2, [2, 1], seed=0)
        training.fit(model, data.xor(), "mse", optim.Adam(model.parameters()), epochs, seed=0, progress=False,
                     callbacks=[training.Checkpoint(path, resume=True)])
        return model
    train(2), train(3)
    model = nn.MLP(2, [2, 1], seed=0)
    saved = training.load(path, model, optimizer=optim.Adam(model.parameters()))
    training.save(model, path + ".2.safetensors", step=1)
    print(model.state_dict() == saved.state == train(3).state_dict(), saved.step, saved.history["epoch"])
    """
    path = tmp_path / "m.safetensors"
    out = in_a_process(code, path)
    assert out == "True 3 [1, 2, 3]\n"
    assert same(load(f"{path}.2.safetensors").state, load(path).state)


@pytest.mark.parametrize(
    ("state", "options", "kind", "message"),
    [
        ([1.0], {}, TypeError, "save takes a model, or a dict of numbers by name; got list"),
        ({"state": {0: {}}, "param_groups": []}, {}, TypeError, r"an optimiser goes beside the model, as in\s+save\("),
        ({"a": "x"}, {}, TypeError, "a can't be kept: a file holds real numbers, not dtype <U1"),
        ({"a": None}, {}, TypeError, "a can't be kept: .* dtype object; got NoneType"),
        ({"a": 1j}, {}, TypeError, "not dtype complex128"),
        ({"a": 2**70}, {}, TypeError, "not dtype object"),
        ({1: 2.0}, {}, ValueError, "1 can't be the name of numbers"),
        ({"a\x1b[2J": 2.0}, {}, ValueError, r"'a\\x1b\[2J' can't be the name of numbers in a file: give them another"),
        ({"__metadata__": 2.0}, {}, ValueError, "can't be the name"),
        ({"training.x": 2.0}, {}, ValueError, "names that begin with 'training.' are for what training needs"),
        ({}, {"step": -1}, ValueError, "step must be at least 0"),
        ({}, {"step": 1.5}, TypeError, "step must be a whole number, got float 1.5"),
        ({}, {"seed": "1"}, TypeError, "seed must be a whole number or None"),
        ({}, {"history": [1.0]}, TypeError, "history is what fit returns, a History; got list"),
        ({}, {"optimizer": {"lr": 1}}, ValueError, "its optimizer should be an optimiser's state, and is {'lr': 1}"),
        ({}, {"history": History([{"epoch": "1"}])}, ValueError, "its history should be a history"),
    ],
)
def test_what_can_not_be_kept_is_said_and_nothing_written(state, options, kind, message, tmp_path):
    with pytest.raises(kind, match=message):
        save(state, tmp_path / "m.safetensors", **options)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("tree", "kind", "message"),
    [
        (
            {"a": {1}},
            TypeError,
            "training.a can't be kept: a file holds numbers, text, .* arrays; got set",
        ),
        ({"a": {1: 2, "1": 3}}, ValueError, "a number and a text are the same key"),
        ({"a": {"$tensor": 2}}, ValueError, r"a key is '\$tensor'"),
        ({"a": {"b": np.ones(1)}, "a.b": np.ones(1)}, ValueError, "two arrays would be called 'training.a.b'"),
        ({"a\n": np.ones(1)}, ValueError, r"'training.a\\n' can't be the name"),
    ],
)
def test_states_that_would_not_come_back(tree, kind, message, tmp_path):
    with pytest.raises(kind, match=message):
        files.write_file(tmp_path / "m.safetensors", {}, tree)
    assert os.listdir(tmp_path) == []


# ---- where it is written ----


@BOTH
@pytest.mark.parametrize("fails", ["fsync", "replace"])
@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
def test_a_write_that_fails_leaves_the_old_file(make, fails, kind, tmp_path, monkeypatch):
    path = tmp_path / "m.safetensors"
    save(make(), path)
    old = path.read_bytes()

    def fail(*args, **kwargs):
        raise kind(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, fails, fail)
    with pytest.raises(kind) as told:
        save(make(seed=2), path)
    if kind is OSError:
        assert str(path) in str(told.value)
        assert told.value.__notes__[-1].startswith("Nothing was kept; a file that was there is as it was.")
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == [path.name]


@linux
def test_a_disk_that_is_full(tmp_path):
    code = """
    import resource, signal, sys
    from micrograd_plus import training
    import numpy as np
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
    try:
        training.save({"a": np.ones(10_000)}, sys.argv[1])
    except OSError as error:
        print(error)
    """
    path = tmp_path / "m.safetensors"
    save({"a": 1.0}, path)
    out = in_a_process(code, path)
    assert out == f"[Errno 27] File too large: '{path}'\n"
    assert load(path).state == {"a": 1.0}
    assert os.listdir(tmp_path) == [path.name]


@linux
def test_permissions_links_and_what_is_no_file(tmp_path):
    path, link = tmp_path / "m.safetensors", tmp_path / "link.safetensors"
    before = os.umask(0o027)
    try:
        save({}, path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o600)
    link.symlink_to("m.safetensors")
    save({"a": 1.0}, link)
    assert (link.is_symlink(), stat.S_IMODE(path.stat().st_mode), load(path).state) == (True, 0o600, {"a": 1.0})
    (tmp_path / "dangling.safetensors").symlink_to("new.safetensors")
    save({}, tmp_path / "dangling.safetensors")
    assert (tmp_path / "new.safetensors").is_file()
    os.mkfifo(pipe := tmp_path / "pipe.safetensors")
    with pytest.raises(PermissionError, match="no file that could be replaced"):
        save({}, pipe)
    with pytest.raises(CheckpointError, match=r"pipe\.safetensors is no ordinary file"):
        load(pipe)


def test_a_file_that_is_write_protected_stays(tmp_path, monkeypatch):
    path = tmp_path / "m.safetensors"
    save({"a": 1.0}, path)
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda file, mode: False)  # the administrator may write to any file
    with pytest.raises(PermissionError, match="this file is write-protected"):
        save({"a": 2.0}, path)
    assert load(path).state == {"a": 1.0}


def test_names_of_files(tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.safetensors, got 'test.*, a folder: name the file in it"):
        save({}, tmp_path)
    for name in ("m", "m.txt", "m.safetensors.gz"):
        with pytest.raises(ValueError, match=rf"ends in \.safetensors, got '{name}'"):
            save({}, tmp_path / name)
    (tmp_path / "d.safetensors").mkdir()
    with pytest.raises(PermissionError, match="no file that could be replaced"):
        save({}, tmp_path / "d.safetensors")
    for path in (tmp_path, tmp_path / "d.safetensors"):
        with pytest.raises(CheckpointError, match="is a folder: name the file in it"):
            load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "no.safetensors")
    save({"a": 1.0}, tmp_path / ("é" * 100 + ".safetensors"))  # as long as a name may be
    (tmp_path / ("é" * 100 + ".safetensors")).rename(tmp_path / "blob")
    assert load(tmp_path / "blob").state == {"a": 1.0}  # what a file is called, others may have decided


@linux
def test_names_that_are_no_text(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x1b[2J.safetensors"))
    save({"a": 1.0}, path)
    assert load(path).state == {"a": 1.0}
    path.write_bytes(b"x" * 100)
    with pytest.raises(CheckpointError) as told:
        load(path)
    assert "\\udcff\\x1b[2J.safetensors can't be read" in str(told.value)
    assert str(told.value).isprintable()


def test_what_killed_writers_left_goes_and_what_others_write_stays(tmp_path):
    old, new, foreign = (tmp_path / name for name in (".micrograd_plus-1.tmp", ".micrograd_plus-2.tmp", ".other-1.tmp"))
    for file in (old, new, foreign):
        file.touch()
    for file in (old, foreign):
        os.utime(file, (0, 0))
    save({}, tmp_path / "m.safetensors")
    assert sorted(os.listdir(tmp_path)) == [".micrograd_plus-2.tmp", ".other-1.tmp", "m.safetensors"]


def fuzz_in_a_process(*arguments):
    file = Path(__file__).with_name("fuzz_files.py")
    return subprocess.run([sys.executable, file, *arguments], capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes to kill")
def test_killed_two_hundred_times_while_it_saves():
    assert "killed 200 times in " in fuzz_in_a_process("kills", "--count", "200")


# ---- what is refused ----


def a_file(header, numbers=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + numbers


def tensor(shape, offsets, dtype="F64"):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


class Bomb:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (Path.touch, (Path(self.path),))


def bombs(path):
    npy, npz = io.BytesIO(), io.BytesIO()
    np.save(npy, np.array([Bomb(path)], dtype=object), allow_pickle=True)
    np.savez(npz, a=np.array([Bomb(path)], dtype=object))
    pt = io.BytesIO()
    with zipfile.ZipFile(pt, "w") as archive:  # as torch.save writes it
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb(path)))
    return {"pkl": pickle.dumps(Bomb(path)), "npy": npy.getvalue(), "npz": npz.getvalue(), "pt": pt.getvalue()}


@pytest.mark.parametrize("kind", ["pkl", "npy", "npz", "pt"])
@pytest.mark.parametrize("suffix", ["its own", "safetensors"])
def test_no_pickle_is_opened(kind, suffix, tmp_path):
    path = tmp_path / f"bomb.{kind if suffix == 'its own' else suffix}"
    path.write_bytes(bombs(tmp_path / "exploded")[kind])
    words = {"pkl": "it is a pickle, which could run any program", "npy": "np.load reads it"}
    with pytest.raises(CheckpointError, match=words.get(kind, "it is a zip archive, as np.savez and torch.save write")):
        load(path, scalar_model())
    assert os.listdir(tmp_path) == [path.name]


EIGHT = b"\0" * 8
TOO_DEEP = "(recursion|Stack overflow)"  # in the words of Python up to 3.13, and from 3.14 on

HOSTILE = {
    "empty": (b"", "it ends before its header does"),
    "seven bytes": (b"\1" * 7, "it ends before its header does"),
    "a header of 2**60 bytes": (a_file({}, length=2**60), "it ends before its header does"),
    "a header longer than the file": (a_file({}, length=3), "it ends before its header does"),
    "zeros": (b"\0" * 100, ""),
    "a list for a header": (a_file([1]), ""),
    "text that is no text": (a_file(b'{"\xff": 1}'), ""),
    "nested deep": (a_file(b'{"a":' + b"[" * 10**5 + b"]" * 10**5 + b"}"), TOO_DEEP),
    "negative offsets": (a_file({"a": tensor([1], [-8, 0])}, EIGHT), ""),
    "overlapping": (a_file({"a": tensor([1], [0, 8]), "b": tensor([1], [0, 8])}, EIGHT), "invalid offset"),
    "a hole": (a_file({"a": tensor([1], [0, 8]), "b": tensor([1], [16, 24])}, EIGHT * 3), "invalid offset"),
    "numbers of nobody": (a_file({"a": tensor([1], [0, 8])}, EIGHT * 2), "it isn't as long as its header says"),
    "truncated": (a_file({"a": tensor([2], [0, 16])}, EIGHT), "it isn't as long as its header says"),
    "a huge shape without numbers": (a_file({"a": tensor([2**40], [0, 8])}, EIGHT), ""),
    "a shape that overflows": (a_file({"a": tensor([2**40, 2**40], [0, 8])}, EIGHT), "overflow"),
    "much of nothing": (a_file({"a": tensor([0, 2**62, 2**62], [0, 0])}), ""),
    "a shape of text": (a_file({"a": tensor(["1"], [0, 8])}, EIGHT), ""),
    "an unknown dtype": (a_file({"a": tensor([1], [0, 8], "OBJECT")}, EIGHT), "unknown variant `OBJECT`"),
    "a dtype that NumPy lacks": (a_file({"a": tensor([8], [0, 8], "F8_E4M3")}, EIGHT), "F8_E4M3, which NumPy doesn't"),
    "complex numbers": (a_file({"a": tensor([1], [0, 8], "C64")}, EIGHT), "convert them to F32 first"),
    "two of one name": (a_file(b'{"a":{"dtype":"F64","shape":[],"data_offsets":[0,8]},'
                               b'"a":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}', EIGHT), "two entries"),
    "a name that clears the screen": (a_file({"\x1b[2J\u202e": tensor([], [0, 8])}, EIGHT), r"'\\x1b\[2J\\u202e'"),
    "metadata that is no text": (a_file({"__metadata__": {"a": 1}}), ""),
    "metadata nested deep": (a_file({"__metadata__": {"a": [[[[]]]]}}), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_and_nothing_changed(name, tmp_path):
    content, message = HOSTILE[name]
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    model, optimizer, _ = trained(tensor_model())
    before = fingerprint([model, optimizer])
    with pytest.raises(
        CheckpointError, match=rf"(?s)m\.safetensors can't be read: it is damaged, or no .*{message}"
    ) as told:
        load(path, model, optimizer=optimizer)
    with pytest.raises(CheckpointError, match="can't be read"):
        training.fit(model, data.xor(), "mse", optimizer, progress=False, callbacks=[Checkpoint(path, resume=True)])
    assert fingerprint([model, optimizer]) == before
    assert path.read_bytes() == content
    assert str(told.value).isprintable()


def test_no_file_takes_more_memory_than_it_is_long(tmp_path):
    pytest.importorskip("resource", reason="nobody to ask")
    for i, (content, _) in enumerate(HOSTILE.values()):
        (tmp_path / f"{i}.safetensors").write_bytes(content)
    with (tmp_path / "long.safetensors").open("wb") as file:  # nothing but a hole of 4 GB
        file.truncate(2**32)
    with (tmp_path / "longer.safetensors").open("wb") as file:
        file.write(a_file({"__metadata__": {}}, length=2**31))
        file.truncate(2**32)
    code = """
    import pathlib, resource, sys
    from micrograd_plus import Tensor, training
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)
    before, refused = peak(), 0
    for path in pathlib.Path(sys.argv[1]).iterdir():
        try:
            training.load(path)
        except training.CheckpointError:
            refused += 1
    print(refused, peak() - before < 100_000, peak() - before)
    """
    out = in_a_process(code, tmp_path)
    assert out.split()[:2] == [str(len(HOSTILE) + 2), "True"], out


def a_training(path, epochs=2):
    model = tensor_model()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    callbacks = [
        training.Schedule(optim.StepLR(optimizer, 2)),
        training.EarlyStopping("loss"),
        Checkpoint(path, resume=True),
    ]
    training.fit(model, data.xor(), "mse", optimizer, epochs, seed=0, progress=False, callbacks=callbacks)
    return path.read_bytes()


def with_tree(content, change):
    """The same file with another tree, and the right checksum."""
    header, numbers = parts_of(content)
    texts = header["__metadata__"]
    tree = json.loads(texts[KEY])
    texts[KEY] = changed if isinstance(changed := change(tree), str) else json.dumps(tree)
    return signed(header, numbers)


def put(*way):
    *way, last, thing = way

    def change(tree):
        for key in way:
            tree = tree[key]
        tree[last] = thing

    return change


FORGED = {
    "no tree": (lambda tree: "7", "says nothing that micrograd_plus writes"),
    "no JSON": (lambda tree: "{", "damaged"),
    "nested deep": (lambda tree: "[" * 10**5, TOO_DEEP),
    "a very long number": (lambda tree: "1" * 10**5, "4300 digits"),
    "two of one name": (lambda tree: '{"step": 1, "step": 2}', "two entries of the same name"),
    "a later version": (put("version", 2), r"another version of micrograd_plus \(format 2\)"),
    "no version": (put("version", "1"), "says nothing"),
    "a step": (put("step", "1"), "its step should be a whole number, and is '1'"),
    "a seed": (put("seed", 1.5), "its seed should be a whole number"),
    "an epoch": (put("epoch", -1), "its epoch should be a whole number from 0"),
    "another epoch": (put("epoch", 7), "it is of epoch 7, but its history has 2"),
    "a loss": (put("loss", None), "its loss should be a number"),
    "rows": (put("history", "rows", 0, "loss", "x"), "its history should be"),
    "uneven rows": (put("history", "rows", 0, {"epoch": 1}), "its history should be"),
    "steps": (put("history", "steps", [None]), "its history should be"),
    "settings": (put("settings", "loss", 3), "its settings should be a dict of texts"),
    "a split": (put("settings", "split", "x"), "its settings should be"),
    "a state of chance": (put("random", 1, 5, -1), "this is no state of Python's random"),
    "what gauss keeps": (put("random", 2, "x"), "this is no state of Python's random"),
    "loaders": (put("loaders", [1]), "its loaders should be a list of states"),
    "callbacks": (put("callbacks", 0, {}), "its callbacks should be a list of states"),
    "another's tensor": (put("optimizer", "state", "0", "exp_avg", {"$tensor": "0.weight"}), "no tensor '0.weight'"),
    "a tensor of another name": (put("loss", {"$tensor": ["x"]}), "there is no tensor"),
    "memory that is text": (put("optimizer", "state", "0", "exp_avg", "x"), "its optimizer should be"),
    "a step before the first": (put("optimizer", "state", "0", "step", -1), "its optimizer should be"),
    "no positions": (put("optimizer", "state", {"x": {}}), "its optimizer should be"),
}
MISFITS = {
    "a rate that is text": (
        put("optimizer", "param_groups", 0, "lr", "x"),
        "optimiser's lr is 'x' in it, and here 0.01",
    ),
    "a negative rate": (put("optimizer", "param_groups", 0, "lr", -1), "lr must be 0 or more"),
    "an unknown setting": (put("optimizer", "param_groups", 0, "__class__", 1), "this one has no setting '__class__'"),
    "too many parameters": (put("optimizer", "state", "9", {}), "expected parameters 0 to 3"),
    "a base that is text": (put("optimizer", "param_groups", 0, "initial_lr", "x"), "initial_lr"),
}
ONLY_TO_GO_ON = {
    "a schedule's step": (put("callbacks", 0, "state", "scheduler", "last_epoch", "x"), "last_epoch counts steps"),
    "an epoch that is text": (put("callbacks", 1, "state", "best_epoch", "x"), "best_epoch must be a whole number"),
    "a best that is text": (put("callbacks", 1, "state", "best", "x"), "best must be a number"),
    "weights of another model": (put("callbacks", 1, "state", "weights", {"a": 1.0}), "unexpected: a"),
    "another kind": (put("callbacks", 1, "kind", "X\x1b"), r"callbacks was \['Schedule', 'X\\x1b'\]"),
    "a loader's chance": (put("loaders", 0, "random", [1]), "no state of Python's random"),
    "no loader": (put("loaders", []), "shorter|longer"),
    "another setting": (put("settings", "seed", "\x1b[2J"), r"seed was \\x1b\[2J, and is now 0"),
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return a_training(tmp_path_factory.mktemp("kept") / "m.safetensors")


@pytest.mark.parametrize("name", [*FORGED, *MISFITS, *ONLY_TO_GO_ON])
def test_forged_trainings_are_refused_and_nothing_changed(name, kept, tmp_path):
    change, message = (FORGED | MISFITS | ONLY_TO_GO_ON)[name]
    path = tmp_path / "m.safetensors"
    path.write_bytes(with_tree(kept, change))
    model, optimizer, _ = trained(tensor_model(seed=3))
    callbacks = [training.Schedule(optim.StepLR(optimizer, 2)), training.EarlyStopping("loss")]
    callbacks[1].best, callbacks[1].best_epoch = 0.25, 3
    loader = data.DataLoader(*data.xor(), seed=0)
    before = fingerprint([model, optimizer, loader, *callbacks])
    with pytest.raises(CheckpointError, match=message) as told:
        training.fit(
            model,
            loader,
            "mse",
            optimizer,
            seed=0,
            progress=False,
            callbacks=[*callbacks, Checkpoint(path, resume=True)],
        )
    assert str(told.value).replace("\n", "").isprintable()
    if name not in ONLY_TO_GO_ON:
        with pytest.raises(CheckpointError, match=message):
            load(path, model, optimizer=optimizer)
    assert fingerprint([model, optimizer, loader, *callbacks]) == before
    assert path.read_bytes() == with_tree(kept, change)


def test_a_loader_is_put_back_when_the_next_one_is_refused(tmp_path):
    path = tmp_path / "m.safetensors"

    def train(epochs):
        loaders = [data.DataLoader(*data.xor(), seed=seed) for seed in (0, 1)]
        before = [fingerprint([loader]) for loader in loaders]
        last = Checkpoint(path, resume=True)
        try:
            training.fit(tensor_model(), loaders[0], "mse", "sgd", epochs, validation=loaders[1], progress=False,
                         callbacks=[last])  # fmt: skip
        except CheckpointError as error:
            return str(error), [fingerprint([loader]) for loader in loaders] == before
        return "", False

    assert train(2) == ("", False)
    path.write_bytes(with_tree(path.read_bytes(), put("loaders", 1, "random", None)))
    message, unchanged = train(3)
    assert "this DataLoader has a seed, but the state is of one that had none" in message
    assert unchanged


def test_ctrl_c_while_all_is_put_back(kept, tmp_path, monkeypatch):
    (path := tmp_path / "m.safetensors").write_bytes(kept)
    model, optimizer, _ = trained(tensor_model(seed=3))
    before = fingerprint([model, optimizer])

    def pressed(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(optim.Adam, "_check_fits", pressed)
    with pytest.raises(KeyboardInterrupt):
        load(path, model, optimizer=optimizer)
    assert fingerprint([model])[0] == before[0][:1]


def test_what_was_changed_since_it_was_written(kept, tmp_path):
    path = tmp_path / "m.safetensors"
    content = bytearray(kept)
    content[-1] ^= 1  # one bit of one number
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="its checksum is wrong: it is not what was written"):
        load(path)
    for old, new in ((KEY.encode() + b'"', b'micrograd-plus"'), (files.CHECKSUM.encode(), b"x" * len(files.CHECKSUM))):
        path.write_bytes(kept.replace(old, new, 1))
        with pytest.raises(CheckpointError, match="its checksum is wrong"):
            load(path)


def test_a_thousand_mutated_files():
    """Ten thousand, and other seeds: python -m tests.fuzz_files files --count 10000 --seed 1."""
    outcomes = fuzz(1000, seed=0)
    assert outcomes["refused"] > 500
    assert outcomes["loaded"] > 50
    assert outcomes.total() == 1000


# ---- what doesn't fit ----


def test_a_file_of_another_model_or_optimiser_changes_nothing(tmp_path):
    path = tmp_path / "m.safetensors"
    model, optimizer, _ = trained(tensor_model())
    save(model, path, optimizer=optimizer)
    other = nn.MLP(2, [3, 1], activation="tanh").to_sequential()
    for into, message in ((other, r"wrong shape: 0\.weight is \(3, 2\) here"), (scalar_model(), "missing: layers"),
                          (nn.Sequential(nn.Linear(2, 4)), r"unexpected: 2\.weight")):  # fmt: skip
        before = fingerprint([into])
        with pytest.raises(CheckpointError, match=rf"(?s)m\.safetensors can't be used: .*{message}"):
            load(path, into)
        assert fingerprint([into]) == before
    into = tensor_model(seed=5)
    before = fingerprint([into])
    for wrong, message in ((optim.SGD(into.parameters(), lr=0.1), "this one has no setting 'betas'"),
                           (optim.Adam([into.parameters()[0]]), "expected 1 group of 1 param")):  # fmt: skip
        with pytest.raises(CheckpointError, match=message):
            load(path, into, optimizer=wrong)
        assert fingerprint([into]) == before
    save(model, path)
    with pytest.raises(CheckpointError, match="no optimiser in it: it was written without optimizer=optimizer"):
        load(path, into, optimizer=optim.Adam(into.parameters()))
    assert fingerprint([into]) == before
    with pytest.raises(TypeError, match=r"load takes optimizer=, the optimiser to put its state into; .*3"):
        load(tmp_path / "m.safetensors", optimizer=3)
    with pytest.raises(TypeError, match="load takes a path, and then a model"):
        load(path, {})


def test_the_models_dtype_stays(tmp_path):
    path = tmp_path / "m.safetensors"
    model, optimizer, _ = trained(tensor_model())
    save(model, path, optimizer=optimizer)
    into = tensor_model(seed=2, dtype=np.float32)
    again = optim.Adam(into.parameters())
    load(path, into, optimizer=again)
    for name, array in into.state_dict().items():
        assert array.dtype == np.float32
        assert np.array_equal(array, model.state_dict()[name].astype(np.float32))
    assert {a.dtype for memory in again.state.values() for n, a in memory.items() if n != "step"} == {
        np.dtype("float32")
    }
    training.fit(into, data.xor(), "mse", again, 1, progress=False)


@pytest.mark.parametrize(
    ("numbers", "like"),
    [
        (np.array([1e300]), np.float32),
        (np.array([0.5]), np.int64),
        (np.array([np.nan]), np.int64),
        (np.array([300]), np.int8),
    ],
)
def test_numbers_that_a_dtype_has_no_place_for(numbers, like, tmp_path):
    class Buffer(nn.Module):
        def __init__(self):
            self.w, self.count = Value(1.0), np.zeros(1, like)

    save({"w": 2.0, "count": np.array(numbers)}, tmp_path / "m.safetensors")
    model = Buffer()
    with pytest.raises(CheckpointError, match=f"numbers that {np.dtype(like)}, which count is here, has no place for"):
        load(tmp_path / "m.safetensors", model)
    assert (model.w.data, model.count) == (1.0, 0)


# ---- Checkpoint ----


def test_a_training_is_not_written_over_unasked(kept, tmp_path):
    (path := tmp_path / "last.safetensors").write_bytes(kept)

    def fit(**options):
        last = Checkpoint(tmp_path, **options)
        training.fit(tensor_model(), data.xor(), "mse", "sgd", 1, progress=False, callbacks=[last])

    with pytest.raises(CheckpointError, match=r"last\.safetensors holds a training of 2 epochs that can be gone"):
        fit()
    assert path.read_bytes() == kept
    path.unlink()
    fit()
    fit()  # a model's numbers are replaced: that is what a Checkpoint is for
    with pytest.raises(CheckpointError, match=r"holds a model, but not what its training .* with load; or delete"):
        fit(resume=True)


@pytest.mark.parametrize("resume", [False, True])
def test_what_can_not_be_written_is_noticed_before_any_time_is_spent(resume, tmp_path, monkeypatch):
    model, steps = tensor_model(), []
    model.register_forward_hook(lambda *args: steps.append(1))

    def fit(path):
        last = Checkpoint(path, resume=resume)
        training.fit(model, data.xor(), "mse", "sgd", 1, progress=False, callbacks=[last])

    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        fit(tmp_path / "file" / "m.safetensors")
    with pytest.raises(ValueError, match=r"ends in \.safetensors, got 'm\.txt'"):
        fit(tmp_path / "m.txt")
    monkeypatch.setattr(
        os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device"))
    )
    with pytest.raises(OSError, match=r"No space left on device: '.*m\.safetensors'"):
        fit(tmp_path / "m.safetensors")
    assert steps == []
    assert os.listdir(tmp_path) == ["file"]


def test_ctrl_c_while_the_file_is_written(tmp_path, monkeypatch):
    def train(folder, press):
        replace, calls = os.replace, iter(range(99))
        model = tensor_model()
        optimizer = optim.Adam(model.parameters())

        def pressed(*args):
            if next(calls) == press:
                raise KeyboardInterrupt
            replace(*args)

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", pressed)
            last = Checkpoint(folder, resume=True)
            history = training.fit(model, data.xor(), "mse", optimizer, 5, seed=0, progress=False, callbacks=[last])
        return history, fingerprint([model, optimizer])[0]

    history, _ = train(tmp_path / "a", press=3)
    assert history.stopped == "interrupted by Ctrl-C in epoch 4"
    assert load(tmp_path / "a/last.safetensors").history.rows == history.rows[:3]
    again, whole_one = train(tmp_path / "a", None), train(tmp_path / "b", None)
    assert again[0].to_dict() == whole_one[0].to_dict()
    assert again[1] == whole_one[1]


def test_many_readers_and_writers_at_once(tmp_path):
    path = tmp_path / "m.safetensors"
    save({"a": np.zeros(10)}, path)

    def write(number):
        for length in range(20):
            save({"a": np.full(1000 * length + 1, float(number))}, path)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert len(set(load(path).state["a"].tolist())) == 1  # one writer's, and all of it
    assert os.listdir(tmp_path) == [path.name]
