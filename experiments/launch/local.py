"""The local launcher: jobs as processes that share the cores or the GPUs of this machine."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from experiments.launch.execution import Execution, Hardware
from experiments.launch.preparation import prepare_here
from experiments.launch.process_tree import kill_family, processor_seconds
from experiments.study.plan import Job
from r3gan.jobdir import JobDir
from r3gan.one_machine import cores, on_cores, on_gpus, start_ranks


@dataclass(frozen=True)
class LocalProcess:
    """A job of one rank, or a torchrun with its ranks."""

    process: "subprocess.Popen[bytes]"

    def poll(self) -> int | None:
        """See launchers.Process."""
        return self.process.poll()

    def stop(self) -> None:
        """See launchers.Process. torchrun hands the signal on to its ranks and waits for them."""
        self.process.terminate()

    def kill(self) -> None:
        """See launchers.Process."""
        kill_family(self.process.pid)

    def processor_seconds(self) -> float | None:
        """See launchers.Process."""
        return processor_seconds(self.process.pid)


@dataclass(frozen=True)
class LocalLauncher:
    """Gives each slot its part of the machine: a GPU for each rank where there are any, else its part of the cores."""

    execution: Execution
    poll_seconds = 0.3

    @cached_property
    def hardware(self) -> Hardware:
        """See launchers.Launcher."""
        return this_machine()

    @property
    def slots(self) -> int:
        """See launchers.Launcher. Not fewer for fewer jobs: the threads of a job decide its bits."""
        return self.execution.slots or max(1, (self.hardware.gpus or cores()) // self.execution.ranks)

    def prepare(self, jobs: Sequence[Job]) -> None:
        """See launchers.Launcher."""
        prepare_here(jobs)

    def start(self, directory: JobDir, slot: int) -> LocalProcess:
        """See launchers.Launcher. What the job prints is appended to its log."""
        execution = self.execution
        return LocalProcess(start_ranks(directory, execution.ranks, execution.computation, self.environment(slot)))

    def environment(self, slot: int) -> dict[str, str]:
        """The environment variables that confine a job to its slot."""
        gpus, ranks = self.hardware.gpus, self.execution.ranks
        if not gpus:
            return on_cores(self.slots * ranks)
        return on_gpus([(slot * ranks + rank) % gpus for rank in range(ranks)], gpus)  # more jobs than fit share GPUs


def this_machine() -> Hardware:
    """What this machine has for jobs. Loads torch."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    memory = [torch.cuda.get_device_properties(i).total_memory for i in range(count)]
    return Hardware(count, min(memory, default=0))
