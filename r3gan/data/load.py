"""From a dataset's name to the dataset, and to what has to be done before."""

from pathlib import Path

import torch

from r3gan.data.catalog import dataset_row
from r3gan.data.dataset import Dataset


def load_dataset(name: str, root: Path, device: torch.device) -> Dataset:
    """The dataset `name`, on the device if it fits. Nothing is downloaded or prepared here.

    Raises DatasetUnavailable if it is not ready under `root`, and BadData if it is damaged or not what its name says.
    """
    row = dataset_row(name)
    return row.storage.load(name, row.facts, root, device)


def ensure_dataset(name: str, root: Path) -> None:
    """Make a dataset ready for `load_dataset`: downloaded if it is public, and prepared. Progress goes to stderr.

    Safe when several processes do so at once. Raises DatasetUnavailable with the way out, and OSError if it cannot be
    written.
    """
    row = dataset_row(name)
    row.storage.ensure(name, row.facts, root)
