"""From a dataset's name to the dataset; and, once before the jobs, from the files that one has to the prepared set."""

from collections.abc import Sequence
from pathlib import Path

import torch

from r3gan.data.catalog import DATASETS, OWN_NAME, DatasetUnavailable, missing, mnist_folder, raw_paths, unknown_dataset
from r3gan.data.dataset import Dataset
from r3gan.data.digits import LOADERS, DigitImages, StackedDigits
from r3gan.data.download import DOWNLOADS
from r3gan.data.errors import BadData
from r3gan.data.manifest import is_prepared, read_manifest
from r3gan.data.prepare import Options, prepare
from r3gan.data.progress import progress_bar
from r3gan.data.recognise import open_source
from r3gan.data.sources import Source, count_classes
from r3gan.data.store import ImageSet, open_prepared


def load_dataset(name: str, root: Path, device: torch.device) -> Dataset:
    """The dataset `name`, on the device if it fits. Nothing is downloaded or prepared here.

    Raises DatasetUnavailable if it is not ready under `root`, and BadData if it is damaged or not what its name says.
    """
    if name in LOADERS:
        return load_digits(name, root, device)
    if not OWN_NAME.fullmatch(name) or (name not in DATASETS and not is_prepared(root / name)):
        raise DatasetUnavailable(unknown_dataset(name))
    if not is_prepared(root / name):
        found = raw_paths(name, root)
        ready = f"{found[0]} was found but not prepared: python -m r3gan data prepare {name}" if found else ""
        raise DatasetUnavailable(ready or missing(name, root))
    return load_prepared(name, root, device)


def load_digits(name: str, root: Path, device: torch.device) -> StackedDigits:
    """Stacked digits. Raises DatasetUnavailable if their files are not under `root`."""
    train, test, source = LOADERS[name](root)
    home = home_of(train.images.nbytes + test.images.nbytes, device)
    return StackedDigits(
        name, source, *(DigitImages(part.images.to(home), part.labels.to(home)) for part in (train, test))
    )


def load_prepared(name: str, root: Path, device: torch.device) -> ImageSet:
    """A prepared dataset: in a GPU's memory if it fits, else memory-mapped on the host. Raises BadData."""
    check_known(name, root / name)
    data = open_prepared(root / name, name)
    return data.to(home_of(data.images.nbytes + data.labels.nbytes, device))


def home_of(size: int, device: torch.device) -> torch.device:
    """Where a dataset of `size` bytes lives: on a GPU while it takes a quarter of the free memory at most."""
    if device.type == "cuda" and size > torch.cuda.mem_get_info(device)[0] // 4:
        return torch.device("cpu")
    return device


def check_known(name: str, folder: Path) -> None:
    """Raises BadData if what is prepared under a known name is something else."""
    if name in DATASETS:
        manifest = read_manifest(folder)
        found = (manifest.resolution, manifest.classes, manifest.count)
        if found != tuple(DATASETS[name]):
            raise BadData(f"{folder} is not {name}: {_compared(found, name)}: prepare it under another name")


def state_of(name: str, root: Path) -> tuple[str, str]:
    """A dataset's state in a word or two, and where it is or should be. Raises DatasetUnavailable if damaged."""
    if name == "stacked-digits":
        return "ready", "in scikit-learn"
    if name == "stacked-mnist":
        try:
            return "ready", str(mnist_folder(root))
        except DatasetUnavailable:
            return "missing", str(root / "mnist")
    if is_prepared(root / name):
        check_known(name, root / name)
        return "prepared", str(root / name)
    found = raw_paths(name, root)
    return ("raw found", str(found[0])) if found else ("missing", str(root / name))


def state_of_or_bad(name: str, root: Path) -> str:
    """`state_of`, in which damage is a state too."""
    try:
        return state_of(name, root)[0]
    except DatasetUnavailable:
        return "damaged"


def ensure_dataset(name: str, root: Path) -> None:
    """Make a dataset ready for `load_dataset`: downloaded if it is public, and prepared. Progress goes to stderr.

    Safe when several processes do so at once. Raises DatasetUnavailable with the way out, and OSError if it cannot be
    written.
    """
    if name == "stacked-digits":
        return
    if name == "stacked-mnist":
        try:
            mnist_folder(root)
        except DatasetUnavailable:
            DOWNLOADS[name](root)
        return
    if name not in DATASETS and not is_prepared(root / name):
        raise DatasetUnavailable(unknown_dataset(name))
    if not is_prepared(root / name):
        if not raw_paths(name, root) and name in DOWNLOADS:
            DOWNLOADS[name](root)
        prepare_known(name, root, root / name, wait=True)
    load_prepared(name, root, torch.device("cpu"))


def prepare_known(name: str, root: Path, destination: Path, to_rgb: bool = False, wait: bool = False) -> None:
    """Prepare a known dataset from its files under `root`. Raises DatasetUnavailable; BadData if some are missing."""
    paths = raw_paths(name, root)
    if not paths:
        raise DatasetUnavailable(missing(name, root))
    options = known_options(name, to_rgb)
    source = open_source(paths, options.labels)
    check_source(name, source, paths)
    with progress_bar(f"preparing {name}") as progress:
        prepare(source, destination, options, progress, wait)


def known_options(name: str, to_rgb: bool = False) -> Options:
    """How a known dataset's images are taken."""
    return Options(DATASETS[name].resolution, "auto" if DATASETS[name].classes else "none", to_rgb)


def check_source(name: str, source: Source, paths: Sequence[Path]) -> None:
    """Raises BadData if the source at the paths has other counts than the known dataset."""
    found = (DATASETS[name].resolution, count_classes(source.labels), len(source))
    if found != tuple(DATASETS[name]):
        raise BadData(f"{paths[0]} is not {name}, or not all of it: {_compared(found, name)}")


def _compared(found: tuple[int, int, int], name: str) -> str:
    """Both shapes in words."""
    shapes = [f"{r}x{r}, {k} classes, {n} images" for r, k, n in (found, DATASETS[name])]
    return f"found {shapes[0]}; expected {shapes[1]}"
