"""Where the files of trials lie, and which of their checkpoints stay."""

import shutil
from collections.abc import Collection
from pathlib import Path

from experiments.tracking.search_record import SearchRecord, TrialState
from r3gan.beginning import read_sharing
from r3gan.jobdir import JobDir

WITHOUT_WEIGHTS = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.DIVERGED)  # unless a trial is the best


def trial_folder(folder: Path, number: int) -> Path:
    """Where the jobs of a trial lie, in the search's folder; `number` is that of its first attempt."""
    return folder / f"trial{number:04}"


def trial_number(folder: Path) -> int:
    """The number in a trial's folder."""
    return int(folder.name.removeprefix("trial"))


def tidy(folder: Path, record: SearchRecord, *, is_over: bool) -> None:
    """Free the disk of what no one goes on from.

    Those are the checkpoints of trials that have ended and are not the best; but for those that later trials may begin
    in, until the search is over: then these go too, of all trials.
    """
    is_over = is_over and not any(trial.state.is_open for trial in record.trials)
    for trial in record.trials:
        if trial.state.is_open or trial.state is TrialState.INTERRUPTED:
            continue
        first = trial.number if trial.retry_of is None else trial.retry_of
        for job in map(JobDir, trial_folder(folder, first).glob("*/")):
            if trial.state in WITHOUT_WEIGHTS and trial.number not in record.best:
                leave_kept(job) if not is_over else leave(job, ())
            elif is_over:
                leave_own(job)


def leave_kept(job: JobDir) -> None:
    """Only the checkpoints that others may begin in."""
    leave(job, read_sharing(job).keep)


def leave_own(job: JobDir) -> None:
    """All checkpoints but those that are there for others alone."""
    kept, found = read_sharing(job).keep, [int(path.name) for path in job.checkpoint_folders()]
    leave(job, {*found[:1], *(images for images in found if images not in kept)})


def leave(job: JobDir, images: Collection[int]) -> None:
    """Only the checkpoints after so many images."""
    if not images:
        shutil.rmtree(job.checkpoints, ignore_errors=True)
    for path in job.checkpoint_folders():
        if int(path.name) not in images:
            shutil.rmtree(path, ignore_errors=True)
