"""Figures as files, in both widths, drawn by other processes while this one goes on."""

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from loky import ProcessPoolExecutor, cpu_count, get_reusable_executor

from analysis.collector import leave_imports_alone
from analysis.drawing.drawn import Drawn, Omitted
from analysis.figures.style import ONE_COLUMN, TWO_COLUMNS, save_figure

ONE_COLUMN_FOLDER = "one-column"  # below the folder of figures
MOST_PROCESSES = 4
IDLE_SECONDS = 300  # without work, after which a process ends: more than a report takes before its first figure


@dataclass(frozen=True)
class Saving:
    """Figures, drawn or omitted, in order, and the files on their way."""

    drawn: list[Drawn | Omitted]
    files: list["Future[None]"]

    def wait(self) -> None:
        """Until all files are there. Raises OSError."""
        for file in self.files:
            file.result()


def begin_saving(figures: Iterable[Drawn | Omitted], folder: Path) -> Saving:
    """Have each written for two columns in the folder and for one below it, as soon as it is described."""
    place, saving = folder.absolute(), Saving([], [])  # the processes were begun elsewhere, or before
    for figure in figures:
        saving.drawn.append(figure)
        if isinstance(figure, Drawn):
            saving.files.append(processes().submit(save, figure, place))
    return saving


def start_processes() -> None:
    """Start those that draw, which takes them seconds, while there is nothing to draw yet."""
    processes().submit(ready)


def processes() -> ProcessPoolExecutor:
    """Those that draw, the same at every call; each has loaded what figures are made with before it takes one."""
    return get_reusable_executor(min(cpu_count(), MOST_PROCESSES), timeout=IDLE_SECONDS, initializer=ready)


def ready() -> None:
    """What this module imports is loaded where this can be called, and the collector lets it be."""
    leave_imports_alone()


def save(figure: Drawn, folder: Path) -> None:
    """Write both widths."""
    save_figure(figure.draw(TWO_COLUMNS), folder, figure.name)
    save_figure(figure.draw(ONE_COLUMN), folder / ONE_COLUMN_FOLDER, figure.name)
