"""Images in parquet files, as public copies of datasets come: an encoded image per row, and perhaps a label."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from r3gan.data.errors import BadData
from r3gan.data.sources import Item, LabelMode, checked_labels

IMAGE_COLUMNS = ("image", "img")  # struct {bytes, path}, or binary
LABEL_COLUMN = "label"
ROWS_AT_ONCE = 256
SHARD = re.compile(r"(.+)-(\d+)-of-(\d+)(\.parquet)")


@dataclass(frozen=True, kw_only=True)
class ParquetFiles:
    """The rows of parquet files, file after file."""

    description: str
    paths: tuple[Path, ...]
    counts: tuple[int, ...]  # rows per file
    column: str
    labels: np.ndarray | None

    @property
    def parts(self) -> Sequence[tuple[str, int]]:
        """The files and their sizes."""
        return [(path.name, path.stat().st_size) for path in self.paths]

    def __len__(self) -> int:
        return sum(self.counts)

    def items(self, start: int) -> Iterator[Item]:
        """Encoded images, in order; files and row groups before `start` are not read."""
        for path, count, end in zip(self.paths, self.counts, accumulate(self.counts), strict=True):
            if start < end:
                yield from _rows(path, self.column, max(0, start - (end - count)))


def open_parquet(place: Path, paths: Sequence[Path], mode: LabelMode) -> ParquetFiles:
    """Parquet files as one source. Of files named by split, those named train* are taken. Raises BadData."""
    paths = [path for path in paths if path.name.startswith("train")] or paths
    require_all_shards(place, paths)
    if mode == "folders":
        raise BadData(f"{place} holds parquet files, not class folders: leave --labels folders out")
    files = [_open(path) for path in paths]
    columns, where = files[0].schema_arrow.names, str(paths[0])
    column = next((name for name in IMAGE_COLUMNS if name in columns), None)
    if column is None:
        raise BadData(f"{where} has no column {IMAGE_COLUMNS[0]!r}, only {', '.join(columns)}")
    for path, file in zip(paths, files, strict=True):
        if not file.schema_arrow.equals(files[0].schema_arrow, check_metadata=False):
            raise BadData(f"{path} has other columns than {where}")
    counts = tuple(file.metadata.num_rows for file in files)
    if sum(counts) == 0:
        raise BadData(f"{where} holds no rows")
    labels = None
    if mode == "auto" and LABEL_COLUMN in columns:
        values = [value for path, file in zip(paths, files, strict=True) for value in _labels(path, file)]
        labels = checked_labels(values, str(place))
    return ParquetFiles(
        description=f"parquet files of {place.name}",
        paths=tuple(paths),
        counts=counts,
        column=column,
        labels=labels,
    )


def require_all_shards(place: Path, paths: Sequence[Path]) -> None:
    """Raises BadData if files named NAME-00000-of-00004 are not all there."""
    shards = [match for path in paths if (match := SHARD.fullmatch(path.name))]
    for match in shards:
        there = {int(other[2]) for other in shards if (other[1], other[3]) == (match[1], match[3])}
        missing = sorted(set(range(int(match[3]))) - there)
        if missing:
            raise BadData(f"{place} lacks {match[1]}-{missing[0]:0{len(match[2])}d}-of-{match[3]}{match[4]}")


def _open(path: Path) -> Any:
    try:
        import pyarrow.parquet  # type: ignore[import-untyped]
        from pyarrow import ArrowException  # type: ignore[import-untyped]
    except ImportError as error:
        raise BadData(f"{path} needs the package pyarrow to be read: pip install pyarrow") from error
    try:
        return pyarrow.parquet.ParquetFile(path)
    except (ArrowException, OSError) as error:
        raise BadData(f"{path} cannot be opened as a parquet file: {error}") from error


def _labels(path: Path, file: Any) -> list[Any]:
    from pyarrow import ArrowException

    try:
        return file.read(columns=[LABEL_COLUMN]).column(0).to_pylist()
    except (ArrowException, OSError) as error:
        raise BadData(f"{path}: its labels cannot be read: {error}") from error


def _rows(path: Path, column: str, start: int) -> Iterator[Item]:
    from pyarrow import ArrowException

    try:
        with _open(path) as file:
            ends = list(accumulate(file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)))
            groups = [i for i, end in enumerate(ends) if end > start]
            row = ends[groups[0]] - file.metadata.row_group(groups[0]).num_rows if groups else start
            for batch in file.iter_batches(ROWS_AT_ONCE, row_groups=groups, columns=[column]):
                for value in batch.column(0).to_pylist():
                    if row >= start:
                        yield _item(f"{path}, row {row}", value)
                    row += 1
    except (ArrowException, OSError) as error:
        raise BadData(f"{path} cannot be read: {error}") from error


def _item(name: str, value: Any) -> Item:
    data = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(data, bytes):
        raise BadData(f"{name} holds no image bytes")
    return Item(name, data)
