"""What a job will cost, before it runs, and how much of a batch to compute at once.

The job's own step is executed on the library's meta device, where tensors have shapes but no memory, while operations
and living tensors are counted. Nothing here repeats the networks' structure.
"""

import math
import weakref
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from r3gan.config import AugmentationConfig, LossPhase, NetworkConfig
from r3gan.model.networks import Discriminator, Generator
from r3gan.one_machine import jobs_per_gpu
from r3gan.training.augment import NOISE_SIZE
from r3gan.training.batches import Batch
from r3gan.training.cost import USABLE_GPU_MEMORY, Cost, Workload
from r3gan.training.lazy import discriminator_passes
from r3gan.training.losses import make_loss
from r3gan.training.options import StepOptions
from r3gan.training.penalties import TWICE, form_in_use
from r3gan.training.steps import accumulate_discriminator, accumulate_generator

META = torch.device("meta")
ACTIVATION_BYTES_CPU = 32 * 2**20


def convolution_backward_flops(dy: Tensor, x: Tensor, weight: Tensor, *rest: Any, out_val: Any = None) -> int:
    """Each wanted gradient takes as many as the convolution; the library's own formula forgets the groups."""
    of_x, of_weight, _ = rest[-1]
    return (of_x + of_weight) * 2 * dy.numel() * weight[0].numel()


@cache
def flop_formulas() -> dict[Any, Callable[..., int]]:
    """Operator -> how many operations a call is. Loads a library that jobs, which count nothing, do without."""
    from torch.utils.flop_counter import flop_registry

    return flop_registry | {torch.ops.aten.convolution_backward: convolution_backward_flops}


class Meter(TorchDispatchMode):
    """Counts, of all that runs within: floating-point operations, and the bytes of tensors that come to life."""

    def __init__(self) -> None:
        super().__init__()
        self.flops = self.current_bytes = self.peak_bytes = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        formula = flop_formulas().get(function.overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=result)
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._see(tensor.untyped_storage())
        return result

    def _see(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key not in self._known:
            self._known.add(key)
            self.current_bytes += size
            self.peak_bytes = max(self.peak_bytes, self.current_bytes)
            weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.current_bytes -= size


@cache
def estimate(work: Workload, micro_batch: int, on_gpu: bool) -> Cost:
    """The cost of training, with `micro_batch` pairs at once."""
    network, classes = work.network if on_gpu else replace(work.network, bf16_stages=0, fp16_stages=0), work.classes
    shape = (network.image_channels, network.resolution, network.resolution)
    with META:
        generator, discriminator = Generator(network, classes), Discriminator(network, classes)
        batch = Batch(
            real=torch.empty(micro_batch, *shape),
            latents=torch.empty(micro_batch, generator.latent_dim),
            labels=torch.empty(micro_batch, classes) if network.conditional else None,
            noise=torch.empty(micro_batch, 2, NOISE_SIZE) if work.augmentation else None,
            dropout=torch.empty(micro_batch, 2, sum(network.widths)) if network.dropout else None,
            directions=torch.empty(micro_batch, 2, *shape)
            if work.penalties.finite_difference_sigma is not None
            else None,
            second=torch.empty(micro_batch, network.latent_dim) if network.style.mixing else None,
            crossings=torch.empty(micro_batch, dtype=torch.int64) if network.style.mixing else None,
        )
    for part in (generator, discriminator):
        part.to(memory_format=torch.channels_last)
    options = StepOptions(
        loss=make_loss(LossPhase()),
        gamma=1.0,
        penalties=work.penalties,
        augment_p=1.0,
        augmentation=work.augmentation or AugmentationConfig(),
        micro_batch=micro_batch,
        penalty_form=work.penalty_form,
    )
    flops, peak = 0.0, 0
    passes = [(accumulate_discriminator, each.options, each.share) for each in discriminator_passes(options)]
    for accumulate, asked, share in [*passes, (accumulate_generator, options, 1.0)]:
        with Meter() as meter:
            accumulate(generator, discriminator, batch, asked)
        flops, peak = flops + share * meter.flops, max(peak, meter.peak_bytes)
    g, d = (sum(p.numel() for p in part.parameters()) for part in (generator, discriminator))
    # In float32: each network with Adam's two moments, the other network's gradients, the averages of G. The gradients
    # of the network that is being trained belong to the peak.
    weights = 4 * (3 * (g + d) + max(g, d) + work.averages * g)
    images = 4 * work.pairs * math.prod(shape)
    return Cost(
        generator_parameters=g,
        discriminator_parameters=d,
        flops_per_image=flops / micro_batch,
        memory_bytes=weights + images + peak,
        micro_batch=micro_batch,
        double_backward=form_in_use(discriminator, work.penalties, work.penalty_form) == TWICE,
    )


def default_micro_batch(work: Workload, gpu_memory: int) -> int:
    """How many of a rank's pairs are computed at once unless the user says. gpu_memory: in bytes, 0 on a CPU.

    On a GPU as many as fit. On a CPU as many as keep every activation below the size from which the C library asks the
    system for fresh memory each time: beyond it every tensor is zeroed before use, which costs more than parts do.
    """
    if not gpu_memory:
        fits = ACTIVATION_BYTES_CPU // (2 * largest_activation(work.network))
        return parts_of(work.pairs, fits, work.network.together)
    size = work.pairs
    while size > work.network.together and estimate(work, size, True).memory_bytes > USABLE_GPU_MEMORY * gpu_memory:
        size = parts_of(work.pairs, size // 2, work.network.together)
    return size


def gpu_memory_bytes(device: torch.device) -> int:
    """Memory of a GPU, or this job's part where jobs share it; 0 for a CPU."""
    if device.type != "cuda":
        return 0
    return int(torch.cuda.get_device_properties(device).total_memory) // jobs_per_gpu()


def parts_of(pairs: int, size: int, together: int = 1) -> int:
    """The largest part, if so many pairs are cut into nearly equal parts of at most `size`, and of one group at least.

    together: pairs of a group, of which there are whole numbers.
    """
    groups = max(1, pairs // together)
    count = -(-groups // max(1, size // together))
    return together * -(-groups // count)


def largest_activation(network: NetworkConfig) -> int:
    """Bytes in float32 of one image's largest tensor."""
    sizes = []
    for resolution, width in zip(network.resolutions, network.widths, strict=True):
        sizes.append(4 * network.expansion * width * resolution**2)
        if resolution in network.transformer.resolutions:
            sizes += [4 * 4 * width * resolution**2, 4 * network.transformer.heads * resolution**4]
        if resolution in network.attention.resolutions:
            exponent = 4 if network.attention.kind == "full" else 3  # of the weights between positions
            sizes += [4 * 3 * width * resolution**2, 4 * network.attention.heads * resolution**exponent]
    return max(sizes)
