"""R3GAN: model, losses, penalties, data, metrics, the training loop, and images from what it trained."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

    from r3gan.generation.load import LoadedGenerator

__all__ = ["RESULT_VERSION", "load_generator"]
RESULT_VERSION = 4  # raised whenever a change to this package changes what a job with the same configuration yields


def load_generator(
    source: str | Path,
    *,
    weights: Literal["ema", "raw", "best"] = "ema",
    device: "str | torch.device" = "cpu",
) -> "LoadedGenerator":
    """A trained generator as an nn.Module in eval mode: `generator(z, labels)` gives images [N, 3, R, R] in -1..1.

    source: a job directory, a checkpoint, a .safetensors file that this project wrote, or an imported official model.
    weights: of a job or checkpoint: the moving average, G itself, or (of a job) what scored best.
    z is [N, generator.latent_dim], standard normal; labels are classes [N] for a generator with `classes` above 0, and
    left out for others; `generator.resolution` is R. `generator.inputs(seeds)` are the z and labels of
    `r3gan generate`. Raises r3gan.snapshot.NoSnapshot if there is no such generator
    or its file is damaged.
    """
    import torch  # seconds

    from r3gan.generation.load import load

    return load(Path(source), weights, torch.device(device))
