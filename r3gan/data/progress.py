"""Progress of long work on images, on stderr: how many, how fast, how long still."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Task as RichTask
from rich.text import Text


class RateColumn(TextColumn):
    """Images per second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: RichTask) -> Text:
        return Text(f"{task.speed:,.0f} images/s" if task.speed else "")


def warn(sentence: str) -> None:
    """Say on stderr what is not as one may think."""
    tell(f"warning: {sentence}")


def tell(text: str) -> None:
    """Say on stderr what was done."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def progress_bar(activity: str) -> Iterator[Callable[[int, int], None]]:
    """A bar; what it yields is called with how many of how many are done. Plain lines where stderr is no terminal."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console.print(activity, markup=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), RateColumn())
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as bars:
        task = bars.add_task(activity, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
