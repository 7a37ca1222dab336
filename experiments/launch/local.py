"""The local launcher: jobs as torchrun processes, sharing the cores or the GPUs of this machine."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass

from experiments.launch.scheduler import ATTEMPT_MARK
from r3gan.jobdir import LAUNCHER_PID, JobDir

# glibc: keep freed blocks for the next step instead of handing them back, to be zeroed when they return.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1)}


@dataclass(frozen=True)
class LocalProcess:
    """One torchrun and its ranks."""

    process: "subprocess.Popen[bytes]"

    def poll(self) -> int | None:
        """See execute.Process."""
        return self.process.poll()

    def stop(self) -> None:
        """torchrun hands the signal on to its ranks and waits for them."""
        self.process.terminate()


@dataclass(frozen=True)
class LocalLauncher:
    """Gives each slot its share of the machine: `ranks` GPUs where there are any, else its part of the cores."""

    parallel: int
    ranks: int
    gpus: int
    micro_batch: int | None = None  # pairs that a rank computes at once, if the job is not to choose

    def start(self, directory: JobDir, slot: int) -> LocalProcess:
        """See execute.Launcher. What the job prints is appended to its log."""
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={self.ranks}"]
        command += ["-m", "r3gan", "train", str(directory.root)]
        command += ["--micro-batch", str(self.micro_batch)] if self.micro_batch else []
        with directory.log.open("a") as log:
            log.write(f"{ATTEMPT_MARK}{time.strftime('%Y-%m-%d %H:%M:%S')} ===\n")
            log.flush()
            process = subprocess.Popen(
                command,
                env=os.environ | self.environment(slot),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the launcher alone, which then stops its jobs in order
            )
        return LocalProcess(process)

    def environment(self, slot: int) -> dict[str, str]:
        """The environment variables that confine a job to its slot."""
        confined = {LAUNCHER_PID: str(os.getpid()), "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
        if self.gpus:
            names = visible_gpus(self.gpus)  # more jobs than fit share GPUs
            mine = [names[(slot * self.ranks + rank) % self.gpus] for rank in range(self.ranks)]
            confined["CUDA_VISIBLE_DEVICES"] = ",".join(mine)
            confined["OMP_NUM_THREADS"] = str(max(1, cores() // self.gpus))
        else:
            confined["OMP_NUM_THREADS"] = str(max(1, cores() // (self.parallel * self.ranks)))
            confined |= KEEP_MEMORY
        return confined


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def visible_gpus(count: int) -> list[str]:
    """The names of the GPUs that this process may use."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",") if named else [str(i) for i in range(count)]


def slots(gpus: int, ranks: int) -> int:
    """How many jobs of `ranks` ranks fit on this machine at once."""
    return max(1, (gpus or cores()) // ranks)
