"""Main effects and interactions of a two-level factorial design over several datasets."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import f

from analysis.statistics.factorial import Factorial
from analysis.statistics.factorial_effects import Effect, Samples, Term, effects, with_interval, without_interval
from analysis.statistics.interval import CONFIDENCE, Interval


@dataclass(frozen=True, kw_only=True)
class PooledEffect:
    """One contrast of the logarithms, averaged over datasets that count alike."""

    effect: Effect  # of the mean log; exp(value) is a ratio of geometric means
    ratio: float  # exp(effect.value)
    ratio_interval: Interval
    datasets: tuple[str, ...]  # those that are in it
    cochran_q: float  # sum of w (e - e_w)^2 with w = 1 / SE^2; NaN with one dataset
    heterogeneity_p: float  # Welch's test that the effect is the same in all datasets; NaN with one dataset
    note: str  # which datasets are left out and why; empty: none is


def pooled_effects(
    design: Factorial, datasets: Mapping[str, Samples], confidence: float = CONFIDENCE
) -> list[PooledEffect]:
    """Every main effect and interaction over several datasets, stratified by dataset.

    D_KL and FID of different data have no common unit, so the logarithm is taken first, seed by seed: a main effect
    is then a ratio of geometric means, which has none, and is 0 for no change. (The alternative, units of the
    baseline's standard deviation, divides by a number that few seeds know badly.) An interaction is a ratio of ratios:
    0 where the factors multiply, which is not the same as adding up.
    Datasets count alike, effect = sum e_d / D, SE^2 = sum SE_d^2 / D^2, df by Satterthwaite: the average over these
    datasets, whether they agree or not; of other datasets it says nothing. Weights 1 / SE^2 would follow the spread of
    a few seeds. Whether they agree is Welch's test (1951) on the effects, whose first part is Cochran's Q: Q itself is
    only chi-squared if the SEs are known. A dataset is left out, and named, for an effect it has no interval of: a cell
    with fewer than two values, or with values that are not positive and finite.
    """
    single = {dataset: _log_effects(design, samples, confidence) for dataset, samples in datasets.items()}
    return [
        _pool(term, {dataset: found[i] for dataset, found in single.items()}, confidence)
        for i, term in enumerate(design.terms())
    ]


def _log_effects(design: Factorial, samples: Samples, confidence: float) -> list[Effect]:
    """`effects` of the logarithms: of 0 and below they count as -inf, and so as not finite."""
    logs = {
        variant: np.log(values.where(values > 0)).fillna(-math.inf)
        for variant, values in ((variant, values.dropna()) for variant, values in samples.items())
    }
    return effects(design, logs, confidence)


def _pool(term: Term, single: Mapping[str, Effect], confidence: float) -> PooledEffect:
    used = {dataset: effect for dataset, effect in single.items() if effect.interval.is_known}
    note = "; ".join(f"without {dataset}: {effect.note}" for dataset, effect in single.items() if dataset not in used)
    if used:
        parts = [(effect.standard_error**2 / len(used) ** 2, effect.df) for effect in used.values()]
        effect = with_interval(term, sum(e.value for e in used.values()) / len(used), parts, confidence)
    else:
        effect = without_interval(term, math.nan, "no dataset has an interval of this effect")
    q, p = _heterogeneity(list(used.values())) if len(used) > 1 else (math.nan, math.nan)
    return PooledEffect(
        effect=effect,
        ratio=_ratio(effect.value),
        ratio_interval=Interval(_ratio(effect.interval.low), _ratio(effect.interval.high)),
        datasets=tuple(used),
        cochran_q=q,
        heterogeneity_p=p,
        note=note,
    )


def _ratio(log: float) -> float:
    """exp; infinite where it is too large for a float, as the end of an interval of very few seeds can be."""
    with np.errstate(over="ignore"):
        return float(np.exp(log))


def _heterogeneity(found: Sequence[Effect]) -> tuple[float, float]:
    """Cochran's Q and the p of Welch's F (Biometrika 38, 1951, eq. 27-28) on independent effects with own df."""
    values, df = np.array([e.value for e in found]), np.array([e.df for e in found])
    weights, k = np.array([e.standard_error for e in found]) ** -2.0, len(found)
    q = float((weights * (values - np.average(values, weights=weights)) ** 2).sum())
    lack = float(((1 - weights / weights.sum()) ** 2 / df).sum())
    statistic = q / (k - 1) / (1 + 2 * (k - 2) / (k**2 - 1) * lack)
    return q, float(f.sf(statistic, k - 1, (k**2 - 1) / (3 * lack)))
