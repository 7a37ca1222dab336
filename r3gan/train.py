"""The training loop: one job, from its configuration to its result, read top to bottom.

Shapes: B this rank's share of the batch, R resolution, Z latent dimension.
"""

import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from r3gan.config import IMG_PER_KIMG, TrainConfig
from r3gan.data import StackedDigits, load_dataset
from r3gan.distributed import World
from r3gan.evaluation import StackedDigitsEvaluator, evaluate, save_grid
from r3gan.jobdir import JobDir, write_json
from r3gan.losses import Loss, make_loss, phase_at
from r3gan.penalties import backward_discriminator
from r3gan.recorder import Recorder
from r3gan.schedules import ema_decay, schedule_value
from r3gan.state import TrainState, fresh_state, load_checkpoint, save_checkpoint
from r3gan.streams import stream


class NonFiniteLoss(Exception):
    """A loss became infinite or not a number; the weights were not updated with it."""


def train(
    config: TrainConfig, job: JobDir, data_root: Path, recorder: Recorder, world: World, should_stop: Callable[[], bool]
) -> bool:
    """Run a job from its last checkpoint, or from the start, to its end.

    Returns whether it reached the end, with its last metrics recorded; False after `should_stop`. A checkpoint is
    left either way.
    Raises NonFiniteLoss, DatasetUnavailable, and ValueError if the batch cannot be shared among the ranks.
    """
    if config.batch_size % world.size:
        raise ValueError(f"batch_size {config.batch_size} cannot be shared among {world.size} ranks")
    torch.backends.cudnn.benchmark = True
    data = load_dataset(config.dataset, data_root, world.device)
    evaluator = StackedDigitsEvaluator(data, world.device)
    if world.is_main:
        write_json(job.environment, environment(world, data))
    state = fresh_state(config, data.classes, world.device)
    checkpoint = job.last_checkpoint()
    if checkpoint is not None:
        load_checkpoint(state, checkpoint)
    save = partial(save_checkpoint, state, config, job)

    while state.images < config.total_img:
        started = time.perf_counter()
        values = {name: schedule_value(s, state.images) for name, s in vars(config.schedules).items()}
        loss = make_loss(phase_at(config.loss, config.total_kimg, state.images))

        d_terms = discriminator_step(state, config, data, world, loss, values)
        g_terms = generator_step(state, config, data, world, loss, values)
        update_ema(state, ema_decay(values["ema_half_life_img"], config.batch_size))

        add_to_sums(state, d_terms | g_terms)
        state.images += config.batch_size
        at_end = state.images >= config.total_img
        reached = partial(has_passed, state.images, config.batch_size)
        synchronise(world.device)
        state.seconds += time.perf_counter() - started

        metrics: dict[str, float] = {}
        if at_end or reached(config.log_every_kimg):
            metrics |= {**take_averages(state, world), **values, "memory_gib": peak_memory_gib(world.device)}
            metrics["images_per_second"] = state.images / state.seconds
        if at_end or reached(config.evaluation.every_kimg):
            metrics |= evaluate(state.ema, evaluator, config.seed, config.evaluation.samples, world)
            if world.is_main:
                job.samples.mkdir(exist_ok=True)
                save_grid(state.ema, config.seed, job.sample(state.images))
        if metrics and world.is_main:
            recorder.record(state.images, state.seconds, metrics)

        stop = world.any(should_stop())
        if at_end or stop or reached(config.checkpoint_every_kimg):
            state.sums = {name: world.average(value) for name, value in state.sums.items()}  # rank 0 saves for all
            if world.is_main:
                save()
        if stop and not at_end:
            return False
    return True


def discriminator_step(
    state: TrainState, config: TrainConfig, data: StackedDigits, world: World, loss: Loss, values: dict[str, float]
) -> dict[str, Tensor]:
    """One update of D on its own reals and latents. Returns the terms of its loss, averaged over this rank."""
    real, latents, labels = draw_batch(state, config, data, world, "discriminator")
    with torch.no_grad():
        fake = state.generator(latents, labels)
    state.discriminator_adam.zero_grad()
    terms = backward_discriminator(state.discriminator, real, fake, labels, loss, values["gamma"], config.penalties)
    means = {
        "loss_d": terms.adversarial.mean(),
        "logit_gap": terms.logit_gap.mean(),
        "r1": terms.r1.mean(),
        "r2": terms.r2.mean(),
    }
    require_finite(means, state.images)
    world.average_gradients(state.discriminator.parameters())
    adam_step(state.discriminator_adam, values)
    return means


