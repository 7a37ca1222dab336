"""How long jobs will take, by what finished jobs of the same study took on this machine with as many at once.

Where nothing like a job was noted under these conditions, nothing is said of it.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.launch.durations import Conditions, read_duration
from experiments.launch.execution import Execution
from experiments.launch.sharing import Starts
from experiments.study.plan import Job
from r3gan.files import read_object
from r3gan.jobdir import JobDir

if TYPE_CHECKING:
    from r3gan.training.cost import Cost


UNITS = ((3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True)
class Forecast:
    """A time if all goes as with the fastest of the jobs that were noted, and as with the slowest."""

    low_seconds: float
    high_seconds: float

    @property
    def text(self) -> str:
        """`about 5 to 7 min`."""
        unit, name = next((unit, name) for unit, name in UNITS if self.high_seconds >= 2 * unit or unit == 1)
        digits = 1 if name == "h" else 0
        low, high = f"{self.low_seconds / unit:.{digits}f}", f"{self.high_seconds / unit:.{digits}f}"
        return f"about {high if low == high else f'{low} to {high}'} {name}"


class Speeds:
    """Seconds per image of a study's finished jobs under some conditions, by their configuration."""

    def __init__(self, study: str, execution: Execution, conditions: Conditions):
        self.conditions = conditions
        self._is_mixed = len(set(execution.packing.jobs_per_gpu.values())) > 1
        self._rates: dict[str, list[float]] = {}
        for folder in sorted((execution.output / study).glob("*/*/seed*")):
            directory = JobDir(folder)
            noted = read_duration(directory)
            if noted is not None and noted.conditions == conditions:
                configuration = str((read_object(directory.description) or {}).get("configuration"))
                self._rates.setdefault(configuration, []).append(noted.seconds / noted.images)

    @property
    def basis(self) -> str:
        """For people: what forecasts go by."""
        count, at_once = sum(map(len, self._rates.values())), self.conditions.jobs_at_once
        return f"by {count} finished job{'s' * (count > 1)} of this study, on this machine with {at_once} at once"

    def of_job(self, job: Job, images: int, costs: "Mapping[str, Cost]") -> Forecast | None:
        """How long it trains so many images: as jobs of its configuration did, else as others by operations per image.

        costs: by configuration, as far as they are known. None if nothing like it was noted.
        """
        rates = self._rates.get(job.configuration) or list(self._by_operations(job, costs))
        return Forecast(min(rates) * images, max(rates) * images) if rates else None

    def of_all(self, jobs: "Sequence[Forecast | None]") -> Forecast | None:
        """Until the last of them ends; None if one is not known, or if not all have as much of a GPU. Waiting for the
        states of others is not counted."""
        known = [job for job in jobs if job is not None]
        if len(known) < len(jobs) or self._is_mixed:
            return None
        slots = self.conditions.jobs_at_once
        low, high = [job.low_seconds for job in known], [job.high_seconds for job in known]
        return Forecast(seconds_in_slots(low, slots), seconds_in_slots(high, slots))

    def _by_operations(self, job: Job, costs: "Mapping[str, Cost]") -> Iterator[float]:
        for configuration, rates in self._rates.items():
            if job.configuration in costs and configuration in costs:
                factor = costs[job.configuration].flops_per_image / costs[configuration].flops_per_image
                yield from (rate * factor for rate in rates)


def forecasts_of(
    left: Sequence[Job], speeds: Speeds, starts: Starts, execution: Execution, costs: "Mapping[str, Cost]"
) -> dict[str, Forecast | None]:
    """Identity -> how long the rest of a job takes. left: those that are to train; costs: by configuration."""
    found = {}
    for job in left:
        checkpoint = JobDir(job.directory(execution.output)).last_checkpoint()
        start = starts.get(job.identity)
        done = int(checkpoint.name) if checkpoint else start.images if start else 0
        found[job.identity] = speeds.of_job(job, max(0, job.config.total_img - done), costs)
    return found


def seconds_in_slots(seconds: Sequence[float], slots: int) -> float:
    """Until the last job ends, if each takes the slot that is free first."""
    free = [0.0] * slots
    for job in seconds:
        heapq.heapreplace(free, free[0] + job)
    return max(free)
