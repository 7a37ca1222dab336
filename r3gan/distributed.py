"""Data-parallel training under torchrun: every rank holds everything and computes its slice of the global batch."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn

from r3gan.one_machine import memory_fraction

LONGEST_WAIT = timedelta(hours=1)  # of the other ranks while the first computes metrics; torchrun notices dead ones


@dataclass(frozen=True)
class World:
    """The ranks of one job. With a single rank nothing is communicated."""

    rank: int
    size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Whether this rank writes files."""
        return self.rank == 0

    def part_of(self, count: int) -> slice:
        """This rank's part of `count` items, in order, sizes differing by one at most."""
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by its mean over the ranks, in one flat all-reduce.

        One reduction after the backward pass, not hooks within it, so that any way of computing gradients works.
        """
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def average(self, values: Tensor) -> Tensor:
        """The mean of a tensor over the ranks."""
        if self.size > 1:
            dist.all_reduce(values)
            values /= self.size
        return values

    def gather(self, part: Tensor) -> Tensor:
        """All ranks' parts, which may differ in their first size, concatenated in rank order."""
        if self.size == 1:
            return part
        parts: list[Tensor | None] = [None] * self.size
        dist.all_gather_object(parts, part.cpu())
        return torch.cat([p for p in parts if p is not None])

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on any rank."""
        if self.size == 1:
            return flag
        flags = torch.tensor(int(flag), device=self.device)
        dist.all_reduce(flags, op=dist.ReduceOp.MAX)
        return bool(flags)


def join_world() -> World:
    """Join the ranks that torchrun started (its environment says which), with nccl on GPUs and gloo on CPUs."""
    rank, size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
        gpu_bytes = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(memory_fraction(gpu_bytes), device)  # what does not fit fails alone
    if size > 1:
        dist.init_process_group("nccl" if cuda else "gloo", timeout=LONGEST_WAIT)
    return World(rank, size, device)


def leave_world() -> None:
    """Undo `join_world`."""
    if dist.is_initialized():
        dist.destroy_process_group()
