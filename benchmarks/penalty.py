"""Speed of D's step with R1 and R2: our convolutions and resampling against the library's own second gradients.

`python -m benchmarks.penalty [--width 64] [--resolution 8] [--batch 64] [--rounds 15] [--json FILE]`

Both run in this process, in turn, on the same network and images; the medians and their ratio are printed.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

import r3gan.networks
from r3gan.config import LossPhase, NetworkConfig, PenaltyConfig
from r3gan.convolution import conv2d
from r3gan.losses import make_loss
from r3gan.networks import Discriminator, initialise
from r3gan.penalties import backward_discriminator
from r3gan.resampling import bilinear_kernel, downsample


def library_conv2d(x: Tensor, weight: Tensor, padding: int, groups: int) -> Tensor:
    """The library's convolution, whose second gradient loops over the groups."""
    return F.conv2d(x, weight, padding=padding, groups=groups)


def library_downsample(x: Tensor) -> Tensor:
    """The library's depthwise convolution."""
    return F.conv2d(x, bilinear_kernel(x), stride=2, padding=1, groups=x.shape[1])


FORMS: dict[str, dict[str, Callable[..., Tensor]]] = {
    "library": {"conv2d": library_conv2d, "downsample": library_downsample},
    "ours": {"conv2d": conv2d, "downsample": downsample},
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--resolution", type=int, default=8)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    stages = (options.resolution // 4).bit_length()
    config = NetworkConfig((options.width,) * stages, (options.width // 8,) * stages, (1,) * stages)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = Discriminator(config)
    initialise(network, 0, "discriminator")
    network.to(device).to(memory_format=torch.channels_last)
    shape = (options.batch, 3, options.resolution, options.resolution)
    real, fake = (torch.randn(shape, device=device).contiguous(memory_format=torch.channels_last) for _ in range(2))

    times: dict[str, list[float]] = {name: [] for name in FORMS}
    for _ in range(options.rounds + 2):
        for name, functions in FORMS.items():
            vars(r3gan.networks).update(functions)
            started = time.perf_counter()
            backward_discriminator(network, real, fake, None, make_loss(LossPhase()), 1.0, PenaltyConfig())
            if device.type == "cuda":
                torch.cuda.synchronize()
            times[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(values[2:]) for name, values in times.items()}
    result = {
        "what": "D step, seconds (median)",
        **medians,
        "speedup": medians["library"] / medians["ours"],
        "settings": {key: value for key, value in vars(options).items() if key != "json"},
        "device": torch.cuda.get_device_name() if device.type == "cuda" else platform.processor() or "cpu",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
