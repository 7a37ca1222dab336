"""Which of many parquet files, or archives, are the training split: by their names, or by folders around them.

train-00000-of-00004.parquet, data/train/0000.parquet and default/train/0000.parquet are all of a split named train;
what else names them, apart from numbers, is their configuration.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from r3gan.data.errors import BadData
from r3gan.data.split_words import TRAIN, Taken, split_name

NUMBER = re.compile(r"([-_.]?\d+-of-\d+(-[0-9a-f]+)?|[-_.]?\d+)$")  # of a shard, at the end of its name


class _Place(NamedTuple):
    """What a file's name says."""

    split: str
    written: str  # the split, as it is written
    configuration: str  # what else names it, in one form


def training_files(names: Sequence[str], place: Path) -> Taken:
    """The files of the training split, in their order; all if none is named after a split.

    Raises BadData, naming `place`, if two configurations have one, or none has and it is unclear which to take.
    """
    places = {name: split_place(name) for name in names}
    if not any(places.values()):
        return Taken(tuple(names))
    wanted = {name: found for name, found in places.items() if found is not None and found.split == TRAIN}
    if not wanted:
        splits = sorted({found.written if found else name for name, found in places.items()})
        if len(splits) > 1:
            raise BadData(f"{place} holds {', '.join(splits)}, but no split for training: name one of them as SOURCE")
        wanted = {name: found for name, found in places.items() if found is not None}
    configurations = sorted({found.configuration for found in wanted.values()})
    if len(configurations) > 1:
        first = [next(n for n, found in wanted.items() if found.configuration == c) for c in configurations]
        raise BadData(
            f"{place} holds several configurations with a split {next(iter(wanted.values())).written} each "
            f"({', '.join(first)}): name the folder or the file of one as SOURCE"
        )
    left_out: dict[str, int] = defaultdict(int)
    for name, found in places.items():
        if name not in wanted:
            left_out[found.written if found else name] += 1
    counted = {name: f"{count} file{'s' if count > 1 else ''}" for name, count in left_out.items()}
    return Taken(tuple(wanted), next(iter(wanted.values())).written, counted)


def split_place(name: str) -> _Place | None:
    """The split and configuration that a relative name tells; None if it names no split."""
    *folders, file = name.split("/")
    stem = NUMBER.sub("", file.rpartition(".")[0])
    found = split_name(stem)
    if found is not None:
        written = stem if found.is_bare else found.split
        return _Place(found.split, written, "/".join([*folders, *found.frame]))
    for i in reversed(range(len(folders))):
        found = split_name(folders[i])
        if found is not None:
            around = [*folders[:i], *found.frame, *folders[i + 1 :]]
            return _Place(found.split, folders[i], "/".join(around))
    return None
