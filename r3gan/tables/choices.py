"""Which table a configuration key's names are of, and what is said of a choice in a dry run and in the reference."""

from collections.abc import Iterable, Mapping
from typing import Any

from r3gan.tables.activations import ACTIVATIONS
from r3gan.tables.attentions import ATTENTIONS
from r3gan.tables.capacities import CAPACITIES
from r3gan.tables.normalisations import NORMALISATIONS
from r3gan.tables.resamplings import RESAMPLINGS

CHOICES: Mapping[str, Mapping[str, Any]] = {
    "network.activation": ACTIVATIONS,
    "network.attention.kind": ATTENTIONS,
    "network.capacity.shape": CAPACITIES,
    "network.normalisation": NORMALISATIONS,
    "network.resampling": RESAMPLINGS,
}
REMARKS = {
    "network.activation_after_mix=none": "the grouped convolution has neither bias nor activation: fewer weights, "
    "still exact by first order; among the paper's negative results",
    "network.attention.position=learned": "a learned map that starts at zero is added to the input of each block, so "
    "that attention can tell where it looks: C S^2 more weights at resolution S; exact by first order",
}  # of values that no table holds

ANY_VALUE = {
    "network.dropout": "whole channels of D, image by image, after the blocks of each stage (arXiv 1411.4280), the "
    "same in all passes of a step; no weights; still exact by first order; among the settings of the earlier ablation",
    "network.minibatch_kernels": "D sees how near an image is to others of its group (arXiv 1606.03498), whose "
    "gradients the penalties then couple; double backward; among the settings of the earlier ablation",
    "network.transformer.resolutions": "attention with learned positions and a perceptron of four times the width "
    "in place of each residual block, without normalisation; exact by first order; a transformer is among the paper's "
    "negative results",
    "schedules.instance_noise.start": "normal noise on all that D sees, in G's step too (arXiv 1610.04490); the "
    "penalties are taken at the noisy images; still exact by first order; among the settings of the earlier ablation",
}  # of keys, whatever their value


def remarks(differences: Iterable[tuple[str, Any]]) -> list[str]:
    """What is known of changed keys and their values, a sentence each."""
    found = []
    for key, value in differences:
        table = CHOICES.get(key, {})
        text = table[value].text if isinstance(value, str) and value in table else REMARKS.get(f"{key}={value}")
        text = text or ANY_VALUE.get(key)
        found += [f"{key} {value}: {text}"] if text else []
    return found
