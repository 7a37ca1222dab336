"""Which table a configuration key's names are of, and what is said of a choice in a dry run and in the reference."""

from collections.abc import Iterable, Mapping
from typing import Any

from r3gan.tables.activations import ACTIVATIONS
from r3gan.tables.attentions import ATTENTIONS
from r3gan.tables.augmentation_filters import AUGMENTATION_FILTERS
from r3gan.tables.capacities import CAPACITIES
from r3gan.tables.class_heads import CLASS_HEADS
from r3gan.tables.normalisations import NORMALISATIONS
from r3gan.tables.resamplings import RESAMPLINGS
from r3gan.tables.schedule_shapes import SCHEDULE_SHAPES

CHOICES: Mapping[str, Mapping[str, Any]] = {
    "network.activation": ACTIVATIONS,
    "network.attention.kind": ATTENTIONS,
    "network.capacity.shape": CAPACITIES,
    "network.class_head": CLASS_HEADS,
    "network.normalisation": NORMALISATIONS,
    "network.resampling": RESAMPLINGS,
    "augmentation.filter": AUGMENTATION_FILTERS,
    "schedules.*.shape": SCHEDULE_SHAPES,
}
REMARKS = {
    "network.activation_after_mix=none": "the grouped convolution has neither bias nor activation: fewer weights, "
    "still exact by first order; among the paper's negative results",
    "network.attention.position=learned": "a learned map that starts at zero is added to the input of each block, so "
    "that attention can tell where it looks: C S^2 more weights at resolution S; exact by first order",
    "network.style.mapping_layers": "so many fully connected layers with leaky ReLU between z and what uses it, with a "
    "hundredth of the learning rate, as in StyleGAN (arXiv 1812.04948); z is not normalised, so that truncation keeps "
    "its meaning; in G alone, and left out by R3GAN",
    "network.style.modulation=blocks": "each residual block of G computes from its input with every channel times "
    "1 + A w, A starting at zero; StyleGAN2 (arXiv 1912.04958) scales inputs of convolutions so, and then normalises, "
    "which is not done here; left out by R3GAN",
    "network.style.noise": "each residual block of G computes from its input with a map of noise added, times a "
    "strength for every channel that starts at zero (arXiv 1812.04948); the noise is the end of a latent; left out by "
    "R3GAN",
    "network.style.mixing": "with this probability an image in training has the styles of a second latent from a "
    "random block on (arXiv 1812.04948); samples do not mix; left out by R3GAN",
    "label_dropout": "so many of the pairs of a training, real and generated alike, come with zeros in place of their "
    "class to G and D, whose logit is then the one that knows no class; samples can be asked for so too",
    "network.bf16_stages": "on a GPU so many stages, from the highest resolution down, compute in bfloat16, as "
    "released: half the memory for what they keep, no more weights; a CPU computes in float32 unless it emulates",
    "network.fp16_stages": "on a GPU so many stages, from the highest resolution down (below 0: all but so many), "
    "compute in float16: half the memory for what they keep, as with bfloat16, no more weights; the losses are scaled, "
    "and a step whose gradients are not finite is left out; exact by first order; a CPU computes in float32 unless it "
    "emulates; fp16 is among the paper's negative results",
    "optimiser.loss_scale": "the losses of both networks times this one number, their gradients over it, in place of a "
    "factor that adapts: costs nothing, but a gradient that is not finite ends the job",
    "network.emulate_precision=True": "on a CPU, weights and what convolutions take and give are rounded to the format "
    "of bf16_stages or fp16_stages, in all passes, and gradients pass straight through: slower; sums inside a "
    "convolution stay in float32",
    "augmentation.flip=False": "no image is mirrored; the other groups keep their draws",
    "augmentation.turn=False": "no image is turned by quarters; the other groups keep their draws",
    "augmentation.shift=False": "no image is moved by whole pixels; the other groups keep their draws",
    "augmentation.geometry=False": "no scaling, rotation, stretching or shift between the pixels; the other groups "
    "keep their draws",
    "augmentation.colour=False": "no colours are changed; the other groups keep their draws",
    "augmentation.cutout=False": "no image is partly erased; the other groups keep their draws",
    "network.dropout": "whole channels of D, image by image, after the blocks of each stage (arXiv 1411.4280), the "
    "same in all passes of a step; no weights; still exact by first order; among the settings of the earlier ablation",
    "network.minibatch_kernels": "D sees how near an image is to others of its group (arXiv 1606.03498), whose "
    "gradients the penalties then couple; double backward; among the settings of the earlier ablation",
    "network.transformer.resolutions": "attention with learned positions and a perceptron of four times the width "
    "in place of each residual block, without normalisation; exact by first order; a transformer is among the paper's "
    "negative results",
    "schedules.instance_noise.start": "normal noise on all that D sees, in G's step too (arXiv 1610.04490); the "
    "penalties are taken at the noisy images; still exact by first order; among the settings of the earlier ablation",
}  # of values that no table holds, or of keys that are numbers and switches


def remarks(differences: Iterable[tuple[str, Any]]) -> list[str]:
    """What is known of changed keys and their values, a sentence each."""
    found = []
    for key, value in differences:
        table = CHOICES.get(of_every_schedule(key), {})
        text = table[value].text if isinstance(value, str) and value in table else remark(key, value)
        found += [f"{key} {value}: {text}"] if text else []
    return found


def of_every_schedule(key: str) -> str:
    """schedules.*.shape for schedules.lr.shape; any other key as it is."""
    first, *rest = key.split(".")
    return f"schedules.*.{rest[1]}" if first == "schedules" and len(rest) == 2 else key


def remark(key: str, value: Any) -> str | None:
    """What is known of a value that no table holds, or of its key unless the value switches it off."""
    return REMARKS.get(f"{key}={value}", REMARKS.get(key) if value else None)
