"""Normalisation of the networks' convolutions. None is as released."""

from dataclasses import dataclass

from r3gan.deferred import Deferred


@dataclass(frozen=True, kw_only=True)
class NormalisationRow:
    """What acts on every convolution's weight, or on the outputs of those in the blocks that an activation follows."""

    text: str
    of_weights: Deferred | None = None  # a WeightRule: see r3gan/model/weight_rules.py
    of_outputs: Deferred | None = None  # a module of (outputs, bias), made for so many channels


LAST_GAIN = "the last convolution of a block gets a learned gain that starts at zero"
NORMALISATIONS = {
    "none": NormalisationRow(text="as released"),
    "group-norm": NormalisationRow(
        of_outputs=Deferred("r3gan.model.group_norm:GroupNorm"),
        text="before each activation of a block, 16 channels a group (arXiv 1803.08494); in D not piecewise linear, so "
        "double backward; among the paper's negative results",
    ),
    "magnitude-preserving": NormalisationRow(
        of_weights=Deferred("r3gan.model.weight_rules:MagnitudePreserving"),
        text="every filter of a convolution has a fixed norm, to which its weights are put back before each step "
        "(EDM2, arXiv 2312.02696, section 2.3; its learning-rate rule is schedules.lr.shape, and its scaled sums, "
        "concatenations and activations, pixel normalisation and leaving out of biases are not here); "
        f"{LAST_GAIN}; exact by first order; among the paper's negative results",
    ),
    "spectral": NormalisationRow(
        of_weights=Deferred("r3gan.model.weight_rules:Spectral"),
        text="every convolution's weight matrix over its largest singular value, by one power iteration a step (arXiv "
        f"1802.05957), without the activation's gain; {LAST_GAIN}; exact by first order",
    ),
}
