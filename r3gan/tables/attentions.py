"""Along which positions of a feature map self-attention looks, and what tells it where they are."""

from dataclasses import dataclass
from typing import Literal

Along = Literal["all", "rows", "columns"]


@dataclass(frozen=True, kw_only=True)
class AttentionRow:
    """One or more blocks of self-attention, one after the other."""

    text: str
    along: tuple[Along, ...]  # of each block: all positions, or those of one row or column


ATTENTIONS = {
    "full": AttentionRow(
        along=("all",),
        text="one block over all positions (arXiv 1805.08318); attention is among the paper's negative results",
    ),
    "axial": AttentionRow(
        along=("columns", "rows"),
        text="two blocks, over the columns and over the rows (arXiv 1912.12180): twice the weights, S^3 instead of S^4 "
        "products at resolution S; attention is among the paper's negative results",
    ),
}
