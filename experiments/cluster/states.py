"""How far jobs are, by their directories and by what Slurm says of them. A directory has the last word."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from experiments.cluster.queue import Queued
from experiments.cluster.submissions import SLURM_FOLDER
from experiments.launch.scheduler import Task
from r3gan.jobdir import JobDir
from r3gan.lease import is_locked

CANCELLED = "CANCELLED"  # what Slurm says of jobs that were taken out of the queue, with further words behind it


class Stage(StrEnum):
    """Where a job is on its way."""

    NEW = "new"
    PENDING = "pending"
    RUNNING = "running"
    STOPPED = "stopped"  # with a checkpoint, and nobody goes on with it
    DIVERGED = "diverged"
    FAILED = "failed"
    DONE = "done"

    @property
    def is_open(self) -> bool:
        """Whether it will go on by itself."""
        return self in (Stage.PENDING, Stage.RUNNING)

    @property
    def has_ended(self) -> bool:
        """Whether it has trained, and nobody does at present."""
        return self in (Stage.STOPPED, Stage.DIVERGED, Stage.FAILED, Stage.DONE)

    @property
    def needs_a_retry(self) -> bool:
        """Whether it will not."""
        return self in (Stage.DIVERGED, Stage.FAILED)


@dataclass(frozen=True, kw_only=True)
class Status:
    """Of one job."""

    task: Task
    stage: Stage
    detail: str = ""  # in words: why it waits, where it runs, how it ended
    number: str | None = None  # Slurm's, if Slurm has it
    waits_for: str = ""  # in Slurm's own word, if it is pending there


def status(task: Task, number: str | None, queued: Mapping[str, Queued], ended: Mapping[str, str]) -> Status:
    """Of one."""
    job = task.directory
    if job.finished():
        return Status(task=task, stage=Stage.DONE)
    place = queued.get(number) if number else None
    if place is not None:
        detail = f"Slurm {number}, {place}"
        if place.is_running:
            return Status(task=task, stage=Stage.RUNNING, detail=detail, number=number)
        return Status(task=task, stage=Stage.PENDING, detail=detail, number=number, waits_for=place.detail)
    if job.diverged.exists():
        return Status(task=task, stage=Stage.DIVERGED, detail=job.diverged.read_text().strip())
    if job.root.is_dir() and is_locked(job):
        return Status(task=task, stage=Stage.RUNNING, detail="on this machine")
    if number and not job.root.is_dir():
        return Status(task=task, stage=Stage.NEW, detail=f"was Slurm's {number}, and its folder is gone")
    if number and not ended.get(number, "").startswith(CANCELLED):
        text = f"Slurm {number} ended without a result{said_of(ended.get(number))}"
        detail = text if job.log.exists() else f"{text}; see {slurm_log(job, number)}"
        return Status(task=task, stage=Stage.FAILED, detail=detail)
    return Status(task=task, stage=Stage.STOPPED if has_checkpoint(job) else Stage.NEW)


def slurm_log(job: JobDir, number: str) -> Path:
    """What Slurm's side of a job has printed, before the job itself began say."""
    return job.root.parents[2] / SLURM_FOLDER / "jobs" / f"{number}_0_log.out"


def said_of(end: str | None) -> str:
    """Slurm's own words, if it has any."""
    return f": {end}" if end else ""


def has_checkpoint(job: JobDir) -> bool:
    """Whether the job has trained before."""
    return job.last_checkpoint() is not None


def unexplained(tasks: Collection[Task], submitted: Mapping[str, str], queued: Mapping[str, Queued]) -> list[str]:
    """The numbers of jobs that have no result and that Slurm does not have: it is asked how these ended."""
    numbers = [submitted.get(task.job.identity) for task in tasks if not task.directory.finished()]
    return [number for number in numbers if number and number not in queued]
