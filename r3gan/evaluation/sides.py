"""What an evaluation compares: images in files, or a prepared dataset, read once and described for the record.

Shapes: B images at a time, R resolution.
"""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from r3gan.data.dataset import Dataset
from r3gan.data.errors import BadData
from r3gan.data.images import Picture, take_whole
from r3gan.data.progress import progress_bar, warn
from r3gan.data.remarks import NONE
from r3gan.data.sources import Item, Source
from r3gan.tables.resizes import RESIZES, UNCHANGED, Resize

AT_ONCE = 128  # images that are decoded together


class ImageSide:
    """The images of a source, all of them, resized by a named rule."""

    def __init__(self, name: str, source: Source, resize: Resize):
        self.name, self.source, self.resize = name, source, resize
        self._size, self._digest = 0, hashlib.sha256()

    def __len__(self) -> int:
        return len(self.source)

    def batches(self) -> Iterator[Tensor]:
        """uint8 batches [B, 3, R, R], with a progress bar. Raises BadData where images cannot be read or differ."""
        items, done, remarks = self.source.items(0), 0, NONE
        with progress_bar(f"reading {self.name}") as progress, ThreadPoolExecutor(os.cpu_count(), "decode") as pool:
            while some := list(islice(items, AT_ONCE)):
                pictures = list(pool.map(partial(resized, resize=self.resize), some))
                for item, (image, remark) in zip(some, pictures, strict=True):
                    self._require_size(item.name, len(image))
                    self._digest.update(np.ascontiguousarray(image).data)
                    remarks += remark
                done += len(some)
                progress(done, len(self))
                yield torch.from_numpy(np.stack([image for image, _ in pictures])).permute(0, 3, 1, 2)
        for note in remarks.notes(done):
            warn(f"{self.name}: {note}")

    def record(self) -> dict[str, Any]:
        """What was read, once it has been: with a hash of all pixels as the networks saw them."""
        described = side_record(self.name, len(self), self._size, self.resize)
        return described | {"pixels_sha256": self._digest.hexdigest()[:16]}

    def _require_size(self, name: str, size: int) -> None:
        self._size = self._size or size
        if size != self._size:
            sizes = f"{size}x{size}, the first image {self._size}x{self._size}"
            raise BadData(f"{name} is {sizes}: --resize RULE:SIZE makes all of one size")


def resized(item: Item, resize: Resize) -> Picture:
    """The image of an item as a square. Raises BadData, naming it."""
    whole = take_whole(item)
    return Picture(RESIZES[resize.rule].function(item.name, whole.pixels, resize.size), whole.remarks)


def dataset_record(data: Dataset) -> dict[str, Any]:
    """What is said of a dataset that is compared with; of stacked digits the number is that of combinations."""
    return side_record(f"dataset {data.name}", len(data), data.resolution) | {"content_hash": data.content_hash}


def side_record(what: str, images: int, resolution: int, resize: Resize = UNCHANGED) -> dict[str, Any]:
    """One side of a comparison, for the record."""
    return {"what": what, "images": images, "resolution": resolution, "resize": str(resize)}
