"""What can be trained on: the table of known datasets, and those that the user has prepared. Needs no torch."""

import os
import re
from pathlib import Path
from typing import NamedTuple

from r3gan.data.drawn_points import DrawnPoints
from r3gan.data.errors import DatasetUnavailable as DatasetUnavailable
from r3gan.data.facts import MNIST_COUNTS, MNIST_FILES, Facts, State
from r3gan.data.manifest import MANIFEST, PARTIAL, is_prepared, read_manifest
from r3gan.data.prepared_images import PreparedImages
from r3gan.data.stacked_digit_files import StackedDigitFiles
from r3gan.data.storage import Storage
from r3gan.data.system_errors import system_sentence
from r3gan.deferred import Deferred
from r3gan.tables.lookup import hint_message


class DatasetRow(NamedTuple):
    """One dataset: what it is, and how it is kept."""

    facts: Facts
    storage: Storage
    licence: str = ""  # of the images, with the address that says so; empty of images of one's own


def ffhq(resolution: int) -> DatasetRow:
    """FFHQ at one resolution."""
    size = f"{resolution}x{resolution}"
    return DatasetRow(
        Facts(resolution, 0, 70_000),
        PreparedImages(
            (f"ffhq{resolution}.zip", f"ffhq-{size}.zip", f"ffhq-{size}", f"ffhq{resolution}*.parquet"),
            f"ffhq-{size}.zip, or the folder, zip or parquet files of the 70,000 images ({size} or larger)",
        ),
        "CC BY-NC-SA 4.0 (the set; photographs have licences of their own): "
        "https://github.com/NVlabs/ffhq-dataset/blob/master/LICENSE.txt",
    )


def imagenet(resolution: int, archives: str) -> DatasetRow:
    """The downsampled ImageNet at one resolution."""
    return DatasetRow(
        Facts(resolution, 1000, 1_281_167),
        PreparedImages(
            (f"[Ii]magenet{resolution}_train*.zip", f"imagenet{resolution}.zip"),
            f"{archives}, or train_data_batch_1 ... train_data_batch_10 (pickled or .npz), "
            "or the 1000 class folders of the training images",
        ),
        "ImageNet's terms of access, research and education that are not commercial: https://www.image-net.org/download",
    )


def stacked_digits(resolution: int) -> DatasetRow:
    """scikit-learn's digits of 8x8, their pixels enlarged to the resolution."""
    loader = Deferred("r3gan.data.digits:load_embedded_digits")
    return DatasetRow(
        Facts(resolution, 1000),
        StackedDigitFiles(loader=loader, package="scikit-learn", enlarged=resolution // 8),
        "CC BY 4.0: https://doi.org/10.24432/C50P49",
    )


def points(after: str) -> DatasetRow:
    """Points drawn from the shape of the dataset's name, and the address of a paper that has it."""
    facts = Facts(1, 25, 100_000, channels=2)
    return DatasetRow(facts, DrawnPoints(), f"none needed: numbers drawn here, after {after}")


DATASETS: dict[str, DatasetRow] = {
    "stacked-digits": stacked_digits(8),
    **{f"stacked-digits-{resolution}": stacked_digits(resolution) for resolution in (16, 32, 64, 128, 256)},
    "stacked-mnist": DatasetRow(
        Facts(32, 1000),
        StackedDigitFiles(
            loader=Deferred("r3gan.data.digits:load_mnist"),
            files=MNIST_FILES,
            folders=("", "mnist", "MNIST", "stacked-mnist"),
            counts=MNIST_COUNTS,
            home="mnist",
            download=Deferred("r3gan.data.download:download_mnist"),
        ),
        "unknown from its makers; CC BY-SA 3.0 says "
        "https://www.tensorflow.org/api_docs/python/tf/keras/datasets/mnist/load_data",
    ),
    "cifar10": DatasetRow(
        Facts(32, 10, 50_000),
        PreparedImages(
            ("cifar-10-batches-py", "cifar-10-python.tar.gz"),
            "cifar-10-python.tar.gz (or its folder cifar-10-batches-py)",
            Deferred("r3gan.data.download:download_cifar10"),
        ),
        "unknown, see https://www.cs.toronto.edu/~kriz/cifar.html",
    ),
    "ffhq64": ffhq(64),
    "ffhq256": ffhq(256),
    "imagenet32": imagenet(32, "Imagenet32_train.zip"),
    "imagenet64": imagenet(64, "Imagenet64_train_part1.zip and Imagenet64_train_part2.zip"),
    "line": points("https://arxiv.org/abs/2501.05441"),
    "circle": points("https://arxiv.org/abs/2501.05441"),
    "25-gaussians": points("https://arxiv.org/abs/1712.04086"),
}

OWN_NAME = re.compile(r"\w[\w.-]*")  # of a prepared dataset: one folder's name, no path


def find_row(name: str) -> DatasetRow | None:
    """The row of a dataset: of this table, or of what the user prepared under `data_root()`. None if neither.

    Raises DatasetUnavailable if the user's manifest is damaged.
    """
    if name in DATASETS:
        return DATASETS[name]
    if not is_own_name(name) or not is_prepared(data_root() / name):
        return None
    manifest = read_manifest(data_root() / name)
    return DatasetRow(Facts(manifest.resolution, manifest.classes, manifest.count), PreparedImages())


def dataset_row(name: str) -> DatasetRow:
    """The same. Raises DatasetUnavailable with the known names if there is none."""
    row = find_row(name)
    if row is None:
        raise DatasetUnavailable(unknown_dataset_message(name))
    return row


def own_names(root: Path) -> list[str]:
    """The user's own prepared datasets under `root`."""
    folders = [path.parent for path in root.glob(f"*/{MANIFEST}") if is_prepared(path.parent)]
    return sorted(folder.name for folder in folders if folder.name not in DATASETS and is_own_name(folder.name))


def is_own_name(name: str) -> bool:
    """Whether a prepared dataset can be called so: a folder's name, and not that of an unfinished one."""
    return OWN_NAME.fullmatch(name) is not None and not name.endswith(PARTIAL)


def unknown_dataset_message(name: str) -> str:
    """What is said of a name that nobody knows."""
    folder = data_root() / (name if OWN_NAME.fullmatch(name) else "NAME")
    own = f"python -m r3gan data prepare IMAGES {folder}"
    known = [*DATASETS, *own_names(data_root())]
    return f"{name} is unknown; {hint_message(name, known)}; for images of your own: {own}"


def state_of(name: str) -> State:
    """Whether and where a dataset is; "damaged" or "unreadable", with the reason, if it cannot be used."""
    try:
        row = dataset_row(name)
        return row.storage.state(name, row.facts, data_root())
    except DatasetUnavailable as error:
        return State("damaged", str(error))
    except OSError as error:
        return State("unreadable", system_sentence(error))


def data_root() -> Path:
    """The folder that holds dataset files: the environment's R3GAN_DATA unless it is empty, or ./data."""
    return Path(os.environ.get("R3GAN_DATA") or "data")


def cache_root() -> Path:
    """The folder for derived files that jobs share: the environment's R3GAN_CACHE, or ~/.cache/r3gan."""
    return Path(os.environ.get("R3GAN_CACHE") or Path.home() / ".cache" / "r3gan")
