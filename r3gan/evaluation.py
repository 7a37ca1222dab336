"""What is measured of a generator during training: the metrics of stacked digits, and sample grids.

Shapes: N samples, F features per digit.
"""

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.utils import save_image

from r3gan.classifier import get_classifier, to_unit_range
from r3gan.data import StackedDigits, stacked_label
from r3gan.distributed import World
from r3gan.metrics import covered_modes, frechet_distance, kl_floor, kl_to_uniform, mean_and_covariance
from r3gan.networks import Generator
from r3gan.streams import stream

GRID_SIDE = 8
SAMPLE_BATCH = 100  # at most; small enough for a CPU's cache


class StackedDigitsEvaluator:
    """Modes, D_KL and Frechet distance of stacked digits, in the eyes of the digit classifier.

    Every colour channel is one digit. The Frechet reference is exact: the three channels of a real image are
    independent draws from the training digits, so their features have the digits' mean thrice and a block-diagonal
    covariance. Its value is not comparable with Inception's FID; its name says so.
    """

    def __init__(self, data: StackedDigits, device: torch.device):
        self.classes = data.classes
        self.classifier, self.test_accuracy = get_classifier(data, device)
        parts = (to_unit_range(part.to(device)) for part in data.train.images.split(1000))
        real = torch.cat([self.classifier.features(part) for part in parts])
        mean, covariance = mean_and_covariance(real.cpu())
        self.real_mean, self.real_covariance = mean.repeat(3), torch.block_diag(covariance, covariance, covariance)

    @torch.no_grad()
    def describe(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Modes int64 [B] and features [B, 3F] of images [B, 3, R, R]."""
        features = self.classifier.features(images.flatten(0, 1))  # [3B, F]
        digits = self.classifier.head(features).argmax(1)
        return stacked_label(digits.view(-1, 3)), features.view(len(images), -1)

    def measure(self, modes: Tensor, features: Tensor) -> dict[str, float]:
        """The metrics of N samples: modes [N] and features [N, 3F]."""
        counts = torch.bincount(modes.cpu(), minlength=self.classes)
        mean, covariance = mean_and_covariance(features.cpu())
        return {
            "modes": float(covered_modes(counts)),
            "d_kl": kl_to_uniform(counts),
            "d_kl_floor": kl_floor(len(modes), self.classes),
            "frechet_distance_digits": frechet_distance(mean, covariance, self.real_mean, self.real_covariance),
            "classifier_test_accuracy": self.test_accuracy,
        }


def evaluate(
    generator: Generator,
    evaluator: StackedDigitsEvaluator,
    seed: int,
    samples: int,
    world: World,
    at_once: int = SAMPLE_BATCH,
) -> dict[str, float]:
    """Metrics of `samples` images from the job's fixed evaluation latents, the work shared among the ranks.

    at_once: how many images may be made at a time. Training makes that many too, so that metrics need no more memory.
    """
    latents, labels = fixed_inputs(generator, seed, "evaluation", samples)
    mine = [part[world.share(samples)] for part in (latents, labels) if part is not None]
    described = [evaluator.describe(images) for images in generate(generator, *mine, at_once=at_once)]
    modes, features = (world.gather(torch.cat(parts)) for parts in zip(*described, strict=True))
    return evaluator.measure(modes, features)


def save_grid(generator: Generator, seed: int, path: Path, at_once: int = SAMPLE_BATCH) -> None:
    """An 8x8 grid of samples from the job's fixed grid latents, as a PNG without borders."""
    inputs = fixed_inputs(generator, seed, "grid", GRID_SIDE**2)
    images = torch.cat(list(generate(generator, *inputs, at_once=at_once)))
    save_image(images, path, nrow=GRID_SIDE, padding=0, normalize=True, value_range=(-1, 1), format="png")


def fixed_inputs(generator: Generator, seed: int, purpose: str, count: int) -> tuple[Tensor, Tensor | None]:
    """Latents [count, Z] and, for a conditional network, uniformly drawn classes [count, K] one-hot."""
    latents = torch.randn(count, generator.latent_dim, generator=stream(seed, purpose, "latents"))
    if not generator.classes:
        return latents, None
    labels = torch.randint(generator.classes, (count,), generator=stream(seed, purpose, "labels"))
    return latents, nn.functional.one_hot(labels, generator.classes).float()


@torch.no_grad()
def generate(
    generator: Generator, latents: Tensor, labels: Tensor | None = None, *, at_once: int = SAMPLE_BATCH
) -> Iterable[Tensor]:
    """Images in batches [<=100, 3, R, R], clamped to -1..1."""
    device, size = generator.basis.device, min(at_once, SAMPLE_BATCH)
    for start in range(0, len(latents), size):
        part = slice(start, start + size)
        yield generator(latents[part].to(device), None if labels is None else labels[part].to(device)).clamp(-1, 1)
