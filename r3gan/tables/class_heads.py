"""How D uses the class of an image."""

from typing import NamedTuple


class ClassHeadRow(NamedTuple):
    """D's logit is the product of its features with a direction: that of the class, and one of no class if there is."""

    unconditional: bool  # whether D learns a direction that all images share
    text: str


CLASS_HEADS = {
    "embedding": ClassHeadRow(False, "the product of D's features with the class's embedding; as released"),
    "projection": ClassHeadRow(
        True,
        "the same and a logit that knows no class, both of the same features (arXiv 1802.05637): as many weights more "
        "as the lowest stage is wide; exact by first order",
    ),
}
