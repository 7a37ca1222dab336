"""Images in an .npz, as `r3gan generate` and guided-diffusion write them: `arr_0` uint8 [N, H, W, 3].

They are read one after the other, so that any number of them needs the memory of one.
"""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from r3gan.data.errors import BadData
from r3gan.data.sources import Item

ARRAY = "arr_0"
CHANNELS = 3
Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ArraySource:
    """The images of a file as a source; its labels are not read."""

    path: Path
    shape: Shape  # N, H, W, 3
    labels: None = None
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """Kind and file name."""
        return f"array {self.path.name}"

    @property
    def parts(self) -> list[tuple[str, int]]:
        """The file and its size."""
        return [(self.path.name, self.path.stat().st_size)]

    def __len__(self) -> int:
        return self.shape[0]

    def items(self, start: int) -> Iterator[Item]:
        """Images as arrays, in order. Raises BadData where the file ends early or is damaged."""
        height, width = self.shape[1:3]
        size = height * width * CHANNELS
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(f"{ARRAY}.npy") as file:
                _read_shape(file)
                file.seek(start * size, 1)
                for i in range(start, len(self)):
                    data = file.read(size)
                    if len(data) < size:
                        raise BadData(f"{self.path} ends in image {i} of {len(self)}: write it again")
                    yield Item(
                        f"{self.path}, image {i}", np.frombuffer(data, np.uint8).reshape(height, width, CHANNELS)
                    )
        except (OSError, zipfile.BadZipFile, EOFError, ValueError, zlib.error) as error:
            raise BadData(f"{self.path} is damaged ({error}): write it again") from error


def open_npz(path: Path) -> ArraySource:
    """The images in a file. Raises BadData if it holds none."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            if ARRAY not in names:
                held = ", ".join(names[:5]) or "nothing"
                raise BadData(f"{path} holds {held}: {ARRAY} with images uint8 [N, H, W, 3] was expected")
            with archive.open(f"{ARRAY}.npy") as file:
                shape = _read_shape(file)
    except (OSError, zipfile.BadZipFile, EOFError, ValueError) as error:
        raise BadData(f"{path} cannot be read as .npz: {error}") from error
    return ArraySource(path=path, shape=shape)


def _read_shape(file: IO[bytes]) -> Shape:
    """N, H, W, 3, from the head of an array. Raises ValueError for another one."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, kind = read(file)
    if kind != np.uint8 or len(shape) != 4 or shape[3] != CHANNELS or 0 in shape or by_columns:
        raise ValueError(f"{ARRAY} is {kind} {list(shape)}, uint8 [N, H, W, 3] was expected")
    return tuple(map(int, shape))
