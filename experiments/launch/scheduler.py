"""Running the jobs of a plan: several at once, each in its own directory, one failure never stopping the rest."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from experiments.launch.launchers import Launcher, Process
from experiments.launch.outcome import JobOutcome, JobState
from experiments.study.plan import Job, job_as_json
from r3gan.files import write_json
from r3gan.jobdir import JobDir


@dataclass(frozen=True)
class Task:
    """A job, where its files lie, and what it is called on the terminal."""

    job: Job
    directory: JobDir
    label: str = ""  # other than the job's own name

    @property
    def name(self) -> str:
        """For people."""
        return self.label or self.job.name


class Observer(Protocol):
    """Is notified of what happens to the jobs, and never holds them up."""

    def started(self, task: Task) -> None:
        """The job's processes were started."""

    def progressed(self, task: Task) -> None:
        """Called at every look while the job runs."""

    def ended(self, task: Task, outcome: JobOutcome) -> None:
        """The job does not run any more."""


@dataclass(frozen=True)
class Ended:
    """A task and what became of it."""

    task: Task
    outcome: JobOutcome


def execute(
    tasks: Iterable[Task],
    launcher: Launcher,
    observers: Sequence[Observer],
    should_stop: Callable[[], bool],
    slots: Sequence[int] | None = None,
) -> list[Ended]:
    """Run the tasks, one at a time in each slot (default: all of the launcher's), until all end or `should_stop`.

    Returns every task in the order of their ends; those that were never started are STOPPED.
    """
    waiting, free = deque(tasks), deque(range(launcher.slots) if slots is None else slots)
    running: dict[int, tuple[Task, Process]] = {}
    ended: list[Ended] = []

    def end(task: Task, outcome: JobOutcome) -> None:
        ended.append(Ended(task, outcome))
        for observer in observers:
            observer.ended(task, outcome)

    stopping = False
    while running or (waiting and not stopping):
        while waiting and free and not stopping:
            task = waiting.popleft()
            for observer in observers:
                observer.started(task)
            try:
                prepare_directory(task)
                running[free[0]] = task, launcher.start(task.directory, free[0])
                free.popleft()
            except OSError as error:  # a full disk, say: this job fails, the others may not
                end(task, JobOutcome(JobState.FAILED, str(error)))
        time.sleep(launcher.poll_seconds)
        for slot, (task, process) in list(running.items()):
            code = process.poll()
            for observer in observers:
                observer.progressed(task)
            if code is not None:
                del running[slot]
                free.append(slot)
                end(task, outcome_of(task.directory, code, stopping))
        if should_stop() and not stopping:
            stopping = True
            for _, process in running.values():
                process.stop()
    return ended + [Ended(task, JobOutcome(JobState.STOPPED)) for task in waiting]


def prepare_directory(task: Task) -> None:
    """Write the job's configuration and its place in the study. What decides the result is the same each time."""
    description = {key: value for key, value in job_as_json(task.job).items() if key != "config"}
    write_json(task.directory.root / "job.json", description)
    write_json(task.directory.config, asdict(task.job.config))


def outcome_of(directory: JobDir, code: int, stopping: bool) -> JobOutcome:
    """What has become of a job whose processes ended with this exit code, possibly after they were asked to stop."""
    if directory.finished():
        return JobOutcome(JobState.FINISHED)
    if code and directory.diverged.exists():
        return JobOutcome(JobState.DIVERGED, directory.diverged.read_text().strip())
    if code and not stopping:  # torchrun itself reports a signal as a failure
        return JobOutcome(JobState.FAILED)
    return JobOutcome(JobState.STOPPED)
