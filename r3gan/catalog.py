"""Which datasets there are and where their files are looked for. Needs no torch, so that plans are made quickly."""

import os
from pathlib import Path

DATASETS = ("stacked-digits", "stacked-mnist")

MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


class DatasetUnavailable(Exception):
    """A dataset cannot be had; the message says which file belongs where."""


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
