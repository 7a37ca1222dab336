"""What this version can train on, and where files are looked for. Needs no torch, so that plans are made quickly."""

import os
from pathlib import Path
from typing import NamedTuple

from r3gan.config import Problem, TrainConfig


class Facts(NamedTuple):
    """What is known of a dataset before its files are."""

    resolution: int
    classes: int  # 0: without labels
    available: bool = True  # whether this version can load it


DATASETS = {
    "stacked-digits": Facts(8, 1000),
    "stacked-mnist": Facts(32, 1000),
    "cifar10": Facts(32, 10, available=False),
    "ffhq64": Facts(64, 0, available=False),
    "ffhq256": Facts(256, 0, available=False),
    "imagenet32": Facts(32, 1000, available=False),
    "imagenet64": Facts(64, 1000, available=False),
}
AVAILABLE = [name for name, facts in DATASETS.items() if facts.available]

MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


class DatasetUnavailable(Exception):
    """A dataset cannot be had; the message says which file belongs where."""


def availability_problems(config: TrainConfig) -> list[Problem]:
    """What a sound configuration asks for and this version does not have."""
    problems = []
    if config.dataset not in AVAILABLE:
        problems.append(Problem(("dataset",), f"{config.dataset} is not in this version: {', '.join(AVAILABLE)} are"))
    elif config.network.resolution != DATASETS[config.dataset].resolution:
        ours, theirs = config.network.resolution, DATASETS[config.dataset].resolution
        message = (
            f"has {len(config.network.widths)} stages, for {ours}x{ours} images; {config.dataset} has {theirs}x{theirs}"
        )
        problems.append(Problem(("network", "widths"), message))
    if config.schedules.augment_p.start or config.schedules.augment_p.end:
        problems.append(Problem(("schedules", "augment_p"), "is above 0, and augmentation is not in this version"))
    return problems


def data_root() -> Path:
    """The folder that holds dataset files: the environment's R3GAN_DATA, or ./data."""
    return Path(os.environ.get("R3GAN_DATA", "data"))


def cache_root() -> Path:
    """The folder for derived files that jobs share: the environment's R3GAN_CACHE, or ~/.cache/r3gan."""
    return Path(os.environ.get("R3GAN_CACHE", Path.home() / ".cache" / "r3gan"))


def mnist_folder(root: Path) -> Path:
    """The folder under `root` that holds all four IDX files. Raises DatasetUnavailable if there is none."""
    for folder in (root, root / "mnist", root / "MNIST" / "raw"):
        if all(idx_file(folder, name) for name in MNIST_FILES):
            return folder
    raise DatasetUnavailable(
        f"MNIST was not found: put {', '.join(MNIST_FILES)} (or each with .gz) into {root / 'mnist'}, "
        "or name the folder that holds them in R3GAN_DATA"
    )


def idx_file(folder: Path, name: str) -> Path | None:
    """The IDX file `name` in the folder, plain or compressed."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)
