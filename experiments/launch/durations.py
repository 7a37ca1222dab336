"""How long finished jobs took, noted beside each: what experiments/launch/forecast.py goes by.

Seconds are those of the clock from the start of a job's processes to their end: imports, evaluations and checkpoints
are in them.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass

from experiments.launch.launchers import Launcher
from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.scheduler import Task
from r3gan.beginning import read_inherited
from r3gan.files import read_object, write_json
from r3gan.jobdir import JobDir
from r3gan.one_machine import cores
from r3gan.provenance import code_here


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What decides how fast a job is, beside what it computes."""

    processor: str
    cores: int
    gpus: int
    gpu_memory_bytes: int
    jobs_at_once: int
    ranks: int


@dataclass(frozen=True, kw_only=True)
class Duration:
    """duration.json: of a job that ended in the run that began it."""

    seconds: float
    images: int  # that it has trained: without those of another job whose state it began in
    conditions: Conditions


def conditions_of(launcher: Launcher) -> Conditions:
    """Those of a launcher's jobs."""
    hardware = launcher.hardware
    return Conditions(
        processor=code_here().processor,
        cores=cores(),
        gpus=hardware.gpus,
        gpu_memory_bytes=hardware.gpu_memory_bytes,
        jobs_at_once=launcher.slots,
        ranks=launcher.execution.ranks,
    )


class Timekeeper:
    """An observer that notes how long jobs take which finish without a stop. clock: seconds."""

    def __init__(self, conditions: Conditions, clock: Callable[[], float]):
        self._conditions, self._clock = conditions, clock
        self._began: dict[str, float] = {}  # by identity

    def started(self, task: Task) -> None:
        """See Observer."""
        if task.directory.last_checkpoint() is None:
            self._began[task.job.identity] = self._clock()

    def progressed(self, task: Task) -> None:
        """See Observer."""

    def ended(self, task: Task, outcome: JobOutcome) -> None:
        """See Observer. Where nothing can be written, nothing is noted."""
        began = self._began.pop(task.job.identity, None)
        if began is None or outcome.state is not JobState.FINISHED:
            return
        inherited = read_inherited(task.directory)
        images = task.job.config.total_img - (inherited.images if inherited else 0)
        noted = Duration(seconds=round(self._clock() - began, 3), images=images, conditions=self._conditions)
        with suppress(OSError):
            write_json(task.directory.duration, asdict(noted))


def read_duration(directory: JobDir) -> Duration | None:
    """What was noted; None without it, or if it is not what was written."""
    data = read_object(directory.duration) or {}
    try:
        noted = Duration(**data | {"conditions": Conditions(**data["conditions"])})
        return noted if noted.seconds > 0 and noted.images > 0 else None
    except (KeyError, TypeError):
        return None
