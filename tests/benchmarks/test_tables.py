"""What benchmarks print can be read: in a narrow terminal, in a wide one, and in a pipe."""

import importlib
import json
import re
from pathlib import Path

import pytest
from rich.text import Text

from benchmarks.tables import Table, show

ROOT = Path(__file__).parents[2]
RESULTS = sorted((ROOT / "benchmarks" / "results").rglob("*.json"))
WIDE = Table(title="wide", columns=["what it is", *(f"number {i}" for i in range(30))], rows=[["x"] * 31, ["y"] * 31])


def tables_of(path):
    """The tables of a committed result, as its benchmark makes them."""
    result = json.loads(path.read_text())
    del result["machine"]
    return importlib.import_module(f"benchmarks.{path.stem.split('-')[0]}").tables(result)


def printed(capsys):
    """Without colours."""
    return "".join(f"{line}\n" for line in Text.from_ansi(capsys.readouterr().out).plain.splitlines())


@pytest.fixture
def terminal(monkeypatch):
    def make(width):
        for name, value in {"TTY_COMPATIBLE": "1", "TERM": "xterm", "COLUMNS": str(width)}.items():
            monkeypatch.setenv(name, value)

    return make


def missing(table, text):
    """Words of headers, and cells, that are not there whole."""
    words = set(re.findall(r"\S+", text.translate(str.maketrans("┃│", "  "))))
    headers = {word for column in table.columns for word in column.split()}
    return headers - words | {cell for row in table.rows for cell in row if cell not in text}


def test_every_benchmark_that_prints_a_table_has_a_committed_result():
    printing = {path.stem for path in (ROOT / "benchmarks").glob("*.py") if "show(tables(" in path.read_text()}
    assert printing == {path.stem.split("-")[0] for path in RESULTS}
    assert len(printing) > 10


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_each_benchmarks_table_has_every_header_word_and_cell_whole_in_a_terminal(path, width, terminal, capsys):
    terminal(width)
    for table in tables_of(path):
        show([table])
        text = printed(capsys)
        assert missing(table, text) == set()
        assert max(map(len, text.replace(table.title, "").splitlines())) <= width


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_each_benchmarks_table_has_a_line_per_row_in_a_pipe(path, capsys):
    for table in tables_of(path):
        show([table])
        text = printed(capsys)
        assert missing(table, text) == set()
        assert all(column in text for column in table.columns)
        assert sum("│" in line for line in text.splitlines()) == len(table.rows)


def test_headers_are_wrapped_only_as_far_as_the_width_asks_for(terminal, capsys):
    table = Table(title="t", columns=["what it is", "seconds of all rounds"], rows=[["x", "1.00"]])
    for width, lines in ((40, 1), (30, 2), (22, 3)):
        terminal(width)
        show([table])
        assert printed(capsys).count("┃ ") // 2 == lines, width


def test_a_table_that_cannot_fit_is_printed_as_a_block_of_lines_for_each_row(terminal, capsys):
    terminal(80)
    show([WIDE])
    text = printed(capsys)
    assert "what it is  x\nnumber 0    x\n" in text
    assert "number 29   x\n\nwhat it is  y\n" in text


def test_square_brackets_in_cells_are_no_markup(capsys):
    show([Table(title="t", columns=["what"], rows=[["[0.1, 0.2]"], ["[bold]"]])])
    assert "[bold]" in printed(capsys)
