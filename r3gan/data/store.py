"""A prepared dataset: two memory-mapped arrays in a folder, opened in milliseconds whatever their size.

Shapes: N images in the set, B in a batch, R resolution, K classes. On the disk images are uint8 [N, R, R, 3], so that
one image is one stretch of bytes; handed out they are [B, 3, R, R] in channels_last memory, which are the same bytes.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from r3gan.data.errors import BadData
from r3gan.data.manifest import IMAGES, LABELS, Manifest, read_manifest
from r3gan.streams import stream

HASHED_AT_ONCE = 64 * 2**20  # bytes


@dataclass(frozen=True, eq=False)
class ImageSet:
    """A prepared dataset, on one device as uint8: in a GPU's memory, or memory-mapped on the host."""

    name: str
    manifest: Manifest
    images: Tensor  # uint8 [N, R, R, 3]
    labels: Tensor  # int64 [N] in 0..K-1; 0 without labels

    def __len__(self) -> int:
        return self.manifest.count

    @property
    def source(self) -> str:
        """What the set was prepared from, for the record."""
        return self.manifest.source

    @property
    def resolution(self) -> int:
        """Height and width of the images."""
        return self.manifest.resolution

    @property
    def classes(self) -> int:
        """K, the number of classes; 0 without labels."""
        return self.manifest.classes

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes; empty if they have none."""
        return self.manifest.class_names

    @property
    def content_hash(self) -> str:
        """A hash of every pixel and every label."""
        return self.manifest.content_hash

    @cached_property
    def label_histogram(self) -> Tensor:
        """How many images belong to each class: int64 [K]."""
        return torch.tensor(self.manifest.label_histogram, dtype=torch.int64)

    def indices(self, seed: int, network: str, position: int, count: int) -> Tensor:
        """Which images are the `count` at `position` of the network's own endless order: int64 [count].

        The order is one seeded permutation of the whole set after the other: every image once per epoch.
        """
        return permutation_indices(seed, network, position, count, len(self))

    def is_on(self, device: torch.device) -> bool:
        """Whether the images live on this device."""
        return self.images.device == device

    def gather(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Images uint8 [B, 3, R, R] and labels int64 [B] at indices [B], where the images live."""
        rows = self.images.flatten(1).index_select(0, indices)
        return rows.view(-1, *self.images.shape[1:]).permute(0, 3, 1, 2), self.labels[indices]

    def to(self, device: torch.device) -> "ImageSet":
        """The set on a device. On the device where it is, nothing is read or copied."""
        return ImageSet(self.name, self.manifest, self.images.to(device), self.labels.to(device))


def permutation_indices(seed: int, network: str, position: int, count: int, size: int) -> Tensor:
    """The `count` at `position` of one permutation of 0..size-1 after the other: int64 [count]."""
    pieces = []
    while count > 0:
        epoch, start = divmod(position, size)
        piece = permutation(seed, network, epoch, size)[start : start + count]
        pieces.append(piece)
        position, count = position + len(piece), count - len(piece)
    return torch.cat(pieces)


@lru_cache(maxsize=4)  # two networks, each in one epoch or between two
def permutation(seed: int, network: str, epoch: int, count: int) -> Tensor:
    """The order of an epoch: int64 [count]."""
    return torch.randperm(count, generator=stream(seed, "data", network, epoch))


def open_prepared(folder: Path, name: str | None = None) -> ImageSet:
    """The prepared dataset in a folder, memory-mapped on the host; nothing of the arrays is read.

    name: what it is called (default: what its manifest says).
    Raises BadData if manifest and arrays do not belong together.
    """
    manifest = read_manifest(folder)
    images = open_array(folder / IMAGES, np.uint8, (manifest.count, manifest.resolution, manifest.resolution, 3))
    if manifest.classes:
        labels = torch.from_numpy(open_array(folder / LABELS, np.int64, (manifest.count,)))
    elif (folder / LABELS).exists():
        raise BadData(f"{folder / LABELS} is there, but the manifest says that there are no labels")
    else:
        labels = torch.zeros(1, dtype=torch.int64).expand(manifest.count)
    return ImageSet(name or manifest.name, manifest, torch.from_numpy(images), labels)


def open_array(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> np.memmap:
    """A memory-mapped .npy file that must hold exactly this. Raises BadData.

    Copy-on-write, because torch has no read-only tensors; the file never changes.
    """
    try:
        array = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise BadData(f"{path} cannot be opened: {error}; prepare the dataset again") from error
    expected = f"the manifest promises {np.dtype(dtype)} {list(shape)}; prepare the dataset again"
    if not isinstance(array, np.memmap) or array.dtype != dtype or array.shape != shape or not array.flags.c_contiguous:
        raise BadData(f"{path} holds {array.dtype} {list(array.shape)}, but {expected}")
    if path.stat().st_size != array.offset + array.nbytes:
        raise BadData(f"{path} has {path.stat().st_size} bytes, not {array.offset + array.nbytes}: {expected}")
    return array


def verify(data: ImageSet, folder: Path) -> None:
    """Read everything and compare it with the manifest. Raises BadData where they differ."""
    manifest = data.manifest
    if manifest.classes:
        labels = data.labels.numpy()
        if labels.min() < 0 or labels.max() != manifest.classes - 1:
            found = f"{labels.min()}..{labels.max()}"
            raise BadData(f"{folder / LABELS} has labels {found}, the manifest {manifest.classes} classes")
        if tuple(np.bincount(labels, minlength=manifest.classes).tolist()) != manifest.label_histogram:
            raise BadData(f"{folder / LABELS} has another label histogram than the manifest")
    found = content_hash(data.images.numpy(), data.labels.numpy() if manifest.classes else None)
    if found != manifest.content_hash:
        raise BadData(f"{folder}: the content hash is {found}, the manifest says {manifest.content_hash}")


def content_hash(images: np.ndarray, labels: np.ndarray | None) -> str:
    """16 hexadecimal digits of sha256 over all image bytes, then all label bytes."""
    digest = hashlib.sha256()
    step = max(1, HASHED_AT_ONCE // images[0].nbytes)
    for start in range(0, len(images), step):
        digest.update(np.ascontiguousarray(images[start : start + step]).data)
    if labels is not None:
        digest.update(np.ascontiguousarray(labels).data)
    return digest.hexdigest()[:16]
