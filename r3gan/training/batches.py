"""What a step consumes: real images, latents and labels, addressed by network and position, there when asked for.

On a GPU the next batch is drawn by a thread while the current step runs, in pinned memory, so that the step waits for
no random number, no gathering of images and no copy. On a CPU a second thread would only take the step's core.
Shapes: B this rank's part of the batch, R resolution, I image channels, Z latent dimension, K classes.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from r3gan.config import TrainConfig
from r3gan.data.dataset import Dataset
from r3gan.distributed import World
from r3gan.streams import stream
from r3gan.training.augment import draw_noise

TURNS = ("discriminator", "generator")  # of one training step, in this order


def of_both(drawn: Tensor | None) -> Tensor | None:
    """What was drawn for pairs [B, 2, ...], for [real; generated]: [2B, ...]."""
    return None if drawn is None else drawn.transpose(0, 1).flatten(0, 1)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Real images [B, I, R, R] in -1..1, latents [B, Z + N] with G's noise, labels [B, K] or None.

    labels: one-hot, or zeros where the class is dropped.

    second, crossings: another latent [B, Z] for each image, and the block [B] from which on it has its styles; the
    number of all blocks and one is never. None where styles are not mixed.

    noise: what the augmentations of the real and the generated images are made of, [B, 2, NOISE_SIZE]; None without.
    directions: of finite differences at the real and the generated images, [B, 2, I, R, R]; None without.
    instance_noise: of both, [B, 2, I, R, R]; dropout: numbers in 0..1 that say which channels of D are dropped at both,
    [B, 2, S]; None without.
    """

    real: Tensor
    latents: Tensor
    labels: Tensor | None = None
    noise: Tensor | None = None
    directions: Tensor | None = None
    instance_noise: Tensor | None = None
    dropout: Tensor | None = None
    second: Tensor | None = None
    crossings: Tensor | None = None

    @property
    def generated_from(self) -> tuple[Tensor | None, ...]:
        """What G is called with."""
        mixed = () if self.second is None else (self.second, self.crossings)
        return (self.latents, self.labels, *mixed)

    def __len__(self) -> int:
        return len(self.real)

    def noise_of_both(self) -> Tensor | None:
        """The noise of [real; generated], [2B, NOISE_SIZE]."""
        return of_both(self.noise)

    def directions_of_both(self) -> Tensor | None:
        """The directions of [real; generated], [2B, I, R, R]."""
        return of_both(self.directions)

    def parts(self, size: int, group: int = 1) -> Iterator["Batch"]:
        """The batch in order, in parts of at most `size`, whose sizes differ by one group at most.

        group: how many images stay together, of which `size` and the batch hold whole numbers.
        """
        groups, count = len(self) // group, -(-len(self) // size)
        cuts = [i * groups // count * group for i in range(count + 1)]
        for part in (slice(*ends) for ends in pairwise(cuts)):
            yield replace(self, **{name: tensor[part] for name, tensor in vars(self).items() if tensor is not None})


@dataclass(frozen=True, kw_only=True)
class Draw:
    """What is drawn on the host for one batch; if the dataset lives there, its images and labels instead of indices."""

    flips: Tensor
    latents: Tensor
    noise: Tensor | None
    directions: Tensor | None
    instance_noise: Tensor | None
    dropout: Tensor | None
    second: Tensor | None = None
    crossings: Tensor | None = None
    unlabelled: Tensor | None = None
    indices: Tensor | None = None
    gathered: tuple[Tensor, Tensor] | None = None


class Batches:
    """This rank's slices of the job's batches. `seconds` is the time that `get` took, over all calls."""

    def __init__(self, config: TrainConfig, data: Dataset, world: World, ahead: bool | None = None):
        """ahead: draw the next batch in a thread; by default on a GPU."""
        self.config, self.data, self.world = config, data, world
        self.augmented = config.schedules.augments
        self.seconds = 0.0
        on_gpu = world.device.type == "cuda"
        self._pool = ThreadPoolExecutor(1, "batches") if (on_gpu if ahead is None else ahead) else None
        self._next: tuple[tuple[str, int], Future[Draw]] | None = None

    def get(self, network: str, position: int) -> Batch:
        """The batch of a network after `position` images."""
        started = time.perf_counter()
        batch = self._finish(self._drawn(network, position))
        self.seconds += time.perf_counter() - started
        return batch

    def close(self) -> None:
        """End the thread."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _drawn(self, network: str, position: int) -> Draw:
        if self._pool is None:
            return self._draw(network, position)
        if self._next is not None and self._next[0] == (network, position):
            draw = self._next[1].result()
        else:
            draw = self._pool.submit(self._draw, network, position).result()
        last = network == TURNS[-1]
        following = (TURNS[0], position + self.config.batch_size) if last else (TURNS[1], position)
        self._next = following, self._pool.submit(self._draw, *following)
        return draw

    def _draw(self, network: str, position: int) -> Draw:
        config, mine = self.config, self.world.part_of(self.config.batch_size)
        indices = self.data.indices(config.seed, network, position, config.batch_size)[mine]
        flips = torch.zeros(len(indices), dtype=torch.bool)
        if config.x_flip:
            numbers = torch.rand(config.batch_size, generator=stream(config.seed, "x-flip", network, position))
            flips = numbers[mine] < 0.5
        size = config.batch_size
        latents = draw_latents(size, config.network.latent_dim, config.seed, "latents", network, position)
        if config.network.noise_dim:
            draws = draw_latents(size, config.network.noise_dim, config.seed, "style-noise", network, position)
            latents = torch.cat([latents, draws], dim=1)
        noise = None
        if self.augmented:
            draws = draw_noise(2 * config.batch_size, stream(config.seed, "augment", network, position))
            noise = self._pinned(draws.view(config.batch_size, 2, -1)[mine])
        drawn: dict[str, Any] = {
            "flips": self._pinned(flips),
            "latents": self._pinned(latents[mine]),
            "noise": noise,
            "directions": self._directions(network, position, mine),
            "unlabelled": self._unlabelled(network, position, mine),
            **self._mixing(network, position, mine),
            "instance_noise": self._instance_noise(network, position, mine),
            "dropout": self._dropout(network, position, mine),
        }
        if self.data.is_on(self.world.device):
            return Draw(**drawn, indices=self._pinned(indices))
        images, labels = self.data.gather(indices)
        return Draw(**drawn, gathered=(self._pinned(images), self._pinned(labels)))

    def _directions(self, network: str, position: int, mine: slice) -> Tensor | None:
        config = self.config
        is_due = network == TURNS[0] and config.penalties.is_due(position // config.batch_size)
        if config.penalties.finite_difference_sigma is None or not is_due:
            return None
        return self._normal(stream(config.seed, "directions", position), mine)

    def _instance_noise(self, network: str, position: int, mine: slice) -> Tensor | None:
        if not self.config.schedules.has_instance_noise:
            return None
        return self._normal(stream(self.config.seed, "instance-noise", network, position), mine)

    def _normal(self, draws: torch.Generator, mine: slice) -> Tensor:
        """Normal numbers for the real and the generated images of this rank."""
        side = self.data.resolution
        shape = (self.config.batch_size, 2, self.config.network.image_channels, side, side)
        return self._pinned(torch.randn(shape, generator=draws)[mine])

    def _dropout(self, network: str, position: int, mine: slice) -> Tensor | None:
        config = self.config
        if not config.network.dropout:
            return None
        shape = (config.batch_size, 2, sum(config.network.widths))
        return self._pinned(torch.rand(shape, generator=stream(config.seed, "dropout", network, position))[mine])

    def _unlabelled(self, network: str, position: int, mine: slice) -> Tensor | None:
        """Whose class is dropped, [B]."""
        config = self.config
        if not (config.network.conditional and config.label_dropout):
            return None
        numbers = torch.rand(config.batch_size, generator=stream(config.seed, "label-dropout", network, position))
        return self._pinned(numbers[mine] < config.label_dropout)

    def _mixing(self, network: str, position: int, mine: slice) -> dict[str, Tensor]:
        """The second latents, and where each image crosses over to its own: at each block but the input alike."""
        config = self.config
        if not config.network.style.mixing:
            return {}
        size, never = config.batch_size, config.network.style_layers
        second = draw_latents(size, config.network.latent_dim, config.seed, "second-latents", network, position)
        draws = stream(config.seed, "style-mixing", network, position)
        mixes = torch.rand(size, generator=draws) < config.network.style.mixing
        crossings = torch.where(mixes, torch.randint(1, never, (size,), generator=draws), never)
        return {"second": self._pinned(second[mine]), "crossings": self._pinned(crossings[mine])}

    def _pinned(self, tensor: Tensor) -> Tensor:
        return tensor.pin_memory() if self.world.device.type == "cuda" else tensor

    def _finish(self, draw: Draw) -> Batch:
        if draw.gathered is None:
            assert draw.indices is not None
            images, labels = self.data.gather(self._moved(draw.indices))
        else:
            images, labels = (self._moved(tensor) for tensor in draw.gathered)
        if images.dtype == torch.uint8:
            half = torch.full((), 127.5, device=images.device)  # by a plain number, a GPU multiplies with its inverse
            images = images.float().div_(half).sub_(1)
        real = images.contiguous(memory_format=torch.channels_last)
        if self.config.x_flip:
            real = torch.where(self._moved(draw.flips)[:, None, None, None], real.flip(3), real)
        one_hot_labels = one_hot(labels, self.data.classes).float() if self.config.network.conditional else None
        if one_hot_labels is not None and draw.unlabelled is not None:
            one_hot_labels[self._moved(draw.unlabelled)] = 0
        names = ("noise", "directions", "instance_noise", "dropout", "second", "crossings")
        drawn = {name: self._moved(found) for name in names if (found := getattr(draw, name)) is not None}
        return Batch(real=real, latents=self._moved(draw.latents), labels=one_hot_labels, **drawn)

    def _moved(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.world.device, non_blocking=True)


def draw_latents(count: int, size: int, seed: int, *name: object) -> Tensor:
    """Standard normal [count, size] from the stream of that name."""
    return torch.randn(count, size, generator=stream(seed, *name))
