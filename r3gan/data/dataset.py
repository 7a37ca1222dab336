"""What training and evaluation ask of a dataset, whatever it is made of.

Shapes: N images in the set, B in a batch, R resolution, K classes. Images handed out are uint8 [B, 3, R, R] in 0..255;
points of the plane are float32 [B, 2, 1, 1], taken as they are.
"""

from typing import Protocol

import torch
from torch import Tensor


class Dataset(Protocol):
    """Real images with labels, in a seeded, endless order."""

    @property
    def name(self) -> str:
        """The dataset's name, as studies write it."""

    @property
    def source(self) -> str:
        """Where the images came from, for the record."""

    @property
    def resolution(self) -> int:
        """R, height and width of the images."""

    @property
    def classes(self) -> int:
        """K, the number of classes; 0 without labels."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the K classes; empty if they have none."""

    @property
    def content_hash(self) -> str:
        """16 hexadecimal digits that every pixel and every label decides."""

    @property
    def label_histogram(self) -> Tensor:
        """How many of the set's images belong to each class: int64 [K]."""

    def __len__(self) -> int:
        """How many different images there are."""

    def indices(self, seed: int, network: str, position: int, count: int) -> Tensor:
        """Which images are the `count` at `position` of the order in which a network sees them: int64 [count, ...]."""

    def is_on(self, device: torch.device) -> bool:
        """Whether the images live on this device."""

    def gather(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Images uint8 [B, 3, R, R] and labels int64 [B] for rows of `indices`, where the images live.

        Of points: see the file's head. Labels are 0 in a set without labels.
        """
