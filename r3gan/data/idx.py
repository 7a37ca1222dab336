"""IDX files of bytes: the form of MNIST (yann.lecun.com/exdb/mnist).

A magic number 0x000008DD (08: unsigned bytes; DD: how many dimensions), each dimension in four bytes, then the bytes.
"""

import gzip
import math
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from r3gan.data.errors import BadData

GZIP = b"\x1f\x8b"


class Kind(NamedTuple):
    """What an IDX file is to hold."""

    word: str
    magic: int
    shape: str

    def __str__(self) -> str:
        return f"{self.word}, magic number {self.magic:#010x} and shape {self.shape}"


IMAGES = Kind("images", 0x00000803, "[N, 28, 28]")
LABELS = Kind("labels", 0x00000801, "[N]")


def read_images(path: Path) -> np.ndarray:
    """uint8 [N, 28, 28]. Raises BadData, naming the file."""
    images = read_idx(path, IMAGES)
    if images.shape[1:] != (28, 28) or not len(images):
        raise BadData(f"{path} holds images of shape {list(images.shape)}; {IMAGES.shape} was expected")
    return images


def read_labels(path: Path, classes: int) -> np.ndarray:
    """uint8 [N], each of 0..classes-1 at least once. Raises BadData, naming the file."""
    labels = read_idx(path, LABELS)
    found = np.unique(labels).tolist()
    if found != list(range(classes)):
        kinds = _listed(found)
        raise BadData(f"{path} holds the labels {kinds}; all of 0 to {classes - 1} and no others were expected")
    return labels


def read_idx(path: Path, kind: Kind) -> np.ndarray:
    """What an IDX file holds, in the shape that it says. Raises BadData, naming it."""
    data = _bytes(path)
    if not data:
        raise BadData(f"{path} is empty; an IDX file of {kind} was expected")
    if len(data) < 4 or data[:3] != b"\0\0\x08" or len(data) < 4 + 4 * data[3]:
        raise BadData(f"{path} begins with {data[:4].hex(' ')}, not an IDX file of bytes; {kind} were expected")
    magic, shape = int.from_bytes(data[:4]), list(struct.unpack_from(f">{data[3]}I", data, 4))
    if magic != kind.magic:
        other = next((f", as {k.word} have" for k in (IMAGES, LABELS) if k.magic == magic), "")
        hint = ": were files of images and labels mixed up?" if other else ""
        raise BadData(f"{path} has the magic number {magic:#010x} and shape {shape}{other}; {kind} were expected{hint}")
    begin, size = 4 + 4 * len(shape), math.prod(shape)
    if len(data) != begin + size:
        promised = f"its header promises {begin + size} (shape {shape})"
        raise BadData(f"{path} holds {len(data)} bytes, {promised}: is it cut off, or damaged?")
    return np.frombuffer(data, np.uint8, offset=begin).reshape(shape)


def _bytes(path: Path) -> bytes:
    """The file's content, unpacked if it is compressed, whatever its name says."""
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data.startswith(GZIP) else data
    except EOFError as error:
        raise BadData(f"{path} is cut off: its gzip data end before their end mark") from error
    except (OSError, zlib.error) as error:
        raise BadData(f"{path} cannot be read: {error}") from error


def _listed(values: Sequence[int]) -> str:
    """Numbers in order, those in the middle left out if they are many."""
    numbers = [str(value) for value in values]
    return ", ".join(numbers if len(numbers) <= 10 else [*numbers[:3], "...", numbers[-1]]) or "(none)"
