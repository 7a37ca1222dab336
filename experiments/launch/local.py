"""The local launcher: jobs as processes that share the cores or the GPUs of this machine."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from experiments.launch.costs import job_costs
from experiments.launch.execution import Execution, Hardware
from experiments.launch.gpu_needs import needs_of
from experiments.launch.gpus import Gpus, look_at_gpus
from experiments.launch.launchers import NotPrepared
from experiments.launch.packing import pack, packing_text
from experiments.launch.preparation import prepare_here
from experiments.launch.process_tree import kill_family, processor_seconds
from experiments.study.plan import Job
from r3gan.files import read_object
from r3gan.jobdir import JobDir
from r3gan.one_machine import GPU_JOBS, cores, on_cores, on_gpus, start_ranks


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
    def machine(self) -> Hardware:
        """All of it."""
        return this_machine()

    @cached_property
    def gpus(self) -> Gpus:
        """Those that are free, as they were when they were first asked for."""
        return look_at_gpus(self.machine.gpus)

    @property
    def usable(self) -> Sequence[int]:
        """The GPUs that jobs may run on; all if none is free, which `prepare` refuses."""
        return self.execution.packing.gpus or self.gpus.free or range(self.machine.gpus)

    @property
    def jobs_per_gpu(self) -> int:
        """How many share a GPU, at most, and so what each of them has of it, where somebody says how many."""
        if self.execution.packing.gpus:  # each has as much as it would use of a GPU alone
            return 1
        return max(1, -(-self.slots * self.execution.ranks // max(1, len(self.usable))))

    @cached_property
    def hardware(self) -> Hardware:
        """See launchers.Launcher. What a rank has of a GPU, where jobs share it."""
        return Hardware(len(self.usable), self.machine.gpu_memory_bytes // self.jobs_per_gpu)

    @property
    def slots(self) -> int:
        """See launchers.Launcher. Not fewer for fewer jobs: the threads of a job decide its bits."""
        if self.execution.slots:
            return self.execution.slots
        on_a_gpu = self.execution.resources.jobs_per_gpu or self.execution.packing.most
        return max(1, (on_a_gpu * len(self.usable) or cores()) // self.execution.ranks)

    def prepare(self, jobs: Sequence[Job]) -> None:
        """See launchers.Launcher."""
        if self.machine.gpus and not self.gpus.free:
            named = "CUDA_VISIBLE_DEVICES=0, say, names those to use all the same"
            raise NotPrepared(f"no GPU is free ({'; '.join(self.gpus.busy)}): {named}")
        for text in self.gpus.busy:
            print(f"{text} by others: it is left alone", file=sys.stderr)
        prepare_here(jobs)

    def start(self, directory: JobDir, slot: int) -> LocalProcess:
        """See launchers.Launcher. What the job prints is appended to its log."""
        execution = self.execution
        environment = self.environment(slot, self.jobs_beside(directory))
        return LocalProcess(start_ranks(directory, execution.ranks, execution.computation, environment))

    def jobs_beside(self, directory: JobDir) -> int:
        """How many may share a GPU with this job, itself counted."""
        packing = self.execution.packing
        if not packing.gpus:
            return self.jobs_per_gpu
        return packing.of(str((read_object(directory.description) or {}).get("configuration")))

    def environment(self, slot: int, jobs_beside: int | None = None) -> dict[str, str]:
        """The environment variables that confine a job to its slot, and to its part of the memory there."""
        usable, ranks = self.usable, self.execution.ranks
        if not usable:
            return on_cores(self.slots * ranks)
        mine = [usable[(slot * ranks + rank) % len(usable)] for rank in range(ranks)]
        return on_gpus(mine, self.machine.gpus) | {GPU_JOBS: str(jobs_beside or self.jobs_per_gpu)}


def packed(execution: Execution, jobs: Sequence[Job]) -> tuple[Execution, str]:
    """The same with those of the jobs that are not finished sharing this machine's GPUs where that is worth it, and a
    sentence about it, if there is something to decide. Nothing of it changes what a job computes."""
    launcher = LocalLauncher(execution)
    left = [job for job in jobs if not JobDir(job.directory(execution.output)).finished()]
    is_decided = execution.slots or execution.resources.jobs_per_gpu or execution.ranks > 1
    if is_decided or not launcher.machine.gpus or len(left) <= len(launcher.usable):
        return execution, ""
    memory = launcher.machine.gpu_memory_bytes
    needs = needs_of(left, jobs, job_costs(jobs, execution, launcher.hardware), execution, memory)
    if needs is None:
        return execution, "each job has a GPU to itself: what some of them need is not known before their data are here"
    packing = pack(needs, launcher.usable, memory, cores(), launcher.gpus.in_use_bytes)
    return replace(execution, packing=packing), packing_text(packing, needs, memory)


def this_machine() -> Hardware:
    """What this machine has for jobs. Loads torch."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    memory = [torch.cuda.get_device_properties(i).total_memory for i in range(count)]
    return Hardware(count, min(memory, default=0))
