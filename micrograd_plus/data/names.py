"""First names, to learn from how names are spelt."""

from importlib.resources import files

from .checked import shipped

FILE = files("micrograd_plus.data") / "files" / "names.txt"
SHA256 = "cba14f452b7768bd7fe093035a67491d4a334061634ccfd51522fb796910e75e"


def load_names() -> list[str]:
    """5,163 first names that were common in the USA in 1990, of women and men, in lower case, sorted, each once.

    Names hold the letters a to z alone, from 2 to 11 of them. As they are sorted, a split must shuffle. Raises
    ValueError if the file is damaged.

    Source: the US Census Bureau, census of 1990, lists dist.female.first and dist.male.first, as the package names
    carries them. Public domain (see files/names.LICENSE.txt).

    >>> names = load_names()
    >>> len(names), names[0], names[-1]
    (5163, 'aaron', 'zulma')
    """
    return shipped(FILE, SHA256).decode("ascii").split()
