"""The text and the cells of a table, whichever of its usual encodings and separators it was saved with."""

import codecs
import csv
import io
from collections.abc import Iterator
from typing import Any

from r3gan.data.errors import BadData

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark its own begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # byte-order mark -> encoding; without one, only UTF-8 can be told from others
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
SHOWN = 5  # columns, and of each so many letters:
LETTERS = 30


def decoded(data: bytes, where: str) -> str:
    """The text. Raises BadData, naming `where`, if its encoding cannot be told for sure."""
    mark, encoding = next(((mark, name) for mark, name in MARKS if data.startswith(mark)), (b"", "utf-8"))
    data = data.removeprefix(mark)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line, found = data.count(b"\n", 0, error.start) + 1, data[error.start]
        raise BadData(
            f"{where}, line {line} has the byte 0x{found:02x}, which is no text in {encoding.upper()}: "
            "if it is in another encoding, such as Windows-1252, save it as UTF-8"
        ) from error
    if "\0" in text:
        raise BadData(f"{where} has zero bytes, as UTF-16 without a byte-order mark has: save it as UTF-8")
    return text


def csv_rows(text: str, needed: str, where: str) -> list[dict[str, Any]]:
    """The rows, by the columns that the first line names. Raises BadData, naming `where`, if they cannot be told.

    needed: the column by which the separator is known: commas, semicolons or tabs.
    """
    separator = _separator(text, needed, where)
    rows = _cells(text, separator, where)
    columns = next(rows)
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise BadData(f"{where} names the column {twice!r} twice in its first line")
    found = []
    for i, row in enumerate(rows, 1):
        if len(row) != len(columns):
            raise BadData(
                f"{where}, row {i} has {len(row)} cells, divided by {SEPARATORS[separator]}; "
                f"the first line names {len(columns)}"
            )
        found.append(dict(zip(columns, row, strict=True)))
    return found


def _separator(text: str, needed: str, where: str) -> str:
    """What divides the first line so that the needed column is one of its cells."""
    first = {separator: next(_cells(text, separator, where, strict=False), []) for separator in SEPARATORS}
    found = next((separator for separator, columns in first.items() if needed in columns), None)
    if found is None:
        columns = max(first.values(), key=len)
        some = ", ".join(name[:LETTERS] for name in columns[:SHOWN]) + (" ..." if len(columns) > SHOWN else "")
        raise BadData(f"{where} names no column {needed!r} in its first line, only {some or 'nothing'}")
    return found


def _cells(text: str, separator: str, where: str, strict: bool = True) -> Iterator[list[str]]:
    """The lines that are not empty, as cells."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=strict)
    try:
        yield from (row for row in reader if row)
    except csv.Error as error:
        raise BadData(f"{where}, line {reader.line_num} cannot be read as cells of a table: {error}") from error
