"""Images in parquet files, as public copies of datasets come: an encoded image per row, and perhaps a label."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from r3gan.data.errors import BadData
from r3gan.data.parquet_columns import column_labels, image_column, label_columns, read_columns
from r3gan.data.parquet_splits import training_files
from r3gan.data.sources import ANY_COLUMNS, Columns, Item, LabelMode

ROWS_AT_ONCE = 256
SHARD = re.compile(r"(.+)-(\d+)-of-(\d+)(-[0-9a-f]+)?(\.parquet)")


@dataclass(frozen=True, kw_only=True)
class ParquetFiles:
    """The rows of parquet files, file after file."""

    description: str
    paths: tuple[Path, ...]
    counts: tuple[int, ...]  # rows per file
    column: str  # of the images
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    notes: tuple[str, ...]

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


def open_parquet(
    place: Path, paths: Sequence[Path], mode: LabelMode, asked: Columns = ANY_COLUMNS, notes: Sequence[str] = ()
) -> ParquetFiles:
    """Parquet files in one folder as one source: those of the training split. Raises BadData.

    asked: the columns to take, where several can be meant. notes: what to say beside of the source.
    """
    if mode == "folders":
        raise BadData(f"{place} holds parquet files, not class folders: leave --labels folders out")
    if mode == "none" and asked.label is not None:
        raise BadData(f"{place}: --label-column {asked.label} and --labels none contradict each other")
    root = place if place.is_dir() else place.parent
    taken = training_files([path.relative_to(root).as_posix() for path in paths], place)
    paths = [root / name for name in taken.names]
    require_all_shards(paths)
    files = [_open(path) for path in paths]
    where = str(paths[0])
    for path, file in zip(paths, files, strict=True):
        if not file.schema_arrow.equals(files[0].schema_arrow, check_metadata=False):
            raise BadData(f"{path} has other columns than {where}")
    counts = tuple(file.metadata.num_rows for file in files)
    columns = read_columns(files[0].schema_arrow)
    column = image_column(columns, asked.image, where)
    if sum(counts) == 0:
        raise BadData(f"{where} holds no rows")
    wanted = () if mode == "none" else label_columns(columns, asked.label, where)
    pairs = list(zip(paths, files, strict=True))
    labels = column_labels(
        wanted, lambda name: [v for path, file in pairs for v in _values(path, file, name)], str(place)
    )
    ignored = [other.name for other in columns if other.name != column and other not in wanted]
    return ParquetFiles(
        description=f"parquet files of {place.name}",
        paths=tuple(paths),
        counts=counts,
        column=column,
        labels=None if labels is None else labels.values,
        class_names=() if labels is None else labels.names,
        notes=(
            *taken.notes,
            *_folders_note(taken.names),
            *((f"labels from {labels.origin}",) if labels else ()),
            *((f"columns that are ignored: {', '.join(ignored)}",) if ignored else ()),
            *notes,
        ),
    )


def _folders_note(names: Sequence[str]) -> tuple[str, ...]:
    """What to say of files from several folders, which may be several configurations."""
    folders = sorted({name.rpartition("/")[0] or "." for name in names})
    more = f" and {len(folders) - 3} more" if len(folders) > 3 else ""
    return (f"took the files of several folders together: {', '.join(folders[:3])}{more}",) if len(folders) > 1 else ()


def require_all_shards(paths: Sequence[Path]) -> None:
    """Raises BadData if files named NAME-00000-of-00004 are not all there."""
    shards = [(path, match) for path in paths if (match := SHARD.fullmatch(path.name))]
    numbers: dict[tuple[Path, str, str], set[int]] = {}
    for path, match in shards:
        numbers.setdefault((path.parent, match[1], match[3]), set()).add(int(match[2]))
    for path, match in shards:
        missing = set(range(int(match[3]))) - numbers[path.parent, match[1], match[3]]
        if missing:
            raise BadData(f"{path.parent} lacks {match[1]}-{min(missing):0{len(match[2])}d}-of-{match[3]}{match[5]}")


def count_rows(paths: Sequence[Path]) -> int:
    """How many rows parquet files have. Raises BadData."""
    return sum(_open(path).metadata.num_rows for path in paths)


def _open(path: Path) -> Any:
    import pyarrow.parquet  # type: ignore[import-untyped]
    from pyarrow import ArrowException  # type: ignore[import-untyped]

    try:
        return pyarrow.parquet.ParquetFile(path)
    except (ArrowException, OSError) as error:
        raise BadData(f"{path} cannot be opened as a parquet file: {error}") from error


def _values(path: Path, file: Any, column: str) -> list[Any]:
    from pyarrow import ArrowException

    try:
        return file.read(columns=[column]).column(0).to_pylist()
    except (ArrowException, OSError) as error:
        raise BadData(f"{path}: its column {column!r} cannot be read: {error}") from error


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
