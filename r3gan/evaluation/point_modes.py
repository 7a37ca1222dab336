"""Modes of points in the plane: which mode each is near, and what is made of that. See r3gan/data/shapes.py.

Shapes: N samples, B at once, M = 25 modes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from r3gan.data.dataset import Dataset
from r3gan.data.errors import DatasetUnavailable
from r3gan.data.points import PointSet
from r3gan.data.shapes import MODES, NONE, Shape, mode_of, shares
from r3gan.evaluation.extractors import FeatureNetwork
from r3gan.evaluation.modes import covered_modes, kl_floor_of, kl_to
from r3gan.evaluation.scores import Features, Reference, only_layer


class NearMode(nn.Module):
    """Points float32 [B, 2, 1, 1] to the mode that each is near, int64 [B]: 0..24, or NONE.

    Raises DatasetUnavailable unless the dataset is one of points.
    """

    def __init__(self, layers: Sequence[str], data: Dataset):
        super().__init__()
        self.shape = shape_of(data)

    def forward(self, points: Tensor) -> tuple[Tensor]:
        """The only layer, `mode`."""
        return (mode_of(self.shape, points.cpu().flatten(1)),)


def shape_of(data: Dataset) -> Shape:
    """What a dataset's points are drawn from. Raises DatasetUnavailable if it has none."""
    if not isinstance(data, PointSet):
        raise DatasetUnavailable(f"evaluation.metrics: points counts modes of points, which {data.name} has not")
    return data.shape


def shares_reference(network: FeatureNetwork, layer: str, data: Dataset, samples: int) -> Reference:
    """The probabilities of the shape's modes and, last, of being near none."""
    return Reference(shares=shares(shape_of(data)))


def score_points(features: Features, reference: Reference, device: torch.device | None = None) -> dict[str, float]:
    """Modes, D_KL over modes and none, its floor, and the share of samples that are near a mode; from `mode` [N]."""
    assert reference.shares is not None
    counts = counts_with_none(features)
    return {
        "points_modes": float(covered_modes(counts[:MODES])),
        "points_d_kl": kl_to(counts, reference.shares),
        "points_d_kl_floor": kl_floor_of(int(counts.sum()), reference.shares),
        "points_near": float(counts[:MODES].sum() / counts.sum()),
    }


def count_point_modes(features: Features) -> Tensor:
    """How many samples are near each of the 25 modes: int64 [25]."""
    return counts_with_none(features)[:MODES]


def counts_with_none(features: Features) -> Tensor:
    """The same, and last how many are near none: int64 [26]."""
    mode = only_layer(features)
    return torch.bincount(torch.where(mode == NONE, MODES, mode), minlength=MODES + 1)
