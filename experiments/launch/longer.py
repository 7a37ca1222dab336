"""Why a training that is longer than one which has finished does not go on from its end, key by key."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from experiments.launch.execution import Execution
from experiments.launch.job_states import Findings, FolderState
from experiments.launch.sharing import Elsewhere, Starts, made_alike
from experiments.study.plan import Job
from r3gan.beginning import can_begin
from r3gan.config import IMG_PER_KIMG, TrainConfig
from r3gan.identity import canonical
from r3gan.intervals import has_passed
from r3gan.jobdir import JobDir
from r3gan.settings.leaves import leaves

FREE = ("total_kimg", "checkpoint_every_kimg", "init_from")  # keys in which a longer training may differ


def trained_anew(jobs: Sequence[Job], findings: Findings, starts: Starts, execution: Execution) -> Iterator[str]:
    """A sentence for each reason for which jobs of the plan train what a shorter one of their variant has trained."""
    if not execution.sharing:
        return
    elsewhere = Elsewhere(execution, jobs)
    named: dict[tuple[float, str], list[str]] = {}
    for job in jobs:
        if findings[job.identity].state is not FolderState.NEW:
            continue
        finished = [
            (folder, other) for folder, other in elsewhere.jobs(job) if folder.finished() and shorter(other, job)
        ]
        if not finished:
            continue
        folder, other = max(finished, key=lambda found: found[1].config.total_img)
        start, end = starts.get(job.identity), other.config.total_img
        if start is None or start.images < end:
            reason = "; ".join(obstacles(job.config, other.config)) or hindrance(folder, end, execution)
            named.setdefault((end / IMG_PER_KIMG, reason), []).append(job.name)
    for (kimg, reason), names in named.items():
        yield f"not from the end of the shorter training ({kimg:g} kimg): {', '.join(names)}: {reason}"


def shorter(other: Job, job: Job) -> bool:
    """Whether another job is one of the same variant, of less length."""
    return other.variant == job.variant and other.config.total_img < job.config.total_img


def obstacles(config: TrainConfig, other: TrainConfig) -> list[str]:
    """The keys for which a training cannot go on from the end of a shorter one, with both values; none if it can."""
    if can_begin(config, other, other.total_img):
        return []
    ours, theirs = (leaves(replace(canonical(one), loss=one.loss)) for one in (config, other))
    keys = [key for key in {**ours, **theirs} if key not in FREE and ours.get(key) != theirs.get(key)]
    found = [f"{key} is {shown(ours.get(key))}, and was {shown(theirs.get(key))}" for key in keys]
    if not any(key.startswith("loss.") for key in keys):
        found += moved_phases(config, other)
    if not found:
        every = {"log_every_kimg": config.log_every_kimg, "evaluation.every_kimg": config.evaluation.every_kimg}
        end = other.total_img
        found += [
            f"{key} is {kimg:g}, of which {end / IMG_PER_KIMG:g} kimg is no multiple"
            for key, kimg in every.items()
            if not has_passed(end, config.batch_size, kimg)
        ]
    return found


def moved_phases(config: TrainConfig, other: TrainConfig) -> list[str]:
    """The phases of the loss that begin at a fraction of the length, and elsewhere if that is another one."""
    found = []
    for number, phase in enumerate(config.loss):
        if phase.from_fraction:
            now, then = (phase.start_img(one.total_kimg) / IMG_PER_KIMG for one in (config, other))
            found.append(f"loss.{number}.from_fraction {phase.from_fraction:g} is {now:g} kimg, and was {then:g}")
    return found


def hindrance(folder: JobDir, images: int, execution: Execution) -> str:
    """Why a state that would do is not taken."""
    if made_alike(folder, execution):
        return f"{folder.root} has no checkpoint of its end"
    return "other code has trained it, or other ranks, or another --penalty-form"


def shown(value: Any) -> str:
    """A value of a key; `-` where it is not set."""
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
