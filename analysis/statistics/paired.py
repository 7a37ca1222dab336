"""The mean difference within seeds."""

from dataclasses import dataclass

import pandas as pd
from scipy.stats import ttest_rel

from analysis.statistics.interval import Interval


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Student's t test of the differences within seeds."""

    difference: float  # its mean, in the metric's unit
    sd: float  # of the differences
    interval: Interval  # of `difference`
    p: float  # two-sided, that it is zero
    count: int  # common seeds


def paired(values: pd.Series, baseline: pd.Series, level: float) -> Paired:
    """Mean of `values - baseline` over the seeds that both have, with its interval at `level` (0 to 1).

    Both are indexed by seed, each seed once, and are finite. At least two seeds are common, and their differences vary;
    `pairing` says for which data that holds and is worth it.
    """
    common = values.index.intersection(baseline.index)
    test = ttest_rel(values.loc[common], baseline.loc[common])
    low, high = test.confidence_interval(level)
    differences = values.loc[common] - baseline.loc[common]
    return Paired(
        difference=float(differences.mean()),
        sd=float(differences.std()),
        interval=Interval(float(low), float(high)),
        p=float(test.pvalue),
        count=len(common),
    )
