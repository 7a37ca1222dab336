"""Which of this machine's GPUs are free, by what nvidia-smi says of their memory."""

import os
import subprocess
from dataclasses import dataclass

BUSY_SHARE = 0.1  # of a GPU's memory in use: somebody else computes there
LONGEST_SECONDS = 30.0


@dataclass(frozen=True)
class Gpus:
    """By their place among those that this process may use."""

    free: tuple[int, ...]
    busy: tuple[str, ...] = ()  # of each other one a text
    in_use_bytes: int = 0  # the most that others have on one of the free ones, as far as it is known


def look_at_gpus(count: int) -> Gpus:
    """The `count` GPUs that this process may use. Those that the user names in CUDA_VISIBLE_DEVICES are all free, and
    so are all where nvidia-smi does not answer."""
    everything = Gpus(tuple(range(count)))
    if not count or os.environ.get("CUDA_VISIBLE_DEVICES"):
        return everything
    query = ["nvidia-smi", "--query-gpu=memory.used,memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=True).stdout
        memory = [tuple(map(int, line.split(","))) for line in answer.strip().splitlines()]
    except (OSError, ValueError, subprocess.SubprocessError):
        return everything
    if len(memory) != count or any(len(pair) != 2 for pair in memory):  # parts of GPUs, say
        return everything
    busy = {
        i: f"GPU {i}: {used} of {total} MiB are in use"
        for i, (used, total) in enumerate(memory)
        if used > BUSY_SHARE * total
    }
    free = tuple(i for i in range(count) if i not in busy)
    return Gpus(free, tuple(busy.values()), 2**20 * max((memory[i][0] for i in free), default=0))
