"""Batch files: CIFAR-10's data_batch_1..5, the downsampled ImageNet's train_data_batch_1..10; single, or in archives.

A batch is a dictionary: data uint8 [n, 3 R R], the red, green and blue planes of an image in a row; labels [n], from 0
up in CIFAR-10 and from 1 up in ImageNet.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from r3gan.data.errors import BadData
from r3gan.data.pickles import load_npz, load_pickle
from r3gan.data.sources import Item, LabelMode, checked_labels


class Family(NamedTuple):
    """A dataset that comes in numbered batches."""

    prefix: str
    batches: int  # how many files
    first_label: int
    classes: int


FAMILIES = (Family("data_batch_", 5, 0, 10), Family("train_data_batch_", 10, 1, 1000))
BATCH_NAME = re.compile(r"((?:train_)?data_batch_)(\d+)(\.npz|\.pkl|\.pickle)?")
NAMES_FILE = "batches.meta"
TEST_NAME = re.compile(r"(test_batch|val_data)(\.npz|\.pkl|\.pickle)?")


@dataclass(frozen=True)
class Part:
    """One batch file, wherever it lies."""

    name: str  # of the file alone
    where: str  # for messages
    size: int  # bytes
    open: Callable[[], BinaryIO]

    def content(self) -> dict[str, Any]:
        """What the file holds, by keys. Raises BadData."""
        try:
            with self.open() as file:
                return (load_npz if self.name.endswith(".npz") else load_pickle)(file, self.where)
        except OSError as error:
            raise BadData(f"{self.where} cannot be read: {error.strerror or error}") from error

    def load(self) -> tuple[np.ndarray, Any]:
        """The images uint8 [n, R, R, 3] and their n labels as written. Raises BadData."""
        arrays = self.content()
        for key in ("data", "labels"):
            if key not in arrays:
                raise BadData(f"{self.where} has no {key!r}, only {', '.join(sorted(arrays)) or 'nothing'}")
        data, labels = arrays["data"], arrays["labels"]
        side = math.isqrt(data.shape[1] // 3) if isinstance(data, np.ndarray) and data.ndim == 2 else 0
        if side == 0 or data.dtype != np.uint8 or data.shape[1] != 3 * side * side:
            found = f"{data.dtype} {list(data.shape)}" if isinstance(data, np.ndarray) else type(data).__name__
            raise BadData(f"{self.where}: 'data' is {found}; uint8 [n, 3 R R] was expected")
        if not isinstance(labels, list | tuple | np.ndarray) or len(labels) != len(data):
            raise BadData(f"{self.where}: 'labels' is no list of {len(data)} labels, one for each image")
        return data.reshape(-1, 3, side, side).transpose(0, 2, 3, 1), labels


@dataclass(frozen=True, kw_only=True)
class BatchFiles:
    """The images of numbered batch files, in the order of the numbers."""

    description: str
    batches: tuple[Part, ...]
    counts: tuple[int, ...]  # images per batch
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def parts(self) -> Sequence[tuple[str, int]]:
        """The batch files and their sizes."""
        return [(part.name, part.size) for part in self.batches]

    def __len__(self) -> int:
        return sum(self.counts)

    def items(self, start: int) -> Iterator[Item]:
        """Images as arrays, in order; batches before `start` are not read."""
        for part, count, end in zip(self.batches, self.counts, accumulate(self.counts), strict=True):
            if start < end:
                images, _ = part.load()
                if len(images) != count:
                    raise BadData(f"{part.where} changed while it was read")
                first = max(0, start - (end - count))
                for i, image in enumerate(images[first:], first):
                    yield Item(f"{part.where}, image {i}", image)


def is_batch(name: str) -> bool:
    """Whether a path or member is named like a batch file."""
    return BATCH_NAME.fullmatch(PurePosixPath(name).name) is not None


def open_batches(path: Path, parts: Sequence[Part], mode: LabelMode, others: Sequence[Part] = ()) -> BatchFiles:
    """The batches found in `path`, all of their family. Reads them once, for counts and labels. Raises BadData.

    others: the files beside them: batches for testing, which are left out, and names of classes.
    """
    family = next(f for f in FAMILIES if f.prefix == _named(parts[0])[0])
    by_number: dict[int, Part] = {}
    for part in parts:
        prefix, number = _named(part)
        if prefix != family.prefix or number in by_number:
            other = by_number.get(number, parts[0])
            raise BadData(f"{path} holds {other.where} and {part.where}, which do not belong together: keep one kind")
        by_number[number] = part
    wanted = range(1, family.batches + 1)
    missing = [f"{family.prefix}{n}" for n in wanted if n not in by_number]
    if missing or len(by_number) != family.batches:
        raise BadData(
            f"{path} lacks {', '.join(missing)}" if missing else f"{path} holds more than {family.batches} batches"
        )
    batches = tuple(by_number[n] for n in wanted)
    counts, labels = [], []
    for part in batches:
        images, values = part.load()
        counts.append(len(images))
        if mode != "none":
            labels.append(_checked(part, values, family))
    if mode == "folders":
        raise BadData(f"{path} holds batch files, not class folders: leave --labels folders out")
    together = checked_labels(np.concatenate(labels), str(path)) if labels else None
    left_out = [part.name for part in others if TEST_NAME.fullmatch(part.name)]
    return BatchFiles(
        description=f"{family.prefix}* of {path.name}",
        batches=batches,
        counts=tuple(counts),
        labels=together,
        class_names=() if together is None else _class_names(others, int(together.max()) + 1),
        notes=(f"took the training batches; left out: {', '.join(left_out)}",) if left_out else (),
    )


def is_beside(name: str) -> bool:
    """Whether a path or member is a file that comes with batches: one for testing, or the names of the classes."""
    file = PurePosixPath(name).name
    return file == NAMES_FILE or TEST_NAME.fullmatch(file) is not None


def _class_names(others: Sequence[Part], classes: int) -> tuple[str, ...]:
    """The names in CIFAR-10's batches.meta; none if it is not there, or names fewer classes. Raises BadData."""
    for part in others:
        if part.name == NAMES_FILE:
            names = part.content().get("label_names")
            texts = [name.decode("latin1") if isinstance(name, bytes) else name for name in names or ()]
            if len(texts) >= classes and all(isinstance(text, str) for text in texts):
                return tuple(texts[:classes])
    return ()


def _named(part: Part) -> tuple[str, int]:
    match = BATCH_NAME.fullmatch(part.name)
    assert match is not None
    return match[1], int(match[2])


def _checked(part: Part, values: Any, family: Family) -> np.ndarray:
    labels = np.asarray(values)
    last = family.first_label + family.classes - 1
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise BadData(f"{part.where}: its labels are not whole numbers")
    if len(labels) and not (family.first_label <= labels.min() and labels.max() <= last):
        found = labels.min() if labels.min() < family.first_label else labels.max()
        raise BadData(f"{part.where}: label {found} is out of range: {family.first_label} to {last} can be")
    return labels.astype(np.int64) - family.first_label
