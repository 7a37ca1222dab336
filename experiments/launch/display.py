"""What the terminal shows: the plan as a table, a progress bar per job, and each failure as it happens."""

import time
from collections.abc import Iterator
from typing import Any, Self

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from experiments.launch.log import log_tail
from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.scheduler import Task
from experiments.study.plan import Job
from r3gan.training.estimate import Cost

KEY_METRIC = "d_kl"


def plan_tables(jobs: list[Job], status: dict[str, str], costs: dict[str, Cost]) -> Iterator[Table]:
    """A table per dataset with a row per variant, and below it what each costs.

    `status` maps identities to done, resume or new, `costs` maps them to their cost, as far as it is known.
    """
    for dataset in dict.fromkeys(job.dataset for job in jobs):
        table = Table(title=dataset, title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column("variant", no_wrap=True)
        table.add_column("changes to the baseline", overflow="fold")
        for column in ("seeds", "kimg", "state"):
            table.add_column(column, justify="right")
        here = [job for job in jobs if job.dataset == dataset]
        for variant in dict.fromkeys(job.variant for job in here):
            members = [job for job in here if job.variant == variant]
            changes = "\n".join(f"{key}: {value}" for key, value in members[0].differences.items())
            states = [status[job.identity] for job in members]
            counted = "\n".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
            seeds = " ".join(str(job.seed) for job in members)
            table.add_row(variant, escape(changes) or "-", seeds, f"{members[0].config.total_kimg:g}", counted)
        variants_of: dict[Cost, list[str]] = {}
        for job in here:
            if job.identity in costs:
                names = variants_of.setdefault(costs[job.identity], [])
                names += [job.variant] if job.variant not in names else []
        table.caption = "\n".join(f"{', '.join(names)}: {cost_text(cost)}" for cost, names in variants_of.items())
        table.caption_justify = "left"
        yield table


def cost_text(cost: Cost) -> str:
    """A cost in one line."""
    pairs = "1 pair" if cost.micro_batch == 1 else f"{cost.micro_batch} pairs"
    return (
        f"G {shorten(cost.generator_parameters)} and D {shorten(cost.discriminator_parameters)} weights, "
        f"{shorten(cost.flops_per_image)}FLOP per image, {shorten(cost.memory_bytes)}B of memory with {pairs} at once"
    )


def shorten(number: float) -> str:
    """Three digits and a letter for thousands, millions and so on."""
    for letter in ("", "k", "M", "G", "T", "P"):
        if number < 1000:
            return f"{number:.3g} {letter}".rstrip()
        number /= 1000
    return f"{number:.3g} E"


def plan_summary(jobs: list[Job], status: dict[str, str], costs: dict[str, Cost]) -> str:
    """Jobs and cost in one line."""
    left = [job for job in jobs if status[job.identity] != "done"]
    total, remaining = (sum(job.config.total_kimg for job in part) for part in (jobs, left))
    known = [job for job in left if job.identity in costs]
    flops = sum(costs[job.identity].flops_per_image * job.config.total_img for job in known)
    work = f", {shorten(flops)}FLOP" if known else ""
    return f"{len(jobs)} jobs, {total:g} kimg in all; to run: {len(left)} jobs, {remaining:g} kimg{work}"


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
        self._offset = 0
        self._points: list[tuple[float, int]] = []  # (time, images) of this attempt, for the rate
        self._began = time.time()

    def update(self) -> bool:
        """Read what is new; returns whether the key metric is."""
        points, self._offset = self.task.directory.read_metrics(self._offset)
        news = False
        for point in points:
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
        if KEY_METRIC not in metrics:
            return False
        self.metric = f"D_KL {metrics[KEY_METRIC]:.3f}, {metrics['modes']:.0f} modes"
        return True

    def _rate(self) -> float:
        recent = [point for point in self._points if point[0] >= self._began][-10:]
        if len(recent) < 2 or recent[-1][0] == recent[0][0]:
            return 0.0
        return (recent[-1][1] - recent[0][1]) / (recent[-1][0] - recent[0][0])


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
