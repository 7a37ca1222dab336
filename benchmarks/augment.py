"""What augmentation costs: milliseconds per image, against the usual way to write it, and its share of a D step.

`python -m benchmarks.augment [--seconds 30] [--json FILE]`

Each round runs both ways on the same images and draws, one after the other; medians are compared.

ours       r3gan/training/augment.py: two small matrices around a sampler that reflects, the gradient by the map's
           transpose
usual      as released with StyleGAN2-ADA and R3GAN: reflect as far as any image of the batch needs, a side at most,
           filter to twice the resolution, sample, filter back; the gradient by automatic differentiation. With our
           filters of 7 and 9 taps, so that both give the same images; the released ones have 12.

Forward begins with the numbers drawn for the images. In a D step the augmentation is drawn once for every part, and
then runs forward, backward, and forward again without its offset.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.iteration import Iteration, make_config
from benchmarks.machine import describe_machine, write_result
from benchmarks.tables import Table, show
from r3gan.tables.augmentation_filters import ANALYSIS, SYNTHESIS
from r3gan.training.augment import (
    colour_change,
    cutout_mask,
    draw_noise,
    draw_transforms,
    inverse_warp,
    make_augmentation,
    mix,
)

STRENGTH = 0.5
BATCH = 64
RESOLUTIONS = (32, 64)
D_STEP = "32x32/96/32"
FILTER_REACH = 2  # pixels that the filter to twice the resolution needs on each side

Augment = Callable[[Tensor, Tensor], Tensor]  # images [N, 3, R, R], noise -> augmented


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30, help="how long to measure a resolution, and the D step")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    rows = [measure(resolution, device, options.seconds) for resolution in RESOLUTIONS]
    share = d_step_share(device, options.seconds)
    result = {"strength": STRENGTH, "batch": BATCH, "rows": rows, "d_step": share}
    show(tables(result))
    part = f"{share['augmentation_seconds']:.3f} s of {share['d_step_seconds']:.3f} s"
    print(f"In a D step of {D_STEP}: {part}, {share['share']:.1%}")
    write_result(options.json, result)
    print(describe_machine())


def ours(images: Tensor, noise: Tensor) -> Tensor:
    """What training does."""
    return make_augmentation(noise, STRENGTH, images.shape[-1])(images)


def usual(images: Tensor, noise: Tensor) -> Tensor:
    """Padding, filters and sampling by the library's functions."""
    resolution, channels = images.shape[-1], images.shape[1]
    transforms = draw_transforms(noise, STRENGTH, resolution)
    synthesis, analysis = (
        torch.tensor(taps, dtype=images.dtype, device=images.device).expand(channels, 1, 1, -1)
        for taps in (SYNTHESIS, ANALYSIS)
    )
    inverse = inverse_warp(transforms, resolution)
    reach = (resolution + 3) / 2  # of the samples that are wanted, in pixels from the centre
    corners = torch.tensor([[-reach, reach] * 2, [-reach] * 2 + [reach] * 2, [1.0] * 4], device=images.device)
    points = inverse @ corners  # [N, 2, 4]
    beyond = torch.stack([-points, points]).amax((1, 3)) - (resolution - 1) / 2 + FILTER_REACH
    left, top, right, bottom = (int(side) for side in beyond.ceil().clamp(0, resolution - 1).flatten().tolist())
    x = F.pad(images, [left, right, top, bottom], mode="reflect")
    x = F.conv_transpose2d(x, synthesis, stride=(1, 2), padding=(0, 3), groups=channels)
    x = F.conv_transpose2d(x, synthesis.mT, stride=(2, 1), padding=(3, 0), groups=channels)
    inverse[:, 0, 2] += (left - right) / 2
    inverse[:, 1, 2] += (top - bottom) / 2
    inverse[:, :, :2] *= reach
    half_sides = torch.tensor([[resolution - 1 + left + right], [resolution - 1 + top + bottom]], device=x.device) / 2
    samples = 2 * resolution + 7
    grid = F.affine_grid(inverse / half_sides, [len(x), channels, samples, samples], align_corners=True)
    x = F.grid_sample(x, grid, align_corners=True)
    x = F.conv2d(x, analysis, stride=(1, 2), groups=channels)
    x = F.conv2d(x, analysis.mT, stride=(2, 1), groups=channels)
    matrix, brightness = colour_change(transforms)
    return (mix(matrix, x) + brightness[:, None, None, None]) * cutout_mask(transforms, resolution)


