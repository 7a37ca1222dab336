"""What an earlier report has left in the folder of a report. Only files that reports write are touched."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from analysis.drawing.drawn import Drawn, Omitted
from analysis.drawing.save import ONE_COLUMN_FOLDER
from analysis.figures.style import SUFFIXES
from analysis.latex import TABLES_FOLDER, is_ours
from analysis.sections.figures import FIGURES_FOLDER

LEARNING = "learning.csv"  # a report without a primary metric has none


def remove_stale(out: Path, written: Collection[Path], figures: Sequence[Drawn | Omitted]) -> None:
    """Remove the tables and figures that are not among the files written. Raises OSError.

    figures: of this report, drawn or not, which are of all kinds that there are.
    """
    for path in [*_tables(out), *_figures(out, {figure.name.rpartition("-")[2] for figure in figures})]:
        if path not in written:
            path.unlink()


def figure_files(out: Path, figures: Sequence[Drawn | Omitted]) -> set[Path]:
    """The files of those that were drawn."""
    names = [figure.name for figure in figures if isinstance(figure, Drawn)]
    return {folder / f"{name}{suffix}" for folder in _folders(out) for name in names for suffix in SUFFIXES}


def _tables(out: Path) -> Iterator[Path]:
    if (out / LEARNING).is_file():
        yield out / LEARNING
    yield from filter(is_ours, sorted((out / TABLES_FOLDER).glob("*.tex")))


def _figures(out: Path, kinds: Collection[str]) -> Iterator[Path]:
    for folder in _folders(out):
        for kind in sorted(kinds):
            for suffix in SUFFIXES:
                yield from sorted(folder.glob(f"*-*-{kind}{suffix}"))  # see `drawn.file_name`


def _folders(out: Path) -> tuple[Path, Path]:
    return out / FIGURES_FOLDER, out / FIGURES_FOLDER / ONE_COLUMN_FOLDER
