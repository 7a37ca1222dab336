"""The generator that a page is about, the real images beside it, and what several sections need of both.

Shapes: N samples, M real images, Z latent dimension, K classes, R resolution, F features.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from r3gan.data.dataset import Dataset
from r3gan.evaluation.reference import all_indices, drawn_rows
from r3gan.evaluation.sampling import fixed_inputs, to_uint8
from r3gan.exploration.features import FeatureSpace, feature_space
from r3gan.generation.images import images_of
from r3gan.generation.load import LoadedGenerator

PURPOSE, SEED = "exploration", 0  # of the stream that samples for statistics are drawn from


@dataclass(frozen=True, kw_only=True)
class Subject:
    """See the file's head."""

    loaded: LoadedGenerator
    real: Dataset | None
    missing: str  # why there are no real images; empty if there are
    seeds: tuple[int, ...]  # of the images that are shown
    samples: int  # N, for statistics
    at_once: int
    device: torch.device

    @property
    def knows_classes(self) -> bool:
        """Whether the real images have the generator's classes."""
        return self.real is not None and self.real.classes == self.loaded.classes

    @cached_property
    def shown(self) -> tuple[Tensor, Tensor | None]:
        """Latents [S, Z] and labels [S, K] of the seeds, as `generate` has them."""
        return self.loaded.inputs(self.seeds)

    @cached_property
    def drawn(self) -> tuple[Tensor, Tensor | None]:
        """Latents [N, Z] and labels [N, K] for statistics: classes as often as in the data, if that is known."""
        how = "dataset" if self.knows_classes else "balanced"
        histogram = self.real.label_histogram if self.real is not None else torch.zeros(0)
        return fixed_inputs(self.loaded.network, histogram, SEED, PURPOSE, self.samples, how)  # type: ignore[arg-type]

    def images(self, z: Tensor, labels: Tensor | None) -> Tensor:
        """Images [N, 3, R, R] of latents, on the CPU."""
        return torch.cat([part.cpu() for part in images_of(self.loaded.network, z, labels, self.at_once)])

    @cached_property
    def space(self) -> FeatureSpace:
        """What images are compared by."""
        return feature_space(self.real, self.device)

    def features(self, images: Tensor) -> Tensor:
        """Features [N, F] of images [N, 3, R, R], rounded to 8 bits as they would be saved."""
        return torch.cat([self.space.of(to_uint8(part.clone())) for part in images.split(self.at_once)])

    @cached_property
    def sample_features(self) -> Tensor:
        """Features [N, F] of the samples for statistics."""
        return self.features(self.images(*self.drawn))

    @cached_property
    def real_features(self) -> Tensor:
        """Features [M, F] of as many real images, at most."""
        return torch.cat([self.space.of(real_images(self.real, rows)) for rows in self.real_rows(self.samples)])

    def real_rows(self, most: int) -> tuple[Tensor, ...]:
        """Indices of real images, `most` drawn ones if there are more, in parts."""
        assert self.real is not None
        indices = all_indices(self.real)
        return indices[drawn_rows(len(indices), most)].split(self.at_once)


def real_images(real: Dataset | None, rows: Tensor) -> Tensor:
    """Real images uint8 [B, 3, R, R], on the CPU."""
    assert real is not None
    return real.gather(rows)[0].cpu()
