"""What the terminal shows while jobs run: a line for each, one for the whole study, and failures as they happen."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Self

from rich.console import Console, RenderableType
from rich.progress import Progress, TaskID
from rich.text import Text

from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.scheduler import Task
from r3gan.job_log import log_tail, log_warnings
from r3gan.job_view import JobView, clock_text
from r3gan.progress_columns import BAR_FROM, BAR_WIDTH, columns

HEARTBEAT_SECONDS = 60.0  # without a terminal: between two lines on a job
NUMBERS_WIDTH = 58  # of what stands beside a job's name: 12.3/24 kimg, 123 img/s, 1:23:45 left, D_KL 0.345, 989 modes


class Bars(Progress):
    """Rich's progress with one more line below."""

    summary = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """See rich.progress.Progress."""
        yield self.make_tasks_table(self.tasks)
        if self.summary:
            yield Text(self.summary, no_wrap=True, overflow="ellipsis")


class Display:
    """An observer that draws a line per running job; without a terminal it prints one per event and minute instead.

    tasks: those that are to run, and `done`, how many ran before: for the line of the whole study, which `tasks` of
    None leave out. clock: seconds.
    """

    def __init__(
        self,
        console: Console,
        tasks: Sequence[Task] | None = None,
        done: int = 0,
        *,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.console = console
        self.bars = Bars(*columns(console.width), console=console, disable=not console.is_terminal)
        self._clock = clock
        self._waiting = None if tasks is None else {task.job.identity: task.images_to_train for task in tasks}
        self._all, self._done, self._failed = len(tasks or ()) + done, done, 0
        self._views: dict[str, JobView] = {}
        self._ids: dict[str, TaskID] = {}
        self._said: dict[str, float] = {"": clock()}  # identity, or empty for the whole study -> time of its last line

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.summary = ""
        self.bars.stop()

    def started(self, task: Task) -> None:
        """See Observer."""
        identity = task.job.identity
        view = self._views[identity] = JobView(task.directory, task.job.config)
        self._ids[identity] = self.bars.add_task(self.shown(task.name), total=view.total, **view.fields())
        self._said[identity] = self._clock()
        if self._waiting is not None:
            self._waiting.pop(identity, None)
            self.bars.summary = self.summary()
        if not self.console.is_terminal:
            self.say(f"started   {task.name}")

    def progressed(self, task: Task) -> None:
        """See Observer."""
        identity = task.job.identity
        view = self._views[identity]
        news = view.update()
        self.bars.update(self._ids[identity], completed=view.images, **view.fields())
        self.bars.summary = self.summary()
        if not self.console.is_terminal and (news or self._is_due(identity)):
            self._said[identity] = self._clock()
            self.say(f"          {task.name}: {view.text()}")
        if not self.console.is_terminal and self.bars.summary and self._is_due(""):
            self._said[""] = self._clock()
            self.say(f"          {self.bars.summary}")

    def ended(self, task: Task, outcome: JobOutcome) -> None:
        """See Observer. A failure is shown at once with the end of its log."""
        if outcome.state is JobState.ELSEWHERE and task.job.identity not in self._views:
            self._waiting and self._waiting.pop(task.job.identity, None)
            self.say(f"{outcome.state:<9} {task.name}: {outcome.reason}")
            return
        view = self._views.pop(task.job.identity)
        view.update()
        self.bars.remove_task(self._ids.pop(task.job.identity))
        self._done += outcome.state is JobState.FINISHED
        self._failed += outcome.state.is_failure
        self.bars.summary = self.summary()
        fields = view.fields()
        reason = f" ({outcome.reason})" if outcome.reason else ""
        self.say(f"{outcome.state:<9} {task.name}: {fields['kimg']} kimg {fields['metric']}{reason}")
        for warning in log_warnings(task.directory):
            self.say(warning, style="yellow")
        if outcome.state is JobState.FAILED and task.directory.log.exists():
            self.say(log_tail(task.directory), style="red")
            self.say(f"whole log: {task.directory.log}")

    def summary(self) -> str:
        """The whole study in a line; empty if there is none."""
        if self._waiting is None:
            return ""
        views, waiting = list(self._views.values()), self._waiting.values()
        rates = [view.rate() for view in views]
        parts = [f"{self._done} of {self._all} jobs done", f"{len(views)} running", f"{len(waiting)} to come"]
        parts += [f"{self._failed} failed"] if self._failed else []
        if views and all(rates):
            longest = max(view.left / rate for view, rate in zip(views, rates, strict=True))
            work = (sum(view.left for view in views) + sum(waiting)) / sum(rates)
            parts.append(f"about {clock_text(max(longest, work))} left")
        return "study: " + ", ".join(parts)

    def shown(self, name: str) -> str:
        """A name as short as the terminal asks for."""
        bar = BAR_WIDTH + 1 if self.console.width >= BAR_FROM else 0
        return shorten_middle(name, max(16, self.console.width - NUMBERS_WIDTH - bar))

    def say(self, text: str, style: str | None = None) -> None:
        """Print a line above the bars."""
        self.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    def _is_due(self, key: str) -> bool:
        return self._clock() - self._said[key] >= HEARTBEAT_SECONDS


def shorten_middle(text: str, width: int) -> str:
    """A text of at most so many characters: its end, where the seed stands, and what fits of its beginning."""
    if len(text) <= width:
        return text
    head = (width - 1) // 3
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"
