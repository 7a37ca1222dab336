"""Small jobs that share the GPUs of this machine: how many fit on one, and which one the next job takes."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

from experiments.launch.gpus import BUSY_SHARE
from r3gan.one_machine import CONTEXT_BYTES
from r3gan.training.cost import USABLE_GPU_MEMORY

MOST_JOBS = 4  # on a GPU: more wait for each other rather than fill its gaps
SMALL_STEP_FLOPS = 1e12  # of a step that leaves a GPU idle between its many short kernels; a larger one fills it alone
ASIDE_BYTES = CONTEXT_BYTES + 3 * 2**29  # beside training: for the library, and the metrics' networks with 100 images

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Need:
    """What jobs of one configuration ask of a GPU."""

    jobs: int  # that are to train
    tensor_bytes: int  # at the peak of training
    data_bytes: int = 0  # of the dataset, if it may live there
    step_flops: float = 0.0
    is_whole: bool = True  # whether a batch is computed at once: what is cut to fit takes all the memory that there is
    is_measured: bool = False
    has_run_out: bool = False  # whether one of them ran out of memory the last time

    @property
    def total_bytes(self) -> int:
        """Of a GPU's memory. A job plans with a part of what it has, which so much at least must be."""
        return math.ceil(self.tensor_bytes / USABLE_GPU_MEMORY) + self.data_bytes + ASIDE_BYTES

    def jobs_in(self, gpu_bytes: int) -> int:
        """How many such jobs may share so much of a GPU's memory, 1 at least."""
        if not self.is_whole or self.has_run_out or self.step_flops > SMALL_STEP_FLOPS:
            return 1
        return max(1, gpu_bytes // self.total_bytes)


@dataclass(frozen=True, kw_only=True)
class Packing:
    """How many jobs share a GPU with each job, by its configuration. Empty: none does."""

    gpus: tuple[int, ...] = ()  # by their place among those that the command may use
    jobs_per_gpu: Mapping[str, int] = field(default_factory=dict)

    @property
    def most(self) -> int:
        """On a GPU at once."""
        return max(self.jobs_per_gpu.values(), default=1)

    def of(self, configuration: str) -> int:
        """How many jobs like this one a GPU holds: each has one part in so many of it."""
        return self.jobs_per_gpu.get(configuration, 1)

    def choose(
        self,
        ready: Iterable[Item],
        configuration: Callable[[Item], str],
        free: Sequence[int],
        running: Mapping[int, str],
    ) -> tuple[Item, int] | None:
        """The first item that has room, and its slot; None if none has. Slot s is on GPU s modulo their number.

        It goes to the GPU with the most room. The parts of a GPU that its jobs have never add up to more than the GPU.
        running: configurations by slot.
        """
        if not free:
            return None
        if not self.gpus:
            return next(((item, free[0]) for item in ready), None)
        taken = dict.fromkeys(range(len(self.gpus)), Fraction(0))
        for slot, name in running.items():
            taken[slot % len(self.gpus)] += Fraction(1, self.of(name))
        open_slot = min(free, key=lambda slot: taken[slot % len(self.gpus)])
        left = 1 - taken[open_slot % len(self.gpus)]
        if not left:
            return None
        fitting = (item for item in ready if Fraction(1, self.of(configuration(item))) <= left)
        return next(((item, open_slot) for item in fitting), None)


def pack(needs: Mapping[str, Need], gpus: Sequence[int], gpu_bytes: int, cores: int, in_use: int = 0) -> Packing:
    """How jobs share these GPUs with so much memory each, where there are more jobs than GPUs.

    No more share one than there are cores for, nor than would leave another one idle. needs: by configuration; in_use:
    the most bytes that others have on one of the GPUs.
    """
    jobs = sum(need.jobs for need in needs.values())
    if not gpus or jobs <= len(gpus):
        return Packing()
    most = max(1, min(MOST_JOBS, cores // len(gpus), math.ceil(jobs / len(gpus))))
    room = gpu_bytes - max(in_use, math.ceil(BUSY_SHARE * gpu_bytes))
    fitting = {name: min(most, need.jobs_in(room)) for name, need in needs.items()}
    return Packing(gpus=tuple(gpus), jobs_per_gpu=fitting) if max(fitting.values()) > 1 else Packing()


def packing_text(packing: Packing, needs: Mapping[str, Need], gpu_bytes: int) -> str:
    """For people, in a line: `4 jobs share each GPU: 2.6 GiB each of 80, as estimated`."""
    groups: dict[int, list[Need]] = {}
    for name, need in needs.items():
        groups.setdefault(packing.of(name), []).append(need)
    parts = []
    for count, group in sorted(groups.items(), reverse=True):
        largest = max(group, key=lambda need: need.total_bytes)
        size = f"{largest.total_bytes / 2**30:.1f} GiB each of {gpu_bytes / 2**30:.0f}"
        known = "measured" if largest.is_measured else "estimated"
        some = f" of {sum(need.jobs for need in group)}" if len(groups) > 1 else ""
        what = f"{count} jobs{some} share each GPU" if count > 1 else f"1 job{some} has a GPU to itself"
        parts.append(f"{what}: {size}, as {known}")
    return "; ".join(parts)
