"""The local launcher: jobs as torchrun processes, sharing the cores or the GPUs of this machine."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from experiments.launch.execution import Execution, Hardware
from experiments.launch.log import begin_attempt
from experiments.launch.one_machine import own_environment, torchrun_command
from experiments.launch.preparation import prepare_here
from experiments.launch.process_tree import kill_family, processor_seconds
from experiments.study.plan import Job
from r3gan.jobdir import LAUNCHER_PID, JobDir

# glibc: keep freed blocks for the next step instead of handing them back, to be zeroed when they return.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1)}


@dataclass(frozen=True)
class LocalProcess:
    """One torchrun and its ranks."""

    process: "subprocess.Popen[bytes]"

    def poll(self) -> int | None:
        """See launchers.Process."""
        return self.process.poll()

    def stop(self) -> None:
        """torchrun hands the signal on to its ranks and waits for them."""
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
        command = [*torchrun_command(self.execution.ranks), "r3gan", "train", str(directory.root)]
        command += self.execution.computation.arguments()
        with directory.log.open("a") as log:
            begin_attempt(log)
            process = subprocess.Popen(
                command,
                env=own_environment(os.environ) | self.environment(slot),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the launcher alone, which then stops its jobs in order
            )
        return LocalProcess(process)

    def environment(self, slot: int) -> dict[str, str]:
        """The environment variables that confine a job to its slot."""
        confined = {LAUNCHER_PID: str(os.getpid())}
        gpus, ranks = self.hardware.gpus, self.execution.ranks
        if gpus:
            names = visible_gpus(gpus)  # more jobs than fit use the same GPUs
            mine = [names[(slot * ranks + rank) % gpus] for rank in range(ranks)]
            confined["CUDA_VISIBLE_DEVICES"] = ",".join(mine)
            confined["OMP_NUM_THREADS"] = str(max(1, cores() // gpus))
        else:
            confined["OMP_NUM_THREADS"] = str(max(1, cores() // (self.slots * ranks)))
            confined |= KEEP_MEMORY
        return confined


def this_machine() -> Hardware:
    """What this machine has for jobs. Loads torch."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    memory = [torch.cuda.get_device_properties(i).total_memory for i in range(count)]
    return Hardware(count, min(memory, default=0))


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def visible_gpus(count: int) -> list[str]:
    """The names of the GPUs that this process may use."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",") if named else [str(i) for i in range(count)]
