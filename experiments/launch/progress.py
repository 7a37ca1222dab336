"""What the terminal shows while jobs run: a progress bar per job, and each failure as it happens."""

import time
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from experiments.launch.log import log_tail
from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.scheduler import Task
from r3gan.evaluation.protocol import progress_text
from r3gan.points import PointReader


class Display:
    """An observer that draws one bar per running job; without a terminal it prints a line per event instead."""

    def __init__(self, console: Console):
        self.console = console
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[kimg]} kimg"),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[left]}"),
            TextColumn("{task.fields[metric]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._views: dict[str, JobView] = {}
        self._ids: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def started(self, task: Task) -> None:
        """See Observer."""
        view = self._views[task.job.identity] = JobView(task)
        self._ids[task.job.identity] = self.bars.add_task(task.name, total=view.total, **view.fields())
        if not self.console.is_terminal:
            self.say(f"started   {task.name}")

    def progressed(self, task: Task) -> None:
        """See Observer."""
        view = self._views[task.job.identity]
        news = view.update()
        self.bars.update(self._ids[task.job.identity], completed=view.images, **view.fields())
        if news and not self.console.is_terminal:
            fields = view.fields()
            self.say(f"          {task.name}: {fields['kimg']} kimg {fields['rate']} {fields['metric']}")

    def ended(self, task: Task, outcome: JobOutcome) -> None:
        """See Observer. A failure is shown at once with the end of its log."""
        view = self._views.pop(task.job.identity)
        view.update()
        self.bars.remove_task(self._ids.pop(task.job.identity))
        fields = view.fields()
        reason = f" ({outcome.reason})" if outcome.reason else ""
        self.say(f"{outcome.state:<9} {task.name}: {fields['kimg']} kimg {fields['metric']}{reason}")
        if outcome.state is JobState.FAILED:
            self.say(log_tail(task.directory), style="red")
            self.say(f"whole log: {task.directory.log}")

    def say(self, text: str, style: str | None = None) -> None:
        """Print a line above the bars."""
        self.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


class JobView:
    """What is known of a running job from its metrics."""

    def __init__(self, task: Task):
        self.task = task
        self.total = task.job.config.total_img
        self.images = 0
        self.metric = ""
        self._reader = PointReader(task.directory.metrics)
        self._points: list[tuple[float, int]] = []  # (time, images) of this attempt, for the rate
        self._began = time.time()

    def update(self) -> bool:
        """Read what is new; returns whether an evaluation is among it."""
        news = False
        for point in self._reader.read():
            self.images = point["images"]
            self._points.append((point["time"], point["images"]))
            news |= self._note(point["metrics"])
        return news

    def fields(self) -> dict[str, Any]:
        """The texts of the progress bar."""
        rate = self._rate()
        left = (self.total - self.images) / rate if rate else None
        return {
            "kimg": f"{self.images / 1000:.1f}/{self.total / 1000:g}",
            "rate": f"{rate:.0f} img/s" if rate else "starting",
            "left": f"{_clock(left)} left" if left is not None else "",
            "metric": self.metric,
        }

    def _note(self, metrics: dict[str, Any]) -> bool:
        text = progress_text(self.task.job.config.evaluation, metrics)
        self.metric = text or self.metric
        return bool(text)

    def _rate(self) -> float:
        recent = [point for point in self._points if point[0] >= self._began][-10:]
        if len(recent) < 2 or recent[-1][0] == recent[0][0]:
            return 0.0
        return (recent[-1][1] - recent[0][1]) / (recent[-1][0] - recent[0][0])


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
