"""How fast a prepared dataset opens and hands out random batches, against how fast training consumes them.

Beside it: how long a zip of a million images takes to be opened as a source.

`python -m benchmarks.data [--step-batch 8] [--json FILE]`

Batches come through `r3gan.training.batches.Batches` as in training: real images and latents of the CIFAR-10 preset,
512 for D and 512 for G in turn, from 50,000 prepared images of noise. What training consumes is timed on real
steps of that preset, by default with 8 images per step on a CPU, where its rate hardly depends on that, and with 512 on
a GPU.
"""

import argparse
import statistics
import tempfile
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.iteration import BETA2, EMA_DECAY, LR, step_options
from benchmarks.machine import write_result
from benchmarks.tables import Table, show
from r3gan.arguments import positive
from r3gan.config import TrainConfig
from r3gan.config_json import from_dict
from r3gan.data.files import ZipFiles
from r3gan.data.manifest import IMAGES, LABELS, Manifest
from r3gan.data.store import open_prepared
from r3gan.distributed import World
from r3gan.presets import preset_tree
from r3gan.training.batches import Batches
from r3gan.training.cost import Workload
from r3gan.training.estimate import default_micro_batch, gpu_memory_bytes
from r3gan.training.state import fresh_state
from r3gan.training.steps import discriminator_step, generator_step, schedule_adam, update_ema

IMAGES_IN_SET, RESOLUTION, CLASSES = 50_000, 32, 10
MANY = 1_000_000
BATCHES = 100  # per round
ROUNDS = 5


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step-batch", type=positive, help="images per D step and per G step of the timed training")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    tree = preset_tree("cifar10") | {"dataset": "noise", "seed": 0}
    config: TrainConfig = from_dict(TrainConfig, tree)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_noise(root / "noise", IMAGES_IN_SET)
        write_noise(root / "many", MANY, sparse=True)
        drawn = [draw_rate(config, root, device) for _ in range(ROUNDS)]
        consumed = consume_rate(config, options.step_batch or (8 if device.type == "cpu" else 512), root, device)
        opening = [seconds_to_open(root / "many") for _ in range(ROUNDS)]
        write_members(root / "many.zip", MANY)
        listing = [seconds_to_list(root / "many.zip") for _ in range(ROUNDS)]
    result = {
        "batch": config.batch_size,
        "drawn_images_per_second": statistics.median(drawn),
        "step_batch": options.step_batch or (8 if device.type == "cpu" else 512),
        "consumed_images_per_second": consumed,
        "factor": statistics.median(drawn) / consumed,
        "seconds_to_open_a_million_images": statistics.median(opening),
        "seconds_to_list_a_zip_of_a_million_images": statistics.median(listing),
    }
    show(tables(result))
    write_result(options.json, result)


def tables(result: dict[str, float]) -> list[Table]:
    """For the terminal."""
    rows = [
        [key.replace("_", " "), f"{value:,.4g}" if value < 100 else f"{value:,.0f}"] for key, value in result.items()
    ]
    return [Table(title="a prepared dataset", columns=("what", "value"), rows=rows)]


def write_noise(folder: Path, count: int, sparse: bool = False) -> None:
    """A prepared dataset of noise; sparse: of zeros, which take no space."""
    folder.mkdir()
    shape, rng = (count, RESOLUTION, RESOLUTION, 3), np.random.default_rng(0)
    images = np.lib.format.open_memmap(folder / IMAGES, "w+", np.uint8, shape)
    for start in range(0, 0 if sparse else count, 10_000):
        images[start : start + 10_000] = rng.integers(0, 256, images[start : start + 10_000].shape, np.uint8)
    del images
    np.save(folder / LABELS, np.arange(count) % CLASSES)
    histogram = (count // CLASSES,) * CLASSES
    Manifest(
        name=folder.name,
        source="noise",
        count=count,
        resolution=RESOLUTION,
        classes=CLASSES,
        label_histogram=histogram,
        content_hash="0" * 16,
    ).write(folder)


def draw_rate(config: TrainConfig, root: Path, device: torch.device) -> float:
    """Images per second of batches for D and G in turn, with nothing between them."""
    batches = Batches(config, open_prepared(root / "noise").to(device), World(0, 1, device))
    draw(batches, config.batch_size, 0, 5)
    synchronise(device)
    started = time.perf_counter()
    draw(batches, config.batch_size, 5, BATCHES)
    synchronise(device)
    rate = BATCHES * 2 * config.batch_size / (time.perf_counter() - started)
    batches.close()
    return rate


def draw(batches: Batches, size: int, first: int, count: int) -> None:
    """Take `count` batches for each network."""
    for position in range(first * size, (first + count) * size, size):
        for phase in ("discriminator", "generator"):
            batches.get(phase, position)


def consume_rate(config: TrainConfig, step_batch: int, root: Path, device: torch.device) -> float:
    """Images per second that training takes for D and G together: the fastest of three iterations after the first."""
    config = replace(config, batch_size=step_batch)
    data, world = open_prepared(root / "noise").to(device), World(0, 1, device)
    state, batches = fresh_state(config, CLASSES, device), Batches(config, data, world)
    options = step_options(config, default_micro_batch(Workload.of(config, CLASSES), gpu_memory_bytes(device)))
    schedule_adam(state, LR, BETA2)
    seconds = []
    for i in range(4):
        synchronise(device)
        started = time.perf_counter()
        batch = batches.get("discriminator", i * step_batch)
        discriminator_step(state, batch, world, options)
        generator_step(state, batches.get("generator", i * step_batch), world, options)
        update_ema(state, EMA_DECAY)
        synchronise(device)
        seconds.append(time.perf_counter() - started)
    batches.close()
    return 2 * step_batch / min(seconds[1:])


def seconds_to_open(folder: Path) -> float:
    """How long until a prepared dataset can be asked for images."""
    started = time.perf_counter()
    open_prepared(folder)
    return time.perf_counter() - started


def write_members(path: Path, count: int) -> None:
    """A zip of so many empty members, a thousand to a folder."""
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(count):
            archive.writestr(zipfile.ZipInfo(f"{i // 1000:05d}/img{i:08d}.png"), b"")


def seconds_to_list(path: Path) -> float:
    """How long until a zip's names are known, normalised, checked and in order."""
    started = time.perf_counter()
    assert len(ZipFiles(path).sizes) == MANY
    return time.perf_counter() - started


def synchronise(device: torch.device) -> None:
    """Wait for the device, so that times are of finished work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
