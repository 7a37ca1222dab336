"""What the samples of a metric are compared with."""

from dataclasses import dataclass

from r3gan.deferred import Deferred


@dataclass(frozen=True)
class ReferenceRow:
    """One kind of reference."""

    compute: Deferred  # (feature network, layer, dataset, number of samples) -> r3gan.evaluation.scores.Reference
    of_images: bool  # of the training images as they are, of which there can be too few
    text: str  # for documentation


REFERENCES = {
    "nothing": ReferenceRow(Deferred("r3gan.evaluation.reference:no_reference"), False, "nothing"),
    "exact": ReferenceRow(
        Deferred("r3gan.evaluation.reference:exact_reference"),
        False,
        "all combinations of training digits, exactly (stacked digits only)",
    ),
    "shares": ReferenceRow(
        Deferred("r3gan.evaluation.point_modes:shares_reference"),
        False,
        "the distribution that the points are drawn from, exactly",
    ),
    "statistics": ReferenceRow(
        Deferred("r3gan.evaluation.reference:statistics_reference"), True, "all training images"
    ),
    "features": ReferenceRow(
        Deferred("r3gan.evaluation.reference:features_reference"),
        True,
        "as many training images as samples, 50,000 at most",
    ),
}
