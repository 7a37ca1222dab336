"""Collapse: a seed that ends far worse than it, or its siblings, have been, by a rule that is stated beforehand."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import median_abs_deviation

from experiments.design import CollapseRule
from r3gan.tables.metrics import Better

MIN_SEEDS_FOR_SPREAD = 3


def sentence(rule: CollapseRule, metric_label: str, unit: str = "") -> str:
    """The rule in words, for a metric and its unit."""
    least = f" and by more than {rule.at_least:g} {unit}".rstrip() if rule.at_least else ""
    bound = "" if rule.worse_than is None else f", or if it is worse than {rule.worse_than:g}, whatever else holds"
    return (
        f"A seed has collapsed if its last {metric_label} is worse than its reference by more than a factor of "
        f"{rule.factor:g} and by more than {rule.spreads:g} times the baseline's spread{least}{bound}; the "
        f"reference is the better of the seed's own best value and the median of its variant's last values, and the "
        f"spread is 1.4826 times the median absolute deviation of the baseline's last values "
        f"(with fewer than {MIN_SEEDS_FOR_SPREAD} seeds it counts as 0, and the factor decides)."
    )


def find_threshold(rule: CollapseRule, reference: float, spread: float, better: Better) -> float:
    """The value beyond which a last value is a collapse; NaN where the data allow none.

    Lower is better: max(factor * reference, reference + spreads * spread, reference + at_least). Higher is better:
    min(reference / factor, reference - spreads * spread, reference - at_least). A ratio to a reference that is not
    positive (KID can be negative) means nothing: there the spread decides, and without a spread only `worse_than` is
    left.
    """
    worse = 1.0 if better == "lower" else -1.0
    if math.isnan(reference) or (reference <= 0 and not rule.spreads * spread):
        found = math.nan
    else:
        by_spread = reference + worse * rule.spreads * spread
        by_factor = reference * rule.factor**worse if reference > 0 else reference
        by_difference = reference + worse * (rule.at_least or 0.0)
        found = worse * max(worse * by_factor, worse * by_spread, worse * by_difference)
    if rule.worse_than is None:
        return found
    return rule.worse_than if math.isnan(found) else worse * min(worse * found, worse * rule.worse_than)


@dataclass(frozen=True, kw_only=True)
class SeedCollapse:
    """What the rule found in one seed of one variant. NaN: nothing was measured, or (threshold) nothing can be said."""

    variant: str
    seed: int
    last: float
    best: float
    best_kimg: float  # the first time it was that good
    reference: float
    threshold: float
    collapsed: bool
    since_kimg: float | None  # the first evaluation from which it stayed beyond the threshold; None: not collapsed


@dataclass(frozen=True, kw_only=True)
class Collapses:
    """The rule on all seeds of one dataset, in the order in which they stand in the points."""

    seeds: tuple[SeedCollapse, ...]
    spread: float  # of the baseline's last values
    note: str  # what is special about these data; empty: nothing

    @property
    def collapsed(self) -> tuple[tuple[str, int], ...]:
        """Variant and seed of each collapse."""
        return tuple((found.variant, found.seed) for found in self.seeds if found.collapsed)


def find_collapses(points: pd.DataFrame, better: Better, baseline: str, rule: CollapseRule) -> Collapses:
    """Which seeds of one dataset have collapsed.

    points: columns variant, seed, kimg, value: every evaluation of the primary metric in jobs that have finished. NaN
    is an evaluation that did not take place; an infinite value in the worse direction is always beyond the threshold.
    The median of an even number of seeds is the better one of the two in the middle, so that of two siblings the good
    one is the reference. If most seeds of a variant never were good, that is an effect of the variant and no collapse.
    """
    measured = points[points["value"].notna()].sort_values("kimg", kind="stable")
    lasts = measured.groupby(["variant", "seed"], sort=False)["value"].last()
    usual = {variant: _better_median(values.to_numpy(), better) for variant, values in lasts.groupby(level="variant")}
    spread, notes = _spread(lasts[lasts.index.get_level_values("variant") == baseline].to_numpy(), baseline)
    curves = dict(iter(measured.groupby(["variant", "seed"], sort=False)))
    seeds = []
    for variant, seed in points[["variant", "seed"]].drop_duplicates().itertuples(index=False, name=None):
        if (variant, seed) in curves:
            seeds.append(_judge(curves[variant, seed], usual[variant], spread, better, rule))
        else:
            seeds.append(_unmeasured(variant, seed))
            notes.append(f"{variant}, seed {seed}: nothing was measured, so that collapse cannot be seen")
    if any(not math.isnan(found.last) and math.isnan(found.threshold) for found in seeds):
        notes.append("a reference is not positive and the baseline has no spread: no collapse can be told from it")
    return Collapses(seeds=tuple(seeds), spread=spread, note="; ".join(notes))


def _judge(curve: pd.DataFrame, usual: float, spread: float, better: Better, rule: CollapseRule) -> SeedCollapse:
    values, kimg = curve["value"].to_numpy(), curve["kimg"].to_numpy()
    at = int(values.argmin() if better == "lower" else values.argmax())
    reference = float(min(values[at], usual) if better == "lower" else max(values[at], usual))
    threshold = find_threshold(rule, reference, spread, better)
    losses, limit = (values, threshold) if better == "lower" else (-values, -threshold)
    beyond = (losses > limit) | np.isposinf(losses)
    within = np.flatnonzero(~beyond)
    first = int(within[-1]) + 1 if len(within) else 0
    return SeedCollapse(
        variant=curve["variant"].iloc[0],
        seed=int(curve["seed"].iloc[0]),
        last=float(values[-1]),
        best=float(values[at]),
        best_kimg=float(kimg[at]),
        reference=reference,
        threshold=threshold,
        collapsed=bool(beyond[-1]),
        since_kimg=float(kimg[first]) if beyond[-1] else None,
    )


def _unmeasured(variant: str, seed: int) -> SeedCollapse:
    return SeedCollapse(
        variant=variant,
        seed=seed,
        last=math.nan,
        best=math.nan,
        best_kimg=math.nan,
        reference=math.nan,
        threshold=math.nan,
        collapsed=False,
        since_kimg=None,
    )


def _better_median(values: np.ndarray, better: Better) -> float:
    """The median; of an even number of values, the better one of the two in the middle."""
    ordered = np.sort(values)
    return float(ordered[(len(ordered) - 1) // 2] if better == "lower" else ordered[len(ordered) // 2])


def _spread(lasts: np.ndarray, baseline: str) -> tuple[float, list[str]]:
    """1.4826 MAD of the finite values, which estimates a normal sample's SD; 0 with fewer than three of them."""
    finite = lasts[np.isfinite(lasts)]
    if len(finite) < MIN_SEEDS_FOR_SPREAD:
        seeds = f"{len(finite)} finite last value{'' if len(finite) == 1 else 's'}"
        return 0.0, [f"{baseline} has {seeds}, too few for a spread: it counts as 0, and the factor decides"]
    return float(median_abs_deviation(finite, scale="normal")), []
