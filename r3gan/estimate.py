"""What a job will cost, before it runs, and how much of a batch to compute at once.

The job's own step is executed on the library's meta device, where tensors have shapes but no memory, while operations
and living tensors are counted. Nothing here repeats the networks' structure.
"""

import math
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from r3gan.batches import Batch
from r3gan.config import LossPhase, NetworkConfig, PenaltyConfig
from r3gan.losses import make_loss
from r3gan.networks import IMAGE_CHANNELS, Discriminator, Generator
from r3gan.steps import accumulate_discriminator, accumulate_generator

META = torch.device("meta")
ACTIVATION_BYTES_CPU = 32 * 2**20
USABLE_GPU_MEMORY = 0.8  # the rest is for the library, its work spaces and the metrics


@dataclass(frozen=True)
class Cost:
    """Of one job on one kind of device."""

    generator_parameters: int
    discriminator_parameters: int
    flops_per_image: float  # of training, for every real image shown; a multiplication with its addition counts as two
    memory_bytes: int  # of tensors at the peak of a step, on each rank; not the library itself nor its work spaces
    micro_batch: int  # pairs at once that this memory is for


class PeakMemory(TorchDispatchMode):
    """Counts the bytes of all tensors that come to life within, and their peak."""

    def __init__(self) -> None:
        super().__init__()
        self.current = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, function: Callable, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._see(tensor.untyped_storage())
        return result

    def _see(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key not in self._known:
            self._known.add(key)
            self.current += size
            self.peak = max(self.peak, self.current)
            weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.current -= size


def convolution_backward_flops(
    dy: Sequence[int], x: Sequence[int], weight: Sequence[int], *rest: Any, out_shape: Any = None, **_: Any
) -> int:
    """Each wanted gradient takes as many as the convolution; the library's own formula forgets the groups."""
    wanted = rest[-1][:2]  # of x, of the weight
    return sum(wanted) * 2 * math.prod(dy) * math.prod(weight[1:])


@cache
def estimate(
    network: NetworkConfig, classes: int, penalties: PenaltyConfig, share: int, micro_batch: int, on_gpu: bool
) -> Cost:
    """The cost of training with `share` pairs per rank, `micro_batch` of them at once."""
    if not on_gpu:
        network = replace(network, bf16_stages=0)
    with META:
        generator, discriminator = Generator(network, classes), Discriminator(network, classes)
        batch = Batch(
            torch.empty(micro_batch, IMAGE_CHANNELS, network.resolution, network.resolution),
            torch.empty(micro_batch, network.latent_dim),
            torch.empty(micro_batch, classes) if network.conditional else None,
        )
    loss = make_loss(LossPhase())
    steps = (
        lambda: accumulate_discriminator(generator, discriminator, batch, loss, penalties, 1.0, micro_batch),
        lambda: accumulate_generator(generator, discriminator, batch, loss, micro_batch),
    )
    flops, peak = 0, 0
    for step in steps:
        formulas = {torch.ops.aten.convolution_backward: convolution_backward_flops}
        with FlopCounterMode(display=False, custom_mapping=formulas) as counter, PeakMemory() as memory:
            step()
        flops, peak = flops + counter.get_total_flops(), max(peak, memory.peak)
    g, d = (sum(p.numel() for p in part.parameters()) for part in (generator, discriminator))
    # In float32: each network with Adam's two moments, the other network's gradients, the average of G. The gradients
    # of the network that is being trained belong to the peak.
    weights = 4 * (3 * (g + d) + max(g, d) + g)
    images = 4 * share * IMAGE_CHANNELS * network.resolution**2
    return Cost(g, d, flops / micro_batch, weights + images + peak, micro_batch)


def default_micro_batch(
    network: NetworkConfig, classes: int, penalties: PenaltyConfig, share: int, device: torch.device
) -> int:
    """How many of a rank's `share` pairs are computed at once unless the user says.

    On a GPU as many as fit. On a CPU as many as keep every activation below the size from which the C library asks the
    system for fresh memory each time: beyond it every tensor is zeroed before use, which costs more than parts do.
    """
    if device.type == "cpu":
        pair = 2 * max(4 * network.expansion * width * (4 * 2**i) ** 2 for i, width in enumerate(network.widths))
        return min(share, max(1, ACTIVATION_BYTES_CPU // pair))
    limit = USABLE_GPU_MEMORY * torch.cuda.get_device_properties(device).total_memory
    size = share
    while size > 1 and estimate(network, classes, penalties, share, size, True).memory_bytes > limit:
        size = -(-size // 2)
    return size
