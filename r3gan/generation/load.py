"""The generator behind `from r3gan import load_generator`."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from r3gan.config import IMG_PER_KIMG
from r3gan.generation.inputs import as_one_hot, classes_of, latents_of
from r3gan.generation.paths import path_through
from r3gan.snapshot import Snapshot, WeightsName, open_snapshot


class LoadedGenerator(nn.Module):
    """A generator that was trained, in eval mode: `generator(z, labels)`.

    latent_dim Z, of which the last noise_dim are the noise of G's blocks (0: it has none), classes K (0:
    unconditional), resolution R, channels I (3, or 2 of points of the plane); dataset: what it was trained on (None:
    not known); images_shown: real images that training had shown to D.
    """

    def __init__(self, snapshot: Snapshot):
        super().__init__()
        self.network = snapshot.generator
        self.latent_dim, self.classes = self.network.latent_dim, self.network.classes
        self.noise_dim = self.network.noise_dim
        self.resolution, self.channels = snapshot.network.resolution, snapshot.network.image_channels
        self.dataset, self.images_shown = snapshot.dataset, snapshot.images
        self.eval()

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Latents z [N, Z], standard normal, to images [N, I, R, R] in -1..1.

        labels, for a conditional generator: classes, whole numbers [N] in 0..K-1, or their weights [N, K] (one-hot;
        what lies between two of them mixes the classes' embeddings). Both are moved to the generator's device.
        Gradients flow to z and to weights of classes. Raises ValueError for other shapes and for labels of no use.
        """
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"z is {list(z.shape)}: [N, {self.latent_dim}] was expected")
        return self.network(z.to(self.network.basis), self._weights(labels, len(z))).clamp(-1, 1)

    def inputs(self, seeds: Sequence[int]) -> tuple[Tensor, Tensor | None]:
        """What `r3gan generate` feeds for these seeds: z [N, Z] and weights of classes [N, K], None without classes."""
        labels = as_one_hot(classes_of(seeds, self.classes), self.classes) if self.classes else None
        return latents_of(seeds, self.latent_dim, self.noise_dim), labels

    def inputs_between(self, seeds: Sequence[int], steps: int) -> tuple[Tensor, Tensor | None]:
        """The way from seed to seed, `steps` frames each, as `r3gan interpolate` goes: F = (N - 1) steps + 1 inputs.

        Latents go along the arc, weights of classes straight.
        """
        z, labels = self.inputs(seeds)
        between = None if labels is None else path_through(labels, steps, "linear", loop=False)
        return path_through(z, steps, "spherical", loop=False), between

    def _weights(self, labels: Tensor | None, count: int) -> Tensor | None:
        if not self.classes:
            if labels is not None:
                raise ValueError("labels were given to an unconditional generator: leave them out")
            return None
        if labels is None:
            raise ValueError(
                f"labels are missing: classes [N] in 0..{self.classes - 1}, or weights [N, {self.classes}]"
            )
        if labels.ndim == 1 and not labels.is_floating_point():
            if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < self.classes:
                raise ValueError(f"labels are {labels.tolist()}: classes 0 to {self.classes - 1} were expected")
            labels = as_one_hot(labels.long(), self.classes)
        if labels.shape != (count, self.classes):
            expected = f"classes [{count}] or weights [{count}, {self.classes}]"
            raise ValueError(f"labels are {list(labels.shape)}: {expected} were expected")
        return labels.to(self.network.basis)


def load(source: Path, weights: WeightsName, device: torch.device) -> LoadedGenerator:
    """See `r3gan.load_generator`."""
    return LoadedGenerator(open_snapshot(source, weights, device))


def origin(source: Path, generator: LoadedGenerator) -> str:
    """Whose images they are, for the user."""
    return f"by {source} after {generator.images_shown / IMG_PER_KIMG:g} kimg"
