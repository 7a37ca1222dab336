"""The processes of a job on one machine: a single rank by itself, several by torchrun.

Nothing is left for them to take from the environment or the network.

Where a cluster's operator has set what torchrun reads as defaults (PET_NNODES, MASTER_ADDR, ...), or where the
machine's own name cannot be looked up, ranks would wait for machines that are not there.
"""

import os
import re
import socket
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence

from r3gan.computation import Computation
from r3gan.job_log import begin_attempt
from r3gan.jobdir import LAUNCHER_PID, JobDir
from r3gan.rendezvous import Meeting

GPU_JOBS = "R3GAN_JOBS_PER_GPU"  # environment: how many jobs share the memory of each GPU; without it, one has it all
CONTEXT_BYTES = 2**29  # of a GPU, that the library itself takes for each process, beside all tensors
LOOPBACK = "127.0.0.1"
OF_OTHERS = re.compile(  # variables that tell torchrun or a rank of ranks elsewhere
    r"PET_.*|TORCHELASTIC_.*|TORCH_ELASTIC_.*|MASTER_(ADDR|PORT)|(|LOCAL_|GROUP_|ROLE_)(RANK|WORLD_SIZE)|ROLE_NAME"
    r"|(GLOO|TP)_SOCKET_IFNAME|GROUP_SIZE|PYTHON_EXEC|USE_LIBUV|LOGLEVEL"
)
LOOPBACK_NAMES = ("lo", "lo0")  # Linux; macOS
LARGE_PAGES = "glibc.malloc.hugetlb=1"  # glibc: ask for them where the system gives them to those who ask
# glibc: keep freed blocks for the next step instead of handing them back, to be zeroed when they return.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1)}


def own_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what it says of ranks, and with the network that never leaves the machine."""
    kept = {name: value for name, value in environment.items() if not OF_OTHERS.fullmatch(name)}
    found = [name for _, name in socket.if_nameindex() if name in LOOPBACK_NAMES]
    alone = {
        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"
    }  # else ranks talk over the port of the rendezvous, not their own
    return kept | alone | ({"GLOO_SOCKET_IFNAME": found[0]} if found else {})


def forget_others() -> None:
    """Take out of this process's environment what it says of ranks: it is the only one."""
    for name in filter(OF_OTHERS.fullmatch, list(os.environ)):
        del os.environ[name]


def torchrun_command(ranks: int) -> list[str]:
    """The command that starts so many ranks of the module that follows, here, once."""
    alone = Meeting(hosts=(LOOPBACK,), here=0, port=0, attempt=str(uuid.uuid4()))
    return alone.torchrun_command(ranks)


def rank_command(ranks: int, meeting: Meeting | None = None) -> list[str]:
    """The command that starts so many ranks of the module that follows. One alone needs no rendezvous, nor torchrun."""
    if meeting is not None:
        return meeting.torchrun_command(ranks)
    return torchrun_command(ranks) if ranks > 1 else [sys.executable, "-u", "-m"]


def start_ranks(
    job: JobDir,
    ranks: int,
    computation: Computation,
    environment: Mapping[str, str],
    meeting: Meeting | None = None,
) -> "subprocess.Popen[bytes]":
    """Start the job whose config.json lies in the directory. What it prints is appended to its log. Raises OSError.

    environment: the variables that confine it to its part of the machine; it ends when this process does. meeting: of
    the machines, if there are others; `ranks` are those of this one.
    """
    own = own_environment(os.environ)
    with job.log_of(meeting.here if meeting else 0).open("a") as log:
        begin_attempt(log)
        return subprocess.Popen(
            [*rank_command(ranks, meeting), "r3gan", "train", str(job.root), *computation.arguments()],
            env=(meeting.environment(own) if meeting else own) | {LAUNCHER_PID: str(os.getpid())} | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the starting process alone, which then stops its jobs in order
        )


def on_cores(parts: int) -> dict[str, str]:
    """The variables of a rank that has one of so many parts of the cores."""
    tunables = ":".join(filter(None, (LARGE_PAGES, os.environ.get("GLIBC_TUNABLES"))))  # the last word is the user's
    return {"OMP_NUM_THREADS": str(max(1, cores() // parts)), "GLIBC_TUNABLES": tunables} | KEEP_MEMORY


def on_gpus(indices: Sequence[int], count: int) -> dict[str, str]:
    """The variables of a job on these of the `count` GPUs that this process may use."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = named.split(",") if named else [str(i) for i in range(count)]
    mine = ",".join(names[i] for i in indices)
    return {"CUDA_VISIBLE_DEVICES": mine, "OMP_NUM_THREADS": str(max(1, cores() // count))}


def jobs_per_gpu() -> int:
    """How many share this process's GPU with it, itself counted."""
    return max(1, int(os.environ.get(GPU_JOBS) or 1))


def memory_fraction(gpu_bytes: int) -> float:
    """Of a GPU with so much memory, what this process's tensors may take: where jobs share it, an equal part without
    what the library itself takes of it; half of that part at least."""
    jobs = jobs_per_gpu()
    return 1.0 if jobs == 1 else max(0.5, 1 - CONTEXT_BYTES * jobs / gpu_bytes) / jobs


def cores() -> int:
    """The cores that this process may use: those of the machine, or those that Slurm has given it."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    given = os.environ.get("SLURM_CPUS_PER_TASK") or os.environ.get("SLURM_CPUS_ON_NODE")
    return min(here, int(given)) if given else here