def generator_step(
    state: TrainState, config: TrainConfig, data: StackedDigits, world: World, loss: Loss, values: dict[str, float]
) -> dict[str, Tensor]:
    """One update of G on its own reals and latents. Returns its loss, averaged over this rank."""
    real, latents, labels = draw_batch(state, config, data, world, "generator")
    state.discriminator.requires_grad_(False)
    with torch.no_grad():
        real_logits = state.discriminator(real, labels)
    fake_logits = state.discriminator(state.generator(latents, labels), labels)
    value = loss.generator(real_logits, fake_logits).mean()
    require_finite({"loss_g": value}, state.images)
    state.generator_adam.zero_grad()
    value.backward()
    state.discriminator.requires_grad_(True)
    world.average_gradients(state.generator.parameters())
    adam_step(state.generator_adam, values)
    return {"loss_g": value.detach()}


def draw_batch(
    state: TrainState, config: TrainConfig, data: StackedDigits, world: World, phase: str
) -> tuple[Tensor, Tensor, Tensor | None]:
    """This rank's slice of the job's next reals [B, 3, R, R], latents [B, Z] and one-hot labels [B, K] (or None)."""
    share, position = world.share(config.batch_size), state.images
    indices = data.indices(config.seed, phase, position, config.batch_size)
    real, labels = data.fetch(indices[share])
    if config.x_flip:
        flips = torch.rand(config.batch_size, generator=stream(config.seed, "x-flip", phase, position))[share] < 0.5
        real = torch.where(flips.to(real.device)[:, None, None, None], real.flip(3), real)
    shape = (config.batch_size, config.network.latent_dim)
    latents = torch.randn(shape, generator=stream(config.seed, "latents", phase, position))[share].to(world.device)
    return real, latents, one_hot(labels, data.classes).float() if config.network.conditional else None


def adam_step(adam: torch.optim.Adam, values: dict[str, float]) -> None:
    """One optimiser step with the scheduled learning rate and beta2."""
    for group in adam.param_groups:
        group["lr"], group["betas"] = values["lr"], (0.0, values["beta2"])
    adam.step()


@torch.no_grad()
def update_ema(state: TrainState, decay: float) -> None:
    """ema <- decay * ema + (1 - decay) * generator."""
    torch._foreach_lerp_(list(state.ema.parameters()), list(state.generator.parameters()), 1 - decay)


def require_finite(terms: dict[str, Tensor], images: int) -> None:
    """Raise NonFiniteLoss naming the first term that is not finite."""
    if not torch.isfinite(sum(terms.values(), torch.zeros(()))):
        name = next(name for name, value in terms.items() if not torch.isfinite(value))
        value, kimg = terms[name].item(), images / IMG_PER_KIMG
        raise NonFiniteLoss(f"{name} is {value} in the step after {kimg:g} kimg: stopped before the update")


def add_to_sums(state: TrainState, terms: dict[str, Tensor]) -> None:
    """Add one step's terms to the sums, on the device."""
    for name, value in terms.items():
        state.sums[name] = state.sums.get(name, 0) + value.double()
    state.steps += 1


def take_averages(state: TrainState, world: World) -> dict[str, float]:
    """The terms averaged over the steps since the last call, and over the ranks."""
    averages = {name: float(world.average(value / state.steps)) for name, value in state.sums.items()}
    state.sums, state.steps = {}, 0
    return averages


def has_passed(images: int, batch_size: int, every_kimg: float) -> bool:
    """Whether the last batch reached or crossed a multiple of `every_kimg`."""
    every = every_kimg * IMG_PER_KIMG
    return images // every > (images - batch_size) // every


def synchronise(device: torch.device) -> None:
    """Wait for the device, so that times are of finished work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_memory_gib(device: torch.device) -> float:
    """The most memory used so far: of the GPU, or resident on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    unit = 2**30 if sys.platform == "darwin" else 2**20  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def environment(world: World, data: StackedDigits) -> dict[str, Any]:
    """What the job runs on and with, for the record."""
    return {
        "device": torch.cuda.get_device_name(world.device) if world.device.type == "cuda" else "cpu",
        "ranks": world.size,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "penalty_gradients": "double backward",
        "dataset": {"name": data.name, "source": data.source, "content_hash": data.content_hash},
    }
