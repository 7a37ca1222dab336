"""Which of many images are nearest to some.

Shapes: Q queries, B images at once, F coordinates, J neighbours.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

MOST_BYTES = 2**30  # of training images that are looked through


def nearest(queries: Tensor, batches: Iterable[Tensor], count: int) -> tuple[Tensor, Tensor]:
    """Distances [Q, J] from queries [Q, F] to the nearest of all rows of the batches [B, F], and their places [Q, J].

    Equal images are exactly 0 apart.
    """
    found, places, before = torch.empty(len(queries), 0), torch.empty(len(queries), 0, dtype=torch.int64), 0
    for batch in batches:
        distances = torch.cdist(queries, batch, compute_mode="donot_use_mm_for_euclid_dist")
        numbers = torch.arange(before, before + len(batch)).expand(len(queries), -1)
        found, places = torch.cat([found, distances], 1), torch.cat([places, numbers], 1)
        found, best = found.topk(min(count, found.shape[1]), largest=False)
        places, before = places.gather(1, best), before + len(batch)
    return found, places


def rows_to_search(total: int, resolution: int) -> int:
    """How many of so many images are looked through: all, or as many as MOST_BYTES hold."""
    return min(total, MOST_BYTES // (3 * resolution**2))