def measure(resolution: int, device: torch.device, seconds: float) -> dict[str, Any]:
    """Milliseconds per image of both ways at one resolution."""
    images, noise = random_batch(BATCH, resolution, device)
    direction = torch.randn_like(images)

    def forward(augment: Augment) -> None:
        with torch.no_grad():
            augment(images, noise)

    def both(augment: Augment) -> None:
        leaf = images.detach().requires_grad_()
        torch.autograd.grad(augment(leaf, noise), leaf, direction)

    work = {
        f"{passes}_{name}": (run, augment)
        for name, augment in (("ours", ours), ("usual", usual))
        for passes, run in (("forward", forward), ("both", both))
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    began = time.perf_counter()
    while len(times["both_usual"]) < 4 or time.perf_counter() - began < seconds:
        for name, (run, augment) in work.items():
            times[name].append(seconds_of(lambda run=run, augment=augment: run(augment), device))  # type: ignore[misc]
    medians = {name: 1000 * statistics.median(values[1:]) / BATCH for name, values in times.items()}
    factors = {f"{passes}_factor": medians[f"{passes}_usual"] / medians[f"{passes}_ours"] for passes in PASSES}
    largest = (ours(images, noise) - usual(images, noise)).abs().amax((1, 2, 3))
    same = (largest < 1e-3).float().mean().item()
    return {"resolution": resolution, "rounds": len(times["both_usual"]) - 1, "same_images": same} | medians | factors


PASSES = ("forward", "both")


def d_step_share(device: torch.device, seconds: float) -> dict[str, float]:
    """Seconds of a D step without augmentation, and of the augmentation that it would have, in the same parts."""
    iteration = Iteration("first order", make_config(D_STEP, ()), device)
    images, noise = random_batch(2 * iteration.config.batch_size, iteration.config.network.resolution, device)
    part = 2 * iteration.micro_batch

    def augmentation() -> None:
        for x, u in zip(images.split(part), noise.split(part), strict=True):
            augment = make_augmentation(u, STRENGTH, x.shape[-1])
            leaf = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(augment(leaf), leaf, x)
            augment.linear(gradient)

    of_augmentation: list[float] = []
    of_step: list[float] = []
    began = time.perf_counter()
    while len(of_step) < 4 or time.perf_counter() - began < seconds:
        of_step.append(iteration.run()[0])
        of_augmentation.append(seconds_of(augmentation, device))
    step, augmented = (statistics.median(values[1:]) for values in (of_step, of_augmentation))
    return {"d_step_seconds": step, "augmentation_seconds": augmented, "share": augmented / (step + augmented)}


def random_batch(count: int, resolution: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Images as training has them, and their draws."""
    images = torch.rand(count, 3, resolution, resolution, device=device) * 2 - 1
    noise = draw_noise(count, torch.Generator().manual_seed(0)).to(device)
    return images.contiguous(memory_format=torch.channels_last), noise


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Once."""
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def tables(result: dict[str, Any]) -> list[Table]:
    """For the terminal."""
    rows = []
    for row in result["rows"]:
        cells = [f"{row[f'{passes}_{name}']:.3f}" for passes in PASSES for name in ("ours", "usual", "factor")]
        rows.append([f"{row['resolution']}x{row['resolution']}", *cells])
    title = f"milliseconds per image, {result['batch']} at once; ×: the usual way takes × ours"
    of_both = ("and backward", "and backward, usual", "and backward, ×")
    return [Table(title=title, columns=("images", "forward", "forward, usual", "forward, ×", *of_both), rows=rows)]


if __name__ == "__main__":
    main()
