"""What images are compared by: features of a network that needs no download, or pixels.

Shapes: N images, R resolution, F features.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from r3gan.data.catalog import data_root
from r3gan.data.dataset import Dataset
from r3gan.data.digits import StackedDigits
from r3gan.evaluation.extractors import FeatureNetwork
from r3gan.tables.metrics import DIGITS

REDUCED = 8  # side of an image as features
LAYER = "features"


class FeatureSpace(NamedTuple):
    """A way to compare images."""

    name: str
    of: Callable[[Tensor], Tensor]  # images uint8 [N, 3, R, R] to float32 [N, F], on the CPU
    learned: bool


def feature_space(real: Dataset | None, device: torch.device) -> FeatureSpace:
    """The digit classifier for stacked digits, reduced pixels for everything else."""
    if isinstance(real, StackedDigits):
        network = FeatureNetwork(DIGITS, [LAYER], data=real, root=data_root(), device=device)
        return FeatureSpace("features of the digit classifier", lambda images: network(images)[LAYER], learned=True)
    name = f"pixels, reduced to {REDUCED}x{REDUCED} by averaging"
    return FeatureSpace(name, reduced_pixels, learned=False)


def reduced_pixels(images: Tensor) -> Tensor:
    """Images uint8 [N, 3, R, R] as averages [N, 3 * 8 * 8] in 0..255; smaller ones as they are."""
    pixels = images.cpu().float()
    return (adaptive_avg_pool2d(pixels, REDUCED) if pixels.shape[-1] > REDUCED else pixels).flatten(1)


def all_pixels(images: Tensor) -> Tensor:
    """Images uint8 [N, 3, R, R] as float32 [N, 3 R R] in 0..255."""
    return images.cpu().float().flatten(1)
