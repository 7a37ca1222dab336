"""Which table a configuration key's names are of, and what is said of a choice in a dry run and in the reference."""

from collections.abc import Iterable, Mapping
from typing import Any

from r3gan.tables.activations import ACTIVATIONS
from r3gan.tables.attentions import ATTENTIONS
from r3gan.tables.augmentation_filters import AUGMENTATION_FILTERS
from r3gan.tables.capacities import CAPACITIES
from r3gan.tables.normalisations import NORMALISATIONS
from r3gan.tables.resamplings import RESAMPLINGS

CHOICES: Mapping[str, Mapping[str, Any]] = {
    "network.activation": ACTIVATIONS,
    "network.attention.kind": ATTENTIONS,
    "network.capacity.shape": CAPACITIES,
    "network.normalisation": NORMALISATIONS,
    "network.resampling": RESAMPLINGS,
    "augmentation.filter": AUGMENTATION_FILTERS,
}
REMARKS = {
    "network.activation_after_mix=none": "the grouped convolution has neither bias nor activation: fewer weights, "
    "still exact by first order; among the paper's negative results",
    "network.attention.position=learned": "a learned map that starts at zero is added to the input of each block, so "
    "that attention can tell where it looks: C S^2 more weights at resolution S; exact by first order",
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
}  # of values that no table holds


def remarks(differences: Iterable[tuple[str, Any]]) -> list[str]:
    """What is known of changed keys and their values, a sentence each."""
    found = []
    for key, value in differences:
        table = CHOICES.get(key, {})
        text = table[value].text if isinstance(value, str) and value in table else REMARKS.get(f"{key}={value}")
        found += [f"{key} {value}: {text}"] if text else []
    return found
