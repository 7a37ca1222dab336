"""Points of the plane as a dataset: drawn once from a seeded stream, as many of each mode.

A point is an image of two channels and 1x1 pixels, so that networks, penalties and checkpoints are those of images.
Shapes: N points in the set, B in a batch. Points handed out are float32 [B, 2, 1, 1]: not rounded to 8 bits.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from r3gan.data.shapes import MODES, SHAPES, Shape
from r3gan.data.store import permutation_indices
from r3gan.streams import stream

PER_MODE = 4000  # points
POINTS = PER_MODE * MODES
SEED = 0  # the points are part of the dataset: no job draws others


@dataclass(frozen=True, eq=False)
class PointSet:
    """The points of one shape, on one device; the mode that a point was drawn from is its label."""

    name: str
    points: Tensor  # float32 [N, 2]
    labels: Tensor  # int64 [N] in 0..24

    source = "drawn here"
    resolution = 1
    classes = MODES
    class_names = ()  # they are numbers

    @property
    def shape(self) -> Shape:
        """What they were drawn from."""
        return SHAPES[self.name]

    def __len__(self) -> int:
        return len(self.points)

    @cached_property
    def label_histogram(self) -> Tensor:
        """How many points were drawn from each mode: int64 [25], all alike."""
        return torch.bincount(self.labels.cpu(), minlength=MODES)

    @cached_property
    def content_hash(self) -> str:
        """A hash of every coordinate and every label."""
        digest = hashlib.sha256(self.points.cpu().numpy().tobytes())
        digest.update(self.labels.cpu().numpy().tobytes())
        return digest.hexdigest()[:16]

    def indices(self, seed: int, network: str, position: int, count: int) -> Tensor:
        """Which points are the `count` at `position` of the network's own endless order: int64 [count].

        One seeded permutation of the whole set after the other, as of images.
        """
        return permutation_indices(seed, network, position, count, len(self))

    def is_on(self, device: torch.device) -> bool:
        """Whether the points live on this device."""
        return self.points.device == device

    def gather(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Points float32 [B, 2, 1, 1] and labels int64 [B] at indices [B], where the points live."""
        return self.points[indices][:, :, None, None], self.labels[indices]

    def to(self, device: torch.device) -> "PointSet":
        """The points on a device."""
        return PointSet(self.name, self.points.to(device), self.labels.to(device))


def draw_points(name: str) -> PointSet:
    """The points of a shape, a row of SHAPES: 4000 of each mode.

    Drawn in float64 and rounded to float32, so that libraries that differ in the last bits give the same points.
    """
    labels = torch.arange(POINTS) % MODES
    draws = stream(SEED, "points", name)
    uniform = torch.rand(POINTS, dtype=torch.float64, generator=draws)
    normal = torch.randn(POINTS, 2, dtype=torch.float64, generator=draws)
    return PointSet(name, SHAPES[name].place(labels, uniform, normal).float(), labels)
