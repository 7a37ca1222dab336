"""What stands in a job's line on the terminal."""

from rich.progress import BarColumn, ProgressColumn, TextColumn
from rich.table import Column

BAR_WIDTH, BAR_FROM = 24, 110  # columns of the bar, and of a terminal that has room for it


def columns(width: int) -> list[ProgressColumn]:
    """What stands in a job's line on a terminal of so many columns; the numbers of metrics are cut first."""
    texts = ["{task.fields[kimg]} kimg", "{task.fields[rate]}", "{task.fields[left]}"]
    rest = TextColumn("{task.fields[metric]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
    return [
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        *([BarColumn(bar_width=BAR_WIDTH)] if width >= BAR_FROM else []),
        *(TextColumn(text, table_column=Column(no_wrap=True)) for text in texts),
        rest,
    ]
