"""One training step: the gradients of D and of G, in parts that fit into memory, and what is done with them."""

from dataclasses import replace

import torch
from torch import Tensor

from r3gan.config import IMG_PER_KIMG, NetworkName, OptimiserConfig, PenaltyConfig
from r3gan.distributed import World
from r3gan.model.conv import follow_weights, prepare_weights
from r3gan.model.dropout import dropping
from r3gan.model.networks import Discriminator, Generator
from r3gan.training.adam import Adam
from r3gan.training.augment import Augmentation, make_augmentation
from r3gan.training.batches import Batch, of_both
from r3gan.training.first_order import AffineMap
from r3gan.training.instance_noise import Noisy
from r3gan.training.lazy import adam_correction, passes_of_step
from r3gan.training.loss_scale import ScaleUnderflow
from r3gan.training.options import StepOptions
from r3gan.training.penalties import backward_discriminator
from r3gan.training.state import TrainState


class NonFiniteLoss(Exception):
    """A loss became infinite or not a number; the weights were not updated with it."""


def discriminator_step(state: TrainState, batch: Batch, world: World, options: StepOptions) -> dict[str, Tensor]:
    """One step of D, of one update or two: see r3gan/training/lazy.py.

    Returns the terms of its loss, averaged over this rank; those of lazy penalties only if the step has them.
    """
    terms: dict[str, Tensor] = {}
    for each in passes_of_step(options, options.step):
        prepare_weights(state.discriminator)
        asked = scaled(each.options, state, "discriminator", world)
        found = accumulate_discriminator(state.generator, state.discriminator, batch, asked)
        require_finite(found, state.images)
        update(state, "discriminator", world)
        terms |= {name: found[name] for name in each.terms}
    return terms


def generator_step(state: TrainState, batch: Batch, world: World, options: StepOptions) -> dict[str, Tensor]:
    """One update of G. Returns its loss, averaged over this rank."""
    prepare_weights(state.generator)
    asked = scaled(options, state, "generator", world)
    terms = accumulate_generator(state.generator, state.discriminator, batch, asked)
    require_finite(terms, state.images)
    update(state, "generator", world)
    return terms


def scaled(options: StepOptions, state: TrainState, name: NetworkName, world: World) -> StepOptions:
    """The same with the network's loss scale, where it has one."""
    scale = state.loss_scales.get(name)
    return options if scale is None else replace(options, loss_scale=scale.of_rank(world.size))


def update(state: TrainState, name: NetworkName, world: World) -> None:
    """Step by the gradients of all ranks; not where a scaled one is not finite, which is counted.

    Raises NonFiniteLoss if that is so at any scale.
    """
    network, adam = getattr(state, name), getattr(state, f"{name}_adam")
    world.average_gradients(network.parameters())
    try:
        if name not in state.loss_scales or state.loss_scales[name].unscale(network.parameters(), world.size):
            adam.step()
    except ScaleUnderflow as error:
        kimg = state.images / IMG_PER_KIMG
        raise NonFiniteLoss(f"{name}: {error} in the step after {kimg:g} kimg: stopped before the update") from error


def accumulate_discriminator(
    generator: Generator, discriminator: Discriminator, batch: Batch, options: StepOptions
) -> dict[str, Tensor]:
    """Replace D's gradients by those of the batch, `micro_batch` pairs at a time. Returns the averaged terms."""
    discriminator.zero_grad()
    terms = []
    for part in batch.parts(options.micro_batch or len(batch), discriminator.together):
        with torch.no_grad():
            fake = generator(*part.generated_from)
        augment = seen_through(part.noise_of_both(), of_both(part.instance_noise), options, fake)
        with dropping(discriminator, of_both(part.dropout)):
            terms.append(
                backward_discriminator(
                    discriminator,
                    part.real,
                    fake,
                    part.labels,
                    options,
                    pairs=len(batch),
                    augment=augment,
                    directions=part.directions_of_both(),
                )
            )
    names = {"loss_d": "adversarial", "logit_gap": "logit_gap", "r1": "r1", "r2": "r2"}
    return {name: torch.cat([getattr(part, term) for part in terms]).mean() for name, term in names.items()}


def accumulate_generator(
    generator: Generator, discriminator: Discriminator, batch: Batch, options: StepOptions
) -> dict[str, Tensor]:
    """Replace G's gradients by those of the batch, `micro_batch` pairs at a time. Returns the averaged loss."""
    generator.zero_grad()
    discriminator.requires_grad_(False)
    losses = []
    for part in batch.parts(options.micro_batch or len(batch), discriminator.together):
        logits = []
        for i, images in enumerate((part.real, generator(*part.generated_from))):
            noise = None if part.noise is None else part.noise[:, i]
            added, dropped = (None if each is None else each[:, i] for each in (part.instance_noise, part.dropout))
            augment = seen_through(noise, added, options, images)
            with torch.set_grad_enabled(images.requires_grad), dropping(discriminator, dropped):
                logits.append(discriminator(images if augment is None else augment(images), part.labels))
        terms = options.loss.generator(*logits)
        (options.loss_scale * terms.sum() / len(batch)).backward()
        losses.append(terms.detach())
    discriminator.requires_grad_(True)
    return {"loss_g": torch.cat(losses).mean()}


def augmentation(noise: Tensor | None, options: StepOptions, images: Tensor) -> Augmentation | None:
    """For these images; None if nothing is to be augmented."""
    p = options.augment_p
    if noise is None or p == 0:
        return None
    return make_augmentation(noise, p, images.shape[-1], options.augmentation)


def seen_through(
    noise: Tensor | None, instance_noise: Tensor | None, options: StepOptions, images: Tensor
) -> AffineMap | None:
    """What lies between these images and D: their augmentation, then instance noise; None if there is neither."""
    augment, sigma = augmentation(noise, options, images), options.instance_noise
    return augment if instance_noise is None or sigma == 0 else Noisy(augment, instance_noise, sigma)


def schedule_adam(
    state: TrainState,
    lr: float,
    beta2: float,
    optimiser: OptimiserConfig = OptimiserConfig(),  # noqa: B008
    penalties: PenaltyConfig = PenaltyConfig(),  # noqa: B008
) -> None:
    """Give both optimisers the scheduled learning rate and beta2, and what does not change, for their next steps.

    D's learning rate is lr_ratio times G's; lazy penalties correct D's settings (r3gan/training/lazy.py).
    """
    set_adam(state.generator_adam, lr, optimiser.beta1, beta2)
    c = adam_correction(penalties)
    set_adam(state.discriminator_adam, c * optimiser.lr_ratio * lr, optimiser.beta1**c, beta2**c)


def set_adam(adam: Adam, lr: float, beta1: float, beta2: float) -> None:
    """For its next steps."""
    adam.lr, adam.beta1, adam.beta2 = lr, beta1, beta2


@torch.no_grad()
def update_ema(state: TrainState, decay: float) -> None:
    """ema <- decay * ema + (1 - decay) * generator."""
    torch._foreach_lerp_(list(state.ema.parameters()), list(state.generator.parameters()), 1 - decay)
    follow_weights(state.ema)


def require_finite(terms: dict[str, Tensor], images: int) -> None:
    """Raise NonFiniteLoss naming the first term that is not finite."""
    if not torch.isfinite(sum(terms.values(), torch.zeros(()))):
        name = next(name for name, value in terms.items() if not torch.isfinite(value))
        value, kimg = terms[name].item(), images / IMG_PER_KIMG
        raise NonFiniteLoss(f"{name} is {value} in the step after {kimg:g} kimg: stopped before the update")
