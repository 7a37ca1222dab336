"""Running the jobs of a plan: several at once, each in its own directory, one failure never stopping the rest."""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from experiments.launch.launchers import Launcher, Process
from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.packing import Packing
from experiments.launch.place import place_of
from experiments.launch.signs_of_life import Watchdog
from experiments.study.plan import Job, job_as_json
from r3gan.beginning import Sharing
from r3gan.files import write_json
from r3gan.jobdir import JobDir
from r3gan.lease import holder


@dataclass(frozen=True)
class Task:
    """A job, where its files lie, and what it is called on the terminal."""

    job: Job
    directory: JobDir
    label: str = ""  # other than the job's own name
    sharing: Sharing = Sharing()  # noqa: RUF009 - frozen, as the field of a frozen class

    @property
    def name(self) -> str:
        """For people."""
        return self.label or self.job.name

    @property
    def images_to_train(self) -> int:
        """From where it begins."""
        start = self.sharing.begins_in
        return self.job.config.total_img - (start.images if start else 0)

    def can_begin(self, others: Collection[str]) -> bool:
        """Whether the state that it begins in is there, or will not come: others are the jobs that have not ended."""
        start = self.sharing.begins_in
        if start is None or start.identity not in others:
            return True
        return start.directory(self.directory.root).checkpoint(start.images).exists()


class Running:
    """A task on its way, in one slot."""

    def __init__(self, task: Task, process: Process, patience_minutes: float, clock: Callable[[], float]):
        self.task, self.process = task, process
        self.watchdog = Watchdog(
            directory=task.directory, process=process, patience_minutes=patience_minutes, clock=clock
        )


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
    clock: Callable[[], float] = time.monotonic,
    share: Callable[[list[Task]], list[Task]] = list,
) -> list[Ended]:
    """Run the tasks, one at a time in each slot (default: all of the launcher's), until all end or `should_stop`.

    In order, but for a job that begins in the state of another one: it waits for that state, or for that job's end. If
    that job ends without having left it, `share` says anew where those begin that would have begun in it.

    A job without a sign of life for as long as the launcher's Execution says is stopped, and has failed.
    Returns every task in the order of their ends; those that were never started are STOPPED, those that another command
    trains are ELSEWHERE.
    """
    waiting = list(tasks)
    free = deque(range(min(launcher.slots, len(waiting))) if slots is None else slots)
    running: dict[int, Running] = {}
    patience, packing = launcher.execution.patience_minutes, launcher.execution.packing
    ended: list[Ended] = []

    def end(task: Task, outcome: JobOutcome) -> None:
        ended.append(Ended(task, outcome))
        for observer in observers:
            observer.ended(task, outcome)

    stopping = False
    while running or (waiting and not stopping):
        while free and not stopping and (found := next_task(waiting, running, free, packing)) is not None:
            task, slot = found
            waiting.remove(task)
            other = holder(task.directory)
            if other is not None:
                end(task, elsewhere(other))
                continue
            for observer in observers:
                observer.started(task)
            try:
                prepare_directory(task)
                running[slot] = Running(task, launcher.start(task.directory, slot), patience, clock)
                free.remove(slot)
            except OSError as error:  # a full disk, say: this job fails, the others may not
                end(task, JobOutcome(JobState.FAILED, str(error)))
        time.sleep(launcher.poll_seconds)
        for slot, job in list(running.items()):
            code = job.process.poll()
            for observer in observers:
                observer.progressed(job.task)
            if code is None:
                job.watchdog.look()
            else:
                del running[slot]
                free.append(slot)
                end(job.task, outcome_of(job.task.directory, code, stopping, job.watchdog.reason))
                waiting[:] = shared_anew(waiting, job.task, share)
        if should_stop() and not stopping:
            stopping = True
            for job in running.values():
                job.process.stop()
    return ended + [Ended(task, JobOutcome(JobState.STOPPED)) for task in waiting]


def next_task(
    waiting: Sequence[Task], running: Mapping[int, Running], free: Sequence[int], packing: Packing
) -> tuple[Task, int] | None:
    """The first one that can begin and has room, and its slot."""
    taken = {slot: one.task.job.configuration for slot, one in running.items()}
    return packing.choose(ready_ones(waiting, running), lambda task: task.job.configuration, free, taken)


def ready_ones(waiting: Sequence[Task], running: Mapping[int, Running]) -> Iterator[Task]:
    """Those that can begin."""
    others = {task.job.identity for task in waiting} | {one.task.job.identity for one in running.values()}
    yield from (task for task in waiting if task.can_begin(others))


def shared_anew(waiting: list[Task], ended: Task, share: Callable[[list[Task]], list[Task]]) -> list[Task]:
    """The same tasks; those that would have begun in a state which a task has not left are shared among each other, and
    with what lies in the output folder."""

    def is_orphan(task: Task) -> bool:
        start = task.sharing.begins_in
        if start is None or start.identity != ended.job.identity:
            return False
        return not start.directory(task.directory.root).checkpoint(start.images).exists()

    orphans = {task.job.identity: task for task in waiting if is_orphan(task)}
    told = {task.job.identity: task for task in share(list(orphans.values()))} if orphans else {}
    return [told.get(task.job.identity, task) for task in waiting]


def prepare_directory(task: Task) -> None:
    """Write the job's configuration and its place in the study. What decides the result is the same each time."""
    write_json(task.directory.sharing, asdict(task.sharing))
    description = {key: value for key, value in job_as_json(task.job).items() if key != "config"}
    write_json(task.directory.description, description)
    write_json(task.directory.config, asdict(task.job.config))
    place_of(task.directory)


def elsewhere(holder: str) -> JobOutcome:
    """Of a job that another command trains."""
    return JobOutcome(JobState.ELSEWHERE, f"{holder} trains it: it is left alone")


def outcome_of(directory: JobDir, code: int, stopping: bool, silence: str = "") -> JobOutcome:
    """What has become of a job whose processes ended with this exit code, possibly after they were asked to stop.

    silence: why, if that was for want of a sign of life.
    """
    if directory.finished():
        return JobOutcome(JobState.FINISHED)
    if code and directory.diverged.exists():
        return JobOutcome(JobState.DIVERGED, directory.diverged.read_text().strip())
    if code and (other := holder(directory)) is not None:  # it was begun there at the same moment
        return elsewhere(other)
    if silence:
        return JobOutcome(JobState.FAILED, silence)
    if code and not stopping:  # a signal is reported as a failure
        return JobOutcome(JobState.FAILED)
    return JobOutcome(JobState.STOPPED)
