"""What the terminal shows of one training: a line that moves, or one a minute where it is no terminal."""

import time
from collections.abc import Callable
from typing import Self

from rich.console import Console
from rich.progress import Progress

from r3gan.config import TrainConfig
from r3gan.job_view import JobView
from r3gan.jobdir import JobDir
from r3gan.progress_columns import columns

HEARTBEAT_SECONDS = 60.0  # without a terminal: between two lines


class TrainingDisplay:
    """Rate, time left and metrics. Use as a context manager; clock: seconds."""

    def __init__(
        self, job: JobDir, config: TrainConfig, console: Console, *, clock: Callable[[], float] = time.monotonic
    ):
        self.console, self._view, self._clock = console, JobView(job, config), clock
        self._bars = Progress(*columns(console.width), console=console, disable=not console.is_terminal)
        self._id = self._bars.add_task(config.dataset, total=self._view.total, **self._view.fields())
        self._said = clock()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def look(self) -> None:
        """Read what is new, and show it."""
        news = self._view.update()
        self._bars.update(self._id, completed=self._view.images, **self._view.fields())
        if not self.console.is_terminal and (news or self._clock() - self._said >= HEARTBEAT_SECONDS):
            self._said = self._clock()
            self.console.print(self._view.text(), markup=False, soft_wrap=True)
