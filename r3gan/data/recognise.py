"""Which kind of source lies at a path: one place that knows all formats."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from r3gan.data.batchfiles import folder_parts, is_batch, open_batches, tar_parts, zip_parts
from r3gan.data.errors import BadData, DatasetUnavailable
from r3gan.data.files import FolderFiles, ZipFiles
from r3gan.data.imagefiles import image_names, open_image_files
from r3gan.data.manifest import is_prepared
from r3gan.data.parquet import open_parquet
from r3gan.data.sources import Item, LabelMode, Source
from r3gan.data.store import ImageSet, open_prepared

CIFAR_FOLDER, CIFAR_ARCHIVE = "cifar-10-batches-py", "cifar-10-python.tar.gz"
KINDS = (
    "a folder or zip of images, the dataset zip of the StyleGAN/EDM tools, CIFAR-10's archive or batch folder, "
    "the downsampled ImageNet's batch files, parquet files, or a prepared dataset"
)


@dataclass(frozen=True, eq=False)
class PreparedSource:
    """A prepared dataset as a source, to be written as a zip or reduced."""

    data: ImageSet
    labels: np.ndarray | None

    @property
    def description(self) -> str:
        """What it was prepared from."""
        return self.data.source

    @property
    def parts(self) -> Sequence[tuple[str, int]]:
        """Its content."""
        return [(self.data.content_hash, len(self.data))]

    def __len__(self) -> int:
        return len(self.data)

    def items(self, start: int) -> Iterator[Item]:
        """Images as arrays, in order."""
        for i in range(start, len(self)):
            yield Item(f"{self.data.name}, image {i}", self.data.images[i].numpy())


def open_source(paths: Sequence[Path], labels: LabelMode = "auto") -> Source:
    """What lies at a path, or at several that belong together. Raises DatasetUnavailable or BadData, naming it."""
    for path in paths:
        if not path.exists():
            raise DatasetUnavailable(f"{path} does not exist")
    if len(paths) == 1:
        return _open_folder(paths[0], labels) if paths[0].is_dir() else _open_file(paths[0], labels)
    return _open_several(paths[0].parent, paths, labels)


def _open_folder(path: Path, labels: LabelMode) -> Source:
    if is_prepared(path):
        data = open_prepared(path)
        if labels == "folders":
            raise BadData(f"{path} is a prepared dataset with labels of its own: leave --labels folders out")
        return PreparedSource(data, data.labels.numpy() if data.classes and labels != "none" else None)
    for inner in (path / CIFAR_FOLDER, path / CIFAR_ARCHIVE):
        if inner.exists():
            return open_source([inner], labels)
    files = FolderFiles(path)
    batches = [path / name for name in files.sizes if is_batch(name)]
    if batches:
        return open_batches(path, folder_parts(batches), labels)
    if image_names(files):
        return open_image_files(files, labels)
    for suffix in (".parquet", ".zip"):
        found = [path / name for name in files.sizes if name.endswith(suffix)]
        if found:
            return _open_several(path, found, labels)
    raise BadData(f"{path} holds no images; {KINDS} was expected")


def _open_file(path: Path, labels: LabelMode) -> Source:
    if path.suffix == ".zip":
        return _open_several(path, [path], labels)
    if path.suffix == ".parquet":
        return open_parquet(path, [path], labels)
    if path.name.endswith((".tar.gz", ".tgz")):
        return open_batches(path, tar_parts(path), labels)
    raise BadData(f"{path} is no dataset; {KINDS} was expected")


def _open_several(place: Path, paths: Sequence[Path], labels: LabelMode) -> Source:
    """Parquet files, batch files, or zips; several zips only if batch files lie in them."""
    if all(path.suffix == ".parquet" for path in paths):
        return open_parquet(place, paths, labels)
    if all(is_batch(path.name) for path in paths):
        return open_batches(place, folder_parts(paths), labels)
    if all(path.suffix == ".zip" for path in paths):
        archives = [ZipFiles(path) for path in paths]
        parts = [part for archive in archives for part in zip_parts(archive)]
        if parts:
            return open_batches(place, parts, labels)
        if len(paths) == 1:
            return open_image_files(archives[0], labels)
    raise BadData(f"{place} holds several sources ({', '.join(path.name for path in paths)}): name one of them")
