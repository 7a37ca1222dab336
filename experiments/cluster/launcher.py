"""The Slurm launcher: jobs on a cluster's machines, which share their folders with this one."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from experiments.cluster.queue import Queued, SlurmAway, cancel, queue
from experiments.cluster.submissions import SLURM_FOLDER
from experiments.cluster.submit import node_job, submit
from experiments.launch.execution import Execution, Hardware
from experiments.launch.launchers import NotPrepared
from experiments.launch.preparation import prepare_here
from experiments.study.plan import Job
from r3gan.jobdir import JobDir

LOOK_SECONDS = 5.0
LOOKS_WITHOUT = 3  # at the queue, in a row, after which a job that is not there has left it
LONGEST_AWAY = 600.0  # seconds without an answer, after which Slurm is not asked any more


class Queue:
    """Slurm's queue, asked no more often than every LOOK_SECONDS, and patiently while its controller is away."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._known: dict[str, Queued] = {}
        self._asked = self._answered = -LONGEST_AWAY
        self.looks = 0  # that were answered

    def now(self) -> dict[str, Queued]:
        """As it was last seen. Raises NotPrepared after LONGEST_AWAY without an answer."""
        if self._clock() - self._asked < LOOK_SECONDS:
            return self._known
        self._asked = self._clock()
        try:
            self._known = queue()
        except SlurmAway as error:
            if not self.looks or self._clock() - self._answered > LONGEST_AWAY:
                raise NotPrepared(f"{error}; what was submitted goes on, and the same command finds it") from error
        else:
            self._answered = self._clock()
            self.looks += 1
        return self._known


@dataclass
class SlurmProcess:
    """A job under a number of Slurm's."""

    number: str
    directory: JobDir
    queue: Queue
    missed: set[int] = field(default_factory=set)  # looks at the queue at which it was not there

    def poll(self) -> int | None:
        """See launchers.Process."""
        if self.directory.finished():
            return 0
        if self.number in self.queue.now():
            self.missed.clear()
            return None
        self.missed.add(self.queue.looks)
        return 1 if len(self.missed) >= LOOKS_WITHOUT else None

    def stop(self) -> None:
        """See launchers.Process."""
        cancel([self.number])

    def kill(self) -> None:
        """See launchers.Process: Slurm does that by itself, after its KillWait."""

    def processor_seconds(self) -> None:
        """See launchers.Process: whoever runs on the node looks after that."""


@dataclass(frozen=True)
class SlurmLauncher:
    """Each job in an allocation of its own, with the resources that the study file asks for."""

    execution: Execution
    poll_seconds = 1.0
    queue: Queue = field(default_factory=Queue, compare=False)

    @cached_property
    def hardware(self) -> Hardware:
        """See launchers.Launcher. What memory the nodes' GPUs have is not known here."""
        return Hardware(self.execution.ranks if self.execution.resources.gpus else 0)

    @property
    def slots(self) -> int:
        """See launchers.Launcher."""
        return self.execution.slots or self.execution.resources.at_once or 1

    def prepare(self, jobs: Sequence[Job]) -> None:
        """See launchers.Launcher. Here, for folders are shared."""
        prepare_here(jobs)

    def start(self, directory: JobDir, slot: int) -> SlurmProcess:
        """See launchers.Launcher. Raises NotPrepared."""
        folder = self.execution.output.absolute() / SLURM_FOLDER
        (number,) = submit([node_job(directory, self.execution)], self.execution, folder, name=directory.root.name)
        return SlurmProcess(number, directory, self.queue)
