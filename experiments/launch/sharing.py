"""Which jobs begin in the states of others, so that no state is trained twice.

A job begins in the checkpoint of the job that shares the longest beginning with it: one before it in the plan, which
then keeps a checkpoint there, or one that lies in the output folder. r3gan/beginning.py decides what is shared.
"""

import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.launch.execution import Execution
from experiments.launch.job_states import Findings, FolderState, sources_of
from experiments.launch.scheduler import Task
from experiments.study.plan import Job, job_from_json, one_of_each
from r3gan.beginning import Beginning, Sharing, can_begin, latest_beginning
from r3gan.config import IMG_PER_KIMG, TrainConfig
from r3gan.files import read_object
from r3gan.identity import state_identity
from r3gan.jobdir import JOB_FILE, JobDir
from r3gan.provenance import source_hash

JOB_FOLDER = re.compile(r"seed\d+-[0-9a-f]{10}")


@dataclass(frozen=True, kw_only=True)
class Start:
    """The state of another job in which a job begins."""

    variant: str
    seed: int
    identity: str
    folder: Path
    images: int
    label: str = ""  # of that job, for people, other than its variant and seed

    @property
    def kimg(self) -> float:
        """The same in thousands."""
        return self.images / IMG_PER_KIMG

    def seen_from(self, folder: Path) -> Beginning:
        """For the job that lies there."""
        name, path = self.label or f"{self.variant}/{self.seed}", os.path.relpath(self.folder, folder)
        return Beginning(name=name, identity=self.identity, folder=path, images=self.images)


Starts = dict[str, Start]  # by the identity of the job that begins there


def find_starts(jobs: Sequence[Job], findings: Findings, execution: Execution) -> Starts:
    """Where the jobs begin that have nothing yet, as far as that is in another job. Empty without Execution.sharing."""
    starts: Starts = {}
    if not execution.sharing:
        return starts
    alike, elsewhere = _parting(jobs), Elsewhere(execution, jobs)
    order = {job.identity: i for i, job in enumerate(jobs)}
    by_place = {(job.configuration, job.seed): job for job in jobs}
    for job in jobs:
        if findings[job.identity].state is not FolderState.NEW:
            continue
        options = list(elsewhere.starts(job))
        for configuration, images in alike[job.configuration].items():
            other = by_place.get((configuration, job.seed))
            if other is None:
                continue
            directory, state = JobDir(other.directory(execution.output)), findings[other.identity].state
            options += kept_states(other, directory, job.config, execution)
            trained_until = _trained_until(directory, state, starts.get(other.identity))
            is_resumed, is_before = state is FolderState.RESUME, order[other.identity] < order[job.identity]
            will_come = made_alike(directory, execution) if is_resumed else is_before
            if trained_until < images and will_come:
                options.append(_start(other, directory, images))
        if options:
            starts[job.identity] = max(options, key=lambda start: start.images)  # of equal ones the first
    return starts


def with_sharing(tasks: Sequence[Task], starts: Starts) -> list[Task]:
    """The same tasks, each told where it begins, and which states it keeps for others beside those of before."""
    keep = {task.job.identity: set(task.sharing.keep) for task in tasks}
    for start in starts.values():
        keep.setdefault(start.identity, set()).add(start.images)
    told = []
    for task in tasks:
        own = starts.get(task.job.identity)
        begins_in = own.seen_from(task.directory.root) if own else None
        sharing = Sharing(keep=tuple(sorted(keep.get(task.job.identity, ()))), begins_in=begins_in)
        told.append(replace(task, sharing=sharing))
    return told


def _parting(jobs: Sequence[Job]) -> dict[str, dict[str, int]]:
    """For each configuration those of the plan that begin alike, and the images after which it may leave them."""
    alike: dict[str, list[tuple[str, TrainConfig]]] = {}
    found: dict[str, dict[str, int]] = {}
    for job in one_of_each(list(jobs)):
        config = replace(job.config, seed=0)
        group = alike.setdefault(state_identity(config, config.batch_size), [])
        found[job.configuration] = {}
        for other, theirs in group:
            found[job.configuration][other] = latest_beginning(config, theirs)
            found[other][job.configuration] = latest_beginning(theirs, config)
        group.append((job.configuration, config))
    return found


def _trained_until(directory: JobDir, state: FolderState, start: Start | None) -> float:
    """The images up to which a job keeps no further checkpoints for others; infinite if it trains no more here."""
    if state is FolderState.NEW:
        return start.images if start else 0
    checkpoint = directory.last_checkpoint()
    return int(checkpoint.name) if state is FolderState.RESUME and checkpoint else math.inf


def kept_states(other: Job, directory: JobDir, config: TrainConfig, execution: Execution) -> Iterator[Start]:
    """The checkpoints of a job that a training may go on from."""
    if not directory.checkpoint_folders() or not made_alike(directory, execution):
        return
    for folder in directory.checkpoint_folders():
        if can_begin(config, other.config, int(folder.name)):
            yield _start(other, directory, int(folder.name))


def _start(other: Job, directory: JobDir, images: int) -> Start:
    return Start(variant=other.variant, seed=other.seed, identity=other.identity, folder=directory.root, images=images)


def made_alike(directory: JobDir, execution: Execution) -> bool:
    """Whether today's code has trained a job as it would train another one now.

    What it cannot tell before a job runs, threads and pairs at once, counts as after a crash: not at all.
    """
    environment, asked = read_object(directory.environment) or {}, execution.computation
    how = tuple(environment.get(key) for key in ("ranks", "tf32", "penalty_form"))
    return sources_of(directory) == source_hash() and how == (execution.ranks, asked.tf32, asked.penalty_form)


class Elsewhere:
    """Jobs of the same study, dataset and seed in the output folder that are not in the plan."""

    def __init__(self, execution: Execution, jobs: Sequence[Job]):
        self._execution = execution
        self._planned = {job.directory(execution.output) for job in jobs}
        self._folders: dict[Path, dict[str, list[Path]]] = {}  # by the dataset's folder, then by seed
        self._jobs: dict[Path, Job | None] = {}

    def starts(self, job: Job) -> Iterator[Start]:
        """The checkpoints that the job may begin in."""
        for directory, other in self.jobs(job):
            yield from kept_states(other, directory, job.config, self._execution)

    def jobs(self, job: Job) -> Iterator[tuple[JobDir, Job]]:
        """Those that lie beside a job of the plan, with their folders."""
        root = job.directory(self._execution.output).parents[1]
        if root not in self._folders:
            self._folders[root] = self._list(root)
        for folder in self._folders[root].get(f"seed{job.seed}", []):
            if folder not in self._jobs:
                self._jobs[folder] = read_job(folder)
            other = self._jobs[folder]
            if other is not None:
                yield JobDir(folder), other

    def _list(self, root: Path) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for folder in sorted(root.glob("*/*")):
            if folder not in self._planned and JOB_FOLDER.fullmatch(folder.name):
                found.setdefault(folder.name.partition("-")[0], []).append(folder)
        return found


def read_job(folder: Path) -> Job | None:
    """The job whose folder it is; None if it cannot be told, which is said to whoever asks for that job."""
    try:
        return job_from_json(read_object(folder / JOB_FILE) or {}, read_object(JobDir(folder).config) or {})
    except (ValueError, TypeError, KeyError):
        return None
