"""Which kind of source lies at a path: one place that knows all formats."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from r3gan.data.batch_places import folder_parts, open_tar, zip_parts
from r3gan.data.batchfiles import BatchFiles, is_batch, is_beside, open_batches
from r3gan.data.errors import BadData, DatasetUnavailable
from r3gan.data.files import FolderFiles, ZipFiles
from r3gan.data.imagefiles import open_image_files
from r3gan.data.kinds import ARCHIVES, BATCHES, IMAGES, PARQUET, kinds_of, kinds_text
from r3gan.data.litter import count_kinds, litter_kind, litter_note
from r3gan.data.manifest import PREPARED_FILES, is_prepared
from r3gan.data.parquet import count_rows, open_parquet
from r3gan.data.parquet_splits import training_files
from r3gan.data.sources import ANY_COLUMNS, Columns, Item, LabelMode, Source
from r3gan.data.store import ImageSet, open_prepared

CIFAR_FOLDER, CIFAR_ARCHIVE = "cifar-10-batches-py", "cifar-10-python.tar.gz"
STRAY_IMAGES = 20  # so many beside parquet files belong to their README, if there are more rows
KINDS = (
    "a folder or zip of images, the dataset zip of the StyleGAN/EDM tools, CIFAR-10's archive or batch folder, "
    "the downsampled ImageNet's batch files, parquet files, or a prepared dataset"
)


@dataclass(frozen=True, eq=False)
class PreparedSource:
    """A prepared dataset as a source, to be written as a zip or reduced."""

    data: ImageSet
    labels: np.ndarray | None
    notes: tuple[str, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        """As its manifest has them."""
        return () if self.labels is None else self.data.manifest.class_names

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


def open_source(paths: Sequence[Path], labels: LabelMode = "auto", columns: Columns = ANY_COLUMNS) -> Source:
    """What lies at a path, or at several that belong together. Raises DatasetUnavailable or BadData, naming it.

    columns: those to take of a table or of parquet files, where several can be meant.
    """
    for path in paths:
        if not path.exists():
            raise DatasetUnavailable(f"{path} does not exist")
    source = _open(paths, labels, columns)
    if any(columns) and isinstance(source, _WITHOUT_COLUMNS):
        raise BadData(f"{paths[0]} has no columns: leave --label-column and --image-column out")
    return source


def _open(paths: Sequence[Path], labels: LabelMode, columns: Columns) -> Source:
    first = paths[0]
    if len(paths) > 1:
        return _open_several(first.parent, paths, labels, columns)
    if first.is_dir():
        return _open_prepared(first, labels) if is_prepared(first) else _open_folder(first, labels, columns)
    kind = next(iter(kinds_of([first.name])), None)
    if kind == PARQUET:
        return open_parquet(first, [first], labels, columns)
    if kind == ARCHIVES:
        return _open_archives(first, [first], labels, columns)
    raise BadData(f"{first} is no dataset; {KINDS} was expected")


def _open_prepared(path: Path, labels: LabelMode) -> PreparedSource:
    data = open_prepared(path)
    if labels in ("folders", "file"):
        raise BadData(f"{path} is a prepared dataset with labels of its own: leave --labels {labels} out")
    others = sorted(p.name for p in path.iterdir() if p.name not in PREPARED_FILES and litter_kind(p.name) is None)
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    notes = (f"took the prepared dataset; not used beside it: {', '.join(others[:3])}{more}",) if others else ()
    return PreparedSource(data, data.labels.numpy() if data.classes and labels != "none" else None, notes)


def _open_folder(path: Path, labels: LabelMode, columns: Columns) -> Source:
    files = FolderFiles(path)
    kinds = kinds_of(files.sizes)
    notes = litter_note(files.litter)
    if set(kinds) == {IMAGES, PARQUET} and _are_stray(path, kinds):
        stray = kinds.pop(IMAGES)
        notes = (f"ignored beside the parquet files: {IMAGES} ({len(stray)}, such as {stray[0]})", *notes)
    if set(kinds) == {BATCHES, ARCHIVES} and _are_unpacked(kinds):
        notes = (f"took the unpacked batch files; not used: {kinds.pop(ARCHIVES)[0]}", *notes)
    if len(kinds) > 1:
        raise BadData(f"{path} holds {kinds_text(kinds)}: name the one to use as SOURCE, or move the others away")
    if not kinds:
        skipped = "".join(f" ({note})" for note in notes)
        raise BadData(f"{path} holds no images{skipped}; {KINDS} was expected")
    if IMAGES in kinds:
        return open_image_files(files, labels, columns)
    found = [path / name for names in kinds.values() for name in names]
    if PARQUET in kinds:
        return open_parquet(path, found, labels, columns, notes)
    if BATCHES in kinds:
        others = folder_parts([path / name for name in files.sizes if is_beside(name)])
        source = open_batches(path, folder_parts(found), labels, others)
        return replace(source, notes=(*source.notes, *notes))
    return _open_archives(path, found, labels, columns)


def _are_stray(path: Path, kinds: dict[str, list[str]]) -> bool:
    """Whether images beside parquet files are their README's."""
    count = len(kinds[IMAGES])
    return count <= STRAY_IMAGES and count < count_rows([path / name for name in kinds[PARQUET]])


