"""How every benchmark prints its tables: with each word whole, in a terminal of any width and in a pipe.

Headers are wrapped at words as far as the terminal's width asks for; where that does not do, each row is a block of
lines, one a column. A pipe has no width: there a table takes what it needs.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rich.table
from rich.console import Console, RenderableType
from rich.text import Text

ANY_WIDTH = 10_000  # more than any table needs


@dataclass(frozen=True, kw_only=True)
class Table:
    """Each row has a cell for each column; the first column says what the row is about."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def as_they_are(title: str, rows: Sequence[Mapping[str, Any]], decimals: int) -> Table:
    """Rows of a result by their own keys, the same in each."""
    cells = [[f"{v:.{decimals}f}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]
    return Table(title=title, columns=tuple(rows[0]), rows=cells)


def show(tables: Iterable[Table]) -> None:
    """Print them to standard output."""
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = ANY_WIDTH
    for table in tables:
        console.print(fitted(table, console.width))


def fitted(table: Table, width: int) -> RenderableType:
    """The table as it is readable in so many characters a line."""
    measuring = Console(width=ANY_WIDTH, height=1)  # of any size, whatever terminal there is
    for longest in range(max(map(len, table.columns)), 0, -1):
        grid = with_headers(table, [wrapped(column, longest) for column in table.columns])
        if measuring.measure(grid).maximum <= width:
            return grid
    return Text(blocks(table))


def wrapped(header: str, longest: int) -> str:
    """In lines of so many characters, or of one word where that is longer."""
    return textwrap.fill(header, longest, break_long_words=False, break_on_hyphens=False)


def with_headers(table: Table, headers: Sequence[str]) -> rich.table.Table:
    """A frame around cells that are never wrapped."""
    grid = rich.table.Table(title=table.title)
    for number, header in enumerate(headers):
        grid.add_column(header, justify="right" if number else "left", no_wrap=True)
    for row in table.rows:
        grid.add_row(*row)
    return grid


def blocks(table: Table) -> str:
    """A line for each cell, an empty one before each row."""
    longest = max(map(len, table.columns))
    lines = [
        "\n".join(f"{column:<{longest}}  {cell}" for column, cell in zip(table.columns, row, strict=True))
        for row in table.rows
    ]
    return "\n\n".join([table.title, *lines]) + "\n"
