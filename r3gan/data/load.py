"""From a dataset's name to the dataset; and, once before the jobs, from the files that one has to the prepared set."""

from pathlib import Path

import torch

from r3gan.data.catalog import DATASETS, DatasetUnavailable, dataset_row
from r3gan.data.dataset import Dataset
from r3gan.data.errors import BadData
from r3gan.data.prepare import Options, write_prepared
from r3gan.data.progress import progress_bar
from r3gan.data.recognise import open_source
from r3gan.data.sources import Source, count_classes
from r3gan.data.storage import Facts, PreparedImages


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


def home_of(size: int, device: torch.device) -> torch.device:
    """Where a dataset of `size` bytes lives: on a GPU while it takes a quarter of the free memory at most."""
    if device.type == "cuda" and size > torch.cuda.mem_get_info(device)[0] // 4:
        return torch.device("cpu")
    return device


def prepare_known(name: str, root: Path, destination: Path, to_rgb: bool = False, wait: bool = False) -> None:
    """Prepare a known dataset from its files under `root`. Raises DatasetUnavailable; BadData if some are missing."""
    known, storage = DATASETS[name]
    if not isinstance(storage, PreparedImages):
        raise BadData(f"{name} needs no preparation")
    paths = storage.find(name, root)
    if not paths:
        raise DatasetUnavailable(storage.missing_message(name, root))
    options = known_options(known, to_rgb)
    source = open_source(paths, options.labels)
    require_counts(name, source, paths[0], known)
    with progress_bar(f"preparing {name}") as progress:
        write_prepared(source, destination, options, progress, wait)


def known_options(known: Facts, to_rgb: bool = False) -> Options:
    """How a known dataset's images are taken."""
    return Options(known.resolution, "auto" if known.classes else "none", to_rgb)


def require_counts(name: str, source: Source, path: Path, known: Facts) -> None:
    """Raises BadData if the source at a path has other counts than the known dataset."""
    found = Facts(known.resolution, count_classes(source.labels), len(source))
    if found != known:
        raise BadData(f"{path} is not {name}, or not all of it: found {found}; expected {known}")