def _are_unpacked(kinds: dict[str, list[str]]) -> bool:
    """Whether the batch files are those of CIFAR-10's archive that lies beside them."""
    inside = all(CIFAR_FOLDER in name.split("/") for name in kinds[BATCHES])
    return inside and [name.rpartition("/")[2] for name in kinds[ARCHIVES]] == [CIFAR_ARCHIVE]


def _open_several(place: Path, paths: Sequence[Path], labels: LabelMode, columns: Columns) -> Source:
    """Files of one kind that a known dataset consists of."""
    kinds = kinds_of([path.name for path in paths])
    if set(kinds) == {PARQUET}:
        return open_parquet(place, paths, labels, columns)
    if set(kinds) == {BATCHES}:
        return open_batches(place, folder_parts(paths), labels)
    if set(kinds) == {ARCHIVES}:
        return _open_archives(place, paths, labels, columns)
    raise BadData(f"{place} holds several sources ({', '.join(path.name for path in paths)}): name one of them")


def _open_archives(place: Path, paths: Sequence[Path], labels: LabelMode, columns: Columns) -> Source:
    """Zips that together hold batch files, or one archive: the only one, or that of the training split."""
    zips = [ZipFiles(path) for path in paths if path.suffix.lower() == ".zip"]
    if len(zips) == len(paths) and all(any(is_batch(n) or is_beside(n) for n in files.sizes) for files in zips):
        return _open_zipped_batches(place, zips, labels)
    root = place if place.is_dir() else place.parent
    taken = training_files([path.relative_to(root).as_posix() for path in paths], place) if len(paths) > 1 else None
    chosen = [root / name for name in taken.names] if taken else list(paths)
    if len(chosen) > 1:
        raise BadData(f"{place} holds several sources ({', '.join(path.name for path in chosen)}): name one of them")
    if chosen[0].suffix.lower() != ".zip":
        if not chosen[0].name.lower().endswith((".tar.gz", ".tgz")):
            raise BadData(f"{chosen[0]} is an archive of a kind that is not read (.zip and .tar.gz are): unpack it")
        source: Source = open_tar(chosen[0], labels)
    else:
        source = _open_zip(next(files for files in zips if files.path == chosen[0]), labels, columns)
    return replace(source, notes=(*taken.notes, *source.notes)) if taken else source  # type: ignore[type-var]


def _open_zipped_batches(place: Path, zips: Sequence[ZipFiles], labels: LabelMode) -> Source:
    kinds = [kinds_of(files.sizes) for files in zips]
    for files, found in zip(zips, kinds, strict=True):
        if len(found) > 1:
            raise BadData(f"{files.path} holds {kinds_text(found)}: keep one kind")
    if not any(BATCHES in found for found in kinds):
        raise BadData(f"{place} holds no batch files for training, only {', '.join(next(iter(zips)).sizes)}")
    parts, others = ([part for files in zips for part in zip_parts(files, w)] for w in (is_batch, is_beside))
    source = open_batches(place, parts, labels, others)
    litter = count_kinds(kind for files in zips for kind, count in files.litter.items() for _ in range(count))
    return replace(source, notes=(*source.notes, *litter_note(litter)))


def _open_zip(files: ZipFiles, labels: LabelMode, columns: Columns) -> Source:
    kinds = kinds_of(files.sizes)
    if len(kinds) > 1:
        raise BadData(f"{files.path} holds {kinds_text(kinds)}: unpack it and name the one to use as SOURCE")
    if PARQUET in kinds or ARCHIVES in kinds:
        raise BadData(f"{files.path} holds {kinds_text(kinds)}, which are not read from within a zip: unpack it")
    return open_image_files(files, labels, columns)


_WITHOUT_COLUMNS = (PreparedSource, BatchFiles)
