"""Ranks of variants over datasets, and Friedman's test of them."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import friedmanchisquare, rankdata

from r3gan.tables.metrics import Better

MIN_FOR_FRIEDMAN = 3  # datasets, and variants


def ranks_of(used: Mapping[str, Mapping[str, np.ndarray]], names: Sequence[str], better: Better) -> np.ndarray:
    """Ranks of the variants' medians in each dataset, 1 is the best, ties share the mean: [datasets, variants]."""
    medians = np.array([[np.median(cells[name]) for name in names] for cells in used.values()])
    return np.asarray(rankdata(medians if better == "lower" else -medians, axis=1))


def friedman(ranks: np.ndarray) -> tuple[float, str]:
    """p of Friedman's test that all variants rank alike, and a note that says why it is missing or says little.

    ranks: [datasets, variants]. The chi-squared approximation (scipy) finds less than an exact test where datasets are
    few: three that agree fully on three variants have p 0.050. NaN with fewer than three datasets or variants.
    """
    datasets, variants = ranks.shape
    if min(datasets, variants) < MIN_FOR_FRIEDMAN:
        return math.nan, f"no Friedman test of {variants} variants in {datasets} datasets: it takes three of each"
    if (ranks == ranks[0, 0]).all():
        return 1.0, "all variants share every rank"
    return float(friedmanchisquare(*ranks.T).pvalue), ""
