"""Figures as files, in both widths."""

from collections.abc import Sequence
from pathlib import Path

from joblib import Parallel, cpu_count, delayed

from analysis.drawing.drawn import Drawn
from analysis.figures.style import ONE_COLUMN, TWO_COLUMNS, save_figure

ONE_COLUMN_FOLDER = "one-column"  # below the folder of figures
FEW = 6  # are drawn here, before other processes would have begun
MOST_PROCESSES = 4


def save_all(figures: Sequence[Drawn], folder: Path) -> None:
    """Write each for two columns in the folder and for one below it, several at a time. Raises OSError."""
    processes = 1 if len(figures) < FEW else min(cpu_count(), MOST_PROCESSES)
    place = folder.absolute()  # processes that are used again were begun elsewhere
    Parallel(n_jobs=processes)(delayed(save)(figure, place) for figure in figures)


def save(figure: Drawn, folder: Path) -> None:
    """Write both widths."""
    save_figure(figure.draw(TWO_COLUMNS), folder, figure.name)
    save_figure(figure.draw(ONE_COLUMN), folder / ONE_COLUMN_FOLDER, figure.name)
