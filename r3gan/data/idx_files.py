"""Where the IDX files of MNIST and its kin lie, under any of the names that people have them by. Needs no torch."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

BESIDE = re.compile(r"raw|train(ing)?|test(ing)?|t10k")  # folders that the files may be divided into


def find_idx_files(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    """Those of the IDX files that are in the folder, or in folders of it for training and test. Raises OSError.

    A name may have dots, underscores or capitals where others have dashes, end in .gz, and say test for t10k. Of
    several files by one name the one nearest to the folder and to the plain name is taken.
    """
    found: dict[str, Path] = {}
    for path in sorted(_files(folder, names), key=lambda path: (len(path.parts), path.name not in names, path)):
        found.setdefault(plain_name(path.name), path)
    return {name: found[name] for name in names if name in found}


def plain_name(name: str) -> str:
    """A file's name as MNIST's own site writes it."""
    return re.sub(r"^test-", "t10k-", re.sub(r"[._ ]", "-", re.sub(r"\.gz$", "", name.lower())))


def _files(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if not path.is_dir():
            yield path
        elif BESIDE.fullmatch(path.name.lower()) or plain_name(path.name) in names:
            yield from (inner for inner in path.iterdir() if inner.is_file())
