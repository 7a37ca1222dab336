"""Which variants are not shown to be worse than the best one."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from analysis.statistics.families import holm
from analysis.statistics.interval import CONFIDENCE
from analysis.statistics.welch import welch
from r3gan.tables.metrics import Better


def not_worse_than_best(values: Mapping[str, np.ndarray], better: Better) -> set[str]:
    """The variant with the best mean, and those for which Welch's test does not show that theirs is worse.

    values: by variant, finite; one without a value is never among the answer. p is corrected by Holm's method over
    all pairs of variants, not only those with the best: which one is the best has been read from the same seeds. Where
    no test is possible nothing is shown.
    """
    known = {variant: own for variant, own in values.items() if len(own)}
    if not known:
        return set()
    sign = 1 if better == "higher" else -1
    best = max(known, key=lambda variant: sign * float(np.mean(known[variant])))
    pairs = list(combinations(known, 2))
    p = holm([welch(known[a], known[b], CONFIDENCE).p for a, b in pairs])
    shown = {pair for pair, corrected in zip(pairs, p, strict=True) if corrected <= 1 - CONFIDENCE}
    return {variant for variant in known if not {(variant, best), (best, variant)} & shown}
