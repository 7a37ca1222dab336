"""Running the jobs of a plan: several at once, each in its own directory, one failure never stopping the rest."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

from experiments.study.plan import Job, job_as_json
from r3gan.files import write_json
from r3gan.jobdir import JobDir

POLL_SECONDS = 0.3
ATTEMPT_MARK = "=== attempt "  # begins each attempt in a log


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


class Process(Protocol):
    """A running job."""

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""

    def stop(self) -> None:
        """Ask it to write a checkpoint and end."""


class Launcher(Protocol):
    """Starts jobs on some machine. `slot` numbers the jobs that run at once, from 0."""

    def start(self, directory: JobDir, slot: int) -> Process:
        """Start the job whose config.json lies in the directory."""


class Observer(Protocol):
    """Is told what happens to the jobs, and never holds them up."""

    def started(self, task: Task) -> None:
        """The job's processes were started."""

    def progressed(self, task: Task) -> None:
        """Called every few tenths of a second while the job runs."""

    def ended(self, task: Task, outcome: str) -> None:
        """The job is finished, failed or stopped."""


@dataclass
class Outcome:
    """What became of the tasks."""

    finished: list[Task] = field(default_factory=list)
    failed: list[Task] = field(default_factory=list)
    stopped: list[Task] = field(default_factory=list)


def prepare_directory(task: Task) -> None:
    """Write the job's configuration and its place in the study. What decides the result is the same each time."""
    description = {key: value for key, value in job_as_json(task.job).items() if key != "config"}
    write_json(task.directory.root / "job.json", description)
    write_json(task.directory.config, asdict(task.job.config))


def execute(
    tasks: Iterable[Task],
    launcher: Launcher,
    slots: Sequence[int],
    observers: Sequence[Observer],
    should_stop: Callable[[], bool],
) -> Outcome:
    """Run the tasks, one at a time in each of the slots, until all have ended or `should_stop`."""
    waiting, free = deque(tasks), deque(slots)
    running: dict[int, tuple[Task, Process]] = {}
    outcome = Outcome()
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
                outcome.failed.append(task)
                for observer in observers:
                    observer.ended(task, f"failed ({error})")
        time.sleep(POLL_SECONDS)
        for slot, (task, process) in list(running.items()):
            code = process.poll()
            for observer in observers:
                observer.progressed(task)
            if code is not None:
                del running[slot]
                free.append(slot)
                failed = code and not stopping  # torchrun itself reports a signal as a failure
                ended = "finished" if task.directory.finished() else "failed" if failed else "stopped"
                getattr(outcome, ended).append(task)
                for observer in observers:
                    observer.ended(task, ended)
        if should_stop() and not stopping:
            stopping = True
            for _, process in running.values():
                process.stop()
    outcome.stopped += waiting
    return outcome


def log_tail(directory: JobDir, lines: int = 15) -> str:
    """The end of what the job itself printed in its last attempt, without the launcher's own report."""
    text = directory.log.read_text(errors="replace") if directory.log.exists() else ""
    attempt = text.rpartition(ATTEMPT_MARK)[2].partition("\n")[2]
    own = [line for line in attempt.splitlines() if line.strip()]
    report = next((i for i, line in enumerate(own) if "torch/distributed/elastic" in line), len(own))
    return "\n".join(own[:report][-lines:] or own[-lines:])
