"""A generator as one graph without Python, and how far what was made of it differs from the generator itself.

Shapes: N images (free), Z latent dimension, K classes, R resolution.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from r3gan.generation.inputs import as_one_hot, latents_of
from r3gan.generation.load import LoadedGenerator

CHECKED_BATCHES = (1, 2, 3, 8)
TOLERANCE = 1e-3  # of images in -1..1; a quarter of one of 255 steps is 2e-3
LATENTS, LABELS, IMAGES = "z", "labels", "images"
Inputs = dict[str, Tensor]


class ExportMismatch(Exception):
    """What was written does not compute what the generator does; the message says by how much they differ."""


class Unconditional(nn.Module):
    """Latents z [N, Z] to images [N, 3, R, R] in -1..1."""

    def __init__(self, generator: LoadedGenerator):
        super().__init__()
        self.network = generator.network

    def forward(self, z: Tensor) -> Tensor:
        return self.network(z).clamp(-1, 1)


class Conditional(Unconditional):
    """Latents z [N, Z] and one-hot labels [N, K] to images [N, 3, R, R] in -1..1."""

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:  # type: ignore[override]
        return self.network(z, labels).clamp(-1, 1)


@contextmanager
def readable_flags() -> Iterator[None]:
    """Within, torch's exporters work also after a training in the same process.

    They read a flag of cuDNN as a whole, which torch refuses where convolutions alone were set, as training does.
    """
    precision = torch.backends.cudnn.conv.fp32_precision  # type: ignore[attr-defined]
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        torch.backends.cudnn.conv.fp32_precision = precision  # type: ignore[attr-defined]


def trace(generator: LoadedGenerator) -> ExportedProgram:
    """The generator, which is on the CPU, as a program of any batch size, in float32."""
    module = Conditional(generator) if generator.classes else Unconditional(generator)
    inputs = inputs_of(generator, 2)
    free = {name: {0: Dim("batch")} for name in inputs}
    with torch.no_grad():
        module(*inputs.values())  # makes the kernels of resamplings, which are kept: not while they would be traced
    return torch.export.export(module.eval(), tuple(inputs.values()), dynamic_shapes=free)


def inputs_of(generator: LoadedGenerator, count: int) -> Inputs:
    """The latents of the first seeds and, for a conditional generator, all classes in turn."""
    inputs = {LATENTS: latents_of(range(count), generator.latent_dim, generator.noise_dim)}
    if generator.classes:
        inputs[LABELS] = as_one_hot(torch.arange(count) % generator.classes, generator.classes)
    return inputs


def largest_difference(generator: LoadedGenerator, run: Callable[[Inputs], Tensor]) -> float:
    """Between the images that the generator makes and those that `run` makes, over several sizes of batches.

    Raises ExportMismatch if it is not small.
    """
    found = torch.tensor(list(differences(generator, run))).max().item()  # NaN if any is
    if not found <= TOLERANCE:
        raise ExportMismatch(
            f"the written file differs from the generator by {found:.2g}, where {TOLERANCE:g} is allowed (of images "
            "in -1..1): it was removed"
        )
    return found


def differences(generator: LoadedGenerator, run: Callable[[Inputs], Tensor]) -> Iterable[float]:
    """The largest for each size of batch."""
    for count in CHECKED_BATCHES:
        inputs = inputs_of(generator, count)
        with torch.no_grad():
            expected = generator(*inputs.values())
        yield (run(inputs) - expected).abs().max().item()
