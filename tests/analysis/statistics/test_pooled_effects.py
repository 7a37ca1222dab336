"""Effects over datasets: by hand, against statsmodels' meta-analysis, and in simulation."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.oneway import anova_oneway

from analysis.statistics.factorial_effects import Effect, effects, with_interval
from analysis.statistics.pooled_effects import _heterogeneity, pooled_effects
from tests.analysis.statistics.test_factorial_effects import design_of

DESIGN = design_of("a", "b")


def dataset(scale: float, a: float, b: float, seed: int, n: int = 5, spread: float = 0.1) -> dict[str, pd.Series]:
    """Values around scale * a^[a on] * b^[b on], without an interaction of the ratios."""
    rng = np.random.default_rng(seed)
    means = {"0": scale, "a": scale * a, "b": scale * b, "ab": scale * a * b}
    return {name: pd.Series(mean * np.exp(rng.normal(0, spread, n))) for name, mean in means.items()}


def test_ratios_of_values_without_noise_are_exact_whatever_the_units() -> None:
    exact = {"x": dataset(0.3, 2, 1, 0, spread=1e-6), "y": dataset(40, 8, 1, 1, spread=1e-6)}
    a, b, ab = pooled_effects(DESIGN, exact)
    assert (a.ratio, b.ratio, ab.ratio) == pytest.approx((4.0, 1.0, 1.0), rel=1e-5)
    assert a.heterogeneity_p < 1e-6
    assert a.datasets == ("x", "y")


def test_the_pooled_effect_is_the_mean_of_the_datasets_by_hand() -> None:
    both = {"x": dataset(0.3, 2, 1, 0), "y": dataset(40, 2, 1, 1)}
    x, y = (effects(DESIGN, {n: np.log(v) for n, v in cells.items()})[0] for cells in both.values())
    pooled = pooled_effects(DESIGN, both)[0]
    assert pooled.effect.value == pytest.approx((x.value + y.value) / 2)
    assert pooled.effect.standard_error == pytest.approx(math.hypot(x.standard_error, y.standard_error) / 2)
    df = (x.standard_error**2 + y.standard_error**2) ** 2 / (x.standard_error**4 / x.df + y.standard_error**4 / y.df)
    assert pooled.effect.df == pytest.approx(df)
    assert pooled.ratio_interval.low == pytest.approx(math.exp(pooled.effect.interval.low))
    assert pooled.ratio_interval.low < 2 < pooled.ratio_interval.high


def test_q_is_that_of_statsmodels_meta_analysis() -> None:
    found = [single(1.0, 0.2, 9), single(1.5, 0.3, 9), single(0.7, 0.1, 9)]
    expected = combine_effects(np.array([1.0, 1.5, 0.7]), np.array([0.2, 0.3, 0.1]) ** 2, method_re="chi2")
    assert _heterogeneity(found)[0] == pytest.approx(expected.q)


def test_heterogeneity_is_welchs_test() -> None:
    """Of three means: Welch's analysis of variance. Of two: Welch's t-test."""
    rng = np.random.default_rng(2)
    groups = [rng.normal(i, 1 + i, 4 + i) for i in range(3)]
    found = [single(g.mean(), g.std(ddof=1) / math.sqrt(len(g)), len(g) - 1) for g in groups]
    expected = anova_oneway(groups, use_var="unequal", welch_correction=True).pvalue
    assert _heterogeneity(found)[1] == pytest.approx(expected)
    assert _heterogeneity(found[:2])[1] == pytest.approx(ttest_ind(*groups[:2], equal_var=False).pvalue)


def test_intervals_cover_and_heterogeneity_holds_its_level() -> None:
    runs, covered, different = 160, 0, 0
    for run in range(runs):
        three = {str(d): dataset(10**d, 1.2, 1, 3 * run + d, n=4, spread=(0.05, 0.1, 0.3)[d]) for d in range(3)}
        a = pooled_effects(DESIGN, three)[0]
        covered += a.ratio_interval.low < 1.2 < a.ratio_interval.high
        different += a.heterogeneity_p < 0.05
    assert 0.91 < covered / runs < 0.99
    assert 0.01 < different / runs < 0.09


def test_a_dataset_without_an_interval_is_left_out_and_named() -> None:
    x = dataset(1, 2, 1, 0)
    for wrong, why in ((0.0, "not finite"), (-1.0, "not finite"), (math.inf, "not finite")):
        y = {**x, "ab": pd.Series([1.0, wrong])}
        pooled = pooled_effects(DESIGN, {"x": x, "y": y})[0]
        assert pooled.datasets == ("x",)
        assert pooled.note.startswith("without y: ab with")
        assert why in pooled.note
        assert math.isnan(pooled.heterogeneity_p)
        assert pooled.effect.value == pytest.approx(pooled_effects(DESIGN, {"x": x})[0].effect.value)


def test_without_any_dataset_there_is_no_effect() -> None:
    pooled = pooled_effects(DESIGN, {"x": {**dataset(1, 2, 1, 0), "a": pd.Series([1.0])}})[0]
    assert (pooled.datasets, pooled.effect.note) == ((), "no dataset has an interval of this effect")
    assert math.isnan(pooled.ratio)
    assert not pooled.ratio_interval.is_known


def test_an_interval_that_no_float_holds_ends_at_infinity() -> None:
    cells = {name: pd.Series([1e-150, 1e150]) for name in DESIGN.cells.values()}
    a = pooled_effects(DESIGN, {"x": cells})[0]
    assert (a.ratio_interval.low, a.ratio_interval.high) == (0.0, math.inf)


def single(value: float, error: float, df: float) -> Effect:
    return with_interval(("a",), value, [(error**2, df)], 0.95)
