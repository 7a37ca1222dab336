"""The generator behind `from r3gan import load_generator`."""

from pathlib import Path

import torch
from torch import Tensor, nn

from r3gan.config import IMG_PER_KIMG
from r3gan.generation.inputs import as_one_hot
from r3gan.snapshot import Snapshot, WeightsName, open_snapshot


class LoadedGenerator(nn.Module):
    """A generator that was trained, in eval mode: `generator(z, labels)`.

    latent_dim Z, classes K (0: unconditional), resolution R; dataset: what it was trained on (None: not known);
    images_shown: real images that training had shown to D.
    """

    def __init__(self, snapshot: Snapshot):
        super().__init__()
        self.network = snapshot.generator
        self.latent_dim, self.classes = self.network.latent_dim, self.network.classes
        self.resolution = snapshot.network.resolution
        self.dataset, self.images_shown = snapshot.dataset, snapshot.images
        self.eval()

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Latents z [N, Z], standard normal, to images [N, 3, R, R] in -1..1.

        labels, for a conditional generator: classes, whole numbers [N] in 0..K-1, or their weights [N, K] (one-hot;
        what lies between two of them mixes the classes' embeddings). Both are moved to the generator's device.
        Gradients flow to z and to weights of classes. Raises ValueError for other shapes and for labels of no use.
        """
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"z is {list(z.shape)}: [N, {self.latent_dim}] was expected")
        return self.network(z.to(self.network.basis), self._weights(labels, len(z))).clamp(-1, 1)

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
