"""Trials that begin in the states of others: which a job begins in, and which it keeps.

A trial keeps checkpoints where the space lets later ones part from it (experiments/tuning/partings.py), and begins in
the latest of those that others have kept so far.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from experiments.launch.execution import Execution
from experiments.launch.sharing import Start, kept_states, read_job
from experiments.study.plan import Job
from experiments.tuning.partings import partings
from experiments.tuning.search import Search
from experiments.tuning.trial_files import trial_number
from r3gan.beginning import Sharing, read_sharing
from r3gan.jobdir import JobDir


def trial_sharing(search: Search, chosen: dict[str, Any], job: Job, directory: JobDir, execution: Execution) -> Sharing:
    """What a job of a trial with the chosen values shares; nothing without Execution.sharing."""
    if not execution.sharing:
        return Sharing()
    found = [] if directory.checkpoint_folders() else list(starts(directory, job, execution))
    start = max(found, key=lambda start: start.images, default=None)  # of equal ones the first
    keep = partings(search, job.variant, chosen).images
    return Sharing(
        keep=tuple(images for images in keep if start is None or images > start.images),
        begins_in=start.seen_from(directory.root) if start else None,
    )


def starts(directory: JobDir, job: Job, execution: Execution) -> Iterator[Start]:
    """The states that trials of the same search keep and the job may begin in.

    What they do not keep may go while it is copied.
    """
    for folder in sorted(directory.root.parents[1].glob(f"trial*/*-seed{job.seed}-*")):
        other = JobDir(folder)
        keep = read_sharing(other).keep
        theirs = read_job(folder) if keep and other.checkpoint_folders() else None
        if theirs is None:
            continue
        label = f"trial {trial_number(folder.parent)}, {theirs.variant}/{theirs.seed}"
        for start in kept_states(theirs, other, job.config, execution):
            if start.images in keep:
                yield replace(start, label=label)
