"""What is released: the archives and what is in them, types as a user's program sees them, the reference."""

import doctest
import hashlib
import importlib
import inspect
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email.parser import BytesParser
from pathlib import Path

import pytest
from packaging.metadata import Metadata

ROOT = Path(__file__).parent.parent
USERS_PROGRAM = ROOT / "tests" / "typed_program.py"
BUILD = "import hatchling.build as backend, sys; backend.build_sdist(sys.argv[1]); backend.build_wheel(sys.argv[1])"


def run(*arguments, **more):
    done = subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, timeout=300, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# ---- the archives -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """The sdist and the wheel of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    run("-c", BUILD, folder, cwd=ROOT)
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def again(archives, tmp_path_factory):
    """The same two once more, built from the sdist: elsewhere, later, by somebody whose files nobody else may read."""
    folder = tmp_path_factory.mktemp("again")
    with tarfile.open(archives[0]) as sdist:
        sdist.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    (unpacked / "PKG-INFO").unlink()  # written by the build, as in a checkout
    for path in unpacked.rglob("*"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    run("-c", BUILD, folder, cwd=unpacked, preexec_fn=lambda: os.umask(0o077))
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def installed(again, tmp_path_factory):
    """What the wheel that was built from the sdist puts into site-packages."""
    site = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(again[1]).extractall(site)
    return site


def names_in(archive):
    if archive.suffix == ".whl":
        return set(zipfile.ZipFile(archive).namelist())
    with tarfile.open(archive) as files:
        return {name.partition("/")[2] for name in files.getnames()}


def repository():
    """The files of the repository, without what .gitignore names; skips where this is no checkout."""
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout: what belongs to the repository can't be asked")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return {name for name in names if name and (ROOT / name).exists()}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_building_again_elsewhere_gives_the_same_bytes(archives, again):
    assert [path.name for path in archives] == [path.name for path in again]
    assert [digest(path) for path in archives] == [digest(path) for path in again]


def test_the_sdist_holds_the_repository_and_nothing_else(archives):
    assert names_in(archives[0]) == repository() | {"PKG-INFO"}


def test_the_wheel_holds_the_package_the_lessons_and_the_course(archives):
    moved = {"micrograd_plus/": "micrograd_plus/", "notebooks/": "micrograd_plus/_notebooks/",
             "examples/course/": "micrograd_plus/_course/"}  # fmt: skip
    expected = {
        there + name.removeprefix(here)
        for name in repository()
        for here, there in moved.items()
        if name.startswith(here)
    }
    assert {name for name in names_in(archives[1]) if ".dist-info/" not in name} == expected
    assert "micrograd_plus/py.typed" in expected


def test_the_wheel_stays_small(archives):
    assert archives[1].stat().st_size < 8_000_000  # half of it are the pictures in the lessons


def metadata(wheel):
    (name,) = [name for name in names_in(wheel) if name.endswith(".dist-info/METADATA")]
    return zipfile.ZipFile(wheel).read(name)


def test_the_metadata_is_valid_and_says_what_was_promised(archives):
    found = Metadata.from_email(metadata(archives[1]), validate=True)
    assert found.name == "micrograd_plus"
    assert str(found.version) == importlib.import_module("micrograd_plus").__version__
    assert str(found.requires_python) == ">=3.11"
    assert "Typing :: Typed" in found.classifiers
    versions = {line.rpartition(" ")[2] for line in found.classifiers if re.search(r":: 3\.\d+$", line)}
    assert versions == set(re.search(r"supported=\((.*)\)", (ROOT / ".ci" / "pythons").read_text())[1].split())


def test_each_shipped_file_of_data_comes_with_its_licence(archives):
    names = names_in(archives[1])
    data = [name for name in names if name.startswith("micrograd_plus/data/files/") and "LICENSE" not in name]
    assert len(data) == 4
    licences = {name.partition("/licenses/")[2] for name in names if "/licenses/" in name}
    assert licences == {"LICENSE", *(f"{name.rpartition('.')[0]}.LICENSE.txt" for name in data)}
    declared = BytesParser().parsebytes(metadata(archives[1]))["License-Expression"]
    for name in data:
        text = (ROOT / f"{name.rpartition('.')[0]}.LICENSE.txt").read_text(encoding="utf-8")
        (short,) = re.findall(r"\((CC BY[\w -]* 4\.0)\)", text) or [""]
        assert short.replace(" ", "-") in declared, "a licence that the metadata doesn't name"


def test_the_readme_on_an_index_leads_nowhere_that_is_not_there(archives):
    text = Metadata.from_email(metadata(archives[1]), validate=True).description
    assert "# micrograd_plus" in text
    assert "docs/architecture.md says why" in text
    addresses = re.findall(r"\]\(([^)]*)\)|(?:src|href)=\"([^\"]*)\"", text)
    assert not [address for pair in addresses for address in pair if address and not address.startswith("https://")]


SMOKE = """
import sys, micrograd_plus as mg
from importlib.resources import files
assert mg.__file__.startswith(sys.argv[1]), mg.__file__
a = mg.Value(2.0, label="a")
(a * a + 1).tanh().backward()
w = mg.Tensor([[1.0, 2.0]])
(w @ [[1.0], [2.0]]).sum().backward()
X, y = mg.data.load_digits(flat=True)
assert X.shape == (1797, 64) and len(mg.data.load_names()) > 5000 and mg.data.load_spoken_digits()
assert "<svg" in mg.draw(mg.Value(1.0) + 2).svg()
assert files("micrograd_plus").joinpath("_notebooks", "README.md").is_file()
print(f"{a.grad:.6f}", w.grad.tolist())
"""


def test_what_is_built_from_the_sdist_works(installed, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    assert run("-W", "error", "-c", SMOKE, installed, cwd=tmp_path, env=environment) == "0.000726 [[1.0, 2.0]]\n"


# ---- the pages ------------------------------------------------------------------------------------------------------

PAGES = ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_speaks_of_is_there(page):
    """Links, tests by their names, files, and names in capitals: a recipe that no longer holds is found out here."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(((?!https?:)[^)]+)\)", re.sub(r"``.*?``", "", text)):
        assert (ROOT / target).exists(), target
    tests = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").glob("test_*.py"))
    for name in re.findall(r"`(test_\w+)`", text):
        assert f"def {name}(" in tests, name
    for path in re.findall(r"`(tests/\w+\.py)`", text):
        assert (ROOT / path).exists(), path
    for name in re.findall(r"`([A-Z][A-Z_]{3,})`", text.replace("`TYPE_CHECKING`", "").replace("`EXERCISES`", "")):
        catalogue = ROOT / "micrograd_plus" / "exercises" / "catalogue" / "__init__.py"
        assert re.search(rf"^{name}\b", tests + catalogue.read_text(encoding="utf-8"), re.M), name


def test_the_changelog_has_this_version_and_every_room():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{importlib.import_module('micrograd_plus').__version__}]" in text
    rooms = {path.parent.name for path in (ROOT / "micrograd_plus").glob("*/__init__.py")} - {
        "capstones",
        "cli",
        "demo",
    }
    assert not [room for room in rooms if f"**{room}**" not in text]


# ---- types ----------------------------------------------------------------------------------------------------------


def test_a_users_program_is_clean_under_mypy_strict(tmp_path):
    """Its assert_type lines say that names which load on first use have their types; mistakes are found."""
    pytest.importorskip("mypy")
    cache = ROOT / ".mypy_cache" / "user"  # kept, since reading NumPy's types takes most of the time
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "import micrograd_plus as mg\nmg.Value(1.0).exp().nothing\nmg.Tensr\nmg.optim.SGD([], lr='fast')\n"
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(cache)]
    done = subprocess.run(
        [*command, "--follow-imports=silent", str(USERS_PROGRAM), str(wrong)],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert not [line for line in done.stdout.splitlines() if "typed_program" in line], done.stdout
    assert '"Value" has no attribute "nothing"' in done.stdout
    assert 'Argument "lr" to "SGD" has incompatible type "str"; expected "float"' in done.stdout


def test_the_users_program_runs(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert "Checkpoint" in run("-W", "error", USERS_PROGRAM, cwd=tmp_path, env=environment)


# ---- the reference --------------------------------------------------------------------------------------------------

# What a user is handed, and does not make: the examples are those of the functions that give it.
HANDED = {"Animation", "Exported", "Node", "Picture", "Saved", "Sweep"}
# Its examples are all over the lessons; those of the others are in docs/graduation.md, since they need PyTorch.
SAID = {"from_torch", "to_torch"}


@pytest.fixture(scope="module")
def reference():
    """The generator, docs/api/build.py."""
    pytest.importorskip("pdoc")
    spec = importlib.util.spec_from_file_location("build_api", ROOT / "docs" / "api" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def described(reference):
    """Each name with the thing, once: where the reference describes it."""
    for page, names in reference.plan().items():
        room = importlib.import_module(page)
        yield from ((page, name, getattr(room, name)) for name, home in names.items() if home == page)


def test_the_reference_describes_every_public_name_once(reference):
    from test_public import PUBLIC

    things = [id(thing) for _, _, thing in described(reference)]
    assert len(things) == len(set(things))
    for room, names in PUBLIC.items():
        found = importlib.import_module(room)
        missing = [
            n for n in names.split() if not inspect.ismodule(getattr(found, n)) and id(getattr(found, n)) not in things
        ]
        assert not missing, f"{room}: {missing}: not in the reference"


def test_every_function_and_class_in_the_reference_has_an_example(reference):
    bare = [
        f"{page}.{name}"
        for page, name, thing in described(reference)
        if (inspect.isroutine(thing) or inspect.isclass(thing)) and ">>>" not in (thing.__doc__ or "")
        if name not in HANDED | SAID and not (inspect.isclass(thing) and issubclass(thing, BaseException))
    ]
    assert not bare, f"no example in the docstring of {bare}"


def test_a_page_of_the_reference(reference, tmp_path):
    """One page, made; all of them are in CI (python -W error docs/api/build.py)."""
    reference.build(tmp_path, only=["micrograd_plus.tape", "micrograd_plus.engine"])
    text = (tmp_path / "micrograd_plus" / "tape.html").read_text(encoding="utf-8")
    for name in ("compile", "vmap", "CompileError", "FrozenNumberError"):
        assert text.count(f'<section id="{name}">') == 1
    assert 'src="http' not in text
    assert "<script src" not in text
    assert re.search(r"prefers-color-scheme: *dark", text)
    engine = (tmp_path / "micrograd_plus" / "engine.html").read_text(encoding="utf-8")
    assert '<a href="../micrograd_plus.html#Value">' in engine, "described elsewhere: a link"
    assert '<section id="Value">' not in engine


def test_emphasis_and_tags_in_a_docstring_stay_text(reference):
    assert reference.as_markdown("a*b*c, `a*b`, __x__ and <b>") == r"a\*b\*c, `a*b`, \_\_x\_\_ and \<b>"
    assert reference.as_markdown(">>> a*b\n'*'\n\na*b") == ">>> a*b\n'*'\n\na\\*b"
    assert reference.as_markdown("Thus:\n\n  a*b\n  c") == "Thus:\n\n    a*b\n    c", "lines of a formula stay lines"


def test_the_examples_of_the_generator(reference):
    assert doctest.testmod(reference).failed == 0
