"""What lies in the folders of a plan's jobs: done, begun or nothing; whether it is sound, and which code made it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from experiments.launch.scheduler import Task
from experiments.study.plan import Job
from r3gan.files import read_object
from r3gan.jobdir import JobDir
from r3gan.lease import is_locked
from r3gan.points import points_before_damage
from r3gan.provenance import source_hash


class FolderState(StrEnum):
    """How far a job is, by its folder."""

    NEW = "new"
    RUNNING = "running"  # another command of this machine trains it
    RESUME = "resume"  # it has a checkpoint
    DONE = "done"
    DAMAGED = "damaged"  # done, but its records are not what was written: its last checkpoint has them


@dataclass(frozen=True)
class Finding:
    """A job's folder, looked into."""

    state: FolderState
    damage: str = ""  # what is wrong with the records of a finished job
    other_code: str = ""  # which sources have trained it, if they are not today's

    def __str__(self) -> str:
        is_done = self.state is FolderState.DONE
        return f"{self.state} by other code" if is_done and self.other_code else str(self.state)

    @property
    def is_left(self) -> bool:
        """Whether there is something to train, or to restore."""
        return self.state is not FolderState.DONE


WITH_OTHER_CODE = {
    FolderState.NEW: "sets their folders aside and trains them again",
    FolderState.RESUME: "goes on under today's",
    FolderState.DONE: "keeps what they made apart in its report; with --rerun changed it trains them again",
    FolderState.DAMAGED: "goes on under today's",
}
OF_OTHER_CODE = ".by-"  # in the names of folders that were set aside
Findings = dict[str, Finding]  # by the identity of the job


def look_into_all(jobs: Sequence[Job], output: Path) -> Findings:
    """The folders of these jobs."""
    return {job.identity: look_into(JobDir(job.directory(output))) for job in jobs}


def with_reruns(findings: Findings) -> Findings:
    """What is to be done if finished jobs that other code has trained are trained again."""
    return {key: replace(f, state=FolderState.NEW) if f.other_code else f for key, f in findings.items()}


def warnings_of(jobs: Sequence[Job], findings: Findings) -> Iterator[str]:
    """A sentence for each damaged job, and one for each code other than today's that has trained some."""
    by_code: dict[tuple[str, str], list[str]] = {}
    for job in jobs:
        finding = findings[job.identity]
        if finding.damage and finding.state is FolderState.DAMAGED:
            yield f"{job.name}: {finding.damage}; a run restores its records from its last checkpoint, or trains on"
        if finding.other_code:
            by_code.setdefault((finding.other_code, WITH_OTHER_CODE[finding.state]), []).append(job.name)
    for (code, what), names in by_code.items():
        yield (
            f"trained by other sources of r3gan ({code}; today's are {source_hash()}): {', '.join(names)}; a run {what}"
        )


def reopened(tasks: Sequence[Task], findings: Findings, *, rerun_changed: bool) -> Findings:
    """What is there once damaged jobs can go on, and, if asked for, those of other code begin anew. Raises OSError."""
    found = dict(findings)
    for task in tasks:
        finding = findings[task.job.identity]
        if finding.other_code and rerun_changed:
            set_aside(task, finding.other_code)
            found[task.job.identity] = look_into(task.directory)
        elif finding.damage:
            reopen(task)
    return found


def look_into(job: JobDir) -> Finding:
    """Everything about a job's folder. Reads no weights."""
    trained_by = sources_of(job)
    other = trained_by if trained_by and trained_by != source_hash() else ""
    if not job.finished():
        if is_locked(job):
            return Finding(FolderState.RUNNING)
        resumed = job.last_checkpoint() is not None
        return Finding(FolderState.RESUME if resumed else FolderState.NEW, other_code=other if resumed else "")
    damage = next(find_damage(job), "")
    return Finding(FolderState.DAMAGED if damage else FolderState.DONE, damage, other)


def find_damage(job: JobDir) -> Iterator[str]:
    """What is wrong with the records of a finished job, in sentences."""
    points, is_sound = points_before_damage(job.metrics)
    if not is_sound:
        yield f"{job.metrics} is damaged in line {len(points) + 1}"
    result, environment = read_object(job.result), read_object(job.environment)
    if not points:
        yield f"{job.metrics} holds no point"
    elif result != points[-1]:
        yield f"{job.result} is not the last point of {job.metrics.name}"
    if environment is None or "dataset" not in environment:
        yield f"{job.environment} is not what was written"
    for path in (job.config, job.description):
        if not read_object(path):
            yield f"{path} is not what was written"
    checkpoint = job.last_checkpoint()
    copy = checkpoint and checkpoint / job.metrics.name
    if copy is not None and copy.exists() and points_before_damage(copy) != (points, True):
        yield f"{job.metrics} is not what the last checkpoint says"


def reopen(task: Task) -> None:
    """Let a finished job go on from its last checkpoint, which has its records. Raises OSError."""
    task.directory.result.unlink(missing_ok=True)


def set_aside(task: Task, sources: str) -> Path:
    """Give the folder of a job that other code has trained another name. Returns it. Raises OSError."""
    root = task.directory.root
    taken = len(list(root.parent.glob(f"{root.name}{OF_OTHER_CODE}{sources}*")))
    return root.rename(root.with_name(f"{root.name}{OF_OTHER_CODE}{sources}{f'-{taken}' if taken else ''}"))


def sources_of(job: JobDir) -> str:
    """The code that trained a job: hashes of r3gan's sources, of several with + between; empty if none is recorded."""
    return joined_sources((read_object(job.environment) or {}).get("trained_by", []))


def joined_sources(stretches: list[dict[str, dict[str, str]]]) -> str:
    """The same of the stretches in environment.json."""
    try:
        return "+".join(dict.fromkeys(stretch["code"]["sources"] for stretch in stretches))
    except (KeyError, TypeError):
        return ""
