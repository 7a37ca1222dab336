"""What can be trained on, and where its files are looked for. Needs no torch, so that plans are made quickly."""

import difflib
import os
import re
from pathlib import Path
from typing import NamedTuple

from r3gan.data.errors import DatasetUnavailable as DatasetUnavailable
from r3gan.data.manifest import is_prepared, read_manifest


class Facts(NamedTuple):
    """What is known of a dataset before its files are."""

    resolution: int
    classes: int  # 0: without labels
    images: int | None = None  # None: made by stacking


class Raw(NamedTuple):
    """How a dataset comes, before it is prepared."""

    names: tuple[str, ...]  # patterns, in the data folder and its raw/; the dataset's own folder may hold any format
    advice: str  # which file belongs where, after "put"


DATASETS = {
    "stacked-digits": Facts(8, 1000),
    "stacked-mnist": Facts(32, 1000),
    "cifar10": Facts(32, 10, 50_000),
    "ffhq64": Facts(64, 0, 70_000),
    "ffhq256": Facts(256, 0, 70_000),
    "imagenet32": Facts(32, 1000, 1_281_167),
    "imagenet64": Facts(64, 1000, 1_281_167),
}

RAW = {
    "cifar10": Raw(
        ("cifar-10-batches-py", "cifar-10-python.tar.gz"),
        "cifar-10-python.tar.gz (or its folder cifar-10-batches-py)",
    ),
    "ffhq64": Raw(
        ("ffhq64.zip", "ffhq-64x64.zip", "ffhq-64x64", "ffhq64*.parquet"),
        "ffhq-64x64.zip, or the folder, zip or parquet files of the 70,000 images (64x64 or larger)",
    ),
    "ffhq256": Raw(
        ("ffhq256.zip", "ffhq-256x256.zip", "ffhq-256x256", "ffhq256*.parquet"),
        "ffhq-256x256.zip, or the folder, zip or parquet files of the 70,000 images (256x256 or larger)",
    ),
    "imagenet32": Raw(
        ("[Ii]magenet32_train*.zip", "imagenet32.zip"),
        "Imagenet32_train.zip, or train_data_batch_1 ... train_data_batch_10 (pickled or .npz), "
        "or the 1000 class folders of the training images",
    ),
    "imagenet64": Raw(
        ("[Ii]magenet64_train*.zip", "imagenet64.zip"),
        "Imagenet64_train_part1.zip and Imagenet64_train_part2.zip, "
        "or train_data_batch_1 ... train_data_batch_10 (pickled or .npz), "
        "or the 1000 class folders of the training images",
    ),
}

MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

OWN_NAME = re.compile(r"\w[\w.-]*")  # of a prepared dataset: one folder's name, no path


def facts(name: str) -> Facts | None:
    """What is known of a dataset: of this table, or prepared by the user under `data_root()`. None if neither.

    Raises DatasetUnavailable if the user's manifest is damaged.
    """
    if name in DATASETS:
        return DATASETS[name]
    if not OWN_NAME.fullmatch(name) or not is_prepared(data_root() / name):
        return None
    manifest = read_manifest(data_root() / name)
    return Facts(manifest.resolution, manifest.classes, manifest.count)


def own_names(root: Path) -> list[str]:
    """The user's own prepared datasets under `root`."""
    folders = (path.parent for path in root.glob("*/manifest.json"))
    return sorted(folder.name for folder in folders if folder.name not in DATASETS and OWN_NAME.fullmatch(folder.name))


def unknown_dataset(name: str) -> str:
    """What is said of a name that nobody knows."""
    names = [*DATASETS, *own_names(data_root())]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    folder = data_root() / (name if OWN_NAME.fullmatch(name) else "NAME")
    own = f"python -m r3gan data prepare IMAGES {folder}"
    return f"{name} is unknown; {hint}known: {', '.join(names)}; for images of your own: {own}"


def data_root() -> Path:
    """The folder that holds dataset files: the environment's R3GAN_DATA, or ./data."""
    return Path(os.environ.get("R3GAN_DATA", "data"))


def cache_root() -> Path:
    """The folder for derived files that jobs share: the environment's R3GAN_CACHE, or ~/.cache/r3gan."""
    return Path(os.environ.get("R3GAN_CACHE", Path.home() / ".cache" / "r3gan"))


def raw_paths(name: str, root: Path) -> list[Path]:
    """A known dataset's files as they come: its own folder under `root`, or files by their names. Empty if missing."""
    if name not in RAW:
        return []
    own = root / name
    if own.is_dir() and any(not path.name.startswith(".") for path in own.iterdir()):
        return [own]
    for folder in (root, root / "raw"):
        for pattern in RAW[name].names:
            found = sorted(folder.glob(pattern))
            if found:
                return found
    return []


def missing(name: str, root: Path) -> str:
    """Which file to put where, for a known dataset that is not there."""
    if name == "stacked-mnist":
        return (
            f"MNIST was not found: put {', '.join(MNIST_FILES)} (or each with .gz) into {root / 'mnist'}, "
            "or name the folder that holds them in R3GAN_DATA"
        )
    return f"{name} was not found: put {RAW[name].advice} into {root / name}, or name the folder above it in R3GAN_DATA"


def mnist_folder(root: Path) -> Path:
    """The folder under `root` that holds all four IDX files. Raises DatasetUnavailable if there is none."""
    for folder in (root, root / "mnist", root / "MNIST" / "raw"):
        if all(idx_file(folder, name) for name in MNIST_FILES):
            return folder
    raise DatasetUnavailable(missing("stacked-mnist", root))


def idx_file(folder: Path, name: str) -> Path | None:
    """The IDX file `name` in the folder, plain or compressed."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)
