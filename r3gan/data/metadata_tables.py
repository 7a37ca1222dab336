"""Labels in tables beside images, as Hugging Face's image folders have them: metadata.csv or metadata.jsonl.

A row names a file, from the table's folder on, and may have a column with its label.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from r3gan.data.errors import BadData
from r3gan.data.files import Files
from r3gan.data.label_columns import is_label_name, labels_of_columns, labels_of_values, require_column
from r3gan.data.member_names import normal_name
from r3gan.data.sources import Labels
from r3gan.data.table_text import csv_rows, decoded

METADATA = ("metadata.csv", "metadata.jsonl")
FILE_COLUMN = "file_name"
PARQUET_TABLE = "metadata.parquet"  # is not read, and no source of images beside some


class Table(NamedTuple):
    """One table, or several of the same columns."""

    where: str
    columns: tuple[str, ...]  # without that of the file names
    rows: dict[str, dict[str, Any]]  # by the files' names


def is_parquet_table(name: str) -> bool:
    """Whether a parquet file beside images is a table of them by its name."""
    return name.rpartition("/")[2] == PARQUET_TABLE


def metadata_files(files: Files, names: Sequence[str]) -> tuple[str, ...]:
    """The tables in folders around some of the images."""
    around = {""}
    for parent in {name.rpartition("/")[0] for name in names}:
        parts = parent.split("/")
        around |= {"/".join(parts[: i + 1]) for i in range(len(parts))}
    prefixes = {f"{folder}/" if folder else "" for folder in around}
    return tuple(prefix + name for prefix in sorted(prefixes) for name in METADATA if prefix + name in files.sizes)


def metadata_labels(
    files: Files, tables: Sequence[str], names: Sequence[str], asked: str | None
) -> tuple[Labels | None, tuple[str, ...]]:
    """The labels of images in tables, and which columns are ignored; None if no column holds labels. Raises BadData.

    asked: the column to take.
    """
    table = merged([read_table(files, name) for name in tables])
    columns = [require_column(asked, table.columns, table.where)] if asked else list(table.columns)
    wanted = [name for name in columns if asked or is_label_name(name)]
    ignored = [name for name in table.columns if name not in wanted]
    notes = (f"columns of {table.where} that are ignored: {', '.join(ignored)}",) if ignored else ()
    if not wanted:
        return None, notes
    missing = [name for name in names if name not in table.rows]
    if missing:
        raise BadData(f"{table.where} has no row for {len(missing)} of {len(names)} images, such as {missing[0]}")
    absent = next((name for name in table.rows if name not in files.sizes), None)
    if absent is not None:
        raise BadData(f"{table.where} has a row for {absent}, which is not there")
    values = {name: [table.rows[image].get(name) for image in names] for name in wanted}
    found = {name: labels_of_values(values[name], (), name, table.where) for name in wanted}
    return labels_of_columns(found, table.where), notes


def read_table(files: Files, name: str) -> Table:
    """One table. Raises BadData if it cannot be read, or names a file twice or none."""
    where, folder = files.where(name), name.rpartition("/")[0]
    text = decoded(files.read(name), where)
    found = csv_rows(text, FILE_COLUMN, where) if name.endswith(".csv") else _json_rows(text, where)
    rows: dict[str, dict[str, Any]] = {}
    for i, row in enumerate(found, 1):
        file = row.get(FILE_COLUMN)
        inner = normal_name(file) if isinstance(file, str) else None
        if not inner:
            raise BadData(
                f"{where}, row {i}: {file!r} in the column {FILE_COLUMN!r} is no name of a file in its folder"
            )
        if rows.setdefault(f"{folder}/{inner}".lstrip("/"), row) is not row:
            raise BadData(f"{where} has two rows for {inner}")
    columns = dict.fromkeys(column for row in found for column in row if column != FILE_COLUMN)
    return Table(where, tuple(columns), rows)


def merged(tables: Sequence[Table]) -> Table:
    """Several tables as one. Raises BadData if they name a file twice."""
    rows: dict[str, dict[str, Any]] = {}
    for table in tables:
        twice = next((name for name in table.rows if name in rows), None)
        if twice is not None:
            raise BadData(f"{table.where} and {tables[0].where} both have a row for {twice}: keep one of them")
        rows |= table.rows
    return Table(tables[0].where, tuple(dict.fromkeys(c for table in tables for c in table.columns)), rows)


def _json_rows(text: str, where: str) -> list[dict[str, Any]]:
    rows = []
    for i, line in enumerate(text.splitlines(), 1):
        try:
            row = json.loads(line) if line.strip() else {}
        except (ValueError, RecursionError) as error:
            raise BadData(f"{where}, line {i} is not JSON: {error}") from error
        if not isinstance(row, dict):
            raise BadData(f"{where}, line {i} is no object with the key {FILE_COLUMN!r}")
        rows += [row] if row else []
    return rows
